//! Batches, and their idempotence.

use super::*;
use guestlist_contract::{
    storage::RecordedOutcome,
    types::{MailState, MessageKind},
};

const DAY: u64 = 24 * HOUR;

#[tokio::test]
async fn a_new_invitation_is_as_the_draft_and_the_batch_say() {
    let host = invited().await;
    let row = stored(&host, "inv-a");
    assert_eq!((row.version, row.schema, row.state, row.mail), (1, 1, State::Pending, MailState::Queued));
    assert_eq!((row.inviter, row.parent.as_str()), (ann(), "root"));
    assert_eq!(row.grants, [group("g-help"), role("r-admin")]);
    assert_eq!((row.created_at, row.expires_at), (host.now(), Some(host.now() + HOUR)));
    assert_eq!(events(&host), ["invitation.created"]);
}

#[tokio::test]
async fn a_draft_chooses_its_grants_by_index() {
    let host = host();
    insert(&host, Draft { grants: Some(vec![1]), ..draft(0, "inv-a", alice(), 10) }).await.unwrap();
    assert_eq!(stored(&host, "inv-a").grants, [role("r-admin")]);
    let call = admin(&host);
    let wrong = Draft { grants: Some(vec![2]), ..draft(0, "inv-b", bob(), 11) };
    assert!(is_invalid(&host.insert(&call, "acme".into(), batch("x", vec![wrong])).await));
}

#[tokio::test]
async fn only_an_internal_and_pending_invitation_has_a_mail() {
    let host = host();
    let call = admin(&host);
    let external = Batch { notify: Notify::External, ..batch("x", vec![draft(0, "inv-a", alice(), 10)]) };
    host.insert(&call, "acme".into(), external).await.unwrap();
    let waiting = insert(&host, awaiting(0, "inv-b", bob())).await.unwrap();
    assert_eq!((waiting.state, waiting.mail), (State::AwaitingApproval, MailState::None));
    assert_eq!(stored(&host, "inv-a").mail, MailState::None);
    assert!(host.snapshot().outbox.is_empty());
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_rows_and_has_no_effect() {
    let host = host();
    let drafts = || vec![draft(0, "inv-a", alice(), 10), draft(1, "inv-b", bob(), 11)];
    let call = admin(&host);
    let first = host.insert(&call, "acme".into(), batch("key", drafts())).await.unwrap();
    assert!(first.iter().all(|item| !item.as_ref().unwrap().existed));
    let before = host.stored_text().unwrap();
    let others = vec![draft(0, "inv-c", alice(), 12), draft(1, "inv-d", bob(), 13)];
    let call = call_again(&host, &call);
    let second = host.insert(&call, "acme".into(), batch("key", others)).await.unwrap();
    for (first, second) in first.into_iter().zip(second) {
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(second.existed);
        assert_eq!(first.id, second.id);
    }
    assert_eq!(host.stored_text().unwrap(), before);
}

/// The same caller, without another request id: contexts are numbered in the stored state.
fn call_again(_: &MemoryHost, call: &Call) -> Call {
    Call::new(call.operation, call.context.clone())
}

#[tokio::test]
async fn the_same_key_with_another_request_is_refused() {
    let host = host();
    let call = admin(&host);
    host.insert(&call, "acme".into(), batch("key", vec![])).await.unwrap();
    let other = Batch { fingerprint: digest(2), ..batch("key", vec![draft(0, "inv-a", alice(), 10)]) };
    let answer = host.insert(&call, "acme".into(), other).await;
    assert!(matches!(answer, Err(StoreError::OperationReused)));
    let answer = host.recall(&call, "acme".into(), "key".into(), digest(2)).await;
    assert!(matches!(answer, Err(StoreError::OperationReused)));
    assert!(host.snapshot().invitations.is_empty());
}

#[tokio::test]
async fn a_key_belongs_to_its_caller() {
    let host = host();
    host.insert(&admin(&host), "acme".into(), batch("key", vec![])).await.unwrap();
    let client = host.call(Operation::Invite, Some("acme"), Principal::Client("hr".into()));
    let other = Batch { fingerprint: digest(2), ..batch("key", vec![draft(0, "inv-a", alice(), 10)]) };
    assert!(host.insert(&client, "acme".into(), other).await.is_ok());
}

#[tokio::test]
async fn an_operation_is_recalled_for_a_day_with_rows_as_they_are_now() {
    let host = host();
    let call = admin(&host);
    let item = refused(0, "bo", Word::NotAParentUser);
    let request = Batch { refused: vec![item], ..batch("key", vec![draft(3, "inv-a", alice(), 10)]) };
    host.insert(&call, "acme".into(), request).await.unwrap();
    host.advance(HOUR);
    let recorded = host.recall(&call, "acme".into(), "key".into(), digest(1)).await.unwrap();
    assert_eq!(recorded.iter().map(|item| item.position).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(recorded[0].outcome, RecordedOutcome::Refused("not-a-parent-user".into()));
    let RecordedOutcome::Row(row) = &recorded[1].outcome else { panic!("{recorded:?}") };
    assert_eq!((row.state, row.existed), (State::Expired, true));
    host.advance(DAY - HOUR);
    assert_eq!(host.recall(&call, "acme".into(), "key".into(), digest(1)).await.unwrap().len(), 2);
    host.advance(1);
    assert!(host.recall(&call, "acme".into(), "key".into(), digest(1)).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_item_that_was_not_recorded_is_tried_again_under_the_same_key() {
    let host = host();
    let call = admin(&host);
    host.insert(&call, "acme".into(), batch("key", vec![draft(0, "inv-a", alice(), 10)])).await.unwrap();
    let both = vec![draft(0, "inv-x", alice(), 12), draft(1, "inv-b", bob(), 11)];
    let items = host.insert(&call, "acme".into(), batch("key", both)).await.unwrap();
    assert!(items[0].as_ref().unwrap().existed);
    assert!(!items[1].as_ref().unwrap().existed);
}

#[tokio::test]
async fn a_refusal_is_audited_once() {
    let host = host();
    let call = admin(&host);
    for _ in 0..2 {
        let item = refused(0, "bo", Word::NoEmail);
        let request = Batch { refused: vec![item], ..batch("key", vec![]) };
        host.insert(&call, "acme".into(), request).await.unwrap();
    }
    assert_eq!(events(&host), ["item.refused"]);
}

#[tokio::test]
async fn a_subject_has_one_active_invitation_in_an_organization() {
    let host = invited().await;
    let answer = insert(&host, draft(0, "inv-b", alice(), 11)).await;
    assert_eq!(answer.unwrap_err().to_string(), StoreError::Exists(key("inv-a")).to_string());
    go(&host, "inv-a", State::Accepting).await.unwrap();
    host.advance(2 * HOUR);
    let answer = insert(&host, draft(0, "inv-c", alice(), 11)).await;
    assert!(matches!(answer, Err(StoreError::Exists(_))), "a claim does not expire");
    go(&host, "inv-a", State::Accepted).await.unwrap();
    insert(&host, draft(0, "inv-d", alice(), 11)).await.unwrap();
    let gina = host.call(Operation::Invite, Some("globex"), person(user("globex", "u-gina")));
    let elsewhere = batch("x", vec![draft(0, "inv-e", alice(), 12)]);
    assert!(host.insert(&gina, "globex".into(), elsewhere).await.unwrap()[0].is_ok());
}

#[tokio::test]
async fn two_drafts_of_one_subject_in_a_batch_make_one_invitation() {
    let host = host();
    let twice = vec![draft(0, "inv-a", alice(), 10), draft(1, "inv-b", alice(), 11)];
    let items = host.insert(&admin(&host), "acme".into(), batch("key", twice)).await.unwrap();
    assert!(items[0].is_ok());
    assert!(matches!(&items[1], Err(StoreError::Exists(found)) if *found == key("inv-a")));
}

#[tokio::test]
async fn an_invitation_that_has_run_out_is_written_off_and_is_no_obstacle() {
    for (after, free) in [(HOUR - 1, false), (HOUR, true), (HOUR + 1, true)] {
        let host = invited().await;
        host.advance(after);
        let answer = insert(&host, draft(0, "inv-b", alice(), 11)).await;
        assert_eq!(answer.is_ok(), free, "after {after}");
        if free {
            let old = stored(&host, "inv-a");
            assert_eq!((old.state, old.version, old.ended_at), (State::Expired, 2, Some(host.now())));
            assert_eq!(events(&host), ["invitation.created", "invitation.expired", "invitation.created"]);
            let outbox = host.snapshot().outbox;
            assert_eq!(outbox.len(), 1, "the old mail is not sent any more");
            assert_eq!(outbox[0].entry.invitation, "inv-b");
        }
    }
}

#[tokio::test]
async fn malformed_batches_are_refused_as_a_whole() {
    let host = host();
    let call = admin(&host);
    let good = || draft(0, "inv-a", alice(), 10);
    let of = |draft: Draft| batch("key", vec![draft]);
    let contact = Subject::Contact("c".into());
    let many = (0..101).map(|number| draft(number, &format!("i{number}"), alice(), 1)).collect();
    for (what, request) in [
        ("no id", of(Draft { id: String::new(), ..good() })),
        ("short digest", of(Draft { code: Some(vec![1; 31]), ..good() })),
        ("neither code nor approval", of(Draft { code: None, ..good() })),
        ("both", of(Draft { approval: Some("x".into()), ..good() })),
        ("long name", of(Draft { name: "x".repeat(255), ..good() })),
        ("contact", of(Draft { subject: contact, ..good() })),
        ("same position", batch("key", vec![good(), draft(0, "inv-b", bob(), 11)])),
        ("too many", batch("key", many)),
        ("short fingerprint", Batch { fingerprint: vec![], ..batch("key", vec![good()]) }),
        ("too many grants", Batch { grants: vec![group("g"); 51], ..batch("key", vec![good()]) }),
    ] {
        assert!(is_invalid(&host.insert(&call, "acme".into(), request).await), "{what}");
    }
    assert!(host.snapshot().invitations.is_empty());
}

#[tokio::test]
async fn another_organization_an_invitee_and_nobody_are_denied() {
    let host = host();
    let nobody = host.call(Operation::Invite, Some("acme"), Principal::Anonymous);
    let request = || batch("key", vec![draft(0, "inv-a", alice(), 10)]);
    assert!(is_denied(&host.insert(&admin(&host), "globex".into(), request()).await));
    assert!(is_denied(&host.insert(&dashboard(&host, alice()), "acme".into(), request()).await));
    assert!(is_denied(&host.insert(&nobody, "acme".into(), request()).await));
}

#[tokio::test]
async fn no_more_are_stored_than_the_limit_allows_and_what_ran_out_does_not_count() {
    let host = host();
    let limited = |operation: &str, drafts| Batch { active_limit: Some(2), ..batch(operation, drafts) };
    let three = vec![
        draft(0, "inv-a", alice(), 10),
        awaiting(1, "inv-b", bob()),
        draft(2, "inv-c", user("partner", "u-gus0"), 12),
    ];
    let call = admin(&host);
    let stored = host.insert(&call, "acme".into(), limited("one", three.clone())).await.unwrap();
    assert!(matches!(stored[..], [Ok(_), Ok(_), Err(StoreError::OverLimit(2))]), "{stored:?}");
    let recalled = host.recall(&call, "acme".into(), "one".into(), digest(1)).await.unwrap();
    let refused = recalled.iter().find(|recorded| recorded.position == 2).unwrap();
    assert_eq!(refused.outcome, RecordedOutcome::Refused("over-limit:2".into()));

    // Who is invited already is told that, full or not.
    let again = host.insert(&call, "acme".into(), limited("two", three)).await.unwrap();
    assert!(matches!(again[0], Err(StoreError::Exists(_))));
    host.advance(HOUR);
    let gus = vec![draft(0, "inv-d", user("partner", "u-gus0"), 13)];
    let stored = host.insert(&call, "acme".into(), limited("three", gus)).await.unwrap();
    assert!(stored[0].is_ok(), "both have run out: {stored:?}");
}

#[tokio::test]
async fn what_is_in_the_way_stays_as_it_is_when_there_is_no_room() {
    let host = host();
    insert(&host, Draft { lifetime: Some(HOUR / 2), ..draft(0, "inv-a", alice(), 10) }).await.unwrap();
    insert(&host, draft(0, "inv-b", bob(), 11)).await.unwrap();
    host.advance(HOUR / 2);
    let call = admin(&host);
    let full = Batch { active_limit: Some(1), ..batch("full", vec![draft(0, "inv-c", alice(), 12)]) };
    let stored = host.insert(&call, "acme".into(), full).await.unwrap();
    assert!(matches!(stored[..], [Err(StoreError::OverLimit(1))]));
    assert_eq!(stored_state(&host, "inv-a"), State::Pending, "nothing was applied");
}

#[tokio::test]
async fn approvers_and_inviters_are_told_where_the_batch_says_so() {
    for told in [false, true] {
        let host = host();
        insert(&host, draft(0, "inv-a", alice(), 10)).await.unwrap();
        host.advance(HOUR);
        let call = admin(&host);
        let drafts = vec![awaiting(0, "inv-b", alice())];
        let batch = Batch { announce: told, report_expired: told, ..batch("one", drafts) };
        host.insert(&call, "acme".into(), batch).await.unwrap().remove(0).unwrap();
        let waiting: Vec<_> = host.snapshot().outbox.into_iter().map(|view| view.entry).collect();
        let kinds: Vec<_> = waiting.iter().map(|entry| (entry.invitation.as_str(), &entry.kind)).collect();
        let expected = [("inv-a", &MessageKind::Expired), ("inv-b", &MessageKind::ApprovalRequested)];
        assert_eq!(kinds, if told { expected.as_slice() } else { &[] });
    }
}

fn stored_state(host: &MemoryHost, id: &str) -> State {
    host.snapshot().invitations.iter().find(|row| row.invitation.key.id == id).unwrap().invitation.state
}
