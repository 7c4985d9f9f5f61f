//! Making and changing the schema, with more rights than a host has.

use tokio_postgres::{Error, Transaction, error::SqlState};

use super::{
    MIGRATIONS,
    error::text,
    session::{Session, check_server, unfit, version},
};
use crate::{Options, StorageError, migrate};

/// Brings the schema to the newest version, all in one transaction. Two who try at once come one after the
/// other, and the second has nothing to do.
pub(crate) async fn migrate(url: &str, options: &Options) -> Result<(u32, u32), StorageError> {
    let session = Session::of(url, options)?;
    let mut client = session.connect().await?;
    check_server(&client).await?;
    let mut transaction = client.transaction().await.map_err(told)?;
    let lock = format!("guestlist migrate {}", session.schema.bare());
    let alone = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
    transaction.execute(alone, &[&lock]).await.map_err(told)?;
    // Whoever waits for a table stops all who come after them: not for long.
    let patience = format!("set local lock_timeout = {}", session.statement.as_millis());
    transaction.batch_execute(&patience).await.map_err(told)?;
    make_role(&mut transaction, &session).await?;
    make_schema(&transaction, &session).await?;
    let versions = make_tables(&transaction, &session).await?;
    transaction.commit().await.map_err(told)?;
    Ok(versions)
}

/// Deletes the schema with all that is in it. The role stays: it belongs to the whole server.
pub(crate) async fn erase(url: &str, options: &Options) -> Result<(), StorageError> {
    let session = Session::of(url, options)?;
    let drop = format!("drop schema if exists {} cascade", session.schema.quoted());
    session.connect().await?.batch_execute(&drop).await.map_err(told)
}

async fn make_role(transaction: &mut Transaction<'_>, session: &Session) -> Result<(), StorageError> {
    let role = &session.role;
    let known = "select rolsuper or rolbypassrls or rolname = current_user from pg_roles where rolname = $1";
    if let Some(found) = transaction.query_opt(known, &[&role.bare()]).await.map_err(told)? {
        let is_unfit: bool = found.try_get(0).map_err(told)?;
        return if is_unfit { Err(unfit(role)) } else { Ok(()) };
    }
    let attempt = transaction.savepoint("role").await.map_err(told)?;
    let made = attempt.batch_execute(&format!("create role {} nologin", role.quoted())).await;
    match made {
        Ok(()) => attempt.commit().await.map_err(told)?,
        // Roles belong to the whole server, where somebody prepares another database.
        Err(error) if is_there(error.code()) => return attempt.rollback().await.map_err(told),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            return Err(StorageError::Database(format!(
                "this user may not make roles; run `create role {0} nologin; grant {0} to` this user, as one who \
                 may, and this again",
                role.quoted()
            )));
        }
        Err(error) => return Err(told(error)),
    }
    // Whoever prepares their own host's database goes on as that role.
    let grant = format!("grant {} to current_user", role.quoted());
    transaction.batch_execute(&grant).await.map_err(told)
}

fn is_there(state: Option<&SqlState>) -> bool {
    matches!(state, Some(&SqlState::DUPLICATE_OBJECT | &SqlState::UNIQUE_VIOLATION))
}

async fn make_schema(transaction: &Transaction<'_>, session: &Session) -> Result<(), StorageError> {
    let schema = &session.schema;
    let known = "select from pg_namespace where nspname = $1";
    if transaction.query_opt(known, &[&schema.bare()]).await.map_err(told)?.is_none() {
        let made = transaction.batch_execute(&format!("create schema {}", schema.quoted())).await;
        made.map_err(|error| match error.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => StorageError::Database(format!(
                "this user may not make schemas in this database; run `create schema {} authorization` this \
                 user, as one who may, and this again",
                schema.quoted()
            )),
            _ => told(error),
        })?;
    }
    let path = format!("set local search_path to {}, pg_temp", schema.quoted());
    transaction.batch_execute(&path).await.map_err(told)
}

async fn make_tables(transaction: &Transaction<'_>, session: &Session) -> Result<(u32, u32), StorageError> {
    let table = "create table if not exists migration (version bigint primary key, needs bigint not null, \
                 applied_at text collate \"C\" not null default to_char(clock_timestamp() at time zone 'utc', \
                 'YYYY-MM-DD HH24:MI:SS'))";
    transaction.batch_execute(table).await.map_err(told)?;
    let state = "select coalesce(max(version), 0), coalesce(max(needs), 0) from migration";
    let row = transaction.query_one(state, &[]).await.map_err(told)?;
    let read = |column| version(row.try_get(column).map_err(told)?);
    let (found, needs) = (read(0)?, read(1)?);
    for migration in migrate::missing(MIGRATIONS, found, needs)? {
        transaction.batch_execute(migration.sql).await.map_err(told)?;
        let note = "insert into migration (version, needs) values ($1, $2)";
        let values = (i64::from(migration.version), i64::from(migration.needs));
        transaction.execute(note, &[&values.0, &values.1]).await.map_err(told)?;
    }
    let grants = include_str!("grants.sql")
        .replace("{schema}", &session.schema.quoted())
        .replace("{role}", &session.role.quoted());
    transaction.batch_execute(&grants).await.map_err(told)?;
    Ok((found, found.max(migrate::own(MIGRATIONS))))
}

fn told(error: Error) -> StorageError {
    StorageError::Database(text(&error))
}
