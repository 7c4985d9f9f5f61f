//! The `membership` import of a host whose members are kept elsewhere.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use guestlist_contract::{
    bounds,
    host::{Call, Membership, Storage},
    membership::{Eligibility, Resolved},
    storage::StoreError,
    types::{
        Grant, HostError, Invitation, InvitationKey, Principal, State, Step, StepOutcome, StepResult,
        Subject, UserRef,
    },
};

use super::{GrantLog, Recipient};

/// Answers about groups, roles and people without changing anything; a directory of its own, usually.
///
/// [`ExternalMembership`] has checked by then that the call concerns the organization.
#[async_trait]
pub trait MemberSource: Send + Sync {
    /// `membership.resolve`: which of these groups and roles there are, and which of them `inviter` may give.
    /// One answer for each, in order; `wit/membership.wit` describes it.
    ///
    /// # Errors
    /// The directory did not answer.
    async fn resolve(
        &self,
        call: &Call,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError>;

    /// `membership.eligible`: who is a member already, whose name is taken, and what somebody may not receive.
    /// One answer for each, in order; `wit/membership.wit` describes it.
    ///
    /// # Errors
    /// The directory did not answer.
    async fn eligible(
        &self,
        call: &Call,
        organization: &str,
        users: &[UserRef],
        grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError>;
}

/// Answers `membership` from a directory that shares no transaction with the host's database, with every check
/// that the contract asks for.
///
/// The [`GrantLog`] does not know who is calling. So before anything is given, this looks whether the call may
/// see the invitation, whether that is `accepting`, and whether the user is its subject; and before anything
/// is answered about an organization, whether the call concerns it.
#[derive(Clone)]
pub struct ExternalMembership {
    source: Arc<dyn MemberSource>,
    storage: Arc<dyn Storage>,
    log: GrantLog,
}

impl fmt::Debug for ExternalMembership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalMembership").field("log", &self.log).finish_non_exhaustive()
    }
}

/// The number of somebody's own invitations that are read at a time.
const PAGE: u32 = 100;

impl ExternalMembership {
    /// Questions go to `source`, effects through `log`; `storage` is the host's own, which knows what a call
    /// may see.
    #[must_use]
    pub fn new(source: Arc<dyn MemberSource>, storage: Arc<dyn Storage>, log: GrantLog) -> Self {
        Self { source, storage, log }
    }

    /// The invitation, where the call may see it.
    async fn row(&self, call: &Call, organization: &str, id: &str) -> Result<Invitation, HostError> {
        let key = InvitationKey { organization: organization.to_owned(), id: id.to_owned() };
        let hidden = || HostError::Denied("this call may not see that invitation".to_owned());
        self.storage.get(call, key).await.map_err(|error| unless_away(error, hidden))
    }

    /// The call acts in the organization, or answers an invitation of it.
    async fn concerns(&self, call: &Call, organization: &str) -> Result<(), HostError> {
        if !call.operation.is_invitees() {
            return call.acts_in(organization);
        }
        if call.found().iter().any(|key| key.organization == organization) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.storage.mine(call, Vec::new(), after, PAGE).await;
            let page = page.map_err(|error| unless_away(error, Call::not_there))?;
            if page.items.iter().any(|row| row.key.organization == organization) {
                return Ok(());
            }
            after = page.next;
            if after.is_none() {
                return Err(Call::not_there());
            }
        }
    }
}

#[async_trait]
impl Membership for ExternalMembership {
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        bounds::grants(&grants)?;
        self.concerns(call, &organization).await?;
        answered(self.source.resolve(call, &organization, &inviter, &grants).await?, grants.len())
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError> {
        bounds::count("users", users.len(), 100)?;
        bounds::grants(&grants)?;
        self.concerns(call, &organization).await?;
        answered(self.source.eligible(call, &organization, &users, &grants).await?, users.len())
    }

    async fn apply(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError> {
        let row = self.row(call, &organization, &invitation).await?;
        // Where it is not `accepting` any more the log still answers `closed` if that is why.
        let may = row.state == State::Accepting || self.log.is_closed(&organization, &invitation).await?;
        if !may || row.subject != Subject::User(user.clone()) {
            return Err(HostError::Denied("not for this user now".to_owned()));
        }
        self.log.apply(Recipient { organization, invitation, user }, &steps).await
    }

    async fn close(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
    ) -> Result<Vec<StepResult>, HostError> {
        self.row(call, &organization, &invitation).await?;
        self.log.close(&organization, &invitation).await
    }
}

/// The failure of a store that did not answer; `hidden` where it did. A store that is away says nothing
/// about what a call may see, and a denial would be final.
fn unless_away(error: StoreError, hidden: impl FnOnce() -> HostError) -> HostError {
    match error {
        StoreError::Host(error) => error,
        _ => hidden(),
    }
}

/// An answer for each question: one that is missing would be taken for that of the next.
fn answered<T>(answers: Vec<T>, asked: usize) -> Result<Vec<T>, HostError> {
    if answers.len() == asked {
        return Ok(answers);
    }
    Err(HostError::Other(format!("the directory gave {} answers to {asked} questions", answers.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_away_is_no_denial() {
        let away = StoreError::Host(HostError::Unavailable(Some(7)));
        assert_eq!(unless_away(away, Call::not_there), HostError::Unavailable(Some(7)));
        assert_eq!(unless_away(StoreError::NotFound, Call::not_there), Call::not_there());
    }

    #[test]
    fn each_question_has_an_answer_of_its_own() {
        assert_eq!(answered(vec![1, 2], 2), Ok(vec![1, 2]));
        assert!(matches!(answered(vec![1], 2), Err(HostError::Other(_))));
    }
}
