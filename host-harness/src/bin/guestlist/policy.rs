//! `guestlist policy`: an organization's own rules, from an empty folder to a component that a host takes.

mod build;
mod check;
mod language;
mod new;

use clap::{Args, Subcommand};

use crate::{Done, Failure};

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
    /// Say what a component is, and whether a host would take it as a policy; or whether it would take all
    /// those of a folder with a `policies.yaml`.
    Check(crate::check::Arguments),
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    match &arguments.command {
        Command::New(arguments) => new::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Check(arguments) => check::run(arguments),
    }
}
