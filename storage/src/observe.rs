//! Hearing of each statement: for a log of slow ones, or a histogram.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::error::DbError;

/// A statement that has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Statement<'a> {
    /// Its text. Values are numbered in it and never shown.
    pub sql: &'a str,
    /// The time that it took; with PostgreSQL, the way there and back included.
    pub took: Duration,
    /// Rows that it found or changed; absent where it failed.
    pub rows: Option<u64>,
    /// The instructions that SQLite's machine has executed for it, which are the same on every computer;
    /// absent with PostgreSQL.
    pub steps: Option<u64>,
    /// The error; absent where it did not fail.
    pub error: Option<StatementError<'a>>,
}

/// Cause of a failed statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementError<'a> {
    /// PostgreSQL's SQLSTATE, or SQLite's extended result code as a number; absent where the database did not
    /// answer.
    pub code: Option<&'a str>,
    /// The database's own words, or this program's where it said nothing. They name tables and constraints,
    /// and quote nothing that is stored.
    pub message: &'a str,
}

/// The one who hears of each statement, on the thread that ran it: whatever takes long there holds up the
/// database. By default nobody.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Hearing>>);

type Hearing = dyn Fn(&Statement<'_>) + Send + Sync;

impl Observer {
    /// Lets this function hear of each statement.
    #[must_use]
    pub fn new(hears: impl Fn(&Statement<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hears)))
    }

    /// Tells of a statement that began at `begun` and has ended. `rows`: what came of it.
    pub(crate) fn tell(&self, sql: &str, begun: Instant, rows: Result<u64, &DbError>, steps: Option<u64>) {
        if let Some(hears) = &self.0 {
            let error = rows.err().map(DbError::cause);
            let error = error.map(|cause| StatementError { code: cause.code(), message: cause.message() });
            hears(&Statement { sql, took: begun.elapsed(), rows: rows.ok(), steps, error });
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(if self.0.is_some() { "Observer" } else { "nobody" })
    }
}
