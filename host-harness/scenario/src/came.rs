//! Effects that came while a scenario was played, where blessing may write them.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_saphyr::Spanned;

use super::{failure::Failure, format::Text};

/// The effects that came, where a scenario asks for them and at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Came {
    /// Effects by line and column of the list.
    pub(super) asked: BTreeMap<(u64, u64), Vec<String>>,
    pub(super) end: Option<Vec<String>>,
    /// Schedules of a race have ended in more than one way.
    pub(super) many_ends: bool,
}

impl Came {
    /// Notes what came where a list of effects stands. It must be the same whenever the story passes there.
    pub(super) fn note(&mut self, list: &Spanned<Vec<Text>>, lines: &[String]) -> Option<Failure> {
        match self.asked.entry(place(list)) {
            Entry::Vacant(free) => {
                free.insert(lines.to_vec());
                None
            }
            Entry::Occupied(known) if known.get() == lines => None,
            Entry::Occupied(known) => {
                let failure =
                    Failure::at(list, "the schedules of the race have different effects: no list fits all");
                Some(failure.compared(known.get().join("\n"), lines.join("\n")))
            }
        }
    }

    /// Notes what the whole story came to.
    pub(super) fn note_end(&mut self, lines: &[String]) {
        match &self.end {
            Some(known) => self.many_ends |= known != lines,
            None => self.end = Some(lines.to_vec()),
        }
    }
}

pub(super) fn place(list: &Spanned<Vec<Text>>) -> (u64, u64) {
    (list.referenced.line(), list.referenced.column())
}
