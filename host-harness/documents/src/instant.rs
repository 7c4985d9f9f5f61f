//! Instants, as people write them.

use chrono::DateTime;
use serde_saphyr::Spanned;

use crate::Problem;

/// The instant that a text names, in milliseconds since 1970.
///
/// # Errors
/// It names none.
pub fn instant(text: &Spanned<String>) -> Result<u64, Problem> {
    let instant = DateTime::parse_from_rfc3339(&text.value).ok();
    instant.and_then(|instant| u64::try_from(instant.timestamp_millis()).ok()).ok_or_else(|| {
        let problem = Problem::with(text, format!("`{}` is no instant", text.value));
        problem.helped("write it as `2026-03-02T09:00:00Z`, from 1970 on".into())
    })
}
