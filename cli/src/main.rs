//! `guestlist`: watch the plugin at work, call it, on a host in memory, check one before it is deployed,
//! and make the rules of one organization.
//!
//! Exit status: 0 when it was done, 1 when the plugin refused or was refused, 2 when it could not run.

mod cache;
mod call;
mod check;
mod contract;
mod coverage;
mod database;
mod demo;
mod logging;
mod output;
mod policy;
mod record;
mod serve;
mod state;
mod test;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use guestlist_contract::text;
use guestlist_harness::{Engine, EngineOptions, Plugin};

/// Invitations into organizations, decided by a sandboxed component.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where compiled policies are kept, or `off`; `guestlist` among your caches by default. The environment
    /// can say so, too, as GUESTLIST_CACHE.
    #[arg(long, global = true, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Tell the whole story: people are invited, mailed, accept, and land in their groups.
    Demo {
        /// For people or for machines.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Make the first administrator of a server.
    #[command(subcommand)]
    Admin(serve::Admin),
    /// Call one operation on a world file; the request is JSON on standard input.
    Call(call::Arguments),
    /// Say what a plugin imports and exports, and whether this host would take it.
    Check(check::Arguments),
    /// Print the configuration of a server, with a comment for each key.
    Config(serve::ConfigArguments),
    /// Try everything that a host must do on a database, in places of its own beside what that holds.
    Conformance(database::conformance::Arguments),
    /// Show the contract of plugin and host: as text, as data, or the core module for runtimes without
    /// components.
    Contract(contract::Arguments),
    /// See whether a database is well.
    #[command(subcommand)]
    Database(database::Command),
    /// Write what is in a database: as a world file, or with all its invitations.
    Export(database::world::Export),
    /// Fill an empty database with a world file, or with what `export --all` has written.
    Import(database::world::Import),
    /// Look into the mailbox of a server to look at, or try whether e-mails can be sent.
    #[command(subcommand)]
    Mail(serve::Mail),
    /// Bring a database to the schema of this version, and say from which it came.
    Migrate(database::Where),
    /// Write, build and check the rules of one organization, in Rust, JavaScript or Python.
    Policy(policy::Arguments),
    /// Turn calls into a scenario that passes.
    Record(record::Arguments),
    /// Run a server: people, rights, invitations and e-mails behind an interface over HTTP.
    Serve(serve::Arguments),
    /// Print a token for somebody of the sample world of `serve --dev`. No other server believes it.
    Token(serve::Token),
    /// Play scenarios: worlds, what happens in them, and what must have come of it.
    Test(test::Arguments),
}

/// For people or for machines.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// What a command ends with, when it did not fail.
enum Done {
    Yes,
    Refused,
}

type Failure = Box<dyn std::error::Error>;

/// Why a command could not run, where programs were told in the form that they asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // What was asked for, as help, is no mistake.
            if error.use_stderr() {
                tell(&error.to_string());
            }
            error.exit()
        }
    };
    cache::choose(arguments.cache);
    let done = match arguments.command {
        // Has threads and runtimes of its own.
        Command::Test(arguments) => test::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Contract(arguments) => contract::run(&arguments),
        Command::Config(arguments) => serve::config(&arguments),
        Command::Token(arguments) => serve::token(&arguments),
        Command::Admin(_)
        | Command::Mail(_)
        | Command::Serve(_)
        | Command::Conformance(_)
        | Command::Database(_)
        | Command::Export(_)
        | Command::Import(_)
        | Command::Migrate(_) => on_threads(arguments.command),
        other => within_runtime(other),
    };
    match done {
        Ok(Done::Yes) => ExitCode::SUCCESS,
        Ok(Done::Refused) => ExitCode::FAILURE,
        // Whoever read what is printed has seen enough.
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // What is wrong with a file says so of each problem.
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            if !error.is::<Told>() {
                tell(text);
            }
            eprintln!("error: {}", text::lines(text));
            ExitCode::from(2)
        }
    }
}

fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Tells a program why a command could not run, in the form that it asked for, where the report would be.
fn tell(why: &str) {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let next = words.iter().skip_while(|word| *word != "--format").nth(1);
    let Some(format) =
        words.iter().find_map(|word| word.strip_prefix("--format=")).or(next.map(String::as_str))
    else {
        return;
    };
    let report = if words.get(1).is_some_and(|command| command == "test") {
        test::misunderstood(format, why)
    } else {
        (format == "json").then(|| format!("{:#}\n", serde_json::json!({ "error": why })))
    };
    if let Some(report) = report {
        // It is said on standard error as well.
        let _ = io::stdout().write_all(report.as_bytes());
    }
}

/// Runs a command that uses databases, which wait on threads of their own.
fn on_threads(command: Command) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Admin(command) => serve::admin(&command).await,
            Command::Mail(command) => serve::mail(&command).await,
            Command::Serve(arguments) => serve::run(&arguments).await,
            Command::Conformance(arguments) => database::conformance::run(&arguments).await,
            Command::Database(command) => database::run(&command).await,
            Command::Export(arguments) => database::world::export(&arguments).await,
            Command::Import(arguments) => database::world::import(&arguments).await,
            Command::Migrate(place) => database::migrate(&place).await,
            other => within_runtime(other),
        }
    })
}

fn within_runtime(command: Command) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        match command {
            Command::Demo { format } => demo::run(format).await,
            Command::Call(arguments) => call::run(arguments).await,
            Command::Check(arguments) => check::run(&arguments),
            Command::Policy(arguments) => policy::run(&arguments),
            Command::Record(arguments) => record::run(&arguments).await,
            Command::Test(arguments) => test::run(&arguments),
            Command::Config(arguments) => serve::config(&arguments),
            Command::Token(arguments) => serve::token(&arguments),
            other => on_threads(other),
        }
    })
}

/// The plugin that this command was built with.
fn plugin() -> Result<Plugin, Failure> {
    Ok(Plugin::bundled(&engine()?)?)
}

/// One call at a time needs no pool.
fn engine() -> Result<Engine, Failure> {
    Ok(Engine::new(&EngineOptions::fuel().instances(4))?)
}
