//! People, invitations and audit trail in one SQLite file: `on-sqlite [FILE]`. PostgreSQL takes another URL.

use std::sync::Arc;

use async_trait::async_trait;
use guestlist_contract::{
    host::{Call, Host, Notifications},
    notifications::{Message, SendError, Sent},
    types::{HostError, Permissions, Principal},
};
use guestlist_examples::{Failure, WORLD, accept, context, invite, person};
use guestlist_harness::{Engine, EngineOptions, Limits, OsRandom, Plugin, policy::AllowAll};
use guestlist_memory::MemoryHost;
use guestlist_storage::{Database, Options};

/// Stands for your mail system.
struct Printer;

#[async_trait]
impl Notifications for Printer {
    async fn send(
        &self,
        _: &Call,
        organization: String,
        _template: Option<String>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        // The message has the invitation code, which nobody but the invitee may see: it is not printed.
        println!("{} e-mail of {organization}", messages.len());
        Ok(messages.iter().map(|_| Ok(Sent::Delivered)).collect())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "guestlist.db".into());
    let (url, options) = (format!("sqlite:{file}"), Options::default());
    Database::migrate(&url, &options).await?;
    let database = Database::open(&url, options).await?;
    if database.is_empty().await? {
        // `guestlist import` does the same.
        database.load(&MemoryHost::from_yaml(WORLD)?.realm()).await?;
    }

    let plugin = Plugin::bundled(&Engine::new(&EngineOptions::default())?)?;
    let people = Arc::new(database.people());
    let invitations = Arc::new(database.invitations(people.clone()));
    let host = Host {
        directory: people.clone(),
        membership: people.clone(),
        settings: people,
        storage: invitations.clone(),
        audit: invitations.clone(),
        notifications: Arc::new(Printer),
        policy: Arc::new(AllowAll),
        random: Arc::new(OsRandom),
    };
    let session = plugin.session(host, Limits::default());

    // What Ann may do is in the database, too; a server asks `directory.standing` when she signs in.
    let ann = context(Some("acme"), person("acme", "u-ann"), Permissions::INVITE)?;
    let key = invite(&session, ann).await?;
    let alice = context(None, person("vendor", "u-alice"), Permissions::empty())?;
    println!("alice accepted: {}", accept(&session, alice, key).await?);

    // The schedule: every few seconds, in any number of processes.
    for organization in invitations.with_due_work(100).await.map_err(|error| format!("{error:?}"))? {
        let system = context(Some(&organization), Principal::System, Permissions::empty())?;
        let swept = session.sweep(system, 100).await?.map_err(|refusal| format!("{refusal:?}"))?;
        println!("swept {organization}, more to do: {}", swept.more);
    }
    Ok(())
}
