//! What came of a run, as data and as text.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    bless::Came,
    failure::Failure,
    play::{Played, StepReport},
    suite::Case,
};
use crate::coverage::Coverage;

/// What came of a suite.
#[derive(Debug, Serialize)]
pub struct Report {
    /// SHA-256 of the plugin.
    pub plugin: String,
    /// In the order of the suite.
    pub cases: Vec<CaseReport>,
    /// What of the contract was exercised, by all scenarios together.
    pub coverage: Coverage,
    /// All of it, on the wall.
    #[serde(serialize_with = "seconds")]
    pub time: Duration,
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Everything came as it says.
    #[default]
    Passed,
    /// Something did not.
    Failed,
}

/// What came of one scenario.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaseReport {
    /// The file.
    pub path: PathBuf,
    /// What it shows.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How it ended.
    pub ending: Ending,
    /// Why it failed, in order.
    pub failures: Vec<Failure>,
    /// Calls of the plugin, in one playing.
    pub calls: u64,
    /// Fuel of all of them.
    pub fuel: u64,
    /// Schedules of its races.
    pub schedules: u64,
    /// How often it was played with a failing host call.
    pub disturbed: u64,
    /// Everything that the steps changed together.
    pub effects: Vec<String>,
    /// Step by step; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepReport>,
    /// The mails; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mails: Vec<Value>,
    /// The audit events; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<Value>,
    /// What blessing would write.
    #[serde(skip)]
    pub(super) came: Came,
    /// On the wall.
    #[serde(serialize_with = "seconds")]
    pub time: Duration,
}

fn seconds<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}

impl CaseReport {
    pub(super) fn of(case: &Case) -> Self {
        Self {
            path: case.path.clone(),
            name: case.name().to_owned(),
            tags: case.tags().to_vec(),
            ..Self::default()
        }
    }

    pub(super) fn take(&mut self, played: &Played, everything: bool) {
        self.calls = played.calls;
        self.fuel = played.fuel;
        self.schedules = played.schedules;
        self.effects.clone_from(&played.effects);
        self.came.clone_from(&played.came);
        if everything {
            self.steps.clone_from(&played.steps);
            self.mails.clone_from(&played.mails);
            self.audit.clone_from(&played.audit);
        }
    }
}

impl Report {
    /// How many scenarios failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|case| case.ending == Ending::Failed).count()
    }

    /// Scenarios a minute, each played twice at least.
    #[must_use]
    pub fn pace(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
        let count = self.cases.len() as f64;
        count * 60.0 / self.time.as_secs_f64().max(1e-9)
    }
}

/// A failure with its line of the file, as an editor would show it.
pub fn shown(to: &mut impl fmt::Write, path: &Path, text: &str, failure: &Failure) -> fmt::Result {
    writeln!(to, "  {}:{}:{}: {}", path.display(), failure.line, failure.column, failure.message)?;
    let index = usize::try_from(failure.line.saturating_sub(1)).ok();
    if let Some(line) = index.filter(|_| failure.line > 0).and_then(|index| text.lines().nth(index)) {
        let number = failure.line.to_string();
        writeln!(to, "    {number} | {line}")?;
    }
    match (&failure.expected, &failure.actual) {
        (Some(expected), Some(actual)) if expected.is_empty() => {
            for line in actual.lines() {
                writeln!(to, "      {line}")?;
            }
        }
        (Some(expected), Some(actual)) => {
            let (expected, actual) = (format!("{expected}\n"), format!("{actual}\n"));
            writeln!(to, "      - expected, + came")?;
            for change in similar::TextDiff::from_lines(&expected, &actual).iter_all_changes() {
                write!(to, "      {}{}", change.tag(), change)?;
            }
        }
        _ => {}
    }
    if let Some(help) = &failure.help {
        writeln!(to, "    help: {help}")?;
    }
    Ok(())
}
