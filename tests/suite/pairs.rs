//! Every pair of faults in inviting and in accepting: the second strikes later in the same call, or in
//! what follows it: the same person's retry, or the sweep that takes over.
//!
//! Host calls are numbered as they are really reached under the first fault. Many pairs leave the same
//! world behind and the same words said; what follows is then the same, too, and is run once for each
//! of them. So all of it fits through the component.

use std::{collections::HashSet, sync::Arc};

use guestlist_harness::{Fault, FaultAt, FaultPlan, contract::types::Principal};

use crate::{
    asking::{Ask, Case, MINUTE, Reply},
    cases,
    guarantees::always,
    recovery::{Outcome, ended_as_injected, faults, is_crash, outcome},
};

/// More host calls than an operation on one invitation ever makes, whatever fails (I-BOX).
const HOST_CALLS: usize = 60;

/// A case on a copy of its world, after it was asked for under some faults.
struct Struck {
    case: Case,
    reply: Reply,
}

/// `None` when a place is not reached.
async fn struck(case: &Case, places: &[(u32, &Fault)]) -> Option<Struck> {
    let at = |(nth, fault): &(u32, &Fault)| FaultAt {
        function: None,
        nth: *nth,
        then_on: false,
        fault: (*fault).clone(),
    };
    let plan = Arc::new(FaultPlan::new(places.iter().map(at)));
    let mut case = case.fork();
    let reply = case.ask(Some(plan.clone())).await;
    if !plan.spent() {
        return None;
    }
    let crash = places.iter().any(|(_, fault)| is_crash(fault));
    ended_as_injected(&reply, crash, &|| format!("{places:?}\n{}", reply.trace));
    assert!(reply.trace.entries.len() < HOST_CALLS, "I-BOX: {places:?}\n{}", reply.trace);
    Some(Struck { case, reply })
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
            (next.organization, next.caller, next.ask) = (Some("acme"), Principal::System, Ask::Sweep);
        }
        next
    }
}

/// The worlds that were met, each with what was said in it.
#[derive(Default)]
struct Worlds(HashSet<String>);

impl Worlds {
    fn is_new(&mut self, case: &Case) -> bool {
        let world = case.rig.host.save().expect("a world can be written");
        self.0.insert(format!("{:?} {world}", case.history))
    }
}

/// What is left without any fault, and the worlds from which it was reached again.
struct Pairs {
    expected: Outcome,
    recovered: Worlds,
    count: u32,
}

impl Pairs {
    /// The host is well again, and `asked` is asked for again.
    async fn recover(&mut self, struck: Struck, asked: &Case, place: &str) {
        self.count += 1;
        let Struck { mut case, reply } = struck;
        (case.organization, case.caller, case.ask) =
            (asked.organization, asked.caller.clone(), asked.ask.clone());
        if self.recovered.is_new(&case) {
            let told = Told { place, reply };
            always(&case.rig, &case.history);
            assert_eq!(outcome(case).await, self.expected, "I-RETRY");
            drop(told);
        }
    }
}

/// Tells after a failure what had led to it.
struct Told<'a> {
    place: &'a str,
    reply: Reply,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\n{:?}\n{}", self.place, self.reply.words, self.reply.trace);
        }
    }
}

async fn all_pairs(name: &str, case: Case) {
    let mut honest = case.fork();
    honest.ask(None).await.words.expect("an honest host");
    let mut pairs = Pairs { expected: outcome(honest).await, recovered: Worlds::default(), count: 0 };
    let mut interrupted = Worlds::default();
    for one in &faults() {
        for i in 1.. {
            let Some(first) = struck(&case, &[(i, one)]).await else { break };
            for other in &faults() {
                for j in i + 1.. {
                    let Some(both) = struck(&case, &[(i, one), (j, other)]).await else { break };
                    pairs.recover(both, &case, &format!("{one:?} at {i}, {other:?} at {j}")).await;
                }
            }
            if !interrupted.is_new(&first.case) {
                continue;
            }
            for next in Next::ALL {
                let then = next.of(&first.case);
                for other in &faults() {
                    for j in 1.. {
                        let Some(second) = struck(&then, &[(j, other)]).await else { break };
                        let place = format!("{one:?} at {i}, then {next:?} with {other:?} at {j}");
                        pairs.recover(second, &case, &place).await;
                    }
                }
            }
        }
    }
    let Pairs { recovered, count, .. } = pairs;
    println!("{name}: {count} pairs, {} worlds", recovered.0.len());
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
}
