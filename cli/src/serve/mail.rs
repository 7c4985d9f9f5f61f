//! `guestlist mail`: the mailbox of a server to look at, and whether e-mails can be sent.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use guestlist_contract::text;
use guestlist_mail::{Folder, Kept};
use guestlist_server::{dev::Dev, test_mail};
use serde_json::json;

use super::{Configured, FOLDER};
use crate::{Done, Failure, Format};

#[derive(Subcommand)]
pub enum Command {
    /// List the e-mails of a server to look at, the newest first.
    List(List),
    /// Send an e-mail as the configuration says, and say what the mail system answered.
    Test(Test),
}

#[derive(Args)]
pub struct List {
    /// Print the invitation code of the newest e-mail that has one, and nothing else. Waits for one for ten seconds.
    #[arg(long)]
    code: bool,
    /// Only what is to this address.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t, conflicts_with = "code")]
    format: Format,
    /// The folder of the server.
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    folder: PathBuf,
}

#[derive(Args)]
pub struct Test {
    /// The address to send to.
    address: String,
    #[command(flatten)]
    configured: Configured,
}

pub async fn run(command: &Command) -> Result<Done, Failure> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Test(arguments) => {
            let words = test_mail(&arguments.configured.read()?, &arguments.address).await?;
            super::say(&format!("the mail system has it: {}\n", text::line(&words)))?;
            Ok(Done::Yes)
        }
    }
}

/// The code in a link: what follows `#`.
fn code(kept: &Kept) -> Option<&str> {
    kept.links
        .iter()
        .find_map(|link| link.split_once("#inv1_").map(|_| link.rsplit('#').next().unwrap_or_default()))
}

async fn list(arguments: &List) -> Result<Done, Failure> {
    let mailbox = Dev::new(&arguments.folder).mailbox();
    if !mailbox.is_dir() {
        let folder = arguments.folder.display();
        return Err(format!("`{folder}` has no mailbox: start `guestlist serve --dev` there first").into());
    }
    let folder = Folder::open(&mailbox).await?;
    let meant = |kept: &Kept| arguments.to.as_ref().is_none_or(|to| kept.to.eq_ignore_ascii_case(to));
    if arguments.code {
        for _ in 0..100 {
            let all = folder.list().await?;
            if let Some(code) = all.iter().filter(|kept| meant(kept)).find_map(code) {
                super::say(&format!("{code}\n"))?;
                return Ok(Done::Yes);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        return Err("no e-mail with an invitation code has come".into());
    }
    let all: Vec<Kept> = folder.list().await?.into_iter().filter(meant).collect();
    match arguments.format {
        Format::Json => {
            let shown: Vec<_> = all
                .iter()
                .map(|kept| json!({ "file": kept.path, "to": kept.to, "subject": kept.subject, "links": kept.links }))
                .collect();
            super::say(&format!("{:#}\n", json!(shown)))?;
        }
        Format::Text if all.is_empty() => super::say("the mailbox is empty\n")?,
        Format::Text => {
            for kept in &all {
                super::say(&format!("{:<28} {}\n", text::line(&kept.to), text::line(&kept.subject)))?;
                for link in &kept.links {
                    super::say(&format!("    {}\n", text::line(link)))?;
                }
            }
        }
    }
    Ok(Done::Yes)
}
