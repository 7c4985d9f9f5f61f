//! Guestlist: inviting people of the parent organization into a sub-organization, as a plugin for
//! identity servers.
//!
//! This crate is the plugin. Built for `wasm32-unknown-unknown` it becomes one WebAssembly component
//! whose only way to the world is the contract in `wit/`; built natively it is a library, on which the
//! same rules can be run, tested and measured without a sandbox.
//!
//! Each use case stands in a file of its own and reads like the sentence that describes it. Below them
//! are the pure state machine ([`state`]), the one function that moves an invitation ([`transition`]) and
//! the rules that invite and accept share ([`eligibility`]). All of them reach the host through
//! [`Capabilities`] only.

pub mod accept;
pub mod answers;
pub mod approval;
pub mod capabilities;
pub mod code;
pub mod contract;
pub mod decline;
pub mod dismiss;
pub mod eligibility;
pub mod entropy;
pub mod invite;
pub mod known;
pub mod list;
pub mod mail;
pub mod managed;
pub mod refusals;
pub mod request;
pub mod resend;
pub mod resolve_handle;
pub mod revoke;
pub mod settings;
pub mod state;
pub mod sweep;
pub mod transition;

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(target_arch = "wasm32")]
mod heap;

pub use capabilities::Capabilities;
