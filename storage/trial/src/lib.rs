//! Databases to try things out on: fresh, empty, and gone afterwards.
//!
//! Scenarios and the conformance suite need hundreds of worlds. [`Places`] makes each of them a place of its
//! own inside of the database that a URL names: a schema in PostgreSQL, a file beside the file in SQLite. What
//! the database holds itself is never touched.

mod backing;
mod candidate;

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use guestlist_memory::Realm;
use tokio::runtime::{Handle, Runtime};

use guestlist_storage::{Clock, Database, Options, StorageError};

/// Makes places. They are deleted when the last of them and this are dropped.
#[derive(Clone)]
pub struct Places {
    shared: Arc<Shared>,
}

struct Shared {
    url: String,
    /// Its own, because whoever plays scenarios stops the one that it is in.
    runtime: Option<Runtime>,
    made: AtomicU32,
    /// Places that are not in use at present. To connect and to prepare statements takes longer than to empty
    /// one.
    free: Mutex<Vec<Slot>>,
}

/// A database, and what its clock shows: that of whoever has the place.
struct Slot {
    database: Database,
    clock: Arc<Mutex<Time>>,
}

/// A clock, in milliseconds since 1970.
pub type Time = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A place of its own, empty at first. It is free again when this is dropped.
pub struct Place {
    shared: Arc<Shared>,
    slot: Option<Slot>,
    pub(crate) database: Database,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Place")
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Places")
    }
}

impl Places {
    /// Places in the database of a URL. Of PostgreSQL the user has to be allowed to make schemas.
    ///
    /// # Errors
    /// There are no threads to be had.
    pub fn new(url: &str) -> Result<Self, StorageError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = Some(runtime.map_err(|error| StorageError::Database(error.to_string()))?);
        let (made, free) = (AtomicU32::new(0), Mutex::default());
        Ok(Self { shared: Arc::new(Shared { url: url.to_owned(), runtime, made, free }) })
    }

    /// Asks whether places can be made there at all: of a database that is not there, or where this user may
    /// not make any, one learns before hundreds of worlds have failed.
    ///
    /// # Errors
    /// Why not.
    pub fn probe(&self) -> Result<(), StorageError> {
        let (sender, answer) = std::sync::mpsc::channel();
        let places = self.clone();
        self.shared.handle()?.spawn(async move {
            let made = places.place(Arc::new(|| 0)).await.map(drop);
            // Whoever asked may have gone.
            let _ = sender.send(made);
        });
        answer.recv().map_err(|error| StorageError::Database(error.to_string()))?
    }

    /// An empty place, with this clock: milliseconds since 1970.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn place(&self, time: Time) -> Result<Place, StorageError> {
        let shared = self.shared.clone();
        let task = async move {
            let free = shared.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let slot = match free {
                Some(slot) => {
                    *slot.clock.lock().unwrap_or_else(PoisonError::into_inner) = time;
                    slot
                }
                None => shared.slot(time).await?,
            };
            let database = slot.database.clone();
            let place = Place { shared, slot: Some(slot), database };
            place.database.load(&Realm::default()).await?;
            Ok(place)
        };
        let done = self.shared.handle()?.spawn(task).await;
        done.map_err(|error| StorageError::Database(error.to_string()))?
    }
}

impl Shared {
    /// The URL and the options of a place.
    fn named(&self, number: u32) -> (String, Options) {
        let name = format!("guestlist_trial_{}_{number}", std::process::id());
        let url =
            if self.url.starts_with("sqlite:") { format!("{}.{name}", self.url) } else { self.url.clone() };
        let mut options = Options::default();
        options.schema = name;
        options.connections = 3;
        // The same in all places: what is played twice has to be the same twice.
        options.cursor_key = Some([7; 32]);
        options.name_key = Some([8; 32]);
        options.runtime = self.runtime.as_ref().map(|runtime| runtime.handle().clone());
        (url, options)
    }

    /// One more.
    async fn slot(&self, time: Time) -> Result<Slot, StorageError> {
        let (url, mut options) = self.named(self.made.fetch_add(1, Ordering::SeqCst));
        let clock = Arc::new(Mutex::new(time));
        let shown = clock.clone();
        options.clock = Clock::Moved(Arc::new(move || {
            let time = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
            time()
        }));
        Database::erase(&url, &options).await?;
        Database::migrate(&url, &options).await?;
        Ok(Slot { database: Database::open(&url, options).await?, clock })
    }

    fn handle(&self) -> Result<&Handle, StorageError> {
        let ended = || StorageError::Database("the runtime of the places has ended".into());
        self.runtime.as_ref().map(Runtime::handle).ok_or_else(ended)
    }
}

impl Place {
    /// The database in it. Nobody may use it any more when this place is dropped: it is the next one's then.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Runs something to its end on the places' own threads, while this one waits.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T, StorageError>> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (sender, answer) = std::sync::mpsc::channel();
        self.shared.handle()?.spawn(async move {
            // Whoever asked may have gone.
            let _ = sender.send(task.await);
        });
        answer.recv().map_err(|error| StorageError::Database(error.to_string()))?
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut free = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.extend(self.slot.take());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let made = self.made.load(Ordering::SeqCst);
        let places: Vec<_> = (0..made).map(|number| self.named(number)).collect();
        // Nobody is connected any more to what is deleted.
        self.free.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        let Some(runtime) = self.runtime.take() else { return };
        // A runtime may not be ended from inside of another one.
        let end = thread::spawn(move || {
            for (url, options) in places {
                // What cannot be deleted is left behind under a name that says what it was.
                let _ = runtime.block_on(Database::erase(&url, &options));
            }
        });
        let _ = end.join();
    }
}
