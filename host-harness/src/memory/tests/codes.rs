//! Finding an invitation by its code.

use super::{super::SettingsPatch, *};

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

/// Somebody who is not signed in, at acme's door.
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

#[tokio::test]
async fn three_codes_are_live_and_the_oldest_dies() {
    let host = invited().await;
    let call = dashboard(&host, alice());
    for code in [11, 12, 13] {
        let add = Change { code: CodeChange::Add(digest(code)), ..change(State::Pending) };
        go_with(&host, "inv-a", add).await.unwrap();
    }
    assert_eq!(by_code(&host, &call, 10).await, None);
    for code in [11, 12, 13] {
        assert!(by_code(&host, &call, code).await.is_some());
    }
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
