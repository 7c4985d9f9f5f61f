//! Plugins and policies that mean harm, and what becomes of them.
//!
//! [`classes`] is the table of attacks: what each does, and what has to contain it. [`runner`] runs them
//! beside the honest calls of another organization, and [`report`] says how that went. [`guests`] makes
//! components that no honest compiler makes; the harness's own tests use them, too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it is all test: what is not as expected ends the test"
)]

pub mod classes;
pub mod guests;
pub mod machine;
pub mod report;
pub mod runner;
mod times;
