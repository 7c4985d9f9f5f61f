//! An organization's own rules, as a component of world `tenant-policy`.
//!
//! The plugin asks its host for verdicts; a host may let a [`PolicyComponent`] give them. It gathers
//! the facts (which groups the inviter has, in which user store a candidate is), and the component only
//! judges: it imports no function but its [log](LOG), which leads nowhere outside of tests, unless the host
//! [lends](Loans) some, so its answer depends on the facts
//! alone. [`Policies`] knows which organization has which.
//!
//! ```no_run
//! use guestlist_harness::{Engine, policy::PolicyComponent};
//! use guestlist_contract::{rules::InviteFacts, types::Verdict};
//!
//! # async fn example(engine: &Engine, bytes: &[u8], facts: &InviteFacts) -> Result<(), Box<dyn std::error::Error>> {
//! let policy = PolicyComponent::load(engine, bytes)?; // once
//! match policy.judge_invite(facts).await {
//!     Ok(ruling) => drop::<Vec<Verdict>>(ruling.answer), // for the plugin
//!     Err(unavailable) => eprintln!("{unavailable}"),    // `host-error.unavailable` for the plugin
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A policy can say no or less, and nothing else. Three rules make it so, each in one place:
//!
//! - who gives no answer, or another number of verdicts than asked for, is unavailable: here;
//! - an unavailable policy lets nobody in: in the plugin, where every failure of the host refuses. Such a
//!   refusal is not final. The request can be repeated when the policy works again, and an accept that had
//!   begun goes on;
//! - a verdict that widens (a grant that was not asked for or is named twice, a longer lifetime, a verdict
//!   without a name) is a final refusal: in the plugin, which is the only one to act on verdicts. It cuts
//!   words that are too long, too.

mod component;
mod host;
mod language;
mod registry;

pub use crate::lending::{LOG, Lent, Loans, Log, PolicyLimits};
pub use component::{PolicyComponent, PolicyUnavailable, Ruling, Watched};
pub use host::{AllowAll, PolicyHost};
pub use language::Language;
pub use registry::{Listed, Policies, PolicyError, Rules};
