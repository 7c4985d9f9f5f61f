//! Things that the tests of the whole system share.

use std::path::Path;

/// The root of the project.
#[must_use]
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}
