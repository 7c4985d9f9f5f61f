//! What came of it, for people and for pipelines.

use std::fmt;

use serde::Serialize;

use super::{
    ClockKind, Profile,
    check::{Broken, Stop},
};

/// What the suite found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How time passed.
    pub clock: ClockKind,
    /// Where members were.
    pub profile: Profile,
    /// Each case and each history, in the order of the suite.
    pub tried: Vec<Tried>,
}

/// A case or a history, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// As in `claiming/a_lease_at_the_very_instant` or `history/7`.
    pub name: String,
    /// What has to hold, in one sentence.
    pub rule: String,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed {
        /// What was asked.
        what: String,
        /// What should have come.
        expected: String,
        /// What came.
        came: String,
    },
    /// It was not asked.
    LeftOut {
        /// Why not.
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
    /// Nothing failed, and something was asked.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed().next().is_none() && self.tried.iter().any(|tried| tried.verdict == Verdict::Passed)
    }

    /// What failed.
    pub fn failed(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|tried| matches!(tried.verdict, Verdict::Failed { .. }))
    }

    /// What was not asked.
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

/// What failed and what was left out; what passed is only counted.
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
