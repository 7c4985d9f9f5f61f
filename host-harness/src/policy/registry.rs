//! Which policy each organization has.
//!
//! A host with thousands of organizations has few distinct policies: the same bytes are compiled once,
//! however many organizations they judge for. Replacing a policy replaces an entry of a table. A
//! judgement that has begun keeps the policy that it began with, the next one takes the new one, and none
//! is dropped.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use super::{PolicyComponent, PolicyUnavailable, Ruling, component::Compiled};
use crate::{
    Engine, LoadError,
    artifacts::digest,
    lending::{Loans, PolicyLimits},
};
use guestlist_contract::{
    rules::{AcceptFacts, InviteFacts},
    types::Verdict,
};

/// What an organization's invitations are judged by.
#[derive(Clone, Debug, Default)]
pub enum Rules {
    /// It has no rules of its own.
    #[default]
    None,
    /// A component judges.
    Policy(PolicyComponent),
    /// It has rules that cannot be loaded, for this reason: nobody is let in.
    Broken(Arc<str>),
}

impl From<PolicyComponent> for Rules {
    fn from(policy: PolicyComponent) -> Self {
        Self::Policy(policy)
    }
}

impl Rules {
    /// SHA-256 of the component, in lower-case hex, where there is one.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Policy(policy) => Some(policy.digest()),
            Self::None | Self::Broken(_) => None,
        }
    }

    /// The reason why nobody can judge, where that is so.
    #[must_use]
    pub fn unavailable(&self) -> PolicyUnavailable {
        match self {
            Self::Broken(why) => PolicyUnavailable::NotLoaded(why.to_string()),
            Self::Policy(_) | Self::None => PolicyUnavailable::NotLoaded("there is none".to_owned()),
        }
    }

    /// Who judges, or why nobody can; `None` where there are no rules.
    fn judge(&self) -> Option<Result<&PolicyComponent, PolicyUnavailable>> {
        match self {
            Self::None => None,
            Self::Policy(policy) => Some(Ok(policy)),
            Self::Broken(_) => Some(Err(self.unavailable())),
        }
    }

    /// One verdict for each candidate; `None` where there are no rules. Needs a tokio runtime with time.
    ///
    /// # Errors
    ///
    /// When there is no answer: nobody may be let in.
    pub async fn judge_invite(
        &self,
        facts: &InviteFacts,
    ) -> Option<Result<Ruling<Vec<Verdict>>, PolicyUnavailable>> {
        Some(match self.judge()? {
            Ok(policy) => policy.judge_invite(facts).await,
            Err(unavailable) => Err(unavailable),
        })
    }

    /// The verdict on somebody who accepts; `None` where there are no rules. Needs a tokio runtime with
    /// time.
    ///
    /// # Errors
    ///
    /// When there is no answer: nobody may be let in.
    pub async fn judge_accept(
        &self,
        facts: &AcceptFacts,
    ) -> Option<Result<Ruling<Verdict>, PolicyUnavailable>> {
        Some(match self.judge()? {
            Ok(policy) => policy.judge_accept(facts).await,
            Err(unavailable) => Err(unavailable),
        })
    }
}

/// The policies of all organizations of a host. Cloning it shares it.
///
/// ```no_run
/// use guestlist_harness::{Engine, EngineOptions, policy::Policies};
///
/// # fn example(bytes: &[u8], pinned: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let policies = Policies::new(&Engine::new(&EngineOptions::default())?);
/// policies.set("org-7", policies.load(bytes, Some(pinned))?); // from a database, say
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Policies {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    loans: Loans,
    limits: PolicyLimits,
    tables: RwLock<Tables>,
    /// One list is read at a time: the later one is in force in the end.
    reading: Mutex<()>,
    /// By digest; what no organization has any more is not kept.
    compiled: Mutex<HashMap<String, Weak<Compiled>>>,
}

/// Rules of organizations: what was set counts before what the list says.
#[derive(Debug, Default)]
struct Tables {
    set: HashMap<String, Rules>,
    set_others: Option<Rules>,
    listed: Listed,
}

/// A list of which organizations have which rules.
#[derive(Debug, Default)]
pub struct Listed {
    /// By organization; [`Rules::None`] where it has none, whatever the others have.
    pub own: HashMap<String, Rules>,
    /// Those of whoever is not named.
    pub others: Rules,
}

/// Why a policy is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is not the component that somebody has looked at.
    #[error(
        "its SHA-256 is {found}, and {pinned} is pinned; pin the other one if it is the one that you mean"
    )]
    OtherDigest {
        /// What it should have.
        pinned: String,
        /// What it has.
        found: String,
    },
    /// It is no policy, or not for this host.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Policies {
    /// No organization has rules, and policies may import nothing.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self::with(engine, Loans::default(), PolicyLimits::default())
    }

    /// The same with functions that policies may import, and within other limits.
    #[must_use]
    pub fn with(engine: &Engine, loans: Loans, limits: PolicyLimits) -> Self {
        let (engine, tables, compiled) = (engine.clone(), RwLock::default(), Mutex::default());
        let reading = Mutex::default();
        Self { inner: Arc::new(Inner { engine, loans, limits, tables, reading, compiled }) }
    }

    /// Compiles a component, or takes the code that it was compiled to before; see
    /// [`PolicyComponent::load`]. Nothing is in force before it is [`set`](Self::set).
    ///
    /// `pinned` is the SHA-256 that it must have, in hex.
    ///
    /// # Errors
    ///
    /// When it has another digest, or all that speaks against it.
    pub fn load(&self, bytes: &[u8], pinned: Option<&str>) -> Result<PolicyComponent, PolicyError> {
        let found = digest(bytes);
        if let Some(pinned) = pinned.filter(|pinned| !pinned.eq_ignore_ascii_case(&found)) {
            return Err(PolicyError::OtherDigest { pinned: pinned.to_owned(), found });
        }
        let known = self.cache(|compiled| compiled.get(&found).and_then(Weak::upgrade));
        let code = match known {
            Some(code) => code,
            None => {
                let Inner { engine, loans, limits, .. } = &*self.inner;
                let code = Arc::new(Compiled::new(engine, loans, limits, bytes, found)?);
                self.cache(|compiled| {
                    compiled.retain(|_, code| code.strong_count() > 0);
                    // Of two that have compiled it at once the first one's is kept.
                    match compiled.get(code.digest()).and_then(Weak::upgrade) {
                        Some(first) => first,
                        None => {
                            compiled.insert(code.digest().to_owned(), Arc::downgrade(&code));
                            code
                        }
                    }
                })
            }
        };
        Ok(PolicyComponent::of(code, self.inner.limits.clone()))
    }

    /// How many distinct components are in force or in use.
    #[must_use]
    pub fn compiled(&self) -> usize {
        self.cache(|compiled| compiled.values().filter(|code| code.strong_count() > 0).count())
    }

    fn cache<T>(&self, with: impl FnOnce(&mut HashMap<String, Weak<Compiled>>) -> T) -> T {
        with(&mut self.inner.compiled.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts rules in force for one organization, whatever the list says of it: a policy, none although the
    /// others have some, or [`Rules::Broken`] where what it should have cannot be loaded.
    pub fn set(&self, organization: &str, rules: impl Into<Rules>) {
        drop(self.change(|tables| tables.set.insert(organization.to_owned(), rules.into())));
    }

    /// Puts rules in force for all organizations that nothing else names.
    pub fn set_others(&self, rules: impl Into<Rules>) {
        drop(self.change(|tables| tables.set_others.replace(rules.into())));
    }

    /// Takes back what was [`set`](Self::set) for an organization: it has what the list says, or the rules of
    /// the others.
    pub fn remove(&self, organization: &str) {
        drop(self.change(|tables| tables.set.remove(organization)));
    }

    /// Answers what is no longer in force. Dropping it may take a while, so nobody does it here.
    fn change<T>(&self, with: impl FnOnce(&mut Tables) -> T) -> T {
        with(&mut self.inner.tables.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What an organization is judged by now.
    #[must_use]
    pub fn rules_of(&self, organization: &str) -> Rules {
        let tables = self.inner.tables.read().unwrap_or_else(PoisonError::into_inner);
        let Tables { set, set_others, listed } = &*tables;
        let named = set.get(organization).or_else(|| listed.own.get(organization));
        named.or(set_others.as_ref()).unwrap_or(&listed.others).clone()
    }

    /// Puts in force a list of which organization has which rules, all of it at once and in place of the list
    /// before. `read` makes it; of several at once the later one is in force in the end. Compiling takes a
    /// while, so not on a thread that others wait for.
    ///
    /// # Errors
    /// Those of `read`; then everything is as it was.
    pub fn replace_listed<T, E>(&self, read: impl FnOnce(&Self) -> Result<(Listed, T), E>) -> Result<T, E> {
        let _reading = self.inner.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (listed, told) = read(self)?;
        drop(self.change(|tables| std::mem::replace(&mut tables.listed, listed)));
        Ok(told)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use guestlist_hostile::guests::policy_answering;

    use super::*;
    use crate::EngineOptions;

    #[test]
    fn the_same_bytes_are_the_same_code() {
        let policies = Policies::new(&Engine::new(&EngineOptions::default().instances(1)).unwrap());
        let bytes = policy_answering(&[]);
        let (first, second) = (policies.load(&bytes, None).unwrap(), policies.load(&bytes, None).unwrap());
        assert!(Arc::ptr_eq(first.code(), second.code()));
        let elsewhere = PolicyComponent::load(&policies.inner.engine, &bytes).unwrap();
        assert!(!Arc::ptr_eq(first.code(), elsewhere.code()));
    }
}
