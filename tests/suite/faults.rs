//! Every operation, with every host call in it failing in every way.
//!
//! Each case starts from a copy of a prepared world. While the fault lasts the promises for every
//! instant hold. Then the host is well again: the same person asks for the same thing, time passes, the
//! sweep runs; and what is left is what would have been left without any fault.

use std::sync::Arc;

use guestlist_contract::Function;
use guestlist_testkit::{Fault, FaultAt, FaultPlan};

use crate::{
    asking::Case,
    cases::{self, every_case},
    guarantees::always,
    recovery::{ended_as_injected, faults, is_crash, outcome},
};

/// How many cases were run.
async fn everywhere(case: Case) -> u32 {
    let mut honest = case.fork();
    let calls = answered_calls(&mut honest).await;
    let expected = outcome(honest).await;
    let mut count = 0;
    for fault in faults() {
        let crash = is_crash(&fault);
        // After a crash there is no later call.
        for then_on in [false, true].into_iter().filter(|then_on| !(crash && *then_on)) {
            for nth in 1.. {
                let at = FaultAt { function: None, nth, then_on, fault: fault.clone() };
                let plan = Arc::new(FaultPlan::new([at]));
                let mut case = case.fork();
                let reply = case.ask(Some(plan.clone())).await;
                if !plan.spent() {
                    assert!(nth > calls || crash, "every host call has its turn");
                    break;
                }
                let place = || format!("{fault:?} at host call {nth}, then on: {then_on}\n{}", reply.trace);
                ended_as_injected(&reply.words, crash, &place);
                let found = outcome(case).await;
                assert_eq!(found.effect, expected.effect, "I-RETRY: {}", place());
                assert_eq!(found.last, expected.last, "I-RETRY: {}", place());
                count += 1;
            }
        }
    }
    count
}

async fn answered_calls(case: &mut Case) -> u32 {
    let reply = case.ask(None).await;
    reply.words.expect("an honest host");
    u32::try_from(reply.trace.entries.len()).expect("a few")
}

/// A generator that gives too little, nothing, or always the same: nothing is made of it.
async fn without_entropy(case: Case) -> u32 {
    let calls = case.fork().ask(None).await.trace;
    let draws: Vec<_> =
        calls.entries.iter().filter(|call| call.function == Function::RandomGetRandomBytes).collect();
    if draws.is_empty() {
        return 0;
    }
    let rows = |case: &Case| {
        let rows = case.rig.host.snapshot().invitations.into_iter();
        rows.map(|row| (row.invitation, row.codes)).collect::<Vec<_>>()
    };
    let mut count = 0;
    for (what, keep) in [("nothing", 0.0), ("half", 0.5), ("all but one", 0.99)] {
        let cut = move |bytes: serde_json::Value| {
            let bytes = bytes.as_array().expect("bytes");
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            bytes[..(bytes.len() as f64 * keep) as usize].to_vec().into()
        };
        count += unmoved(&case, what, Fault::Hostile(Arc::new(cut)), rows).await;
    }
    // An id may be any id; a code that can be guessed is none.
    if draws.iter().all(|draw| draw.arguments["len"].as_u64() > Some(16)) {
        let stuck = |bytes: serde_json::Value| vec![7; bytes.as_array().expect("bytes").len()].into();
        count += unmoved(&case, "always the same", Fault::Hostile(Arc::new(stuck)), rows).await;
    }
    count
}

async fn unmoved<T: PartialEq + std::fmt::Debug>(
    case: &Case,
    what: &str,
    fault: Fault,
    rows: fn(&Case) -> T,
) -> u32 {
    let mut case = case.fork();
    let before = rows(&case);
    let plan = Arc::new(FaultPlan::always(Function::RandomGetRandomBytes, fault));
    let reply = case.ask(Some(plan)).await;
    reply.words.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(rows(&case), before, "{what}\n{}", reply.trace);
    always(&case.rig, &case.history);
    1
}

macro_rules! everywhere {
    ($($case:ident)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $case() {
                let count = everywhere(cases::$case().await).await;
                let count = count + without_entropy(cases::$case().await).await;
                println!("{}: {count} cases", stringify!($case));
                assert!(count >= 16, "each fault strikes once and from then on");
            }
        )*
    };
}

every_case! { everywhere! }
