//! Every pair of faults in inviting, in accepting and in taking over: the second strikes later in the
//! same call, or in what follows it: the same person's retry, or the sweep.
//!
//! Host calls are numbered as they are really reached under the first fault. Many pairs leave the same
//! world behind and the same words said; what follows is then the same, too, and is run once for each
//! of them, with all questions asked. So every pair runs through the component.

use std::{collections::HashSet, sync::Arc};

use guestlist_contract::types::Principal;
use guestlist_testkit::{Fault, FaultAt, FaultPlan};

use crate::{
    asking::{self, Case, MINUTE},
    cases,
    guarantees::always,
    recovery::{OnPanic, Outcome, ended_as_injected, faults, is_crash, outcome},
};

/// More than an operation on one invitation ever makes, whatever fails (I-BOX).
const HOST_CALLS: u32 = 60;

/// Where faults strike in one call.
type Places<'a> = &'a [(u32, &'a Fault)];

fn plan(places: Places<'_>) -> Arc<FaultPlan> {
    let at = |(nth, fault): &(u32, &Fault)| {
        assert!(*nth < HOST_CALLS, "I-BOX: {places:?}");
        FaultAt { function: None, nth: *nth, then_on: false, fault: (*fault).clone() }
    };
    Arc::new(FaultPlan::new(places.iter().map(at)))
}

/// The case on a copy of its world, asked for under these faults; `None` where one is not reached.
async fn struck(case: &Case, places: Places<'_>) -> Option<Case> {
    let plan = plan(places);
    let mut case = case.quick_fork();
    let words = case.ask_quickly(Some(plan.clone())).await;
    if !plan.spent() {
        return None;
    }
    let crash = places.iter().any(|(_, fault)| is_crash(fault));
    ended_as_injected(&words, crash, &|| format!("{places:?}"));
    Some(case)
}

/// What comes after a call that a fault has struck.
#[derive(Clone, Copy, Debug)]
enum Next {
    Again,
    AgainLater,
    Sweep,
}

impl Next {
    const ALL: [Self; 3] = [Self::Again, Self::AgainLater, Self::Sweep];

    fn of(self, case: &Case) -> Case {
        let mut next = case.fork();
        if !matches!(self, Self::Again) {
            next.rig.host.advance(MINUTE);
        }
        if matches!(self, Self::Sweep) {
            (next.organization, next.caller, next.ask) = (Some("acme"), Principal::System, asking::sweep());
        }
        next
    }
}

/// What is left without any fault, and the worlds from which it was reached again.
struct Pairs<'a> {
    case: &'a Case,
    expected: Outcome,
    /// The worlds that were left.
    recovered: HashSet<String>,
    count: u32,
}

impl Pairs<'_> {
    /// Whether the last of these faults is reached in `case`. If so, the host is well again after it.
    async fn strike(&mut self, before: &str, case: &Case, places: Places<'_>) -> bool {
        let Some(left) = struck(case, places).await else { return false };
        self.count += 1;
        if self.recovered.insert(left.as_text()) {
            // Once more, with a trace: it is looked through for codes, and shown after a failure.
            let mut again = case.fork();
            let reply = again.ask(Some(plan(places))).await;
            let _told = OnPanic(format!("{before}{places:?}: {:?}\n{}", reply.words, reply.trace));
            (again.organization, again.caller, again.ask) =
                (self.case.organization, self.case.caller.clone(), self.case.ask.clone());
            always(&again.rig, &again.history);
            assert_eq!(outcome(again).await, self.expected, "I-RETRY");
        }
        true
    }

    /// A fault at each host call from `from` on, after the others.
    async fn each(&mut self, before: &str, case: &Case, others: Places<'_>, from: u32) {
        for fault in &faults() {
            for nth in from.. {
                let places = [others, &[(nth, fault)]].concat();
                if !self.strike(before, case, &places).await {
                    break;
                }
            }
        }
    }
}

async fn all_pairs(name: &str, case: Case) {
    let mut honest = case.fork();
    honest.ask(None).await.words.expect("an honest host");
    let expected = outcome(honest).await;
    let mut pairs = Pairs { case: &case, expected, recovered: HashSet::new(), count: 0 };
    let mut interrupted = HashSet::new();
    for fault in &faults() {
        for nth in 1.. {
            let first = [(nth, fault)];
            let Some(left) = struck(&case, &first).await else { break };
            pairs.each("", &case, &first, nth + 1).await;
            if interrupted.insert(left.as_text()) {
                for next in Next::ALL {
                    let before = format!("{first:?}, then {next:?} with ");
                    pairs.each(&before, &next.of(&left), &[], 1).await;
                }
            }
        }
    }
    println!("{name}: {} pairs leave {} worlds", pairs.count, pairs.recovered.len());
}

macro_rules! all_pairs {
    ($($case:ident)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $case() {
                all_pairs(stringify!($case), cases::$case().await).await;
            }
        )*
    };
}

all_pairs! {
    invite_internal
    invite_external
    invite_with_key
    invite_bulk_with_refusals
    resend_expired
    accept_by_code
    accept_by_id
    accept_by_bearer
    accept_by_a_stranger
    accept_where_the_name_is_taken
    sweep_a_take_over
    sweep_a_take_over_half_way
    sweep_a_take_over_refused
    sweep_a_take_over_refused_half_way
    sweep_a_take_over_of_a_removed
}
