//! Tells who asks, and which rows they may see.

use guestlist_contract::{
    host::{Call, Operation},
    types::{HostError, InvitationKey, Principal, UserRef},
};

use super::rows::Stored;
use crate::{audit::Actor, error::DbError, sql::Scope};

/// Everything that an operation has to know of the call that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) actor: Actor,
    pub(crate) caller: Principal,
    /// The organization of the context.
    pub(crate) organization: Option<String>,
    operation: Operation,
    /// The invitations that a code has led to in this call, of those that it is about.
    pub(crate) admitted: Vec<InvitationKey>,
}

impl Asker {
    /// The caller of `call`, which is about these invitations.
    pub(crate) fn of<'k>(
        call: &Call,
        about: impl IntoIterator<Item = &'k InvitationKey>,
    ) -> Result<Self, DbError> {
        Ok(Self {
            actor: Actor::of(call)?,
            caller: call.context.caller.clone(),
            organization: call.context.organization.clone(),
            operation: call.operation,
            admitted: about.into_iter().filter(|key| call.admitted(key)).cloned().collect(),
        })
    }

    /// The one who asks about organizations and people. They may have come to those of an invitation by a
    /// code.
    pub(crate) fn around_call(call: &Call) -> Result<Self, DbError> {
        Self::of(call, &call.found())
    }

    /// The caller, when they are a signed-in person.
    pub(crate) fn user(&self) -> Option<&UserRef> {
        if let Principal::User(user) = &self.caller { Some(user) } else { None }
    }

    pub(crate) fn is_invitee(&self) -> bool {
        self.operation.is_invitees()
    }

    /// Tells whether they may see a row. `told`: it has or had a code, so there was something to tell its
    /// invitee.
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

    /// Tells whether an administrator's call is in another organization: then there is nothing to be seen,
    /// and nobody has to be asked.
    pub(crate) fn is_elsewhere(&self, organization: &str) -> bool {
        !self.is_invitee() && self.organization.as_deref() != Some(organization)
    }

    /// The rows of one organization; none where no organization can have that id.
    pub(crate) fn within(organization: &str) -> Scope {
        let organization = Some(organization.to_owned()).filter(|id| !id.contains('\0'));
        Scope { organization, ..Scope::default() }
    }

    /// The rows of the caller's organization and those that are for them.
    pub(crate) fn around(&self) -> Scope {
        let account = self.user().map(|user| (user.organization.clone(), user.id.clone()));
        Scope { organization: self.organization.clone(), account, ..Scope::default() }
    }
}

/// Refuses without telling whether it is not there or not theirs.
pub(crate) fn not_there() -> HostError {
    Call::not_there()
}
