//! Scenarios on a database.

use std::sync::Arc;

use guestlist_contract::host::Host;
use guestlist_memory::Realm;
use guestlist_scenario::{Backing, Kept};

use super::{Place, Places};
use guestlist_storage::StorageError;

impl Backing for Places {
    fn open(&self, clock: Arc<dyn Fn() -> u64 + Send + Sync>) -> Result<Arc<dyn Kept>, String> {
        let places = self.clone();
        let (sender, answer) = std::sync::mpsc::channel();
        let runtime = self.shared.handle().map_err(|error| error.to_string())?;
        runtime.spawn(async move {
            // Whoever asked may have gone.
            let _ = sender.send(places.place(clock).await);
        });
        let place = answer.recv().map_err(|error| error.to_string())?.map_err(told)?;
        Ok(Arc::new(place))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn told(error: StorageError) -> String {
    error.to_string()
}

impl Kept for Place {
    fn imports(&self, memory: Host) -> Host {
        self.database.host(memory)
    }

    fn read(&self) -> Result<Realm, String> {
        let database = self.database.clone();
        self.wait(async move { database.dump().await }).map_err(told)
    }

    fn write(&self, realm: &Realm) -> Result<(), String> {
        let (database, realm) = (self.database.clone(), realm.clone());
        self.wait(async move { database.load(&realm).await }).map_err(told)
    }
}
