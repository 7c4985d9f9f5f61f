//! Reading YAML, whatever its size.
//!
//! The parser's own bounds are for configuration files: a world of 36,000 people is beyond them. What is
//! written out costs as much as it is long, so it is bounded by its length alone; what is not, as what aliases
//! repeat, keeps the parser's bounds.

use serde::de::DeserializeOwned;
use serde_saphyr::Options;

use crate::memory::{Problem, WorldError};

/// The longest text that is read, in bytes: two million people or so.
pub(crate) const MOST_BYTES: usize = 256 << 20;

/// What the text says. The error does not show its lines yet.
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, WorldError> {
    if text.len() > MOST_BYTES {
        let message = format!("this has {} bytes, and at most {MOST_BYTES} are read", text.len());
        let problem = Problem::nowhere(message).helped("split it into several files".to_owned());
        return Err(WorldError::new(vec![problem]));
    }
    serde_saphyr::from_str_with_options(text, options(text)).map_err(|error| WorldError::from_parser(&error))
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
