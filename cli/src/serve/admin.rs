//! `guestlist admin`: the first administrator of a server.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use guestlist_documents::files;
use guestlist_server::{
    Config,
    first::{First, FirstStart},
};

use super::Configured;
use crate::{Done, Failure};

#[derive(Subcommand)]
pub enum Command {
    /// Make a root organization with its first administrator, without a browser.
    Create(Create),
    /// Print a new link at which the first administrator is made; the one before leads nowhere any more.
    Link(Link),
}

#[derive(Args)]
pub struct Create {
    /// The name of the root organization.
    #[arg(long, value_name = "NAME")]
    organization: String,
    /// Its handle, as it stands in addresses: a to z, 0 to 9 and `-`.
    #[arg(long)]
    handle: String,
    /// The user name of the administrator.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Their address.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// A file whose first line is their password; standard input where it is missing.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    configured: Configured,
}

#[derive(Args)]
pub struct Link {
    #[command(flatten)]
    configured: Configured,
}

/// The longest password with its line end, in bytes.
const LONGEST: u64 = 4096;

pub async fn run(command: &Command) -> Result<Done, Failure> {
    match command {
        Command::Create(arguments) => create(arguments).await,
        Command::Link(arguments) => {
            let config = arguments.configured.read()?;
            config.check()?;
            tell(&config, &FirstStart::open(&config).await?).await?;
            Ok(Done::Yes)
        }
    }
}

async fn create(arguments: &Create) -> Result<Done, Failure> {
    let config = arguments.configured.read()?;
    let text = match &arguments.password_file {
        Some(file) => files::read_text(file, LONGEST),
        None => {
            if io::stdin().is_terminal() {
                eprintln!(
                    "the password of `{}`, then Enter:",
                    guestlist_contract::text::line(&arguments.user)
                );
            }
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        }
    };
    let text = text.map_err(|error| format!("the password cannot be read: {error}"))?;
    let first = First {
        organization: arguments.organization.clone(),
        handle: arguments.handle.clone(),
        user: arguments.user.clone(),
        email: arguments.email.clone(),
        password: text.lines().next().unwrap_or_default().to_owned(),
    };
    FirstStart::open(&config).await?.make(&first).await?;
    super::say(&format!(
        "`{}` can sign in at /t/{}/sign-in\n",
        guestlist_contract::text::line(&arguments.user),
        arguments.handle
    ))?;
    Ok(Done::Yes)
}

/// Says how the first administrator is made, where there is none yet.
pub async fn first_start(config: &Config) -> Result<(), Failure> {
    let first = FirstStart::open(config).await?;
    if first.is_needed().await? {
        tell(config, &first).await?;
    }
    Ok(())
}

/// Shows a new link to whoever sits at the terminal; else it goes into a file that only its owner may read.
async fn tell(config: &Config, first: &FirstStart) -> Result<(), Failure> {
    let link = first.link(config).await?;
    let minutes = super::minutes(config.first_link.0);
    if io::stdout().is_terminal() {
        super::say(&format!(
            "make the first administrator here, once and within {minutes}:\n\n  {link}\n\n(`guestlist admin link` makes \
             a new link.)\n"
        ))?;
        return Ok(());
    }
    let file = PathBuf::from("guestlist-first-link.txt");
    files::replace_private(&file, format!("{link}\n"))
        .map_err(|error| format!("`{}` cannot be written: {error}", file.display()))?;
    super::say(&format!(
        "the link for the first administrator is in `{}`, good once and for {minutes}\n",
        file.display()
    ))?;
    Ok(())
}
