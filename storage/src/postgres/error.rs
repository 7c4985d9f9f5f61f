//! Tells what became of a statement, by its SQLSTATE.

use std::{error::Error as _, io};

use tokio_postgres::{
    Error,
    error::{DbError as ServerError, Severity},
};

use crate::error::{Cause, DbError, Said};

/// A statement that failed before any commit was sent.
pub(super) fn failure(error: &Error) -> DbError {
    if let Some(said) = error.as_db_error() {
        return of_state(said.code().code(), said.constraint(), cause(said));
    }
    let is_lost = error.is_closed() || error.source().is_some_and(|source| source.is::<io::Error>());
    if is_lost { DbError::Away(text(error).into()) } else { DbError::Refused(text(error).into()) }
}

/// A commit that failed. Where the server says so in an error it was rolled back; where it ends the
/// connection, or says nothing, the commit may be there.
pub(super) fn of_commit(error: &Error) -> DbError {
    let ended =
        |said: &ServerError| matches!(said.parsed_severity(), None | Some(Severity::Fatal | Severity::Panic));
    if error.as_db_error().is_none_or(ended) {
        let known = error.as_db_error().map_or_else(|| text(error).into(), cause);
        return DbError::CommitUnknown(known);
    }
    failure(error)
}

/// Writes it with all its causes. The server's details are left out: they hold values.
pub(super) fn text(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Cause of an error in the server's words, but for its detail, hint and context, which hold values and
/// statements.
fn cause(said: &ServerError) -> Cause {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    // A value that has no meaning for its type is quoted in the message itself.
    let quotes = said.code().code().starts_with("22");
    let message =
        if quotes { "a value was turned down; the server's words quote it" } else { said.message() };
    Cause::said(
        said.message().to_owned(),
        Said {
            code: said.code().code().to_owned(),
            message: message.to_owned(),
            severity: Some(said.severity().to_owned()),
            schema: owned(said.schema()),
            table: owned(said.table()),
            column: owned(said.column()),
            constraint: owned(said.constraint()),
        },
    )
}

fn of_state(state: &str, constraint: Option<&str>, text: Cause) -> DbError {
    match state {
        // A serialization failure, a deadlock, a lock that did not come in time.
        "40001" | "40P01" | "55P03" => DbError::Conflict(text),
        "23505" => match constraint {
            Some(constraint) => DbError::Duplicate(text.told_as(constraint)),
            None => DbError::Duplicate(text),
        },
        "25006" => DbError::Unwritable(text.told_as("the database may only be read")),
        "53100" => DbError::Unwritable(text.told_as("the disk of the database is full")),
        // Too many connections; a transaction that was idle for too long.
        "53300" | "25P03" => DbError::Away(text),
        "XX001" | "XX002" => DbError::Damaged(text),
        _ => match state.get(..2) {
            Some("53") => DbError::Unwritable(text),
            // A connection that failed, somebody who stopped the server or the statement, an error of its disk.
            Some("08" | "57" | "58") => DbError::Away(text),
            _ => DbError::Refused(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_told_as_what_it_means_for_whoever_tries_again() {
        let told = |state| of_state(state, Some("invitation_active"), "it said so".into());
        let text = || Cause::from("it said so");
        for state in ["40001", "40P01", "55P03"] {
            assert_eq!(told(state), DbError::Conflict(text()), "{state}");
        }
        for state in ["08006", "25P03", "53300", "57014", "57P01", "57P02", "57P03", "58030"] {
            assert_eq!(told(state), DbError::Away(text()), "{state}");
        }
        for state in ["25006", "53100", "53200"] {
            assert!(matches!(told(state), DbError::Unwritable(_)), "{state}");
        }
        for state in ["P0001", "23503", "23514", "42501", "42P01", "22P05"] {
            assert_eq!(told(state), DbError::Refused(text()), "{state}");
        }
        assert_eq!(told("23505"), DbError::Duplicate("invitation_active".into()));
        assert_eq!(told("XX001"), DbError::Damaged(text()));
    }
}
