//! The log's own storage: what was begun and what became of it.
//!
//! Each function is one statement or one short transaction of a database. All that has to be atomic is in
//! [`GrantRecords::put`], a compare-and-set on the version of one record which also looks whether the
//! invitation is closed.

use std::time::Duration;

use async_trait::async_trait;

use super::Recipient;
use guestlist_contract::types::{HostError, Step};

/// The stages that a step goes through.
///
/// ```text
///                      ┌──────── surely not written ───────┐
///                      ▼                                   │
///   (no record) ──▶ Unwritten ──▶ Doubtful (intent) ───────┴──▶ Applied ──▶ Removed
///                                     │
///                                     └──▶ GivenUp ──▶ Settled
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing of the step was written. No record at all means the same.
    Unwritten,
    /// The intent: a write was begun while nothing was there. Whether it landed is not known.
    Doubtful,
    /// The step was seen there after a write of this invitation.
    Applied,
    /// The step was applied, and was seen taken away since. It is never applied again.
    Removed,
    /// The doubt is no longer waited for. It is never applied any more; should it land late, it is taken
    /// back.
    GivenUp,
    /// Given up, and too long ago for anything to land.
    Settled,
}

/// A step in the log.
#[derive(Clone, Debug)]
pub struct Record {
    /// The recipient whom it is for.
    pub to: Recipient,
    /// The step.
    pub step: Step,
    /// The stage that it has come to.
    pub progress: Progress,
    /// 1 at first; grows by one with each change.
    pub version: u64,
    /// The time since it was last changed, by the clock of the storage.
    pub age: Duration,
}

/// Everything that the log knows of one invitation.
#[derive(Clone, Debug, Default)]
pub struct InvitationLog {
    /// Tells whether nothing may be begun for it any more.
    pub closed: bool,
    /// Its records, in the order in which they were made.
    pub records: Vec<Record>,
}

/// The outcome of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The change was made.
    Written,
    /// The change was not made: the record has another version.
    Stale,
    /// The change was not made: the invitation is closed, and this would have begun something.
    Closed,
}

/// Durable storage of the grant log.
///
/// Records are kept as long as their invitation is: they go when the host purges it, and not while
/// [`watched`](Self::watched) still names one of them. A change is answered when it is durable. Errors are
/// those of the contract: `unavailable` promises that nothing was changed.
///
/// `Database::grant_records` of guestlist-storage is one for SQLite and PostgreSQL, [`MemoryRecords`] one
/// for tests.
///
/// [`MemoryRecords`]: crate::MemoryRecords
#[async_trait]
pub trait GrantRecords: Send + Sync {
    /// Reads what is known of an invitation. An unknown one has nothing, and is not closed.
    async fn read(&self, organization: &str, invitation: &str) -> Result<InvitationLog, HostError>;

    /// Finds those of [`watched`](Self::watched) that are the same user's in the same organization, on
    /// account of other invitations than `to`'s.
    async fn leftovers(&self, to: &Recipient) -> Result<Vec<Record>, HostError>;

    /// Sets the progress of a step, if its version is still `seen` (0: it has no record). With
    /// [`Progress::Doubtful`] it is refused for a closed invitation, in the same atomic step: after
    /// [`close`](Self::close) was answered, no such put succeeds.
    ///
    /// In SQL: lock the row of the invitation, then
    /// `insert .. on conflict do nothing` or `update .. set version = version + 1 where version = $seen`.
    async fn put(&self, to: &Recipient, step: &Step, seen: u64, progress: Progress)
    -> Result<Put, HostError>;

    /// Closes an invitation, for ever, whether it is known or not. Idempotent.
    async fn close(&self, organization: &str, invitation: &str) -> Result<(), HostError>;

    /// Finds what may still land though nobody may keep it, longest unchanged first: records that are [given
    /// up](Progress::GivenUp), and [doubtful](Progress::Doubtful) ones of closed invitations. At most
    /// `limit`.
    async fn watched(&self, organization: &str, limit: usize) -> Result<Vec<Record>, HostError>;
}
