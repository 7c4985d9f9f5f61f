//! Clients, and tokens of people and clients.

use guestlist_contract::{audit::EventKind, types::Principal};
use guestlist_storage::{AccountError, NewClient, NewToken};

use super::{
    desk::{Desk, HOUR, MINUTE, actor, ann, digest, user},
    somewhere::refusal,
};

fn client(id: &str, secret: u8) -> NewClient {
    NewClient { id: id.into(), name: format!("The {id}"), secret: digest(secret), lifetime: None }
}

fn token(number: u8, holder: Principal) -> NewToken {
    let scopes = vec!["invitations".into(), "read".into()];
    NewToken { digest: digest(number), organization: "acme".into(), holder, scopes, lifetime: HOUR }
}

#[tokio::test]
async fn a_client_is_whoever_has_its_secret_until_it_is_revoked() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let made = accounts.create_client(&actor(), "acme", &client("c-1", 1)).await.unwrap();
    assert_eq!((made.id.as_str(), made.organization.as_str(), made.used_at), ("c-1", "acme", None));
    for (organization, id) in [("acme", "c-1"), ("other", "c-1")] {
        let said = accounts.create_client(&actor(), organization, &client(id, 2)).await.unwrap_err();
        assert!(matches!(said, AccountError::Taken(_)), "ids are unique in the server: {said}");
    }
    let said = accounts.create_client(&actor(), "nowhere", &client("c-2", 2)).await.unwrap_err();
    assert!(matches!(said, AccountError::NotFound(_)), "{said}");
    let used = accounts.authenticate_client("c-1", &digest(1)).await.unwrap().unwrap();
    assert_eq!(used.used_at, Some(desk.now()));
    for (id, secret) in [("c-1", 2), ("c-2", 1), ("c-1\0", 1)] {
        assert_eq!(accounts.authenticate_client(id, &digest(secret)).await.unwrap(), None);
    }
    let rotated =
        accounts.rotate_client_secret(&actor(), "acme", "c-1", &digest(3), Some(HOUR)).await.unwrap();
    assert_eq!(rotated.expires_at, Some(desk.now() + HOUR));
    assert_eq!(accounts.authenticate_client("c-1", &digest(1)).await.unwrap(), None);
    assert!(accounts.authenticate_client("c-1", &digest(3)).await.unwrap().is_some());
    desk.pass(HOUR);
    assert_eq!(accounts.authenticate_client("c-1", &digest(3)).await.unwrap(), None, "its secret is over");
    accounts.rotate_client_secret(&actor(), "acme", "c-1", &digest(4), None).await.unwrap();
    assert!(accounts.authenticate_client("c-1", &digest(4)).await.unwrap().is_some());
    for organization in ["root", "other"] {
        let said = accounts.revoke_client(&actor(), organization, "c-1").await.unwrap_err();
        assert!(matches!(said, AccountError::NotFound(_)), "it is acme's: {said}");
        assert_eq!(accounts.client(organization, "c-1").await.unwrap(), None);
    }
    let revoked = accounts.revoke_client(&actor(), "acme", "c-1").await.unwrap();
    assert_eq!(revoked.revoked_at, Some(desk.now()));
    desk.pass(1);
    assert_eq!(accounts.revoke_client(&actor(), "acme", "c-1").await.unwrap(), revoked, "once");
    assert_eq!(accounts.authenticate_client("c-1", &digest(4)).await.unwrap(), None);
    let said = accounts.rotate_client_secret(&actor(), "acme", "c-1", &digest(5), None).await.unwrap_err();
    assert_eq!(said, AccountError::NotActive);
    assert_eq!(accounts.client("acme", "c-1").await.unwrap(), Some(revoked));
    for (kind, count) in
        [(EventKind::ClientCreated, 1), (EventKind::ClientSecretRotated, 2), (EventKind::ClientRevoked, 1)]
    {
        let events = desk.events(kind).await;
        assert_eq!(events.len(), count, "{kind:?}");
        assert!(events.iter().all(|event| event.about.as_deref() == Some("c-1")));
    }
}

#[tokio::test]
async fn the_use_of_a_client_is_written_down_once_a_minute() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    accounts.create_client(&actor(), "acme", &client("c-1", 1)).await.unwrap();
    let used =
        async || accounts.authenticate_client("c-1", &digest(1)).await.unwrap().unwrap().used_at.unwrap();
    let first = used().await;
    desk.pass(MINUTE - 1);
    assert_eq!(used().await, first);
    desk.pass(1);
    assert_eq!(used().await, first + MINUTE);
    desk.administration().delete_organization("acme").await.unwrap();
    assert_eq!(accounts.authenticate_client("c-1", &digest(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_is_good_while_its_holder_may_sign_in() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    accounts.create_client(&actor(), "acme", &client("c-1", 1)).await.unwrap();
    let (person, machine) = (Principal::User(ann()), Principal::Client("c-1".into()));
    let ends = accounts.issue_token(&actor(), &token(1, person.clone())).await.unwrap();
    assert_eq!(ends, desk.now() + HOUR);
    accounts.issue_token(&actor(), &token(2, machine.clone())).await.unwrap();
    let found = accounts.find_token(&digest(1)).await.unwrap().unwrap();
    assert_eq!((&found.holder, found.organization.as_str(), found.expires_at), (&person, "acme", ends));
    assert_eq!(found.scopes, ["invitations", "read"]);
    assert_eq!(accounts.find_token(&digest(2)).await.unwrap().unwrap().holder, machine);
    assert_eq!(accounts.find_token(&digest(3)).await.unwrap(), None);
    let said = accounts.issue_token(&actor(), &token(1, person.clone())).await.unwrap_err();
    assert!(matches!(said, AccountError::Taken(_)), "{said}");
    desk.administration().set_user_active("root", "u-ann", false).await.unwrap();
    assert_eq!(accounts.find_token(&digest(1)).await.unwrap(), None);
    let said = accounts.issue_token(&actor(), &token(4, person.clone())).await.unwrap_err();
    assert_eq!(said, AccountError::NotActive);
    desk.administration().set_user_active("root", "u-ann", true).await.unwrap();
    assert!(accounts.find_token(&digest(1)).await.unwrap().is_some());
    desk.pass(HOUR);
    assert_eq!(accounts.find_token(&digest(1)).await.unwrap(), None);
    for nobody in [Principal::System, Principal::Anonymous] {
        let said = accounts.issue_token(&actor(), &token(5, nobody)).await.unwrap_err();
        assert!(matches!(said, AccountError::Invalid(_)), "{said}");
    }
    for nobody in [Principal::Client("c-9".into()), Principal::User(user("root", "u-nobody"))] {
        let said = accounts.issue_token(&actor(), &token(5, nobody)).await.unwrap_err();
        assert!(matches!(said, AccountError::NotFound(_)), "{said}");
    }
    assert_eq!(desk.events(EventKind::TokenIssued).await.len(), 2);
}

#[tokio::test]
async fn tokens_are_revoked_one_by_one_or_with_their_holder() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let (person, machine) = (Principal::User(ann()), Principal::Client("c-1".into()));
    accounts.create_client(&actor(), "acme", &client("c-1", 1)).await.unwrap();
    for number in 1..=3 {
        accounts.issue_token(&actor(), &token(number, person.clone())).await.unwrap();
    }
    assert!(accounts.revoke_token(&actor(), &digest(1)).await.unwrap());
    assert!(!accounts.revoke_token(&actor(), &digest(1)).await.unwrap());
    assert_eq!(accounts.revoke_tokens_of(&actor(), &person).await, Ok(2));
    assert_eq!(accounts.find_token(&digest(2)).await.unwrap(), None);
    assert_eq!(desk.events(EventKind::TokenRevoked).await.len(), 3);
    // A new secret makes an end of what was given for the old one, and so does the end of the client.
    accounts.issue_token(&actor(), &token(4, machine.clone())).await.unwrap();
    accounts.rotate_client_secret(&actor(), "acme", "c-1", &digest(2), None).await.unwrap();
    assert_eq!(accounts.find_token(&digest(4)).await.unwrap(), None);
    accounts.issue_token(&actor(), &token(5, machine.clone())).await.unwrap();
    accounts.revoke_client(&actor(), "acme", "c-1").await.unwrap();
    assert_eq!(accounts.find_token(&digest(5)).await.unwrap(), None);
    let said = accounts.issue_token(&actor(), &token(6, machine)).await.unwrap_err();
    assert_eq!(said, AccountError::NotActive);
}

#[tokio::test]
async fn a_token_of_nobody_is_refused_by_the_database() {
    let desk = Desk::new().await;
    desk.accounts().create_client(&actor(), "acme", &client("c-1", 1)).await.unwrap();
    for holder in ["null, null, null", "'root', null, null", "'root', 'u-ann', 'c-1'"] {
        let sql = format!(
            "insert into token (digest, organization, scopes, made_at, expires_at, account_organization, account_id, \
             client) select secret, 'acme', '[]', 1, 2, {holder} from client"
        );
        let said = refusal(&desk.kept, &sql).await.to_lowercase();
        assert!(said.contains("check constraint"), "{holder}: {said}");
    }
}
