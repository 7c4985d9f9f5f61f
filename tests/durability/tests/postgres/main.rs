//! What holds on PostgreSQL, with a server that the tests start themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod migration;
mod outages;
mod plans;
mod rights;
mod sessions;
mod states;
mod support;
mod tables;
mod time;
mod trials;
mod writes;
