//! Taking what has ended off the list, and what the history keeps of it.

use guestlist_contract::{
    exports::invitations::Refusal,
    types::{InvitationFilter, MessageKind, Permissions, State},
};
use guestlist_harness::operations as op;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

async fn listed(rig: &Rig, dismissed: Option<bool>) -> usize {
    let list = op::List { filter: InvitationFilter { dismissed, ..everything() }, page: first_page() };
    rig.run(ACME, ann(), list).await.unwrap().answer.unwrap().items.len()
}

#[tokio::test]
async fn what_has_ended_is_taken_off_the_list_once_and_stays_in_the_history() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    let dismiss = || op::Dismiss { id: key.id.clone() };
    let active = rig.run(ACME, ann(), dismiss()).await.unwrap().answer;
    assert_eq!(active, Err(Refusal::WrongState(State::Pending)));
    rig.run(ACME, ann(), op::Revoke { id: key.id.clone(), reason: None }).await.unwrap().answer.unwrap();
    let before = rig.row(&key);
    for _ in 0..2 {
        assert_eq!(rig.run(ACME, ben(), dismiss()).await.unwrap().answer, Ok(()));
    }
    let after = rig.row(&key);
    assert!(after.dismissed);
    assert_eq!((after.version, after.state), (before.version, before.state), "nothing else changes");
    let events = rig.host.audit().iter().filter(|event| event.text() == "invitation.dismissed").count();
    assert_eq!(events, 1, "I-AUD");
    assert_eq!(
        (listed(&rig, None).await, listed(&rig, Some(true)).await, listed(&rig, Some(false)).await),
        (1, 1, 0)
    );
    let mine = op::ListMine { states: vec![], after: None, limit: 9 };
    assert_eq!(
        rig.run(None, alice(), mine).await.unwrap().answer.unwrap().items.len(),
        1,
        "its invitee sees it"
    );
}

/// No sweep has come by yet: it is marked as expired first, and its inviter told.
#[tokio::test]
async fn what_ran_out_unseen_is_marked_and_taken_off_the_list() {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "notices": ["expired"] }"#)).unwrap();
    let (key, _) = rig.invited("alice", &[]).await;
    rig.host.advance(HOURS_72);
    assert_eq!(rig.run(ACME, ann(), op::Dismiss { id: key.id.clone() }).await.unwrap().answer, Ok(()));
    assert_eq!((rig.row(&key).dismissed, rig.row(&key).state), (true, State::Expired));
    rig.sweep("acme").await;
    let expired = rig.host.audit().iter().filter(|event| event.text() == "invitation.expired").count();
    assert_eq!((expired, rig.host.mails().pop().unwrap().kind), (1, MessageKind::Expired));
}

#[tokio::test]
async fn whoever_may_not_revoke_may_not_dismiss_and_nobody_does_elsewhere() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    rig.run(ACME, ann(), op::Revoke { id: key.id.clone(), reason: None }).await.unwrap().answer.unwrap();
    rig.host.set_permissions("acme", ben(), Permissions::all() ^ Permissions::REVOKE).unwrap();
    let answer = rig.run(ACME, ben(), op::Dismiss { id: key.id.clone() }).await.unwrap().answer;
    assert_eq!(answer, Err(Refusal::NotPermitted));
    let bea = guestlist_contract::types::Principal::User(user("beta", "u-bea"));
    let answer = rig.run(Some("beta"), bea, op::Dismiss { id: key.id.clone() }).await.unwrap().answer;
    assert_eq!(answer, Err(Refusal::NotFound), "I-TEN");
    assert!(!rig.row(&key).dismissed);
}
