//! Another inviter for one who is gone.

use super::*;

fn adopt() -> Change {
    Change { code: CodeChange::Replace(digest(11)), adopt: true, ..change(State::Pending) }
}

#[tokio::test]
async fn the_caller_becomes_the_inviter_and_the_approval_is_forgotten() {
    let host = host();
    insert(&host, awaiting(0, "inv-a", alice())).await.unwrap();
    let approve = Change { code: CodeChange::Replace(digest(10)), ..change(State::Pending) };
    assert_eq!(go_with(&host, "inv-a", approve).await.unwrap().approver, Some(ann()));

    let deputy = person(user("acme", "u-deputy"));
    let call = host.call(Operation::Resend, Some("acme"), deputy.clone());
    let row = host.transition(&call, key("inv-a"), guard(2, State::Pending), adopt()).await;
    let row = applied(row).unwrap();
    assert_eq!((&row.inviter, &row.approver), (&deputy, &None));
    let event = host.audit().pop().unwrap();
    assert_eq!((event.text(), event.actor, event.subject), ("invitation.adopted", deputy, Some(alice())));
}

#[tokio::test]
async fn the_invitee_adopts_nothing() {
    let host = invited().await;
    let before = host.stored_text().unwrap();
    let hers = host.call(Operation::Resend, Some("acme"), person(alice()));
    for call in [dashboard(&host, alice()), hers] {
        let answer = host.transition(&call, key("inv-a"), guard(1, State::Pending), adopt()).await;
        assert!(is_denied(&answer), "{answer:?}");
    }
    assert_eq!(host.stored_text().unwrap(), before);
}
