//! `guestlist token`: a token for somebody of the sample world.

use std::path::PathBuf;

use clap::Args;
use guestlist_server::dev::Dev;

use super::FOLDER;
use crate::{Done, Failure};

#[derive(Args)]
pub struct Arguments {
    /// The user name of somebody of the sample world.
    #[arg(long = "as", value_name = "NAME")]
    who: String,
    /// The organization that it is for, by handle or id. Without it the path of a request has to name one.
    #[arg(long)]
    organization: Option<String>,
    /// What it lets through, as `guestlist:invite` or `internal_org_guest_mgt_invite_add`; everything that they may
    /// where it is missing. Can be given several times.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// The folder of the server.
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    folder: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let who = Dev::sample(&arguments.who)?;
    let who =
        who.ok_or_else(|| format!("the sample world has nobody of the user name `{}`", arguments.who))?;
    let token = Dev::new(&arguments.folder).token(
        &who.account,
        arguments.organization.as_deref(),
        &arguments.scopes,
    )?;
    super::say(&format!("{token}\n"))?;
    Ok(Done::Yes)
}
