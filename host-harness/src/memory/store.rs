//! Names of user stores.
//!
//! They are compared without regard to letter case, so each is kept in one spelling: in capital letters, as
//! administrators know them.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};

/// The one spelling of the name of a user store: in capital letters, as far as ASCII goes.
#[must_use]
pub fn store_name(name: &str) -> String {
    name.to_ascii_uppercase()
}

/// The same for a store that is to be: its name has 1 to 255 bytes, without a slash, which ends it in
/// `STORE/name`, and without control characters.
///
/// # Errors
/// What is wrong with the name, as a sentence.
pub fn new_store_name(name: &str) -> Result<String, String> {
    if name.is_empty() || name.len() > 255 || name.contains('/') || name.contains(char::is_control) {
        let name = name.escape_debug();
        return Err(format!(
            "`{name}` is no name of a user store: that has 1 to 255 bytes, no slash and no control characters"
        ));
    }
    Ok(store_name(name))
}

pub(super) fn canonical<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(store_name(&String::deserialize(from)?))
}

pub(super) fn canonical_all<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
    Ok(BTreeSet::<String>::deserialize(from)?.iter().map(|name| store_name(name)).collect())
}
