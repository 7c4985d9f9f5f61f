//! The interface of the reference, tokens, e-mail and secrets: a whole server, asked over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod http;
mod limits;
mod mail;
mod outside;
mod place;
mod rows;
mod secrets;
mod seed;
// That of `guestlist-mail`.
#[allow(dead_code, reason = "not all of it is asked for here")]
#[path = "../../../mail/tests/stub/mod.rs"]
mod stub;
mod tokens;
