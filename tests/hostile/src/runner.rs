//! Runs a class of attacks on one engine, beside the honest calls of another organization.
//!
//! The attacks run on a thread with a runtime of its own, as a server has several. The honest calls run on
//! another, one after the other, all the time. What the attacks took, their thread then spends on work
//! outside of any sandbox, and then on nothing, so that each class is compared with the same process a
//! moment before and after.

use std::{
    future::pending,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use guestlist_contract::{
    exports::invitations::{InviteRequest, ItemRefusal, LifetimeChoice},
    host::{Call, Settings},
    rules::{Candidate, InviteFacts, Inviter, NamedGrant, Surroundings},
    settings::Values,
    types::{
        Grant, GrantKind, HostError, InvitationFilter, Notify, PageRequest, Principal, SortKey, UserRef,
        Verdict,
    },
};
use guestlist_harness::{
    CallError, Engine, EngineOptions, Limits, LoadError, Plugin, Reason, Session,
    operations::Sweep,
    policy::{PolicyComponent, PolicyLimits, PolicyUnavailable},
};
use guestlist_memory::MemoryHost;
use guestlist_testkit::Judged as _;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::{
    classes::{Attack, Class, Held, Outcome, Victim},
    guests::policy_answering,
    times::Times,
};

/// The time of a call that only its deadline ends: short, so that many runs fit into a minute.
pub const DEADLINE: Duration = Duration::from_millis(20);

/// The time of all others: a machine under load does not end them by it.
const AMPLE: Duration = Duration::from_secs(5);

/// The attacks go on for so long before they pause.
const ROUND: Duration = Duration::from_millis(60);

const WORLD: &str = "
organizations:
  - { id: root, users: [{ id: u-alice, name: alice, email: a@root.example }, { id: u-bob, name: bob, email: b@root.example }] }
  - { id: acme, parent: root, users: [{ id: u-ann, name: ann }], permissions: { u-ann: [all] } }
  - id: evil
    parent: root
    users: [{ id: u-mal, name: mal }]
    groups: [{ id: g-evil, members: [u-mal] }]
    permissions: { u-mal: [all] }
";

/// One engine, one host, and two organizations: one attacks, and in the other there is an invitation.
pub struct Rig {
    engine: Engine,
    honest: Plugin,
    policy: PolicyComponent,
    host: Arc<MemoryHost>,
    pub victim: Victim,
}

/// What the runs of a class have shown.
#[derive(Debug, Default)]
pub struct Findings {
    pub runs: usize,
    pub contained: usize,
    /// The first outcome that was not what it has to be.
    pub escaped: Option<Outcome>,
    /// From the beginning of the attack to its end.
    pub took: Times,
    /// The same from its deadline on.
    pub late: Times,
    /// The honest calls while nothing else was going on, while the attacks ran, and while their processor
    /// did honest work: two of them may be halves of one.
    pub quiet: Times,
    pub attacked: Times,
    pub busy: Times,
    /// Resident memory after the first runs and at the end, in bytes.
    pub resident: [usize; 2],
}

impl Rig {
    /// An engine in production's settings, and a host in memory.
    #[must_use]
    pub fn start() -> Self {
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        let honest = Plugin::bundled(&engine).unwrap();
        let policy = PolicyComponent::load(&engine, &policy_answering(&[Verdict::Allow])).unwrap();
        let host = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
        let session = honest.session(host.clone().host(), Limits::default());
        let invited =
            session.invite(host.context(Some("acme"), user("acme", "u-ann")), inviting("alice", vec![]));
        let invited = block_on(invited).unwrap().unwrap().pop().unwrap().unwrap();
        let victim = Victim { organization: "acme", invitation: invited.id };
        Self { engine, honest, policy, host, victim }
    }

    /// All that is stored, but for what is noted of the attacker's own requests.
    #[must_use]
    pub fn stored(&self) -> Value {
        let mut snapshot = self.host.snapshot();
        snapshot.audit.retain(|event| event.organization.as_deref() != Some("evil"));
        snapshot.operations.remove("evil");
        snapshot.applied.remove("evil");
        serde_json::to_value(snapshot).unwrap()
    }

    /// The honest plugin and the honest policy, in another organization.
    pub async fn serve(&self) {
        let session = self.honest.session(self.host.clone().host(), Limits::default());
        let filter = InvitationFilter::default();
        let page = PageRequest { sort: SortKey::CreatedAt, descending: false, after: None, limit: 10 };
        let context = self.host.context(Some("acme"), user("acme", "u-ann"));
        let page = session.list(context, filter, page).await.unwrap().unwrap();
        assert_eq!(page.items.len(), 1);
        assert_eq!(self.policy.judge_invite(&facts()).await.unwrap().answer, [Verdict::Allow]);
    }

    /// One run after the other. What is to be turned down is loaded in each; what is called, before the first.
    pub async fn attack(&self, class: &Class, runs: usize, watch: &mut impl Watch) {
        let once = !class.loads() && !class.varies();
        let mut bytes = (class.component)(&self.victim, 0);
        let mut armed = if once { self.arm(class, &bytes).ok() } else { None };
        for run in 0..runs {
            if class.varies() {
                bytes = (class.component)(&self.victim, run);
            }
            watch.before();
            let started = Instant::now();
            let outcome = match armed.take().map_or_else(|| self.arm(class, &bytes), Ok) {
                Err(error) => not_admitted(&error),
                Ok(_) if class.loads() => Outcome::Got("it was loaded".into()),
                Ok(ready) => {
                    let outcome = self.strike(&ready).await;
                    armed = once.then_some(ready);
                    outcome
                }
            };
            watch.after(started.elapsed(), outcome);
        }
    }

    fn arm(&self, class: &Class, bytes: &[u8]) -> Result<Armed, LoadError> {
        let attack = class.attack;
        let time = if matches!(class.held, Held::Deadline) { DEADLINE } else { AMPLE };
        Ok(match attack {
            Attack::LoadPlugin | Attack::Plugin | Attack::WatchedPlugin | Attack::PluginOnDeafHost => {
                let mut host = self.host.clone().host();
                if attack == Attack::PluginOnDeafHost {
                    host.settings = Arc::new(Deaf);
                }
                let limits = Limits::default().time(time).host_call_time(time / 4);
                let session = Plugin::load(&self.engine, bytes)?.session(host, limits);
                Armed::Plugin(if attack == Attack::WatchedPlugin { session.recording() } else { session })
            }
            Attack::LoadPolicy | Attack::Policy => {
                let limits = PolicyLimits::default().time(time);
                Armed::Policy(PolicyComponent::load(&self.engine, bytes)?.with_limits(limits))
            }
            Attack::PolicyThroughPlugin => {
                self.host.set_policy_component(Some("evil"), PolicyComponent::load(&self.engine, bytes)?);
                Armed::Inviting(self.honest.session(self.host.clone().host(), Limits::default()))
            }
        })
    }

    async fn strike(&self, armed: &Armed) -> Outcome {
        match armed {
            Armed::Plugin(session) => {
                let context = self.host.context(Some("evil"), Principal::System);
                let error = match session.clone().run(context, Sweep { limit: 1 }).await {
                    Ok(completed) => return Outcome::Got(format!("{:?}", completed.answer)),
                    Err(error) => error,
                };
                match error {
                    CallError::Trapped(trapped) => match trapped.trace {
                        None => Outcome::Ended(trapped.reason),
                        Some(trace) if trace.entries.iter().all(|entry| is_refusal(&entry.outcome)) => {
                            Outcome::Denied(trapped.reason)
                        }
                        Some(trace) => Outcome::Got(trace.to_string()),
                    },
                    other => Outcome::NoInstance(other.to_string()),
                }
            }
            Armed::Policy(policy) => match policy.judge_invite(&facts()).await {
                Ok(ruling) => Outcome::Got(format!("{:?}", ruling.answer)),
                Err(PolicyUnavailable::Ended(reason)) => Outcome::Ended(reason),
                Err(PolicyUnavailable::Miscounted { .. }) => Outcome::Miscounted,
                Err(other) => Outcome::Got(other.to_string()),
            },
            Armed::Inviting(session) => {
                let context = self.host.context(Some("evil"), user("evil", "u-mal"));
                let group = Grant { kind: GrantKind::Group, id: "g-evil".into() };
                let answer = session.invite(context, inviting("bob", vec![group])).await;
                match answer.unwrap().unwrap().pop().unwrap() {
                    Err(ItemRefusal::Refused(words)) => Outcome::Refused(words),
                    other => Outcome::Got(format!("{other:?}")),
                }
            }
        }
    }
}

/// Who looks on.
pub trait Watch {
    fn before(&mut self);
    fn after(&mut self, took: Duration, outcome: Outcome);
}

/// Runs a class and measures it. Loading is slow and done seldom: of it there are fewer runs.
pub fn measure(rig: &Rig, class: &Class, runs: usize) -> Findings {
    let runs = if class.loads() { runs.div_ceil(20) } else { runs };
    let shared = Shared::default();
    thread::scope(|scope| {
        let honest = scope.spawn(|| {
            let mut times = [Times::default(), Times::default(), Times::default()];
            block_on(async {
                while !shared.over.load(SeqCst) {
                    let (turn, started) = (shared.turn.load(SeqCst), Instant::now());
                    rig.serve().await;
                    // Neither begun in the one nor ended in the other.
                    if turn == shared.turn.load(SeqCst) {
                        times[turn % 3].add(started.elapsed());
                    }
                }
            });
            times
        });
        thread::sleep(ROUND);
        let findings = Findings::default();
        let mut measuring = Measuring { shared: &shared, class, runs, since: None, findings };
        block_on(rig.attack(class, runs, &mut measuring));
        let mut findings = measuring.findings;
        shared.over.store(true, SeqCst);
        [findings.quiet, findings.attacked, findings.busy] = honest.join().unwrap();
        findings.resident[1] = resident();
        findings
    })
}

/// The turns are three: nobody else does anything, an attack runs, its processor does honest work.
#[derive(Default)]
struct Shared {
    turn: AtomicUsize,
    over: AtomicBool,
}

struct Measuring<'a> {
    shared: &'a Shared,
    class: &'a Class,
    runs: usize,
    since: Option<Instant>,
    findings: Findings,
}

impl Watch for Measuring<'_> {
    fn before(&mut self) {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            self.shared.turn.fetch_add(1, SeqCst);
        }
    }

    fn after(&mut self, took: Duration, outcome: Outcome) {
        let findings = &mut self.findings;
        findings.runs += 1;
        findings.took.add(took);
        if let Outcome::Ended(Reason::Deadline(deadline)) = &outcome {
            findings.late.add(took.saturating_sub(*deadline));
        }
        if self.class.held.fits(&outcome) {
            findings.contained += 1;
        } else {
            findings.escaped.get_or_insert(outcome);
        }
        if findings.runs == self.runs.div_ceil(5) {
            findings.resident[0] = resident();
        }
        let round = self.since.map_or(ROUND, |since| since.elapsed());
        if round >= ROUND || findings.runs == self.runs {
            let round = round.clamp(ROUND, 10 * ROUND);
            self.since = None;
            self.shared.turn.fetch_add(1, SeqCst);
            work(round);
            self.shared.turn.fetch_add(1, SeqCst);
            thread::sleep(round);
        }
    }
}

/// Computes outside of any sandbox.
fn work(time: Duration) {
    let (started, mut sum) = (Instant::now(), 1_u64);
    while started.elapsed() < time {
        for _ in 0..10_000 {
            sum = black_box(sum).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
    }
}

fn resident() -> usize {
    memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem)
}

/// Waits on a runtime of one's own.
pub fn block_on<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

enum Armed {
    Plugin(Session),
    Policy(PolicyComponent),
    Inviting(Session),
}

fn not_admitted(error: &LoadError) -> Outcome {
    let kinds = error.problems().iter().map(guestlist_harness::AdmissionProblem::kind).collect();
    Outcome::NotAdmitted(kinds, error.to_string())
}

/// The host says no, and nothing else.
fn is_refusal(outcome: &Value) -> bool {
    let error = &outcome["Err"];
    error == "NotFound"
        || [error, &error["Host"]]
            .iter()
            .any(|error| error["Denied"].is_string() || error["Invalid"].is_string())
}

/// Never answers.
struct Deaf;

#[async_trait]
impl Settings for Deaf {
    async fn get(&self, _: &Call, _: String) -> Result<Values, HostError> {
        pending().await
    }
}

fn user(organization: &str, id: &str) -> Principal {
    Principal::User(UserRef { organization: organization.into(), id: id.into() })
}

fn inviting(name: &str, grants: Vec<Grant>) -> InviteRequest {
    InviteRequest {
        names: vec![name.into()],
        userstore_domain: None,
        grants,
        lifetime: LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: vec![],
        idempotency_key: None,
    }
}

fn facts() -> InviteFacts {
    let candidate = Candidate {
        account: UserRef { organization: "root".into(), id: "u-bob".into() },
        via: None,
        name: "bob".into(),
        as_written: "bob".into(),
        userstore: "PRIMARY".into(),
        active: true,
        address_domain: Some("root.example".into()),
        groups: vec![],
        roles: vec![],
        sent_lately: 0,
    };
    InviteFacts {
        surroundings: Surroundings {
            organization: "evil".into(),
            organization_name: "Evil".into(),
            parent: "root".into(),
            pending: 0,
            now: 1_772_442_000_000,
            utc_offset_minutes: 0,
        },
        inviter: Inviter { who: user("evil", "u-mal"), groups: vec![], roles: vec![] },
        grants: vec![NamedGrant {
            grant: Grant { kind: GrantKind::Group, id: "g-evil".into() },
            display_name: "Evil".into(),
        }],
        lifetime: Some(3_600_000),
        notify: Notify::Internal,
        metadata: vec![],
        candidates: vec![candidate],
    }
}
