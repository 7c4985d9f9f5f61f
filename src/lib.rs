//! x
extern crate alloc;
pub mod contract;
