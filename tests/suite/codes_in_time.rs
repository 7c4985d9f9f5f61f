//! Which codes work around a resend: the older ones until the new mail has arrived, and not an instant longer.

use std::sync::Arc;

use guestlist_contract::{
    Function,
    exports::invitee::{Handle, InviteeRefusal},
    types::{InvitationKey, MailState, State},
};
use guestlist_harness::operations as op;
use guestlist_memory::MailMode;
use guestlist_testkit::{Fault, FaultPlan};

use crate::{
    guarantees::{History, always},
    rig::*,
};

const ACME: Option<&str> = Some("acme");

async fn resend(rig: &Rig, key: &InvitationKey) -> MailState {
    let resend = op::Resend { ids: vec![key.id.clone()] };
    rig.run(ACME, ann(), resend).await.unwrap().answer.unwrap().remove(0).unwrap().mail
}

/// Which of these codes work for Alice.
async fn working(rig: &Rig, codes: &[String]) -> Vec<bool> {
    always(rig, &History::default());
    let mut works = Vec::new();
    for code in codes {
        let handle = Handle::Code(code.clone());
        let answer = rig.run(None, alice(), op::Introspect { handle }).await.unwrap().answer;
        assert!(matches!(answer, Ok(_) | Err(InviteeRefusal::NotUsable)), "{answer:?}");
        works.push(answer.is_ok());
    }
    works
}

/// Of every mail to Alice, those on their way included, oldest first.
fn mailed(rig: &Rig) -> Vec<String> {
    let world = rig.host.snapshot();
    let mut mails: Vec<_> = world.mails.into_iter().chain(world.taken).collect();
    mails.sort_by_key(|mail| mail.version);
    mails.into_iter().filter_map(|mail| mail.code).collect()
}

#[tokio::test]
async fn a_mail_that_has_arrived_kills_the_older_code_in_that_commit() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    assert_eq!(resend(&rig, &key).await, MailState::Sent);
    assert_eq!(working(&rig, &mailed(&rig)).await, [false, true], "I-SEC2");
}

#[tokio::test]
async fn a_mail_that_is_under_way_kills_nothing_and_its_arrival_does() {
    for arrives in [true, false] {
        let rig = Rig::new();
        let (key, _) = rig.invited("alice", &[]).await;
        rig.host.set_mail_mode(MailMode::Take);
        assert_eq!(resend(&rig, &key).await, MailState::Queued);
        let codes = mailed(&rig);
        assert_eq!(working(&rig, &codes).await, [true, true], "the invitee has only the first as yet");
        rig.host.settle_taken(arrives);
        assert_eq!(working(&rig, &codes).await, [!arrives, true], "arrives: {arrives}");
        let state = if arrives { MailState::Sent } else { MailState::Undeliverable };
        assert_eq!(rig.row(&key).mail, state);
    }
}

#[tokio::test]
async fn while_no_mail_goes_out_the_older_code_accepts() {
    let rig = Rig::new();
    let (key, first) = rig.invited("alice", &[]).await;
    rig.host.fail_mail(true);
    for _ in 0..3 {
        assert_eq!(resend(&rig, &key).await, MailState::Queued);
        rig.host.advance(60_000);
        assert_eq!(rig.sweep("acme").await.sent, 0);
    }
    assert!(rig.fork().accept(alice(), &first).await.is_ok(), "it is the only one that alice has");
    rig.host.fail_mail(false);
    rig.host.advance(3_600_000);
    assert_eq!(rig.sweep("acme").await.sent, 1);
    assert_eq!(working(&rig, &mailed(&rig)).await, [false, true], "I-SEC2");
    assert_eq!(
        rig.host.snapshot().invitations[0].codes.len(),
        1,
        "nor do those that were never sent live on"
    );
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok());
}

/// The mail has gone out, and that was not written down: both work, until a later one has arrived for sure.
#[tokio::test]
async fn between_sending_and_writing_it_down_both_work() {
    for fault in [Fault::CrashBefore, Fault::FailBefore] {
        let rig = Rig::new();
        let (key, _) = rig.invited("alice", &[]).await;
        let plan = Arc::new(FaultPlan::always(Function::StorageSettle, fault.clone()));
        let _ = rig.run_with(plan, ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await;
        assert_eq!(working(&rig, &mailed(&rig)).await, [true, true], "{fault:?}");
        rig.host.advance(120_000);
        assert_eq!(rig.sweep("acme").await.sent, 1, "{fault:?}: nobody knew that it was out");
        assert_eq!(working(&rig, &mailed(&rig)).await, [false, false, true], "{fault:?}: I-SEC2");
    }
}

/// The call is lost before anything is sent: the sweep sends another.
#[tokio::test]
async fn a_resend_that_was_lost_before_its_mail_leaves_a_code_that_works() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    let plan = Arc::new(FaultPlan::once(Function::NotificationsSend, 1, Fault::CrashBefore));
    rig.run_with(plan, ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await.expect_err("a crash");
    assert_eq!(working(&rig, &mailed(&rig)).await, [true]);
    rig.host.advance(120_000);
    assert_eq!(rig.sweep("acme").await.sent, 1);
    assert_eq!(working(&rig, &mailed(&rig)).await, [false, true], "I-SEC2");
}

/// What was taken before a resend and arrives after it is not what the resend has asked for.
#[tokio::test]
async fn an_earlier_mail_that_arrives_late_kills_nothing() {
    let rig = Rig::new();
    rig.host.set_mail_mode(MailMode::Take);
    let id = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap().id;
    let key = InvitationKey { organization: "acme".into(), id };
    rig.host.set_mail_mode(MailMode::Fail);
    assert_eq!(resend(&rig, &key).await, MailState::Queued);
    rig.host.settle_taken(true);
    assert_eq!(rig.row(&key).mail, MailState::Queued);
    assert_eq!(working(&rig, &mailed(&rig)).await, [true]);
}

#[tokio::test]
async fn no_more_than_thirty_two_live_and_the_newest_is_among_them() {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "resend-limit": 40 }"#)).unwrap();
    let (key, first) = rig.invited("alice", &[]).await;
    rig.host.set_mail_mode(MailMode::Take);
    for _ in 0..40 {
        resend(&rig, &key).await;
    }
    assert_eq!(rig.host.snapshot().invitations[0].codes.len(), 32);
    let codes = mailed(&rig);
    let works = working(&rig, &codes).await;
    assert_eq!(works.iter().filter(|works| **works).count(), 32);
    assert_eq!((working(&rig, &[first]).await, works.last()), (vec![false], Some(&true)), "the oldest die");
}

/// A code that goes to the caller has arrived with the answer.
#[tokio::test]
async fn what_is_shown_kills_the_older_one_at_once() {
    let rig = Rig::new();
    let first = rig.invite(externally(request(&["alice"], &[]))).await.unwrap().remove(0).unwrap();
    let again = op::Resend { ids: vec![first.id.clone()] };
    let again = rig.run(ACME, ann(), again).await.unwrap().answer.unwrap().remove(0).unwrap();
    rig.shown_on_purpose(again.code.clone());
    let codes = [first.code.unwrap(), again.code.unwrap()];
    assert_eq!(working(&rig, &codes).await, [false, true], "I-SEC2");
}

/// Whoever reads the old mailbox has the old codes; their invitee still sees what they were invited to.
#[tokio::test]
async fn when_an_address_changes_its_codes_die_and_a_resend_brings_one_that_works() {
    let rig = Rig::new();
    let (key, old) = rig.invited("alice", &[]).await;
    rig.host.set_email("root", "u-alice", Some("alice@new.example")).unwrap();
    assert_eq!(working(&rig, std::slice::from_ref(&old)).await, [false]);
    let mine = op::ListMine { states: vec![], after: None, limit: 9 };
    assert_eq!(rig.run(None, alice(), mine).await.unwrap().answer.unwrap().items.len(), 1);
    assert_eq!(resend(&rig, &key).await, MailState::Sent);
    assert_eq!(rig.host.mails().pop().unwrap().address, "alice@new.example");
    assert_eq!(working(&rig, &[old, rig.code_of(&key.id)]).await, [false, true]);
}

/// Alice's mail is lost on the way and she accepts with the first: that is what it is kept for.
#[tokio::test]
async fn after_the_end_codes_tell_what_has_become_of_it_and_do_nothing_more() {
    let rig = Rig::new();
    let (key, first) = rig.invited("alice", &[]).await;
    rig.host.set_mail_mode(MailMode::Take);
    resend(&rig, &key).await;
    assert!(rig.accept(alice(), &first).await.is_ok());
    rig.host.settle_taken(true);
    assert_eq!(rig.row(&key).state, State::Accepted);
    for code in mailed(&rig) {
        assert!(rig.accept(alice(), &code).await.is_ok_and(|accepted| accepted.repeated));
    }
}
