//! Keys that are there and say nothing, which the parser takes for absent ones: whoever leaves out what they
//! expect expects nothing.

use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::format::{Scenario, Step};
use guestlist_documents::Problem;

/// Expectations that are lists, and may be empty ones.
const EXPECTED_LISTS: [&str; 6] =
    ["effects", "mails", "audit", "calls", "calls-in-any-order", "calls-include"];

/// Finds those of a scenario, of its steps and of what they expect.
pub(super) fn keys(scenario: &Scenario, text: &str) -> Vec<Problem> {
    let Ok(Value::Object(file)) = guestlist_documents::yaml::read::<Value>(text) else { return Vec::new() };
    let mut problems = in_mapping("the scenario", &scenario.name, &file);
    for (key, steps) in [("given", &scenario.given), ("steps", &scenario.steps)] {
        let written = file.get(key).and_then(Value::as_array);
        for (step, fields) in steps.iter().zip(written.into_iter().flatten()) {
            in_step(step, fields, &mut problems);
        }
    }
    problems
}

fn in_step(step: &Spanned<Step>, written: &Value, problems: &mut Vec<Problem>) {
    let Some(fields) = written.as_object() else { return };
    problems.extend(in_mapping("the step", step, fields));
    let racers = fields.get("race").and_then(|race| race.get("of")).and_then(Value::as_array);
    let of = step.value.race.iter().flat_map(|race| &race.of);
    for (one, fields) in of.zip(racers.into_iter().flatten()) {
        in_step(one, fields, problems);
    }
}

/// Finds those of a mapping, and of what is expected in it.
fn in_mapping<T>(what: &str, place: &Spanned<T>, fields: &Map<String, Value>) -> Vec<Problem> {
    let expected = fields.get("expect").and_then(Value::as_object).map(|expected| ("`expect`", expected));
    let all = [(what, fields)].into_iter().chain(expected);
    let empty = all.flat_map(|(what, fields)| {
        fields.iter().filter(|(_, value)| value.is_null()).map(move |(key, _)| (what, key))
    });
    let problem = |(what, key): (&str, &String)| {
        let help = if EXPECTED_LISTS.contains(&key.as_str()) {
            "write `[]` for none"
        } else {
            "say what, or leave the key out"
        };
        Problem::with(place, format!("`{key}` of {what} is empty")).helped(help.to_owned())
    };
    empty.map(problem).collect()
}
