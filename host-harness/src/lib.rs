//! x
pub mod contract;
pub mod host;
pub mod memory;
