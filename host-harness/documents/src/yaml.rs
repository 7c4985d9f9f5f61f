//! YAML: the one place where it is read, whatever its size.
//!
//! The parser's own bounds are for configuration files: a world of 36,000 people is beyond them. What is
//! written out costs as much as it is long, so it is bounded by its length alone; what is not, as what aliases
//! repeat, keeps the parser's bounds.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::Options;

use crate::{
    Problem, WorldError,
    files::{LONGEST_TEXT, without_mark},
};

/// Reads what a text says.
///
/// # Errors
/// What is wrong with it, with the lines to be shown.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, WorldError> {
    if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST_TEXT) {
        let message = format!("this has {} bytes, and at most {LONGEST_TEXT} are read", text.len());
        let problem = Problem::nowhere(message).helped("split it into several files".to_owned());
        return Err(WorldError::new(vec![problem]));
    }
    serde_saphyr::from_str_with_options(without_mark(text), options(text))
        .map_err(|error| WorldError::from_parser(&error).in_source(text))
}

fn options(text: &str) -> Options {
    // Each node takes a byte at least, and has two events at most; a stream and a document have two more.
    let length = text.len().saturating_add(16);
    let budget = serde_saphyr::budget! {
        max_events: length.saturating_mul(2),
        max_nodes: length,
        max_total_scalar_bytes: length,
    };
    serde_saphyr::options! { budget: budget, with_snippet: false }
}

/// A value on one line, as YAML would write it within a line.
#[must_use]
pub fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".into(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let name = if is_plain(name) { name.clone() } else { Value::from(name.as_str()).to_string() };
                format!("{name}: {}", flow(value))
            };
            format!("{{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Tells whether a text needs no quotes in a line of YAML.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    let special = |letter: char| "{}[],&*#?|<>=!%@`\"\\".contains(letter) || letter.is_control();
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "~" | ""
    );
    let number = text.parse::<f64>().is_ok() || text.starts_with("0x") || text.starts_with("0o");
    let starts = number || text.starts_with(|letter: char| "'-:. +".contains(letter));
    !word && !starts && !text.contains(special) && !text.contains(": ") && !text.ends_with([':', ' '])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn nesting_has_an_end_and_says_so() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read::<serde_json::Value>(&nested(60)).is_ok());
        let error = read::<serde_json::Value>(&nested(80)).unwrap_err().to_string();
        assert!(error.contains("more than 64 levels are nested here"), "{error}");
    }
}
