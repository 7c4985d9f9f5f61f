//! The plugin's logic without a sandbox, on the same host: the other side of every comparison.
//!
//! The two sides have their own Rust types for the contract. They are generated from the same text and
//! serialise alike, so a value crosses by being written and read.

use futures_util::FutureExt;
use guestlist::{
    Capabilities,
    contract::imports::{
        audit::Refusal,
        directory::{LookupError, Organization, User},
        membership::{Eligibility, Resolved},
        notifications::{Message, SendError, Sent},
        policy::{AcceptFacts, InviteFacts},
        settings::Values,
        storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
        types::{
            Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, Permissions,
            Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
        },
    },
};
use guestlist_harness::host::{Call, Host};
use serde::{Serialize, de::DeserializeOwned};

/// From one side's type to the other's.
pub fn cross<A: Serialize, B: DeserializeOwned>(value: A) -> B {
    let value = serde_json::to_value(value).expect("every contract type can be written");
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// One call, answered by a host in this process.
pub struct Native {
    pub host: Host,
    pub call: Call,
}

/// The in-memory host never waits, so its futures are ready at once.
macro_rules! ask {
    ($self:ident.$import:ident.$function:ident($($argument:expr),*)) => {
        cross($self.host.$import.$function(&$self.call, $(cross($argument)),*).now_or_never().expect("ready at once"))
    };
}

impl Capabilities for Native {
    fn random(&self, length: usize) -> Vec<u8> {
        self.host.random.bytes(length)
    }
    fn settings(&self, organization: &str) -> Result<Values, HostError> {
        ask!(self.settings.get(organization))
    }
    fn get_organization(&self, id: &str) -> Result<Option<Organization>, HostError> {
        ask!(self.directory.get_organization(id))
    }
    fn find_users(
        &self,
        organization: &str,
        userstore_domain: Option<&str>,
        names: &[String],
    ) -> Result<Vec<Result<Option<User>, HostError>>, LookupError> {
        ask!(self.directory.find_users(organization, userstore_domain, names))
    }
    fn get_users(&self, organization: &str, accounts: &[UserRef]) -> Result<Vec<Option<User>>, HostError> {
        ask!(self.directory.get_users(organization, accounts))
    }
    fn standing(&self, organization: &str, who: &Principal) -> Result<Option<Permissions>, HostError> {
        ask!(self.directory.standing(organization, who))
    }
    fn resolve(
        &self,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        ask!(self.membership.resolve(organization, inviter, grants))
    }
    fn eligible(
        &self,
        organization: &str,
        users: &[UserRef],
        grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError> {
        ask!(self.membership.eligible(organization, users, grants))
    }
    fn apply(
        &self,
        organization: &str,
        invitation: &str,
        user: &UserRef,
        steps: &[Step],
    ) -> Result<Vec<StepOutcome>, HostError> {
        ask!(self.membership.apply(organization, invitation, user, steps))
    }
    fn close(&self, organization: &str, invitation: &str) -> Result<Vec<StepResult>, HostError> {
        ask!(self.membership.close(organization, invitation))
    }
    fn recall(
        &self,
        organization: &str,
        operation: &str,
        fingerprint: &[u8],
    ) -> Result<Vec<Recorded>, StoreError> {
        ask!(self.storage.recall(organization, operation, fingerprint))
    }
    fn insert(
        &self,
        organization: &str,
        batch: &Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        ask!(self.storage.insert(organization, batch))
    }
    fn get(&self, key: &InvitationKey) -> Result<Invitation, StoreError> {
        ask!(self.storage.get(key))
    }
    fn by_code(&self, code: &[u8]) -> Result<Option<Invitation>, HostError> {
        ask!(self.storage.by_code(code))
    }
    fn transition(
        &self,
        key: &InvitationKey,
        guard: &Guard,
        change: &Change,
    ) -> Result<Transitioned, StoreError> {
        ask!(self.storage.transition(key, guard, change))
    }
    fn list(
        &self,
        organization: &str,
        filter: &InvitationFilter,
        page: &PageRequest,
    ) -> Result<Page, StoreError> {
        ask!(self.storage.list(organization, filter, page))
    }
    fn mine(&self, states: &[State], after: Option<&str>, limit: u32) -> Result<Page, StoreError> {
        ask!(self.storage.mine(states, after, limit))
    }
    fn due(&self, organization: &str, limit: u32, hold: u64) -> Result<Vec<DueItem>, HostError> {
        ask!(self.storage.due(organization, limit, hold))
    }
    fn settle(&self, organization: &str, deliveries: &[Delivery]) -> Result<(), HostError> {
        ask!(self.storage.settle(organization, deliveries))
    }
    fn purge(&self, organization: &str, retention: u64, limit: u32) -> Result<u32, HostError> {
        ask!(self.storage.purge(organization, retention, limit))
    }
    fn send(
        &self,
        organization: &str,
        template: Option<&str>,
        messages: &[Message],
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        ask!(self.notifications.send(organization, template, messages))
    }
    fn record_refusals(&self, organization: Option<&str>, refusals: &[Refusal]) -> Result<(), HostError> {
        ask!(self.audit.record_refusals(organization, refusals))
    }
    fn decide_invite(&self, facts: &InviteFacts) -> Result<Vec<Verdict>, HostError> {
        ask!(self.policy.decide_invite(facts))
    }
    fn decide_accept(&self, facts: &AcceptFacts) -> Result<Verdict, HostError> {
        ask!(self.policy.decide_accept(facts))
    }
}
