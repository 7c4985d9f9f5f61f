//! Names what can go wrong with a database, and what the plugin is told of it.
//!
//! The plugin decides by one word what it does next: `unavailable` promises that nothing was applied, and
//! `outcome-unknown` that it may have been. So the one place that may say `outcome-unknown` is a commit
//! whose answer did not come.

use guestlist_contract::{rights::Rights, storage::StoreError, types::HostError};
use guestlist_memory::EventError;

use crate::AccountError;

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
        "the database has schema {found} and this program needs {own}; run `guestlist migrate --database URL`"
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
pub(crate) enum DbError {
    /// The database does not answer. Nothing was applied.
    Away(Cause),
    /// The database has no room, or nothing may be written. Nothing was applied.
    Unwritable(Cause),
    /// A conflict with somebody else, who was in the way, and it was rolled back. Worth another try at once.
    Conflict(Cause),
    /// A row is there already; names the constraint, or the columns where the database has no name for it.
    Duplicate(Cause),
    /// The commit was sent and its answer did not come.
    CommitUnknown(Cause),
    /// The stored data is not what this program writes.
    Damaged(Cause),
    /// The database turned the statement down.
    Refused(Cause),
    /// A text that no database can hold. Nothing was applied.
    Unstorable(Cause),
}

/// Cause of a failure: a text for operators, and what the database itself said.
///
/// Texts of this program name tables, columns and types, never what is stored: they are logged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cause {
    text: String,
    said: Option<Box<Said>>,
}

/// Words of a database about a failure. They name parts of the schema and hold no values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// The SQLSTATE, or SQLite's extended code.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) severity: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) constraint: Option<String>,
}

impl Cause {
    /// Keeps what the database said, beside a text for operators.
    pub(crate) fn said(text: String, said: Said) -> Self {
        Self { text, said: Some(Box::new(said)) }
    }

    /// The same with another text for operators.
    pub(crate) fn told_as(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// The text for operators.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Words of the database; absent where it said nothing, or was not asked.
    pub(crate) fn words(&self) -> Option<&Said> {
        self.said.as_deref()
    }

    /// The database's code.
    pub(crate) fn code(&self) -> Option<&str> {
        self.words().map(|said| said.code.as_str())
    }

    /// The database's own words; this program's where it said nothing.
    pub(crate) fn message(&self) -> &str {
        self.words().map_or(&self.text, |said| &said.message)
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self { text, said: None }
    }
}

/// The reason why an operation ended without its answer. Nothing of it is left.
#[derive(Debug)]
pub(crate) enum OperationError {
    /// An error in the words of the contract.
    Store(StoreError),
    /// An error in the words of those who administer people.
    Impossible(EventError),
    /// Settings that contradict each other.
    Contradictory(String),
    /// An error in the words of those who keep accounts.
    Account(AccountError),
    /// The one who asks lacks rights in an organization.
    NotPermitted {
        organization: String,
        lacking: Rights,
    },
    /// The organization would have no administrator any more.
    LastAdministrator(String),
    Failed(DbError),
}

impl From<EventError> for OperationError {
    fn from(error: EventError) -> Self {
        Self::Impossible(error)
    }
}

impl From<DbError> for OperationError {
    fn from(failure: DbError) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for OperationError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<HostError> for OperationError {
    fn from(error: HostError) -> Self {
        Self::Store(StoreError::Host(error))
    }
}

impl DbError {
    /// Cause of the failure.
    pub(crate) fn cause(&self) -> &Cause {
        match self {
            Self::Away(cause)
            | Self::Unwritable(cause)
            | Self::Conflict(cause)
            | Self::Duplicate(cause)
            | Self::CommitUnknown(cause)
            | Self::Damaged(cause)
            | Self::Refused(cause)
            | Self::Unstorable(cause) => cause,
        }
    }

    /// The text that an operator reads.
    pub(crate) fn text(&self) -> &str {
        self.cause().text()
    }

    /// The word of its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Away(_) => "away",
            Self::Unwritable(_) => "unwritable",
            Self::Conflict(_) => "conflict",
            Self::Duplicate(_) => "duplicate",
            Self::CommitUnknown(_) => "commit-unknown",
            Self::Damaged(_) => "damaged",
            Self::Refused(_) => "refused",
            Self::Unstorable(_) => "unstorable",
        }
    }

    /// The error that the plugin is told.
    pub(crate) fn to_host_error(&self) -> HostError {
        match self {
            Self::CommitUnknown(_) => HostError::OutcomeUnknown,
            Self::Unstorable(cause) => HostError::Invalid(cause.text().to_owned()),
            // All others were rolled back. What the words of the database say is for operators, in the log.
            _ => HostError::Unavailable(None),
        }
    }
}

impl From<DbError> for StorageError {
    fn from(failure: DbError) -> Self {
        Self::Database(failure.text().to_owned())
    }
}

impl From<OperationError> for StorageError {
    fn from(halt: OperationError) -> Self {
        match halt {
            OperationError::Failed(failure) => failure.into(),
            OperationError::Impossible(error) => Self::Invalid(error.to_string()),
            OperationError::Contradictory(text) => Self::Invalid(text),
            OperationError::Account(error) => Self::Invalid(error.to_string()),
            OperationError::Store(error) => Self::Database(format!("{error:?}")),
            OperationError::NotPermitted { organization, .. }
            | OperationError::LastAdministrator(organization) => {
                Self::Invalid(format!("organization `{organization}` does not allow that"))
            }
        }
    }
}

impl OperationError {
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
            Self::Account(error) => HostError::Invalid(error.to_string()),
            Self::NotPermitted { organization, .. } | Self::LastAdministrator(organization) => {
                HostError::Denied(format!("organization `{organization}` does not allow that"))
            }
            Self::Failed(failure) => failure.to_host_error(),
        }
    }
}
