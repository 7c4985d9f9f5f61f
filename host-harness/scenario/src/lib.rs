//! Scenarios: what the plugin, or a policy, must do, told as stories that run.
//!
//! A scenario is a YAML file: a world, what happens in it, and what must have come of it. It needs no
//! server, no database and no Rust. [`Suite::load`] reads scenarios and says what is wrong with them;
//! [`Runner::run`] plays them on the in-memory host and the real component, and answers a [`Report`].
//! `docs/testing-policies.md` has the format with an example of each key.

mod ask;
mod bless;
mod came;
mod check;
mod compared;
mod edit;
mod effects;
mod event;
mod expect;
mod explain;
mod external_store;
mod failure;
mod fault;
mod format;
mod names;
mod pattern;
mod people;
mod play;
mod played;
mod record;
mod render;
mod report;
mod rules;
mod rules_report;
mod runner;
pub mod schema;
mod schema_parts;
mod stage;
mod suite;
mod table;
mod to_step;
mod waiting;
mod watch;
#[cfg(test)]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, each of which reads what it compares with"
)]
#[path = "../../contract/src/wit.rs"]
mod wit;

pub use ask::Request;
pub use bless::NotBlessed;
pub use compared::compare;
pub use external_store::{Backing, Kept};
pub use failure::Failure;
pub use format::Scenario;
pub use played::StepReport;
pub use record::{RecordError, Recorder};
pub use report::{CaseKey, CaseReport, Ending, Format, Report, shown};
pub use rules_report::{PartKind, RulePart, RulesReport};
pub use runner::{Options, Progress, Runner};
pub use suite::{Case, FileProblem, Loading, MARK, Suite, SuiteError, SuiteFile};
pub use watch::Glance;
