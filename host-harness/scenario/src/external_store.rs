//! Playing scenarios on a host that keeps what it stores elsewhere: in a database.
//!
//! Time, entropy, e-mail and policies stay those of the host in memory, and so does the world that a scenario
//! changes and looks at: after each call that may have changed something it is read again from the database,
//! and after each event it is written there as a whole. E-mail and policies look at that copy.

use std::sync::Arc;

use async_trait::async_trait;

use guestlist_contract::{
    Function,
    audit::Refusal,
    host::{Audit, Call, Host, Membership, Storage},
    membership::{Eligibility, Resolved},
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{
        Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, Principal, State,
        Step, StepOutcome, StepResult, UserRef,
    },
    with_imports,
};
use guestlist_memory::{MemoryHost, Realm};

/// Makes places to keep things, one for each world that is played.
pub trait Backing: Send + Sync {
    /// An empty place, whose time is what `clock` says, in milliseconds since 1970.
    ///
    /// # Errors
    /// Why there is none.
    fn open(&self, clock: Arc<dyn Fn() -> u64 + Send + Sync>) -> Result<Arc<dyn Kept>, String>;
}

/// A place that keeps what a host stores. Its calls end before they return: a scenario decides itself who
/// goes on when.
pub trait Kept: Send + Sync {
    /// The imports that are answered from here, the others as they are in `memory`.
    fn imports(&self, memory: Host) -> Host;

    /// All that is there.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self) -> Result<Realm, String>;

    /// Has this instead of what is there.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn write(&self, realm: &Realm) -> Result<(), String>;
}

/// The imports of a kept host. Whatever may have changed something is followed by a look at all there is.
struct Watched {
    memory: Arc<MemoryHost>,
    kept: Arc<dyn Kept>,
    imports: Host,
}

/// The host of a world that is kept elsewhere.
pub(super) fn host(memory: Arc<MemoryHost>, kept: Arc<dyn Kept>) -> Host {
    let imports = kept.imports(memory.clone().host());
    let watched = Arc::new(Watched { memory, kept, imports: imports.clone() });
    Host { membership: watched.clone(), storage: watched.clone(), audit: watched, ..imports }
}

impl Watched {
    /// Looks again, before the answer is given.
    fn look(&self) -> Result<(), HostError> {
        self.memory.set_realm(self.kept.read().map_err(HostError::Other)?);
        Ok(())
    }
}

/// Passes every call of three interfaces on; after those that may have changed something it looks again.
macro_rules! watched {
    (
        directory $d:literal { $($directory:tt)* }
        membership $m:literal { $($membership:tt)* }
        storage $s:literal { $($storage:tt)* }
        notifications $n:literal { $($notifications:tt)* }
        audit $a:literal { $($audit:tt)* }
        $($others:tt)*
    ) => {
        watched!(@passed Membership membership $($membership)*);
        watched!(@passed Storage storage $($storage)*);
        watched!(@passed Audit audit $($audit)*);
    };
    (@passed $trait:ident $interface:ident $($how:tt $kind:ident $variant:ident $layer:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty;)*) => {
        #[async_trait]
        impl $trait for Watched {
            $(
                async fn $method(&self, call: &Call, $($arg: $ty),*) -> $ret {
                    let answer = self.imports.$interface.$method(call, $($arg),*).await;
                    if Function::$variant.is_effect() {
                        self.look()?;
                    }
                    answer
                }
            )*
        }
    };
}
with_imports!(watched);
