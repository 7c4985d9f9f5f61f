//! Names of user stores, as they are read.

use std::collections::BTreeSet;

use guestlist_contract::lookup::store_name;
use serde::{Deserialize, Deserializer};

pub(super) fn canonical<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(store_name(&String::deserialize(from)?))
}

pub(super) fn canonical_all<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
    Ok(BTreeSet::<String>::deserialize(from)?.iter().map(|name| store_name(name)).collect())
}
