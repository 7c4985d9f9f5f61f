//! The questions, by area.

mod applying;
mod at_once;
mod auditing;
mod by_code;
mod changing;
mod closing;
mod configured;
mod due;
mod hostile_texts;
mod inserting;
mod lists;
mod people;
mod prelude;
mod purging;
mod reading;
mod recalling;
mod resolving;
mod sending;
mod settling;

use super::case::Case;

/// Every question, in the order in which they are asked.
#[must_use]
pub fn cases() -> Vec<Case> {
    let areas: [&[Case]; 18] = [
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
        people::CASES,
        configured::CASES,
        sending::CASES,
        auditing::CASES,
        hostile_texts::CASES,
        at_once::CASES,
    ];
    areas.into_iter().flatten().copied().collect()
}
