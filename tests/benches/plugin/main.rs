//! What the sandbox costs: each number with both of its sides, measured in one run.
//!
//! The plugin runs on a host that only answers ([`canned`]), once as a component and once as a native
//! library, so that the difference is the sandbox and the way into and out of it. The two sides take
//! turns in short blocks, so that a machine whose speed drifts slows both; the median block counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement that fails stops"
)]

mod canned;
#[path = "../measure/mod.rs"]
mod measure;

use std::{collections::BTreeMap, hint::black_box, process::Command, sync::Arc};

use canned::Canned;
use guestlist::{contract as native, invite};
use guestlist_contract::{exports::invitations as sandboxed, host::Host, types};
use guestlist_harness::{BUNDLED, Completed, Engine, EngineOptions, Limits, Plugin, Session, operations};
use guestlist_hostile::machine::{commit, machine};
use measure::{block, median, micros, resident, row};
use tokio::runtime::{Builder, Runtime};

const BLOCKS: usize = 60;

fn main() {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let engine = Engine::new(&EngineOptions::default()).expect("an engine");
    let plugin = Plugin::bundled(&engine).expect("the plugin");
    let host = Host::of(Arc::new(Canned));
    let fresh = plugin.session(host, Limits::default());
    let reusing = fresh.clone().reusing();

    if let Some(count) = instances_asked_for() {
        for _ in 0..count {
            black_box(sandboxed_invite(&runtime, &fresh, 1));
        }
        return;
    }

    println!("machine   {}", machine());
    println!("commit    {}", commit());
    println!("plugin    sha256 {}", plugin.digest());
    println!("settings  release, metered by epoch, instances {}", pooled(&engine));
    println!("allocator component: talc, over memory that is there from the start; native: the system's");
    println!();
    row("component, symbols stripped", &format!("{:.1} kB", BUNDLED.len() as f64 / 1e3), "");
    calls(&runtime, &fresh);
    memory(&runtime, &plugin);
    row("calls of the system, a fresh instance", &system_calls(), "");
    println!();
    println!("{:<44} {:>10} {:>10} {:>10} {:>7}", "", "component", "native", "difference", "ratio");
    compare(&runtime, &fresh, 1, "invite of 1, fresh instance", 200);
    compare(&runtime, &reusing, 1, "invite of 1, reused instance", 200);
    compare(&runtime, &fresh, 100, "invite of 100, fresh instance", 10);
    compare(&runtime, &reusing, 100, "invite of 100, reused instance", 10);
    println!("\ngoal: a fresh invite of 1 at most 30 us over native");
}

fn pooled(engine: &Engine) -> &'static str {
    if engine.is_pooled() { "from a pool" } else { "mapped one by one" }
}

/// Host calls of a bulk are those of a single invite.
fn calls(runtime: &Runtime, session: &Session) {
    let recording = session.clone().recording();
    let count = |users| {
        let completed = sandboxed_invite(runtime, &recording, users);
        let trace = completed.trace.expect("a recording session has a trace");
        let paid = |name: &str| !name.starts_with("settings") && !name.starts_with("random");
        let names = trace.entries.iter().map(|entry| entry.function.to_string());
        names.filter(|name| paid(name.trim_start_matches("wasi:"))).count()
    };
    let (one, hundred) = (count(1), count(100));
    row(
        "host calls of an invite of 1 / of 100",
        &format!("{one} / {hundred}"),
        "goal 8, settings and random aside",
    );
}

/// With this argument and a number it only makes instances, for whoever counts what that costs.
const INSTANCES: &str = "--instances";

fn instances_asked_for() -> Option<u32> {
    let mut words = std::env::args().skip_while(|word| word != INSTANCES);
    words.nth(1).and_then(|count| count.parse().ok())
}

/// Counts what a fresh instance for an invite of 1 asks of the system, by name; what the process asks once
/// is taken away by making few instances and many.
fn system_calls() -> String {
    const FEW: u32 = 100;
    const MANY: u32 = 1_100;
    let (Some(few), Some(many)) = (counted(FEW), counted(MANY)) else {
        return "not counted: there is no `strace` here".into();
    };
    let each = |(name, count): (&String, &u64)| {
        let more = count.saturating_sub(few.get(name).copied().unwrap_or(0));
        let each = more as f64 / f64::from(MANY - FEW);
        (each >= 0.05).then(|| format!("{each:.1} {name}"))
    };
    let told: Vec<_> = many.iter().filter_map(each).collect();
    if told.is_empty() { "none".into() } else { told.join(", ") }
}

fn counted(instances: u32) -> Option<BTreeMap<String, u64>> {
    let output = Command::new("strace")
        .args(["-f", "-c", "-o", "/dev/stdout"])
        .arg(std::env::current_exe().ok()?)
        .args([INSTANCES, &instances.to_string()])
        .output()
        .ok()?;
    // Share of time, seconds, microseconds a call, calls, perhaps errors, and the name.
    let told = String::from_utf8(output.stdout).ok()?;
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let name = words.last().filter(|name| **name != "total")?;
        Some(((*name).to_owned(), words.get(3)?.parse().ok()?))
    };
    Some(told.lines().filter_map(line).collect())
}

/// What an instance that waits for its next call holds.
fn memory(runtime: &Runtime, plugin: &Plugin) {
    const COUNT: usize = 200;
    let session = || {
        let session = plugin.session(Host::of(Arc::new(Canned)), Limits::default()).reusing();
        sandboxed_invite(runtime, &session, 1);
        session
    };
    // The first ones pay for what all share.
    let warm: Vec<_> = (0..20).map(|_| session()).collect();
    let before = resident();
    let kept: Vec<_> = (0..COUNT).map(|_| session()).collect();
    let each = resident().saturating_sub(before) / COUNT;
    let linear = sandboxed_invite(runtime, &warm[0], 1).memory / 1024;
    row(
        "resident memory of an idle instance",
        &format!("{each} KiB"),
        &format!("linear memory {linear} KiB"),
    );
    drop((warm, kept));
}

fn compare(runtime: &Runtime, session: &Session, users: usize, what: &str, repeats: u32) {
    let one = || {
        black_box(sandboxed_invite(runtime, session, users));
    };
    let other = || {
        black_box(native_invite(users));
    };
    let (mut component, mut native) = (Vec::new(), Vec::new());
    block(repeats, one);
    block(repeats, other);
    for _ in 0..BLOCKS {
        component.push(block(repeats, one));
        native.push(block(repeats, other));
    }
    let (component, native) = (median(component), median(native));
    println!(
        "{what:<44} {:>7.1} us {:>7.1} us {:>7.1} us {:>7.2}",
        micros(component),
        micros(native),
        micros(component) - micros(native),
        micros(component) / micros(native),
    );
}

fn names(users: usize) -> Vec<String> {
    (0..users).map(|number| format!("user-{number:03}@example.com")).collect()
}

type InviteAnswer = Result<Vec<Result<sandboxed::Invited, sandboxed::ItemRefusal>>, sandboxed::Refusal>;

fn sandboxed_invite(runtime: &Runtime, session: &Session, users: usize) -> Completed<InviteAnswer> {
    let context = types::Context {
        organization: Some("acme".into()),
        caller: types::Principal::User(types::UserRef { organization: "acme".into(), id: "u-ann".into() }),
        permissions: types::Permissions::INVITE,
        request_id: "request-1".into(),
        now: 1_800_000_000_000,
    };
    let group = |id: &str| types::Grant { kind: types::GrantKind::Group, id: id.into() };
    let request = sandboxed::InviteRequest {
        names: names(users),
        userstore_domain: None,
        grants: vec![group("g-help"), group("g-ops")],
        lifetime: sandboxed::LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        idempotency_key: None,
    };
    let done = runtime.block_on(session.run(context, operations::Invite { request })).expect("an answer");
    assert!(done.answer.as_ref().is_ok_and(|items| items.len() == users && items.iter().all(Result::is_ok)));
    done
}

fn native_invite(users: usize) -> Vec<invite::Answer> {
    use native::{exports::invitations as plugin, imports::types};
    let context = types::Context {
        organization: Some("acme".into()),
        caller: types::Principal::User(types::UserRef { organization: "acme".into(), id: "u-ann".into() }),
        permissions: types::Permissions::INVITE,
        request_id: "request-1".into(),
        now: 1_800_000_000_000,
    };
    let group = |id: &str| types::Grant { kind: types::GrantKind::Group, id: id.into() };
    let request = plugin::InviteRequest {
        names: names(users),
        userstore_domain: None,
        grants: vec![group("g-help"), group("g-ops")],
        lifetime: plugin::LifetimeChoice::Default,
        notify: None,
        template: None,
        language: None,
        landing: None,
        metadata: Vec::new(),
        idempotency_key: None,
    };
    let answers = invite::invite(&Canned, &context, &request).expect("an answer");
    assert!(answers.len() == users && answers.iter().all(Result::is_ok));
    answers
}
