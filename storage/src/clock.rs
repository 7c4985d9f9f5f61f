//! The store's time, which never goes back.
//!
//! A database's clock is the machine's, and an operator or a time server may set it back. Then what was
//! seen expired would live again. So no process uses an instant below the latest that it has used itself, nor
//! below the *floor* that is kept in the database: the latest instant that any process had used, raised
//! about once a second ([`RAISED_EVERY`]) by whoever notices that it lags. Within one process time never
//! goes back at all; across processes and restarts by less than that second, and only where the machine's
//! clock was set back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The most that the floor in the database may lag behind, in milliseconds.
pub(crate) const RAISED_EVERY: i64 = 1000;

/// The source of a store's time.
#[derive(Clone, Default)]
pub enum Clock {
    /// The machine that the database runs on.
    #[default]
    Machine,
    /// A function that moves it, in milliseconds since 1970, and never back: for tests, where time has to
    /// stand still. The floor does not count then.
    Moved(Arc<dyn Fn() -> u64 + Send + Sync>),
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(if matches!(self, Self::Machine) { "Machine" } else { "Moved" })
    }
}

impl Clock {
    /// The time that it shows on this machine, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        match self {
            Self::Moved(moved) => moved(),
            Self::Machine => {
                let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    /// The same as the database keeps it.
    pub(crate) fn shows(&self) -> i64 {
        i64::try_from(self.now()).unwrap_or(i64::MAX)
    }
}

/// The latest instant that this process has used.
#[derive(Debug, Default)]
pub(crate) struct Latest(AtomicI64);

impl Latest {
    /// The latest of these and of all before.
    pub(crate) fn at_least(&self, instant: i64) -> i64 {
        self.0.fetch_max(instant, Ordering::SeqCst).max(instant)
    }
}
