//! The questions, by area.

mod applying;
mod by_code;
mod changing;
mod closing;
mod due;
mod inserting;
mod lists;
mod prelude;
mod purging;
mod reading;
mod recalling;
mod resolving;
mod settling;

use super::case::Case;

/// Every question, in the order in which they are asked.
#[must_use]
pub fn cases() -> Vec<Case> {
    let areas: [&[Case]; 12] = [
        inserting::CASES,
        recalling::CASES,
        reading::CASES,
        by_code::CASES,
        changing::CASES,
        lists::CASES,
        due::CASES,
        settling::CASES,
        purging::CASES,
        applying::CASES,
        closing::CASES,
        resolving::CASES,
    ];
    areas.into_iter().flatten().copied().collect()
}
