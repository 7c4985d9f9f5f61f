//! What it costs that an organization's rules are a component, and not code of the host.
//!
//! The same rule (people of the help desk, for a day at most) is asked as a native function of the host and
//! as a policy in each language: those that `guestlist policy new` writes. All sides take turns in short
//! blocks, so that a machine whose speed drifts slows each of them; the median block counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a measurement that fails stops"
)]

#[path = "../measure/mod.rs"]
mod measure;

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use guestlist_contract::{
    rules::{Candidate, Held, InviteFacts, Inviter, NamedGrant, Surroundings},
    types::{Grant, GrantKind, Narrowed, Notify, Principal, UserRef, Verdict},
};
use guestlist_harness::{
    Engine, EngineOptions,
    policy::{Policies, PolicyComponent},
};
use guestlist_hostile::machine::{commit, machine};
use guestlist_policies::MANIFEST;
use guestlist_policies::ReadPolicies as _;
use measure::{block, median, micros, resident, row};
use tokio::runtime::{Builder, Runtime};

const LANGUAGES: [&str; 3] = ["rust", "javascript", "python"];
const BLOCKS: usize = 40;
const DAY: u64 = 24 * 60 * 60 * 1000;

fn main() {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let engine = Engine::new(&EngineOptions::default()).expect("an engine");
    let components = LANGUAGES.map(|language| (language, component(language)));

    println!("machine   {}", machine());
    println!("commit    {}", commit());
    println!("settings  release, metered by epoch, a fresh instance for each judgement");
    println!("rule      people of the help desk, for a day at most; the same in all languages\n");
    let policies =
        components.each_ref().map(|(language, bytes)| (*language, loaded(&engine, language, bytes)));
    println!();
    overhead(&runtime, &policies, 1);
    overhead(&runtime, &policies, 100);
    println!();
    many(&engine, "rust alone", &[&components[0].1]);
    many(&engine, "all three languages", &components.each_ref().map(|(_, bytes)| bytes));
}

/// Made by `make bench` in the target folder.
fn component(language: &str) -> Vec<u8> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let path = target.join("bench").join(language).join("policy.wasm");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; `make bench` builds it", path.display()))
}

/// Loads a policy, and says how long that takes and what it keeps in memory.
fn loaded(engine: &Engine, language: &str, bytes: &[u8]) -> PolicyComponent {
    const COUNT: usize = 4;
    // The first one pays for what the compiler keeps for the next.
    let policy = PolicyComponent::load(engine, bytes).expect("a policy");
    let (before, started) = (resident(), Instant::now());
    let load = |number| PolicyComponent::load(engine, &numbered(bytes, number)).expect("a policy");
    let idle: Vec<_> = (0..COUNT).map(load).collect();
    let (took, kept) = (started.elapsed() / 4, resident().saturating_sub(before) / COUNT);
    row(
        &format!("{language}: load a component of {:.2} MB", bytes.len() as f64 / 1e6),
        &format!("{:.2} s", took.as_secs_f64()),
        &format!("resident memory of an idle policy {:.1} MiB", kept as f64 / 1024.0),
    );
    drop(idle);
    policy
}

/// The same component in other bytes: with a custom section that says its number.
fn numbered(bytes: &[u8], number: usize) -> Vec<u8> {
    let name = format!("number-{number}");
    let length = u8::try_from(name.len()).expect("a short name");
    [bytes, &[0, length + 1, length], name.as_bytes()].concat()
}

/// A judge, how it is asked, and how long it took.
type Side<'a> = (&'a str, Box<dyn Fn() + 'a>, Vec<Duration>);

fn overhead(runtime: &Runtime, policies: &[(&str, PolicyComponent)], candidates: usize) {
    let facts = facts(candidates);
    let expected = native(&facts);
    let repeats = if candidates == 1 { 20 } else { 5 };
    let mut sides: Vec<Side<'_>> = vec![(
        "native",
        Box::new(|| {
            black_box(native(black_box(&facts)));
        }),
        vec![],
    )];
    for (language, policy) in policies {
        let (facts, expected) = (&facts, &expected);
        let ask = move || {
            let ruling = runtime.block_on(policy.judge_invite(black_box(facts))).expect("a verdict");
            assert_eq!(ruling.answer, *expected, "{language}");
        };
        sides.push((language, Box::new(ask), vec![]));
    }
    for turn in 0..=BLOCKS {
        for (_, ask, times) in &mut sides {
            let time = block(repeats, &*ask);
            // The first turn pays for what all share.
            if turn > 0 {
                times.push(time);
            }
        }
    }
    println!(
        "{:<44} {:>12} {:>12} {:>9}",
        format!("people in one request: {candidates}"),
        "a judgement",
        "over native",
        "ratio"
    );
    let mut base = None;
    for (language, _, times) in sides {
        let time = micros(median(times));
        let base = *base.get_or_insert(time);
        println!("{language:<44} {time:>9.1} us {:>9.1} us {:>9.1}", time - base, time / base);
    }
}

/// A thousand organizations with ten distinct policies, from a folder.
fn many(engine: &Engine, what: &str, components: &[&Vec<u8>]) {
    const ORGANIZATIONS: usize = 1000;
    const DISTINCT: usize = 10;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-policies");
    fs::create_dir_all(&folder).expect("a folder");
    let mut manifest = "policies:\n".to_owned();
    let digests = Policies::new(engine);
    for number in 0..DISTINCT {
        let bytes = numbered(components[number % components.len()], number);
        fs::write(folder.join(format!("{number}.wasm")), &bytes).expect("written");
        let digest = digests.load(&bytes, None).expect("a policy").digest().to_owned();
        manifest += &format!("  p{number}: {{ component: {number}.wasm, sha256: '{digest}' }}\n");
    }
    drop(digests);
    manifest += "organizations:\n";
    for number in 0..ORGANIZATIONS {
        manifest += &format!("  org-{number}: p{}\n", number % DISTINCT);
    }
    fs::write(folder.join(MANIFEST), manifest).expect("written");

    let policies = Policies::new(engine);
    let (before, started) = (resident(), Instant::now());
    let report = policies.read_folder(&folder).expect("a folder of policies");
    let took = started.elapsed();
    assert!(report.broken.is_empty() && policies.compiled() == DISTINCT);
    row(
        &format!("{ORGANIZATIONS} organizations, {DISTINCT} policies, {what}: load"),
        &format!("{:.2} s", took.as_secs_f64()),
        &format!("resident memory {} MiB", resident().saturating_sub(before) / 1024),
    );
    let started = Instant::now();
    policies.read_folder(&folder).expect("a folder of policies");
    row("  read again, nothing has changed", &format!("{:.3} s", started.elapsed().as_secs_f64()), "");
}

/// The rule as code of the host.
fn native(facts: &InviteFacts) -> Vec<Verdict> {
    let judge = |candidate: &Candidate| {
        if !candidate.groups.iter().any(|group| group.display_name == "Help desk") {
            return Verdict::Refuse("Only people of the help desk can be invited.".to_owned());
        }
        if facts.lifetime.is_none_or(|lifetime| lifetime > DAY) {
            let grants = (0u32..).zip(&facts.grants).map(|(index, _)| index).collect();
            return Verdict::AllowWith(Narrowed { grants, lifetime: Some(DAY), signed_in_only: false });
        }
        Verdict::Allow
    };
    facts.candidates.iter().map(judge).collect()
}

fn facts(candidates: usize) -> InviteFacts {
    let held = |name: &str| Held { id: format!("g-{name}"), display_name: name.to_owned() };
    let candidate = |number: usize| Candidate {
        account: UserRef { organization: "root".into(), id: format!("u-{number:03}") },
        via: None,
        name: format!("user-{number:03}@example.com"),
        as_written: format!("user-{number:03}@example.com"),
        userstore: "PRIMARY".into(),
        active: true,
        address_domain: Some("example.com".into()),
        groups: vec![held("Everybody"), held(if number.is_multiple_of(2) { "Help desk" } else { "Sales" })],
        roles: vec![],
        sent_lately: 0,
    };
    let grant = |id: &str| NamedGrant {
        grant: Grant { kind: GrantKind::Group, id: id.into() },
        display_name: id.to_owned(),
    };
    InviteFacts {
        surroundings: Surroundings {
            organization: "acme".into(),
            organization_name: "Acme".into(),
            parent: "root".into(),
            pending: 3,
            now: 1_800_000_000_000,
            utc_offset_minutes: 60,
        },
        inviter: Inviter {
            who: Principal::User(UserRef { organization: "acme".into(), id: "u-ann".into() }),
            groups: vec![held("Help desk")],
            roles: vec![],
        },
        grants: vec![grant("g-help"), grant("g-ops")],
        lifetime: Some(3 * DAY),
        notify: Notify::Internal,
        metadata: vec![],
        candidates: (0..candidates).map(candidate).collect(),
    }
}
