//! The plugin in a process, on a host in memory: the smallest server.

use std::sync::Arc;

use guestlist_contract::types::Permissions;
use guestlist_examples::{Failure, WORLD, accept, invite, person};
use guestlist_harness::{Engine, EngineOptions, Limits, Plugin};
use guestlist_memory::MemoryHost;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let plugin = Plugin::bundled(&Engine::new(&EngineOptions::default())?)?; // once for the process
    let host = Arc::new(MemoryHost::from_yaml(WORLD)?); // your own host goes here
    let session = plugin.session(host.clone().host(), Limits::default());

    let ann = host.context(Some("acme"), person("acme", "u-ann"));
    assert!(ann.permissions.contains(Permissions::INVITE));
    let key = invite(&session, ann).await?;
    println!("invited alice; {} e-mail was sent", host.mails().len());

    let alice = host.context(None, person("vendor", "u-alice"));
    println!("alice accepted: {}", accept(&session, alice, key).await?);
    Ok(())
}
