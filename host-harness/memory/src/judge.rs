//! Lets another judge take the place of the scripted policies: the seam at which policy components come in,
//! which this host knows nothing of.

use std::{any::Any, fmt::Debug, sync::Arc};

use async_trait::async_trait;
use guestlist_contract::{
    host::Call,
    policy::PolicyError,
    rules::{AcceptFacts, InviteFacts},
    types::Verdict,
};

use super::MemoryHost;

/// Judges for organizations that have rules of their own.
#[async_trait]
pub trait Judge: Any + Debug + Send + Sync {
    /// Tells whether an organization has rules here. Where it has none its scripted policy judges.
    fn has_rules(&self, organization: &str) -> bool;

    /// One verdict for each candidate.
    ///
    /// # Errors
    /// There is no answer.
    async fn judge_invite(&self, call: &Call, facts: &InviteFacts) -> Result<Vec<Verdict>, PolicyError>;

    /// The verdict on somebody who accepts.
    ///
    /// # Errors
    /// There is no answer.
    async fn judge_accept(&self, call: &Call, facts: &AcceptFacts) -> Result<Verdict, PolicyError>;

    /// The same rules for a [fork](MemoryHost::fork) of the host, with nothing remembered.
    fn afresh(&self) -> Arc<dyn Judge>;
}

impl MemoryHost {
    /// Lets somebody judge instead of the scripted policies. A [`fork`](Self::fork) has the same rules; a
    /// saved state has none.
    pub fn set_judge(&self, judge: Arc<dyn Judge>) {
        *self.judge.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(judge);
    }

    /// The judge that takes the place of the scripted policies.
    #[must_use]
    pub fn judge(&self) -> Option<Arc<dyn Judge>> {
        self.judge.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub(super) fn judge_of(&self, organization: &str) -> Option<Arc<dyn Judge>> {
        self.judge().filter(|judge| judge.has_rules(organization))
    }
}
