//! Changes organizations and people, as a host's own administration does.
//!
//! Each change is one transaction with its audit event: `world.*`, outside of any call, by the host itself or
//! by the one whom it [acts as](Administration::acting_as). It is durable when the function returns.

mod administrators;
mod change;
mod judging;
mod roles;
mod standard;

use guestlist_contract::{
    rights::{HostPermissions, Rights},
    settings::Values,
    types::{Grant, GrantKind, Permissions, Principal, UserRef},
};
use guestlist_memory::{Assignee, EventError, NewUser, Role, Rule, SettingsPatch, Target};

pub(crate) use self::judging::Judged;
pub use self::standard::{ADMINISTRATOR, standard_roles};
use self::{
    change::{Change, Changing},
    judging::OnBehalf,
};
use crate::{
    Database, StorageError,
    error::{DbError, OperationError},
};

/// Changes organizations and people. Cloning it shares the database.
#[derive(Clone, Debug)]
pub struct Administration {
    database: Database,
    behalf: Option<OnBehalf>,
}

/// An organization that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganization {
    /// Its id: one that no other has or had.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Absent for a root organization.
    pub parent: Option<String>,
    /// The minutes to add to UTC for its local time.
    pub utc_offset_minutes: i32,
}

/// The reason why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdministrationError {
    /// The change cannot be made here. Nothing was changed.
    #[error(transparent)]
    Impossible(#[from] EventError),
    /// The settings contradict each other, or one of them is out of its bounds; the text says which, and
    /// what to do. Nothing was changed.
    #[error("{0}")]
    Settings(String),
    /// The one whom it acts as lacks a right in an organization: one that the change needs, that it gives or
    /// takes, or that the person has whom it is about. Nothing was changed.
    #[error("that needs rights in organization `{organization}` which the one who asks lacks: {lacking}")]
    NotPermitted {
        /// The organization in which they would need them.
        organization: String,
        /// The rights that they lack.
        lacking: Rights,
    },
    /// The organization would be left without an active person who has its standard role
    /// [`ADMINISTRATOR`]: give it to somebody else first. Nothing was changed.
    #[error("organization `{0}` would lose its last administrator; make somebody else one first")]
    LastAdministrator(String),
    /// The database did not make it. Nothing was changed.
    #[error("nothing was changed: {0}")]
    Database(String),
    /// The database did not answer the commit, so that it may have been made: look, and do it again if not.
    #[error("it may have been changed or not, look before you try again: {0}")]
    Unknown(String),
}

impl From<OperationError> for AdministrationError {
    fn from(halt: OperationError) -> Self {
        match halt {
            OperationError::Impossible(error) => Self::Impossible(error),
            OperationError::Contradictory(text) => Self::Settings(text),
            OperationError::NotPermitted { organization, lacking } => {
                Self::NotPermitted { organization, lacking }
            }
            OperationError::LastAdministrator(organization) => Self::LastAdministrator(organization),
            OperationError::Failed(DbError::CommitUnknown(cause)) => Self::Unknown(cause.text().to_owned()),
            OperationError::Failed(DbError::Unstorable(cause)) => {
                Self::Impossible(EventError::Impossible(cause.text().to_owned()))
            }
            OperationError::Failed(failure) => Self::Database(StorageError::from(failure).to_string()),
            OperationError::Store(error) => Self::Database(format!("{error:?}")),
            // Of a handle that it is to have.
            OperationError::Account(error) => Self::Impossible(EventError::Impossible(error.to_string())),
        }
    }
}

type Done = Result<(), AdministrationError>;

impl Administration {
    pub(super) fn of(database: Database) -> Self {
        Self { database, behalf: None }
    }

    /// The same changes, made on behalf of somebody who asked for them by the request of this id. The audit
    /// trail names both.
    ///
    /// Each is judged in its commit, by the rights that the actor has at that moment. They have to have `needs`
    /// in the organization that is changed; for what becomes of an organization as a whole, in the one above it.
    /// Nobody gives or takes a right that they lack themselves. Nobody changes or removes a person who holds a
    /// right that they lack: neither in that organization, nor, where the person is resident there, in any other.
    /// Whatever is refused is [`AdministrationError::NotPermitted`].
    ///
    /// Beyond that an organization is deleted only after it was suspended, and only the host itself makes one that
    /// has none above it.
    #[must_use]
    pub fn acting_as(&self, actor: Principal, needs: HostPermissions, request_id: impl Into<String>) -> Self {
        let judged = Judged { needs, most: Rights::all() };
        let behalf = OnBehalf { actor, judged, request_id: request_id.into() };
        Self { database: self.database.clone(), behalf: Some(behalf) }
    }

    /// The same, where of the actor's rights these count at most: those that their token lets through.
    #[must_use]
    pub fn with_at_most(mut self, most: Rights) -> Self {
        if let Some(behalf) = &mut self.behalf {
            behalf.judged.most = most;
        }
        self
    }

    async fn make(&self, organization: &str, change: Change) -> Done {
        let (organization, behalf) = (organization.to_owned(), self.behalf.clone());
        let changing = Changing { organization, change, behalf };
        // Boxed: whoever does many of these in one function would need a large stack.
        Ok(Box::pin(self.database.perform(None, changing)).await?)
    }
}

/// Each answers [`AdministrationError::Impossible`] where there is nothing of the kind to be changed.
#[allow(clippy::missing_errors_doc, reason = "said once for all of them")]
impl Administration {
    /// Makes an organization, with default settings and the user store `PRIMARY`.
    pub async fn create_organization(&self, new: NewOrganization) -> Done {
        let id = new.id.clone();
        self.make(&id, Change::CreateOrganization(new)).await
    }

    /// Makes one with the [`standard_roles`]. The first administrator, who is resident elsewhere, becomes a
    /// member of it.
    pub async fn create_standard_organization(
        &self,
        new: NewOrganization,
        administrator: Option<&UserRef>,
    ) -> Done {
        let id = new.id.clone();
        let administrator = administrator.cloned();
        self.make(&id, Change::CreateStandard { new, administrator, handle: None }).await
    }

    /// Does the same, and gives it a handle, as [`Accounts::set_handle`](crate::Accounts::set_handle) does.
    pub async fn create_standard_organization_with_handle(
        &self,
        new: NewOrganization,
        handle: &str,
        administrator: Option<&UserRef>,
    ) -> Done {
        let (id, administrator) = (new.id.clone(), administrator.cloned());
        self.make(&id, Change::CreateStandard { new, administrator, handle: Some(handle.to_owned()) }).await
    }

    /// Suspends an organization or lets it work again.
    pub async fn set_organization_active(&self, organization: &str, active: bool) -> Done {
        self.make(organization, Change::SetOrganizationActive(active)).await
    }

    /// Gives an organization another parent, or none.
    pub async fn move_organization(&self, organization: &str, parent: Option<&str>) -> Done {
        self.make(organization, Change::MoveOrganization(parent.map(str::to_owned))).await
    }

    /// Deletes an organization. Its id stays spent, and what the store has of it stays, except for the
    /// [records](crate::Grants) of members who are elsewhere.
    pub async fn delete_organization(&self, organization: &str) -> Done {
        self.make(organization, Change::DeleteOrganization).await
    }

    /// Makes an account for a resident. A name that is free again may be used again, an id may not.
    pub async fn add_user(&self, organization: &str, user: NewUser) -> Done {
        self.make(organization, Change::AddUser(user)).await
    }

    /// Gives a local account another user name. Whoever they are a guest with knows them by the old one.
    pub async fn rename_user(&self, organization: &str, id: &str, name: &str) -> Done {
        self.make(organization, Change::RenameUser { id: id.to_owned(), name: name.to_owned() }).await
    }

    /// Gives a resident another address, or none. The codes of all their pending invitations die with the
    /// old one, because whoever reads that mailbox may be somebody else by now: a resend makes new ones.
    pub async fn set_user_email(&self, organization: &str, id: &str, email: Option<&str>) -> Done {
        let change = Change::SetEmail { id: id.to_owned(), email: email.map(str::to_owned) };
        self.make(organization, change).await
    }

    /// Disables or enables a local account; that of a resident counts wherever they are a guest.
    pub async fn set_user_active(&self, organization: &str, id: &str, active: bool) -> Done {
        self.make(organization, Change::SetUserActive { id: id.to_owned(), active }).await
    }

    /// Deletes a local account. That of a resident is gone wherever they are a guest, too. Its id is spent. A
    /// guest's membership is taken away by [`remove_member`](Self::remove_member), which also closes the
    /// accepts that are under way.
    pub async fn remove_user(&self, organization: &str, id: &str) -> Done {
        self.make(organization, Change::RemoveUser(id.to_owned())).await
    }

    /// Lets a user store answer, or keeps it from answering.
    pub async fn set_store_answers(&self, organization: &str, store: &str, answers: bool) -> Done {
        self.make(organization, Change::SetStoreAnswers { store: store.to_owned(), answers }).await
    }

    /// Makes somebody a member by hand, without any invitation.
    pub async fn add_member(&self, organization: &str, account: &UserRef) -> Done {
        self.add_member_with(organization, account, &[]).await
    }

    /// The same, with groups and roles that they have from the beginning.
    pub async fn add_member_with(&self, organization: &str, account: &UserRef, grants: &[Grant]) -> Done {
        self.make(organization, Change::AddMember(account.clone(), grants.to_vec())).await
    }

    /// Takes a guest's membership away, with their groups and roles. An accept that is under way and has not
    /// made them a member yet is closed: it must not bring back who was just removed.
    pub async fn remove_member(&self, organization: &str, account: &UserRef) -> Done {
        self.make(organization, Change::RemoveMember(account.clone())).await
    }

    /// Makes a group.
    pub async fn create_group(&self, organization: &str, id: &str, group: Target) -> Done {
        self.make(organization, Change::CreateGroup(id.to_owned(), group)).await
    }

    /// Makes a role, with its rights, its groups and its clients.
    pub async fn create_role(&self, organization: &str, id: &str, role: Role) -> Done {
        self.make(organization, Change::CreateRole(id.to_owned(), Box::new(role))).await
    }

    /// Gives a group or role another name.
    pub async fn rename_target(&self, organization: &str, grant: &Grant, name: &str) -> Done {
        self.make(organization, Change::RenameTarget(grant.clone(), name.to_owned())).await
    }

    /// Deletes a group; nobody is in it any more.
    pub async fn delete_group(&self, organization: &str, id: &str) -> Done {
        self.make(organization, Change::DeleteTarget(Grant { kind: GrantKind::Group, id: id.to_owned() }))
            .await
    }

    /// Deletes a role; nobody has it any more.
    pub async fn delete_role(&self, organization: &str, id: &str) -> Done {
        self.make(organization, Change::DeleteTarget(Grant { kind: GrantKind::Role, id: id.to_owned() }))
            .await
    }

    /// Gives a group or role by hand.
    pub async fn add_grant(&self, organization: &str, account: &UserRef, grant: &Grant) -> Done {
        self.make(organization, Change::AddGrant(account.clone(), grant.clone())).await
    }

    /// Takes a group or role away from somebody.
    pub async fn remove_grant(&self, organization: &str, account: &UserRef, grant: &Grant) -> Done {
        self.make(organization, Change::RemoveGrant(account.clone(), grant.clone())).await
    }

    /// Sets what those who have a role may do.
    pub async fn set_role_rights(&self, organization: &str, role: &str, rights: Rights) -> Done {
        self.make(organization, Change::SetRoleRights(role.to_owned(), rights)).await
    }

    /// Gives a group or a client a role. That it has it already is no error.
    pub async fn assign_role(&self, organization: &str, role: &str, to: &Assignee) -> Done {
        self.make(organization, Change::AssignRole(role.to_owned(), to.clone())).await
    }

    /// Takes a role away from a group or a client.
    pub async fn unassign_role(&self, organization: &str, role: &str, from: &Assignee) -> Done {
        self.make(organization, Change::UnassignRole(role.to_owned(), from.clone())).await
    }

    /// Lets somebody have these roles by the word of an outside issuer, and none of those that the same issuer
    /// gave them before. They count until the instant `until`, in milliseconds since 1970 by the store's clock.
    pub async fn lease_roles(
        &self,
        organization: &str,
        account: &UserRef,
        issuer: &str,
        roles: &[String],
        until: u64,
    ) -> Done {
        let (account, issuer, roles) = (account.clone(), issuer.to_owned(), roles.to_vec());
        self.make(organization, Change::LeaseRoles { account, issuer, roles, until }).await
    }

    /// Ends what an issuer has given somebody.
    pub async fn end_leases(&self, organization: &str, account: &UserRef, issuer: &str) -> Done {
        self.lease_roles(organization, account, issuer, &[], 0).await
    }

    /// Sets what somebody may do in an organization directly.
    pub async fn set_permissions(
        &self,
        organization: &str,
        who: Principal,
        permissions: Permissions,
    ) -> Done {
        self.make(organization, Change::SetPermissions(who, permissions)).await
    }

    /// Replaces the settings of an organization. They are judged as a whole.
    pub async fn set_settings(&self, organization: &str, settings: Values) -> Done {
        self.make(organization, Change::SetSettings(Box::new(settings))).await
    }

    /// Changes some settings of an organization, whose addresses may be invited, or where invitations may
    /// lead.
    pub async fn change_settings(&self, organization: &str, patch: &SettingsPatch) -> Done {
        self.make(organization, Change::PatchSettings(Box::new(patch.clone()))).await
    }

    /// Replaces the scripted policy of an organization.
    pub async fn set_policy(&self, organization: &str, rules: Vec<Rule>) -> Done {
        self.make(organization, Change::SetPolicy(rules)).await
    }
}
