//! Traits that an engineer implements so that the suite can ask their host.
//!
//! Two traits, because a case must not see what another has left behind: a [`Candidate`] makes stores, and
//! each case gets one of its own, [`Prepared`] with a world.

use async_trait::async_trait;
use serde::Serialize;

use super::Event;
use guestlist_contract::host::Host;
use guestlist_memory::{AuditEvent, Realm};

/// The kinds of clock that a store can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// The clock stands still, but for [`Prepared::pass`]. Only so can the suite stand on the very instant of
    /// an expiry.
    Moved,
    /// The clock goes on by itself, and `pass` sleeps. What needs an exact instant is left out.
    Real,
}

/// The places where members, groups and roles can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Members are in the database of the invitations: the grant log is written in the commit of the effect.
    #[default]
    Transactional,
    /// Members are in another system. What `docs/external-members.md` allows is accepted; each case that
    /// accepts more says so.
    External,
}

/// The reason why the suite could not go on. No fault of an import: that would be in its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The host has nothing of the kind: no rule about addresses, say, or no user stores. The cases that need
    /// it are left out of the report, with this as the reason.
    #[error("{0}")]
    Unsupported(String),
    /// Something failed that should have worked. The case fails.
    #[error("{0}")]
    Failed(String),
}

/// A host that is to be tried.
#[async_trait]
pub trait Candidate: Send + Sync {
    /// The kind of clock that its stores have.
    fn clock(&self) -> ClockKind;

    /// The place where its members are.
    fn profile(&self) -> Profile {
        Profile::Transactional
    }

    /// A store that knows exactly this world: its organizations with their people, groups, roles,
    /// permissions and settings, and not one invitation, event or recorded operation. A database may be
    /// emptied for it; with [`Options::jobs`](super::Options::jobs) above one, several are in use at the
    /// same time.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] where the world has something that this host has not. All worlds are in
    /// [`worlds`](fn@super::worlds).
    async fn prepare(&self, world: &Realm) -> Result<Box<dyn Prepared>, Trouble>;
}

/// A store of a candidate, for one case.
#[async_trait]
pub trait Prepared: Send + Sync {
    /// The imports on it. `policy` and `random` are never called.
    fn host(&self) -> Host;

    /// Lets so many milliseconds pass for the store's clock.
    ///
    /// # Errors
    /// The clock could not be moved.
    async fn pass(&self, milliseconds: u64) -> Result<(), Trouble>;

    /// Lets this happen, as it does in life: committed when it returns.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] where it cannot happen in this host.
    async fn happen(&self, event: &Event) -> Result<(), Trouble>;

    /// The audit trail, oldest first. Events of administration ([`EventKind::is_worldly`]) may be there or
    /// not. `None`: it cannot be read, and no case looks at it.
    ///
    /// [`EventKind::is_worldly`]: guestlist_contract::audit::EventKind::is_worldly
    ///
    /// # Errors
    /// It could not be read this time.
    async fn audit(&self) -> Result<Option<Vec<AuditEvent>>, Trouble> {
        Ok(None)
    }

    /// All that is stored, to be compared with what the in-memory host stores after the same history.
    /// `None`: it cannot be read as a whole, and only answers are compared.
    ///
    /// # Errors
    /// It could not be read this time.
    async fn realm(&self) -> Result<Option<Realm>, Trouble> {
        Ok(None)
    }
}
