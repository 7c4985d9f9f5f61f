//! Answers of the plugin as JSON, and as words.

use guestlist_contract::{
    exports::{
        invitations::RevokedAll,
        invitee::{Accepted, PreviewPage},
        maintenance::Swept,
    },
    types::{Invitation, Page},
};
use guestlist_rest::{self as rest, RestError, invitation, preview};
use serde_json::{Value, json};

/// An answer, or why there is none.
pub type Answer = Result<Value, RestError>;

pub fn page(page: &Page) -> Value {
    json!({ "invitations": page.items.iter().map(invitation).collect::<Value>(), "next": page.next })
}

pub fn one(row: &Invitation) -> Value {
    invitation(row)
}

pub fn revoked(all: &RevokedAll) -> Value {
    json!({ "revoked": all.revoked, "inProgress": all.in_progress, "failed": all.failed, "more": all.more })
}

pub fn mine(page: &PreviewPage) -> Value {
    json!({ "invitations": page.items.iter().map(preview).collect::<Value>(), "next": page.next })
}

pub fn accepted(accepted: &Accepted) -> Value {
    rest::accepted(accepted)
}

pub fn swept(swept: &Swept) -> Value {
    json!({
        "finished": swept.finished,
        "sent": swept.sent,
        "expired": swept.expired,
        "purged": swept.purged,
        "failed": swept.failed,
        "more": swept.more,
    })
}
