//! Sets up every connection, before anything is asked of it.

use std::time::Duration;

use tokio_postgres::{Client, error::SqlState};

use super::{MIGRATIONS, error, tls::Connector};
use crate::{Options, StorageError, migrate};

/// The oldest server that this was tried with.
const OLDEST_SERVER: i32 = 150_000;

/// The way in which connections are made, and what each is set to.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) connector: Connector,
    pub(super) schema: Name,
    pub(super) role: Name,
    pub(super) patience: Duration,
    pub(super) statement: Duration,
}

/// A name that may stand in a statement, within quotation marks.
#[derive(Clone, Debug)]
pub(super) struct Name(String);

impl Name {
    fn of(what: &str, name: &str) -> Result<Self, StorageError> {
        let is_start = |first: char| first.is_ascii_lowercase() || first == '_';
        let is_rest = |next: char| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '_';
        let is_taken = name.starts_with("pg_") || matches!(name, "public" | "none");
        if name.len() > 63 || !name.starts_with(is_start) || !name.chars().all(is_rest) || is_taken {
            return Err(StorageError::Invalid(format!(
                "`{name}` cannot be the {what}; use up to 63 of a-z, 0-9 and _, with no digit and no pg_ at its \
                 start, and neither `public` nor `none`"
            )));
        }
        Ok(Self(name.to_owned()))
    }

    pub(super) fn bare(&self) -> &str {
        &self.0
    }

    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Session {
    pub(super) fn of(url: &str, options: &Options) -> Result<Self, StorageError> {
        let mut connector = Connector::of(url)?;
        if connector.config.get_application_name().is_none() {
            connector.config.application_name("guestlist");
        }
        let at_least = |wait: Duration| wait.max(Duration::from_millis(1));
        Ok(Self {
            connector,
            schema: Name::of("schema", &options.schema)?,
            role: Name::of("role", &options.role)?,
            // To PostgreSQL none at all would be for ever.
            patience: at_least(options.patience),
            statement: at_least(options.statement),
        })
    }

    /// A connection outside of any pool, as the user of the URL.
    pub(super) async fn connect(&self) -> Result<Client, StorageError> {
        let Connector { config, tls } = &self.connector;
        let connecting = tokio::time::timeout(self.patience, config.connect(tls.clone()));
        let (client, connection) = connecting
            .await
            .map_err(|_| away("it did not answer in time"))?
            .map_err(|error| away(&self.connector.text(&error)))?;
        // It ends with its client, which is told of each error.
        tokio::spawn(connection);
        Ok(client)
    }

    /// The longest time that the server lets pass before it answers a statement, or something is wrong with
    /// it.
    pub(super) fn answer(&self) -> Duration {
        self.statement + self.patience
    }

    /// Makes a new connection one that calls can be answered with.
    pub(super) async fn prepare(&self, client: &Client) -> Result<(), StorageError> {
        let preparing = async {
            self.set(client).await?;
            self.check(client).await
        };
        tokio::time::timeout(self.answer(), preparing)
            .await
            .unwrap_or_else(|_| Err(away("it did not answer in time")))
    }

    async fn set(&self, client: &Client) -> Result<(), StorageError> {
        // Temporary tables come last, so that none can stand in for a table of the schema. Statements are
        // planned once: each looks things up by the same index whatever is asked for, and planning takes
        // longer than that.
        let settings = format!(
            "set search_path to {schema}, pg_temp; set plan_cache_mode = force_generic_plan; \
             set statement_timeout = {statement}; \
             set lock_timeout = {patience}; set idle_in_transaction_session_timeout = {statement}; \
             set role {role}",
            schema = self.schema.quoted(),
            role = self.role.quoted(),
            statement = self.statement.as_millis(),
            patience = self.patience.as_millis(),
        );
        client.batch_execute(&settings).await.map_err(|error| match error.code() {
            // There is no such role.
            Some(&SqlState::INVALID_PARAMETER_VALUE) => unprepared(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => StorageError::Database(format!(
                "this user may not act as the role `{0}`; run `grant {1} to` this user",
                self.role.bare(),
                self.role.quoted()
            )),
            _ => StorageError::Database(error::text(&error)),
        })
    }

    async fn check(&self, client: &Client) -> Result<(), StorageError> {
        let state = "select coalesce(max(version), 0), coalesce(max(needs), 0), \
             current_setting('synchronous_commit'), \
             (select rolsuper or rolbypassrls from pg_roles where rolname = current_user), \
             (select pg_get_userbyid(relowner) = current_user from pg_class where oid = 'migration'::regclass) \
             from migration";
        let rows = client.query_typed(state, &[]).await.map_err(|error| match error.code() {
            Some(&SqlState::UNDEFINED_TABLE) => unprepared(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => StorageError::Database(format!(
                "the role `{}` may not use the schema `{}`; run `guestlist migrate` with this role",
                self.role.bare(),
                self.schema.bare()
            )),
            _ => StorageError::Database(error::text(&error)),
        })?;
        let row = rows.first().ok_or_else(unprepared)?;
        let read = |error| StorageError::Database(error::text(&error));
        let (found, needs): (i64, i64) = (row.try_get(0).map_err(read)?, row.try_get(1).map_err(read)?);
        migrate::admit(MIGRATIONS, version(found)?, version(needs)?)?;
        let durable: String = row.try_get(2).map_err(read)?;
        if durable == "off" {
            return Err(StorageError::Database(
                "`synchronous_commit` is off, so that an answer could be lost with the power; switch it on for \
                 this user with `alter role USER set synchronous_commit = on`"
                    .into(),
            ));
        }
        let (above, owns): (bool, bool) = (row.try_get(3).map_err(read)?, row.try_get(4).map_err(read)?);
        if above || owns {
            return Err(unfit(&self.role));
        }
        Ok(())
    }
}

/// Refuses servers that cannot hold the schema.
pub(super) async fn check_server(client: &Client) -> Result<(), StorageError> {
    let state = "select current_setting('server_version_num')::integer, current_setting('server_encoding'), \
                 current_setting('server_version')";
    let told = |error| StorageError::Database(error::text(&error));
    let row = client.query_one(state, &[]).await.map_err(told)?;
    let (number, encoding): (i32, String) = (row.try_get(0).map_err(told)?, row.try_get(1).map_err(told)?);
    if number < OLDEST_SERVER {
        let shown: String = row.try_get(2).map_err(told)?;
        return Err(StorageError::Database(format!(
            "the server is PostgreSQL {shown}; use {} or later",
            OLDEST_SERVER / 10_000
        )));
    }
    if encoding != "UTF8" {
        return Err(StorageError::Database(format!(
            "the database's encoding is {encoding}, which cannot hold all names; make one with `create database \
             NAME encoding 'UTF8' template template0`"
        )));
    }
    Ok(())
}

/// The number of a schema, as it is kept.
pub(super) fn version(kept: i64) -> Result<u32, StorageError> {
    u32::try_from(kept).map_err(|_| StorageError::Database(format!("the database has no schema {kept}")))
}

/// A role that row-level security does not hold for, or that could switch it off.
pub(super) fn unfit(role: &Name) -> StorageError {
    StorageError::Database(format!(
        "the role `{}` owns the tables or is above row-level security; name one that does neither",
        role.bare()
    ))
}

fn unprepared() -> StorageError {
    StorageError::Older { found: 0, own: migrate::own(MIGRATIONS) }
}

fn away(text: &str) -> StorageError {
    StorageError::Database(format!("the database cannot be reached: {text}"))
}
