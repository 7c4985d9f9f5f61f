//! The price that an embedder pays: which crates each of ours brings along, from where, and under which
//! licence.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

/// All packages that the lock file names for this platform, and what each needs to run.
static CRATES: LazyLock<Crates> = LazyLock::new(Crates::read);

struct Crates {
    packages: Vec<Value>,
    /// By package id: the ids of its normal dependencies.
    needs: BTreeMap<String, Vec<String>>,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl Crates {
    fn read() -> Self {
        let platform = text(&version()["host"]).to_owned();
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--locked",
                "--offline",
                "--filter-platform",
                &platform,
            ])
            .current_dir(guestlist_tests::root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let is_normal =
            |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
        let needs = list(&all["resolve"]["nodes"])
            .map(|node| {
                let normal = list(&node["deps"]).filter(is_normal);
                (text(&node["id"]).to_owned(), normal.map(|one| text(&one["pkg"]).to_owned()).collect())
            })
            .collect();
        let Value::Array(packages) = all["packages"].take() else { panic!("cargo lists no packages") };
        Self { packages, needs }
    }

    /// The names of everything that one of our crates needs to run, itself included, with the features that
    /// the whole workspace asks for.
    fn under(&self, name: &str) -> BTreeSet<&str> {
        let root = self.packages.iter().find(|package| package["name"] == name).unwrap();
        let (mut found, mut open) = (BTreeSet::new(), vec![text(&root["id"])]);
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.needs[id].iter().map(String::as_str));
            }
        }
        let named = self.packages.iter().filter(|package| found.contains(text(&package["id"])));
        named.map(|package| text(&package["name"])).collect()
    }
}

fn version() -> Value {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let pairs = told.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

/// The names of everything that one of our crates needs to run, itself included, with the features that
/// whoever takes it alone gets.
fn alone(name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", name, "--edges", "normal", "--prefix", "none", "--locked", "--offline"])
        .current_dir(guestlist_tests::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    // A name, a version, and perhaps that its own needs were shown before.
    told.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn has(crates: &BTreeSet<String>, name: &str) -> bool {
    crates.iter().any(|known| known.split_once(' ').is_some_and(|(known, _)| known == name))
}

#[test]
fn a_server_that_embeds_the_plugin_gets_no_more_than_it_runs() {
    let crates = alone("guestlist-harness");
    for unwanted in ["clap", "schemars", "similar", "granit-parser", "serde-saphyr", "guestlist-memory"] {
        assert!(!has(&crates, unwanted), "{unwanted}");
    }
    assert!(has(&crates, "wasmtime") && crates.len() <= 115, "{} crates: {crates:#?}", crates.len());
}

#[test]
fn storage_compiles_neither_scenarios_nor_reports() {
    let crates = alone("guestlist-storage");
    for unwanted in ["clap", "similar", "guestlist-scenario", "guestlist-conformance", "guestlist-testkit"] {
        assert!(!has(&crates, unwanted), "{unwanted}");
    }
    assert!(has(&crates, "rusqlite"), "{crates:#?}");
}

/// Arrows between our crates: each crate with all of ours that it may stand on, however indirectly.
const ARROWS: [(&str, &[&str]); 17] = [
    ("guestlist", &["rules"]),
    ("guestlist-rules", &[]),
    ("guestlist-contract", &["rules"]),
    ("guestlist-documents", &["contract", "rules"]),
    ("guestlist-memory", &["contract", "documents", "rules"]),
    ("guestlist-harness", &["contract", "rules"]),
    ("guestlist-policies", &["contract", "documents", "harness", "rules"]),
    ("guestlist-rest", &["contract", "documents", "rules"]),
    ("guestlist-connect", &["contract", "rules"]),
    ("guestlist-mail", &[]),
    ("guestlist-tokens", &[]),
    (
        "guestlist-server",
        &[
            "connect",
            "contract",
            "documents",
            "harness",
            "mail",
            "memory",
            "policies",
            "rest",
            "rules",
            "storage",
            "tokens",
        ],
    ),
    ("guestlist-testkit", &["contract", "documents", "harness", "memory", "rules"]),
    ("guestlist-conformance", &["contract", "documents", "harness", "memory", "rules", "testkit"]),
    (
        "guestlist-scenario",
        &["contract", "documents", "harness", "memory", "policies", "rest", "rules", "testkit"],
    ),
    ("guestlist-storage", &["connect", "contract", "documents", "memory", "rules"]),
    (
        "guestlist-trial",
        &[
            "conformance",
            "connect",
            "contract",
            "documents",
            "harness",
            "memory",
            "policies",
            "rest",
            "rules",
            "scenario",
            "storage",
            "testkit",
        ],
    ),
];

#[test]
fn arrows_between_crates_point_down() {
    for (name, may) in ARROWS {
        for other in CRATES.under(name) {
            let Some(ours) = other.strip_prefix("guestlist-") else { continue };
            assert!(other == name || may.contains(&ours), "`{name}` needs `{other}`");
        }
    }
}

#[test]
fn everything_comes_from_the_registry_under_a_licence_that_may_be_passed_on() {
    const FREE: [&str; 11] = [
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CDLA-Permissive-2.0",
        "ISC",
        "MIT",
        "Unicode-3.0",
        "Zlib",
    ];
    for package in &CRATES.packages {
        let (name, licence) = (text(&package["name"]), text(&package["license"]));
        // One of each alternative is enough; of what is joined by `AND` each is needed.
        let is_free = |part: &str| part.split([' ', '(', ')', '/']).any(|word| FREE.contains(&word));
        assert!(licence.split(" AND ").all(is_free), "{name}: `{licence}`");
        let source = &package["source"];
        assert!(source.is_null() || text(source).starts_with("registry+"), "{name} comes from {source}");
        assert!(!source.is_null() || name.starts_with("guestlist"), "{name} is none of ours");
    }
}
