//! `guestlist import` and `export`: a world into a database, and out of it.

use std::path::PathBuf;

use clap::Args;
use guestlist_documents::files::{self, LARGEST_STATE};
use guestlist_memory::{MemoryHost, Realm};

use super::{Where, print};
use crate::{Done, Failure};

#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    place: Where,
    /// Replace what the database holds. Without it the database has to be empty.
    #[arg(long)]
    replace: bool,
    /// A world file in YAML, or what `export --all` or `guestlist call --state` has written.
    file: PathBuf,
}

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    place: Where,
    /// Everything, as JSON: invitations, digests of codes, outbox and audit trail, too. Without it the
    /// organizations and people, as a world file.
    #[arg(long)]
    all: bool,
}

pub async fn import(arguments: &Import) -> Result<Done, Failure> {
    let path = &arguments.file;
    let text = files::read_text(path, LARGEST_STATE)
        .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    let realm = read(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let database = arguments.place.open().await?;
    if !arguments.replace && !database.is_empty().await? {
        return Err("the database holds organizations already; `--replace` deletes all that it has".into());
    }
    database.load(&realm).await?;
    let people: usize = realm.organizations.values().map(|place| place.people.len()).sum();
    let invitations: usize = realm.tenants.values().map(|tenant| tenant.rows.len()).sum();
    let organizations = realm.organizations.len();
    print(&format!("{organizations} organizations, {people} people, {invitations} invitations\n"))?;
    Ok(Done::Yes)
}

/// Either form. A saved state is JSON, and names its format.
fn read(text: &str) -> Result<Realm, Failure> {
    if text.trim_start().starts_with('{') && text.contains("\"stored\"") {
        return Ok(MemoryHost::load(text)?.realm());
    }
    Ok(MemoryHost::from_yaml(text)?.realm())
}

pub async fn export(arguments: &Export) -> Result<Done, Failure> {
    let realm = arguments.place.open().await?.dump().await?;
    let text = if arguments.all {
        let host = MemoryHost::default();
        host.set_realm(realm);
        host.save()? + "\n"
    } else {
        realm.to_yaml()?
    };
    print(&text)?;
    Ok(Done::Yes)
}
