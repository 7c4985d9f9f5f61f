//! Events that happen to the world while invitations are under way, as data that any host can be told.

use guestlist_contract::{
    rights::Rights,
    settings::Values,
    types::{Grant, Permissions, Principal, UserRef},
};
use guestlist_memory::{Assignee, EventError, MemoryHost, NewUser};

/// Something that happens in life, outside of any call. Each is one commit.
///
/// `organization` is where it happens; an account names where it is resident, as in the contract.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each event is described, and its fields say the rest")]
pub enum Event {
    /// An administrator takes a guest's membership away, with their groups and roles. In the same commit the
    /// invitations of theirs that are `accepting` and have not made them a member are closed.
    RemoveMember { organization: String, account: UserRef },
    /// A person becomes a member by another way than an invitation.
    AddMember { organization: String, account: UserRef },
    /// A member gets a group or role by another way than an invitation.
    Give { organization: String, account: UserRef, grant: Grant },
    /// A group or role is taken away from a member.
    Take { organization: String, account: UserRef, grant: Grant },
    /// A group is deleted; nobody has it any more.
    DeleteGroup { organization: String, id: String },
    /// A role is deleted; nobody has it any more.
    DeleteRole { organization: String, id: String },
    /// A resident's account is made. Its name may have been somebody else's, its id not.
    AddUser { organization: String, user: NewUser },
    /// A resident's account is disabled or enabled: it counts wherever they are a guest.
    SetUserActive { organization: String, id: String, active: bool },
    /// A resident's account is deleted for ever.
    DeleteUser { organization: String, id: String },
    /// A resident gets another user name.
    RenameUser { organization: String, id: String, name: String },
    /// A resident gets another verified address, or none. In the same commit the codes of their pending
    /// invitations die, in all organizations.
    SetEmail { organization: String, id: String, email: Option<String> },
    /// An organization is suspended, or may work again.
    SetOrganizationActive { organization: String, active: bool },
    /// An organization gets another parent, or none.
    MoveOrganization { organization: String, parent: Option<String> },
    /// An organization is deleted. What the store has of it stays.
    DeleteOrganization { organization: String },
    /// A person or client may do this in an organization from now on, and nothing else.
    SetPermissions { organization: String, who: Principal, permissions: Permissions },
    /// Those who have a role may do this from now on.
    SetRoleRights { organization: String, role: String, rights: Rights },
    /// A group or a client has a role from now on.
    AssignRole { organization: String, role: String, to: Assignee },
    /// It has it no more.
    UnassignRole { organization: String, role: String, from: Assignee },
    /// Somebody has these roles for so many milliseconds from now, by the word of an outside issuer, and none of those
    /// that the same issuer gave them before.
    LeaseRoles { organization: String, account: UserRef, issuer: String, roles: Vec<String>, lasting: u64 },
    /// An organization is configured like this from now on.
    SetSettings { organization: String, settings: Values },
}

impl Event {
    /// Lets it happen in the in-memory host.
    ///
    /// # Errors
    /// It cannot happen in that world; nothing was changed.
    pub fn apply_to(&self, host: &MemoryHost) -> Result<(), EventError> {
        match self {
            Self::RemoveMember { organization, account } => host.remove_member(organization, account),
            Self::AddMember { organization, account } => host.add_member(organization, account),
            Self::Give { organization, account, grant } => host.add_grant(organization, account, grant),
            Self::Take { organization, account, grant } => host.remove_grant(organization, account, grant),
            Self::DeleteGroup { organization, id } => host.delete_group(organization, id),
            Self::DeleteRole { organization, id } => host.delete_role(organization, id),
            Self::AddUser { organization, user } => host.add_user(organization, user.clone()),
            Self::SetUserActive { organization, id, active } => {
                host.set_user_active(organization, id, *active)
            }
            Self::DeleteUser { organization, id } => host.remove_user(organization, id),
            Self::RenameUser { organization, id, name } => host.rename_user(organization, id, name),
            Self::SetEmail { organization, id, email } => host.set_email(organization, id, email.as_deref()),
            Self::SetOrganizationActive { organization, active } => {
                host.set_organization_active(organization, *active)
            }
            Self::MoveOrganization { organization, parent } => {
                host.move_organization(organization, parent.as_deref())
            }
            Self::DeleteOrganization { organization } => host.delete_organization(organization),
            Self::SetPermissions { organization, who, permissions } => {
                host.set_permissions(organization, who.clone(), *permissions)
            }
            Self::SetRoleRights { organization, role, rights } => {
                host.set_role_rights(organization, role, *rights)
            }
            Self::AssignRole { organization, role, to } => host.assign_role(organization, role, to),
            Self::UnassignRole { organization, role, from } => host.unassign_role(organization, role, from),
            Self::LeaseRoles { organization, account, issuer, roles, lasting } => {
                let until = host.store_now().saturating_add(*lasting);
                host.lease_roles(organization, account, issuer, roles, until)
            }
            Self::SetSettings { organization, settings } => host.set_settings(organization, settings.clone()),
        }
    }
}
