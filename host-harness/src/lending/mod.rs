//! What a policy gets from its host: its log, the functions that it may import, and how much it may cost.

mod limits;
mod loans;
mod log;

pub use limits::PolicyLimits;
pub(crate) use loans::PolicyState;
pub use loans::{Lent, Loans};
pub(crate) use log::FUNCTIONS as LOG_FUNCTIONS;
pub use log::{LOG, Log};
