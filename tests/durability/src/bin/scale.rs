//! `make bench-storage`: what a call takes where there is much, and where there is little.
#![allow(clippy::print_stderr, reason = "a command that prints")]

use std::process::ExitCode;

use clap::Parser;
use guestlist_durability::{
    command::Common,
    place::Place,
    scale::{self, Plan},
};
use guestlist_hostile::machine::{commit, load, machine};

/// Measures calls of the plugin on two databases: one with a thousand times as many organizations.
#[derive(Parser)]
struct Arguments {
    /// Organizations on the larger side, with 100 invitations each
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(20..))]
    organizations: u32,
    /// How often each call is measured, on each side
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=1500))]
    repeats: u32,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    let Arguments { organizations, repeats, common } = Arguments::parse();
    let plan = Plan { organizations: organizations as usize, repeats: repeats as usize };
    eprintln!("machine   {}, load {}", machine(), load().as_deref().unwrap_or("unknown"));
    eprintln!("commit    {}", commit());
    eprintln!("database  {}", common.kind());
    common.report(async {
        let place = Place::named(&common.database).await?;
        scale::run(plan, place, |step| eprintln!("{step}")).await
    })
}
