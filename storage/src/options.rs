//! Options for the use of a database.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::{Clock, Observer};

/// Options for the use of a database.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The clock that time comes from.
    pub clock: Clock,
    /// Connections at the same time; of SQLite, those that only read. 8 by default.
    pub connections: usize,
    /// The longest wait for a connection, for a lock, or for SQLite's one writer; 1 second by default.
    pub patience: Duration,
    /// The largest that the file may become, in bytes: beyond it every write is answered `unavailable`, as
    /// on a full disk. No limit by default. SQLite alone.
    pub most_bytes: Option<u64>,
    /// The key that seals the cursors of lists; by default one that the database has made for itself.
    pub cursor_key: Option<[u8; 32]>,
    /// The key that the digests are made with that stand for refused names in the audit trail; by default one
    /// that the database has made for itself. Whoever has it can find the events of a name.
    pub name_key: Option<[u8; 32]>,
    /// The one who hears of each statement; nobody by default.
    pub observer: Observer,
    /// The runtime in which connections and transactions run; that of the caller by default. A transaction
    /// that was begun is ended there, also when nobody waits for its answer any more. PostgreSQL alone.
    pub runtime: Option<Handle>,
    /// The longest that one statement may take; 5 seconds by default. PostgreSQL alone.
    pub statement: Duration,
    /// The schema that the tables are in; `guestlist` by default. PostgreSQL alone.
    pub schema: String,
    /// The role that calls are answered with: it owns no table, so that row-level security holds for it;
    /// `guestlist_host` by default. PostgreSQL alone.
    pub role: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::Machine,
            connections: 8,
            patience: Duration::from_secs(1),
            most_bytes: None,
            cursor_key: None,
            name_key: None,
            observer: Observer::default(),
            runtime: None,
            statement: Duration::from_secs(5),
            schema: "guestlist".into(),
            role: "guestlist_host".into(),
        }
    }
}
