//! YAML: the one place where it is read, whatever its size.
//!
//! The parser's own bounds are for configuration files: a world of 36,000 people is beyond them. What is
//! written out costs as much as it is long, so it is bounded by its length alone; what is not, as what aliases
//! repeat, keeps the parser's bounds.

use serde::de::DeserializeOwned;
use serde_saphyr::Options;

use crate::{
    files::{LONGEST_TEXT, without_mark},
    memory::{Problem, WorldError},
};

/// What a text says.
///
/// # Errors
/// What is wrong with it, with the lines to be shown.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, WorldError> {
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
