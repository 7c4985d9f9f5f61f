//! The in-memory host as a candidate: the smallest one, and the one that others are compared with.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Candidate, ClockKind, Event, Prepared, Trouble};
use guestlist_contract::host::Host;
use guestlist_memory::{AuditEvent, MemoryHost, Realm};

/// The time at which the clock of a new store stands: 2026-03-02T09:00:00Z.
const START: u64 = 1_772_442_000_000;

/// The in-memory host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Reference {
    /// An in-memory host that knows this world.
    #[must_use]
    pub fn host(world: &Realm) -> MemoryHost {
        let host = MemoryHost::default();
        host.set_realm(world.clone());
        host.set_clock(START);
        host
    }
}

#[async_trait]
impl Candidate for Reference {
    fn clock(&self) -> ClockKind {
        ClockKind::Moved
    }

    async fn prepare(&self, world: &Realm) -> Result<Box<dyn Prepared>, Trouble> {
        Ok(Box::new(Opened(Arc::new(Self::host(world)))))
    }
}

struct Opened(Arc<MemoryHost>);

#[async_trait]
impl Prepared for Opened {
    fn host(&self) -> Host {
        self.0.clone().host()
    }

    async fn pass(&self, milliseconds: u64) -> Result<(), Trouble> {
        self.0.advance(milliseconds);
        Ok(())
    }

    async fn happen(&self, event: &Event) -> Result<(), Trouble> {
        event.apply_to(&self.0).map_err(|error| Trouble::Failed(error.to_string()))
    }

    async fn audit(&self) -> Result<Option<Vec<AuditEvent>>, Trouble> {
        Ok(Some(self.0.audit()))
    }

    async fn realm(&self) -> Result<Option<Realm>, Trouble> {
        Ok(Some(self.0.realm()))
    }
}
