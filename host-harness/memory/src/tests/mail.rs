//! Mailboxes.

use super::*;
use crate::MailMode;
use guestlist_contract::{
    host::Notifications as _,
    notifications::{Message, Recipient, SendError, Sent},
    types::{MailState, MessageKind},
};

fn message(kind: MessageKind, to: UserRef) -> Message {
    let code = (kind == MessageKind::Invitation).then(|| "inv1_secret".to_owned());
    Message {
        invitation: "inv-a".into(),
        version: 1,
        kind,
        to: Recipient::User(to),
        inviter: ann(),
        code,
        expires_at: Some(1),
        language: None,
    }
}

async fn send(host: &MemoryHost, message: Message) -> Result<Sent, SendError> {
    host.send(&admin(host), "acme".into(), None, vec![message]).await.unwrap().remove(0)
}

#[tokio::test]
async fn an_invitation_lands_in_the_invitees_mailbox_with_the_code_in_the_fragment() {
    let host = invited().await;
    assert_eq!(send(&host, message(MessageKind::Invitation, alice())).await.unwrap(), Sent::Delivered);
    let mail = host.last_mail(&alice()).unwrap();
    assert_eq!((mail.address.as_str(), mail.code.as_deref()), ("alice@example.com", Some("inv1_secret")));
    assert_eq!(mail.subject, "You are invited to Acme");
    assert!(mail.link.unwrap().ends_with("#inv1_secret"));
    assert!(!host.stored_text().unwrap().contains("inv1_secret"));
}

#[tokio::test]
async fn a_code_goes_to_the_invitee_alone_and_notices_to_the_inviter() {
    let host = invited().await;
    let denied = |answer| matches!(answer, Err(SendError::Host(HostError::Denied(_))));
    assert!(denied(send(&host, message(MessageKind::Invitation, bob())).await));
    assert!(denied(send(&host, message(MessageKind::Accepted, alice())).await));
    assert!(send(&host, message(MessageKind::Accepted, user("acme", "u-ann"))).await.is_ok());
    let unknown = Message { invitation: "inv-x".into(), ..message(MessageKind::Invitation, alice()) };
    assert!(denied(send(&host, unknown).await));
}

#[tokio::test]
async fn a_code_belongs_to_an_invitation_and_to_nothing_else() {
    let host = invited().await;
    for wrong in [
        Message { code: None, ..message(MessageKind::Invitation, alice()) },
        Message { code: Some("x".into()), ..message(MessageKind::Reminder, alice()) },
    ] {
        let answer = host.send(&admin(&host), "acme".into(), None, vec![wrong]).await;
        assert!(matches!(answer, Err(HostError::Invalid(_))));
    }
}

#[tokio::test]
async fn who_has_no_address_cannot_be_written_to() {
    let host = host();
    insert(&host, draft(0, "inv-a", user("root", "u-carl"), 10)).await.unwrap();
    let answer = send(&host, message(MessageKind::Invitation, user("root", "u-carl"))).await;
    assert!(matches!(answer, Err(SendError::NoAddress)));
}

#[tokio::test]
async fn a_mail_system_that_is_down_takes_nothing() {
    let host = invited().await;
    host.fail_mail(true);
    let answer = send(&host, message(MessageKind::Invitation, alice())).await;
    assert!(matches!(answer, Err(SendError::Host(HostError::Unavailable(None)))));
    assert!(host.mails().is_empty());
    host.fail_mail(false);
    assert!(send(&host, message(MessageKind::Invitation, alice())).await.is_ok());
}

#[tokio::test]
async fn what_was_taken_is_settled_by_the_host() {
    for (delivered, mail) in [(true, MailState::Sent), (false, MailState::Undeliverable)] {
        let host = invited().await;
        host.set_mail_mode(MailMode::Take);
        assert_eq!(send(&host, message(MessageKind::Invitation, alice())).await.unwrap(), Sent::Taken);
        assert!(host.mails().is_empty());
        assert_eq!(host.settle_taken(delivered), 1);
        assert_eq!(host.mails().len(), usize::from(delivered));
        assert_eq!(stored(&host, "inv-a").mail, mail);
    }
}

/// The world of the tests, where nobody gets more than two mails in a day.
fn sparing() -> MemoryHost {
    MemoryHost::from_yaml(&format!("mails-per-day: 2\n{WORLD}")).unwrap()
}

#[tokio::test]
async fn nobody_gets_more_mails_in_a_day_than_the_host_allows_whoever_sends_them() {
    const DAY: u64 = 24 * HOUR;
    let host = sparing();
    insert(&host, draft(0, "inv-a", alice(), 10)).await.unwrap();
    insert(&host, draft(0, "inv-b", bob(), 11)).await.unwrap();
    let gina = host.call(Operation::Invite, Some("globex"), person(user("globex", "u-gina")));
    let mut theirs = batch("globex", vec![draft(0, "inv-g", alice(), 12)]);
    theirs.grants.clear();
    host.insert(&gina, "globex".into(), theirs).await.unwrap().remove(0).unwrap();

    send(&host, message(MessageKind::Invitation, alice())).await.unwrap();
    host.advance(HOUR / 2);
    let other = Message { invitation: "inv-g".into(), ..message(MessageKind::Invitation, alice()) };
    let sent = host.send(&gina, "globex".into(), None, vec![other.clone()]).await.unwrap();
    assert!(matches!(sent[..], [Ok(Sent::Delivered)]));
    let wait = DAY - HOUR / 2;
    let third = send(&host, message(MessageKind::Invitation, alice())).await;
    assert!(matches!(third, Err(SendError::Host(HostError::Throttled(after))) if after == wait), "{third:?}");
    let fourth = host.send(&gina, "globex".into(), None, vec![other]).await.unwrap();
    assert!(
        matches!(fourth[..], [Err(SendError::Host(HostError::Throttled(after)))] if after == DAY),
        "one of the two is for others: {fourth:?}"
    );
    let bobs = Message { invitation: "inv-b".into(), ..message(MessageKind::Invitation, bob()) };
    send(&host, bobs).await.expect("another person has a count of his own");

    // The store's clock counts: going back does not give anybody more mail.
    host.set_clock(0);
    assert!(send(&host, message(MessageKind::Invitation, alice())).await.is_err());
    host.set_clock(host.store_now() + wait);
    send(&host, message(MessageKind::Invitation, alice())).await.unwrap();
    assert_eq!(host.mails().len(), 4);
    let again = MemoryHost::load(&host.save().unwrap()).unwrap();
    let answer = send(&again, message(MessageKind::Invitation, alice())).await;
    assert!(matches!(answer, Err(SendError::Host(HostError::Throttled(_)))), "the count is saved");
}

#[tokio::test]
async fn a_request_for_approval_goes_to_all_who_may_approve_but_the_inviter_and_the_invitee() {
    let host = host();
    let approve = guestlist_contract::types::Permissions::APPROVE;
    for approver in [alice(), bob(), user("root", "u-carl"), user("acme", "u-deputy")] {
        host.set_permissions("acme", person(approver), approve).unwrap();
    }
    insert(&host, awaiting(0, "inv-a", alice())).await.unwrap();
    let to_approvers =
        Message { to: Recipient::Approvers, ..message(MessageKind::ApprovalRequested, alice()) };
    send(&host, to_approvers.clone()).await.unwrap();
    let to: Vec<_> = host.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [bob()], "ann invited, alice is invited, carl is disabled, deputy has no address");

    let denied = |answer| matches!(answer, Err(SendError::Host(HostError::Denied(_))));
    assert!(denied(send(&host, Message { kind: MessageKind::Accepted, ..to_approvers }).await));
    assert!(denied(send(&host, message(MessageKind::ApprovalRequested, bob())).await));
}
