//! Acts of somebody, and what they are answered: as data, so that it can be handed to another process.

use guestlist_contract::{
    exports::invitations::{InviteRequest, LifetimeChoice},
    lifecycle::STATES,
    notifications::Message,
    types::{Grant, InvitationFilter, PageRequest, Permissions, Principal, SortKey, UserRef},
};
use guestlist_harness::{Export, Reply, Request, operations as op};
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
    /// A call of the plugin.
    Call(Request),
    RemoveMember(UserRef),
    AddMember(UserRef),
    DeleteGroup(String),
    SetPermissions(Principal, Permissions),
    /// A host call, without the plugin.
    Import(Import),
}

impl<E: Export + Into<Request>> From<E> for Act {
    fn from(export: E) -> Self {
        Self::Call(export.into())
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "there are a few of them")]
pub enum Answer {
    Call(Reply),
    /// Of the administration; the error as it is shown.
    Changed(Result<(), String>),
    /// Of a host call.
    Import(serde_json::Value),
    /// The plugin gave no answer.
    Broken(String),
}

/// An answer, when it came, and what was mailed on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answered {
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
pub fn invite(names: Vec<String>, grants: Vec<Grant>) -> op::Invite {
    let request = InviteRequest {
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
    };
    op::Invite { request }
}

/// A list of everything from the start, oldest first.
#[must_use]
pub fn list() -> op::List {
    let page = PageRequest { sort: SortKey::CreatedAt, descending: false, after: None, limit: 50 };
    op::List { filter: InvitationFilter::default(), page }
}

/// A list of a caller's own invitations, whatever their state.
#[must_use]
pub fn list_mine() -> op::ListMine {
    op::ListMine { states: STATES.to_vec(), after: None, limit: 50 }
}

/// A sweep of at most so many items as a host asks for.
#[must_use]
pub fn sweep() -> op::Sweep {
    op::Sweep { limit: 100 }
}
