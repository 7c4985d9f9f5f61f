//! Databases under many processes, under fire, and full.
//!
//! Real processes use one database at the same time ([`race`], [`pairs`]), die in the middle of it
//! ([`crash`]), and what is there afterwards is asked for every guarantee ([`check`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it is all test: what is not as expected ends the test"
)]

pub mod act;
pub mod check;
pub mod command;
pub mod crash;
pub mod field;
pub mod host;
pub mod imports;
pub mod load;
pub mod pairs;
pub mod place;
pub mod race;
pub mod rest;
pub mod server;
pub mod worker;
pub mod world;
