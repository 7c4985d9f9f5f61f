//! A compiled policy, and asking it.
//!
//! Each judgement gets a fresh instance with a store of its own: nothing can pass from one request, or
//! one organization, to the next, so the same facts get the same answer.

use std::{fmt, sync::Arc};

use wasmtime::Store;

use crate::{
    Engine, LoadError, Metering, Reason, admission,
    artifacts::digest,
    calls::within,
    lending::{Loans, Log, PolicyLimits, PolicyState},
    policy::Language,
};
use guestlist_contract::{
    TenantPolicy, TenantPolicyPre,
    policy::PolicyError,
    rules::{AcceptFacts, InviteFacts},
    types::Verdict,
};

/// A policy that was admitted. Cloning it shares the compiled code.
#[derive(Clone)]
pub struct PolicyComponent {
    code: Arc<Compiled>,
    limits: PolicyLimits,
}

/// The code of a component, and what it may import.
pub(super) struct Compiled {
    engine: Engine,
    policy: TenantPolicyPre<PolicyState>,
    digest: String,
    language: Option<Language>,
}

impl Compiled {
    /// `digest` is that of the bytes.
    pub(super) fn new(
        engine: &Engine,
        loans: &Loans,
        limits: &PolicyLimits,
        bytes: &[u8],
        digest: String,
    ) -> Result<Self, LoadError> {
        let component = admission::compile(engine, bytes)?;
        let policy = admission::admit_policy(engine, &component, loans, limits)?;
        Ok(Self { engine: engine.clone(), policy, digest, language: Language::of(bytes) })
    }

    pub(super) fn digest(&self) -> &str {
        &self.digest
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl fmt::Debug for PolicyComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyComponent")
            .field("digest", &self.code.digest)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What a policy has answered, and what it cost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ruling<T> {
    /// As the component gave it: it may try to widen, which the plugin refuses.
    pub answer: T,
    /// Units of fuel, the making of the instance included. Absent in an engine that does not meter by
    /// fuel.
    pub fuel: Option<u64>,
}

/// The answer of a policy with what it said meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched<T> {
    /// As without somebody who listens.
    pub ruling: Result<Ruling<T>, PolicyUnavailable>,
    /// The words that it said.
    pub log: Log,
}

/// The policy gave no answer that means anything: nobody is let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyUnavailable {
    /// Its instance was ended, or could not be made.
    #[error("the policy gives no answer: {}, until then nobody is let in", cause(.0))]
    Ended(Reason),
    /// Nobody can tell which verdict is for whom.
    #[error(
        "the policy gives {answered} verdicts for {asked} candidates; repair it, until then nobody is let in"
    )]
    Miscounted {
        /// Candidates.
        asked: usize,
        /// Verdicts.
        answered: usize,
    },
    /// Too many of its organization's judgements are at work.
    #[error("the policy is asked too often: {0:?} did not bring its turn; ask again")]
    Busy(std::time::Duration),
    /// It has never judged here: it could not be loaded, for this reason.
    #[error("the policy cannot be loaded: {0}; until it is repaired nobody is let in")]
    NotLoaded(String),
}

/// Whoever was busy would have answered, and says how long it took to find that out.
impl From<PolicyUnavailable> for PolicyError {
    fn from(unavailable: PolicyUnavailable) -> Self {
        match unavailable {
            PolicyUnavailable::Busy(waited) => Self::Silent(u64::try_from(waited.as_millis()).ok()),
            _ => Self::Silent(None),
        }
    }
}

/// What ended it, and what to do.
fn cause(reason: &Reason) -> String {
    match reason {
        Reason::Panicked => {
            "it broke off (a panic, or an exception that nothing caught); repair it".to_owned()
        }
        Reason::StackOverflow | Reason::Other(_) => format!("{}; repair it", reason.in_short()),
        _ => format!("{}; raise its limits or repair it", reason.in_short()),
    }
}

impl PolicyComponent {
    /// Compiles a component and checks that it is a policy: it imports no function but its [log](super::LOG)
    /// (a registry of [`Policies`](super::Policies) may lend some), exports `rules` in
    /// the shape of the contract, and an instance can be made. Load once, and not on a thread that
    /// others wait for: where what runs at its start does not end, it takes a second.
    ///
    /// The engine may be the plugin's: it has places for 64 policies at work, script engines included.
    ///
    /// # Errors
    ///
    /// All that speaks against it, and what to do.
    pub fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        let limits = PolicyLimits::default();
        let code = Compiled::new(engine, &Loans::default(), &limits, bytes, digest(bytes))?;
        Ok(Self::of(Arc::new(code), limits))
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &Arc<Compiled> {
        &self.code
    }

    pub(super) fn of(code: Arc<Compiled>, limits: PolicyLimits) -> Self {
        Self { code, limits }
    }

    /// The same policy within other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: PolicyLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What a judgement may cost.
    #[must_use]
    pub fn limits(&self) -> &PolicyLimits {
        &self.limits
    }

    /// SHA-256 of the component's bytes, in lower-case hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.code.digest
    }

    /// What it was written in, where the component says so.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        self.code.language
    }

    /// One verdict for each candidate. Needs a tokio runtime with time.
    ///
    /// # Errors
    ///
    /// When there is no answer, or one of another length.
    pub async fn judge_invite(&self, facts: &InviteFacts) -> Result<Ruling<Vec<Verdict>>, PolicyUnavailable> {
        self.invite(facts, false).await.ruling
    }

    /// The verdict on somebody who accepts. Needs a tokio runtime with time.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn judge_accept(&self, facts: &AcceptFacts) -> Result<Ruling<Verdict>, PolicyUnavailable> {
        self.accept(facts, false).await.ruling
    }

    /// As [`judge_invite`](Self::judge_invite), and keeps what the policy says meanwhile. For tests: the words
    /// of a policy are its author's, and may hold any of the facts.
    pub async fn watch_invite(&self, facts: &InviteFacts) -> Watched<Vec<Verdict>> {
        self.invite(facts, true).await
    }

    /// As [`judge_accept`](Self::judge_accept), and keeps what the policy says meanwhile. For tests.
    pub async fn watch_accept(&self, facts: &AcceptFacts) -> Watched<Verdict> {
        self.accept(facts, true).await
    }

    async fn invite(&self, facts: &InviteFacts, heard: bool) -> Watched<Vec<Verdict>> {
        let ask = async |policy: &TenantPolicy, store: &mut Store<PolicyState>| {
            policy.guestlist_invitation_rules().call_judge_invite(store, facts).await
        };
        let Watched { ruling, log } = self.judge(&facts.surroundings.organization, heard, ask).await;
        let asked = facts.candidates.len();
        let counted = ruling.and_then(|ruling| match ruling.answer.len() {
            answered if answered == asked => Ok(ruling),
            answered => Err(PolicyUnavailable::Miscounted { asked, answered }),
        });
        Watched { ruling: counted, log }
    }

    async fn accept(&self, facts: &AcceptFacts, heard: bool) -> Watched<Verdict> {
        let ask = async |policy: &TenantPolicy, store: &mut Store<PolicyState>| {
            policy.guestlist_invitation_rules().call_judge_accept(store, facts).await
        };
        self.judge(&facts.surroundings.organization, heard, ask).await
    }

    async fn judge<T>(
        &self,
        organization: &str,
        heard: bool,
        ask: impl AsyncFnOnce(&TenantPolicy, &mut Store<PolicyState>) -> wasmtime::Result<T>,
    ) -> Watched<T> {
        let engine = &self.code.engine;
        let limits = self.limits.on(engine);
        // Whoever waits keeps a place of the plugin's meanwhile.
        let Some(_own) = within(limits.time, engine.own_policy_slot(organization)).await else {
            return Watched { ruling: Err(PolicyUnavailable::Busy(limits.time)), log: Log::default() };
        };
        // Each holder keeps its place no longer than its time, so this ends. The engine never closes it.
        let _slot = engine.policy_slot().await;
        let state = PolicyState::new(limits.memory, Some(organization.into()));
        let state = if heard { state.heard() } else { state };
        let mut store = Store::new(engine.wasmtime(), state);
        store.limiter(|state| &mut state.memory);
        let asked = async {
            engine.arm(&mut store, &limits)?;
            let policy = self.code.policy.instantiate_async(&mut store).await?;
            ask(&policy, &mut store).await
        };
        let asked = within(limits.time, asked).await;
        let mut log = store.data_mut().log.take().unwrap_or_default();
        let reason = match asked {
            Some(Ok(answer)) => {
                let left = if engine.metering() == Metering::Fuel { store.get_fuel().ok() } else { None };
                let given = limits.fuel.unwrap_or(u64::MAX);
                let fuel = left.map(|left| given.saturating_sub(left));
                return Watched { ruling: Ok(Ruling { answer, fuel }), log };
            }
            Some(Err(error)) => {
                if heard {
                    log.ended(&error);
                }
                Reason::of(&error, &limits, store.data().memory.refused)
            }
            None => Reason::Deadline(limits.time),
        };
        Watched { ruling: Err(PolicyUnavailable::Ended(reason)), log }
    }
}
