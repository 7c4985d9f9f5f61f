//! Several operations at once, in an order that the test decides.
//!
//! Each actor stops before every host call until the schedule lets it go on. A host call is one atomic
//! step and what a plugin computes is its own, so these are all the interleavings that there are. All
//! of it runs on one thread: the same schedule gives the same world, byte for byte. After each step that
//! can change something every promise for every instant is asked, and at the end those for the rest.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use guestlist_contract::{
    Function,
    exports::{
        invitations::{Invited, ItemRefusal, Refusal, RevokedAll},
        invitee::{Accepted, InviteeRefusal},
        maintenance::Swept,
    },
    types::Principal,
};
use guestlist_harness::{Export, Limits, Request, Session};
use guestlist_memory::{AuditEvent, MemoryHost};
use guestlist_testkit::{
    Intercept as _,
    race::{Chance, Runner, Schedules, Turn, run},
};

use crate::{
    guarantees::{History, Word, always, at_rest, codes},
    recovery::OnPanic,
    rig::{PLUGIN, Rig, user},
};

/// What an actor was told.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are a few of them")]
pub enum Said {
    Accept(Result<Accepted, InviteeRefusal>),
    Decline(Result<(), InviteeRefusal>),
    /// `revoke` and `reject`.
    End(Result<(), Refusal>),
    Resend(Result<Invited, Refusal>),
    Approve(Result<Invited, Refusal>),
    Invite(Result<Invited, ItemRefusal>),
    Sweep(Swept),
    RevokeAll(RevokedAll),
    /// A member was removed, if they were one.
    Removed(bool),
    /// Something else in the world.
    Happened,
}

/// What an actor acts on.
pub struct Stage {
    pub host: Arc<MemoryHost>,
    session: Session,
    turn: Arc<Turn>,
    requests: Arc<Mutex<Vec<String>>>,
    words: Arc<Mutex<Vec<Word>>>,
}

impl Stage {
    /// Waits for its turn: something else may happen before what follows.
    pub async fn stop(&self) {
        self.turn.stop(None).await;
    }

    /// Removes Alice from Acme, if she is a member.
    pub fn remove_alice(&self) -> bool {
        let alice = user("root", "u-alice");
        let removed = self.host.remove_member("acme", &alice).is_ok();
        let word = removed.then(|| Word::Removed("acme".into(), alice));
        self.words.lock().unwrap().extend(word);
        removed
    }

    /// Calls an export. The caller's rights are looked up when the call starts, in a step of its own.
    pub async fn run<E: Export<Answer: Clone> + Clone + Into<Request>>(
        &self,
        organization: Option<&str>,
        caller: Principal,
        export: E,
    ) -> E::Answer {
        self.stop().await;
        let context = self.host.context(organization, caller);
        self.requests.lock().unwrap().push(context.request_id.clone());
        let before = codes(&self.host.snapshot());
        let answer = self.session.run(context, export.clone()).await.unwrap().answer;
        let (place, reply) = (organization.unwrap_or_default(), E::reply(answer.clone()));
        self.words.lock().unwrap().extend(Word::of(place, &export.into(), &reply, &before));
        answer
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

    /// The number of steps that this actor had made when the other made its last.
    pub fn steps_before(&self, actor: usize, other: usize) -> usize {
        let last = self.order.iter().rposition(|index| *index == other).expect("it took part");
        self.order[..last].iter().filter(|index| **index == actor).count()
    }
}

pub struct Race<'a> {
    pub base: &'a Rig,
    pub actors: Vec<Actor>,
}

impl Race<'_> {
    /// Runs every schedule in which at most `switches` times somebody is interrupted who could go on.
    /// Returns how many there are.
    pub async fn all(&self, switches: usize, check: impl Fn(&Outcome)) -> usize {
        let mut schedules = Schedules::new(switches);
        for count in 1.. {
            self.once(None, |ready, last| schedules.choose(ready, last), &check).await;
            if !schedules.go_on() {
                return count;
            }
        }
        unreachable!()
    }

    /// Runs a random schedule for each seed.
    pub async fn some(&self, seeds: std::ops::Range<u64>, check: impl Fn(&Outcome)) {
        for seed in seeds {
            let mut chance = Chance::new(seed);
            self.once(Some(seed), |ready, last| chance.choose(ready, last), &check).await;
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
        let told = RefCell::new(OnPanic(format!("{names:?}, seed {seed:?}\n")));
        let (mut turns, mut requests, mut runners) = (Vec::new(), Vec::new(), Vec::new());
        let words = Arc::new(Mutex::new(Vec::new()));
        for actor in &self.actors {
            let (turn, calls) = (Arc::new(Turn::default()), Arc::new(Mutex::default()));
            let session = PLUGIN.session(host.clone().host(), Limits::default());
            let session = session.with_interceptor(turn.clone());
            let (turn_of, requests_of, words) = (turn.clone(), Arc::clone(&calls), words.clone());
            let stage = Stage { host: host.clone(), session, turn: turn_of, requests: requests_of, words };
            runners.push(Runner::new(turn.clone(), (actor.act)(stage)));
            turns.push(turn);
            requests.push(calls);
        }
        let doing = Cell::new(None);
        let mut choose = |ready: &[usize], last| {
            let index = choose(ready, last);
            doing.set(turns[index].next());
            let did = doing.get().map_or("starts, or makes it happen", Function::name);
            told.borrow_mut().0 += &format!("{index}: {} {did}\n", names[index]);
            index
        };
        let mut step = |index: usize, said: Option<&Said>| {
            if let Some(said) = said {
                told.borrow_mut().0 += &format!("{index}: {} was told {said:?}\n", names[index]);
            }
            words.lock().unwrap().drain(..).for_each(|word| history.note(host, word));
            if doing.get().is_none_or(Function::is_effect) {
                always(&rig, &history);
            }
        };
        let (said, order) = run(runners, &mut choose, &mut step).expect("each ends or stops");
        let ending = |(said, calls): (Said, Arc<Mutex<Vec<String>>>)| {
            let requests = std::mem::take(&mut *calls.lock().unwrap());
            Ending { said, requests }
        };
        let endings = said.into_iter().zip(requests).map(ending).collect();
        check(&Outcome { host: host.clone(), endings, order });
        rig.settle().await;
        always(&rig, &history);
        at_rest(&rig, &history);
    }
}
