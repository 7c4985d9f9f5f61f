//! A server for invitations: one process with the plugin in its sandbox, people, roles and invitations in a
//! database, the interface of the reference and one of its own, and e-mail.
//!
//! [`Server::start`] starts one; [`Config`] says how. Who may do what stands in [`table`], and nowhere else.

mod api;
mod app;
mod caller;
pub mod config;
pub mod dev;
mod figures;
pub mod first;
mod guard;
mod lease;
mod listen;
mod oauth;
mod pages;
pub mod passwords;
mod places;
mod post;
mod probes;
mod problem;
mod reference;
pub mod secret;
mod server;
mod session;
mod sweep;
pub mod table;
mod transport;
mod tries;

pub use config::{Config, ConfigError};
pub use listen::ListenError;
pub use server::{Server, StartError};
pub use transport::{MailTestError, TransportError, test_mail};
