//! Members that are kept elsewhere, under every fault and every pair of faults at every call of the
//! directory and of the log: of an accept, of what follows it, and of the taking back.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use guestlist_connect::{GrantLog, Options, Progress, WhenMissing};
use guestlist_contract::types::{HostError, Step, StepOutcome, StepResult};

use crate::grant_log_directory::{Change, FIRST, Fault, Nature, Scripted, invited_by, steps, was_given};

/// What follows an accept that was hit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// It is repeated until it is done.
    Finish,
    /// The invitation may not be accepted any more.
    Close,
    /// Once more, then it may not.
    TryAndClose,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    nature: Nature,
    options: Options,
    then: Then,
    /// The membership and the first group were there before, by another way.
    before: bool,
}

/// How it ended.
struct Rest {
    directory: Arc<Scripted>,
    log: GrantLog,
    outcomes: Option<Vec<StepOutcome>>,
    closed: Option<Vec<StepResult>>,
    /// Every planned fault had its chance.
    struck: bool,
}

/// As the plugin does it: an answer that was lost is asked for once more.
fn attempt(log: &GrantLog) -> Option<Vec<StepOutcome>> {
    let once = || log.apply(invited_by(FIRST), &steps()).now_or_never();
    match once()? {
        Err(HostError::OutcomeUnknown | HostError::Other(_)) => once()?.ok(),
        outcomes => outcomes.ok(),
    }
}

impl Case {
    /// An accept, and what follows it every three seconds until all is at rest. `None`: a fault was
    /// planned where it makes no sense.
    fn run(&self, plan: &[(u32, Fault)], removal: Option<u32>) -> Option<Rest> {
        let directory = Arc::new(Scripted::new(self.nature));
        if self.before {
            steps()[..2].iter().for_each(|step| directory.add_by_hand(step));
        }
        directory.plan(plan);
        if let Some(number) = removal {
            directory.remove_before_call(number);
        }
        let log = directory.log(self.options);
        let mut rest = Rest { outcomes: attempt(&log), closed: None, struck: false, directory, log };
        for turn in 0..40 {
            if rest.directory.is_senseless() {
                return None;
            }
            rest.directory.advance(3);
            let closes = self.then == Then::Close || (self.then == Then::TryAndClose && turn > 0);
            if closes && rest.closed.is_none() {
                rest.closed = rest.log.close("acme", FIRST).now_or_never().and_then(Result::ok);
            } else if !closes && rest.outcomes.is_none() {
                rest.outcomes = attempt(&rest.log);
            }
            let _ = rest.log.reconcile("acme", 10).now_or_never();
            let ended = rest.closed.is_some() || (self.then == Then::Finish && rest.outcomes.is_some());
            if ended && !rest.directory.is_under_way() && rest.directory.watched() == 0 {
                rest.struck = rest.directory.struck();
                rest.directory.plan(&[]);
                return Some(rest);
            }
        }
        panic!("I-REST: {self:?} with {plan:?} never comes to rest");
    }

    fn check(&self, rest: &Rest, plan: &[(u32, Fault)]) {
        let Rest { directory, log, outcomes, closed, .. } = rest;
        let told = || format!("{self:?} with {plan:?}: {outcomes:?}, {closed:?}, {:?}", directory.changes());
        for (index, step) in steps().iter().enumerate() {
            let by_hand = self.before && index < 2;
            let outcome = outcomes.as_ref().map(|outcomes| outcomes[index]);
            assert!(directory.appearances(FIRST, step) <= 1, "I-ONE: {}", told());
            if by_hand {
                let outcome = outcome.unwrap_or(StepOutcome::AlreadyPresent);
                assert_eq!(outcome, StepOutcome::AlreadyPresent, "{}", told());
                assert!(directory.has(step) && directory.owner(step).is_none(), "kept: {}", told());
                continue;
            }
            let listed = closed.as_ref().map(|results| results.iter().any(|result| result.step == *step));
            match listed {
                Some(listed) => assert_eq!(listed, directory.has(step), "nothing is kept: {}", told()),
                None => assert_eq!(outcome.is_some_and(was_given), directory.has(step), "I-REST: {}", told()),
            }
            if self.options.when_missing == WhenMissing::Repeat && listed.is_none() {
                assert!(outcome.is_some_and(was_given), "an interrupted accept is finished: {}", told());
                let gone = Change::Disappeared(step.clone());
                assert!(!directory.changes().contains(&gone), "nothing flickers: {}", told());
            }
        }
        let member = directory.has(&Step::Member);
        assert!(member || directory.size() == 0, "I-ORPHAN: {}", told());
        assert!(directory.size() <= 3, "I-LEAST: {}", told());
        if closed.is_some() {
            let after = log.apply(invited_by(FIRST), &steps()).now_or_never().unwrap();
            assert_eq!(after.unwrap(), [StepOutcome::Closed; 3], "I-REV: {}", told());
        }
    }

    /// Whether the plan could strike, so that a later place may be worth a try.
    fn meets(&self, plan: &[(u32, Fault)]) -> bool {
        let Some(rest) = self.run(plan, None) else { return true };
        self.check(&rest, plan);
        rest.struck
    }

    fn faults(&self) -> impl Iterator<Item = Fault> + use<> {
        // A directory that may not be looked at after a write cannot be caught forgetting it.
        let believes = !self.options.read_after_write;
        Fault::ALL.into_iter().filter(move |fault| !(believes && *fault == Fault::Forget))
    }
}

const MARKS: Nature = Nature { marks: true, tells: true, lateness: 9 };
const TELLS: Nature = Nature { marks: false, ..MARKS };
const PLAIN: Nature = Nature { tells: false, ..TELLS };

fn options() -> [Options; 3] {
    let repeat = Options::default();
    let leave_out = Options { when_missing: WhenMissing::LeaveOut, ..repeat };
    [repeat, leave_out, Options { read_after_write: false, ..repeat }]
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for nature in [MARKS, TELLS, PLAIN] {
        for lateness in [1, 9] {
            for options in options() {
                for then in [Then::Finish, Then::Close, Then::TryAndClose] {
                    for before in [false, true] {
                        cases.push(Case { nature: Nature { lateness, ..nature }, options, then, before });
                    }
                }
            }
        }
    }
    cases
}

#[test]
fn every_single_fault() {
    let mut runs = 0;
    for case in cases() {
        for fault in case.faults() {
            for number in 1.. {
                runs += 1;
                if !case.meets(&[(number, fault)]) {
                    break;
                }
            }
        }
    }
    assert!(runs > 10_000, "{runs}");
}

fn every_pair(cases: impl IntoIterator<Item = Case>) {
    for case in cases {
        for first in case.faults() {
            for number in 1.. {
                let Some(alone) = case.run(&[(number, first)], None) else { continue };
                if !alone.struck {
                    break;
                }
                for second in case.faults() {
                    for later in number + 1.. {
                        if !case.meets(&[(number, first), (later, second)]) {
                            break;
                        }
                    }
                }
            }
        }
    }
}

/// The directories in turn, each with one of the options.
fn each_directory(then: Then) -> impl Iterator<Item = Case> {
    let natures = [PLAIN, MARKS, TELLS].into_iter();
    let options = options().into_iter().cycle();
    natures.zip(options).map(move |(nature, options)| Case { nature, options, then, before: false })
}

#[test]
fn every_pair_of_faults_of_an_accept_that_is_finished() {
    every_pair(each_directory(Then::Finish));
}

#[test]
fn every_pair_of_faults_of_an_accept_that_is_closed() {
    every_pair(each_directory(Then::Close));
}

#[test]
fn every_pair_of_faults_of_an_accept_that_is_tried_again_and_closed() {
    every_pair(each_directory(Then::TryAndClose));
}

/// I-GONE: an administrator removes the member before each call in turn, under each single fault. They
/// come back only where the window is: between the intent and the result, with `Repeat`.
#[test]
fn who_was_removed_stays_removed_outside_the_window() {
    let (mut stayed, mut came_back) = (0, 0);
    for case in cases() {
        let is_it = case.then == Then::Finish && case.nature.lateness == 9;
        if !is_it || case.before || !case.options.read_after_write {
            continue;
        }
        for (removal, fault, number) in (1..40).flat_map(|removal| {
            case.faults().flat_map(move |fault| (1..25).map(move |number| (removal, fault, number)))
        }) {
            let plan = [(number, fault)];
            let Some(rest) = case.run(&plan, Some(removal)) else { continue };
            let Some(progress) = *rest.directory.removed_while.lock().unwrap() else { continue };
            let again = rest.directory.appearances(FIRST, &Step::Member) > 1;
            let in_window =
                progress == Progress::Doubtful && case.options.when_missing == WhenMissing::Repeat;
            if again {
                assert!(in_window, "I-GONE: {case:?} with {plan:?}, removed before call {removal}");
                came_back += 1;
            } else {
                stayed += 1;
            }
        }
    }
    assert!(stayed > 1000 && came_back > 0, "{stayed} {came_back}");
}

/// Without the promise that writes land in time, two of them can be under way. What is there is still
/// added once, and after the close nothing is kept that the log still watches.
#[test]
fn overlapping_writes_add_once() {
    for nature in [MARKS, TELLS, PLAIN] {
        let options = Options { lands_within: Duration::ZERO, ..Options::default() };
        let case = Case { nature, options, then: Then::Finish, before: false };
        for fault in case.faults() {
            for number in 1.. {
                if !case.meets(&[(number, fault)]) {
                    break;
                }
            }
        }
    }
}
