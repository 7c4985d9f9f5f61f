//! Who asks, and which rows he may see.

use guestlist_contract::{
    host::{Call, Operation},
    types::{HostError, InvitationKey, Principal, UserRef},
};

use super::rows::Stored;
use crate::{audit::Actor, error::Failure, sql::Scope};

/// What an operation has to know of the call that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) actor: Actor,
    pub(crate) caller: Principal,
    /// Of the context.
    pub(crate) organization: Option<String>,
    operation: Operation,
    /// Of those that it is about: what a code has led to in this call.
    pub(crate) admitted: Vec<InvitationKey>,
}

impl Asker {
    /// The caller of `call`, which is about these invitations.
    pub(crate) fn of<'k>(
        call: &Call,
        about: impl IntoIterator<Item = &'k InvitationKey>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            actor: Actor::of(call)?,
            caller: call.context.caller.clone(),
            organization: call.context.organization.clone(),
            operation: call.operation,
            admitted: about.into_iter().filter(|key| call.admitted(key)).cloned().collect(),
        })
    }

    /// Who asks about organizations and people. To those of an invitation he may have come by a code.
    pub(crate) fn around_call(call: &Call) -> Result<Self, Failure> {
        Self::of(call, &call.found())
    }

    /// The caller, when he is a signed-in person.
    pub(crate) fn user(&self) -> Option<&UserRef> {
        if let Principal::User(user) = &self.caller { Some(user) } else { None }
    }

    pub(crate) fn is_invitee(&self) -> bool {
        self.operation.is_invitees()
    }

    /// Whether he may see a row. `told`: it has or had a code, so there was something to tell its invitee.
    pub(crate) fn sees(&self, row: &Stored, told: bool) -> bool {
        if !self.is_invitee() {
            return self.organization.as_ref() == Some(&row.invitation.key.organization);
        }
        self.is_admitted(&row.invitation.key) || (told && self.user().is_some_and(|user| row.is_for(user)))
    }

    /// A code has led to it in this call.
    pub(crate) fn is_admitted(&self, key: &InvitationKey) -> bool {
        self.admitted.contains(key)
    }

    /// Whether an administrator's call is in another organization: then there is nothing to be seen, and
    /// nobody has to be asked.
    pub(crate) fn is_elsewhere(&self, organization: &str) -> bool {
        !self.is_invitee() && self.organization.as_deref() != Some(organization)
    }

    /// The rows of one organization; none where no organization can have that id.
    pub(crate) fn within(organization: &str) -> Scope {
        let organization = Some(organization.to_owned()).filter(|id| !id.contains('\0'));
        Scope { organization, ..Scope::default() }
    }

    /// The rows of the caller's organization and those that are for him.
    pub(crate) fn around(&self) -> Scope {
        let account = self.user().map(|user| (user.organization.clone(), user.id.clone()));
        Scope { organization: self.organization.clone(), account, ..Scope::default() }
    }
}

/// Nobody is told whether it is not there or not his.
pub(crate) fn not_there() -> HostError {
    Call::not_there()
}
