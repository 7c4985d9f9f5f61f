//! Names what can go wrong with a database, and what the plugin is told of it.
//!
//! The plugin decides by one word what it does next: `unavailable` promises that nothing was applied, and
//! `outcome-unknown` that it may have been. So the one place that may say `outcome-unknown` is a commit
//! whose answer did not come.

use guestlist_contract::{storage::StoreError, types::HostError};
use guestlist_memory::EventError;

/// The reason why a database cannot be opened, filled or shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The text names no database.
    #[error("`{0}` names no database; write `sqlite:PATH` or `postgres://USER@HOST/NAME`")]
    Url(String),
    /// The database was made by a newer version that this one does not get along with.
    #[error(
        "the database has schema {found}, which needs version {needs} or later of this program, and this is {own}; update this program"
    )]
    Newer {
        /// The schema that the database has.
        found: u32,
        /// The oldest schema whose programs may use it.
        needs: u32,
        /// The newest schema that this program knows.
        own: u32,
    },
    /// The database was never prepared, or by an older version.
    #[error(
        "the database has schema {found} and this program needs {own}; run `guestlist-storage migrate --database URL`"
    )]
    Older {
        /// 0: it is empty.
        found: u32,
        /// The schema that this program needs.
        own: u32,
    },
    /// The database does not answer, is full or read-only, or turned the statement down.
    #[error("{0}")]
    Database(String),
    /// The things that are to be stored cannot be.
    #[error("{0}")]
    Invalid(String),
}

/// The way in which a statement or a transaction failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// The database does not answer. Nothing was applied.
    Away(String),
    /// The database has no room, or nothing may be written. Nothing was applied.
    Unwritable(String),
    /// A conflict with somebody else, who was in the way, and it was rolled back. Worth another try at once.
    Conflict(String),
    /// A row is there already; names the constraint, or the columns where the database has no name for it.
    Duplicate(String),
    /// The commit was sent and its answer did not come.
    CommitUnknown(String),
    /// The stored data is not what this program writes.
    Damaged(String),
    /// The database turned the statement down.
    Refused(String),
    /// A text that no database can hold. Nothing was applied.
    Unstorable(String),
}

/// The reason why an operation ended without its answer. Nothing of it is left.
#[derive(Debug)]
pub(crate) enum Halt {
    /// An error in the words of the contract.
    Store(StoreError),
    /// An error in the words of those who administer people.
    Impossible(EventError),
    /// Settings that contradict each other.
    Contradictory(String),
    Failed(Failure),
}

impl From<EventError> for Halt {
    fn from(error: EventError) -> Self {
        Self::Impossible(error)
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<HostError> for Halt {
    fn from(error: HostError) -> Self {
        Self::Store(StoreError::Host(error))
    }
}

impl Failure {
    /// The text that an operator reads.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Away(text)
            | Self::Unwritable(text)
            | Self::Conflict(text)
            | Self::Duplicate(text)
            | Self::CommitUnknown(text)
            | Self::Damaged(text)
            | Self::Refused(text)
            | Self::Unstorable(text) => text,
        }
    }

    /// The error that the plugin is told.
    pub(crate) fn told(&self) -> HostError {
        match self {
            Self::CommitUnknown(_) => HostError::OutcomeUnknown,
            Self::Unstorable(text) => HostError::Invalid(text.clone()),
            // All others were rolled back. What the words of the database say is for operators.
            _ => HostError::Unavailable(None),
        }
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        Self::Database(failure.text().to_owned())
    }
}

impl From<Halt> for StorageError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Failed(failure) => failure.into(),
            Halt::Impossible(error) => Self::Invalid(error.to_string()),
            Halt::Contradictory(text) => Self::Invalid(text),
            Halt::Store(error) => Self::Database(format!("{error:?}")),
        }
    }
}

impl Halt {
    pub(crate) fn into_store(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            other => StoreError::Host(other.into_host()),
        }
    }

    /// Converts it for functions whose errors are the host's alone.
    pub(crate) fn into_host(self) -> HostError {
        match self {
            Self::Store(StoreError::Host(error)) => error,
            Self::Store(other) => HostError::Other(format!("{other:?}")),
            Self::Impossible(error) => HostError::Invalid(error.to_string()),
            Self::Contradictory(text) => HostError::Invalid(text),
            Self::Failed(failure) => failure.told(),
        }
    }
}
