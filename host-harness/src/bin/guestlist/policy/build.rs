//! `guestlist policy build`: from the sources of a policy to a component that a host takes.
//!
//! Each language has its own tools; this finds them, runs them, and says what to install where one is
//! missing. What they print goes to standard error as it comes. Only a component that was let in, by the
//! code that a host lets it in with, becomes the output.

mod around;
mod javascript;
mod python;
mod rust;
mod tool;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use guestlist_harness::policy::PolicyComponent;
use serde_json::json;

use super::{engine, language::Language};
use crate::{Done, Failure, Format, cache, check::printable};

#[derive(Args)]
pub struct Arguments {
    /// The folder of the policy.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where the component goes; `policy.wasm` in the folder by default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let started = Instant::now();
    let language = Language::of(&arguments.folder)?;
    // The tools run in the folder, so it has to mean the same from there.
    let shown = arguments.folder.display();
    let folder =
        fs::canonicalize(&arguments.folder).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let output = arguments.output.clone().unwrap_or_else(|| arguments.folder.join("policy.wasm"));
    let built = match language {
        Language::Rust => rust::build(&folder),
        Language::JavaScript => javascript::build(&folder),
        Language::Python => python::build(&folder),
    };
    let bytes = built.map_err(|error| match output.exists() {
        true => format!("{error}; `{}` is as it was, with the rules of before", output.display()).into(),
        false => error,
    })?;
    tool::say("checking the component");
    let engine = engine()?;
    cache::announce(&engine, &output, &bytes);
    let inspection = PolicyComponent::inspect(&engine, &bytes);
    if inspection.admitted {
        replace(&output, &bytes)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut out = io::stdout().lock();
    match arguments.format {
        Format::Json => {
            let policy = inspection.admitted.then_some(&output);
            let built = json!({
                "policy": policy,
                "language": language,
                "size": inspection.size,
                "digest": inspection.digest,
                "problems": inspection.problems,
                "seconds": (seconds * 10.0).round() / 10.0,
            });
            writeln!(out, "{built:#}")?;
        }
        Format::Text if inspection.admitted => {
            writeln!(out, "policy    {}", output.display())?;
            writeln!(out, "size      {} bytes", inspection.size)?;
            writeln!(out, "sha256    {}", inspection.digest)?;
            writeln!(out, "took      {seconds:.1} s")?;
        }
        Format::Text => {
            writeln!(out, "No host takes what was built, and `{}` is as it was:", output.display())?;
            for problem in &inspection.problems {
                writeln!(out, "- {}", printable(&problem.to_string()))?;
            }
        }
    }
    Ok(if inspection.admitted { Done::Yes } else { Done::Refused })
}

/// Writes a file so that whoever reads it has the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let part = beside(path);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        // What could not be written may not be there.
        let _ = fs::remove_file(&part);
        format!("`{}` cannot be written: {error}", path.display()).into()
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Reads what a tool has written, and takes the file away.
fn take(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = fs::read(path).map_err(|error| format!("the build left no component: {error}").into());
    let _ = fs::remove_file(path);
    read
}
