//! Judging bearer tokens that issuers outside of the server have signed: JWT access tokens of OAuth 2.0 and
//! OpenID Connect.
//!
//! [`Issuers::verify`] answers who the caller is, or why the token is not believed: an exact issuer, an
//! audience, a signature by a key that the issuer publishes now, times, and that it is an access token and not
//! an ID token. [`RoleMapping`] says in which claims organizations and roles are. What a caller may do with
//! them is the server's to decide.
//!
//! ```no_run
//! use std::time::SystemTime;
//!
//! use guestlist_tokens::{CHALLENGE, Issuer, Issuers, RoleMapping};
//!
//! # async fn asked(token: &str) -> Result<(), guestlist_tokens::ConfigError> {
//! let mut keycloak = Issuer::new("https://id.example/realms/acme", ["guestlist"]);
//! keycloak.roles = RoleMapping::Keycloak;
//! let issuers = Issuers::new(vec![keycloak])?;
//!
//! match issuers.verify(token, SystemTime::now()).await {
//!     Ok(caller) => println!("{} of {}", caller.subject, caller.issuer),
//!     Err(error) if error.is_unavailable() => println!("503, and the log says: {error}"),
//!     Err(error) => println!("401 with `WWW-Authenticate: {CHALLENGE}`, and the log says: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is never believed
//!
//! Unsigned tokens, shared secrets (HMAC), encrypted tokens, keys that a token brings along or points to,
//! critical headers, tokens bound to a key of the caller (`cnf`: the proof is not checked here), ID tokens, and
//! anything over [`MAX_TOKEN`] bytes.
//!
//! # Keys
//!
//! Keys are fetched when the first token needs them and again after [`FRESH`]; a key that is gone then stops
//! working. A key id that is not known is looked for at most once in [`MIN_REFRESH`]. While an issuer cannot be
//! reached, its last keys go on for [`KEEP`]; then its callers are told that it is unavailable.
//!
//! [`Issuers::verify`] needs a Tokio runtime with time and IO.

mod claims;
mod config;
mod error;
mod fetch;
mod jwks;
mod provider;
mod verify;

pub use claims::{ClaimedRoles, Pointer, RoleMapping};
pub use config::{AccessTokens, Algorithm, ConfigError, Issuer, KeySource, MAX_SKEW};
pub use error::{CHALLENGE, FetchError, Reason, TokenError};
pub use fetch::{MAX_DOCUMENT, TIMEOUT};
pub use jwks::{FRESH, KEEP, MIN_REFRESH, RETRY};
pub use verify::{Issuers, MAX_TOKEN, Verified};
