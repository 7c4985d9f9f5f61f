//! Organizations and people in a database: each answer and all that is stored is what the in-memory host has.
//!
//! On SQLite. All but `somewhere` belongs to the tests of PostgreSQL in `tests/durability`, too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod acting;
mod administering;
mod both;
mod facts;
mod grants;
mod histories;
mod judged;
mod lifecycle;
mod no_way_up;
mod races;
mod reading;
mod roles;
mod somewhere;
mod working;
mod worlds;
