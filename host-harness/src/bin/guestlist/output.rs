//! Answers of the plugin as JSON, and as words.

use guestlist_harness::{
    contract::{
        exports::{
            invitations::{Invited, RevokedAll},
            invitee::{Accepted, PreviewPage},
            maintenance::Swept,
        },
        types::{Invitation, Page},
    },
    reference::{Problem, invitation, outcomes, preview, status, time},
};
use serde_json::{Value, json};

/// An answer, or why there is none.
pub type Answer = Result<Value, Problem>;

pub fn page(page: &Page) -> Value {
    json!({ "invitations": page.items.iter().map(invitation).collect::<Value>(), "next": page.next })
}

pub fn one(row: &Invitation) -> Value {
    invitation(row)
}

pub fn sent_again(invited: &Invited) -> Value {
    json!({
        "id": invited.id,
        "status": status(invited.state),
        "expiredAt": invited.expires_at.map(time),
        "confirmationCode": invited.code,
    })
}

pub fn revoked(all: &RevokedAll) -> Value {
    json!({ "revoked": all.revoked, "inProgress": all.in_progress, "failed": all.failed, "more": all.more })
}

pub fn mine(page: &PreviewPage) -> Value {
    json!({ "invitations": page.items.iter().map(preview).collect::<Value>(), "next": page.next })
}

pub fn accepted(accepted: &Accepted) -> Value {
    json!({
        "id": accepted.key.id,
        "organization": accepted.key.organization,
        "outcomes": outcomes(&accepted.outcomes),
        "repeated": accepted.repeated,
    })
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
