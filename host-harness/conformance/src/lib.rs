//! Asks a host itself, without the plugin, whether it keeps the contract.
//!
//! Whoever implements the traits of [`host`](guestlist_contract::host) writes a [`Candidate`] for it once,
//! and [`run`] asks it: more than three hundred questions, one for each promise of `wit/`, and random
//! histories, whose every answer is compared with what the in-memory host answers. `docs/conformance.md` is
//! a whole program.
//!
//! - [`Candidate`] and [`Prepared`] are what the engineer writes; [`Reference`] is one to read;
//! - [`worlds`](fn@worlds) are the worlds that a candidate is prepared with, [`Event`] what happens in them;
//! - [`areas`] have the questions, and [`Report`] is what came of them.
//!
//! The suite calls the imports as the plugin would: with [`Call`](guestlist_contract::host::Call)s that say
//! who acts. Ids are UUIDs and digests 32 bytes, as in life. What the contract leaves to the host (ids of
//! local accounts, the words of errors, cursors, the order of equals) is never compared.

mod candidate;
mod case;
mod cases;
mod check;
mod event;
mod history;
mod make;
mod options;
mod reference;
mod report;
mod runner;
mod trial;
mod worlds;

pub use candidate::{Candidate, ClockKind, Prepared, Profile, Trouble};
pub use case::{Area, Case};
pub use cases::{areas, cases};
pub use event::Event;
pub use options::Options;
pub use reference::Reference;
pub use report::{Report, Tried, Verdict};
pub use runner::run;
pub use worlds::{World, worlds};
