//! Tests whose turn it is, when several organizations write to one person.

use super::*;
use guestlist_contract::{
    host::Notifications as _,
    notifications::{Message, Recipient, SendError},
    types::MessageKind,
};

const DAY: u64 = 24 * HOUR;

/// `inv-a` of acme and `inv-g` of globex, both for alice, who gets so many mails in a day.
async fn two_who_write(limit: u32) -> MemoryHost {
    let host = MemoryHost::from_yaml(&format!("mails-per-day: {limit}\n{WORLD}")).unwrap();
    let long = |id, code| Draft { lifetime: Some(10 * DAY), ..draft(0, id, alice(), code) };
    insert(&host, long("inv-a", 10)).await.unwrap();
    let gina = host.call(Operation::Invite, Some("globex"), person(user("globex", "u-gina")));
    let theirs = Batch { grants: vec![], ..batch("globex", vec![long("inv-g", 12)]) };
    host.insert(&gina, "globex".into(), theirs).await.unwrap().remove(0).unwrap();
    host
}

/// The time for which the mail has to wait.
async fn write(host: &MemoryHost, organization: &str) -> Option<u64> {
    let (id, who) =
        if organization == "acme" { ("inv-a", ann()) } else { ("inv-g", person(user("globex", "u-gina"))) };
    let message = Message {
        invitation: id.into(),
        version: 1,
        kind: MessageKind::Invitation,
        to: Recipient::User(alice()),
        inviter: who.clone(),
        code: Some("inv1_secret".into()),
        expires_at: None,
        language: None,
    };
    let call = host.call(Operation::Resend, Some(organization), who);
    match host.send(&call, organization.into(), None, vec![message]).await.unwrap().remove(0) {
        Ok(_) => None,
        Err(SendError::Host(HostError::Throttled(after))) => Some(after),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_had_to_wait_goes_before_whoever_wrote_last() {
    let host = two_who_write(1).await;
    assert_eq!(write(&host, "globex").await, None);
    assert_eq!(write(&host, "acme").await, Some(DAY));
    host.advance(DAY);
    assert_eq!(write(&host, "globex").await, Some(HOUR), "it was the last, and another's mail waits");
    assert_eq!(write(&host, "acme").await, None);
    host.advance(DAY);
    assert_eq!(write(&host, "acme").await, Some(HOUR), "and so it is the other way round");
    assert_eq!(write(&host, "globex").await, None);
}

#[tokio::test]
async fn one_organization_leaves_one_mail_of_the_day_to_others() {
    let host = two_who_write(3).await;
    for expected in [None, None, Some(DAY), Some(DAY)] {
        assert_eq!(write(&host, "globex").await, expected);
    }
    assert_eq!(write(&host, "acme").await, None);
    assert_eq!(write(&host, "acme").await, Some(DAY), "three are enough for one day");
}

#[tokio::test]
async fn nobody_waits_for_a_mail_that_does_not_come_any_more() {
    // It has ended; its organization is suspended; it does not try again.
    type End = fn(&MemoryHost);
    let suspended: End = |host| host.set_organization_active("acme", false).unwrap();
    let silent: End = |host| host.advance(HOUR + 1);
    for (end, revoked) in [(None, true), (Some(suspended), false), (Some(silent), false)] {
        let host = two_who_write(1).await;
        write(&host, "globex").await;
        write(&host, "acme").await;
        if revoked {
            go(&host, "inv-a", State::Revoked).await.unwrap();
        }
        host.advance(DAY);
        if let Some(end) = end {
            end(&host);
        }
        assert_eq!(write(&host, "globex").await, None);
    }
}

#[tokio::test]
async fn where_nobody_gets_mail_every_mail_waits() {
    let host = two_who_write(0).await;
    assert_eq!(write(&host, "acme").await, Some(DAY));
    assert!(host.mails().is_empty());
}
