//! Applying invitations where users and groups are kept elsewhere.
//!
//! `membership.apply` promises that each step happens at most once for an invitation, for ever. A host
//! that keeps members and log in one database writes both in one commit. Where members are in LDAP or
//! behind SCIM there is no such commit, and a [`GrantLog`] takes its place: it writes the intent before
//! the effect and the result after it, and what a crash or a lost answer leaves between the two is
//! *doubtful* until the directory was looked at again.
//!
//! A host implements [`MemberWriter`] for its directory. [`GrantRecords`] is what its database has to do:
//! guestlist-storage does it on SQLite and PostgreSQL. What holds then, and what to run on a schedule, is in
//! `docs/external-members.md`.
//!
//! # Whose job is what
//!
//! The log does not know who is calling: [`ExternalMembership`] does, and is the `membership` import of such a
//! host. It asks a [`MemberSource`] what has no effects.
//!
//! ```
//! use std::sync::Arc;
//!
//! use guestlist_connect::{
//!     ExternalMembership, GrantLog, GrantRecords, MemberSource, MemberWriter, Options,
//! };
//! use guestlist_contract::host::{Host, Storage};
//!
//! /// `others` answers everything but `membership`.
//! fn host<D: MemberSource + MemberWriter + 'static>(
//!     directory: Arc<D>,
//!     records: Arc<dyn GrantRecords>,
//!     others: Host,
//! ) -> (Host, GrantLog) {
//!     let log = GrantLog::new(directory.clone(), records, Options::default());
//!     let membership = ExternalMembership::new(directory, others.storage.clone(), log.clone());
//!     // The log is for whoever calls `reconcile` every few seconds.
//!     (Host { membership: Arc::new(membership), ..others }, log)
//! }
//! ```

mod apply;
mod close;
mod membership;
mod memory;
mod reconcile;
mod records;
mod writer;

use std::{fmt, sync::Arc, time::Duration};

pub use membership::{ExternalMembership, MemberSource};
pub use memory::MemoryRecords;
pub use reconcile::Reconciled;
pub use records::{GrantRecords, InvitationLog, Progress, Put, Record};
pub use writer::{MemberWriter, Presence, Recipient, Written};

use guestlist_contract::types::{HostError, Step};

/// The choice for a doubtful step whose effect is not there: either the write never happened, or somebody has
/// taken the effect away since. Nobody can tell which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenMissing {
    /// Write it again. An accept that was interrupted is finished; but what an administrator removes
    /// between the write and the `done` in the log comes back once.
    #[default]
    Repeat,
    /// Leave it out for ever (`was-removed`). What an administrator has removed stays removed; but an
    /// accept that was interrupted before its write ends without it, and needs a new invitation.
    LeaveOut,
}

/// The properties of a directory, and what is wanted where it leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A write that was begun has landed and can be seen within this time, or never will. Longer than the
    /// time-out of the directory's client with all its retries; for a directory that lags, longer than
    /// its lag. A doubtful step that is not there is not decided before; what was given up is watched at
    /// least so long.
    pub lands_within: Duration,
    /// The choice for a doubtful step whose effect is not there after that time.
    pub when_missing: WhenMissing,
    /// Look after each write, and take none for done that cannot be seen. Off for a directory that shows
    /// its writes only after a while: then what was written less than `lands_within` ago is not looked
    /// for, and counts as being there.
    pub read_after_write: bool,
}

impl Default for Options {
    /// Ten seconds, repeat, and read after write.
    fn default() -> Self {
        Self {
            lands_within: Duration::from_secs(10),
            when_missing: WhenMissing::Repeat,
            read_after_write: true,
        }
    }
}

/// Gives what invitations promise, through a directory that shares no transaction with the log. Cloning
/// it shares both. See the [module](self).
#[derive(Clone)]
pub struct GrantLog {
    writer: Arc<dyn MemberWriter>,
    records: Arc<dyn GrantRecords>,
    options: Options,
}

impl fmt::Debug for GrantLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantLog").field("options", &self.options).finish_non_exhaustive()
    }
}

impl GrantLog {
    /// A log over a directory and the storage of its own.
    pub fn new(writer: Arc<dyn MemberWriter>, records: Arc<dyn GrantRecords>, options: Options) -> Self {
        Self { writer, records, options }
    }

    /// Tells whether [`close`](Self::close) was called for an invitation: every [`apply`](Self::apply)
    /// answers `closed`.
    ///
    /// # Errors
    /// The log could not be read.
    pub async fn is_closed(&self, organization: &str, invitation: &str) -> Result<bool, HostError> {
        Ok(self.records.read(organization, invitation).await?.closed)
    }

    async fn look(&self, to: &Recipient, steps: &[Step]) -> Result<Vec<Presence>, HostError> {
        let found = self.writer.look(to, steps).await?;
        match found.len() == steps.len() {
            true => Ok(found),
            false => Err(HostError::Other("the directory did not answer each question".into())),
        }
    }

    async fn look_at(&self, to: &Recipient, step: &Step) -> Result<Presence, HostError> {
        let found = self.look(to, std::slice::from_ref(step)).await?;
        Ok(found.first().copied().unwrap_or(Presence::Absent))
    }

    /// Tells whether an applied step is to be taken as being there.
    fn in_force(&self, standing: Standing, found: Presence) -> bool {
        let too_early_to_see = !self.options.read_after_write && standing.age < self.options.lands_within;
        found.may_be_ours() || too_early_to_see
    }

    /// Answers that it is too early: nothing is decided before all writes have landed.
    fn not_yet(&self, age: Duration) -> HostError {
        let rest = self.options.lands_within.saturating_sub(age).as_millis();
        HostError::Unavailable(Some(u64::try_from(rest).unwrap_or(u64::MAX).max(1000)))
    }
}

impl Presence {
    /// Tells whether it is there, and nothing speaks against its being this invitation's: what was written
    /// while nothing was there is taken for its own.
    fn may_be_ours(self) -> bool {
        matches!(self, Self::Unmarked | Self::ThisInvitation)
    }
}

/// The standing of a step in the log.
#[derive(Clone, Copy)]
struct Standing {
    progress: Progress,
    version: u64,
    age: Duration,
}

impl From<&Record> for Standing {
    fn from(record: &Record) -> Self {
        Self { progress: record.progress, version: record.version, age: record.age }
    }
}

impl InvitationLog {
    fn standing(&self, step: &Step) -> Standing {
        let record = self.records.iter().find(|record| record.step == *step);
        let unknown = Standing { progress: Progress::Unwritten, version: 0, age: Duration::ZERO };
        record.map_or(unknown, Standing::from)
    }
}

/// The number of times that a step is looked at anew because somebody else has changed its record meanwhile.
const ROUNDS: usize = 8;

/// The error of a call that has changed something already: it may not say that nothing was applied.
fn after_effects(error: HostError) -> HostError {
    if is_uncertain(&error) { error } else { HostError::OutcomeUnknown }
}

fn is_uncertain(error: &HostError) -> bool {
    matches!(error, HostError::OutcomeUnknown | HostError::Other(_))
}
