//! Lends the plugin what it can do to the world: the imports of the contract, as one trait.
//!
//! Inside wasm the imports answer. Natively a test, or a host written in Rust, does. The meaning of
//! each function is written once, in `wit/`.

use crate::contract::imports::{
    audit::Refusal,
    directory::{Found, LookupError, Organization, User},
    membership::{Eligibility, Resolved},
    notifications::{Message, SendError, Sent},
    policy::{AcceptFacts, InviteFacts, PolicyError},
    settings::Values,
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{
        Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, Permissions,
        Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
    },
};

/// The imports of the plugin, named as in `wit/`.
#[allow(missing_docs, reason = "documented in wit/")]
pub trait Capabilities {
    fn random(&self, length: usize) -> Vec<u8>;
    fn settings(&self, organization: &str) -> Result<Values, HostError>;

    fn get_organization(&self, id: &str) -> Result<Option<Organization>, HostError>;
    fn find_users(
        &self,
        organization: &str,
        userstore_domain: Option<&str>,
        names: &[String],
    ) -> Result<Vec<Result<Found, HostError>>, LookupError>;
    fn get_users(&self, organization: &str, accounts: &[UserRef]) -> Result<Vec<Option<User>>, HostError>;
    fn standing(&self, organization: &str, who: &Principal) -> Result<Option<Permissions>, HostError>;

    fn resolve(
        &self,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError>;
    fn eligible(
        &self,
        organization: &str,
        users: &[UserRef],
        grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError>;
    fn apply(
        &self,
        organization: &str,
        invitation: &str,
        user: &UserRef,
        steps: &[Step],
    ) -> Result<Vec<StepOutcome>, HostError>;
    fn close(&self, organization: &str, invitation: &str) -> Result<Vec<StepResult>, HostError>;

    fn recall(
        &self,
        organization: &str,
        operation: &str,
        fingerprint: &[u8],
    ) -> Result<Vec<Recorded>, StoreError>;
    fn insert(
        &self,
        organization: &str,
        batch: &Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError>;
    fn get(&self, key: &InvitationKey) -> Result<Invitation, StoreError>;
    fn dismiss(&self, key: &InvitationKey) -> Result<Invitation, StoreError>;
    fn by_code(&self, code: &[u8]) -> Result<Option<Invitation>, HostError>;
    fn transition(
        &self,
        key: &InvitationKey,
        guard: &Guard,
        change: &Change,
    ) -> Result<Transitioned, StoreError>;
    fn list(
        &self,
        organization: &str,
        filter: &InvitationFilter,
        page: &PageRequest,
    ) -> Result<Page, StoreError>;
    fn mine(&self, states: &[State], after: Option<&str>, limit: u32) -> Result<Page, StoreError>;
    fn due(&self, organization: &str, limit: u32, hold: u64) -> Result<Vec<DueItem>, HostError>;
    fn settle(&self, organization: &str, deliveries: &[Delivery]) -> Result<(), HostError>;
    fn purge(&self, organization: &str, retention: u64, limit: u32) -> Result<u32, HostError>;

    fn send(
        &self,
        organization: &str,
        template: Option<&str>,
        messages: &[Message],
    ) -> Result<Vec<Result<Sent, SendError>>, HostError>;
    fn record_refusals(&self, organization: Option<&str>, refusals: &[Refusal]) -> Result<(), HostError>;
    fn decide_invite(&self, facts: &InviteFacts) -> Result<Vec<Verdict>, PolicyError>;
    fn decide_accept(&self, facts: &AcceptFacts) -> Result<Verdict, PolicyError>;
}
