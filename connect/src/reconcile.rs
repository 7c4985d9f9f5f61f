//! Takes back what lands though nobody may keep it any more.

use super::{GrantLog, Progress, Put, Recipient, Record};
use guestlist_contract::{
    Failed as _,
    types::{GrantKind, HostError, Step},
};

/// The outcome of a run of [`GrantLog::reconcile`].
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Steps that had landed late and were removed again: for the host's audit trail. Each is watched on,
    /// because only a look that finds it gone is believed.
    pub taken_back: Vec<(Recipient, Step)>,
    /// Steps that nothing can come of any more.
    pub settled: usize,
    /// Steps that are watched on, those just taken back and those that failed included.
    pub waiting: usize,
    /// Errors that kept steps from being looked at or taken back. They are met again by the next run.
    pub failed: Vec<HostError>,
}

/// Names in the log for a step; which group or role it is stays out of it.
fn kind(step: &Step) -> &'static str {
    match step {
        Step::Member => "member",
        Step::Grant(grant) => match grant.kind {
            GrantKind::Group => "group",
            GrantKind::Role => "role",
        },
    }
}

/// The outcome of one watched step.
enum Revisited {
    TakenBack,
    Settled,
    Waiting,
}

impl GrantLog {
    /// Revisits up to `limit` steps of an organization that were given up, because the invitation was
    /// closed or the host leaves such steps out. What has landed since is taken back; what cannot land any
    /// more ([`Options::lands_within`]) is settled and not watched any longer.
    ///
    /// To be run every few seconds for each organization, beside the sweep: until a step is settled, no
    /// later invitation gives the same user anything there. Unless the directory keeps marks, by one
    /// process at a time.
    ///
    /// [`Options::lands_within`]: super::Options::lands_within
    ///
    /// # Errors
    /// The log could not be read. What fails for one step is in the answer and hinders no other.
    pub async fn reconcile(&self, organization: &str, limit: usize) -> Result<Reconciled, HostError> {
        let mut done = Reconciled::default();
        let watched = self.records.watched(organization, limit).await.inspect_err(|error| {
            tracing::warn!(
                operation = "reconcile",
                organization,
                outcome = error.case().name(),
                "the records of steps that were given up could not be read"
            );
        });
        for record in watched? {
            match self.revisit(&record).await {
                Ok(Revisited::Settled) => done.settled += 1,
                Ok(Revisited::Waiting) => done.waiting += 1,
                Ok(Revisited::TakenBack) => {
                    tracing::warn!(
                        operation = "reconcile",
                        organization,
                        invitation = record.to.invitation,
                        step = kind(&record.step),
                        "what landed after its invitation was closed is taken back"
                    );
                    done.taken_back.push((record.to, record.step));
                    done.waiting += 1;
                }
                Err(error) => {
                    tracing::warn!(
                        operation = "reconcile",
                        organization,
                        invitation = record.to.invitation,
                        step = kind(&record.step),
                        outcome = error.case().name(),
                        "a step that was given up could not be looked at or taken back; the next run tries again"
                    );
                    done.failed.push(error);
                    done.waiting += 1;
                }
            }
        }
        Ok(done)
    }

    async fn revisit(&self, record: &Record) -> Result<Revisited, HostError> {
        let is_over = record.age >= self.options.lands_within;
        if record.progress == Progress::Doubtful {
            // Its `close` was not answered. It has the time until then to be repeated.
            if is_over {
                self.records.put(&record.to, &record.step, record.version, Progress::GivenUp).await?;
            }
            return Ok(Revisited::Waiting);
        }
        // INVARIANT: nothing was there when the step was given up, and no other invitation has begun the
        // same since: `apply` waits for what is watched.
        if self.look_at(&record.to, &record.step).await?.may_be_ours() {
            self.writer.remove(&record.to, &record.step).await?;
            return Ok(Revisited::TakenBack);
        }
        if !is_over {
            return Ok(Revisited::Waiting);
        }
        let put = self.records.put(&record.to, &record.step, record.version, Progress::Settled).await?;
        Ok(if put == Put::Written { Revisited::Settled } else { Revisited::Waiting })
    }
}
