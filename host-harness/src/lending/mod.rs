//! Things that a policy gets from its host: its log, the functions that it may import, and how much it may
//! cost.

mod imports;
mod limits;
mod log;

pub(crate) use imports::PolicyState;
pub use imports::{Lent, Loans};
pub use limits::PolicyLimits;
pub(crate) use log::FUNCTIONS as LOG_FUNCTIONS;
pub use log::{LOG, Log};
