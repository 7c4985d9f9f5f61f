//! What holds on PostgreSQL, with a server that the tests start themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod accounts;
#[path = "../everything/mod.rs"]
mod everything;
#[path = "../../../external/mod.rs"]
mod external;
mod hosts;
mod migration;
mod outages;
mod people;
mod plans;
mod processes;
mod records;
mod rights;
mod seen;
mod sessions;
mod states;
mod support;
mod tables;
mod time;
mod tls;
#[path = "../trials/mod.rs"]
mod trials;
mod writes;
