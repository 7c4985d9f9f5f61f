//! Playing scenarios on a host that keeps what it stores elsewhere: in a database.
//!
//! Time, entropy, e-mail and policies stay those of the host in memory, and so does the world that a scenario
//! changes and looks at: after each call that may have changed something it is read again from the database,
//! and after each event it is written there as a whole. E-mail and policies look at that copy.

use std::sync::Arc;

use async_trait::async_trait;

use guestlist_contract::{
    audit::Refusal,
    host::{Audit, Call, Host, Membership, Storage},
    membership::{Eligibility, Resolved},
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{
        Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, Principal, State,
        Step, StepOutcome, StepResult, UserRef,
    },
};
use guestlist_memory::{MemoryHost, Realm};

/// Makes places to keep things, one for each world that is played.
pub trait Backing: Send + Sync {
    /// An empty place, whose time is what `clock` says, in milliseconds since 1970.
    ///
    /// # Errors
    /// Why there is none.
    fn open(&self, clock: Arc<dyn Fn() -> u64 + Send + Sync>) -> Result<Arc<dyn Kept>, String>;
}

/// A place that keeps what a host stores. Its calls end before they return: a scenario decides itself who
/// goes on when.
pub trait Kept: Send + Sync {
    /// The imports that are answered from here, the others as they are in `memory`.
    fn imports(&self, memory: Host) -> Host;

    /// All that is there.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self) -> Result<Realm, String>;

    /// Has this instead of what is there.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn write(&self, realm: &Realm) -> Result<(), String>;
}

/// The imports of a kept host. Whatever may have changed something is followed by a look at all there is.
struct Watched {
    memory: Arc<MemoryHost>,
    kept: Arc<dyn Kept>,
    imports: Host,
}

/// The host of a world that is kept elsewhere.
pub(super) fn host(memory: Arc<MemoryHost>, kept: Arc<dyn Kept>) -> Host {
    let imports = kept.imports(memory.clone().host());
    let watched = Arc::new(Watched { memory, kept, imports: imports.clone() });
    Host { membership: watched.clone(), storage: watched.clone(), audit: watched, ..imports }
}

impl Watched {
    /// Looks again, before the answer is given.
    fn seen<T>(&self, answer: T) -> Result<T, HostError> {
        self.memory.set_realm(self.kept.read().map_err(HostError::Other)?);
        Ok(answer)
    }
}

#[async_trait]
impl Membership for Watched {
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        self.imports.membership.resolve(call, organization, inviter, grants).await
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError> {
        self.imports.membership.eligible(call, organization, users, grants).await
    }

    async fn apply(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError> {
        self.seen(self.imports.membership.apply(call, organization, invitation, user, steps).await)?
    }

    async fn close(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
    ) -> Result<Vec<StepResult>, HostError> {
        self.seen(self.imports.membership.close(call, organization, invitation).await)?
    }
}

#[async_trait]
impl Storage for Watched {
    async fn recall(
        &self,
        call: &Call,
        organization: String,
        operation: String,
        fingerprint: Vec<u8>,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.imports.storage.recall(call, organization, operation, fingerprint).await
    }

    async fn insert(
        &self,
        call: &Call,
        organization: String,
        batch: Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        let inserted = self.imports.storage.insert(call, organization, batch).await;
        self.seen(inserted).map_err(StoreError::Host)?
    }

    async fn get(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        self.imports.storage.get(call, key).await
    }

    async fn dismiss(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        let done = self.imports.storage.dismiss(call, key).await;
        self.seen(done).map_err(StoreError::Host)?
    }

    async fn by_code(&self, call: &Call, code: Vec<u8>) -> Result<Option<Invitation>, HostError> {
        self.imports.storage.by_code(call, code).await
    }

    async fn transition(
        &self,
        call: &Call,
        key: InvitationKey,
        guard: Guard,
        change: Change,
    ) -> Result<Transitioned, StoreError> {
        let done = self.imports.storage.transition(call, key, guard, change).await;
        self.seen(done).map_err(StoreError::Host)?
    }

    async fn list(
        &self,
        call: &Call,
        organization: String,
        filter: InvitationFilter,
        page: PageRequest,
    ) -> Result<Page, StoreError> {
        self.imports.storage.list(call, organization, filter, page).await
    }

    async fn mine(
        &self,
        call: &Call,
        states: Vec<State>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        self.imports.storage.mine(call, states, after, limit).await
    }

    async fn due(
        &self,
        call: &Call,
        organization: String,
        limit: u32,
        hold: u64,
    ) -> Result<Vec<DueItem>, HostError> {
        self.seen(self.imports.storage.due(call, organization, limit, hold).await)?
    }

    async fn settle(
        &self,
        call: &Call,
        organization: String,
        deliveries: Vec<Delivery>,
    ) -> Result<(), HostError> {
        self.seen(self.imports.storage.settle(call, organization, deliveries).await)?
    }

    async fn purge(
        &self,
        call: &Call,
        organization: String,
        retention: u64,
        limit: u32,
    ) -> Result<u32, HostError> {
        self.seen(self.imports.storage.purge(call, organization, retention, limit).await)?
    }
}

#[async_trait]
impl Audit for Watched {
    async fn record_refusals(
        &self,
        call: &Call,
        organization: Option<String>,
        refusals: Vec<Refusal>,
    ) -> Result<(), HostError> {
        self.seen(self.imports.audit.record_refusals(call, organization, refusals).await)?
    }
}
