//! Logs what operators see of a database: a span for each operation, and an event for each that failed or
//! was tried again. Neither holds arguments, rows, or anything else that is stored.

use std::sync::Arc;

use guestlist_contract::{ErrorCase, Failed as _, host::Call};
use tracing::Span;

use crate::{
    Kind,
    error::{Cause, DbError, OperationError},
    sql::Operation,
};

/// An operation, and who asks for it.
#[derive(Debug)]
pub(crate) struct Asked {
    database: &'static str,
    operation: &'static str,
    /// The export that runs, where it is done within a call.
    call: Option<&'static str>,
    request_id: Option<String>,
    organization: Option<String>,
}

/// An event of this level, with what all events have in common.
macro_rules! tell {
    ($level:ident, $asked:expr, $cause:expr, { $($field:ident = $value:expr),* }, $text:literal) => {{
        let (asked, cause): (&Asked, Option<&Cause>) = ($asked, $cause);
        let said = cause.and_then(Cause::words);
        let code = said.map(|said| said.code.as_str());
        let is_sqlite = asked.database == SQLITE;
        tracing::$level!(
            database = asked.database,
            operation = asked.operation,
            call = asked.call,
            organization = asked.organization.as_deref(),
            request_id = asked.request_id.as_deref(),
            $($field = $value,)*
            sqlstate = code.filter(|_| !is_sqlite),
            sqlite_code = code.filter(|_| is_sqlite),
            severity = said.and_then(|said| said.severity.as_deref()),
            schema = said.and_then(|said| said.schema.as_deref()),
            table = said.and_then(|said| said.table.as_deref()),
            column = said.and_then(|said| said.column.as_deref()),
            constraint = said.and_then(|said| said.constraint.as_deref()),
            cause = cause.map(Cause::message),
            $text
        );
    }};
}

const SQLITE: &str = "sqlite";

impl Asked {
    pub(crate) fn new<O: Operation>(kind: Kind, call: Option<&Call>, operation: &O) -> Arc<Self> {
        let of_call = || call.and_then(|call| call.context.organization.clone());
        Arc::new(Self {
            database: match kind {
                Kind::Sqlite => SQLITE,
                Kind::Postgres => "postgres",
            },
            operation: O::NAME,
            call: call.map(|call| call.operation.name()),
            request_id: call.map(|call| call.context.request_id.clone()),
            organization: operation.scope().organization.or_else(of_call),
        })
    }

    /// Makes the span of the operation, with all its tries.
    pub(crate) fn span(&self) -> Span {
        tracing::debug_span!(
            "storage",
            database = self.database,
            operation = self.operation,
            call = self.call,
            organization = self.organization.as_deref(),
            request_id = self.request_id.as_deref(),
        )
    }

    /// Tells that it is tried again, after so many tries.
    pub(crate) fn again(&self, failure: &DbError, tried: u32) {
        tell!(debug, self, Some(failure.cause()), { failure = failure.kind(), tried = tried },
            "somebody else was in the way; the transaction was rolled back and is tried again");
    }

    /// Tells that a rollback had no answer. The end of the connection is one.
    pub(crate) fn not_rolled_back(&self, failure: &DbError) {
        tell!(
            debug,
            self,
            Some(failure.cause()),
            { failure = failure.kind() },
            "a rollback was not answered; the connection is closed instead"
        );
    }

    /// Tells how it has ended, where it did not go well.
    pub(crate) fn ended<T>(&self, done: &Result<T, OperationError>) {
        let halt = match done {
            Ok(_) => return,
            Err(halt) => halt,
        };
        let refused = |outcome: &str| {
            tell!(
                debug,
                self,
                None,
                { outcome = outcome },
                "the operation was refused; its transaction was rolled back"
            );
        };
        match halt {
            OperationError::Failed(failure) => {
                let (cause, outcome) = (failure.cause(), failure.to_host_error().case());
                if matches!(failure, DbError::CommitUnknown(_)) {
                    tell!(warn, self, Some(cause), { outcome = outcome.name(), failure = failure.kind() },
                        "nobody knows whether the transaction was committed");
                } else {
                    tell!(warn, self, Some(cause), { outcome = outcome.name(), failure = failure.kind() },
                        "the operation failed; its transaction was rolled back");
                }
            }
            OperationError::Store(error) => refused(ErrorCase::name(error.case())),
            OperationError::Impossible(_) => refused("impossible"),
            OperationError::Contradictory(_) => refused("contradictory"),
            OperationError::Account(error) => refused(error.name()),
            OperationError::NotPermitted { .. } => refused("not-permitted"),
            OperationError::LastAdministrator(_) => refused("last-administrator"),
        }
    }
}

/// Tells that the instant at which later transactions begin was not written down; the next one tries again.
pub(crate) fn floor_not_raised(failure: &DbError) {
    let cause = failure.cause();
    tracing::debug!(
        database = "postgres",
        failure = failure.kind(),
        sqlstate = cause.code(),
        cause = cause.message(),
        "the store's time was not written down; the next transaction tries again"
    );
}
