//! The plugin's logic without a sandbox, on the same host: the other side of every comparison.
//!
//! The two sides have their own Rust types for the contract. They are generated from the same text and
//! serialise alike, so a value crosses by being written and read.

use std::{future::Future, panic::resume_unwind, sync::Arc};

use futures_util::FutureExt;
use guestlist::{
    Capabilities,
    contract::imports::{
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
    },
};
use guestlist_contract::host::{Call, Host};
use guestlist_harness::{HostCalls, Limits};
use guestlist_testkit::Intercept as _;
use guestlist_testkit::Interceptor;
use serde::{Serialize, de::DeserializeOwned};
use tokio::runtime::{Builder, Handle, Runtime};

/// From one side's type to the other's.
pub fn cross<A: Serialize, B: DeserializeOwned>(value: A) -> B {
    let value = serde_json::to_value(value).expect("every contract type can be written");
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

thread_local! {
    /// Its clock stands still and jumps: a host that never answers is given up at once.
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// Waits for a future. The in-memory host answers at once; only faults take time.
pub fn wait<F: Future>(future: F) -> F::Output {
    if Handle::try_current().is_ok() {
        return future.now_or_never().expect("ready at once");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// One call, answered by a host in this process.
pub struct Native {
    calls: HostCalls,
}

impl Native {
    /// A call on a host that is well.
    pub fn new(host: Host, call: Call) -> Self {
        Self { calls: HostCalls::new(Arc::new(host), call, &Limits::default()) }
    }

    /// The same with something around each host call.
    pub fn with_interceptor(self, interceptor: Arc<dyn Interceptor>) -> Self {
        Self { calls: self.calls.with_interceptor(interceptor) }
    }
}

/// Where the sandbox would end the instance, the native call is unwound.
macro_rules! ask {
    ($self:ident.$function:ident($($argument:expr),*)) => {
        match wait($self.calls.$function($(cross($argument)),*)) {
            Ok(answer) => cross(answer),
            Err(stop) => resume_unwind(Box::new(stop)),
        }
    };
}

impl Capabilities for Native {
    fn random(&self, length: usize) -> Vec<u8> {
        match wait(self.calls.random_get_random_bytes(length as u64)) {
            Ok(bytes) => bytes,
            Err(stop) => resume_unwind(Box::new(stop)),
        }
    }
    fn settings(&self, organization: &str) -> Result<Values, HostError> {
        ask!(self.settings_get(organization))
    }
    fn get_organization(&self, id: &str) -> Result<Option<Organization>, HostError> {
        ask!(self.directory_get_organization(id))
    }
    fn find_users(
        &self,
        organization: &str,
        userstore_domain: Option<&str>,
        names: &[String],
    ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
        ask!(self.directory_find_users(organization, userstore_domain, names))
    }
    fn get_users(&self, organization: &str, accounts: &[UserRef]) -> Result<Vec<Option<User>>, HostError> {
        ask!(self.directory_get_users(organization, accounts))
    }
    fn standing(&self, organization: &str, who: &Principal) -> Result<Option<Permissions>, HostError> {
        ask!(self.directory_standing(organization, who))
    }
    fn resolve(
        &self,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        ask!(self.membership_resolve(organization, inviter, grants))
    }
    fn eligible(
        &self,
        organization: &str,
        users: &[UserRef],
        grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError> {
        ask!(self.membership_eligible(organization, users, grants))
    }
    fn apply(
        &self,
        organization: &str,
        invitation: &str,
        user: &UserRef,
        steps: &[Step],
    ) -> Result<Vec<StepOutcome>, HostError> {
        ask!(self.membership_apply(organization, invitation, user, steps))
    }
    fn close(&self, organization: &str, invitation: &str) -> Result<Vec<StepResult>, HostError> {
        ask!(self.membership_close(organization, invitation))
    }
    fn recall(
        &self,
        organization: &str,
        operation: &str,
        fingerprint: &[u8],
    ) -> Result<Vec<Recorded>, StoreError> {
        ask!(self.storage_recall(organization, operation, fingerprint))
    }
    fn insert(
        &self,
        organization: &str,
        batch: &Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        ask!(self.storage_insert(organization, batch))
    }
    fn get(&self, key: &InvitationKey) -> Result<Invitation, StoreError> {
        ask!(self.storage_get(key))
    }
    fn dismiss(&self, key: &InvitationKey) -> Result<Invitation, StoreError> {
        ask!(self.storage_dismiss(key))
    }
    fn by_code(&self, code: &[u8]) -> Result<Option<Invitation>, HostError> {
        ask!(self.storage_by_code(code))
    }
    fn transition(
        &self,
        key: &InvitationKey,
        guard: &Guard,
        change: &Change,
    ) -> Result<Transitioned, StoreError> {
        ask!(self.storage_transition(key, guard, change))
    }
    fn list(
        &self,
        organization: &str,
        filter: &InvitationFilter,
        page: &PageRequest,
    ) -> Result<Page, StoreError> {
        ask!(self.storage_list(organization, filter, page))
    }
    fn mine(&self, states: &[State], after: Option<&str>, limit: u32) -> Result<Page, StoreError> {
        ask!(self.storage_mine(states, after, limit))
    }
    fn due(&self, organization: &str, limit: u32, hold: u64) -> Result<Vec<DueItem>, HostError> {
        ask!(self.storage_due(organization, limit, hold))
    }
    fn settle(&self, organization: &str, deliveries: &[Delivery]) -> Result<(), HostError> {
        ask!(self.storage_settle(organization, deliveries))
    }
    fn purge(&self, organization: &str, retention: u64, limit: u32) -> Result<u32, HostError> {
        ask!(self.storage_purge(organization, retention, limit))
    }
    fn send(
        &self,
        organization: &str,
        template: Option<&str>,
        messages: &[Message],
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        ask!(self.notifications_send(organization, template, messages))
    }
    fn record_refusals(&self, organization: Option<&str>, refusals: &[Refusal]) -> Result<(), HostError> {
        ask!(self.audit_record_refusals(organization, refusals))
    }
    fn decide_invite(&self, facts: &InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
        ask!(self.policy_decide_invite(facts))
    }
    fn decide_accept(&self, facts: &AcceptFacts) -> Result<Verdict, PolicyError> {
        ask!(self.policy_decide_accept(facts))
    }
}
