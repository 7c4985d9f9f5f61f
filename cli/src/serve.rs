//! `guestlist serve`: a server, and what belongs to it.

mod admin;
mod config;
mod mail;
mod token;

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use guestlist_server::{Config, Server, dev::Dev};

pub use admin::Command as Admin;
pub use config::Arguments as ConfigArguments;
pub use mail::Command as Mail;
pub use token::Arguments as Token;
pub use {admin::run as admin, config::run as config, mail::run as mail, token::run as token};

use crate::{Done, Failure};

/// Where a server to look at keeps everything, unless it is told otherwise.
pub const FOLDER: &str = "guestlist-dev";

#[derive(Args)]
pub struct Arguments {
    /// A server to look at: a sample world, passwords that are printed, e-mails in files. On the loopback only.
    #[arg(long)]
    dev: bool,
    /// The folder of a server to look at.
    #[arg(long, value_name = "FOLDER", default_value = FOLDER, requires = "dev")]
    folder: PathBuf,
    /// The address of a server to look at; that with TLS is `--https`.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", requires = "dev")]
    http: SocketAddr,
    /// The address with TLS of a server to look at, with a certificate that is made now.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9443", requires = "dev")]
    https: SocketAddr,
    #[command(flatten)]
    configured: Configured,
    /// Say whether a server could run so, and do not run one.
    #[arg(long, conflicts_with = "dev")]
    check_config: bool,
}

/// The configuration of a server.
#[derive(Args)]
pub struct Configured {
    /// The configuration: `guestlist config` prints one with all keys.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database, in place of what the configuration says.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Configured {
    /// Reads it.
    pub fn read(&self) -> Result<Config, Failure> {
        let mut config = Config::read(self.config.as_deref(), std::env::vars())?;
        if let Some(database) = &self.database {
            config.database.clone_from(database);
        }
        Ok(config)
    }
}

pub async fn run(arguments: &Arguments) -> Result<Done, Failure> {
    crate::logging::begin();
    if arguments.dev {
        return develop(arguments).await;
    }
    let config = arguments.configured.read()?;
    config.check()?;
    if arguments.check_config {
        say("a server can run with this\n")?;
        return Ok(Done::Yes);
    }
    admin::first_start(&config).await?;
    let server = Server::start(config).await?;
    for (what, address) in [("without TLS", server.http()), ("with TLS", server.https())] {
        if let Some(address) = address {
            say(&format!("listening on {address}, {what}\n"))?;
        }
    }
    until_stopped(server).await
}

async fn develop(arguments: &Arguments) -> Result<Done, Failure> {
    for address in [arguments.http, arguments.https] {
        if !address.ip().is_loopback() {
            return Err(format!(
                "`{address}` can be reached by others, and the passwords of `--dev` are no secret: say an address as \
                 127.0.0.1:8080"
            )
            .into());
        }
    }
    let dev = Dev::new(&arguments.folder);
    let made = dev.prepare().await?;
    let server = Server::start_development(dev.config(arguments.http, Some(arguments.https))).await?;
    let (Some(http), Some(https)) = (server.http(), server.https()) else {
        return Err("the server has no address".into());
    };
    say(&introduction(&dev, made, http, https)?)?;
    until_stopped(server).await
}

/// What to open, and three curls that work as they stand.
fn introduction(dev: &Dev, made: bool, http: SocketAddr, https: SocketAddr) -> Result<String, Failure> {
    let folder = dev.mailbox();
    let folder = folder.parent().unwrap_or(&folder).display().to_string();
    let world = if made { "a new sample world" } else { "the sample world of before" };
    let passwords = std::fs::read_to_string(dev.passwords())?;
    let indented: String = passwords.lines().map(|line| format!("    {line}\n")).collect();
    let in_folder = if folder == FOLDER { String::new() } else { format!(" --folder {folder}") };
    let command = command();
    let token =
        |who: &str, organization: &str| format!("$({command} token --as {who}{organization}{in_folder})");
    let ann = token("ann", " --organization acme");
    let alice = token("alice", "");
    Ok(format!(
        "Guestlist runs, with {world} in `{folder}`: Vendor Inc, its customer Acme, and Acme Labs, Acme's own.

  open     http://{http}/t/vendor/sign-in          (https://{https} has a certificate made now: curl -k)
  people   of vendor: rita administers, alice, bob, carol; of acme: ann administers, omar; of acme-labs: lea
{indented}
Ann of Acme invites Alice of Vendor to the help desk, Alice reads her e-mail, and accepts:

  curl -s http://{http}/t/vendor/o/acme/api/server/v1/guests/invite \\
    -H \"Authorization: Bearer {ann}\" \\
    -H 'Content-Type: application/json' -d '{{\"usernames\": [\"alice\"], \"groups\": [\"g-help\"]}}'

  CODE=$({command} mail list --code{in_folder})

  curl -si http://{http}/t/vendor/o/api/server/v1/guests/invitation/accept \\
    -H \"Authorization: Bearer {alice}\" \\
    -H 'Content-Type: application/json' -d \"{{\\\"confirmationCode\\\": \\\"$CODE\\\"}}\"

Ctrl+C stops it. `rm -r {folder}` forgets everything.
"
    ))
}

/// How this command is typed here: by its name where the path leads to one, else as it was found.
fn command() -> String {
    let named = |folder: PathBuf| folder.join("guestlist").is_file();
    if std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(named)) {
        return "guestlist".into();
    }
    let Ok(whole) = std::env::current_exe() else { return "guestlist".into() };
    let here = std::env::current_dir().ok();
    let inside = here.as_deref().and_then(|here| whole.strip_prefix(here).ok());
    inside.unwrap_or(&whole).display().to_string()
}

/// Serves until the process is told to stop.
async fn until_stopped(server: Server) -> Result<Done, Failure> {
    stopped().await?;
    say("stopping: what runs is ended\n")?;
    server.stop().await;
    Ok(Done::Yes)
}

#[cfg(unix)]
async fn stopped() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stopped() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Prints at once, also into a pipe.
pub fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How long a moment is, in minutes, for people.
pub fn minutes(milliseconds: u64) -> String {
    let minutes = Duration::from_millis(milliseconds).as_secs().div_ceil(60);
    if minutes == 1 { "1 minute".into() } else { format!("{minutes} minutes") }
}
