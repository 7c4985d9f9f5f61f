//! Patterns: what an answer must look like, as far as it matters.
//!
//! | pattern | what it matches |
//! |---|---|
//! | a mapping | a mapping that has each of its keys with a value that matches; `null`: it is absent |
//! | a list | a list of the same length, item by item |
//! | a text | the same text; a mapping whose `state` it is, or whose only key |
//! | `"*"` | whatever is there |
//! | `<= 5`, `< 5`, `>= 5`, `> 5` | a number |
//! | `{ any-of: [..] }` | what one of them matches |

use serde_json::{Map, Value};

use super::render::from_now;

const ANY: &str = "*";
const ANY_OF: &str = "any-of";

pub(super) fn matches(pattern: &Value, actual: &Value) -> bool {
    match (pattern, actual) {
        (Value::String(any), actual) if any == ANY => !actual.is_null(),
        (Value::String(text), Value::String(actual)) => text == actual || is_same_instant(text, actual),
        (Value::String(text), Value::Number(actual)) => compare(text, actual.as_f64()),
        (Value::String(text), Value::Object(fields)) => is_short_for(text, fields),
        (Value::Object(fields), actual) => match alternatives(fields) {
            Some(patterns) => patterns.iter().any(|pattern| matches(pattern, actual)),
            None => actual.as_object().is_some_and(|actual| {
                fields
                    .iter()
                    .all(|(name, pattern)| matches(pattern, actual.get(name).unwrap_or(&Value::Null)))
            }),
        },
        (Value::Array(patterns), Value::Array(items)) => {
            patterns.len() == items.len()
                && patterns.iter().zip(items).all(|(pattern, item)| matches(pattern, item))
        }
        (pattern, actual) => pattern == actual,
    }
}

/// Makes what to show beside a pattern that does not match: the actual value, without what the pattern does
/// not mention, and in the pattern's words where it matches.
pub(super) fn as_far_as(pattern: &Value, actual: &Value) -> Value {
    if matches(pattern, actual) {
        return pattern.clone();
    }
    match (pattern, actual) {
        (Value::Object(fields), Value::Object(actual)) if alternatives(fields).is_none() => {
            let known = fields.iter().filter_map(|(name, pattern)| {
                let value = actual.get(name)?;
                Some((name.clone(), as_far_as(pattern, value)))
            });
            let known: Map<_, _> = known.collect();
            // Nothing in common: then all of it says more.
            if known.is_empty() { Value::Object(actual.clone()) } else { Value::Object(known) }
        }
        (Value::Array(patterns), Value::Array(items)) => {
            let mut patterns = patterns.iter();
            items
                .iter()
                .map(|item| patterns.next().map_or(item.clone(), |one| as_far_as(one, item)))
                .collect()
        }
        _ => actual.clone(),
    }
}

/// `in 3d` and `in 72h`.
fn is_same_instant(one: &str, other: &str) -> bool {
    from_now(one).is_some_and(|one| from_now(other) == Some(one))
}

fn is_short_for(text: &str, fields: &Map<String, Value>) -> bool {
    let state = fields.get("state").and_then(Value::as_str) == Some(text);
    let mut keys = fields.keys();
    state || (keys.next().is_some_and(|key| key == text) && keys.next().is_none())
}

fn alternatives(fields: &Map<String, Value>) -> Option<&Vec<Value>> {
    fields.get(ANY_OF).filter(|_| fields.len() == 1)?.as_array()
}

/// `<= 5` and the like.
pub(super) fn compare(text: &str, actual: Option<f64>) -> bool {
    let Some((bound, actual)) = Bound::parse(text).ok().zip(actual) else { return false };
    bound.holds(actual)
}

/// A bound on a number, as in `<= 400000` or `<= 1MiB`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    comparison: Comparison,
    number: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    AtMost,
    Below,
    AtLeast,
    Above,
    Exactly,
}

impl Bound {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let prefixes = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Below),
            (">", Comparison::Above),
            ("=", Comparison::Exactly),
        ];
        let wrong = || format!("`{text}` is no bound: write it as `<= 400000` or `<= 1MiB`");
        let (comparison, rest) = prefixes
            .into_iter()
            .find_map(|(prefix, comparison)| Some((comparison, text.strip_prefix(prefix)?)))
            .unwrap_or((Comparison::Exactly, text));
        let rest = rest.trim();
        let end = rest.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (number, unit) = rest.split_at(end);
        let number: f64 = number.trim().replace('_', "").parse().map_err(|_| wrong())?;
        let unit = match unit {
            "" => 1.0,
            "KiB" => 1024.0,
            "MiB" => 1_048_576.0,
            "k" => 1e3,
            "M" => 1e6,
            _ => return Err(wrong()),
        };
        Ok(Self { comparison, number: number * unit })
    }

    pub(super) fn holds(self, actual: f64) -> bool {
        match self.comparison {
            Comparison::AtMost => actual <= self.number,
            Comparison::Below => actual < self.number,
            Comparison::AtLeast => actual >= self.number,
            Comparison::Above => actual > self.number,
            Comparison::Exactly => (actual - self.number).abs() < f64::EPSILON,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_matches_what_it_says_and_no_more() {
        let item = json!({ "state": "pending", "mail": "sent", "withheld": [] });
        for (pattern, actual, expected) in [
            (json!("pending"), item.clone(), true),
            (json!("expired"), item.clone(), false),
            (json!({ "mail": "sent" }), item.clone(), true),
            (json!({ "mail": "queued" }), item.clone(), false),
            (json!({ "code": null }), item.clone(), true),
            (json!({ "mail": null }), item.clone(), false),
            (json!({ "mail": "*" }), item.clone(), true),
            (json!({ "code": "*" }), item.clone(), false),
            (json!("may-not-grant"), json!({ "may-not-grant": [0] }), true),
            (json!({ "any-of": ["expired", "pending"] }), item.clone(), true),
            (json!({ "any-of": ["expired"] }), item, false),
            (json!(["a"]), json!(["a", "b"]), false),
            (json!("<= 5"), json!(5), true),
            (json!("< 5"), json!(5), false),
            (json!(5), json!(5), true),
            (json!("in 3d"), json!("in 72h"), true),
            (json!("in 3d"), json!("72h ago"), false),
            (json!({ "a": 1 }), json!("a"), false),
        ] {
            assert_eq!(matches(&pattern, &actual), expected, "{pattern} {actual}");
        }
    }

    #[test]
    fn beside_a_pattern_only_what_it_mentions_is_shown() {
        let actual = json!({ "a": 1, "b": { "state": "pending", "c": 3 }, "d": 4 });
        let shown = as_far_as(&json!({ "a": "<= 2", "b": { "state": "expired" } }), &actual);
        assert_eq!(shown, json!({ "a": "<= 2", "b": { "state": "pending" } }));
    }

    #[test]
    fn bounds_have_units() {
        assert_eq!(Bound::parse("<= 1MiB").map(|bound| bound.holds(1_048_576.0)), Ok(true));
        assert_eq!(Bound::parse("<= 1MiB").map(|bound| bound.holds(1_048_577.0)), Ok(false));
        assert!(Bound::parse("about 5").is_err());
    }
}
