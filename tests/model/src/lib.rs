//! The product a second time, and random lives for both.
//!
//! [`model`] says what Guestlist does, as simply as possible. [`history`] makes up what people ask, what
//! happens meanwhile, how clocks move and where hosts fail. [`run`] plays a history on the plugin, natively
//! or in its sandbox, and after each step compares answer and state with the model and asks the
//! [`guarantees`]. What fails is made shorter for as long as it fails, and printed as one line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it is all test: what is not as expected ends the test"
)]

pub mod calls;
pub mod history;
pub mod life;
pub mod model;
pub mod native;
pub mod run;
pub mod trial;

pub use guestlist_testkit::guarantees;
