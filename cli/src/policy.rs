//! `guestlist policy`: an organization's own rules, from an empty folder to a component that a host takes.

mod build;
mod check;
mod eval;
pub mod facts;
mod language;
mod new;
mod types;

use clap::{Args, Subcommand};
use guestlist_harness::{Engine, EngineOptions};

use crate::{Done, Failure, cache};

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a small policy that works, with a scenario that shows what it does.
    New(new::Arguments),
    /// Make the component of a policy, with the tools of its language.
    Build(build::Arguments),
    /// Ask a policy once, about facts in a file, and say its verdicts.
    Eval(eval::Arguments),
    /// Write the types of facts and verdicts as the policy's language has them, from its `wit` folder.
    Types(types::Arguments),
    /// Say what a component is, and whether a host would take it as a policy; or whether it would take all
    /// those of a folder with a `policies.yaml`.
    Check(crate::check::Arguments),
}

/// One call at a time needs no pool. What is compiled is kept.
fn engine() -> Result<Engine, Failure> {
    cache::engine(EngineOptions::fuel().instances(4))
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    match &arguments.command {
        Command::New(arguments) => new::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Eval(arguments) => eval::run(arguments),
        Command::Types(arguments) => types::run(arguments),
        Command::Check(arguments) => check::run(arguments),
    }
}
