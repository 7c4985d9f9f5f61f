//! Organizations and people in a database: each answer and all that is stored is what the in-memory host has.
//!
//! On SQLite; with `GUESTLIST_TEST_POSTGRES=URL` on PostgreSQL, in schemas of their own that stay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod administering;
mod both;
mod histories;
mod races;
mod reading;
mod working;
mod worlds;
