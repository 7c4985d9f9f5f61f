//! Reports what came of a run, as data; and the forms in which it can be shown.

mod github;
mod json;
mod junit;
mod text;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    came::Came,
    failure::Failure,
    played::{Played, StepReport},
    rules_report::RulesReport,
    suite::{Case, Suite, SuiteError},
};

use guestlist_memory::Tally;
use guestlist_testkit::coverage::Coverage;

pub use text::shown;

/// The outcome of a suite.
#[derive(Debug, Serialize)]
pub struct Report {
    /// SHA-256 of the plugin.
    pub plugin: String,
    /// SHA-256 of the plugin that it was compared with: then a failure is a step that is decided in
    /// another way, `expected` is the old answer and `actual` the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Reports on its scenarios, in the order of the suite.
    pub cases: Vec<CaseReport>,
    /// The part of the contract that was exercised, by all scenarios together.
    pub coverage: Coverage,
    /// The part of the rules under test that has decided, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesReport>,
    /// Scenarios that were not played, because one had failed.
    pub unplayed: usize,
    /// All of it, on the wall.
    #[serde(serialize_with = "seconds")]
    pub time: Duration,
}

/// A form in which a report, or what is wrong with a suite, is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text for people.
    #[default]
    Text,
    /// JSON for programs.
    Json,
    /// JUnit's XML, which most build servers show.
    Junit,
    /// Commands to a GitHub workflow: each failure stands beside its line.
    Github,
}

/// The ways in which a scenario ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Everything came as it says.
    #[default]
    Passed,
    /// Something did not.
    Failed,
}

/// The outcome of one scenario.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaseReport {
    /// The file.
    pub path: PathBuf,
    /// The line that its name stands on.
    pub line: u64,
    /// The row of its table that it is told for, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// A sentence about what it shows.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The way in which it ended.
    pub ending: Ending,
    /// Reasons why it failed, in order.
    pub failures: Vec<Failure>,
    /// Calls of the plugin, in one playing.
    pub calls: u64,
    /// Fuel of all of them.
    pub fuel: u64,
    /// Schedules of its races.
    pub schedules: u64,
    /// The number of times that it was played with a failing host call.
    pub disturbed: u64,
    /// Everything that the steps changed together.
    pub effects: Vec<String>,
    /// Step by step; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepReport>,
    /// The e-mails; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mails: Vec<Value>,
    /// The audit events; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<Value>,
    /// The effects that blessing would write.
    #[serde(skip)]
    pub(super) came: Came,
    /// The tally of what the policies have decided.
    #[serde(skip)]
    pub(super) tally: Tally,
    /// The file that its world stands in.
    #[serde(skip)]
    pub(super) world: Option<PathBuf>,
    /// The time that it took on the wall.
    #[serde(serialize_with = "seconds")]
    pub time: Duration,
}

fn seconds<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}

/// The key that tells scenarios apart: the file, and the row of its table.
pub type CaseKey<'a> = (&'a Path, Option<usize>);

impl CaseReport {
    /// The key that tells it from the others.
    #[must_use]
    pub fn key(&self) -> CaseKey<'_> {
        (&self.path, self.row)
    }

    pub(super) fn of(case: &Case) -> Self {
        Self {
            path: case.path.clone(),
            line: case.line(),
            row: case.row,
            world: Some(case.world_path().to_owned()),
            name: case.name().to_owned(),
            tags: case.tags().to_vec(),
            ..Self::default()
        }
    }

    fn listed(&self) -> String {
        let ended = match self.ending {
            Ending::Passed => "passed",
            Ending::Failed => "FAILED",
        };
        let (time, path) = (self.time.as_secs_f64(), text::path(&self.path));
        format!("{ended}  {time:>7.3} s  {path}  {}\n", guestlist_contract::text::line(&self.name))
    }

    pub(super) fn take(&mut self, played: &Played, everything: bool) {
        self.calls = played.calls;
        self.fuel = played.fuel;
        self.schedules = played.schedules;
        self.effects.clone_from(&played.effects);
        self.came.clone_from(&played.came);
        self.tally.clone_from(&played.tally);
        if everything {
            self.steps.clone_from(&played.steps);
            self.mails.clone_from(&played.mails);
            self.audit.clone_from(&played.audit);
        }
    }
}

impl Report {
    /// The number of scenarios that failed.
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

    /// All of it, with the lines of `suite`'s files where a form shows them.
    #[must_use]
    pub fn shown(&self, format: Format, suite: &Suite) -> String {
        let sources = Sources::of(suite);
        match format {
            Format::Text => text::report(self, &sources),
            Format::Json => json::report(self),
            Format::Junit => junit::report(self, &sources),
            Format::Github => github::report(self, &sources),
        }
    }

    /// The same report with scenarios that were played before, in the order of their paths.
    #[must_use]
    pub fn with_earlier(mut self, earlier: impl IntoIterator<Item = CaseReport>) -> Self {
        self.cases.extend(earlier);
        self.cases.sort_by(|one, other| one.key().cmp(&other.key()));
        self
    }

    /// A line for each scenario: how it ended, and how long it took.
    #[must_use]
    pub fn listed(&self) -> String {
        self.cases.iter().map(CaseReport::listed).collect()
    }

    /// The scenarios that took the longest, the longest first.
    #[must_use]
    pub fn slowest(&self, count: usize) -> String {
        let mut cases: Vec<_> = self.cases.iter().collect();
        cases.sort_by_key(|case| std::cmp::Reverse(case.time));
        cases.into_iter().take(count).map(CaseReport::listed).collect()
    }

    /// Says in a line how many scenarios there were, and how they ended.
    #[must_use]
    pub fn summary(&self) -> String {
        let (failed, all) = (self.failed(), self.cases.len());
        let (well, badly) = match self.against {
            None => ("passed", "failed"),
            Some(_) => ("decided as before", "decided differently"),
        };
        let unplayed = match self.unplayed {
            0 => String::new(),
            count => format!(", {count} not played"),
        };
        format!(
            "{all} scenario{}, {} {well}, {failed} {badly}{unplayed}, in {:.1} s ({:.0} a minute)",
            if all == 1 { "" } else { "s" },
            all - failed,
            self.time.as_secs_f64(),
            self.pace()
        )
    }
}

impl SuiteError {
    /// Shows what is wrong, in the form that a report of the suite would have had.
    #[must_use]
    pub fn shown(&self, format: Format) -> String {
        match format {
            Format::Text => text::problems(self),
            Format::Json => json::problems(self),
            Format::Junit => junit::problems(self),
            Format::Github => github::problems(self),
        }
    }
}

/// The texts of the files, to show lines of them.
struct Sources<'a>(BTreeMap<CaseKey<'a>, &'a str>);

impl<'a> Sources<'a> {
    fn of(suite: &'a Suite) -> Self {
        Self(suite.cases.iter().map(|case| ((case.path.as_path(), case.row), &*case.text)).collect())
    }

    fn text(&self, case: &CaseReport) -> &'a str {
        self.0.get(&case.key()).copied().unwrap_or_default()
    }
}
