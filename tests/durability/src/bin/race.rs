//! `make race`: processes that accept the same codes.

use std::process::ExitCode;

use clap::Parser;
use guestlist_durability::{
    command::{Common, progress},
    place::Place,
    race::{self, Plan},
    worker::{act_if_asked, this_program},
};

/// Lets many processes accept the same codes at the same time, on one database.
#[derive(Parser)]
struct Arguments {
    /// Invitations
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    codes: u32,
    /// Processes
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=64))]
    processes: u16,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    act_if_asked();
    let Arguments { codes, processes, common } = Arguments::parse();
    let plan = Plan { processes: processes.into(), codes: codes as usize };
    common.report(async {
        let place = Place::named(&common.database).await?;
        race::run(plan, &place, &this_program(), |done| progress(1024, done, plan.codes)).await
    })
}
