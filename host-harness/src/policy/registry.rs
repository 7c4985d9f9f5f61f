//! Which policy each organization has.
//!
//! A host with thousands of organizations has few distinct policies: the same bytes are compiled once,
//! however many organizations they judge for. Replacing a policy replaces an entry of a table. A
//! judgement that has begun keeps the policy that it began with, the next one takes the new one, and none
//! is dropped.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use super::{
    Loans, PolicyComponent, PolicyLimits, PolicyUnavailable, Ruling,
    component::Compiled,
    folder::{self, BrokenPolicy, FolderError, FolderReport},
};
use crate::{
    Engine, LoadError,
    contract::{
        rules::{AcceptFacts, InviteFacts},
        types::Verdict,
    },
    files::{self, LARGEST_COMPONENT},
    plugin::digest,
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

    /// Who judges, or why nobody can; `None` where there are no rules.
    pub(crate) fn judge(&self) -> Option<Result<&PolicyComponent, PolicyUnavailable>> {
        match self {
            Self::None => None,
            Self::Policy(policy) => Some(Ok(policy)),
            Self::Broken(why) => Some(Err(PolicyUnavailable::NotLoaded(why.to_string()))),
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
/// policies.read_folder("policies".as_ref())?; // at the start, and again when it has changed
/// policies.set("org-7", policies.load(bytes, Some(pinned))?); // or from a database
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
    /// One folder is read at a time: the later one is in force in the end.
    reading: Mutex<()>,
    /// By digest; what no organization has any more is not kept.
    compiled: Mutex<HashMap<String, Weak<Compiled>>>,
}

/// What was set counts before what a folder says.
#[derive(Debug, Default)]
struct Tables {
    set: HashMap<String, Rules>,
    set_others: Option<Rules>,
    folder: Table,
}

/// Who has which rules, by a folder.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) own: HashMap<String, Rules>,
    pub(super) others: Rules,
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

    /// Puts rules in force for one organization, whatever a folder says of it: a policy, none although the
    /// others have some, or [`Rules::Broken`] where what it should have cannot be loaded.
    pub fn set(&self, organization: &str, rules: impl Into<Rules>) {
        drop(self.change(|tables| tables.set.insert(organization.to_owned(), rules.into())));
    }

    /// Puts rules in force for all organizations that nothing else names.
    pub fn set_others(&self, rules: impl Into<Rules>) {
        drop(self.change(|tables| tables.set_others.replace(rules.into())));
    }

    /// Takes back what was [`set`](Self::set) for an organization: it has what the folder says, or the rules of
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
        let Tables { set, set_others, folder } = &*tables;
        let named = set.get(organization).or_else(|| folder.own.get(organization));
        named.or(set_others.as_ref()).unwrap_or(&folder.others).clone()
    }

    /// Puts in force what the `policies.yaml` of a folder says, all of it at once and in place of what a folder
    /// said before:
    ///
    /// ```yaml
    /// policies:
    ///   help-desk: { component: help-desk.wasm, sha256: 9f86d0.. }   # all 64 digits
    /// organizations:
    ///   org-7: help-desk
    ///   org-8: none           # no rules, whatever the others have
    /// others: help-desk       # whoever is not named; `none` where they have no rules
    /// ```
    ///
    /// A component that cannot be loaded, or is not the one that is pinned, is reported, and whoever has it is
    /// [broken](Rules::Broken): nobody is let in there until the folder is mended and read again. It touches
    /// no other organization. Compiling takes a while, so not on a thread that others wait for.
    ///
    /// # Errors
    ///
    /// When `policies.yaml` itself is wrong; then everything is as it was. A host that starts must not go on.
    pub fn read_folder(&self, folder: &Path) -> Result<FolderReport, FolderError> {
        let _reading = self.inner.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (table, report) = folder::read(self, folder)?;
        drop(self.change(|tables| std::mem::replace(&mut tables.folder, table)));
        Ok(report)
    }

    /// Puts what a path has in force for all organizations: a component, or what a [folder](Self::read_folder)
    /// says. For tests, where a policy that cannot be loaded is a mistake.
    ///
    /// # Errors
    ///
    /// What cannot be read or loaded.
    pub fn read_path(&self, path: &Path) -> Result<(), PathError> {
        if path.is_dir() {
            let report = self.read_folder(path)?;
            let broken = report.broken.into_iter().next();
            return broken
                .map_or(Ok(()), |BrokenPolicy { name, why, .. }| Err(PathError::Broken { name, why }));
        }
        let here = path.to_owned();
        let bytes = match files::read(path, LARGEST_COMPONENT) {
            Ok(bytes) => bytes,
            Err(error) => return Err(PathError::Unreadable { path: here, error }),
        };
        let policy = self.load(&bytes, None).map_err(|error| PathError::Unusable { path: here, error })?;
        self.set_others(policy);
        Ok(())
    }
}

/// Why what a path has is not in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It cannot be read.
    #[error("`{}` cannot be read: {error}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no policy that this host takes.
    #[error("{}: {error}", .path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: PolicyError,
    },
    /// The folder says nothing that makes sense.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A policy of the folder cannot be loaded.
    #[error("the policy `{name}` cannot be loaded: {why}")]
    Broken {
        /// Its name in `policies.yaml`.
        name: String,
        /// Why.
        why: String,
    },
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
