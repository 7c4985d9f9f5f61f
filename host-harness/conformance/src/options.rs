//! Says how much is asked, and how patiently.

use std::time::Duration;

/// Options of [`run`](super::run).
#[derive(Clone, Debug)]
pub struct Options {
    /// Selects the cases whose name, as in `claiming/a_lease_at_the_very_instant`, contains this. Histories
    /// are named `history/SEED`.
    pub filter: Option<String>,
    /// The number of random histories that are played.
    pub histories: u32,
    /// The number of calls and events that each has.
    pub calls: u32,
    /// The seed of the first history; each further one has the next number.
    pub seed: u64,
    /// The number of cases that run at the same time, each on a store of its own.
    pub jobs: usize,
    /// The longest that a case, or one call of a history, may take.
    pub time_out: Duration,
    /// The unit of lifetimes and holds that are waited for, with a [real](super::ClockKind::Real) clock.
    /// Several times what the slowest call of the host takes.
    pub unit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filter: None,
            histories: 50,
            calls: 60,
            seed: 1,
            jobs: 1,
            time_out: Duration::from_secs(30),
            unit: Duration::from_millis(400),
        }
    }
}
