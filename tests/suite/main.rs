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
mod after;
mod asking;
mod canary;
mod cases;
mod checkers;
mod differential;
mod documents;
mod faults;
mod guarantees;
mod hostile;
mod interleaving;
mod inviting;
mod managing;
mod orders;
mod orders_apart;
mod races;
mod rig;
mod schedule;
mod secrecy;
mod stories;
