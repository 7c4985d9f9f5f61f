//! Hearing of each statement: for a log of slow ones, or a histogram.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

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
    pub(crate) fn tell<E>(&self, sql: &str, begun: Instant, rows: &Result<u64, E>, steps: Option<u64>) {
        if let Some(hears) = &self.0 {
            let rows = rows.as_ref().ok().copied();
            hears(&Statement { sql, took: begun.elapsed(), rows, steps });
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(if self.0.is_some() { "Observer" } else { "nobody" })
    }
}
