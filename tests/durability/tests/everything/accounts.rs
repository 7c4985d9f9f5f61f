//! What a server with accounts of its own does.

use std::sync::Arc;

use guestlist_contract::types::{MessageKind, Principal};
use guestlist_durability::world;
use guestlist_storage::{
    Actor, Database, DeliveryState, Identity, NewClient, NewDelivery, NewSession, NewToken, SignIn,
    TakenMessage,
};

const DAY: u64 = 24 * 3_600_000;

/// Does it, and tells `was` after each operation what it was.
pub async fn done(database: &Database, was: &impl Fn(&'static str)) {
    let (accounts, account) = (database.accounts(), world::resident(90));
    let (organization, holder) = (world::child(0), Principal::User(account.clone()));
    let actor = Actor { who: Principal::System, request_id: String::new(), operation: "test".into() };
    accounts.set_handle(&actor, &organization, "a-handle").await.unwrap();
    was("set-handle");
    assert!(accounts.organization_by_handle(world::PARENT, "a-handle").await.unwrap().is_some());
    assert!(accounts.root_by_handle("a-handle").await.unwrap().is_none());
    assert_eq!(accounts.path_of(&organization).await.unwrap().len(), 2);
    was("handles");
    accounts.set_password(&actor, &account, "$x$y").await.unwrap();
    assert!(accounts.password_of(world::PARENT, &world::name(90)).await.unwrap().is_some());
    accounts.note_sign_in(&actor, world::PARENT, Some(&account), SignIn::Done).await.unwrap();
    assert!(accounts.remove_password(&actor, &account).await.unwrap());
    was("passwords");
    let (digest, root) = ([1; 32], world::PARENT.to_owned());
    // Its use is written down each time.
    let session = NewSession { digest, account: account.clone(), root, idle: 9, lifetime: DAY };
    accounts.begin_session(&actor, &session).await.unwrap();
    accounts.resume_session(&digest).await.unwrap();
    accounts.end_session(&actor, &digest).await.unwrap();
    assert_eq!(accounts.end_sessions_of(&actor, &account, None).await, Ok(1));
    was("sessions");
    let client = NewClient { id: "c-1".into(), name: "A client".into(), secret: digest, lifetime: None };
    accounts.create_client(&actor, &organization, &client).await.unwrap();
    assert!(accounts.authenticate_client("c-1", &digest).await.unwrap().is_some());
    accounts.rotate_client_secret(&actor, &organization, "c-1", &[2; 32], None).await.unwrap();
    assert!(accounts.client(&organization, "c-1").await.unwrap().is_some());
    for (digest, holder) in [([3; 32], holder.clone()), ([4; 32], Principal::Client("c-1".into()))] {
        let scopes = vec!["read".into()];
        let token = NewToken { digest, organization: organization.clone(), holder, scopes, lifetime: DAY };
        accounts.issue_token(&actor, &token).await.unwrap();
        assert!(accounts.find_token(&digest).await.unwrap().is_some());
    }
    assert!(accounts.revoke_token(&actor, &[3; 32]).await.unwrap());
    assert_eq!(accounts.revoke_tokens_of(&actor, &holder).await, Ok(1));
    accounts.revoke_client(&actor, &organization, "c-1").await.unwrap();
    was("machines");
    let identity = Identity { issuer: "https://idp.example".into(), subject: "s".into() };
    accounts.link_identity(&actor, &account, &identity).await.unwrap();
    assert!(accounts.account_of(world::PARENT, &identity).await.unwrap().is_some());
    assert_eq!(accounts.identities_of(&account).await.unwrap().len(), 2);
    accounts.unlink_identity(&actor, &account, &identity).await.unwrap();
    was("identities");
    accounts.make_link(&actor, "first-start", &digest, DAY).await.unwrap();
    assert!(accounts.is_link("first-start", &digest).await.unwrap());
    assert!(accounts.use_link(&actor, "first-start", &digest).await.unwrap());
    was("links");
    for _ in 0..2 {
        accounts.remember(Some(&organization), &holder, "key", &digest).await.unwrap();
    }
    accounts.keep_answer(Some(&organization), &holder, "key", "{}").await.unwrap();
    accounts.forget(Some(&organization), &holder, "key").await.unwrap();
    was("remembered");
    let delivery = NewDelivery {
        invitation: "none".into(),
        kind: MessageKind::Invitation,
        version: 1,
        state: DeliveryState::Queued,
        next_at: None,
        words: None,
    };
    assert!(!accounts.record_delivery(&organization, &delivery).await.unwrap());
    assert!(accounts.deliveries_of(&organization, "none").await.unwrap().is_empty());
    was("deliveries");
    let invitations = database.invitations(Arc::new(database.people())).with_taken_lease(1);
    let held = TakenMessage { invitation: "none".into(), kind: MessageKind::Invitation, version: 1 };
    assert_eq!(invitations.renew_taken(&organization, &[held]).await, Ok(vec![false]));
    assert_eq!(invitations.release_taken(100).await, Ok(0));
    was("taken");
    assert_eq!(accounts.purge_over(100).await, Ok(0));
    was("purge-over");
}
