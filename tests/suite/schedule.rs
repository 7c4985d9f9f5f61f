//! Several operations at once, in an order that the test decides.
//!
//! Each actor stops before every host call until the schedule lets it go on. A host call is one atomic
//! step and what a plugin computes is its own, so these are all the interleavings that there are. All
//! of it runs on one thread: the same schedule gives the same world, byte for byte. After each step that
//! can change something every promise for every instant is asked, and at the end those for the rest.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context as Waking, Poll, Waker},
};

use async_trait::async_trait;
use guestlist_contract::{
    Function,
    exports::{
        invitations::{Invited, ItemRefusal, Refusal, RevokedAll},
        invitee::{Accepted, InviteeRefusal},
        maintenance::Swept,
    },
    host::Call,
    types::{InvitationKey, Principal, State, UserRef},
};
use guestlist_harness::{Export, Limits, Session};
use guestlist_memory::{AuditEvent, MemoryHost};
use guestlist_testkit::Intercept as _;
use guestlist_testkit::{Fault, Interceptor};

use crate::{
    guarantees::{History, Word, always, at_rest},
    recovery::OnPanic,
    rig::{PLUGIN, Rig},
};

/// What an actor was told.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are a few of them")]
pub enum Said {
    Accept(Result<Accepted, InviteeRefusal>),
    Decline(InvitationKey, Result<(), InviteeRefusal>),
    /// `revoke` and `reject` of an invitation.
    End(InvitationKey, Result<(), Refusal>),
    /// With the digests that were live when it was asked for.
    Resend(Vec<String>, Result<Invited, Refusal>),
    Approve(Result<Invited, Refusal>),
    Invite(Result<Invited, ItemRefusal>),
    Sweep(Swept),
    RevokeAll(RevokedAll),
    /// A member was removed, if they were one.
    Removed(UserRef, bool),
    /// Something else in the world.
    Happened,
}

/// Of Acme, where all of it happens.
pub fn in_acme(id: &str) -> InvitationKey {
    InvitationKey { organization: "acme".into(), id: id.into() }
}

impl Said {
    /// What must stay true from now on.
    fn words(&self) -> Vec<Word> {
        let made = |invited: &Invited| Word::Invited(in_acme(&invited.id), invited.mail);
        match self {
            Self::Accept(Ok(done)) => vec![Word::Accepted(done.key.clone(), done.outcomes.clone())],
            Self::Decline(key, Ok(())) => vec![Word::Ended(key.clone(), State::Declined)],
            Self::End(key, Ok(())) => vec![Word::Ended(key.clone(), State::Revoked)],
            Self::Resend(before, Ok(invited)) => {
                vec![made(invited), Word::Resent(in_acme(&invited.id), before.clone())]
            }
            Self::Approve(Ok(invited)) | Self::Invite(Ok(invited)) => vec![made(invited)],
            Self::RevokeAll(all) => {
                all.revoked.iter().map(|id| Word::Ended(in_acme(id), State::Revoked)).collect()
            }
            Self::Removed(account, true) => vec![Word::Removed("acme".into(), account.clone())],
            _ => Vec::new(),
        }
    }
}

/// Where an actor waits for its turn.
#[derive(Default)]
struct Turn {
    open: AtomicBool,
    parked: AtomicBool,
    /// What it is about to do.
    next: Mutex<Option<Function>>,
}

impl Turn {
    async fn stop(&self, before: Option<Function>) {
        *self.next.lock().unwrap() = before;
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

/// What an actor acts on.
pub struct Stage {
    pub host: Arc<MemoryHost>,
    session: Session,
    turn: Arc<Turn>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    /// Waits for its turn: something else may happen before what follows.
    pub async fn stop(&self) {
        self.turn.stop(None).await;
    }

    /// Calls an export. The caller's rights are looked up when the call starts, in a step of its own.
    pub async fn run<E: Export>(
        &self,
        organization: Option<&str>,
        caller: Principal,
        export: E,
    ) -> E::Answer {
        self.stop().await;
        self.go_on(organization, caller, export).await
    }

    /// The same in the step that runs already.
    pub async fn go_on<E: Export>(
        &self,
        organization: Option<&str>,
        caller: Principal,
        export: E,
    ) -> E::Answer {
        let context = self.host.context(organization, caller);
        self.requests.lock().unwrap().push(context.request_id.clone());
        self.session.run(context, export).await.unwrap().answer
    }
}

type Acting = Pin<Box<dyn Future<Output = Said>>>;

/// Somebody who does something, in every schedule anew.
#[derive(Clone)]
pub struct Actor {
    pub name: &'static str,
    act: Arc<dyn Fn(Stage) -> Acting>,
}

impl Actor {
    pub fn new<F: Future<Output = Said> + 'static>(
        name: &'static str,
        act: impl Fn(Stage) -> F + 'static,
    ) -> Self {
        Self { name, act: Arc::new(move |stage| Box::pin(act(stage))) }
    }

    /// Something that happens to the world in one step.
    pub fn event(name: &'static str, happen: impl Fn(&MemoryHost) -> bool + Clone + 'static) -> Self {
        Self::new(name, move |stage| {
            let happen = happen.clone();
            async move {
                stage.stop().await;
                assert!(happen(&stage.host), "it can happen");
                Said::Happened
            }
        })
    }
}

/// How an actor's part ended.
#[derive(Debug)]
pub struct Ending {
    pub said: Said,
    /// The calls that it made.
    pub requests: Vec<String>,
}

/// One schedule that was run.
pub struct Outcome {
    pub host: Arc<MemoryHost>,
    pub endings: Vec<Ending>,
    /// Who went on, step by step: the schedule.
    pub order: Vec<usize>,
}

impl Outcome {
    /// The place in the audit trail of a change that this actor made.
    pub fn place_of(&self, actor: usize, event: &str) -> Option<usize> {
        let requests = &self.endings[actor].requests;
        let made = |entry: &AuditEvent| entry.text() == event && requests.contains(&entry.request_id);
        self.host.audit().iter().position(made)
    }

    /// The changes of an invitation in order, without the word before the dot.
    pub fn changes(&self, id: &str) -> Vec<String> {
        let its = self.host.audit().into_iter().filter(|event| event.invitation.as_deref() == Some(id));
        its.filter_map(|event| event.text().strip_prefix("invitation.").map(str::to_owned)).collect()
    }

    /// How many steps this actor had made when the other made its last.
    pub fn steps_before(&self, actor: usize, other: usize) -> usize {
        let last = self.order.iter().rposition(|index| *index == other).expect("it took part");
        self.order[..last].iter().filter(|index| **index == actor).count()
    }
}

/// A decision of the exhaustive search: whose turn it might be, the one that costs nothing first.
struct Fork {
    options: Vec<usize>,
    taken: usize,
    /// Taking another than the first interrupts somebody who could go on.
    costs: bool,
}

pub struct Race<'a> {
    pub base: &'a Rig,
    pub actors: Vec<Actor>,
}

impl Race<'_> {
    /// Runs every schedule in which at most `switches` times somebody is interrupted who could go on.
    /// Returns how many there are.
    pub async fn all(&self, switches: usize, check: impl Fn(&Outcome)) -> usize {
        let mut path: Vec<Fork> = Vec::new();
        for count in 1.. {
            let mut depth = 0;
            let choose = |ready: &[usize], last: Option<usize>| {
                if depth == path.len() {
                    let free = last.filter(|last| ready.contains(last));
                    let others = ready.iter().copied().filter(|index| Some(*index) != free);
                    let options = free.into_iter().chain(others).collect();
                    path.push(Fork { options, taken: 0, costs: free.is_some() });
                }
                depth += 1;
                let fork = &path[depth - 1];
                fork.options[fork.taken]
            };
            self.once(None, choose, &check).await;
            loop {
                let Some(mut fork) = path.pop() else {
                    return count;
                };
                let spent = path.iter().filter(|fork| fork.costs && fork.taken > 0).count();
                fork.taken += 1;
                if fork.taken < fork.options.len() && (!fork.costs || spent < switches) {
                    path.push(fork);
                    break;
                }
            }
        }
        unreachable!()
    }

    /// Runs a random schedule for each seed.
    pub async fn some(&self, seeds: std::ops::Range<u64>, check: impl Fn(&Outcome)) {
        for seed in seeds {
            let mut dice = Dice::new(seed);
            // Sometimes long runs of one actor, sometimes a change at every step.
            let stay = dice.below(4);
            let choose = |ready: &[usize], last: Option<usize>| match last {
                Some(last) if ready.contains(&last) && dice.below(4) < stay => last,
                _ => *dice.pick(ready),
            };
            self.once(Some(seed), choose, &check).await;
        }
    }

    /// Runs one schedule, as a failure has printed it.
    pub async fn replay(&self, order: &[usize], check: impl Fn(&Outcome)) {
        let mut order = order.iter().copied();
        self.once(None, |ready, _| order.next().unwrap_or(ready[0]), &check).await;
    }

    async fn once(
        &self,
        seed: Option<u64>,
        mut choose: impl FnMut(&[usize], Option<usize>) -> usize,
        check: &impl Fn(&Outcome),
    ) {
        let rig = self.base.fork();
        let host = &rig.host;
        let mut history = History::default();
        let names: Vec<_> = self.actors.iter().map(|actor| actor.name).collect();
        let mut order = Vec::new();
        let mut told = OnPanic(format!("{names:?}, seed {seed:?}\n"));
        let mut turns = Vec::new();
        let mut requests = Vec::new();
        let mut acting = Vec::new();
        for actor in &self.actors {
            let (turn, calls) = (Arc::new(Turn::default()), Arc::new(Mutex::default()));
            let session = PLUGIN.session(host.clone().host(), Limits::default());
            let session = session.with_interceptor(turn.clone());
            let stage =
                Stage { host: host.clone(), session, turn: turn.clone(), requests: Arc::clone(&calls) };
            acting.push(Some(tokio::task::unconstrained((actor.act)(stage))));
            turns.push(turn);
            requests.push(calls);
        }
        let mut endings: Vec<Option<Ending>> = self.actors.iter().map(|_| None).collect();
        // All walk to their first stop, which changes nothing.
        for (future, turn) in acting.iter_mut().zip(&turns) {
            assert!(future.as_mut().is_some_and(|future| advance(future, turn).is_none()), "it must stop");
        }
        loop {
            let ready: Vec<_> = (0..acting.len()).filter(|index| acting[*index].is_some()).collect();
            if ready.is_empty() {
                break;
            }
            let index = choose(&ready, order.last().copied());
            order.push(index);
            let function = *turns[index].next.lock().unwrap();
            let did = function.map_or("starts, or makes it happen", Function::name);
            told.0 += &format!("{index}: {} {did}\n", names[index]);
            turns[index].open.store(true, Ordering::SeqCst);
            let future = acting[index].as_mut().expect("it is ready");
            if let Some(said) = advance(future, &turns[index]) {
                acting[index] = None;
                let requests = std::mem::take(&mut *requests[index].lock().unwrap());
                told.0 += &format!("{index}: {} was told {said:?}\n", names[index]);
                said.words().into_iter().for_each(|word| history.note(host, word));
                endings[index] = Some(Ending { said, requests });
            }
            if function.is_none_or(Function::is_effect) {
                always(&rig, &history);
            }
        }
        let endings = endings.into_iter().flatten().collect();
        check(&Outcome { host: host.clone(), endings, order });
        rig.settle().await;
        always(&rig, &history);
        at_rest(&rig, &history);
    }
}

/// Lets an actor walk to its next stop, or to its end.
fn advance<F: Future + Unpin>(future: &mut F, turn: &Turn) -> Option<F::Output> {
    let mut waking = Waking::from_waker(Waker::noop());
    // A guest gives the thread back now and then; that is no stop.
    for _ in 0..100_000 {
        match Pin::new(&mut *future).poll(&mut waking) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if turn.parked.load(Ordering::SeqCst) => return None,
            Poll::Pending => {}
        }
    }
    panic!("an actor neither ends nor stops");
}

/// A small generator whose whole state is its seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        // Not by the step of `below`: then each seed would go on where the one before it began.
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
