//! Where a trial keeps what it stores.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use guestlist_memory::Realm;
use guestlist_storage::{Clock, Database, Options};
use tempfile::TempDir;

use crate::{
    host::micros,
    server::{Disk, Server, connect},
};

/// How long it takes at most until a server has noticed that its client is dead.
const NOTICED: Duration = Duration::from_secs(60);

/// How a database is opened: patiently, because many processes wait for each other.
#[must_use]
pub fn options(clock: Clock) -> Options {
    let mut options = Options::default();
    options.clock = clock;
    options.patience = Duration::from_secs(20);
    options.statement = Duration::from_secs(20);
    options.connections = 4;
    options
}

/// A clock that is ahead of the machine's by what is in here, in milliseconds.
#[must_use]
pub fn ahead(by: Arc<AtomicU64>) -> Clock {
    Clock::Moved(Arc::new(move || micros() / 1000 + by.load(Ordering::SeqCst)))
}

/// A database for a trial. What it makes itself is gone when this is dropped.
#[derive(Debug)]
pub struct Place {
    url: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A file of its own.
    File(Arc<TempDir>),
    /// A database on a server of its own.
    Server(Arc<Server>),
    /// Somebody else's.
    Given,
}

impl Place {
    /// `sqlite`: a file in a temporary folder; `postgres`: a database on a server that is started for it;
    /// else the URL of a database with nothing in it.
    ///
    /// # Errors
    /// It does not answer, or there is something in it, which the trial would replace.
    pub async fn named(name: &str) -> Result<Self, String> {
        match name {
            "sqlite" => {
                let folder = TempDir::with_prefix("guestlist-").map_err(|error| error.to_string())?;
                Self::of(Kind::File(Arc::new(folder))).await
            }
            "postgres" => {
                let started = tokio::task::spawn_blocking(|| Server::start(Disk::Synced)).await;
                let server =
                    started.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
                Self::of(Kind::Server(Arc::new(server))).await
            }
            url => {
                let place = Self { url: url.to_owned(), kind: Kind::Given };
                let there =
                    place.open(Clock::Machine).await?.dump().await.map_err(|error| error.to_string())?;
                if there.organizations.is_empty() && there.audit.is_empty() {
                    return Ok(place);
                }
                Err("there is something in that database, and a trial replaces it; name an empty one".into())
            }
        }
    }

    async fn of(kind: Kind) -> Result<Self, String> {
        let url = match &kind {
            Kind::File(folder) => {
                let name = format!("trial-{}.db", micros());
                format!("sqlite:{}", folder.path().join(name).display())
            }
            Kind::Server(server) => server.fresh().await.map_err(|error| error.to_string())?.url.clone(),
            Kind::Given => return Err("there is only one database of a URL; leave the URL out".into()),
        };
        Ok(Self { url, kind })
    }

    /// A new one of the kind.
    ///
    /// # Errors
    /// It cannot be made; of a URL there is only one.
    pub async fn another(&self) -> Result<Self, String> {
        Self::of(self.kind.clone()).await
    }

    /// There is only one.
    #[must_use]
    pub fn is_given(&self) -> bool {
        matches!(self.kind, Kind::Given)
    }

    /// What workers open.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server that is the trial's own, to stop it.
    #[must_use]
    pub fn server(&self) -> Option<Arc<Server>> {
        if let Kind::Server(server) = &self.kind { Some(server.clone()) } else { None }
    }

    /// The file of an SQLite database.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        self.url.strip_prefix("sqlite:").map(PathBuf::from)
    }

    /// Opens it; it is migrated where it was not.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn open(&self, clock: Clock) -> Result<Database, String> {
        let options = options(clock);
        Database::migrate(&self.url, &options).await.map_err(|error| error.to_string())?;
        Database::open(&self.url, options).await.map_err(|error| error.to_string())
    }

    /// Opens it with this world and nothing else in it.
    ///
    /// # Errors
    /// It does not answer, or does not take the world.
    pub async fn with(&self, world: &Realm, clock: Clock) -> Result<Database, String> {
        let database = self.open(clock).await?;
        database.load(world).await.map_err(|error| error.to_string())?;
        Ok(database)
    }

    /// Waits until nobody is in it any more. A server ends the transaction of a client that has died only
    /// when it notices, and a commit that was sent is done all the same.
    ///
    /// # Errors
    /// Somebody stays, or the server does not answer.
    pub async fn quiet(&self) -> Result<(), String> {
        if self.file().is_some() {
            return Ok(());
        }
        let others = "select count(*) from pg_stat_activity \
                      where datname = current_database() and pid <> pg_backend_pid()";
        let end = Instant::now() + NOTICED;
        let client = connect(&self.url).await.map_err(|error| error.to_string())?;
        while Instant::now() < end {
            let row = client.query_one(others, &[]).await.map_err(|error| error.to_string())?;
            if row.get::<_, i64>(0) == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("somebody is still connected to the database".into())
    }

    /// What is wrong with the file itself, by SQLite's own check.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn damage(&self) -> Result<Option<String>, String> {
        let Some(file) = self.file() else { return Ok(None) };
        let ask = || {
            let connection = rusqlite::Connection::open(file)?;
            let said: String = connection.query_row("pragma integrity_check", [], |row| row.get(0))?;
            let mut dangling = connection.prepare("pragma foreign_key_check")?;
            let dangling = dangling.exists([])?;
            Ok::<_, rusqlite::Error>(match said.as_str() {
                "ok" if !dangling => None,
                "ok" => Some("a row refers to nothing".to_owned()),
                _ => Some(said),
            })
        };
        ask().map_err(|error| error.to_string())
    }
}
