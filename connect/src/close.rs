//! `membership.close`: nothing may be begun any more, and what was begun is decided.

use super::{GrantLog, Progress, Put, ROUNDS, Standing, after_effects, records::InvitationLog};
use guestlist_contract::types::{HostError, Step, StepOutcome, StepResult};

impl GrantLog {
    /// `membership.close`, as described in `wit/membership.wit`: no later intent is taken, and each
    /// doubtful step is decided by a look at the directory. What is there was applied, and is in the
    /// answer. What is not there is given up: it is not in the answer, and if a write that is still under
    /// way lands later, [`reconcile`](Self::reconcile) takes it back.
    ///
    /// Whether the caller may close it is for the host to check.
    ///
    /// # Errors
    /// Those of the directory and of the log. From the first one on the invitation may be closed;
    /// repeating the call decides the rest.
    pub async fn close(&self, organization: &str, invitation: &str) -> Result<Vec<StepResult>, HostError> {
        self.records.close(organization, invitation).await?;
        self.decide(organization, invitation).await.map_err(after_effects)
    }

    async fn decide(&self, organization: &str, invitation: &str) -> Result<Vec<StepResult>, HostError> {
        for _ in 0..ROUNDS {
            let known = self.records.read(organization, invitation).await?;
            if let Some(results) = self.results(&known).await? {
                return Ok(results);
            }
        }
        Err(HostError::OutcomeUnknown)
    }

    /// `None`: a run that had begun earlier has moved a record meanwhile, look again.
    async fn results(&self, known: &InvitationLog) -> Result<Option<Vec<StepResult>>, HostError> {
        let was_begun =
            |progress| matches!(progress, Progress::Doubtful | Progress::Applied | Progress::Removed);
        let begun: Vec<_> = known.records.iter().filter(|record| was_begun(record.progress)).collect();
        let Some(first) = begun.first() else { return Ok(Some(Vec::new())) };
        let steps: Vec<Step> = begun.iter().map(|record| record.step.clone()).collect();
        let found = self.look(&first.to, &steps).await?;
        let mut results = Vec::with_capacity(begun.len());
        for (record, found) in begun.into_iter().zip(found) {
            let progress = match record.progress {
                Progress::Doubtful if found.may_be_ours() => Progress::Applied,
                Progress::Doubtful => Progress::GivenUp,
                Progress::Applied if !self.in_force(Standing::from(record), found) => Progress::Removed,
                unchanged => unchanged,
            };
            if progress != record.progress
                && self.records.put(&record.to, &record.step, record.version, progress).await? != Put::Written
            {
                return Ok(None);
            }
            let outcome = match progress {
                Progress::Applied => StepOutcome::Applied,
                Progress::Removed => StepOutcome::WasRemoved,
                _ => continue,
            };
            results.push(StepResult { step: record.step.clone(), outcome });
        }
        Ok(Some(results))
    }
}
