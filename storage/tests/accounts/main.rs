//! Accounts and lists of a server that has its own, on SQLite.
//!
//! All but `somewhere` belongs to the tests of PostgreSQL in `tests/durability`, too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod deliveries;
mod desk;
mod handles;
mod letters;
mod machines;
mod once;
mod races;
mod reading;
mod signing_in;
#[path = "../people/somewhere.rs"]
mod somewhere;
