//! Invitations, codes, outbox and audit trail: the imports `storage` and `audit`.

pub(crate) mod access;
mod delivery;
mod dismiss;
mod due;
mod insert;
pub(crate) mod lists;
mod outbox;
pub(crate) mod reading;
mod refusals;
pub(crate) mod rows;
mod taken;
mod transition;

use std::sync::Arc;

use async_trait::async_trait;
use guestlist_contract::{
    audit::Refusal,
    host::{Audit, Call, Settings, Storage},
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, State},
};
pub use taken::TakenMessage;
use tokio::sync::OnceCell;

use crate::{Database, error::OperationError, sql::Operation};

/// The part of a host that stores invitations. It implements [`Storage`] and [`Audit`]; who the people are is
/// another's business. Cloning it shares the database.
#[derive(Clone)]
pub struct Invitations {
    database: Database,
    settings: Arc<dyn Settings>,
    /// The key that seals cursors. Read once.
    secret: Arc<OnceCell<[u8; 32]>>,
    /// The key that the digests of names are made with. Read once.
    names: Arc<OnceCell<[u8; 32]>>,
    landings: Option<Landings>,
    /// How long a message is taken, in milliseconds; absent: for as long as it takes.
    taken_lease: Option<u64>,
}

/// Tells where invitations of an organization may lead after accepting.
type Landings = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

impl std::fmt::Debug for Invitations {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Invitations").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Database {
    /// The invitations of this database. Two settings of an organization concern the store, and are asked
    /// for when they do: `accept-with` by `by-code`, and `reminder-before` by `due`.
    #[must_use]
    pub fn invitations(&self, settings: Arc<dyn Settings>) -> Invitations {
        Invitations {
            database: self.clone(),
            settings,
            secret: Arc::new(OnceCell::new_with(self.cursor_key)),
            names: Arc::new(OnceCell::new_with(self.name_key)),
            landings: None,
            taken_lease: None,
        }
    }
}

impl Invitations {
    /// Asks `allowed` where invitations of an organization may lead after accepting, instead of this
    /// database: for hosts whose organizations are elsewhere. Each answer is an absolute `https` URL; what lies below it is
    /// allowed, too.
    #[must_use]
    pub fn with_landings(mut self, allowed: impl Fn(&str) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.landings = Some(Arc::new(allowed));
        self
    }

    /// The organizations that have work for a sweep now, at most `limit`, in no order. What is handed out at
    /// present is no work; what is old and waits for [records](crate::Grants) of its is. Of organizations
    /// that this database does not know (because the directory is elsewhere) reminders and what is old are
    /// not seen: sweep those once in a while.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn with_due_work(&self, limit: u32) -> Result<Vec<String>, HostError> {
        self.database.perform(None, due::Organizations { limit }).await.map_err(OperationError::into_host)
    }

    /// Settles what the host's own e-mail pipeline had `taken`, when it knows what became of it; as
    /// `storage.settle`, but in no call.
    ///
    /// # Errors
    /// As `storage.settle`.
    pub async fn settle_taken(&self, organization: &str, deliveries: Vec<Delivery>) -> Result<(), HostError> {
        self.tell(None, delivery::Settle::by_host(organization.to_owned(), deliveries, self.taken_lease))
            .await
    }

    async fn store<O: Operation>(
        &self,
        call: &Call,
        operation: Result<O, OperationError>,
    ) -> Result<O::Output, StoreError> {
        let operation = operation.map_err(OperationError::into_store)?;
        self.database.perform(Some(call), operation).await.map_err(OperationError::into_store)
    }

    /// The same for functions whose errors are the host's alone.
    async fn tell<O: Operation>(
        &self,
        call: Option<&Call>,
        operation: Result<O, OperationError>,
    ) -> Result<O::Output, HostError> {
        let operation = operation.map_err(OperationError::into_host)?;
        self.database.perform(call, operation).await.map_err(OperationError::into_host)
    }

    async fn secret(&self, call: &Call) -> Result<[u8; 32], StoreError> {
        let read = || async { self.store(call, Ok(lists::Secret("cursors"))).await };
        self.secret.get_or_try_init(read).await.copied()
    }

    async fn names(&self, call: &Call) -> Result<[u8; 32], StoreError> {
        let read = || async { self.store(call, Ok(lists::Secret("names"))).await };
        self.names.get_or_try_init(read).await.copied()
    }
}

#[async_trait]
impl Storage for Invitations {
    async fn recall(
        &self,
        call: &Call,
        organization: String,
        operation: String,
        fingerprint: Vec<u8>,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.store(call, insert::Recall::new(call, organization, operation, &fingerprint)).await
    }

    async fn insert(
        &self,
        call: &Call,
        organization: String,
        batch: Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        let mut insert =
            insert::Insert::new(call, organization, batch).map_err(OperationError::into_store)?;
        insert.names = self.names(call).await?;
        insert.landings = self.landings.as_ref().map(|allowed| allowed(&insert.organization));
        self.store(call, Ok(insert)).await
    }

    async fn get(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        self.store(call, reading::Get::new(call, key)).await
    }

    async fn dismiss(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        self.store(call, dismiss::Dismiss::new(call, key)).await
    }

    async fn by_code(&self, call: &Call, code: Vec<u8>) -> Result<Option<Invitation>, HostError> {
        // Asked before the code is looked at, so that nothing about the code can be told from it.
        let accept_with = match &call.context.organization {
            None => None,
            Some(organization) => Some(self.settings.get(call, organization.clone()).await?.accept_with),
        };
        let found = self.tell(Some(call), reading::ByCode::new(call, &code, accept_with)).await?;
        Ok(reading::admit(call, found))
    }

    async fn transition(
        &self,
        call: &Call,
        key: InvitationKey,
        guard: Guard,
        change: Change,
    ) -> Result<Transitioned, StoreError> {
        self.store(call, transition::Transition::new(call, key, guard, change)).await
    }

    async fn list(
        &self,
        call: &Call,
        organization: String,
        filter: InvitationFilter,
        page: PageRequest,
    ) -> Result<Page, StoreError> {
        let mut list =
            lists::List::new(call, organization, filter, page).map_err(OperationError::into_store)?;
        list.secret = self.secret(call).await?;
        self.store(call, Ok(list)).await
    }

    async fn mine(
        &self,
        call: &Call,
        states: Vec<State>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let mut mine = lists::Mine::new(call, states, after, limit).map_err(OperationError::into_store)?;
        mine.secret = self.secret(call).await?;
        self.store(call, Ok(mine)).await
    }

    async fn due(
        &self,
        call: &Call,
        organization: String,
        limit: u32,
        hold: u64,
    ) -> Result<Vec<DueItem>, HostError> {
        call.acts_in(&organization)?;
        let reminder_before = self.settings.get(call, organization.clone()).await?.reminder_before;
        self.tell(Some(call), due::Due::new(call, organization, limit, hold, reminder_before)).await
    }

    async fn settle(
        &self,
        call: &Call,
        organization: String,
        deliveries: Vec<Delivery>,
    ) -> Result<(), HostError> {
        let settle = delivery::Settle::new(call, organization, deliveries, self.taken_lease);
        self.tell(Some(call), settle).await
    }

    async fn purge(
        &self,
        call: &Call,
        organization: String,
        retention: u64,
        limit: u32,
    ) -> Result<u32, HostError> {
        self.tell(Some(call), delivery::Purge::new(call, organization, retention, limit)).await
    }
}

#[async_trait]
impl Audit for Invitations {
    async fn record_refusals(
        &self,
        call: &Call,
        organization: Option<String>,
        refusals: Vec<Refusal>,
    ) -> Result<(), HostError> {
        let mut refused =
            refusals::Refusals::new(call, organization, refusals).map_err(OperationError::into_host)?;
        refused.names = self.names(call).await.map_err(|error| OperationError::Store(error).into_host())?;
        self.tell(Some(call), Ok(refused)).await
    }
}
