//! PostgreSQL: many hosts on one database.
//!
//! Transactions are READ COMMITTED: whoever waited for a row looks at its newest version, and each change is
//! guarded by what it found. A transaction costs two round trips and one for each of its statements. Calls
//! are answered as a role that owns nothing, for which row-level security holds.

mod connection;
mod error;
mod migrate;
mod session;
mod tls;
mod value;

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime,
};
use scopeguard::ScopeGuard;
use tokio::runtime::Handle;
use tokio_postgres_rustls::MakeRustlsConnect;

pub(crate) use self::migrate::{erase, migrate};
use self::{
    connection::{Bound, Inside, Shared},
    session::Session,
    tls::Connector,
};
use crate::{
    Options, StorageError,
    clock::Latest,
    error::{DbError, OperationError},
    log::Asked,
    migrate::Migration,
    sql::Operation,
};

const MIGRATIONS: &[Migration] = &[Migration { version: 1, needs: 1, sql: include_str!("0001.sql") }];

/// The number of times that a transaction is tried that somebody else was in the way of.
const TRIES: u32 = 5;

/// The connections to one database.
#[derive(Debug)]
pub(crate) struct Pool {
    connections: deadpool_postgres::Pool,
    shared: Shared,
    connector: Connector,
}

impl Pool {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self, StorageError> {
        let session = Session::of(url, options)?;
        // What is wrong is told now, and of each later connection again.
        session.prepare(&session.connect().await?).await?;
        let shared = Shared {
            clock: options.clock.clone(),
            latest: Latest::default(),
            observer: options.observer.clone(),
            answer: session.answer(),
        };
        let connector = session.connector.clone();
        let manager = Manager::from_config(
            session.connector.config.clone(),
            session.connector.tls.clone(),
            // A connection that has ended is known to have, and each transaction asks the server anyway.
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let patience = Some(session.patience);
        let prepare = Hook::async_fn(move |client, _| {
            let session = session.clone();
            Box::pin(async move {
                let prepared = session.prepare(client).await;
                prepared.map_err(|error| HookError::message(error.to_string()))
            })
        });
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(options.connections.max(1))
            .wait_timeout(patience)
            .create_timeout(patience)
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(|error| StorageError::Database(error.to_string()))?;
        Ok(Self { connections, shared, connector })
    }

    pub(crate) async fn perform<O: Operation>(
        &self,
        operation: &O,
        asked: &Asked,
    ) -> Result<O::Output, OperationError> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.attempt(operation, asked).await {
                Err(OperationError::Failed(failure @ DbError::Conflict(_))) if tried < TRIES => {
                    asked.again(&failure, tried);
                    back_off(tried).await;
                }
                ended => return ended,
            }
        }
    }

    async fn attempt<O: Operation>(&self, operation: &O, asked: &Asked) -> Result<O::Output, OperationError> {
        let scope = Bound::of(operation.scope())?;
        // Whatever ends this early, as its caller who goes away, leaves a connection that nobody can use.
        let tls = self.connector.tls.clone();
        let client = scopeguard::guard(self.connection().await?, |connection| abandon(connection, tls));
        let mut inside = Inside::begin(&client, &self.shared, &scope, O::READS).await?;
        let mut done = operation.run(&mut inside).await;
        if let (Ok(_), Some(failure)) = (&done, inside.failed()) {
            done = Err(failure.into());
        }
        let ended = inside.end(done.is_ok()).await;
        if ended.is_ok() {
            // It goes back to the others.
            drop(ScopeGuard::into_inner(client));
        }
        match ended {
            Err(failure) if done.is_ok() => Err(failure.into()),
            Err(failure) => {
                asked.not_rolled_back(&failure);
                done
            }
            Ok(()) => done,
        }
    }

    async fn connection(&self) -> Result<Object, DbError> {
        self.connections.get().await.map_err(|error| {
            DbError::Away(match error {
                PoolError::Timeout(_) => "no connection to the database was free in time".into(),
                PoolError::Backend(error) => {
                    error::failure(&error).cause().clone().told_as(self.connector.text(&error))
                }
                PoolError::PostCreateHook(HookError::Message(text)) => text.into_owned().into(),
                other => other.to_string().into(),
            })
        })
    }
}

/// Closes a connection; what its server still does for it is stopped, so that no lock is held any longer.
fn abandon(connection: Object, tls: MakeRustlsConnect) {
    let client = Object::take(connection);
    if client.is_closed() {
        return;
    }
    let cancel = client.cancel_token();
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async move {
            // It is best effort: the server's own time-outs come later.
            let _ = tokio::time::timeout(Duration::from_secs(1), cancel.cancel_query(tls)).await;
        });
    }
}

/// Some milliseconds, more after each try, and not the same for two who were in each other's way.
async fn back_off(tried: u32) {
    let spread = RandomState::new().hash_one(tried) % 8;
    tokio::time::sleep(Duration::from_millis(u64::from(tried) * 2 + spread)).await;
}
