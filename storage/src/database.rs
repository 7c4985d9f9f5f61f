//! A database, whichever it is.

use std::{future::Future, sync::Arc};

use tokio::{runtime::Handle, task::JoinError};
use tracing::Instrument as _;

use guestlist_contract::host::{Call, Host};

use crate::{
    Kind, Options, StorageError,
    error::{DbError, OperationError},
    log::Asked,
    postgres,
    sql::Operation,
    sqlite,
};

/// A database that holds what a host stores. Cloning it shares its connections.
#[derive(Clone, Debug)]
pub struct Database {
    backend: Backend,
    pub(crate) cursor_key: Option<[u8; 32]>,
    pub(crate) name_key: Option<[u8; 32]>,
    runtime: Option<Handle>,
}

#[derive(Clone, Debug)]
enum Backend {
    Sqlite(Arc<sqlite::Pool>),
    Postgres(Arc<postgres::Pool>),
}

/// The database that a URL names.
enum Named<'a> {
    Sqlite(&'a str),
    Postgres(&'a str),
}

fn named(url: &str) -> Result<Named<'_>, StorageError> {
    if let Some(path) = url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        return Ok(Named::Sqlite(path));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Named::Postgres(url));
    }
    // What may hold a password is not shown again.
    let shown = if url.contains('@') { "that URL" } else { url };
    Err(StorageError::Url(shown.to_owned()))
}

/// Runs something to its end, whether somebody waits for it or not.
async fn spawn<T: Send + 'static>(
    runtime: Option<&Handle>,
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, DbError> {
    let none = || DbError::Away("PostgreSQL needs a Tokio runtime; set `Options::runtime`".into());
    let current = Handle::try_current();
    let runtime = runtime.or(current.as_ref().ok()).ok_or_else(none)?;
    Ok(runtime.spawn(task).await?)
}

/// The task panicked, or its runtime has ended: nobody knows how far it came.
impl From<JoinError> for DbError {
    fn from(error: JoinError) -> Self {
        // What it panicked with may quote anything.
        let what = if error.is_cancelled() { "was cancelled" } else { "panicked" };
        Self::CommitUnknown(format!("the task of the transaction {what}").into())
    }
}

impl Database {
    /// Opens the database of a URL: `sqlite:PATH`, or what PostgreSQL calls a connection URI.
    ///
    /// An SQLite file that does not exist is made, and a file of an older schema is migrated. A PostgreSQL
    /// database has to be prepared by [`migrate`](Self::migrate), which needs more rights than a host has.
    ///
    /// # Errors
    /// It does not answer, or has a schema that this program does not get along with.
    pub async fn open(url: &str, options: Options) -> Result<Self, StorageError> {
        let (cursor_key, name_key) = (options.cursor_key, options.name_key);
        let backend = match named(url)? {
            Named::Sqlite(path) => Backend::Sqlite(Arc::new(sqlite::Pool::open(path, &options)?)),
            Named::Postgres(url) => {
                let (url, own) = (url.to_owned(), options.clone());
                let opened = spawn(options.runtime.as_ref(), async move {
                    postgres::Pool::open(&url, &own).await.map(Arc::new)
                });
                Backend::Postgres(opened.await??)
            }
        };
        Ok(Self { backend, cursor_key, name_key, runtime: options.runtime })
    }

    /// Brings a database to the schema of this program; answers with the schema before and after. Of
    /// PostgreSQL the user has to own the schema, or be allowed to make it.
    ///
    /// # Errors
    /// It does not answer, or has a schema that this program does not get along with.
    pub async fn migrate(url: &str, options: &Options) -> Result<(u32, u32), StorageError> {
        match named(url)? {
            Named::Sqlite(path) => sqlite::migrate(path, options),
            Named::Postgres(url) => postgres::migrate(url, options).await,
        }
    }

    /// The imports that this database answers, and the others of another host.
    #[must_use]
    pub fn host(&self, others: Host) -> Host {
        let people = Arc::new(self.people());
        let invitations = Arc::new(self.invitations(people.clone()));
        Host {
            directory: people.clone(),
            membership: people.clone(),
            settings: people,
            storage: invitations.clone(),
            audit: invitations,
            ..others
        }
    }

    /// Deletes everything: the file, or the schema with all its tables.
    ///
    /// # Errors
    /// It could not be deleted. That it is not there is no error.
    pub async fn erase(url: &str, options: &Options) -> Result<(), StorageError> {
        match named(url)? {
            Named::Sqlite(path) => sqlite::erase(path),
            Named::Postgres(url) => postgres::erase(url, options).await,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.backend {
            Backend::Sqlite(_) => Kind::Sqlite,
            Backend::Postgres(_) => Kind::Postgres,
        }
    }

    /// Does something in one transaction, again where somebody else was in the way; what goes wrong is logged.
    /// `call`: for which call, where it is for one.
    pub(crate) async fn perform<O: Operation>(
        &self,
        call: Option<&Call>,
        operation: O,
    ) -> Result<O::Output, OperationError> {
        let asked = Asked::new(self.kind(), call, &operation);
        let span = asked.span();
        let done = self.transact(operation, asked.clone()).instrument(span.clone()).await;
        span.in_scope(|| asked.ended(&done));
        done
    }

    async fn transact<O: Operation>(
        &self,
        operation: O,
        asked: Arc<Asked>,
    ) -> Result<O::Output, OperationError> {
        match &self.backend {
            Backend::Sqlite(pool) => pool.perform(operation, asked).await,
            Backend::Postgres(pool) => {
                let pool = pool.clone();
                let task = async move { pool.perform(&operation, &asked).await }.in_current_span();
                spawn(self.runtime.as_ref(), task).await?
            }
        }
    }
}
