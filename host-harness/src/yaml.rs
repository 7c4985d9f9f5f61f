//! YAML: the one place where it is read.

use serde::de::DeserializeOwned;

use crate::{files::without_mark, memory::WorldError};

/// What a text says.
///
/// # Errors
/// What is wrong with it, with the lines to be shown.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, WorldError> {
    serde_saphyr::from_str(without_mark(text))
        .map_err(|error| WorldError::from_parser(&error).in_source(text))
}
