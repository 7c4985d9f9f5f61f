//! Decides who may see what.
//!
//! Every function of the host asks here before it answers. The call decides, never what the plugin
//! says: an administrator's call and the sweep see their own organization; an invitee's call sees the
//! caller's own invitations and those that a code has led to in this very call.

use super::realm::{Realm, StoredInvitation};
use guestlist_contract::{
    host::Call,
    types::{HostError, InvitationKey},
};

impl Realm {
    /// Tells whether this call may see this invitation.
    pub(super) fn admits(&self, call: &Call, key: &InvitationKey) -> bool {
        if !call.operation.is_invitees() {
            return call.context.organization.as_ref() == Some(&key.organization);
        }
        call.admitted(key)
            || call
                .user()
                .is_some_and(|user| self.row(key).is_some_and(|row| row.is_for(user) && row.was_pending()))
    }

    /// The organization of the context, or of an invitation that the call may see.
    pub(super) fn concerns(&self, call: &Call, organization: &str) -> Result<(), HostError> {
        let own = call.context.organization.as_deref() == Some(organization);
        if own || (call.operation.is_invitees() && self.invited_into(call, organization)) {
            Ok(())
        } else {
            Err(Call::not_there())
        }
    }

    /// Such an organization or its parent, where the people are who can be invited.
    pub(super) fn concerns_people_of(&self, call: &Call, organization: &str) -> Result<(), HostError> {
        let is_parent_of = |child: &str| {
            self.organization(child).is_some_and(|child| child.parent.as_deref() == Some(organization))
        };
        let mut children = call.context.organization.iter().chain(self.tenants.keys());
        // An organization may have moved: then its invitations still speak of the former parent.
        let mut rows = self.tenants.values().flat_map(|tenant| tenant.rows.values());
        let is_former_parent = |row: &StoredInvitation| {
            row.invitation.parent == organization && self.admits(call, &row.invitation.key)
        };
        if self.concerns(call, organization).is_ok()
            || children.any(|child| is_parent_of(child) && self.concerns(call, child).is_ok())
            || rows.any(is_former_parent)
        {
            Ok(())
        } else {
            Err(Call::not_there())
        }
    }

    fn invited_into(&self, call: &Call, organization: &str) -> bool {
        let Some(tenant) = self.tenants.get(organization) else { return false };
        call.user().is_some_and(|user| tenant.of_subject(user).next().is_some())
            || tenant.rows.values().any(|row| call.admitted(&row.invitation.key))
    }
}
