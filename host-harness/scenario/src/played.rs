//! The outcome of playing a scenario.

use guestlist_memory::Tally;
use guestlist_testkit::{Judgement, coverage::Coverage};
use serde::Serialize;
use serde_json::Value;

use super::{came::Came, failure::Failure};

/// A report on what came of a step, for `--explain` and for blessing.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// The line of the scenario that it stands on.
    pub line: u64,
    /// And the column.
    pub column: u64,
    /// A few words about what it is.
    pub title: String,
    /// The answer; absent where nobody was asked.
    pub answer: Option<Value>,
    /// Everything that it changed.
    pub effects: Vec<String>,
    /// Its host calls with arguments and answers, a line each.
    pub trace: Vec<String>,
    /// Judgements that policy components were asked for in it, where steps are explained.
    #[serde(skip)]
    pub judgements: Vec<Judgement>,
    /// Fuel that the guest used.
    pub fuel: u64,
    /// Host calls.
    pub host_calls: u32,
    /// The most memory, in bytes.
    pub memory: usize,
}

/// The outcome of playing a scenario once.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) failures: Vec<Failure>,
    pub(super) steps: Vec<StepReport>,
    /// Effects of all steps together, without `given`.
    pub(super) effects: Vec<String>,
    /// The lists of effects that blessing writes.
    pub(super) came: Came,
    pub(super) mails: Vec<Value>,
    pub(super) audit: Vec<Value>,
    /// Calls of the plugin.
    pub(super) calls: u64,
    pub(super) fuel: u64,
    pub(super) schedules: u64,
    pub(super) coverage: Coverage,
    /// The tally of what the policies have decided, in every schedule.
    pub(super) tally: Tally,
    /// Everything that another run must do the same.
    pub(super) fingerprint: Vec<String>,
}
