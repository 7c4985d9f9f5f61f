//! A host that lives in memory.
//!
//! It is the plainest host that keeps every promise of the contract, and serves three ends: tests and
//! scenarios run on it, hosts with a database are compared with it, and an engineer can read here what
//! each import has to do. One lock is around everything, so each call is one atomic step.
//!
//! Time and entropy stand still until somebody moves them: two runs of one world are the same, byte for
//! byte. It is no host for real people, because its entropy comes from a seed.
//!
//! - [`World`] describes organizations and people, and is written in YAML;
//! - [`MemoryHost`] answers the plugin, and lets a test do to the world what happens in life;
//! - [`Snapshot`] shows everything that there is.

mod admission;
mod audit;
mod checked;
mod clock;
mod directory;
mod entropy;
mod events;
mod facts;
mod insert;
mod inspect;
mod judge;
mod mail;
mod mailbox;
mod membership;
mod outbox;
mod paging;
mod people;
mod person;
mod policy;
mod realm;
mod rights;
mod rule;
mod settings;
mod storage;
mod store;
mod tally;
mod transition;
mod world;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use events::{EventError, NewUser, check_address, no_store};
pub use inspect::{MemberView, OrganizationView, OutboxView, Snapshot};
pub use judge::Judge;
pub use mailbox::{Mail, MailMode};
pub use people::People;
pub use person::Person;
pub use realm::{
    AppliedSteps, Entitled, Organization, OutboxEntry, Realm, RecordedItem, RecordedOperation, Role,
    StoredInvitation, Target, Tenant,
};
pub use rights::Assignee;
pub use rule::{Moment, Narrow, Rule};
pub use settings::{GrantName, LimitsPatch, SettingsPatch, default_settings, judge};
pub use tally::{Given, Tally, written};
pub use world::{Dangling, LATER, Unsayable, World, dangling};

pub use guestlist_contract::audit::Event as AuditEvent;
use guestlist_contract::{
    host::{Call, Host, Operation, Random},
    types::{Context, Permissions, Principal},
};
use guestlist_documents::WorldError;
use mailbox::Mailbox;

/// The in-memory host. It answers every import of the plugin; see the [module](self).
#[derive(Debug, Default)]
pub struct MemoryHost {
    realm: Mutex<Realm>,
    judge: Mutex<Option<Arc<dyn Judge>>>,
    /// No part of what it stores; forks share it.
    tally: Arc<Mutex<Tally>>,
}

/// The form in which a host is saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// The shape of what follows.
    format: u32,
    requests: u64,
    stored: Realm,
    /// Stands for people's mailboxes and the mail system: the only place with codes.
    mailbox: Mailbox,
}

const FORMAT: u32 = 1;

/// The reason why a saved state cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The text is no saved state.
    #[error("this is no saved state of a host: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version has written it.
    #[error("the saved state has format {0}, this version reads format {FORMAT}")]
    Format(u32),
    /// The state was edited, and contradicts itself: what, a line each.
    #[error("the saved state contradicts itself, so it was edited: mend it, or begin anew\n- {0}")]
    Contradicts(String),
}

/// A digest as it is kept: 64 hexadecimal digits.
fn hex(digest: [u8; 32]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl MemoryHost {
    /// A host for the world that is described in YAML.
    pub fn from_yaml(yaml: &str) -> Result<Self, WorldError> {
        let world = World::parse(yaml)?;
        Self::from_world(&world).map_err(|error| error.in_source(yaml))
    }

    /// A host for a world that stands inside another document, a scenario for instance. Of the error,
    /// [`WorldError::in_source`] shows the lines.
    pub fn from_world(world: &World) -> Result<Self, WorldError> {
        Ok(Self::of(world.build()?))
    }

    fn of(realm: Realm) -> Self {
        Self { realm: Mutex::new(realm), judge: Mutex::default(), tally: Arc::default() }
    }

    /// Lends this host as all the imports of the plugin.
    #[must_use]
    pub fn host(self: std::sync::Arc<Self>) -> Host {
        Host::of(self)
    }

    fn lock(&self) -> MutexGuard<'_, Realm> {
        // A panic inside the lock can only come from a bug; what was written until then is shown
        // rather than hidden behind a second panic.
        self.realm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that the machine's clock shows, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.lock().clock.wall()
    }

    /// The time that lifetimes and leases are judged by: the latest instant that was ever seen.
    #[must_use]
    pub fn store_now(&self) -> u64 {
        self.lock().clock.store()
    }

    /// The context that this host would hand to the plugin for a call of `caller` in `organization`: with the
    /// permissions that they have there now, and the next request id.
    #[must_use]
    pub fn context(&self, organization: Option<&str>, caller: Principal) -> Context {
        let mut realm = self.lock();
        realm.requests += 1;
        let permissions = organization.and_then(|organization| realm.standing(organization, &caller));
        Context {
            organization: organization.map(str::to_owned),
            permissions: permissions.unwrap_or(Permissions::empty()),
            caller,
            request_id: format!("request-{}", realm.requests),
            now: realm.clock.wall(),
        }
    }

    /// A call of `operation` by `caller` in `organization`.
    #[must_use]
    pub fn call(&self, operation: Operation, organization: Option<&str>, caller: Principal) -> Call {
        Call::new(operation, self.context(organization, caller))
    }

    /// A copy that goes its own way from here: what a crash leaves behind, or the other branch of a
    /// comparison.
    #[must_use]
    pub fn fork(&self) -> Self {
        let judge = self.judge().map(|judge| judge.afresh());
        Self { judge: Mutex::new(judge), tally: self.tally.clone(), ..Self::of(self.lock().clone()) }
    }

    /// Goes back (or forward) to the state of `other`. Policy components stay those of this host.
    pub fn restore(&self, other: &Self) {
        let state = other.lock().clone();
        *self.lock() = state;
    }

    /// All that it stores at this instant.
    #[must_use]
    pub fn realm(&self) -> Realm {
        Realm { mailbox: Mailbox::default(), ..self.lock().clone() }
    }

    /// Stores all this instead of what it has. Time, entropy and people's mailboxes stay.
    pub fn set_realm(&self, realm: Realm) {
        let mut own = self.lock();
        let Realm { organizations, tenants, audit, mails_per_day, .. } = realm;
        *own = Realm { organizations, tenants, audit, mails_per_day, ..std::mem::take(&mut *own) };
        own.rebuild_indexes();
    }

    /// Everything as JSON, for a later [`load`](Self::load). Codes are in the section `mailbox` alone.
    pub fn save(&self) -> Result<String, serde_json::Error> {
        let realm = self.lock();
        let (stored, mailbox) = (realm.clone(), realm.mailbox.clone());
        serde_json::to_string_pretty(&Saved { format: FORMAT, requests: realm.requests, stored, mailbox })
    }

    /// A host that goes on where [`save`](Self::save) was called, without policy components.
    ///
    /// # Errors
    /// It is no saved state, of another version, or was edited and contradicts itself.
    pub fn load(json: &str) -> Result<Self, StateError> {
        let Saved { format, requests, stored, mailbox } =
            serde_json::from_str(guestlist_documents::files::without_mark(json))?;
        if format != FORMAT {
            return Err(StateError::Format(format));
        }
        let mut realm = Realm { requests, mailbox, ..stored };
        realm.check().map_err(StateError::Contradicts)?;
        realm.rebuild_indexes();
        Ok(Self::of(realm))
    }
}

impl Random for MemoryHost {
    fn bytes(&self, length: usize) -> Vec<u8> {
        self.lock().entropy.take(length)
    }
}
