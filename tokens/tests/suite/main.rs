//! Tokens that are believed and tokens that are not, with keys made here and an issuer on loopback.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod believed;
mod config;
mod issuer;
mod keys;
mod mapping;
mod mutated;
mod refused;
mod signer;
mod tls;
