//! A directory and a log that misbehave at an exact call, and a clock that is moved by hand.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use guestlist_connect::{
    GrantLog, GrantRecords, InvitationLog, MemberWriter, MemoryRecords, Options, Presence, Progress, Put,
    Recipient, Record, Written,
};
use guestlist_contract::types::{Grant, GrantKind, HostError, Step, StepOutcome, UserRef};

/// One call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Surely not applied.
    FailBefore,
    /// Applied; the answer is lost.
    FailAfter,
    /// No answer in time; it lands later.
    Late,
    /// The caller is gone before it is applied.
    CrashBefore,
    /// The caller is gone after it was applied.
    CrashAfter,
    /// The caller is gone, and it lands later.
    CrashLate,
    /// Acknowledged and not applied.
    Forget,
}

impl Fault {
    pub const ALL: [Self; 7] = [
        Self::FailBefore,
        Self::FailAfter,
        Self::Late,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::CrashLate,
        Self::Forget,
    ];
}

/// What kind of call it is: not every fault makes sense for each.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Read,
    LogWrite,
    DirectoryWrite,
}

impl Kind {
    fn may_meet(self, fault: Fault) -> bool {
        match self {
            Self::Read => matches!(fault, Fault::FailBefore | Fault::FailAfter | Fault::CrashBefore),
            Self::LogWrite => fault != Fault::Forget,
            Self::DirectoryWrite => true,
        }
    }
}

/// A membership or grant of the directory.
#[derive(Clone, Debug)]
struct Entry {
    user: UserRef,
    step: Step,
    /// The invitation that has written it; absent: by another way.
    owner: Option<String>,
}

/// Something that has changed in the directory.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Appeared(Step, Option<String>),
    Disappeared(Step),
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    changes: Vec<Change>,
}

impl State {
    fn find(&self, user: &UserRef, step: &Step) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.user == *user && entry.step == *step)
    }

    fn add(&mut self, user: &UserRef, step: &Step, owner: Option<&str>, tells: bool) -> Written {
        if matches!(step, Step::Grant(grant) if grant.id.starts_with("no-")) {
            return Written::NoSuchTarget;
        }
        if *step != Step::Member && self.find(user, &Step::Member).is_none() {
            return Written::NotAMember;
        }
        if self.find(user, step).is_some() {
            return if tells { Written::Present } else { Written::Added };
        }
        let owner = owner.map(str::to_owned);
        self.changes.push(Change::Appeared(step.clone(), owner.clone()));
        self.entries.push(Entry { user: user.clone(), step: step.clone(), owner });
        Written::Added
    }

    fn remove(&mut self, user: &UserRef, step: &Step) {
        let goes = |entry: &Entry| entry.user == *user && (entry.step == *step || *step == Step::Member);
        for gone in self.entries.extract_if(.., |entry| goes(entry)) {
            self.changes.push(Change::Disappeared(gone.step));
        }
    }
}

type Landing = (u64, Box<dyn FnOnce() + Send>);

/// What kind of directory it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// It keeps marks.
    pub marks: bool,
    /// It tells whether something was there before.
    pub tells: bool,
    /// What is late lands after this time, in seconds.
    pub lateness: u64,
}

/// The directory, the log's storage, and what goes wrong at which call of either.
pub struct Scripted {
    state: Arc<Mutex<State>>,
    records: Arc<MemoryRecords>,
    clock: Arc<AtomicU64>,
    pub nature: Nature,
    plan: Mutex<Vec<(u32, Fault)>>,
    calls: AtomicU32,
    senseless: AtomicU32,
    in_turns: bool,
    under_way: Mutex<Vec<Landing>>,
    /// An administrator removes the member before this call, once; and what the log knew then.
    removal: Mutex<Option<u32>>,
    pub removed_while: Mutex<Option<Progress>>,
}

impl Scripted {
    pub fn new(nature: Nature) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let hand = clock.clone();
        Self {
            state: Arc::default(),
            records: Arc::new(MemoryRecords::with_clock(move || {
                Duration::from_secs(hand.load(Ordering::SeqCst))
            })),
            clock,
            nature,
            plan: Mutex::default(),
            calls: AtomicU32::new(0),
            senseless: AtomicU32::new(0),
            in_turns: false,
            under_way: Mutex::default(),
            removal: Mutex::default(),
            removed_while: Mutex::default(),
        }
    }

    /// Each call waits for its turn.
    pub fn in_turns(nature: Nature) -> Self {
        Self { in_turns: true, ..Self::new(nature) }
    }

    pub fn log(self: &Arc<Self>, options: Options) -> GrantLog {
        GrantLog::new(self.clone(), self.clone(), options)
    }

    /// A planned fault made no sense where it was planned.
    pub fn is_senseless(&self) -> bool {
        self.senseless.load(Ordering::SeqCst) > 0
    }

    /// Every planned fault has struck.
    pub fn struck(&self) -> bool {
        self.plan.lock().unwrap().is_empty()
    }

    pub fn plan(&self, plan: &[(u32, Fault)]) {
        self.calls.store(0, Ordering::SeqCst);
        *self.plan.lock().unwrap() = plan.to_vec();
    }

    pub fn remove_before_call(&self, number: u32) {
        *self.removal.lock().unwrap() = Some(number);
    }

    /// Time goes on, and what was under way lands.
    pub fn advance(&self, seconds: u64) {
        let now = self.clock.fetch_add(seconds, Ordering::SeqCst) + seconds;
        let landing: Vec<Landing> =
            self.under_way.lock().unwrap().extract_if(.., |(due, _)| *due <= now).collect();
        landing.into_iter().for_each(|(_, land)| land());
    }

    pub fn is_under_way(&self) -> bool {
        !self.under_way.lock().unwrap().is_empty()
    }

    /// By hand, or by an invitation of a system without this log.
    pub fn add_by_hand(&self, step: &Step) {
        self.state.lock().unwrap().add(&alice(), step, None, true);
    }

    /// As a write that was under way for long.
    pub fn land(&self, invitation: &str, step: &Step) {
        self.state.lock().unwrap().add(&alice(), step, Some(invitation), true);
    }

    pub fn remove_by_hand(&self, step: &Step) {
        self.state.lock().unwrap().remove(&alice(), step);
    }

    pub fn has(&self, step: &Step) -> bool {
        self.state.lock().unwrap().find(&alice(), step).is_some()
    }

    /// The invitation that a membership or grant is owed to.
    pub fn owner(&self, step: &Step) -> Option<String> {
        self.state.lock().unwrap().find(&alice(), step).and_then(|entry| entry.owner.clone())
    }

    pub fn size(&self) -> usize {
        self.state.lock().unwrap().entries.len()
    }

    pub fn changes(&self) -> Vec<Change> {
        self.state.lock().unwrap().changes.clone()
    }

    /// How often an invitation has made it appear.
    pub fn appearances(&self, invitation: &str, step: &Step) -> usize {
        let by = Change::Appeared(step.clone(), Some(invitation.to_owned()));
        self.changes().iter().filter(|change| **change == by).count()
    }

    pub fn progress(&self, invitation: &str, step: &Step) -> Option<Progress> {
        let known = self.records.read("acme", invitation).now_or_never().unwrap().unwrap();
        known.records.iter().find(|record| record.step == *step).map(|record| record.progress)
    }

    pub fn watched(&self) -> usize {
        self.records.watched("acme", 100).now_or_never().unwrap().unwrap().len()
    }

    async fn around<T: Send + 'static>(
        &self,
        kind: Kind,
        effect: impl FnOnce() -> Result<T, HostError> + Send + 'static,
        pretence: Option<T>,
    ) -> Result<T, HostError> {
        if self.in_turns {
            turn().await;
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.remove_if_due(number);
        let fault = {
            let mut plan = self.plan.lock().unwrap();
            let due = plan.iter().position(|(at, _)| *at == number);
            due.map(|index| plan.remove(index).1)
        };
        let Some(fault) = fault else { return effect() };
        if !kind.may_meet(fault) {
            self.senseless.fetch_add(1, Ordering::SeqCst);
            return effect();
        }
        match fault {
            Fault::FailBefore => Err(HostError::Unavailable(None)),
            Fault::FailAfter => effect().and(Err(HostError::OutcomeUnknown)),
            Fault::CrashBefore => gone().await,
            Fault::CrashAfter => {
                let _ = effect();
                gone().await
            }
            Fault::Late | Fault::CrashLate => {
                let due = self.clock.load(Ordering::SeqCst) + self.nature.lateness;
                self.under_way.lock().unwrap().push((due, Box::new(move || drop(effect()))));
                if fault == Fault::Late { Err(HostError::OutcomeUnknown) } else { gone().await }
            }
            Fault::Forget => Ok(pretence.expect("only what is written is forgotten")),
        }
    }

    fn remove_if_due(&self, number: u32) {
        let mut removal = self.removal.lock().unwrap();
        if removal.is_some_and(|at| at <= number) && self.has(&Step::Member) {
            *removal = None;
            *self.removed_while.lock().unwrap() = self.progress(FIRST, &Step::Member);
            self.remove_by_hand(&Step::Member);
        }
    }
}

/// Stops once, for others to go on.
async fn turn() {
    let mut stopped = false;
    poll_fn(|_| if std::mem::replace(&mut stopped, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Nobody waits for the answer any more.
async fn gone<T>() -> T {
    std::future::pending().await
}

#[async_trait]
impl MemberWriter for Scripted {
    async fn look(&self, to: &Recipient, steps: &[Step]) -> Result<Vec<Presence>, HostError> {
        let (state, marks) = (self.state.clone(), self.nature.marks);
        let (to, steps) = (to.clone(), steps.to_vec());
        let presence = move |step: &Step| match state.lock().unwrap().find(&to.user, step) {
            None => Presence::Absent,
            Some(_) if !marks => Presence::Unmarked,
            Some(entry) if entry.owner.as_ref() == Some(&to.invitation) => Presence::ThisInvitation,
            Some(_) => Presence::AnotherWay,
        };
        self.around(Kind::Read, move || Ok(steps.iter().map(presence).collect()), None).await
    }

    async fn add(&self, to: &Recipient, step: &Step) -> Result<Written, HostError> {
        let (state, tells) = (self.state.clone(), self.nature.tells);
        let (to, step) = (to.clone(), step.clone());
        let add = move || Ok(state.lock().unwrap().add(&to.user, &step, Some(&to.invitation), tells));
        self.around(Kind::DirectoryWrite, add, Some(Written::Added)).await
    }

    async fn remove(&self, to: &Recipient, step: &Step) -> Result<(), HostError> {
        let (state, marks) = (self.state.clone(), self.nature.marks);
        let (to, step) = (to.clone(), step.clone());
        let remove = move || {
            let mut state = state.lock().unwrap();
            let its_own = |entry: &Entry| entry.owner.as_ref() == Some(&to.invitation);
            if !marks || state.find(&to.user, &step).is_some_and(its_own) {
                state.remove(&to.user, &step);
            }
            Ok(())
        };
        self.around(Kind::DirectoryWrite, remove, Some(())).await
    }
}

/// The log in memory answers at once.
fn at_once<T>(answer: impl Future<Output = Result<T, HostError>>) -> Result<T, HostError> {
    answer.now_or_never().expect("it never waits")
}

#[async_trait]
impl GrantRecords for Scripted {
    async fn read(&self, organization: &str, invitation: &str) -> Result<InvitationLog, HostError> {
        let records = self.records.clone();
        let (organization, invitation) = (organization.to_owned(), invitation.to_owned());
        self.around(Kind::Read, move || at_once(records.read(&organization, &invitation)), None).await
    }

    async fn leftovers(&self, to: &Recipient) -> Result<Vec<Record>, HostError> {
        let (records, to) = (self.records.clone(), to.clone());
        self.around(Kind::Read, move || at_once(records.leftovers(&to)), None).await
    }

    async fn put(
        &self,
        to: &Recipient,
        step: &Step,
        seen: u64,
        progress: Progress,
    ) -> Result<Put, HostError> {
        let (records, to, step) = (self.records.clone(), to.clone(), step.clone());
        self.around(Kind::LogWrite, move || at_once(records.put(&to, &step, seen, progress)), None).await
    }

    async fn close(&self, organization: &str, invitation: &str) -> Result<(), HostError> {
        let records = self.records.clone();
        let (organization, invitation) = (organization.to_owned(), invitation.to_owned());
        self.around(Kind::LogWrite, move || at_once(records.close(&organization, &invitation)), None).await
    }

    async fn watched(&self, organization: &str, limit: usize) -> Result<Vec<Record>, HostError> {
        let (records, organization) = (self.records.clone(), organization.to_owned());
        self.around(Kind::Read, move || at_once(records.watched(&organization, limit)), None).await
    }
}

/// The invitation that most tests are about.
pub const FIRST: &str = "first";

pub fn alice() -> UserRef {
    UserRef { organization: "root".into(), id: "u-alice".into() }
}

pub fn invited_by(invitation: &str) -> Recipient {
    Recipient { organization: "acme".into(), invitation: invitation.into(), user: alice() }
}

pub fn grant(id: &str) -> Step {
    Step::Grant(Grant { kind: GrantKind::Group, id: id.into() })
}

/// The member and two grants.
pub fn steps() -> [Step; 3] {
    [Step::Member, grant("g-help"), grant("g-ops")]
}

pub fn was_given(outcome: StepOutcome) -> bool {
    matches!(outcome, StepOutcome::Applied | StepOutcome::AlreadyApplied)
}
