//! Messages that wait: added and dropped in the commit of the change that asks for it.

use guestlist_contract::{
    lifecycle::makes_sense,
    types::{MessageKind, State},
};

use crate::{codec, sql::Value};

/// A message that is to wait.
pub(super) struct Waiting<'a> {
    pub(super) invitation: &'a str,
    pub(super) kind: &'a MessageKind,
    /// The version of the invitation that asks for it.
    pub(super) version: u64,
    pub(super) due_at: i64,
}

/// The table and columns that [`Waiting::values`] go into.
pub(super) const INTO: &str = "outbox (organization, invitation, kind, version, due_at, tries, taken)";

/// The clause that keeps at most one message of a kind live for an invitation: a new one starts it anew.
pub(super) const ANEW: &str = "on conflict (organization, invitation, kind) do update set \
    version = excluded.version, due_at = excluded.due_at, tries = 0, taken = 0, taken_until = null";

impl Waiting<'_> {
    pub(super) fn values(&self, organization: &str) -> [Value; 7] {
        [
            organization.into(),
            self.invitation.into(),
            codec::message(self.kind).into(),
            self.version.into(),
            self.due_at.into(),
            0_i64.into(),
            0_i64.into(),
        ]
    }
}

/// The messages that make no sense for an invitation in this state, as a list in SQL; `None` where all do.
pub(super) fn senseless(state: State) -> Option<String> {
    let kinds = [MessageKind::Invitation, MessageKind::Reminder, MessageKind::ApprovalRequested];
    let words: Vec<_> = kinds
        .iter()
        .filter(|kind| !makes_sense(kind, state))
        .map(|kind| format!("'{}'", codec::message(kind)))
        .collect();
    (!words.is_empty()).then(|| format!("({})", words.join(", ")))
}
