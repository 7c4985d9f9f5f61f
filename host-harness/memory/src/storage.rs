//! The invitation store. Each function is one atomic step, because there is one lock.

use async_trait::async_trait;

use super::{MemoryHost, hex, realm::Realm};
use guestlist_contract::{
    bounds,
    host::{Call, Storage},
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{AcceptWith, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, State},
};

/// Ranks how much an invitee must show: more is stricter.
fn strictness(mode: AcceptWith) -> u8 {
    match mode {
        AcceptWith::InviteeAndCode => 2,
        AcceptWith::Invitee => 1,
        AcceptWith::Code => 0,
    }
}

impl Realm {
    fn get(&self, call: &Call, key: &InvitationKey) -> Result<Invitation, StoreError> {
        let row = self.row(key).filter(|_| self.admits(call, key)).ok_or(StoreError::NotFound)?;
        Ok(row.read(self.clock.store()))
    }

    fn by_code(&self, call: &Call, code: &[u8]) -> Result<Option<Invitation>, HostError> {
        let digest = bounds::digest("the digest of the code", code).map(hex)?;
        let now = self.clock.store();
        let Some(row) = self.codes.get(&digest).and_then(|key| self.row(key)) else { return Ok(None) };
        let key = &row.invitation.key;
        if call.user().is_some_and(|user| row.is_for(user)) {
            return Ok(Some(row.read(now)));
        }
        let bearer = row.state_at(now) == State::Pending
            && call.context.organization.as_ref() == Some(&key.organization)
            && self.required(&row.invitation) == AcceptWith::Code;
        if !bearer {
            return Ok(None);
        }
        call.admit(key);
        Ok(Some(row.read(now)))
    }

    /// The stricter of what the invitation and its organization ask for. The setting may have become
    /// stricter since the invitation was made.
    fn required(&self, row: &Invitation) -> AcceptWith {
        let setting = self
            .organizations
            .get(&row.key.organization)
            .map_or(AcceptWith::Invitee, |organization| organization.settings.accept_with);
        if strictness(setting) > strictness(row.accept_with) { setting } else { row.accept_with }
    }
}

#[async_trait]
impl Storage for MemoryHost {
    async fn recall(
        &self,
        call: &Call,
        organization: String,
        operation: String,
        fingerprint: Vec<u8>,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.lock().recall(call, &organization, &operation, &fingerprint)
    }

    async fn insert(
        &self,
        call: &Call,
        organization: String,
        batch: Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        self.lock().insert(call, &organization, &batch)
    }

    async fn get(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        self.lock().get(call, &key)
    }

    async fn dismiss(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        self.lock().dismiss(call, &key)
    }

    async fn by_code(&self, call: &Call, code: Vec<u8>) -> Result<Option<Invitation>, HostError> {
        self.lock().by_code(call, &code)
    }

    async fn transition(
        &self,
        call: &Call,
        key: InvitationKey,
        guard: Guard,
        change: Change,
    ) -> Result<Transitioned, StoreError> {
        self.lock().transition(call, &key, &guard, change)
    }

    async fn list(
        &self,
        call: &Call,
        organization: String,
        filter: InvitationFilter,
        page: PageRequest,
    ) -> Result<Page, StoreError> {
        self.lock().list(call, &organization, &filter, &page)
    }

    async fn mine(
        &self,
        call: &Call,
        states: Vec<State>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        self.lock().mine(call, &states, after, limit)
    }

    async fn due(
        &self,
        call: &Call,
        organization: String,
        limit: u32,
        hold: u64,
    ) -> Result<Vec<DueItem>, HostError> {
        self.lock().due(call, &organization, limit, hold)
    }

    async fn settle(
        &self,
        call: &Call,
        organization: String,
        deliveries: Vec<Delivery>,
    ) -> Result<(), HostError> {
        self.lock().settle(call, &organization, &deliveries)
    }

    async fn purge(
        &self,
        call: &Call,
        organization: String,
        retention: u64,
        limit: u32,
    ) -> Result<u32, HostError> {
        self.lock().purge(call, &organization, retention, limit)
    }
}
