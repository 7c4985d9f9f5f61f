//! Traits that a host engineer implements: one for each interface that the plugin imports.
//!
//! The traits mirror `wit/`, where each function's meaning, limits and errors are written; every
//! method gets the [`Call`] that it belongs to as well. A host judges by the call, never by what the
//! plugin says: the organization in the arguments has to be the one in the call.
//!
//! A [`Host`] bundles one implementation of each. They can be one type ([`Host::of`]) or eight: a
//! store of one's own with somebody else's directory, for instance.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;

use crate::{
    audit::Refusal,
    directory::{Found, LookupError, Organization, User},
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

/// The exports of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is named as in the contract")]
pub enum Operation {
    Invite,
    List,
    Get,
    Resend,
    Revoke,
    RevokeAll,
    Approve,
    Reject,
    Dismiss,
    ListMine,
    Introspect,
    Accept,
    Decline,
    Sweep,
}

impl Operation {
    /// Every operation, in the order of the contract.
    pub const ALL: [Self; 14] = [
        Self::Invite,
        Self::List,
        Self::Get,
        Self::Resend,
        Self::Revoke,
        Self::RevokeAll,
        Self::Approve,
        Self::Reject,
        Self::Dismiss,
        Self::ListMine,
        Self::Introspect,
        Self::Accept,
        Self::Decline,
        Self::Sweep,
    ];

    /// The name in the contract, as in `list-mine`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::List => "list",
            Self::Get => "get",
            Self::Resend => "resend",
            Self::Revoke => "revoke",
            Self::RevokeAll => "revoke-all",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Dismiss => "dismiss",
            Self::ListMine => "list-mine",
            Self::Introspect => "introspect",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Sweep => "sweep",
        }
    }

    /// The invitee's operations act across organizations, on rows that are the caller's own or that
    /// the call itself found by a code.
    #[must_use]
    pub fn is_invitees(self) -> bool {
        matches!(self, Self::ListMine | Self::Introspect | Self::Accept | Self::Decline)
    }
}

/// One call of an export, as the host knows it. It stands beside the running plugin and cannot be
/// changed by it.
#[derive(Debug)]
pub struct Call {
    /// The context that was handed to the plugin.
    pub context: Context,
    /// The export that runs.
    pub operation: Operation,
    found: Mutex<Vec<InvitationKey>>,
}

impl Call {
    /// A call of `operation` in `context`.
    #[must_use]
    pub fn new(operation: Operation, context: Context) -> Self {
        Self { context, operation, found: Mutex::new(Vec::new()) }
    }

    /// The caller, when they are a signed-in person.
    #[must_use]
    pub fn user(&self) -> Option<&UserRef> {
        match &self.context.caller {
            Principal::User(user) => Some(user),
            _ => None,
        }
    }

    /// The organization of an administrator's call or of the sweep. An invitee's call has none in this
    /// sense: it is admitted to rows.
    ///
    /// # Errors
    /// It acts in another one.
    pub fn acts_in(&self, organization: &str) -> Result<(), HostError> {
        if !self.operation.is_invitees() && self.context.organization.as_deref() == Some(organization) {
            Ok(())
        } else {
            Err(Self::not_there())
        }
    }

    /// The refusal of everything that concerns another organization. The same words for every cause:
    /// whether an organization exists is not for a stranger to learn.
    #[must_use]
    pub fn not_there() -> HostError {
        HostError::Denied("this call may not see that organization".into())
    }

    /// Demands somebody who can answer for what they do.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub fn named(&self) -> Result<(), HostError> {
        match self.context.caller {
            Principal::Anonymous => Err(HostError::Denied("nobody is signed in".into())),
            _ => Ok(()),
        }
    }

    /// Remembers that `by-code` returned this invitation, so that the rest of the call may see it.
    pub fn admit(&self, key: &InvitationKey) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push(key.clone());
    }

    /// The invitations that `by-code` returned in this call.
    #[must_use]
    pub fn found(&self) -> Vec<InvitationKey> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells whether `by-code` returned this invitation in this call.
    #[must_use]
    pub fn admitted(&self, key: &InvitationKey) -> bool {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}

/// `directory`: organizations and people.
#[async_trait]
#[allow(missing_docs, reason = "documented in wit/directory.wit")]
pub trait Directory: Send + Sync {
    async fn get_organization(&self, call: &Call, id: String) -> Result<Option<Organization>, HostError>;
    async fn find_users(
        &self,
        call: &Call,
        organization: String,
        userstore_domain: Option<String>,
        names: Vec<String>,
    ) -> Result<Vec<Result<Found, HostError>>, LookupError>;
    async fn get_users(
        &self,
        call: &Call,
        organization: String,
        accounts: Vec<UserRef>,
    ) -> Result<Vec<Option<User>>, HostError>;
    async fn standing(
        &self,
        call: &Call,
        organization: String,
        who: Principal,
    ) -> Result<Option<Permissions>, HostError>;
}

/// `membership`: members, groups and roles.
#[async_trait]
#[allow(missing_docs, reason = "documented in wit/membership.wit")]
pub trait Membership: Send + Sync {
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError>;
    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError>;
    async fn apply(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError>;
    async fn close(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
    ) -> Result<Vec<StepResult>, HostError>;
}

/// `storage`: invitations, code digests, outbox and audit trail.
#[async_trait]
#[allow(missing_docs, reason = "documented in wit/storage.wit")]
pub trait Storage: Send + Sync {
    async fn recall(
        &self,
        call: &Call,
        organization: String,
        operation: String,
        fingerprint: Vec<u8>,
    ) -> Result<Vec<Recorded>, StoreError>;
    async fn insert(
        &self,
        call: &Call,
        organization: String,
        batch: Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError>;
    async fn get(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError>;
    async fn dismiss(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError>;
    async fn by_code(&self, call: &Call, code: Vec<u8>) -> Result<Option<Invitation>, HostError>;
    async fn transition(
        &self,
        call: &Call,
        key: InvitationKey,
        guard: Guard,
        change: Change,
    ) -> Result<Transitioned, StoreError>;
    async fn list(
        &self,
        call: &Call,
        organization: String,
        filter: InvitationFilter,
        page: PageRequest,
    ) -> Result<Page, StoreError>;
    async fn mine(
        &self,
        call: &Call,
        states: Vec<State>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page, StoreError>;
    async fn due(
        &self,
        call: &Call,
        organization: String,
        limit: u32,
        hold: u64,
    ) -> Result<Vec<DueItem>, HostError>;
    async fn settle(
        &self,
        call: &Call,
        organization: String,
        deliveries: Vec<Delivery>,
    ) -> Result<(), HostError>;
    async fn purge(
        &self,
        call: &Call,
        organization: String,
        retention: u64,
        limit: u32,
    ) -> Result<u32, HostError>;
}

/// `notifications`: e-mail.
#[async_trait]
#[allow(missing_docs, reason = "documented in wit/notifications.wit")]
pub trait Notifications: Send + Sync {
    async fn send(
        &self,
        call: &Call,
        organization: String,
        template: Option<String>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError>;
}

/// `audit`: refusals.
#[async_trait]
#[allow(missing_docs, reason = "documented in wit/audit.wit")]
pub trait Audit: Send + Sync {
    async fn record_refusals(
        &self,
        call: &Call,
        organization: Option<String>,
        refusals: Vec<Refusal>,
    ) -> Result<(), HostError>;
}

/// `policy`: the organization's own rules.
#[async_trait]
#[allow(missing_docs, reason = "documented in wit/policy.wit")]
pub trait Policy: Send + Sync {
    async fn decide_invite(&self, call: &Call, facts: InviteFacts) -> Result<Vec<Verdict>, PolicyError>;
    async fn decide_accept(&self, call: &Call, facts: AcceptFacts) -> Result<Verdict, PolicyError>;
}

/// `settings`: what an organization has configured.
#[async_trait]
#[allow(missing_docs, reason = "documented in wit/settings.wit")]
pub trait Settings: Send + Sync {
    async fn get(&self, call: &Call, organization: String) -> Result<Values, HostError>;
}

/// `wasi:random/random`: entropy.
pub trait Random: Send + Sync {
    /// Exactly `length` bytes from a cryptographically secure generator. An answer of another length
    /// makes the plugin refuse the operation. At most 64 KiB are ever asked for.
    fn bytes(&self, length: usize) -> Vec<u8>;
}

/// One implementation of each import. Cloning it shares them.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is the import of its name")]
pub struct Host {
    pub directory: Arc<dyn Directory>,
    pub membership: Arc<dyn Membership>,
    pub storage: Arc<dyn Storage>,
    pub notifications: Arc<dyn Notifications>,
    pub audit: Arc<dyn Audit>,
    pub policy: Arc<dyn Policy>,
    pub settings: Arc<dyn Settings>,
    pub random: Arc<dyn Random>,
}

impl Host {
    /// A host whose imports are all answered by one type.
    pub fn of<T>(all: Arc<T>) -> Self
    where
        T: Directory + Membership + Storage + Notifications + Audit + Policy + Settings + Random + 'static,
    {
        Self {
            directory: all.clone(),
            membership: all.clone(),
            storage: all.clone(),
            notifications: all.clone(),
            audit: all.clone(),
            policy: all.clone(),
            settings: all.clone(),
            random: all,
        }
    }
}
