//! Where a trial keeps what it stores.

use std::{sync::Arc, time::Duration};

use guestlist_harness::memory::Realm;
use guestlist_storage::{Clock, Database, Options};
use tempfile::TempDir;

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

/// A database for a trial. What it makes itself is gone when this is dropped.
#[derive(Debug)]
pub struct Place {
    url: String,
    folder: Option<TempDir>,
}

impl Place {
    /// `sqlite`: a file in a temporary folder; else the URL of a database with nothing in it.
    ///
    /// # Errors
    /// It does not answer, or there is something in it, which the trial would replace.
    pub async fn named(name: &str) -> Result<Self, String> {
        if name == "sqlite" {
            let folder = TempDir::with_prefix("guestlist-").map_err(|error| error.to_string())?;
            let url = format!("sqlite:{}", folder.path().join("trial.db").display());
            return Ok(Self { url, folder: Some(folder) });
        }
        let place = Self { url: name.to_owned(), folder: None };
        let database = place.open(Clock::Machine).await?;
        let there = database.dump().await.map_err(|error| error.to_string())?;
        if there.organizations.is_empty() && there.audit.is_empty() {
            return Ok(place);
        }
        Err("there is something in that database, and a trial replaces it; name an empty one".into())
    }

    /// One more of the kind. There is only one database of a URL: it is this one again.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn another(&self) -> Result<Self, String> {
        Self::named("sqlite").await
    }

    /// What workers open.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// It is one file of the trial's own.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.folder.is_some()
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
}

/// A clock that is ahead of the machine's by what is in here, in milliseconds.
#[must_use]
pub fn ahead(by: Arc<std::sync::atomic::AtomicU64>) -> Clock {
    let now = move || crate::host::micros() / 1000 + by.load(std::sync::atomic::Ordering::SeqCst);
    Clock::Moved(Arc::new(now))
}
