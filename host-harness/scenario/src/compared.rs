//! Compares whether two plugins, or two policies, decide the same.
//!
//! Both play every scenario, and nothing is checked but that they answered and changed the same, step by
//! step. A step of a race, or after one, has an outcome in every schedule: there the sets of distinct
//! outcomes are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    expect::yaml,
    failure::Failure,
    report::{CaseReport, Ending, Report},
    runner::{Progress, Runner},
    suite::Suite,
};

/// Plays a suite with both. In the report a failure is a step that `new` decides in another way than
/// `old`: `expected` is what `old` did.
pub fn compare(suite: &Suite, old: &Runner, new: &Runner, told: impl Fn(Progress<'_>) + Sync) -> Report {
    let before = old.watch(suite, &told);
    let mut report = new.watch(suite, &told);
    report.time += before.time;
    report.against = Some(before.plugin.clone());
    let before: BTreeMap<_, _> = before.cases.iter().map(|case| (case.key(), case)).collect();
    for case in &mut report.cases {
        if let Some(was) = before.get(&case.key()).copied() {
            case.failures = differences(was, case);
            case.time += was.time;
        }
        case.ending = if case.failures.is_empty() { Ending::Passed } else { Ending::Failed };
        if !new.explains() {
            case.steps.clear();
            case.mails.clear();
            case.audit.clear();
        }
    }
    report
}

/// The outcomes of a step, in every schedule in which it was taken.
struct Outcomes<'a> {
    title: &'a str,
    all: BTreeSet<String>,
}

pub(super) fn differences(was: &CaseReport, is: &CaseReport) -> Vec<Failure> {
    let (old, new) = (by_place(was), by_place(is));
    let places: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    let mut failures = Vec::new();
    for place @ (line, column) in places {
        let (was, is) = (old.get(&place), new.get(&place));
        let (before, now) = (text(was), text(is));
        if before != now {
            let title = was.or(is).map_or("", |outcomes| outcomes.title);
            failures.push(Failure {
                line,
                column,
                message: format!("`{title}` is decided differently"),
                expected: Some(before),
                actual: Some(now),
                help: None,
            });
        }
    }
    // Guarantees that broke, or that it took too long.
    failures.extend(is.failures.iter().filter(|failure| !was.failures.contains(failure)).cloned());
    let gone = was.failures.iter().filter(|failure| !is.failures.contains(failure));
    failures.extend(gone.cloned().map(|failure| Failure {
        message: format!("before, and not any more: {}", failure.message),
        ..failure
    }));
    failures
}

fn by_place(case: &CaseReport) -> BTreeMap<(u64, u64), Outcomes<'_>> {
    let mut places = BTreeMap::new();
    for step in &case.steps {
        let fresh = || Outcomes { title: &step.title, all: BTreeSet::new() };
        let place = places.entry((step.line, step.column)).or_insert_with(fresh);
        let mut outcome = Map::new();
        outcome.extend(step.answer.clone().map(|answer| ("answer".to_owned(), answer)));
        if !step.effects.is_empty() {
            outcome.insert("effects".into(), step.effects.iter().cloned().map(Value::from).collect());
        }
        place.all.insert(if outcome.is_empty() { "nothing".into() } else { yaml(&Value::Object(outcome)) });
    }
    places
}

fn text(outcomes: Option<&Outcomes<'_>>) -> String {
    match outcomes {
        None => "not done".into(),
        Some(outcomes) => outcomes.all.iter().map(String::as_str).collect::<Vec<_>>().join("\nor\n"),
    }
}
