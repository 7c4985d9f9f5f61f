//! Several calls at once, in an order that the test decides at every host call.
//!
//! Each call runs until it is about to ask its host, and waits there for its turn. So a schedule, a list
//! of turns, says exactly what happens, and a failure can be replayed from it.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use guestlist_harness::{
    Fault, Function, Interceptor,
    contract::{
        exports::invitee::Handle,
        types::{InvitationKey, Permissions, Principal, State},
    },
    host::Call,
    operations as op,
};

use crate::{
    guarantees::{History, Word},
    rig::*,
};

/// Something that somebody does, or that happens to the world.
#[derive(Clone, Debug)]
pub enum Act {
    Accept(Principal, String),
    AcceptById(Principal),
    Decline(String),
    Revoke,
    Resend,
    InviteAgain,
    Approve,
    Reject,
    Sweep,
    Advance(u64),
    RemoveMember,
    LoseRight,
    DeleteGroup,
    DisableInvitee,
    SuspendOrganization,
}

/// Lets one call through one host call at a time.
#[derive(Default)]
struct Gate {
    open: AtomicBool,
    waits: AtomicBool,
}

#[async_trait]
impl Interceptor for Gate {
    async fn before(&self, _: &Call, _: Function) -> Option<Fault> {
        self.waits.store(true, SeqCst);
        poll_fn(|_| if self.open.swap(false, SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
        self.waits.store(false, SeqCst);
        None
    }
}

/// A world with one invitation, and what was said in it.
pub struct Scene {
    pub rig: Rig,
    pub key: InvitationKey,
    pub history: RefCell<History>,
}

impl Scene {
    pub fn fork(&self) -> Self {
        let history = self.history.borrow().clone();
        Self { rig: self.rig.fork(), key: self.key.clone(), history: RefCell::new(history) }
    }

    fn note(&self, word: Word) {
        self.history.borrow_mut().note(&self.rig.host, word);
    }

    fn live_codes(&self) -> Vec<String> {
        let rows = self.rig.host.snapshot().invitations;
        rows.into_iter().find(|row| row.invitation.key == self.key).map(|row| row.codes).unwrap_or_default()
    }

    /// One act; the answer as a word.
    async fn act(&self, gate: Arc<Gate>, act: Act) -> String {
        let (rig, id) = (&self.rig, self.key.id.clone());
        let acme = Some("acme");
        match act {
            Act::Accept(who, code) => self.accept(gate, who, Handle::Code(code)).await,
            Act::AcceptById(who) => self.accept(gate, who, Handle::Id(self.key.clone())).await,
            Act::Decline(code) => {
                let decline = op::Decline { handle: Handle::Code(code), reason: None };
                let answer = rig.run_with(gate, None, alice(), decline).await.unwrap().answer;
                if answer.is_ok() {
                    self.note(Word::Ended(self.key.clone(), State::Declined));
                }
                format!("{answer:?}")
            }
            Act::Revoke => {
                let answer =
                    rig.run_with(gate, acme, ann(), op::Revoke { id, reason: None }).await.unwrap().answer;
                if answer.is_ok() {
                    self.note(Word::Ended(self.key.clone(), State::Revoked));
                }
                format!("{answer:?}")
            }
            Act::Reject => {
                let answer =
                    rig.run_with(gate, acme, ben(), op::Reject { id, reason: None }).await.unwrap().answer;
                if answer.is_ok() {
                    self.note(Word::Ended(self.key.clone(), State::Revoked));
                }
                format!("{answer:?}")
            }
            Act::Approve => {
                let answer = rig.run_with(gate, acme, ben(), op::Approve { id }).await.unwrap().answer;
                format!("{answer:?}")
            }
            Act::Resend => {
                let before = self.live_codes();
                let answer =
                    rig.run_with(gate, acme, ann(), op::Resend { ids: vec![id] }).await.unwrap().answer;
                if answer.as_ref().is_ok_and(|items| items[0].is_ok()) {
                    self.note(Word::Resent(self.key.clone(), before));
                }
                format!("{answer:?}")
            }
            Act::InviteAgain => {
                let request = request(&["alice"], &[]);
                let answer = rig.run_with(gate, acme, ann(), op::Invite { request }).await.unwrap().answer;
                format!("{answer:?}")
            }
            Act::Sweep => {
                let sweep = op::Sweep { limit: 200 };
                let answer = rig.run_with(gate, acme, Principal::System, sweep).await.unwrap().answer;
                format!("{answer:?}")
            }
            event => self.happen(event),
        }
    }

    async fn accept(&self, gate: Arc<Gate>, who: Principal, handle: Handle) -> String {
        let answer = self.rig.run_with(gate, None, who, op::Accept { handle }).await.unwrap().answer;
        if let Ok(accepted) = &answer {
            self.note(Word::Accepted(self.key.clone(), accepted.outcomes.clone()));
        }
        format!("{answer:?}")
    }

    fn happen(&self, event: Act) -> String {
        let host = &self.rig.host;
        let alice = user("root", "u-alice");
        let happened = match event {
            Act::Advance(time) => {
                host.advance(time);
                Ok(())
            }
            Act::RemoveMember => {
                let removed = host.remove_member("acme", &alice);
                if removed.is_ok() {
                    self.note(Word::Removed("acme".into(), alice));
                }
                removed
            }
            Act::LoseRight => host.set_permissions("acme", ann(), Permissions::VIEW),
            Act::DeleteGroup => host.delete_group("acme", "g-help"),
            Act::DisableInvitee => host.set_user_active("root", "u-alice", false),
            Act::SuspendOrganization => host.set_organization_active("acme", false),
            act => panic!("{act:?} is a call"),
        };
        format!("{happened:?}")
    }

    /// All acts at once. `turn` is given those that still run and names whose turn it is.
    pub async fn race(&self, acts: &[Act], mut turn: impl FnMut(&[usize]) -> usize) -> Vec<String> {
        let gates: Vec<Arc<Gate>> = acts.iter().map(|_| Arc::default()).collect();
        let mut runs: Vec<Pin<Box<dyn Future<Output = String> + '_>>> = Vec::new();
        for (gate, act) in gates.iter().zip(acts) {
            runs.push(Box::pin(self.act(gate.clone(), act.clone())));
        }
        let mut answers = vec![None; acts.len()];
        loop {
            let alive: Vec<_> = (0..acts.len()).filter(|index| answers[*index].is_none()).collect();
            if alive.is_empty() {
                return answers.into_iter().flatten().collect();
            }
            let index = turn(&alive);
            gates[index].open.store(true, SeqCst);
            loop {
                let mut context = Context::from_waker(Waker::noop());
                if let Poll::Ready(answer) = runs[index].as_mut().poll(&mut context) {
                    answers[index] = Some(answer);
                    break;
                }
                if gates[index].waits.load(SeqCst) && !gates[index].open.load(SeqCst) {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

/// The first act makes `steps` host calls, then all others run to their end one after the other, then
/// it goes on.
pub fn interrupted_after(steps: usize) -> impl FnMut(&[usize]) -> usize {
    let mut made = 0;
    move |alive| {
        if made < steps && alive[0] == 0 {
            made += 1;
            return 0;
        }
        alive.iter().copied().find(|index| *index != 0).unwrap_or(0)
    }
}

/// Turns at random, the same for the same seed.
pub fn shuffled(seed: u64) -> impl FnMut(&[usize]) -> usize {
    let mut random = Dice::new(seed);
    move |alive| alive[random.below(alive.len())]
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
