//! After faults: the host is well again, the same person asks for the same thing, time passes, the
//! sweep runs. What is left then is compared with what is left without any fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use guestlist_harness::{CallError, Reason, Request};
use guestlist_memory::{AuditEvent, Snapshot, StoredInvitation};
use guestlist_testkit::Fault;

use crate::{
    asking::{Case, HOST_CALL},
    guarantees::{always, at_rest},
};

/// What is left when somebody asks, asks again, and asks once more when all is at rest.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub effect: BTreeSet<String>,
    pub last: Vec<String>,
}

/// I-RETRY: what is left when a request was made once, or again and again: who is a member with what,
/// and where the invitations of each account stand. Nothing that differs from run to run.
fn effect(world: &Snapshot) -> BTreeSet<String> {
    let mut effect = BTreeSet::new();
    for (organization, view) in &world.organizations {
        for member in &view.members {
            let (groups, roles) = (member.groups.keys(), member.roles.keys());
            effect.insert(format!(
                "{organization} has {:?} in {:?}",
                member.account,
                groups.chain(roles).collect::<Vec<_>>()
            ));
        }
    }
    let mut rows = BTreeMap::<String, Vec<String>>::new();
    for StoredInvitation { invitation: row, .. } in &world.invitations {
        let whose = format!("{} invites {:?} with {:?}", row.key.organization, row.subject, row.grants);
        rows.entry(whose).or_default().push(format!("{:?}", row.state));
    }
    effect.extend(rows.into_iter().map(|(whose, mut states)| {
        states.sort();
        format!("{whose}: {}", states.join(", "))
    }));
    effect
}

pub async fn outcome(mut case: Case) -> Outcome {
    always(&case.rig, &case.history);
    answered(&mut case).await;
    case.rig.settle().await;
    always(&case.rig, &case.history);
    at_rest(&case.rig, &case.history);
    let effect = effect(&case.rig.host.snapshot());
    let last = answered(&mut case).await;
    Outcome { effect, last }
}

async fn answered(case: &mut Case) -> Vec<String> {
    // Inviting anew has its event in the batch.
    let items = matches!(case.ask, Request::Resend(_));
    let is_refusal =
        |event: &AuditEvent| event.text() == "refused" || (items && event.text() == "item.refused");
    let refused = |case: &Case| case.rig.host.audit().iter().filter(|event| is_refusal(event)).count();
    let before = refused(case);
    let words = case.ask(None).await.words.expect("an honest host");
    always(&case.rig, &case.history);
    let expected = match case.ask {
        Request::Introspect(_) | Request::ListMine(_) => false,
        // Refused items go with the batch.
        Request::Invite(_) => words == ["UnknownGrants"],
        _ => words[0] != "ok",
    };
    assert_eq!(refused(case) - before, usize::from(expected), "I-AUD: {words:?} of {:?}", case.ask);
    words
}

/// Everything that can happen at a host call, lies aside.
pub fn faults() -> Vec<Fault> {
    vec![
        Fault::FailBefore,
        Fault::FailAfter,
        Fault::Timeout,
        Fault::Late(HOST_CALL / 2),
        Fault::Late(HOST_CALL * 2),
        Fault::Conflict,
        Fault::Throttled(Duration::from_secs(5)),
        Fault::Denied,
        Fault::Full,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ]
}

/// After a crash there is no later host call.
pub fn is_crash(fault: &Fault) -> bool {
    matches!(fault, Fault::CrashBefore | Fault::CrashAfter)
}

/// There is an answer, unless a crash was injected.
pub fn ended_as_injected(words: &Result<Vec<String>, CallError>, crash: bool, place: &dyn Fn() -> String) {
    let Err(error) = words else {
        assert!(!crash, "{}", place());
        return;
    };
    let reason = error.trapped().map(|trapped| &trapped.reason);
    assert!(crash && matches!(reason, Some(Reason::Injected(_))), "{error}\n{}", place());
}

/// Tells after a failure what had led to it.
pub struct OnPanic(pub String);

impl Drop for OnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}
