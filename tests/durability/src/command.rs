//! What the commands of this crate have in common.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "for commands that print")]

use std::{fmt::Display, future::Future, process::ExitCode};

use clap::{Args, ValueEnum};
use serde::Serialize;

/// Where to try it, and how to report.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// `sqlite`, or the URL of an empty database
    #[arg(long, default_value = "sqlite")]
    pub database: String,
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What a trial came to.
pub trait Finding: Display + Serialize {
    /// Every promise that was broken.
    fn violations(&self) -> &[String];
}

impl Common {
    /// Runs a trial and reports on it: exits with 1 where a promise was broken, with 2 where it could not be
    /// tried.
    pub fn report<T: Finding>(&self, trial: impl Future<Output = Result<T, String>>) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let done = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(trial));
        let found = match done {
            Ok(found) => found,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(2);
            }
        };
        match self.format {
            Format::Text => println!("{found}"),
            Format::Json => println!("{:#}", serde_json::json!(found)),
        }
        if found.violations().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Tells how far it is, now and then.
pub fn progress(every: usize, done: usize, of: usize) {
    if done.is_multiple_of(every) || done == of {
        eprintln!("{done} of {of}");
    }
}
