//! `guestlist config`: the configuration of a server with all keys, each with a comment.

use clap::Args;
use guestlist_server::config::TEMPLATE;

use crate::{Done, Failure};

#[derive(Args)]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<Done, Failure> {
    super::say(TEMPLATE)?;
    Ok(Done::Yes)
}
