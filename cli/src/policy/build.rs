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
use guestlist_contract::text;
use guestlist_documents::files::{self, LARGEST_COMPONENT};
use guestlist_harness::policy::PolicyComponent;
use serde_json::json;

use super::{engine, language::Language};
use crate::{Done, Failure, Format, cache};

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
        files::replace(&output, &bytes)
            .map_err(|error| format!("`{}` cannot be written: {error}", output.display()))?;
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
                writeln!(out, "- {}", text::line(&problem.to_string()))?;
            }
        }
    }
    Ok(if inspection.admitted { Done::Yes } else { Done::Refused })
}

/// What a tool writes its component to: in a folder that nobody else can have prepared, which goes away with
/// it.
struct Part(PathBuf);

impl Part {
    fn beside(path: &Path) -> Result<Self, Failure> {
        let made = files::folder_beside(path);
        Ok(Self(made.map_err(|error| format!("`{}` cannot be written: {error}", path.display()))?))
    }

    fn file(&self) -> PathBuf {
        self.0.join("policy.wasm.part")
    }

    /// Reads what the tool has written.
    fn take(self) -> Result<Vec<u8>, Failure> {
        files::read(&self.file(), LARGEST_COMPONENT)
            .map_err(|error| format!("the build left no component: {error}").into())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
