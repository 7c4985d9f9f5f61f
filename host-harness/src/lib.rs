//! Embed, test and explore the Guestlist invitation component.
//!
//! A host implements the traits of [`host`], loads a [`Plugin`] into an [`Engine`] and calls it through
//! a [`Session`]:
//!
//! ```no_run
//! use guestlist_harness::{Engine, EngineOptions, Limits, Plugin, contract::types::Context, host::Host};
//!
//! # async fn example(host: Host, context: Context) -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(&EngineOptions::default())?; // one for the process
//! let plugin = Plugin::bundled(&engine)?; // compiled once
//! let session = plugin.session(host, Limits::default()); // cheap, as many as there are tenants
//! let swept = session.sweep(context, 100).await?; // a fresh instance for each call
//! # drop(swept);
//! # Ok(())
//! # }
//! ```
//!
//! Tests make the same session with [`Session::recording`] to see what was asked, and with
//! [`Session::with_interceptor`] and a [`FaultPlan`] to let the host fail at an exact place.

mod address;
mod admission;
pub mod audit;
pub mod bounds;
mod calls;
pub mod code;
pub mod conformance;
pub mod contract;
pub mod coverage;
mod engine;
mod error;
mod failures;
mod faults;
pub mod files;
pub mod grants;
pub mod guarantees;
pub mod host;
mod imports;
pub mod inspection;
pub mod lifecycle;
mod limits;
pub mod memory;
pub mod paging;
mod plugin;
pub mod policy;
pub mod reference;
mod sandbox;
pub mod scenario;
mod session;
mod symbols;
pub mod text;
mod trace;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod wit;
mod yaml;

pub use address::{AddressDomains, NotADomain};
pub use admission::{Age, CONTRACT, LoadError, Problem};
pub use calls::{HostCalls, Stop};
pub use engine::{Engine, EngineError, EngineOptions, Metering, Pooling};
pub use error::{CallError, Reason, Trapped};
pub use failures::{ErrorCase, UnknownErrorCase};
pub use faults::{Fault, FaultAt, FaultPlan, Interceptor, Lie};
pub use imports::{Function, UnknownFunction};
pub use inspection::Inspection;
pub use limits::Limits;
pub use plugin::{BUNDLED, Plugin};
pub use session::{Completed, Export, Session, operations};
pub use trace::{Entry, Trace};

/// The programs in the documentation are compiled by the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;

#[cfg(doctest)]
#[doc = include_str!("../../docs/conformance.md")]
struct Conformance;

#[cfg(doctest)]
#[doc = include_str!("../../docs/testing-policies.md")]
struct TestingPolicies;
