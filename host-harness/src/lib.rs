//! x
pub mod contract;
pub mod host;
