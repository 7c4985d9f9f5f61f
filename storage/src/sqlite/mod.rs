//! SQLite: one file, one process or several, no set-up.
//!
//! One thread writes and some read; each has a connection of its own. Writing transactions begin with
//! `BEGIN IMMEDIATE`: one that began by reading would lose its place to another writer when it came to
//! write. `synchronous=FULL` makes an answer that was given survive a loss of power.

mod connection;
mod threads;

use std::{path::Path, sync::Arc};

use rusqlite::OpenFlags;
use tracing::Span;

use self::{
    connection::{begin, failure},
    threads::Threads,
};
use crate::{
    Clock, Observer, Options, StorageError,
    clock::Latest,
    error::{DbError, OperationError},
    log::Asked,
    migrate::{self, Migration},
    sql::Operation,
};

const MIGRATIONS: &[Migration] = &[Migration { version: 1, needs: 1, sql: include_str!("0001.sql") }];

/// The number of times that a transaction is tried that somebody else was in the way of.
const TRIES: u32 = 5;

/// The threads of one file.
#[derive(Debug)]
pub(crate) struct Pool {
    writer: Threads,
    readers: Threads,
    shared: Shared,
}

/// The things that all transactions of a file share.
#[derive(Clone, Debug)]
struct Shared {
    clock: Clock,
    latest: Arc<Latest>,
    observer: Observer,
}

fn connect(path: &str, options: &Options) -> Result<rusqlite::Connection, DbError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(|error| failure(&error))?;
    connection.set_prepared_statement_cache_capacity(256);
    let set = |connection: &rusqlite::Connection| -> rusqlite::Result<()> {
        connection.busy_timeout(options.patience)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        if let Some(bytes) = options.most_bytes {
            let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes / page.max(1)).unwrap_or(i64::MAX).max(1);
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        Ok(())
    };
    set(&connection).map_err(|error| failure(&error))?;
    Ok(connection)
}

/// Makes or migrates the file.
pub(crate) fn migrate(path: &str, options: &Options) -> Result<(u32, u32), StorageError> {
    migrate_with(path, options, MIGRATIONS)
}

fn migrate_with(path: &str, options: &Options, known: &[Migration]) -> Result<(u32, u32), StorageError> {
    let mut connection = connect(path, options).map_err(|failure| cannot_open(path, &failure))?;
    let told = |error: rusqlite::Error| StorageError::from(failure(&error));
    // The schema is looked at by the one who may change it, or two would do so at once.
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(told)?;
    let table = "create table if not exists migration (version integer primary key, needs integer not null, \
                 applied_at text not null default current_timestamp) strict";
    transaction.execute_batch(table).map_err(told)?;
    let state = "select coalesce(max(version), 0), coalesce(max(needs), 0) from migration";
    let (found, needs) = transaction
        .query_row(state, [], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)))
        .map_err(told)?;
    for migration in migrate::missing(known, found, needs)? {
        transaction.execute_batch(migration.sql).map_err(told)?;
        transaction
            .execute(
                "insert into migration (version, needs) values (?1, ?2)",
                (migration.version, migration.needs),
            )
            .map_err(told)?;
    }
    transaction.commit().map_err(told)?;
    Ok((found, found.max(migrate::own(known))))
}

/// Deletes the file, and what SQLite keeps beside it.
pub(crate) fn erase(path: &str) -> Result<(), StorageError> {
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{path}{suffix}");
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StorageError::Database(format!("`{file}` cannot be deleted: {error}")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn cannot_open(path: &str, failure: &DbError) -> StorageError {
    StorageError::Database(format!("`{path}` cannot be opened: {}", failure.text()))
}

impl Pool {
    pub(crate) fn open(path: &str, options: &Options) -> Result<Self, StorageError> {
        if Path::new(path).is_dir() {
            return Err(StorageError::Database(format!("`{path}` is a folder; name a file in it")));
        }
        migrate(path, options)?;
        let connections = |count: usize| {
            (0..count).map(|_| connect(path, options)).collect::<Result<Vec<_>, _>>().map(Threads::of)
        };
        Ok(Self {
            writer: connections(1)?,
            readers: connections(options.connections.max(1))?,
            shared: Shared {
                clock: options.clock.clone(),
                latest: Arc::default(),
                observer: options.observer.clone(),
            },
        })
    }

    pub(crate) async fn perform<O: Operation>(
        &self,
        operation: O,
        asked: Arc<Asked>,
    ) -> Result<O::Output, OperationError> {
        let (shared, span) = (self.shared.clone(), Span::current());
        let threads = if O::READS { &self.readers } else { &self.writer };
        let job = move |connection: &mut rusqlite::Connection| {
            let _within = span.enter();
            let mut tried = 0;
            loop {
                tried += 1;
                match begin(connection, &operation, &shared, &asked) {
                    Err(OperationError::Failed(failure @ DbError::Conflict(_))) if tried < TRIES => {
                        asked.again(&failure, tried);
                    }
                    ended => return ended,
                }
            }
        };
        threads.run(job).await.unwrap_or_else(|| {
            Err(OperationError::Failed(DbError::Damaged("the thread of the database has ended".into())))
        })
    }
}
