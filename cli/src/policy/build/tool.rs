//! Running somebody else's tool: its words are shown, and where it is missing it is said what to install.

use std::{
    io::{self, ErrorKind},
    process::{Command, Output, Stdio},
};

use crate::Failure;

/// Tells people what is going on; programs read standard output.
pub fn say(what: &str) {
    eprintln!("policy: {what}");
}

/// Runs a tool to its end. `missing` is what to do where it does not exist.
pub fn run(command: &mut Command, missing: &str) -> Result<(), Failure> {
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status();
    let status = status.map_err(|error| not_started(command, &error, missing))?;
    if status.success() { Ok(()) } else { Err(failed(command)) }
}

/// Runs a tool and answers with what it wrote to standard output.
pub fn ask(command: &mut Command, missing: &str) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let Output { status, stdout, .. } = output.map_err(|error| not_started(command, &error, missing))?;
    if status.success() { Ok(String::from_utf8_lossy(&stdout).into_owned()) } else { Err(failed(command)) }
}

fn not_started(command: &Command, error: &io::Error, missing: &str) -> Failure {
    let tool = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => format!("`{tool}` is not there: {missing}").into(),
        _ => format!("`{tool}` does not start: {error}").into(),
    }
}

fn failed(command: &Command) -> Failure {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.take(3).map(|word| word.to_string_lossy()).collect();
    format!("`{}` failed; what it says is above", words.join(" ")).into()
}
