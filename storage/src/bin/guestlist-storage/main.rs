//! `guestlist-storage`: prepare a database, fill it and show it, and try whether it keeps what hosts promise.
//!
//! Exit status: 0 when it was done, 1 when something did not hold, 2 when it could not run.

mod check;
mod conformance;
mod test;
mod world;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use guestlist_storage::{Database, Options};

/// The databases of Guestlist: SQLite and PostgreSQL.
#[derive(Parser)]
#[command(name = "guestlist-storage", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring a database to the schema of this version, and say from which it came.
    Migrate(Where),
    /// Ask whether a database answers, and which schema and time it has.
    Check(check::Arguments),
    /// Fill an empty database with a world file, or with what `export --all` has written.
    Import(world::Import),
    /// Write what is in a database: as a world file, or with all its invitations.
    Export(world::Export),
    /// Try everything that a host must do, in places of its own beside what the database holds.
    Conformance(conformance::Arguments),
    /// Play scenarios on the database, in places of their own beside what it holds.
    Test(test::Arguments),
}

/// Which database.
#[derive(Args)]
struct Where {
    /// `sqlite:PATH`, or `postgres://USER@HOST/NAME`. Without it the variable `GUESTLIST_DATABASE` counts:
    /// there a password is not seen by others.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The schema of the tables, in PostgreSQL.
    #[arg(long, default_value = "guestlist")]
    schema: String,
}

impl Where {
    fn options(&self) -> Options {
        let mut options = Options::default();
        options.schema.clone_from(&self.schema);
        options
    }

    fn url(&self) -> Result<String, Failure> {
        let missing = |_| "which database? say `--database URL`, or set GUESTLIST_DATABASE".into();
        self.database.clone().map_or_else(|| std::env::var("GUESTLIST_DATABASE").map_err(missing), Ok)
    }

    async fn open(&self) -> Result<Database, Failure> {
        Ok(Database::open(&self.url()?, self.options()).await?)
    }
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

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        // Has threads and runtimes of its own.
        Command::Test(arguments) => test::run(&arguments),
        other => within_runtime(other),
    };
    match done {
        Ok(Done::Yes) => ExitCode::SUCCESS,
        Ok(Done::Refused) => ExitCode::FAILURE,
        Err(error) => {
            // What is wrong with a file says so of each problem.
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            eprintln!("error: {}", guestlist_harness::text::lines(text));
            ExitCode::from(2)
        }
    }
}

fn within_runtime(command: Command) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Migrate(place) => migrate(&place).await,
            Command::Check(arguments) => check::run(&arguments).await,
            Command::Import(arguments) => world::import(&arguments).await,
            Command::Export(arguments) => world::export(&arguments).await,
            Command::Conformance(arguments) => conformance::run(&arguments).await,
            Command::Test(arguments) => test::run(&arguments),
        }
    })
}

async fn migrate(place: &Where) -> Result<Done, Failure> {
    let (from, to) = Database::migrate(&place.url()?, &place.options()).await?;
    print(&match from {
        0 => format!("the database has schema {to} now; it was empty\n"),
        _ if from == to => format!("the database has schema {to}; there was nothing to do\n"),
        _ => format!("the database has schema {to} now; it had {from}\n"),
    })?;
    Ok(Done::Yes)
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}
