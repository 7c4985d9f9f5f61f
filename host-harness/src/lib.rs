//! Embeds the Guestlist invitation component in a server.
//!
//! A host implements the traits of [`guestlist_contract::host`], loads a [`Plugin`] into an [`Engine`] and
//! calls it through a [`Session`]:
//!
//! ```no_run
//! use guestlist_contract::{host::Host, types::Context};
//! use guestlist_harness::{Engine, EngineOptions, Limits, Plugin};
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
//! Tests make the same session with [`Session::recording`] to see what was asked, and with a [`Layer`] around
//! each host call to let the host fail at an exact place; `guestlist-testkit` has one.

mod admission;
mod artifacts;
#[cfg_attr(not(unix), path = "cache_nowhere.rs")]
mod cache;
mod calls;
mod engine;
mod error;
pub mod inspection;
mod lending;
mod limits;
mod plugin;
pub mod policy;
mod producers;
mod random;
mod sandbox;
mod session;
mod symbols;
mod trace;

pub use admission::{AdmissionProblem, Age, CONTRACT, LoadError};
pub use artifacts::{BUNDLED, CONTRACT_JSON, CONTRACT_WIT, CORE_MODULE};
pub use cache::{CacheError, CompileCache};
pub use calls::{HostCall, HostCalls, Layer, Stop};
pub use engine::{Engine, EngineError, EngineOptions, Metering, Pooling};
pub use error::{CallError, Reason, Trapped};
pub use inspection::Inspection;
pub use limits::Limits;
pub use plugin::Plugin;
pub use random::OsRandom;
pub use session::{Completed, Export, Reply, Request, Session, operations};
pub use trace::{Entry, Trace};

/// The programs in the documentation are compiled by the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
