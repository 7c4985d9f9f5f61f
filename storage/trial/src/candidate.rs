//! The databases as candidates of the conformance suite for hosts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use guestlist_conformance::{Candidate, ClockKind, Event, Prepared, Trouble};
use guestlist_contract::{
    host::{Call, Host, Notifications},
    notifications::{Message, SendError, Sent},
    types::HostError,
};
use guestlist_memory::{AuditEvent, MemoryHost, Realm};

use super::{Place, Places};
use guestlist_storage::{AdministrationError, Database, StorageError};

/// The time at which the clock of a new store stands: 2026-03-02T09:00:00Z.
const START: u64 = 1_772_442_000_000;

/// A database with a world, and mail as the in-memory host sends it.
struct Tried {
    place: Place,
    now: Arc<AtomicU64>,
    post: Arc<Post>,
}

/// Mail of a world that is in a database.
struct Post {
    database: Database,
    memory: Arc<MemoryHost>,
    now: Arc<AtomicU64>,
}

fn trouble(error: StorageError) -> Trouble {
    Trouble::Failed(error.to_string())
}

#[async_trait]
impl Candidate for Places {
    fn clock(&self) -> ClockKind {
        ClockKind::Moved
    }

    async fn prepare(&self, world: &Realm) -> Result<Box<dyn Prepared>, Trouble> {
        let now = Arc::new(AtomicU64::new(START));
        let clock = now.clone();
        let place = self.place(Arc::new(move || clock.load(Ordering::SeqCst))).await.map_err(trouble)?;
        place.database.load(world).await.map_err(trouble)?;
        let post = Post {
            database: place.database.clone(),
            memory: Arc::new(MemoryHost::default()),
            now: now.clone(),
        };
        Ok(Box::new(Tried { place, now, post: Arc::new(post) }))
    }
}

#[async_trait]
impl Prepared for Tried {
    fn host(&self) -> Host {
        let others = self.post.memory.clone().host();
        self.place.database.host(Host { notifications: self.post.clone(), ..others })
    }

    async fn pass(&self, milliseconds: u64) -> Result<(), Trouble> {
        let later = |now: u64| Some(now.saturating_add(milliseconds));
        let _ = self.now.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        Ok(())
    }

    async fn happen(&self, event: &Event) -> Result<(), Trouble> {
        let desk = self.place.database.administration();
        let done = match event {
            Event::RemoveMember { organization, account } => desk.remove_member(organization, account).await,
            Event::AddMember { organization, account } => desk.add_member(organization, account).await,
            Event::Give { organization, account, grant } => {
                desk.add_grant(organization, account, grant).await
            }
            Event::Take { organization, account, grant } => {
                desk.remove_grant(organization, account, grant).await
            }
            Event::DeleteGroup { organization, id } => desk.delete_group(organization, id).await,
            Event::DeleteRole { organization, id } => desk.delete_role(organization, id).await,
            Event::AddUser { organization, user } => desk.add_user(organization, user.clone()).await,
            Event::SetUserActive { organization, id, active } => {
                desk.set_user_active(organization, id, *active).await
            }
            Event::DeleteUser { organization, id } => desk.remove_user(organization, id).await,
            Event::RenameUser { organization, id, name } => desk.rename_user(organization, id, name).await,
            Event::SetEmail { organization, id, email } => {
                desk.set_user_email(organization, id, email.as_deref()).await
            }
            Event::SetOrganizationActive { organization, active } => {
                desk.set_organization_active(organization, *active).await
            }
            Event::MoveOrganization { organization, parent } => {
                desk.move_organization(organization, parent.as_deref()).await
            }
            Event::DeleteOrganization { organization } => desk.delete_organization(organization).await,
            Event::SetPermissions { organization, who, permissions } => {
                desk.set_permissions(organization, who.clone(), *permissions).await
            }
            Event::SetRoleRights { organization, role, rights } => {
                desk.set_role_rights(organization, role, *rights).await
            }
            Event::AssignRole { organization, role, to } => desk.assign_role(organization, role, to).await,
            Event::UnassignRole { organization, role, from } => {
                desk.unassign_role(organization, role, from).await
            }
            Event::LeaseRoles { organization, account, issuer, roles, lasting } => {
                let until = self.now.load(Ordering::SeqCst).saturating_add(*lasting);
                desk.lease_roles(organization, account, issuer, roles, until).await
            }
            Event::SetSettings { organization, settings } => {
                desk.set_settings(organization, settings.clone()).await
            }
        };
        done.map_err(|error: AdministrationError| Trouble::Failed(error.to_string()))
    }

    async fn audit(&self) -> Result<Option<Vec<AuditEvent>>, Trouble> {
        Ok(Some(self.place.database.dump().await.map_err(trouble)?.audit))
    }

    async fn realm(&self) -> Result<Option<Realm>, Trouble> {
        Ok(Some(self.place.database.dump().await.map_err(trouble)?))
    }
}

#[async_trait]
impl Notifications for Post {
    async fn send(
        &self,
        call: &Call,
        organization: String,
        template: Option<String>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        let world = self.database.dump().await.map_err(|error| HostError::Other(error.to_string()))?;
        self.memory.set_realm(world);
        self.memory.set_clock(self.now.load(Ordering::SeqCst));
        self.memory.send(call, organization, template, messages).await
    }
}
