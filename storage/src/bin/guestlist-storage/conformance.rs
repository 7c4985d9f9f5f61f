//! `guestlist-storage conformance`: does the database keep what hosts promise?

use clap::Args;

use crate::{Done, Failure, Where};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    _place: Where,
}

pub async fn run(_arguments: &Arguments) -> Result<Done, Failure> {
    Err("not yet".into())
}
