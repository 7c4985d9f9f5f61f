//! `membership.apply`: the intent, the effect, the result.
//!
//! The order is what makes it right. Look first: what is there before the intent was not given by this
//! invitation, so a record in the log means that nothing was there when it was made. Then the intent, if
//! nobody else has moved the record meanwhile and the invitation is not closed; then the effect; then look
//! whether it is really there; then the result. Whoever finds an intent without a result looks again.

use super::{
    GrantLog, Presence, Progress, Put, ROUNDS, Recipient, Standing, WhenMissing, Written, after_effects,
    is_uncertain, records::InvitationLog,
};
use guestlist_contract::types::{HostError, Step, StepOutcome};

/// Steps of one call: the member and 50 grants.
const STEPS: usize = 51;

impl GrantLog {
    /// `membership.apply`, as described in `wit/membership.wit`. Repeated after an error, or after its future
    /// was dropped, it goes on where it stopped.
    ///
    /// It checks neither that the invitation is `accepting` nor that the user is its subject: that is the
    /// caller's job.
    ///
    /// # Errors
    /// `unavailable` with a time where a doubtful step cannot be decided yet; otherwise those of the
    /// directory and of the log. Where something was applied before the error, it is `outcome-unknown`.
    pub async fn apply(&self, to: Recipient, steps: &[Step]) -> Result<Vec<StepOutcome>, HostError> {
        if steps.len() > STEPS {
            return Err(HostError::Invalid(format!("more than {STEPS} steps")));
        }
        let mut giving = Giving { log: self, to: &to, touched: false };
        let outcomes = giving.all(steps).await;
        outcomes.map_err(|error| if giving.touched { after_effects(error) } else { error })
    }
}

/// One call of `apply`.
struct Giving<'a> {
    log: &'a GrantLog,
    to: &'a Recipient,
    /// Tells whether it has, or may have, changed something in the directory.
    touched: bool,
}

impl Giving<'_> {
    async fn all(&mut self, steps: &[Step]) -> Result<Vec<StepOutcome>, HostError> {
        let known = self.read().await?;
        if known.closed {
            return Ok(vec![StepOutcome::Closed; steps.len()]);
        }
        // Nobody may rely on what an earlier invitation has left under way and will be taken back.
        if let Some(leftover) = self.log.records.leftovers(self.to).await?.first() {
            return Err(self.log.not_yet(leftover.age));
        }
        // One look for all that is done, so that repeating a long list costs little.
        let is_applied = |step: &&Step| known.standing(step).progress == Progress::Applied;
        let applied: Vec<Step> = steps.iter().filter(is_applied).cloned().collect();
        let mut in_force = Vec::new();
        if !applied.is_empty() {
            let found = self.log.look(self.to, &applied).await?;
            let is_in_force = |(step, found): &(Step, _)| self.log.in_force(known.standing(step), *found);
            in_force.extend(applied.into_iter().zip(found).filter(is_in_force));
        }
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in steps {
            outcomes.push(match in_force.iter().any(|(applied, _)| applied == step) {
                true => StepOutcome::AlreadyApplied,
                false => self.give(step).await?,
            });
        }
        Ok(outcomes)
    }

    async fn give(&mut self, step: &Step) -> Result<StepOutcome, HostError> {
        for _ in 0..ROUNDS {
            if let Some(outcome) = self.round(step).await? {
                return Ok(outcome);
            }
        }
        Err(HostError::Unavailable(None))
    }

    /// Brings one step to its end. `None`: somebody else has moved it meanwhile, look again.
    async fn round(&mut self, step: &Step) -> Result<Option<StepOutcome>, HostError> {
        let known = self.read().await?;
        if known.closed {
            return Ok(Some(StepOutcome::Closed));
        }
        let standing = known.standing(step);
        let (member, found) = match step {
            Step::Member => self.log.look_at(self.to, step).await.map(|found| (found, found))?,
            Step::Grant(_) => match *self.log.look(self.to, &[Step::Member, step.clone()]).await? {
                [member, found] => (member, found),
                _ => return Ok(None),
            },
        };
        let repeated = match standing.progress {
            Progress::Unwritten => false,
            Progress::Applied if self.log.in_force(standing, found) => {
                return Ok(Some(StepOutcome::AlreadyApplied));
            }
            Progress::Applied => {
                return self.end(step, standing, Progress::Removed, StepOutcome::WasRemoved).await;
            }
            Progress::Removed | Progress::GivenUp | Progress::Settled => {
                return Ok(Some(StepOutcome::WasRemoved));
            }
            Progress::Doubtful if found.may_be_ours() => {
                return self.end(step, standing, Progress::Applied, StepOutcome::AlreadyApplied).await;
            }
            Progress::Doubtful if standing.age < self.log.options.lands_within => {
                return Err(self.log.not_yet(standing.age));
            }
            Progress::Doubtful => match self.log.options.when_missing {
                WhenMissing::LeaveOut => {
                    return self.end(step, standing, Progress::GivenUp, StepOutcome::WasRemoved).await;
                }
                WhenMissing::Repeat if found == Presence::AnotherWay => {
                    self.put(step, standing, Progress::Unwritten).await?;
                    return Ok(None);
                }
                WhenMissing::Repeat => true,
            },
        };
        if matches!(step, Step::Grant(_)) && !self.may_hold_grants(&known, member).await? {
            return Ok(Some(StepOutcome::NotAMember));
        }
        if matches!(found, Presence::Unmarked | Presence::AnotherWay) {
            return self.present_by_another_way(step, standing).await;
        }
        self.write(step, standing, repeated).await
    }

    /// INVARIANT: what an administrator has removed comes back only by a new invitation. Where the
    /// membership that THIS invitation gave was taken away, a later membership is not its own, and
    /// nothing is added to it.
    async fn may_hold_grants(&self, known: &InvitationLog, found: Presence) -> Result<bool, HostError> {
        let member = known.standing(&Step::Member);
        match member.progress {
            Progress::Removed | Progress::GivenUp | Progress::Settled => Ok(false),
            Progress::Applied if self.log.in_force(member, found) => Ok(true),
            Progress::Applied => {
                self.put(&Step::Member, member, Progress::Removed).await?;
                Ok(false)
            }
            Progress::Unwritten | Progress::Doubtful => Ok(found != Presence::Absent),
        }
    }

    /// Something is there for which this invitation had no intent when it was read. It is no step of this
    /// invitation, unless another run of it has been faster.
    async fn present_by_another_way(
        &self,
        step: &Step,
        standing: Standing,
    ) -> Result<Option<StepOutcome>, HostError> {
        let now = self.read().await?.standing(step);
        Ok((now.version == standing.version).then_some(StepOutcome::AlreadyPresent))
    }

    /// Intent, effect, result. `repeated`: an earlier write may have landed after all.
    async fn write(
        &mut self,
        step: &Step,
        standing: Standing,
        repeated: bool,
    ) -> Result<Option<StepOutcome>, HostError> {
        if self.put(step, standing, Progress::Doubtful).await? != Put::Written {
            return Ok(None);
        }
        let begun = Standing { progress: Progress::Doubtful, version: standing.version + 1, ..standing };
        let written = match self.log.writer.add(self.to, step).await {
            Ok(written) => written,
            Err(error) => {
                if is_uncertain(&error) {
                    self.touched = true;
                } else if !repeated {
                    // Surely not written. If this fails too, it is only in doubt for longer.
                    let _ = self.put(step, begun, Progress::Unwritten).await;
                }
                return Err(error);
            }
        };
        let refused = match written {
            Written::NoSuchTarget => Some(StepOutcome::NoSuchTarget),
            Written::NameTaken => Some(StepOutcome::NameTaken),
            Written::NotAMember => Some(StepOutcome::NotAMember),
            Written::Added | Written::Present => None,
        };
        if let Some(outcome) = refused {
            return match repeated {
                true => Ok(Some(outcome)),
                false => self.end(step, begun, Progress::Unwritten, outcome).await,
            };
        }
        self.touched |= written == Written::Added;
        let unseen = written == Written::Added && !self.log.options.read_after_write;
        let found = if unseen { Presence::Unmarked } else { self.log.look_at(self.to, step).await? };
        match (written, found) {
            (Written::Added, Presence::Unmarked) | (_, Presence::ThisInvitation) => {
                self.end(step, begun, Progress::Applied, StepOutcome::Applied).await
            }
            (_, Presence::Unmarked) if repeated => {
                self.end(step, begun, Progress::Applied, StepOutcome::AlreadyApplied).await
            }
            // Somebody else was faster than the effect, though slower than the first look.
            (Written::Present, Presence::Unmarked | Presence::AnotherWay) => {
                self.put(step, begun, Progress::Unwritten).await?;
                Ok(None)
            }
            // Acknowledged and not there: it stays in doubt.
            _ => Err(HostError::OutcomeUnknown),
        }
    }

    async fn end(
        &self,
        step: &Step,
        standing: Standing,
        progress: Progress,
        outcome: StepOutcome,
    ) -> Result<Option<StepOutcome>, HostError> {
        let put = self.put(step, standing, progress).await?;
        Ok((put == Put::Written).then_some(outcome))
    }

    async fn put(&self, step: &Step, standing: Standing, progress: Progress) -> Result<Put, HostError> {
        self.log.records.put(self.to, step, standing.version, progress).await
    }

    async fn read(&self) -> Result<InvitationLog, HostError> {
        let known = self.log.records.read(&self.to.organization, &self.to.invitation).await?;
        match known.records.iter().all(|record| record.to.user == self.to.user) {
            true => Ok(known),
            false => Err(HostError::Denied("the invitation is another user's".into())),
        }
    }
}
