//! The sandbox from outside: what is not let in, and what happens to a guest that misbehaves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking, and their names say what they show"
)]

mod admission;
mod artifacts;
mod bounds;
mod conformance;
mod conformance_broken;
mod conformance_external;
#[path = "../external/mod.rs"]
mod external;
mod grant_log;
mod grant_log_directory;
mod grant_log_faults;
mod grant_log_races;
mod grant_log_system;
mod layer;
mod policies;
mod policies_of_organizations;
mod quiet;
mod scenario_files;
mod scenario_schema;
mod scenarios;
mod scenarios_compared;
mod skew;
mod testing_policies;
