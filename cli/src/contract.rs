//! `guestlist contract`: what the plugin and its host have agreed on, for whoever builds a host.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;
use guestlist_documents::files;
use guestlist_harness::{CONTRACT_JSON, CONTRACT_WIT, CORE_MODULE};

use crate::{Done, Failure};

#[derive(Args)]
pub struct Arguments {
    /// As data: packages, interfaces, functions and types with their comments, for code generators.
    #[arg(long)]
    json: bool,
    /// The core module of the plugin instead, for runtimes without components.
    #[arg(long, conflicts_with = "json", requires = "output")]
    core: bool,
    /// Into this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let bytes = match (arguments.json, arguments.core) {
        (true, _) => CONTRACT_JSON.as_bytes(),
        (_, true) => CORE_MODULE,
        _ => CONTRACT_WIT.as_bytes(),
    };
    match &arguments.output {
        Some(path) => files::replace(path, bytes)
            .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))?,
        None => io::stdout().write_all(bytes)?,
    }
    Ok(Done::Yes)
}
