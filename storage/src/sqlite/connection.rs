//! One transaction on one connection.

use std::{borrow::Cow, time::Instant};

use futures_util::FutureExt as _;
use rusqlite::{
    ErrorCode, StatementStatus, ToSql, ffi,
    types::{ToSqlOutput, ValueRef},
};

use super::Shared;
use crate::{
    Clock,
    clock::RAISED_EVERY,
    error::{Cause, DbError, OperationError, Said},
    log::Asked,
    sql::{Connection, Operation, Row, Value, storable},
};

/// Performs an operation in one transaction.
pub(super) fn begin<O: Operation>(
    connection: &mut rusqlite::Connection,
    operation: &O,
    shared: &Shared,
    asked: &Asked,
) -> Result<O::Output, OperationError> {
    connection
        .execute_batch(if O::READS { "begin deferred" } else { "begin immediate" })
        .map_err(|error| failure(&error))?;
    let mut inside = Inside { connection, shared, now: 0 };
    let ended = inside.tell_time(O::READS).map_err(OperationError::from).and_then(|()| {
        // Nothing in here waits: each statement has ended when its call returns.
        let ended = operation.run(&mut inside).now_or_never();
        ended.unwrap_or_else(|| Err(DbError::Refused("an operation waited inside of SQLite".into()).into()))
    });
    let done = match ended {
        Ok(output) => connection.execute_batch("commit").map(|()| output).map_err(|error| committed(&error)),
        Err(halt) => Err(halt),
    };
    if done.is_err() && !connection.is_autocommit() {
        // Why it was to be rolled back says more than why it was not.
        let rolled_back = connection.execute_batch("rollback").map_err(|error| failure(&error));
        rolled_back.inspect_err(|failure| asked.not_rolled_back(failure))?;
    }
    done
}

/// A commit that could not be written to the disk may be there after the next start.
fn committed(error: &rusqlite::Error) -> OperationError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => DbError::CommitUnknown(cause(error)).into(),
        _ => failure(error).into(),
    }
}

/// A connection inside of a transaction.
struct Inside<'a> {
    connection: &'a mut rusqlite::Connection,
    shared: &'a Shared,
    now: i64,
}

impl Inside<'_> {
    fn tell_time(&mut self, reads: bool) -> Result<(), DbError> {
        let Shared { clock, latest, .. } = self.shared;
        // Whoever moves it answers for it.
        if let Clock::Moved(_) = clock {
            self.now = clock.shows();
            return Ok(());
        }
        let floor = self.query("select instant from floor", &[])?;
        let floor = floor.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        self.now = latest.at_least(clock.shows().max(floor));
        if !reads && self.now.saturating_sub(floor) >= RAISED_EVERY {
            self.update("update floor set instant = $1", &[Value::Integer(self.now)])?;
        }
        Ok(())
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        storable(values)?;
        self.observed(sql, |statement| {
            let columns = statement.column_count();
            let mut found = statement.query(rusqlite::params_from_iter(values))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let value = |column| row.get_ref(column).map(Value::from);
                rows.push(Row((0..columns).map(value).collect::<Result<_, _>>()?));
            }
            Ok((rows.len() as u64, rows))
        })
    }

    fn update(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        storable(values)?;
        self.observed(sql, |statement| {
            let changed = statement.execute(rusqlite::params_from_iter(values))? as u64;
            Ok((changed, changed))
        })
    }

    /// Runs a statement and tells of it; `run` answers with the rows that it concerned, too.
    fn observed<T>(
        &self,
        sql: &str,
        run: impl FnOnce(&mut rusqlite::Statement<'_>) -> rusqlite::Result<(u64, T)>,
    ) -> Result<T, DbError> {
        let begun = Instant::now();
        let mut steps = 0;
        let ended = self.connection.prepare_cached(&numbered(sql)).and_then(|mut statement| {
            let ended = run(&mut statement);
            steps = u64::try_from(statement.reset_status(StatementStatus::VmStep)).unwrap_or_default();
            ended
        });
        let ended = ended.map_err(|error| failure(&error));
        let rows = ended.as_ref().map(|(rows, _)| *rows);
        self.shared.observer.tell(sql, begun, rows, Some(steps));
        ended.map(|(_, answer)| answer)
    }
}

/// SQLite numbers its values with a question mark.
fn numbered(sql: &str) -> Cow<'_, str> {
    if sql.contains('$') { Cow::Owned(sql.replace('$', "?")) } else { Cow::Borrowed(sql) }
}

impl Connection for Inside<'_> {
    async fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        self.query(sql, values)
    }

    async fn change(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        self.update(sql, values)
    }

    fn now(&self) -> i64 {
        self.now
    }

    /// Answers `now`: nobody waits for a row here, because whoever writes is alone.
    fn clock(&self, now: &str) -> String {
        now.to_owned()
    }

    fn for_update(&self) -> &'static str {
        ""
    }

    fn for_update_skip_locked(&self) -> &'static str {
        ""
    }

    fn find(&self, text: &str, part: &str) -> String {
        format!("instr({text}, {part})")
    }

    fn random(&self) -> &'static str {
        "randomblob(32)"
    }

    async fn advisory_lock(&mut self, _: &str) -> Result<(), DbError> {
        Ok(())
    }

    /// It does so by itself: there is nothing else that it could do.
    async fn by_index(&mut self) -> Result<(), DbError> {
        Ok(())
    }

    /// Its planner goes by the indexes alone.
    async fn analyze(&mut self, _: &[&str]) -> Result<(), DbError> {
        Ok(())
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            // Nothing is stored with a fraction.
            ValueRef::Real(number) => Self::Text(number.to_string()),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Cause of an error in SQLite's words: its extended code, and a text that names tables and columns only.
fn cause(error: &rusqlite::Error) -> Cause {
    use rusqlite::Error::{SqlInputError, SqliteFailure};
    let text = error.to_string();
    let (inner, message) = match error {
        SqliteFailure(inner, message) => (inner, message.as_ref()),
        // The text of the error has the whole statement in it.
        SqlInputError { error, msg, .. } => (error, Some(msg)),
        _ => return text.into(),
    };
    let message = message.unwrap_or(&text).clone();
    Cause::said(text, Said { code: inner.extended_code.to_string(), message, ..Said::default() })
}

/// Tells what became of a statement.
pub(super) fn failure(error: &rusqlite::Error) -> DbError {
    let text = cause(error);
    let rusqlite::Error::SqliteFailure(inner, _) = error else { return DbError::Refused(text) };
    match inner.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Conflict(text),
        ErrorCode::DiskFull => DbError::Unwritable(text.told_as("the disk of the database is full")),
        ErrorCode::ReadOnly => DbError::Unwritable(text.told_as("the database may only be read")),
        ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied => {
            DbError::Away(text)
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => DbError::Damaged(text),
        ErrorCode::ConstraintViolation => match inner.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => DbError::Duplicate(text),
            _ => DbError::Refused(text),
        },
        _ => DbError::Refused(text),
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_sqlite_becomes_a_promise() {
        let told = |code| failure(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_BUSY_SNAPSHOT] {
            assert!(matches!(told(code), DbError::Conflict(_)), "{code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_READONLY, ffi::SQLITE_READONLY_DBMOVED] {
            assert!(matches!(told(code), DbError::Unwritable(_)), "{code}");
        }
        for code in [ffi::SQLITE_CANTOPEN, ffi::SQLITE_IOERR, ffi::SQLITE_PERM] {
            assert!(matches!(told(code), DbError::Away(_)), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
            assert!(matches!(told(code), DbError::Damaged(_)), "{code}");
        }
        for code in [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY] {
            assert!(matches!(told(code), DbError::Duplicate(_)), "{code}");
        }
        for code in [ffi::SQLITE_CONSTRAINT_TRIGGER, ffi::SQLITE_CONSTRAINT_CHECK, ffi::SQLITE_ERROR] {
            assert!(matches!(told(code), DbError::Refused(_)), "{code}");
        }
        let lost = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None);
        assert!(matches!(committed(&lost), OperationError::Failed(DbError::CommitUnknown(_))));
    }
}
