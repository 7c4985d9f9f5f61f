//! Guards, legal pairs, and what a change sets.

use super::*;
use guestlist_contract::lifecycle;
use guestlist_contract::{storage::Guard, types::MailState};

use guestlist_contract::lifecycle::STATES;

/// The table of the contract, row by row.
#[rustfmt::skip]
const LEGAL: [[bool; 8]; 8] = [
    // awaiting, pending, accepting, accepted, declined, revoked, expired, failed
    [false, true,  false, false, false, true,  true,  false],
    [false, true,  true,  false, true,  true,  true,  false],
    [false, false, true,  true,  false, false, false, true ],
    [false; 8],
    [false; 8],
    [false; 8],
    [false; 8],
    [false; 8],
];

/// An invitation in the given state, reached by legal ways.
async fn in_state(state: State) -> MemoryHost {
    if state == State::AwaitingApproval {
        let host = host();
        insert(&host, awaiting(0, "inv-a", alice())).await.unwrap();
        return host;
    }
    let host = invited().await;
    match state {
        State::AwaitingApproval | State::Pending => {}
        State::Accepting | State::Declined | State::Revoked => {
            go(&host, "inv-a", state).await.unwrap();
        }
        State::Accepted | State::Failed => {
            go(&host, "inv-a", State::Accepting).await.unwrap();
            go(&host, "inv-a", state).await.unwrap();
        }
        State::Expired => {
            host.advance(HOUR);
            go(&host, "inv-a", state).await.unwrap();
        }
    }
    host
}

#[test]
fn the_legal_pairs_are_those_of_the_contract() {
    for (from, row) in STATES.into_iter().zip(LEGAL) {
        for (to, expected) in STATES.into_iter().zip(row) {
            assert_eq!(lifecycle::legal(from, to), expected, "{from:?} to {to:?}");
        }
    }
}

#[tokio::test]
async fn the_store_makes_legal_changes_and_denies_all_others() {
    for (from, row) in STATES.into_iter().zip(LEGAL) {
        for (to, expected) in STATES.into_iter().zip(row) {
            let host = in_state(from).await;
            if to == State::Expired && expected {
                host.advance(HOUR);
            }
            let before = host.stored_text().unwrap();
            let code = if to == State::Pending { CodeChange::Add(digest(11)) } else { CodeChange::Keep };
            let answer = go_with(&host, "inv-a", Change { code, ..change(to) }).await;
            if expected {
                assert_eq!(answer.expect("it is legal").state, to, "{from:?} to {to:?}");
            } else {
                assert!(is_denied(&answer), "{from:?} to {to:?}: {answer:?}");
                assert_eq!(host.stored_text().unwrap(), before, "nothing is applied");
            }
        }
    }
}

#[tokio::test]
async fn a_change_adds_one_to_the_version_and_writes_one_event() {
    let host = invited().await;
    let row = go(&host, "inv-a", State::Accepting).await.unwrap();
    assert_eq!((row.version, row.claims, row.lease_until), (2, 1, Some(host.now() + 30_000)));
    assert_eq!(row.last_operation, "to-State::Accepting");
    let row = go(&host, "inv-a", State::Accepting).await.unwrap();
    assert_eq!((row.version, row.claims), (3, 2));
    let row = go(&host, "inv-a", State::Accepted).await.unwrap();
    assert_eq!((row.version, row.lease_until, row.ended_at), (4, None, Some(host.now())));
    assert_eq!(
        events(&host),
        ["invitation.created", "invitation.claimed", "invitation.taken-over", "invitation.accepted"]
    );
}

#[tokio::test]
async fn a_guard_that_does_not_hold_is_answered_with_the_row_and_applies_nothing() {
    let host = invited().await;
    let before = host.stored_text().unwrap();
    for (what, guard) in [
        ("version", guard(2, State::Pending)),
        ("state", guard(1, State::AwaitingApproval)),
        ("no state", Guard { states: vec![], ..guard(1, State::Pending) }),
        ("after the expiry", Guard { clock: ClockGuard::AfterExpiry, ..guard(1, State::Pending) }),
        ("no lease", Guard { clock: ClockGuard::LeaseOver, ..guard(1, State::Pending) }),
    ] {
        let answer = host.transition(&admin(&host), key("inv-a"), guard, change(State::Revoked)).await;
        let Ok(Transitioned { applied: false, row }) = answer else { panic!("{what}: {answer:?}") };
        assert_eq!(row, stored(&host, "inv-a"));
    }
    assert_eq!(host.stored_text().unwrap(), before);
}

#[tokio::test]
async fn a_claim_holds_until_the_instant_of_the_expiry() {
    for (after, holds) in [(HOUR - 1, true), (HOUR, false), (HOUR + 1, false)] {
        let host = invited().await;
        host.advance(after);
        let guard = Guard { clock: ClockGuard::BeforeExpiry, ..guard(1, State::Pending) };
        let call = dashboard(&host, alice());
        let answer = host.transition(&call, key("inv-a"), guard, change(State::Accepting)).await;
        let answer = answer.unwrap();
        assert_eq!(answer.applied, holds, "after {after}: {answer:?}");
        assert_eq!(answer.row.state, if holds { State::Accepting } else { State::Expired });
    }
}

#[tokio::test]
async fn once_expired_it_goes_nowhere_else_even_without_a_guard_or_with_the_clock_set_back() {
    let host = invited().await;
    host.advance(HOUR);
    host.set_clock(0);
    let renewed = Change {
        code: CodeChange::Replace(digest(11)),
        lifetime: LifetimeChange::Restart(None),
        ..change(State::Pending)
    };
    for change in [change(State::Accepting), change(State::Declined), change(State::Revoked), renewed] {
        assert!(is_stale(&go_with(&host, "inv-a", change).await));
    }
    assert!(go(&host, "inv-a", State::Expired).await.is_ok());
}

#[tokio::test]
async fn nothing_expires_before_its_time() {
    let host = invited().await;
    host.advance(HOUR - 1);
    assert!(is_denied(&go(&host, "inv-a", State::Expired).await));
}

#[tokio::test]
async fn a_lease_is_over_at_its_instant() {
    for (after, over) in [(29_999, false), (30_000, true), (30_001, true)] {
        let host = invited().await;
        go(&host, "inv-a", State::Accepting).await.unwrap();
        host.advance(after);
        let guard = Guard { clock: ClockGuard::LeaseOver, ..guard(2, State::Accepting) };
        let answer = host.transition(&sweep(&host), key("inv-a"), guard, change(State::Accepting)).await;
        assert_eq!(answer.unwrap().applied, over, "after {after}");
    }
}

#[tokio::test]
async fn approval_sets_the_approver_and_starts_the_lifetime() {
    let host = host();
    insert(&host, awaiting(0, "inv-a", alice())).await.unwrap();
    host.advance(1_000);
    let approve = Change {
        code: CodeChange::Replace(digest(10)),
        lifetime: LifetimeChange::Restart(Some(HOUR)),
        messages: vec![guestlist_contract::types::MessageKind::Invitation],
        ..change(State::Pending)
    };
    let row = go_with(&host, "inv-a", approve).await.unwrap();
    assert_eq!(row.approver, Some(ann()));
    assert_eq!(row.expires_at, Some(host.now() + HOUR));
    assert_eq!(row.mail, MailState::Queued);
    assert_eq!(events(&host).last().unwrap(), "invitation.approved");
}

#[tokio::test]
async fn a_pending_invitation_needs_a_code_and_no_other_has_one() {
    let host = host();
    insert(&host, awaiting(0, "inv-a", alice())).await.unwrap();
    assert!(is_invalid(&go(&host, "inv-a", State::Pending).await));
    let revoked = Change { code: CodeChange::Add(digest(9)), ..change(State::Revoked) };
    assert!(is_invalid(&go_with(&host, "inv-a", revoked).await));
}

#[tokio::test]
async fn malformed_changes_are_refused_as_a_whole() {
    let host = invited().await;
    let before = host.stored_text().unwrap();
    for change in [
        Change { operation: String::new(), ..change(State::Revoked) },
        Change { operation: "x".repeat(256), ..change(State::Revoked) },
        Change { reason: Some("x".repeat(1025)), ..change(State::Revoked) },
        Change { code: CodeChange::Add(vec![1; 31]), ..change(State::Pending) },
        Change { lease: None, ..change(State::Accepting) },
        Change { lease: Some(1), ..change(State::Revoked) },
    ] {
        assert!(is_invalid(&go_with(&host, "inv-a", change).await));
    }
    assert_eq!(host.stored_text().unwrap(), before);
}
