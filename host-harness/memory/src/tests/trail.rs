//! Tests what the audit trail tells, and what it never tells.

use super::*;
use guestlist_contract::{
    audit::Refusal,
    host::{Audit as _, Membership as _},
    types::MessageKind,
};

#[tokio::test]
async fn each_event_of_an_invitation_names_its_subject_and_a_grant_its_kind() {
    let host = invited().await;
    go(&host, "inv-a", State::Accepting).await.unwrap();
    let steps = vec![
        guestlist_contract::types::Step::Member,
        guestlist_contract::types::Step::Grant(group("g-help")),
        guestlist_contract::types::Step::Grant(role("r-admin")),
    ];
    let call = dashboard(&host, alice());
    host.apply(&call, "acme".into(), "inv-a".into(), alice(), steps).await.unwrap();
    go(&host, "inv-a", State::Accepted).await.unwrap();
    host.dismiss(&admin(&host), key("inv-a")).await.unwrap();
    host.advance(1);
    host.purge(&sweep(&host), "acme".into(), 0, 10).await.unwrap();
    let trail = host.audit();
    assert_eq!(trail.len(), 8, "{trail:?}");
    for event in &trail {
        let told = (event.subject.clone(), event.invitation.as_deref());
        assert_eq!(told, (Some(alice()), Some("inv-a")), "{event:?}");
    }
    let grants: Vec<_> = trail.iter().filter_map(|event| event.grant.clone()).collect();
    assert_eq!(grants, [group("g-help"), role("r-admin")]);
}

#[tokio::test]
async fn a_refused_name_is_a_keyed_digest_and_no_word_of_anybody_is_in_the_trail() {
    let host = host();
    let item = |position, name: &str| RefusedItem {
        reason: "refused:Bob told me a SECRET".into(),
        ..refused(position, name, Word::Refused)
    };
    let items = vec![item(0, "bo@example.com"), item(1, " BO@example.com"), item(2, "someone")];
    let request = Batch { refused: items, ..batch("key", vec![awaiting(5, "inv-a", alice())]) };
    host.insert(&admin(&host), "acme".into(), request).await.unwrap();
    let words =
        |to| Change { reason: Some("a SECRET reason".into()), word: Some(Word::Policy), ..change(to) };
    go_with(&host, "inv-a", words(State::Revoked)).await.unwrap();
    let refusal = Refusal {
        operation: "invitations.invite".into(),
        invitation: None,
        subject: Some(bob()),
        name: Some("bo@example.com".into()),
        word: Word::Ambiguous,
    };
    host.record_refusals(&admin(&host), Some("acme".into()), vec![refusal]).await.unwrap();

    let trail = host.audit();
    let names: Vec<_> = trail.iter().filter_map(|event| event.name.clone()).collect();
    assert_eq!(names.len(), 4);
    assert_eq!((&names[0], &names[0]), (&names[1], &names[3]), "one name, one digest");
    assert_ne!(names[0], names[2]);
    let plain = <sha2::Sha256 as sha2::Digest>::digest("bo@example.com").to_vec();
    assert!(!names.contains(&plain), "whoever guesses a name cannot find it");
    let text = format!("{trail:?}{}", serde_json::to_string(&trail).unwrap());
    for word in ["SECRET", "bo@", "someone", "privileged", "name-inv-a"] {
        assert!(!text.contains(word), "`{word}` in {text}");
    }
    let other = MemoryHost::from_yaml(&WORLD.replace("seed: 7", "seed: 8")).unwrap();
    let request = Batch { refused: vec![item(0, "bo@example.com")], ..batch("key", vec![]) };
    other.insert(&admin(&other), "acme".into(), request).await.unwrap();
    assert_ne!(other.audit()[0].name.as_ref(), Some(&names[0]), "each host has a key of its own");
    let kinds: Vec<_> = trail.iter().map(|event| event.text()).collect();
    assert_eq!(kinds.last(), Some(&"item.refused"), "of an item, by its name");
}

#[tokio::test]
async fn what_is_about_to_be_sent_never_falls_due_by_itself() {
    use guestlist_contract::{
        storage::{Delivery, DeliveryOutcome},
        types::MailState,
    };
    for (then, due, mail) in [
        (None, 0, MailState::Queued),
        (Some(DeliveryOutcome::Retry(0)), 1, MailState::Queued),
        (Some(DeliveryOutcome::Postponed(0)), 1, MailState::Queued),
        (Some(DeliveryOutcome::Delivered), 0, MailState::Sent),
        (Some(DeliveryOutcome::Undeliverable("x".into())), 0, MailState::Undeliverable),
    ] {
        let host = invited().await;
        let settle = async |outcome| {
            let kind = MessageKind::Invitation;
            let delivery = Delivery { invitation: "inv-a".into(), version: 1, kind, outcome };
            host.settle(&sweep(&host), "acme".into(), vec![delivery]).await.unwrap();
        };
        settle(DeliveryOutcome::Sending).await;
        host.advance(HOUR - 1);
        assert!(host.due(&sweep(&host), "acme".into(), 10, 0).await.unwrap().is_empty());
        if let Some(outcome) = then.clone() {
            settle(outcome).await;
        }
        let found = host.due(&sweep(&host), "acme".into(), 10, 0).await.unwrap();
        assert_eq!((found.len(), stored(&host, "inv-a").mail), (due, mail), "{then:?}");
    }
}
