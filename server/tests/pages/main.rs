//! The pages for people: a whole server, driven over HTTP as a browser does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod browser;
mod first_start;
mod invitations;
mod looks;
mod requests;
mod sign_in;

#[path = "../reference/http.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod http;
#[path = "../reference/place.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod place;
