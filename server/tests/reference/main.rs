//! The interface of the reference, tokens, e-mail and secrets: a whole server, asked over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod http;
mod place;
mod rows;
mod seed;
