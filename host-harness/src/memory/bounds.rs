//! Limits on what a guest may send.
//!
//! The plugin is not trusted to respect the limits of the contract: each function measures its
//! arguments before it reads or writes anything, and refuses the call as a whole.

use crate::contract::types::{Grant, HostError, Property};

/// Longest id of any kind.
const ID: usize = 255;
/// Longest user name.
pub(super) const NAME: usize = 254;
/// Longest reason that somebody writes.
pub(super) const REASON: usize = 1024;
/// Most grants in one invitation.
pub(super) const GRANTS: usize = 50;

fn invalid(text: String) -> HostError {
    HostError::Invalid(text)
}

/// An id is 1 to 255 bytes.
pub(super) fn id(what: &str, value: &str) -> Result<(), HostError> {
    if value.is_empty() {
        return Err(invalid(format!("{what} is empty")));
    }
    text(what, value, ID)
}

pub(super) fn text(what: &str, value: &str, most: usize) -> Result<(), HostError> {
    if value.len() > most {
        return Err(invalid(format!("{what} has {} bytes, at most {most} are allowed", value.len())));
    }
    Ok(())
}

pub(super) fn count(what: &str, actual: usize, most: usize) -> Result<(), HostError> {
    if actual > most {
        return Err(invalid(format!("{actual} {what}, at most {most} are allowed")));
    }
    Ok(())
}

/// Page sizes and the like: 1 to 200.
pub(super) fn limit(limit: u32) -> Result<usize, HostError> {
    match usize::try_from(limit) {
        Ok(limit @ 1..=200) => Ok(limit),
        _ => Err(invalid(format!("limit is {limit}, 1 to 200 are allowed"))),
    }
}

/// A digest as it is kept: 64 hexadecimal digits.
pub(super) fn digest(what: &str, bytes: &[u8]) -> Result<String, HostError> {
    use std::fmt::Write as _;
    if bytes.len() != 32 {
        return Err(invalid(format!("{what} has {} bytes instead of 32", bytes.len())));
    }
    Ok(bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

pub(super) fn grants(grants: &[Grant]) -> Result<(), HostError> {
    count("grants", grants.len(), GRANTS)?;
    grants.iter().try_for_each(|grant| id("the id of a grant", &grant.id))
}

pub(super) fn metadata(properties: &[Property]) -> Result<(), HostError> {
    count("properties", properties.len(), 20)?;
    for (index, property) in properties.iter().enumerate() {
        if property.key.is_empty() {
            return Err(invalid("the key of a property is empty".into()));
        }
        text("the key of a property", &property.key, 64)?;
        text("the value of a property", &property.value, 254)?;
        if properties.iter().take(index).any(|earlier| earlier.key == property.key) {
            return Err(invalid("two properties have the same key".into()));
        }
    }
    Ok(())
}
