//! Reports what came of it, for people and for pipelines.

use std::fmt;

use serde::Serialize;

use super::{
    ClockKind, Profile,
    check::{Broken, Stop},
};

/// The findings of the suite.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The kind of clock that time passed by.
    pub clock: ClockKind,
    /// The place where members were.
    pub profile: Profile,
    /// Each case and each history, in the order of the suite.
    pub tried: Vec<Tried>,
}

/// A case or a history, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// The name of the question, as in `claiming/a_lease_at_the_very_instant` or `history/7`.
    pub name: String,
    /// The rule that has to hold, in one sentence.
    pub rule: String,
    /// The outcome.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The time that it took, in milliseconds.
    pub milliseconds: u64,
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The rule holds.
    Passed,
    /// The rule does not hold.
    Failed {
        /// The question that was asked.
        what: String,
        /// The answer that should have come.
        expected: String,
        /// The answer that came.
        came: String,
    },
    /// The question was not asked.
    LeftOut {
        /// The reason why it was not.
        why: String,
    },
}

impl From<Stop> for Verdict {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Broken(Broken { what, expected, came }) => Self::Failed { what, expected, came },
            Stop::LeftOut(why) => Self::LeftOut { why },
        }
    }
}

impl Report {
    /// Tells whether nothing failed, and something was asked.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed().next().is_none() && self.tried.iter().any(|tried| tried.verdict == Verdict::Passed)
    }

    /// The cases and histories that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|tried| matches!(tried.verdict, Verdict::Failed { .. }))
    }

    /// The cases that were not asked.
    pub fn left_out(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|tried| matches!(tried.verdict, Verdict::LeftOut { .. }))
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Passed => write!(f, "passed    {}", self.name),
            Verdict::LeftOut { why } => write!(f, "left out  {}: {why}", self.name),
            Verdict::Failed { what, expected, came } => {
                write!(f, "FAILED    {}\n          {}\n", self.name, self.rule)?;
                write!(f, "  asked     {what}\n  expected  {expected}\n  came      {came}")
            }
        }
    }
}

/// Shows what failed and what was left out; what passed is only counted.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tried in self.left_out().chain(self.failed()) {
            writeln!(f, "{tried}")?;
        }
        let (failed, left_out) = (self.failed().count(), self.left_out().count());
        let passed = self.tried.len() - failed - left_out;
        write!(f, "{passed} passed, {failed} failed, {left_out} left out")
    }
}
