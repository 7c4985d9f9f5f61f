//! Several calls at once, in an order that a schedule decides.
//!
//! Each call stops before every host call until it may go on. A host call is one atomic step, and what
//! a plugin computes is its own, so these are all the interleavings that there are. Everything runs on
//! one thread: the same schedule gives the same world, byte for byte.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context as Waking, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use crate::{Dice, Fault, Interceptor};
use guestlist_contract::{Function, host::Call};

/// A gate at which a call waits for its turn.
#[derive(Debug, Default)]
pub struct Turn {
    open: AtomicBool,
    parked: AtomicBool,
    /// The host call that it stops before.
    next: Mutex<Option<Function>>,
}

impl Turn {
    /// The host call that it stops before; `None` where it stops before something else.
    #[must_use]
    pub fn next(&self) -> Option<Function> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the schedule lets it go on. `before` is the host call that follows, if it is one.
    pub async fn stop(&self, before: Option<Function>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = before;
        poll_fn(|_| {
            let open = self.open.swap(false, Ordering::SeqCst);
            self.parked.store(!open, Ordering::SeqCst);
            if open { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[async_trait]
impl Interceptor for Turn {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        self.stop(Some(function)).await;
        None
    }
}

/// A participant of a race.
pub struct Runner<'a, T> {
    /// The gate at which it waits.
    pub turn: Arc<Turn>,
    acting: Pin<Box<dyn Future<Output = T> + 'a>>,
}

impl<'a, T: 'a> Runner<'a, T> {
    /// Somebody who acts, and stops at this gate.
    pub fn new(turn: Arc<Turn>, acting: impl Future<Output = T> + 'a) -> Self {
        // The runtime must not decide who goes on.
        Self { turn, acting: Box::pin(tokio::task::unconstrained(acting)) }
    }
}

/// Lets them run in the order that `choose` makes: of those that can go on, and who went last. Returns
/// what each ended with, and the order; `None` where somebody neither ends nor stops. `step` hears of each
/// step who has made it, and what they have ended with.
pub fn run<T>(
    runners: Vec<Runner<'_, T>>,
    choose: &mut dyn FnMut(&[usize], Option<usize>) -> usize,
    step: &mut dyn FnMut(usize, Option<&T>),
) -> Option<(Vec<T>, Vec<usize>)> {
    let count = runners.len();
    let mut acting: Vec<Option<Runner<'_, T>>> = runners.into_iter().map(Some).collect();
    let mut ended: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let mut order = Vec::new();
    // All walk to their first stop, which changes nothing.
    for (runner, end) in acting.iter_mut().zip(&mut ended) {
        go_on(runner, end)?;
    }
    loop {
        let ready: Vec<_> =
            acting.iter().enumerate().filter_map(|(index, one)| one.as_ref().map(|_| index)).collect();
        if ready.is_empty() {
            break;
        }
        let index = choose(&ready, order.last().copied());
        order.push(index);
        let (runner, end) = (acting.get_mut(index)?, ended.get_mut(index)?);
        if let Some(runner) = runner {
            runner.turn.open.store(true, Ordering::SeqCst);
        }
        go_on(runner, end)?;
        step(index, end.as_ref());
    }
    Some((ended.into_iter().flatten().collect(), order))
}

/// The longest that one may take from stop to stop: a host call of a database, at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lets one walk to its next stop, or to its end. Whatever it waits for meanwhile is part of its step.
fn go_on<T>(runner: &mut Option<Runner<'_, T>>, end: &mut Option<T>) -> Option<()> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut waking = Waking::from_waker(&waker);
    let begun = Instant::now();
    loop {
        let Some(one) = runner else { return Some(()) };
        match one.acting.as_mut().poll(&mut waking) {
            Poll::Ready(output) => {
                *end = Some(output);
                *runner = None;
                return Some(());
            }
            Poll::Pending if one.turn.parked.load(Ordering::SeqCst) => return Some(()),
            Poll::Pending => thread::park_timeout(PATIENCE.checked_sub(begun.elapsed())?),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// All schedules in which at most so many times somebody is interrupted who could go on, one after the
/// other.
#[derive(Debug, Default)]
pub struct Schedules {
    path: Vec<Fork>,
    depth: usize,
    switches: usize,
}

/// A decision: whose turn it might be, the one that costs nothing first.
#[derive(Debug)]
struct Fork {
    options: Vec<usize>,
    taken: usize,
    /// Taking another than the first interrupts somebody who could go on.
    costs: bool,
}

impl Schedules {
    /// All schedules with at most so many interruptions.
    #[must_use]
    pub fn new(switches: usize) -> Self {
        Self { switches, ..Self::default() }
    }

    /// Chooses who goes on in the present schedule.
    pub fn choose(&mut self, ready: &[usize], last: Option<usize>) -> usize {
        if self.depth == self.path.len() {
            let free = last.filter(|last| ready.contains(last));
            let others = ready.iter().copied().filter(|index| Some(*index) != free);
            let options = free.into_iter().chain(others).collect();
            self.path.push(Fork { options, taken: 0, costs: free.is_some() });
        }
        let fork = self.path.get(self.depth);
        self.depth += 1;
        fork.and_then(|fork| fork.options.get(fork.taken)).copied().unwrap_or_default()
    }

    /// Goes on to the next schedule; false when there is none.
    pub fn go_on(&mut self) -> bool {
        self.depth = 0;
        while let Some(mut fork) = self.path.pop() {
            let spent = self.path.iter().filter(|fork| fork.costs && fork.taken > 0).count();
            fork.taken += 1;
            if fork.taken < fork.options.len() && (!fork.costs || spent < self.switches) {
                self.path.push(fork);
                return true;
            }
        }
        false
    }
}

/// Schedules by chance: sometimes long runs of one, sometimes a change at every step.
#[derive(Clone, Debug)]
pub struct Chance {
    dice: Dice,
    /// The number of times out of four that the same goes on.
    stay: usize,
}

impl Chance {
    /// The schedule of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::spread(seed);
        let stay = dice.below(4);
        Self { dice, stay }
    }

    /// Chooses who goes on.
    pub fn choose(&mut self, ready: &[usize], last: Option<usize>) -> usize {
        match last {
            Some(last) if ready.contains(&last) && self.dice.below(4) < self.stay => last,
            _ => self.dice.pick(ready).copied().unwrap_or_default(),
        }
    }
}
