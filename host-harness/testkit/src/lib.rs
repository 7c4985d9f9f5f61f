//! Shares what tests of Guestlist, of its hosts and of policies have in common: the [guarantees] as questions
//! to a snapshot, the [coverage] of the contract, policy components for the host in memory, hosts that
//! [fail](FaultPlan) on purpose and at an exact place, the [words] of the languages that policies are
//! written in, and the [log](fn@log) that an operator would read.

pub mod coverage;
mod dice;
mod faults;
pub mod guarantees;
mod judges;
mod log;
pub mod race;
#[cfg(test)]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, each of which reads what it compares with"
)]
#[path = "../../contract/src/wit.rs"]
mod wit;
pub mod words;

pub use dice::Dice;
pub use faults::{Fault, FaultAt, FaultPlan, Intercept, Interceptor, Lie};
pub use judges::{Judged, Judgement};
pub use log::{Log, log};
