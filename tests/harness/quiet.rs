//! A host that knows nothing: whatever needs an answer is `unavailable`, whatever needs none succeeds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use guestlist_contract::{
    audit::Refusal,
    directory::{Found, LookupError, Organization, User},
    host::{Audit, Call, Directory, Host, Membership, Notifications, Policy, Random, Settings, Storage},
    membership::{Eligibility, Resolved},
    notifications::{Message, SendError, Sent},
    policy::{AcceptFacts, InviteFacts, PolicyError},
    settings::Values,
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{
        Context, Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest,
        Permissions, Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
    },
};

#[derive(Default)]
pub struct Quiet {
    /// Every answer takes so long.
    pub delay: Duration,
    /// Refusals that were recorded.
    pub refusals: AtomicU32,
}

impl Quiet {
    pub fn host() -> Host {
        Host::of(Arc::new(Self::default()))
    }
}

pub fn context() -> Context {
    Context {
        organization: Some("acme".to_owned()),
        caller: Principal::System,
        permissions: Permissions::all(),
        request_id: "r-1".to_owned(),
        now: 1_700_000_000_000,
    }
}

macro_rules! unavailable {
    ($($trait:ident { $($name:ident($($arg:ident: $ty:ty),*) -> $ok:ty, $error:ty;)* })*) => {$(
        #[async_trait]
        impl $trait for Quiet {
            $(async fn $name(&self, _: &Call, $($arg: $ty),*) -> Result<$ok, $error> {
                $(let _ = $arg;)*
                if !self.delay.is_zero() {
                    tokio::time::sleep(self.delay).await;
                }
                Err(<$error>::from(Unavailable))
            })*
        }
    )*};
}

struct Unavailable;

impl From<Unavailable> for HostError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable(Some(7))
    }
}

impl From<Unavailable> for LookupError {
    fn from(_: Unavailable) -> Self {
        Self::Host(HostError::Unavailable(Some(7)))
    }
}

impl From<Unavailable> for StoreError {
    fn from(_: Unavailable) -> Self {
        Self::Host(HostError::Unavailable(Some(7)))
    }
}

impl From<Unavailable> for PolicyError {
    fn from(_: Unavailable) -> Self {
        Self::Host(HostError::Unavailable(Some(7)))
    }
}

unavailable! {
    Directory {
        get_organization(id: String) -> Option<Organization>, HostError;
        find_users(organization: String, store: Option<String>, names: Vec<String>) -> Vec<Result<Found, HostError>>, LookupError;
        get_users(organization: String, accounts: Vec<UserRef>) -> Vec<Option<User>>, HostError;
        standing(organization: String, who: Principal) -> Option<Permissions>, HostError;
    }
    Membership {
        resolve(organization: String, inviter: Principal, grants: Vec<Grant>) -> Vec<Option<Resolved>>, HostError;
        eligible(organization: String, users: Vec<UserRef>, grants: Vec<Grant>) -> Vec<Eligibility>, HostError;
        apply(organization: String, invitation: String, user: UserRef, steps: Vec<Step>) -> Vec<StepOutcome>, HostError;
        close(organization: String, invitation: String) -> Vec<StepResult>, HostError;
    }
    Storage {
        recall(organization: String, operation: String, fingerprint: Vec<u8>) -> Vec<Recorded>, StoreError;
        insert(organization: String, batch: Batch) -> Vec<Result<Inserted, StoreError>>, StoreError;
        get(key: InvitationKey) -> Invitation, StoreError;
        dismiss(key: InvitationKey) -> Invitation, StoreError;
        by_code(code: Vec<u8>) -> Option<Invitation>, HostError;
        transition(key: InvitationKey, guard: Guard, change: Change) -> Transitioned, StoreError;
        list(organization: String, filter: InvitationFilter, page: PageRequest) -> Page, StoreError;
        mine(states: Vec<State>, after: Option<String>, limit: u32) -> Page, StoreError;
        due(organization: String, limit: u32, hold: u64) -> Vec<DueItem>, HostError;
        settle(organization: String, deliveries: Vec<Delivery>) -> (), HostError;
        purge(organization: String, retention: u64, limit: u32) -> u32, HostError;
    }
    Notifications {
        send(organization: String, template: Option<String>, messages: Vec<Message>) -> Vec<Result<Sent, SendError>>, HostError;
    }
    Policy {
        decide_invite(facts: InviteFacts) -> Vec<Verdict>, PolicyError;
        decide_accept(facts: AcceptFacts) -> Verdict, PolicyError;
    }
    Settings {
        get(organization: String) -> Values, HostError;
    }
}

#[async_trait]
impl Audit for Quiet {
    async fn record_refusals(
        &self,
        _: &Call,
        _: Option<String>,
        refusals: Vec<Refusal>,
    ) -> Result<(), HostError> {
        self.refusals.fetch_add(u32::try_from(refusals.len()).unwrap(), Ordering::SeqCst);
        Ok(())
    }
}

impl Random for Quiet {
    fn bytes(&self, length: usize) -> Vec<u8> {
        vec![7; length]
    }
}
