//! `guestlist conformance`: does the database keep what hosts promise?

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};

use clap::Args;
use guestlist_conformance::{self as conformance, Options};
use guestlist_trial::Places;

use super::{Where, print};
use crate::{Done, Failure, Format};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    /// Only what has this in its name, as in `claiming/`.
    #[arg(long)]
    filter: Option<String>,
    /// Random histories, each compared with the in-memory host call by call.
    #[arg(long, default_value_t = 50)]
    histories: u32,
    /// Calls and events of each history.
    #[arg(long, default_value_t = 60)]
    calls: u32,
    /// The seed of the first history; each further one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Questions at the same time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub async fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let places = Places::new(&arguments.place.url()?)?;
    // It waits for the answer of the places' own threads.
    tokio::task::block_in_place(|| places.probe())?;
    let mut options = Options::default();
    options.filter.clone_from(&arguments.filter);
    options.histories = arguments.histories;
    options.calls = arguments.calls;
    options.seed = arguments.seed;
    options.jobs = usize::from(arguments.jobs);
    let mut done = 0_usize;
    let report = conformance::run(Arc::new(places), &options, |tried| {
        done += 1;
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K{done}: {}", tried.name);
        }
    })
    .await;
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    if report.tried.is_empty() {
        return Err("nothing is selected; see `--filter`".into());
    }
    print(&match arguments.format {
        Format::Text => format!("{report}\n"),
        Format::Json => serde_json::to_string_pretty(&report)? + "\n",
    })?;
    Ok(if report.passed() { Done::Yes } else { Done::Refused })
}
