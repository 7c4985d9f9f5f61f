//! The commands about databases: prepare one, fill it and show it, and try whether it keeps what hosts
//! promise.

mod check;
pub mod conformance;
pub mod world;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use guestlist_storage::{Database, Options};

use crate::{Done, Failure};

/// The variable in which a URL may stand that others should not see.
const VARIABLE: &str = "GUESTLIST_DATABASE";

#[derive(Subcommand)]
pub enum Command {
    /// Ask whether a database answers, and which schema and time it has.
    Check(check::Arguments),
}

/// Which database.
#[derive(Args)]
pub struct Where {
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
        self.database.clone().map_or_else(url_of_variable, Ok)
    }

    async fn open(&self) -> Result<Database, Failure> {
        Ok(Database::open(&self.url()?, self.options()).await?)
    }
}

/// The URL in the variable, where others do not see its password.
pub fn url_of_variable() -> Result<String, Failure> {
    let missing = |_| format!("which database? say `--database URL`, or set {VARIABLE}").into();
    std::env::var(VARIABLE).map_err(missing)
}

pub async fn run(command: &Command) -> Result<Done, Failure> {
    match command {
        Command::Check(arguments) => check::run(arguments).await,
    }
}

pub async fn migrate(place: &Where) -> Result<Done, Failure> {
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
