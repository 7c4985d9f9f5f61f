//! Records what a call asked its host, in order: to explain it, to compare two runs, to write a test from it.
//!
//! A trace never holds a confirmation code, nor the entropy that one was made from.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use guestlist_contract::{Function, host::Operation};

/// One host call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The number of the call, from 1, in the order in which the calls began.
    pub index: u32,
    /// The host function that was called.
    pub function: Function,
    /// The arguments by name, redacted.
    pub arguments: Value,
    /// The answer, redacted; null while there is none, and for ever when the call was cut off there.
    pub outcome: Value,
    /// The work that the guest did since the entry before (or since its start), in units of fuel. Absent
    /// without metering by fuel.
    pub fuel: Option<u64>,
    /// Arguments and answer together, in bytes of compact JSON as recorded here.
    pub bytes: usize,
    /// The fault that took the place of an honest call.
    pub fault: Option<String>,
}

/// The host calls of one call of the plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// The export that ran.
    pub operation: Operation,
    /// The host calls, in the order in which they began.
    pub entries: Vec<Entry>,
}

impl Trace {
    /// The host calls of an operation.
    #[must_use]
    pub fn new(operation: Operation, entries: Vec<Entry>) -> Self {
        Self { operation, entries }
    }
}

/// A line for each host call.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.operation.name())?;
        for entry in &self.entries {
            write!(f, "{:>4}  {} {} -> {}", entry.index, entry.function, entry.arguments, entry.outcome)?;
            if let Some(fault) = &entry.fault {
                write!(f, "  [fault: {fault}]")?;
            }
            if let Some(fuel) = entry.fuel {
                write!(f, "  [fuel: {fuel}]")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

const MARK: &str = "inv1_";
const REDACTED: &str = "inv1_<redacted>";

/// Takes confirmation codes out of every text in `value`.
pub(crate) fn redact(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(redacted) = redacted(text) {
                *text = redacted;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(name, mut field)| {
                    redact(&mut field);
                    (redacted(&name).unwrap_or(name), field)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `text` without codes, or `None` when it has none.
fn redacted(text: &str) -> Option<String> {
    if !text.contains(MARK) {
        return None;
    }
    let mut parts = text.split(MARK);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean += REDACTED;
        // Also a mangled code gives away most of a real one, so its length does not matter.
        clean += part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_disappear_wherever_they_stand() {
        let mut value = json!({
            "plain": "inv1_abcDEF-_9",
            "within": ["see https://x/#inv1_abc, or inv1_def."],
            "inv1_key": { "deep": [[{ "a": "inv1_inv1_z" }]] },
            "other": ["inv2_abc", 7, null, true],
        });
        redact(&mut value);
        assert_eq!(
            value,
            json!({
                "plain": "inv1_<redacted>",
                "within": ["see https://x/#inv1_<redacted>, or inv1_<redacted>."],
                "inv1_<redacted>": { "deep": [[{ "a": "inv1_<redacted>inv1_<redacted>" }]] },
                "other": ["inv2_abc", 7, null, true],
            })
        );
    }
}
