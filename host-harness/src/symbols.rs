//! The names of the functions of a stripped component, from the list that was written beside it.

use std::{borrow::Cow, collections::HashMap, sync::OnceLock};

/// Read only when something has trapped.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    text: Cow<'static, str>,
    names: OnceLock<HashMap<u32, String>>,
}

impl Symbols {
    /// Reads them from a line `index name` for each function.
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), names: OnceLock::new() }
    }

    pub(crate) fn name(&self, index: u32) -> Option<&str> {
        let read = || {
            let line = |line: &str| {
                let (index, name) = line.split_once(' ')?;
                Some((index.parse().ok()?, name.to_owned()))
            };
            self.text.lines().filter_map(line).collect()
        };
        self.names.get_or_init(read).get(&index).map(String::as_str)
    }
}
