//! `make pairs`: every two operations at the same time.

use std::process::ExitCode;

use clap::Parser;
use guestlist_durability::{
    command::{Common, progress},
    pairs::{self, Plan},
    place::Place,
    worker::{act_if_asked, this_program},
};

/// Lets two processes do every two operations at the same time, and asks which order explains what came of it.
#[derive(Parser)]
struct Arguments {
    /// Runs of each pair
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// By this the same order of runs is chosen again
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    act_if_asked();
    let Arguments { runs, seed, common } = Arguments::parse();
    let plan = Plan { runs: runs as usize, seed };
    common.report(async {
        let place = Place::named(&common.database).await?;
        pairs::run(plan, &place, &this_program(), |done, of| progress(4000, done, of)).await
    })
}
