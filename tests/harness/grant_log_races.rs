//! Members that are kept elsewhere, and several calls at once: in every order of their calls of the
//! directory and of the log, or in every order with few switches where there are too many.

use std::{
    cell::RefCell,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use guestlist_connect::{GrantLog, Options, Progress, WhenMissing};
use guestlist_contract::types::{HostError, Step, StepOutcome, StepResult};

use crate::grant_log_directory::{FIRST, Nature, Scripted, grant, invited_by, was_given};

type Actor<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
type Outcomes = Result<Vec<StepOutcome>, HostError>;

/// The choices of one run, and how many there were at each place. The next run makes the next choices.
#[derive(Default)]
struct Order {
    choices: Vec<(usize, usize)>,
    place: usize,
}

impl Order {
    fn choose(&mut self, of: usize) -> usize {
        if self.place == self.choices.len() {
            self.choices.push((0, of));
        }
        self.place += 1;
        self.choices[self.place - 1].0
    }

    fn next(mut self) -> Option<Self> {
        while let Some((choice, of)) = self.choices.pop() {
            if choice + 1 < of {
                self.choices.push((choice + 1, of));
                return Some(Self { place: 0, ..self });
            }
        }
        None
    }

    /// Lets the actors go on, one call at a time, and changes from one that could go on to another at most
    /// so often.
    fn play(&mut self, mut actors: Vec<Actor<'_>>, mut switches: usize) {
        let mut waking = Context::from_waker(Waker::noop());
        while !actors.is_empty() {
            // The first of them is the one that is running.
            let next = if switches == 0 { 0 } else { self.choose(actors.len()) };
            switches -= usize::from(next > 0);
            let mut actor = actors.remove(next);
            match actor.as_mut().poll(&mut waking) {
                Poll::Pending => actors.insert(0, actor),
                // Who goes on after an end is no switch.
                Poll::Ready(()) if actors.len() > 1 => {
                    let first = self.choose(actors.len());
                    actors.swap(0, first);
                }
                Poll::Ready(()) => {}
            }
        }
    }
}

/// Plays all orders, and returns how many there were.
fn every_order(mut play: impl FnMut(&mut Order)) -> usize {
    let (mut order, mut count) = (Order::default(), 0);
    loop {
        play(&mut order);
        count += 1;
        match order.next() {
            Some(next) => order = next,
            None => return count,
        }
    }
}

/// To its end, without anybody else.
fn alone<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let mut waking = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut waking) {
            return done;
        }
    }
}

async fn apply(log: &GrantLog, invitation: &str, steps: &[Step], outcomes: &RefCell<Option<Outcomes>>) {
    let answer = log.apply(invited_by(invitation), steps).await;
    *outcomes.borrow_mut() = Some(answer);
}

async fn close(log: &GrantLog, results: &RefCell<Option<Vec<StepResult>>>) {
    let answer = log.close("acme", FIRST).await;
    *results.borrow_mut() = Some(answer.expect("nothing fails"));
}

/// The answer; after an error, that of a later call.
fn finally(
    directory: &Scripted,
    log: &GrantLog,
    invitation: &str,
    steps: &[Step],
    outcomes: RefCell<Option<Outcomes>>,
) -> Vec<StepOutcome> {
    let mut outcomes = outcomes.into_inner().expect("it has ended");
    for _ in 0..10 {
        match outcomes {
            Ok(outcomes) => return outcomes,
            Err(_) => {
                directory.advance(3);
                at_rest(directory, log);
                outcomes = alone(log.apply(invited_by(invitation), steps));
            }
        }
    }
    panic!("I-LIVE: {outcomes:?}");
}

fn at_rest(directory: &Scripted, log: &GrantLog) {
    for _ in 0..5 {
        assert_eq!(alone(log.reconcile("acme", 10)).unwrap().failed, []);
        if directory.watched() == 0 {
            return;
        }
        directory.advance(3);
    }
    panic!("I-REST: something is watched for ever");
}

const MARKS: Nature = Nature { marks: true, tells: true, lateness: 0 };
const TELLS: Nature = Nature { marks: false, ..MARKS };
const PLAIN: Nature = Nature { tells: false, ..TELLS };

fn everywhere() -> impl Iterator<Item = (Nature, Options)> {
    let waits = Options::default();
    let at_once = Options { lands_within: Duration::ZERO, ..waits };
    let leaves_out = Options { when_missing: WhenMissing::LeaveOut, ..at_once };
    let natures = [MARKS, TELLS, PLAIN].into_iter();
    natures.flat_map(move |nature| [waits, at_once, leaves_out].map(|options| (nature, options)))
}

fn two_appliers(
    cases: impl IntoIterator<Item = (Nature, Options)>,
    steps: &[Step],
    switches: usize,
) -> usize {
    let mut orders = 0;
    for (nature, options) in cases {
        orders += every_order(|order| {
            let directory = Arc::new(Scripted::in_turns(nature));
            let log = directory.log(options);
            let (one, two) = (RefCell::default(), RefCell::default());
            let mut actors: Vec<Actor<'_>> =
                vec![Box::pin(apply(&log, FIRST, steps, &one)), Box::pin(apply(&log, FIRST, steps, &two))];
            // They are the same, so it does not matter which of them is first.
            assert!(actors[0].as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            order.play(actors, switches);
            let one = finally(&directory, &log, FIRST, steps, one);
            let two = finally(&directory, &log, FIRST, steps, two);
            at_rest(&directory, &log);
            let told = || format!("{nature:?} {options:?}: {one:?}, {two:?}, {:?}", directory.changes());
            for (index, step) in steps.iter().enumerate() {
                assert!(directory.appearances(FIRST, step) <= 1, "I-ONE: {}", told());
                let given = directory.progress(FIRST, step) == Some(Progress::Applied);
                assert_eq!(given, directory.has(step), "I-REST: {}", told());
                if options.when_missing == WhenMissing::Repeat {
                    assert!(given && was_given(one[index]) && was_given(two[index]), "{}", told());
                    assert_eq!(directory.changes().len(), steps.len(), "nothing flickers: {}", told());
                }
            }
        });
    }
    orders
}

#[test]
fn two_runs_of_one_accept_in_every_order() {
    let overlapping = Options { lands_within: Duration::ZERO, ..Options::default() };
    let orders = two_appliers([(PLAIN, overlapping)], &[Step::Member], usize::MAX);
    assert!(orders > 10_000, "{orders}");
}

#[test]
fn two_runs_of_one_accept_on_every_directory() {
    let orders = two_appliers(everywhere(), &[Step::Member], 5);
    assert!(orders > 5000, "{orders}");
}

#[test]
fn two_runs_of_one_accept_with_a_grant() {
    let orders = two_appliers(everywhere(), &[Step::Member, grant("g-help")], 3);
    assert!(orders > 5000, "{orders}");
}

/// What `close` answers is what is there when all is at rest, and it is all that is there.
fn closing(steps: &[Step], appliers: usize, switches: usize) -> usize {
    let mut orders = 0;
    for (nature, options) in everywhere() {
        orders += every_order(|order| {
            let directory = Arc::new(Scripted::in_turns(nature));
            let log = directory.log(options);
            let outcomes: Vec<RefCell<Option<Outcomes>>> =
                (0..appliers).map(|_| RefCell::default()).collect();
            let results = RefCell::default();
            let mut actors: Vec<Actor<'_>> = vec![Box::pin(close(&log, &results))];
            for outcomes in &outcomes {
                actors.push(Box::pin(apply(&log, FIRST, steps, outcomes)));
            }
            order.play(actors, switches);
            let results = results.into_inner().unwrap();
            at_rest(&directory, &log);
            let told =
                || format!("{nature:?} {options:?}: {outcomes:?}, {results:?}, {:?}", directory.changes());
            for (index, step) in steps.iter().enumerate() {
                let listed = results.iter().any(|result| result.step == *step);
                assert_eq!(listed, directory.has(step), "nothing is kept: {}", told());
                assert!(directory.appearances(FIRST, step) <= 1, "I-ONE: {}", told());
                for outcomes in outcomes.iter().flat_map(|outcomes| outcomes.borrow().clone().unwrap()) {
                    assert!(listed || !was_given(outcomes[index]), "I-ACK: {}", told());
                    assert_ne!(outcomes[index], StepOutcome::AlreadyPresent, "{}", told());
                }
            }
            assert!(directory.has(&Step::Member) || directory.size() == 0, "I-ORPHAN: {}", told());
            let after = alone(log.apply(invited_by(FIRST), steps)).unwrap();
            assert!(after.iter().all(|outcome| *outcome == StepOutcome::Closed), "I-REV: {}", told());
        });
    }
    orders
}

#[test]
fn an_accept_and_the_close_in_every_order() {
    let orders = closing(&[Step::Member, grant("g-help")], 1, usize::MAX);
    assert!(orders > 10_000, "{orders}");
}

#[test]
fn two_runs_of_one_accept_and_the_close() {
    let orders = closing(&[Step::Member], 2, 3);
    assert!(orders > 1000, "{orders}");
}

/// An earlier invitation was closed while its write was under way. It lands whenever it wants; meanwhile
/// somebody reconciles, and a new invitation is accepted.
#[test]
fn a_late_landing_a_reconcile_and_a_new_invitation() {
    let steps = [Step::Member, grant("g-help")];
    let mut orders = 0;
    for nature in [MARKS, TELLS, PLAIN] {
        orders += every_order(|order| {
            let directory = Arc::new(Scripted::in_turns(nature));
            let log = directory.log(Options::default());
            {
                // Dropped before its write.
                let mut broken_off = Box::pin(log.apply(invited_by(FIRST), &steps));
                for _ in 0..6 {
                    let _ = broken_off.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                }
            }
            assert_eq!(alone(log.close("acme", FIRST)).unwrap().len(), 0);
            let outcomes = RefCell::default();
            let actors: Vec<Actor<'_>> = vec![
                Box::pin(apply(&log, "second", &steps, &outcomes)),
                Box::pin(async { drop(log.reconcile("acme", 10).await) }),
                Box::pin(async { directory.land(FIRST, &Step::Member) }),
            ];
            order.play(actors, usize::MAX);
            let outcomes = finally(&directory, &log, "second", &steps, outcomes);
            at_rest(&directory, &log);
            let told = || format!("{nature:?}: {outcomes:?}, {:?}", directory.changes());
            for (step, outcome) in steps.iter().zip(&outcomes) {
                assert!(was_given(*outcome) && directory.has(step), "{}", told());
                assert_eq!(directory.owner(step).as_deref(), Some("second"), "{}", told());
            }
        });
    }
    assert!(orders > 100, "{orders}");
}
