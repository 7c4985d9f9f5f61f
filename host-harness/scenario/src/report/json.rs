//! Reports for programs.
//!
//! ```json
//! {
//!   "format": 1,
//!   "plugin": "<SHA-256>",
//!   "summary": { "scenarios": 2, "passed": 1, "failed": 1, "disturbed": 0, "schedules": 0,
//!     "unplayed": 0, "seconds": 0.1 },
//!   "cases": [
//!     { "path": "inviting/one.yaml", "line": 1, "name": "One is invited", "tags": [], "ending": "failed",
//!       "failures": [ { "line": 7, "column": 5, "message": "..", "expected": "..", "actual": "..", "help": ".." } ],
//!       "calls": 1, "fuel": 300000, "schedules": 0, "disturbed": 0, "effects": [".."], "time": 0.05 }
//!   ],
//!   "coverage": { "reasons": { "percent": 100, "covered": [".."], "missing": [".."], "reserved": [] }, .. }
//! }
//! ```
//!
//! A scenario that is told for each row of a table has `row`, from 1. With `--coverage` there is `rules`:
//! what of the rules under test has decided. `expected`, `actual` and `help` may be absent; `steps`, `mails`
//! and `audit` are there with `explain`. A comparison has `against`, the SHA-256 of the old plugin:
//! `expected` is then what it did. Where a file is wrong nothing is run, and there is `problems` instead, a
//! list of `path`, `line`, `column`, `message` and `help`. Keys may be added; a key that changes its meaning
//! changes `format`.

use std::path::Path;

use serde::Serialize;

use super::{CaseReport, Report};
use crate::SuiteError;

const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Shape<'a> {
    format: u32,
    plugin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a str>,
    summary: Summary,
    cases: &'a [CaseReport],
    /// Coverage of what was played: see [`guestlist_testkit::coverage`].
    coverage: guestlist_testkit::coverage::Report,
    /// The report on the rules under test.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<&'a crate::RulesReport>,
}

#[derive(Serialize)]
struct Summary {
    scenarios: usize,
    passed: usize,
    failed: usize,
    disturbed: u64,
    schedules: u64,
    unplayed: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Problems<'a> {
    format: u32,
    problems: Vec<Place<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a Path,
    line: u64,
    column: u64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

pub(super) fn report(report: &Report) -> String {
    let (failed, scenarios) = (report.failed(), report.cases.len());
    written(&Shape {
        format: FORMAT,
        plugin: &report.plugin,
        against: report.against.as_deref(),
        summary: Summary {
            scenarios,
            passed: scenarios - failed,
            failed,
            disturbed: report.cases.iter().map(|case| case.disturbed).sum(),
            schedules: report.cases.iter().map(|case| case.schedules).sum(),
            unplayed: report.unplayed,
            seconds: report.time.as_secs_f64(),
        },
        cases: &report.cases,
        coverage: report.coverage.report(),
        rules: report.rules.as_ref(),
    })
}

pub(super) fn problems(error: &SuiteError) -> String {
    let places = error.places().map(|(path, problem)| Place {
        path,
        line: problem.line,
        column: problem.column,
        message: &problem.message,
        help: problem.help.as_deref(),
    });
    written(&Problems { format: FORMAT, problems: places.collect() })
}

/// A path that is no UTF-8 is all that JSON cannot say.
fn written(shape: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(shape).unwrap_or_else(|error| {
        serde_json::json!({ "format": FORMAT, "error": error.to_string() }).to_string()
    });
    text.push('\n');
    text
}
