//! `make crash`: hosts that die.

use std::process::ExitCode;

use clap::Parser;
use guestlist_durability::{
    command::{Common, progress},
    crash::{self, Plan},
    place::Place,
    worker::{act_if_asked, this_program},
};

/// Kills a host in the middle of its work, again and again, and looks at what is left.
#[derive(Parser)]
struct Arguments {
    /// Kills
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    kills: u32,
    /// By this the same moments are chosen again, as far as the machine goes along
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    act_if_asked();
    let Arguments { kills, seed, common } = Arguments::parse();
    let plan = Plan { kills: kills as usize, seed };
    common.report(async {
        let place = Place::named(&common.database).await?;
        crash::run(plan, &place, &this_program(), |done| progress(50, done, plan.kills)).await
    })
}
