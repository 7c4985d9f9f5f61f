//! Acts of somebody, and what they are answered: as data, so that it can be handed to another process.

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, Invited, ItemRefusal, LifetimeChoice, Owner, Refusal, RevokedAll},
        invitee::{Accepted, Handle, InviteeRefusal, Preview, PreviewPage},
        maintenance::{SweepRefusal, Swept},
    },
    notifications::Message,
    types::{
        Grant, Invitation, InvitationFilter, Page, PageRequest, Permissions, Principal, SortKey, UserRef,
    },
};
use serde::{Deserialize, Serialize};

use crate::imports::Import;

/// Somebody does something in an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Command {
    /// By this the reply is found.
    pub number: u64,
    /// Not before this instant, in microseconds since 1970.
    pub at: u64,
    /// Absent for an invitee on their own dashboard.
    pub organization: Option<String>,
    pub caller: Principal,
    pub request: String,
    pub act: Act,
}

/// What can be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Act {
    Invite(InviteRequest),
    List,
    Get(String),
    Resend(Vec<String>),
    Revoke(String),
    RevokeAll(Owner),
    Approve(String),
    Reject(String),
    ListMine,
    Introspect(Handle),
    Accept(Handle),
    Decline(Handle),
    Sweep,
    RemoveMember(UserRef),
    AddMember(UserRef),
    DeleteGroup(String),
    SetPermissions(Principal, Permissions),
    /// A host call, without the plugin.
    Import(Import),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Invite(Result<Vec<Result<Invited, ItemRefusal>>, Refusal>),
    List(Result<Page, Refusal>),
    Get(Result<Box<Invitation>, Refusal>),
    Resend(Result<Vec<Result<Invited, Refusal>>, Refusal>),
    Revoke(Result<(), Refusal>),
    RevokeAll(Result<RevokedAll, Refusal>),
    Approve(Result<Invited, Refusal>),
    Reject(Result<(), Refusal>),
    ListMine(Result<PreviewPage, InviteeRefusal>),
    Introspect(Result<Box<Preview>, InviteeRefusal>),
    Accept(Result<Accepted, InviteeRefusal>),
    Decline(Result<(), InviteeRefusal>),
    Sweep(Result<Swept, SweepRefusal>),
    /// Of the administration; the error as it is shown.
    Changed(Result<(), String>),
    /// Of a host call.
    Import(serde_json::Value),
    /// The plugin gave no answer.
    Broken(String),
}

/// An answer, when it came, and what was mailed on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    pub number: u64,
    /// In microseconds since 1970.
    pub began: u64,
    pub ended: u64,
    pub answer: Answer,
    pub letters: Vec<Letter>,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    pub organization: String,
    pub message: Message,
}

/// An invite of these people, everything else left to the settings.
#[must_use]
pub fn request(names: Vec<String>, grants: Vec<Grant>) -> InviteRequest {
    InviteRequest {
        names,
        userstore_domain: None,
        grants,
        lifetime: LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        idempotency_key: None,
    }
}

/// Everything.
#[must_use]
pub fn everything() -> InvitationFilter {
    InvitationFilter::default()
}

/// So many rows from the start, oldest first.
#[must_use]
pub fn first(limit: u32) -> PageRequest {
    PageRequest { sort: SortKey::CreatedAt, descending: false, after: None, limit }
}

pub use guestlist_contract::lifecycle::STATES;
