//! The whole system: the component in its sandbox on the in-memory host, told as people would tell it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking, and their names say what they show"
)]

mod accepting;
mod actors;
mod adopting;
mod approving;
mod asking;
mod canary;
mod cases;
mod changes;
mod checkers;
mod codes;
mod codes_in_time;
mod contradictions;
mod crates;
mod dismissing;
mod documents;
mod faults;
mod guarantees;
mod hostile;
mod inviting;
mod largest;
mod lies;
mod limiting;
mod managing;
mod newer;
mod one_id;
mod pairs;
mod racing_accepts;
mod racing_others;
mod recovery;
mod rig;
mod schedule;
mod secrecy;
mod seeing;
mod sending;
mod stories;
mod telling;
mod told;
mod trail;
