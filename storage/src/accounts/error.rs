//! The reasons why something was not done.

use guestlist_contract::{rights::Rights, storage::StoreError, types::HostError};

use crate::{
    StorageError,
    error::{DbError, OperationError},
};

/// The reason why a change of accounts was not made, or a list has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// There is nothing of the kind. Nothing was changed.
    #[error("{0}")]
    NotFound(String),
    /// The account or client may not sign in. Nothing was changed.
    #[error("it is disabled, revoked or expired")]
    NotActive,
    /// Somebody else has or had it; choose another. Nothing was changed.
    #[error("{0}")]
    Taken(String),
    /// What was asked is malformed or beyond a limit; the text says which. Nothing was changed.
    #[error("{0}")]
    Invalid(String),
    /// The one who asks lacks a right: one that the change needs, or that the account or client has which it is
    /// about. Nothing was changed.
    #[error("that needs rights in organization `{organization}` which the one who asks lacks: {lacking}")]
    NotPermitted {
        /// The organization in which they would need them.
        organization: String,
        /// The rights that they lack.
        lacking: Rights,
    },
    /// The cursor is none that this database gave for this list and filter; begin with the first page.
    #[error("the cursor is none of this list; begin with the first page")]
    InvalidCursor,
    /// The database did not make it. Nothing was changed.
    #[error("nothing was changed: {0}")]
    Database(String),
    /// The database did not answer the commit, so that it may have been made: look, and do it again if not.
    #[error("it may have been changed or not, look before you try again: {0}")]
    Unknown(String),
}

impl AccountError {
    /// Its word in the log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::NotActive => "not-active",
            Self::Taken(_) => "taken",
            Self::Invalid(_) => "invalid",
            Self::NotPermitted { .. } => "not-permitted",
            Self::InvalidCursor => "invalid-cursor",
            Self::Database(_) => "unavailable",
            Self::Unknown(_) => "outcome-unknown",
        }
    }
}

impl From<AccountError> for OperationError {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl From<OperationError> for AccountError {
    fn from(halt: OperationError) -> Self {
        match halt {
            OperationError::Account(error) => error,
            OperationError::NotPermitted { organization, lacking } => {
                Self::NotPermitted { organization, lacking }
            }
            OperationError::Store(StoreError::InvalidCursor) => Self::InvalidCursor,
            OperationError::Store(StoreError::Host(HostError::Invalid(text))) => Self::Invalid(text),
            OperationError::Failed(DbError::CommitUnknown(cause)) => Self::Unknown(cause.text().to_owned()),
            OperationError::Failed(DbError::Unstorable(cause)) => Self::Invalid(cause.text().to_owned()),
            other => Self::Database(StorageError::from(other).to_string()),
        }
    }
}
