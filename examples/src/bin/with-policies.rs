//! Rules of organizations: `with-policies FOLDER` asks the components that the folder's `policies.yaml` names.

use std::{path::PathBuf, sync::Arc};

use guestlist_contract::host::Host;
use guestlist_examples::{Failure, WORLD, invite, person};
use guestlist_harness::{
    Engine, EngineOptions, Limits, Plugin,
    policy::{Policies, PolicyHost},
};
use guestlist_memory::MemoryHost;
use guestlist_policies::ReadPolicies as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args_os().nth(1).ok_or("usage: with-policies FOLDER")?;
    let engine = Engine::new(&EngineOptions::default())?;
    let policies = Policies::new(&engine);
    let report = policies.read_folder(&PathBuf::from(folder))?; // and again when it has changed
    for broken in &report.broken {
        println!("{} cannot be loaded, so it lets nobody in: {}", broken.name, broken.why);
    }

    // The facts come from your own tables: `FactSource` says which.
    let host = Arc::new(MemoryHost::from_yaml(WORLD)?);
    let policy = Arc::new(PolicyHost::new(policies, host.clone()));
    let session =
        Plugin::bundled(&engine)?.session(Host { policy, ..host.clone().host() }, Limits::default());

    match invite(&session, host.context(Some("acme"), person("acme", "u-ann"))).await {
        Ok(_) => println!("alice is invited"),
        Err(refusal) => println!("alice is not invited: {refusal}"),
    }
    Ok(())
}
