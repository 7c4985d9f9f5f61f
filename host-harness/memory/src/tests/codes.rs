//! Finding an invitation by its code.

use super::{super::SettingsPatch, *};
use crate::EventError;
use guestlist_contract::{
    storage::{Delivery, DeliveryOutcome},
    types::MessageKind,
};

async fn by_code(host: &MemoryHost, call: &Call, code: u8) -> Option<String> {
    host.by_code(call, digest(code)).await.unwrap().map(|row| row.key.id)
}

async fn in_mode(mode: AcceptWith) -> MemoryHost {
    let host = host();
    set_mode(&host, mode);
    insert(&host, Draft { accept_with: mode, ..draft(0, "inv-a", alice(), 10) }).await.unwrap();
    host
}

fn set_mode(host: &MemoryHost, mode: AcceptWith) {
    let patch = SettingsPatch { accept_with: Some(mode), ..SettingsPatch::default() };
    host.change_settings("acme", &patch).unwrap();
}

/// A call of somebody who is not signed in, at acme's door.
fn stranger(host: &MemoryHost) -> Call {
    host.call(Operation::Accept, Some("acme"), Principal::Anonymous)
}

#[tokio::test]
async fn the_invitee_finds_his_own_in_whatever_state_until_it_is_purged() {
    let host = invited().await;
    let call = dashboard(&host, alice());
    assert_eq!(by_code(&host, &call, 10).await, Some("inv-a".into()));
    host.advance(HOUR);
    let expired = host.by_code(&call, digest(10)).await.unwrap().unwrap();
    assert_eq!(expired.state, State::Expired);
    go(&host, "inv-a", State::Expired).await.unwrap();
    assert_eq!(by_code(&host, &call, 10).await, Some("inv-a".into()));
    host.advance(1);
    assert_eq!(host.purge(&sweep(&host), "acme".into(), 0, 200).await.unwrap(), 1);
    assert_eq!(by_code(&host, &call, 10).await, None);
}

#[tokio::test]
async fn a_code_is_nothing_to_anybody_else() {
    for mode in [AcceptWith::Invitee, AcceptWith::InviteeAndCode] {
        let host = in_mode(mode).await;
        for call in [stranger(&host), dashboard(&host, bob()), admin(&host)] {
            assert_eq!(by_code(&host, &call, 10).await, None);
            assert!(!call.admitted(&key("inv-a")));
        }
    }
}

#[tokio::test]
async fn in_mode_code_the_bearer_is_admitted_in_its_organization_while_it_is_pending() {
    let host = in_mode(AcceptWith::Code).await;
    let call = stranger(&host);
    assert_eq!(by_code(&host, &call, 10).await, Some("inv-a".into()));
    assert!(call.admitted(&key("inv-a")));
    let elsewhere = host.call(Operation::Accept, Some("globex"), Principal::Anonymous);
    assert_eq!(by_code(&host, &elsewhere, 10).await, None);
    let nowhere = host.call(Operation::Accept, None, person(bob()));
    assert_eq!(by_code(&host, &nowhere, 10).await, None);
    host.advance(HOUR - 1);
    assert_eq!(by_code(&host, &stranger(&host), 10).await, Some("inv-a".into()));
    host.advance(1);
    assert_eq!(by_code(&host, &stranger(&host), 10).await, None, "expired");
}

#[tokio::test]
async fn in_mode_code_a_used_or_revoked_code_is_nothing() {
    for to in [State::Accepting, State::Revoked, State::Declined] {
        let host = in_mode(AcceptWith::Code).await;
        go(&host, "inv-a", to).await.unwrap();
        assert_eq!(by_code(&host, &stranger(&host), 10).await, None, "{to:?}");
    }
}

#[tokio::test]
async fn the_stricter_of_invitation_and_organization_counts() {
    use AcceptWith::{Code, Invitee, InviteeAndCode};
    for (of_row, setting, found) in
        [(Code, Code, true), (Code, Invitee, false), (Code, InviteeAndCode, false), (Invitee, Code, false)]
    {
        let host = in_mode(of_row).await;
        set_mode(&host, setting);
        assert_eq!(by_code(&host, &stranger(&host), 10).await.is_some(), found, "{of_row:?} {setting:?}");
    }
}

/// One more code, for another mail.
async fn add(host: &MemoryHost, code: u8) -> u64 {
    let change = Change {
        code: CodeChange::Add(digest(code)),
        messages: vec![MessageKind::Invitation],
        ..change(State::Pending)
    };
    go_with(host, "inv-a", change).await.unwrap().version
}

async fn live(host: &MemoryHost, codes: std::ops::RangeInclusive<u8>) -> Vec<u8> {
    let mut live = Vec::new();
    for code in codes {
        if by_code(host, &dashboard(host, alice()), code).await.is_some() {
            live.push(code);
        }
    }
    live
}

async fn settle(host: &MemoryHost, version: u64, outcome: DeliveryOutcome) {
    let delivery = Delivery { invitation: "inv-a".into(), version, kind: MessageKind::Invitation, outcome };
    host.settle(&sweep(host), "acme".into(), vec![delivery]).await.unwrap();
}

#[tokio::test]
async fn at_most_32_codes_are_live_and_the_oldest_dies() {
    let host = invited().await;
    for code in 11..=41 {
        add(&host, code).await;
    }
    assert_eq!(live(&host, 10..=41).await.len(), 32);
    add(&host, 42).await;
    assert_eq!(live(&host, 10..=42).await, (11..=42).collect::<Vec<_>>());
}

#[tokio::test]
async fn older_codes_live_until_a_newer_mail_was_delivered() {
    let host = invited().await;
    let version = add(&host, 11).await;
    for outcome in [DeliveryOutcome::Retry(0), DeliveryOutcome::Postponed(0), DeliveryOutcome::Taken] {
        settle(&host, version, outcome).await;
        assert_eq!(live(&host, 10..=11).await, [10, 11]);
    }
    settle(&host, version, DeliveryOutcome::Delivered).await;
    assert_eq!(live(&host, 10..=11).await, [11], "what was taken has arrived");
    let later = add(&host, 12).await;
    settle(&host, version, DeliveryOutcome::Delivered).await;
    assert_eq!(live(&host, 10..=12).await, [11, 12], "an older mail that is slow kills nothing");
    settle(&host, later, DeliveryOutcome::Undeliverable("full".into())).await;
    assert_eq!(live(&host, 10..=12).await, [11, 12], "the mail that did not arrive kills nothing");
}

#[tokio::test]
async fn an_approval_does_not_make_an_older_code_live() {
    let host = host();
    insert(&host, awaiting(0, "inv-a", alice())).await.unwrap();
    let version = add(&host, 11).await;
    settle(&host, version, DeliveryOutcome::Delivered).await;
    assert_eq!(live(&host, 10..=11).await, [11]);
}

#[tokio::test]
async fn with_another_address_the_codes_of_pending_invitations_die_and_the_rows_stay() {
    let host = invited().await;
    insert(&host, draft(0, "inv-b", bob(), 20)).await.unwrap();
    add(&host, 11).await;
    let before = stored(&host, "inv-a");
    host.set_email("root", "u-alice", Some("alice@new.example")).unwrap();
    assert_eq!(live(&host, 10..=11).await, [] as [u8; 0]);
    assert_eq!(stored(&host, "inv-a"), before, "the row itself is as it was");
    let mine = host.mine(&dashboard(&host, alice()), vec![], None, 10).await.unwrap();
    assert_eq!(mine.items.len(), 1, "the invitee still sees it");
    host.get(&dashboard(&host, alice()), key("inv-a")).await.unwrap();
    assert!(by_code(&host, &dashboard(&host, bob()), 20).await.is_some(), "Bob's is another person's");
    assert_eq!(events(&host).last().unwrap(), "world.email-changed");

    let version = add(&host, 12).await;
    assert_eq!(live(&host, 10..=12).await, [12]);
    host.set_email("root", "u-alice", Some("alice@new.example")).unwrap();
    assert_eq!(live(&host, 10..=12).await, [12], "the same address is no other");
    settle(&host, version, DeliveryOutcome::Delivered).await;
    host.set_email("root", "u-alice", None).unwrap();
    assert_eq!(live(&host, 10..=12).await, [] as [u8; 0]);
    let again = MemoryHost::load(&host.save().unwrap()).unwrap();
    assert_eq!(again.mine(&dashboard(&again, alice()), vec![], None, 10).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_has_ended_keeps_its_code_and_what_awaits_approval_gets_none() {
    let host = invited().await;
    go(&host, "inv-a", State::Revoked).await.unwrap();
    insert(&host, awaiting(0, "inv-b", alice())).await.unwrap();
    host.set_email("root", "u-alice", None).unwrap();
    assert_eq!(live(&host, 10..=10).await, [10], "its invitee is told what became of it");
    let hidden = host.get(&dashboard(&host, alice()), key("inv-b")).await;
    assert!(matches!(hidden, Err(StoreError::NotFound)), "{hidden:?}");
}

#[test]
fn only_a_resident_has_an_address_and_it_has_no_control_characters() {
    let host = host();
    assert!(matches!(host.set_email("root", "u-gus", None), Err(EventError::NoUser { .. })), "a guest");
    assert!(matches!(host.set_email("root", "u-nobody", None), Err(EventError::NoUser { .. })));
    let header = host.set_email("root", "u-alice", Some("a@b.example\r\nBcc: c@d.example"));
    assert!(matches!(header, Err(EventError::Impossible(_))), "{header:?}");
    assert!(events(&host).is_empty());
}

#[tokio::test]
async fn replacing_kills_every_older_code_for_the_invitee_too() {
    let host = invited().await;
    let call = dashboard(&host, alice());
    let add = Change { code: CodeChange::Add(digest(11)), ..change(State::Pending) };
    go_with(&host, "inv-a", add).await.unwrap();
    let replace = Change { code: CodeChange::Replace(digest(12)), ..change(State::Pending) };
    go_with(&host, "inv-a", replace).await.unwrap();
    assert_eq!((by_code(&host, &call, 10).await, by_code(&host, &call, 11).await), (None, None));
    assert!(by_code(&host, &call, 12).await.is_some());
}

#[tokio::test]
async fn a_code_cannot_be_taken_from_another_invitation() {
    let host = invited().await;
    assert!(is_invalid(&insert(&host, draft(0, "inv-b", bob(), 10)).await));
    insert(&host, draft(0, "inv-b", bob(), 11)).await.unwrap();
    let steal = Change { code: CodeChange::Add(digest(10)), ..change(State::Pending) };
    assert!(is_invalid(&go_with(&host, "inv-b", steal).await));
}

#[tokio::test]
async fn a_digest_has_32_bytes() {
    let host = invited().await;
    let answer = host.by_code(&dashboard(&host, alice()), vec![10; 33]).await;
    assert!(matches!(answer, Err(HostError::Invalid(_))));
}
