//! What is told besides the invitation: reminders, and what has become of it. Each at most once, and none
//! with a code.

use guestlist_contract::{
    Function,
    exports::invitee::Handle,
    types::{InvitationKey, MessageKind, Principal},
};
use guestlist_harness::operations as op;
use guestlist_testkit::{Fault, FaultPlan};
use std::sync::Arc;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");
const HOUR: u64 = 3_600_000;
const ALL: &str = r#"{ "notices": ["expired", "accepted", "declined"], "reminder-before": "24h" }"#;

fn telling(settings: &str) -> Rig {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(settings)).unwrap();
    rig
}

/// Who was told what, without the invitations themselves.
fn told(rig: &Rig) -> Vec<(String, MessageKind)> {
    let mails = rig.host.mails().into_iter().filter(|mail| mail.kind != MessageKind::Invitation);
    mails
        .map(|mail| {
            assert_eq!((mail.code, mail.link), (None, None), "I-SEC1");
            (mail.to.id, mail.kind)
        })
        .collect()
}

async fn for_days(rig: &Rig, days: u64) {
    for _ in 0..days * 24 {
        rig.host.advance(HOUR);
        rig.sweep("acme").await;
        rig.sweep("acme").await;
    }
}

async fn decline(rig: &Rig, code: String) {
    let handle = Handle::Code(code);
    rig.run(None, alice(), op::Decline { handle, reason: None }).await.unwrap().answer.unwrap();
}

#[tokio::test]
async fn nobody_is_told_anything_unless_the_organization_wants_it() {
    let rig = telling("{}");
    let (_, code) = rig.invited("alice", &[]).await;
    rig.invited("bob", &[]).await;
    rig.accept(alice(), &code).await.unwrap();
    for_days(&rig, 4).await;
    assert_eq!(told(&rig), []);
}

#[tokio::test]
async fn the_invitee_is_reminded_once_and_the_inviter_told_once_that_nobody_answered() {
    let rig = telling(ALL);
    rig.invited("alice", &[]).await;
    for_days(&rig, 2).await;
    let told_whom = [("u-alice".to_owned(), MessageKind::Reminder), ("u-ann".into(), MessageKind::Expired)];
    assert_eq!(told(&rig), told_whom[..1], "a day before the end");
    for_days(&rig, 3).await;
    assert_eq!(told(&rig), told_whom);
}

#[tokio::test]
async fn nobody_is_reminded_of_what_he_was_never_told() {
    let rig = telling(ALL);
    rig.host.fail_mail(true);
    rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap();
    for_days(&rig, 1).await;
    rig.host.fail_mail(false);
    for_days(&rig, 3).await;
    assert_eq!(told(&rig), [("u-ann".into(), MessageKind::Expired)], "its mail was given up");
}

#[tokio::test]
async fn the_inviter_is_told_once_what_the_invitee_said() {
    for (says_yes, kind) in [(true, MessageKind::Accepted), (false, MessageKind::Declined)] {
        let rig = telling(ALL);
        let (_, code) = rig.invited("alice", &[]).await;
        match says_yes {
            true => drop(rig.accept(alice(), &code).await.unwrap()),
            false => decline(&rig, code.clone()).await,
        }
        for_days(&rig, 4).await;
        assert_eq!(told(&rig), [("u-ann".into(), kind)], "and nobody is reminded of what is over");
    }
}

#[tokio::test]
async fn each_notice_is_wanted_by_itself() {
    for (wanted, kind) in [
        ("expired", MessageKind::Expired),
        ("accepted", MessageKind::Accepted),
        ("declined", MessageKind::Declined),
    ] {
        let rig = telling(&format!(r#"{{ "notices": ["{wanted}"] }}"#));
        let (_, code) = rig.invited("alice", &[]).await;
        decline(&rig, code).await;
        let (_, code) = rig.invited("alice", &[]).await;
        rig.accept(alice(), &code).await.unwrap();
        rig.invited("bob", &[]).await;
        for_days(&rig, 4).await;
        assert_eq!(told(&rig), [("u-ann".into(), kind)]);
    }
}

#[tokio::test]
async fn it_is_told_also_where_an_invite_comes_before_the_sweep() {
    let rig = telling(ALL);
    rig.invited("alice", &[]).await;
    rig.host.advance(HOURS_72);
    rig.invited("alice", &[]).await;
    rig.host.advance(1);
    rig.sweep("acme").await;
    assert_eq!(told(&rig), [("u-ann".into(), MessageKind::Expired)]);
}

#[tokio::test]
async fn a_machine_has_no_mailbox() {
    let rig = telling(ALL);
    let hr = Principal::Client("hr".into());
    let invited = rig.invite_as("acme", hr, request(&["alice"], &[])).await.unwrap().remove(0).unwrap();
    rig.accept(alice(), &rig.code_of(&invited.id)).await.unwrap();
    for_days(&rig, 1).await;
    assert_eq!(told(&rig), []);
    assert!(rig.host.snapshot().outbox.is_empty());
}

#[tokio::test]
async fn a_resend_does_not_remind_again_and_does_not_make_it_last_longer() {
    let rig = telling(ALL);
    let (key, _) = rig.invited("alice", &[]).await;
    for_days(&rig, 2).await;
    let end = rig.row(&key).expires_at;
    rig.run(ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer.unwrap();
    assert_eq!(rig.row(&key).expires_at, end);
    for_days(&rig, 2).await;
    let reminders = told(&rig).into_iter().filter(|(_, kind)| *kind == MessageKind::Reminder).count();
    assert_eq!(reminders, 1);
}

/// Every way in which telling can fail, at every host call of the sweep that tells: somebody may hear of it
/// never, and nobody twice.
#[tokio::test]
async fn nobody_is_told_twice_whatever_fails() {
    for fault in [
        Fault::FailBefore,
        Fault::FailAfter,
        Fault::Throttled(std::time::Duration::from_secs(5)),
        Fault::Denied,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ] {
        for nth in 1..40 {
            let rig = telling(ALL);
            let (_, code) = rig.invited("bob", &[]).await;
            rig.accept(bob(), &code).await.unwrap();
            rig.invited("alice", &[]).await;
            rig.host.advance(HOURS_72 - 1);
            let plan = Arc::new(FaultPlan::at(nth, fault.clone()));
            let sweep = op::Sweep { limit: 200 };
            let _ = rig.run_with(plan.clone(), ACME, Principal::System, sweep).await;
            let struck = plan.spent();
            for _ in 0..4 {
                rig.sweep("acme").await;
                rig.host.advance(12 * HOUR);
            }
            let told = told(&rig);
            for kind in [MessageKind::Accepted, MessageKind::Reminder, MessageKind::Expired] {
                let count = told.iter().filter(|(_, told)| *told == kind).count();
                assert!(count <= 1, "{fault:?} at {nth}: {told:?}");
                assert!(struck || count == 1, "without a fault each is told: {told:?}");
            }
            if !struck {
                break;
            }
            assert!(nth < 39, "the sweep ends");
        }
    }
}

#[tokio::test]
async fn a_throttled_sweep_comes_back_when_it_may() {
    let rig = Rig::new();
    rig.host.fail_mail(true);
    let id = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap().id;
    rig.host.fail_mail(false);
    rig.host.advance(60_000);
    let wait = std::time::Duration::from_secs(600);
    let plan = Arc::new(FaultPlan::always(Function::NotificationsSend, Fault::Throttled(wait)));
    for _ in 0..20 {
        let sweep = op::Sweep { limit: 200 };
        let swept = rig.run_with(plan.clone(), ACME, Principal::System, sweep).await.unwrap().answer.unwrap();
        assert_eq!(swept.sent, 0);
        rig.host.advance(60_000);
    }
    rig.host.advance(600_000);
    assert_eq!(rig.sweep("acme").await.sent, 1, "it was no failed try");
    let key = InvitationKey { organization: "acme".into(), id };
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok());
}

/// The mail system has no room for a while: what is told at most once is told all the same.
#[tokio::test]
async fn a_notice_that_was_held_back_is_sent_later_and_once() {
    type Way = (MessageKind, &'static str, fn(&Rig) -> u64);
    let ways: [Way; 3] = [
        (MessageKind::Reminder, "u-alice", |_| HOURS_72 - HOUR),
        (MessageKind::Revoked, "u-ann", |_| 0),
        (MessageKind::Expired, "u-ann", |_| HOURS_72),
    ];
    for (kind, whom, time) in ways {
        let rig = telling(r#"{ "notices": ["expired", "revoked"], "reminder-before": "24h" }"#);
        let (key, _) = rig.invited("alice", &[]).await;
        rig.host.advance(time(&rig));
        if kind == MessageKind::Revoked {
            let revoke = op::Revoke { id: key.id.clone(), reason: None };
            rig.run(ACME, ben(), revoke).await.unwrap().answer.unwrap();
        }
        let wait = std::time::Duration::from_secs(600);
        let plan = Arc::new(FaultPlan::always(Function::NotificationsSend, Fault::Throttled(wait)));
        for _ in 0..10 {
            let sweep = op::Sweep { limit: 200 };
            rig.run_with(plan.clone(), ACME, Principal::System, sweep).await.unwrap().answer.unwrap();
            rig.host.advance(60_000);
        }
        assert_eq!(told(&rig), [], "{kind:?}");
        for _ in 0..5 {
            rig.host.advance(600_000);
            rig.sweep("acme").await;
        }
        assert_eq!(told(&rig).first(), Some(&(whom.to_owned(), kind.clone())), "{kind:?}");
        assert_eq!(told(&rig).iter().filter(|(_, told)| *told == kind).count(), 1, "{kind:?}");
    }
}

/// A call that is lost after it had written down that it is about to send loses the notice, and sends it
/// never twice.
#[tokio::test]
async fn what_was_lost_while_it_was_sent_is_not_sent_again() {
    let rig = telling(r#"{ "notices": ["revoked"] }"#);
    let (key, _) = rig.invited("alice", &[]).await;
    rig.run(ACME, ben(), op::Revoke { id: key.id, reason: None }).await.unwrap().answer.unwrap();
    let plan = Arc::new(FaultPlan::once(Function::NotificationsSend, 1, Fault::CrashBefore));
    let sweep = op::Sweep { limit: 200 };
    rig.run_with(plan, ACME, Principal::System, sweep).await.expect_err("a crash");
    for_days(&rig, 2).await;
    assert_eq!(told(&rig), [], "nobody knows whether it went out");
}

/// Whoever does it themselves need not be told, nor is anybody told what nobody wanted to hear.
#[tokio::test]
async fn the_inviter_is_told_that_somebody_else_has_taken_it_back() {
    for (who, rejects, expected) in [(ann(), false, 0), (ben(), false, 1), (ben(), true, 1)] {
        let rig = telling(r#"{ "notices": ["revoked"], "privileged": ["group:g-ops"] }"#);
        let grants = if rejects { vec![group("g-ops")] } else { vec![] };
        let id = rig.invite(request(&["alice"], &grants)).await.unwrap().remove(0).unwrap().id;
        let answer = match rejects {
            true => rig.run(ACME, who, op::Reject { id, reason: None }).await.unwrap().answer,
            false => rig.run(ACME, who, op::Revoke { id, reason: None }).await.unwrap().answer,
        };
        answer.unwrap();
        for_days(&rig, 1).await;
        assert_eq!(told(&rig).len(), expected);
        assert!(told(&rig).iter().all(|told| *told == ("u-ann".to_owned(), MessageKind::Revoked)));
    }
}

/// Not before half of the time that is left since the last mail has passed, however early the setting says.
#[tokio::test]
async fn nobody_is_reminded_of_what_he_was_told_a_moment_ago() {
    let rig = telling(r#"{ "reminder-before": "71h" }"#);
    let (key, _) = rig.invited("alice", &[]).await;
    for_days(&rig, 1).await;
    rig.run(ACME, ann(), op::Resend { ids: vec![key.id] }).await.unwrap().answer.unwrap();
    // 48 hours are left; the reminder comes when 24 of them have passed.
    for hour in 1..=24u64 {
        assert_eq!(told(&rig), [], "after {hour} hours");
        rig.host.advance(HOUR);
        rig.sweep("acme").await;
    }
    assert_eq!(told(&rig), [("u-alice".to_owned(), MessageKind::Reminder)]);
}
