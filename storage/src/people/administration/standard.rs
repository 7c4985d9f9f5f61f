//! The roles that an organization begins with.

use guestlist_contract::{
    audit::EventKind,
    rights::{HostPermissions, Rights},
    types::{Grant, GrantKind, Permissions, Principal, UserRef},
};
use guestlist_memory::{Role, Target};

use super::{NewOrganization, change::Changing};
use crate::{
    accounts::SetHandle,
    audit::{Event, Of},
    error::{DbError, OperationError},
    sql::{Connection, Operation as _},
};

/// The id of the standard role that may do everything.
pub const ADMINISTRATOR: &str = "administrator";

/// The standard roles, by their ids: `administrator` may do everything, `inviter` invites and looks after
/// invitations, `approver` decides about them, and `auditor` reads.
#[must_use]
pub fn standard_roles() -> [(&'static str, Role); 4] {
    let role = |name: &str, rights: Rights| Role {
        target: Target { name: name.to_owned(), ..Target::default() },
        rights,
        standard: true,
        ..Role::default()
    };
    let inviter = Permissions::INVITE | Permissions::VIEW | Permissions::REVOKE | Permissions::RESEND;
    let auditor = Rights::from(Permissions::VIEW) | HostPermissions::READ_TRAIL.into();
    [
        (ADMINISTRATOR, role("Administrator", Rights::all())),
        ("inviter", role("Inviter", inviter.into())),
        ("approver", role("Approver", (Permissions::APPROVE | Permissions::VIEW).into())),
        ("auditor", role("Auditor", auditor)),
    ]
}

fn administrators() -> Grant {
    Grant { kind: GrantKind::Role, id: ADMINISTRATOR.to_owned() }
}

impl Changing {
    /// Makes an organization with its standard roles, one of which somebody has.
    pub(super) async fn create_standard<C: Connection>(
        &self,
        db: &mut C,
        new: &NewOrganization,
        administrator: Option<&UserRef>,
    ) -> Result<(), OperationError> {
        self.create_organization(db, new).await?;
        for (id, role) in standard_roles() {
            self.create_role(db, id, &role).await?;
        }
        match administrator {
            Some(account) if account.organization == self.organization => Err(self.no_user(&account.id)),
            Some(account) => self.add_member(db, account, &[administrators()]).await,
            None => Ok(()),
        }
    }

    /// Gives it a handle, with the event of that.
    pub(super) async fn set_handle<C: Connection>(
        &self,
        db: &mut C,
        handle: &str,
    ) -> Result<(), OperationError> {
        let behalf = self.behalf.as_ref();
        let actor = crate::Actor {
            who: behalf.map_or(Principal::System, |behalf| behalf.actor.clone()),
            request_id: behalf.map(|behalf| behalf.request_id.clone()).unwrap_or_default(),
            operation: "create-organization".into(),
        };
        SetHandle { actor, organization: self.organization.clone(), handle: handle.to_owned() }.run(db).await
    }

    /// The events of that, beside that of the organization.
    pub(super) fn events_of_standard(&self, administrator: Option<&UserRef>) -> Result<Vec<Event>, DbError> {
        let mut events = Vec::new();
        for (id, _) in standard_roles() {
            let role = Grant { kind: GrantKind::Role, id: id.to_owned() };
            events.push(self.event_of(EventKind::WorldRoleCreated, &Of::grant(&role))?);
        }
        if let Some(account) = administrator {
            events.extend(self.events_of_member(account, &[administrators()])?);
        }
        Ok(events)
    }

    /// The events of somebody who becomes a member, with what they are given.
    pub(super) fn events_of_member(
        &self,
        account: &UserRef,
        grants: &[Grant],
    ) -> Result<Vec<Event>, DbError> {
        let mut events = vec![self.event_of(EventKind::WorldMemberAdded, &Of::user(account))?];
        for grant in grants {
            let of = Of { grant: Some(grant), ..Of::user(account) };
            events.push(self.event_of(EventKind::WorldGrantAdded, &of)?);
        }
        Ok(events)
    }
}
