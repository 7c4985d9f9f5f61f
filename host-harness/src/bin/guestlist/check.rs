//! `guestlist check`: whether a component may be deployed.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use guestlist_harness::{Engine, Inspection, Plugin};

use crate::{Done, Failure, Format, cache, engine};

#[derive(Args)]
pub struct Arguments {
    /// The component.
    #[arg(value_name = "FILE")]
    pub component: PathBuf,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    inspected(arguments, &engine()?, Plugin::inspect)
}

/// Prints what an inspection finds.
pub fn inspected(
    arguments: &Arguments,
    engine: &Engine,
    inspect: fn(&Engine, &[u8]) -> Inspection,
) -> Result<Done, Failure> {
    let path = arguments.component.display();
    let bytes =
        fs::read(&arguments.component).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    cache::announce(engine, &arguments.component, &bytes);
    let inspection = inspect(engine, &bytes);
    let mut out = io::stdout().lock();
    match arguments.format {
        Format::Text => write!(out, "{}", printable(&inspection.to_string()))?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&inspection)?)?,
    }
    Ok(if inspection.admitted { Done::Yes } else { Done::Refused })
}

/// Names in a component are its author's: what would move the cursor is not written to a terminal.
pub fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}
