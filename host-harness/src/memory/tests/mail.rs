//! Mailboxes.

use super::*;
use crate::{
    contract::{
        notifications::{Message, SendError, Sent},
        types::{MailState, MessageKind},
    },
    host::Notifications as _,
    memory::MailMode,
};

fn message(kind: MessageKind, to: UserRef) -> Message {
    let code = (kind == MessageKind::Invitation).then(|| "inv1_secret".to_owned());
    Message { invitation: "inv-a".into(), kind, to, inviter: ann(), code, expires_at: Some(1) }
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
