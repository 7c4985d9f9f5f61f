//! `guestlist check`: whether a component may be deployed.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use guestlist_contract::text;
use guestlist_documents::files::{self, LARGEST_COMPONENT};
use guestlist_harness::{Engine, Inspection, Plugin};
use serde_json::json;

use crate::{Done, Failure, Format, Told, cache, engine};

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
    let mut out = io::stdout().lock();
    let bytes = match files::read(&arguments.component, LARGEST_COMPONENT) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("`{path}` cannot be read: {error}");
            if arguments.format == Format::Json {
                let problem = json!({ "kind": "unreadable", "names": [], "message": message });
                writeln!(out, "{:#}", json!({ "admitted": false, "problems": [problem] }))?;
            }
            return Err(Told(message).into());
        }
    };
    cache::announce(engine, &arguments.component, &bytes);
    let inspection = inspect(engine, &bytes);
    match arguments.format {
        // Names in a component are its author's.
        Format::Text => write!(out, "{}", text::lines(&inspection.to_string()))?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&inspection)?)?,
    }
    Ok(if inspection.admitted { Done::Yes } else { Done::Refused })
}
