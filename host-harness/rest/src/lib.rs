//! Requests and answers as JSON, in the shape of the reference API ("invite parent organization
//! users" of WSO2 Identity Server), for the command line and for servers that speak it.
//!
//! Where the reference has a field, a status or an error code, it is used as it is there. What it lacks
//! (declining, resending, paging, reasons of its own) is added in the same style, with error codes that
//! begin with `GL-`.

mod answers;
mod asked;
mod requests;

pub use answers::{
    RestError, accepted, invitation, invite_answer, invited, item_problem, outcomes, preview, status, time,
};
pub use asked::Asked;
pub use requests::{
    ById, ByIds, Decline, InvalidRequest, Invite, List, ListMine, Named, RevokeAll, Sweep, TakeHandle,
    duration,
};
