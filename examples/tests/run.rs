//! The programs do what they say.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests fail by panicking")]

use std::{fs, path::Path, process::Command};

use guestlist_contract::types::Verdict;
use guestlist_hostile::guests::policy_answering;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn run(program: &str, arguments: &[&Path]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let (told, failed) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{told}{failed}");
    told
}

#[test]
fn the_plugin_is_embedded() {
    let told = run(env!("CARGO_BIN_EXE_embed"), &[]);
    assert_eq!(told, "invited alice; 1 e-mail was sent\nalice accepted: 2 of 2 steps applied\n");
}

#[test]
fn everything_is_kept_in_a_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("guestlist.db");
    let told = run(env!("CARGO_BIN_EXE_on-sqlite"), &[&file]);
    assert!(told.starts_with("1 e-mail of acme\nalice accepted: 2 of 2 steps applied\n"), "{told}");
    // She is a member now, and cannot be invited again.
    let again = Command::new(env!("CARGO_BIN_EXE_on-sqlite")).arg(&file).output().unwrap();
    assert!(!again.status.success());
    assert!(String::from_utf8(again.stderr).unwrap().contains("AlreadyMember"));
}

#[test]
fn members_are_kept_elsewhere() {
    let told = run(env!("CARGO_BIN_EXE_members-elsewhere"), &[]);
    let expected =
        "alice accepted: 2 of 2 steps applied\nthe directory has 2 entries\n0 steps are still watched\n";
    assert_eq!(told, expected);
}

#[test]
fn each_organization_has_its_rules() {
    let folder = TempDir::new().unwrap();
    let write = |verdict: Verdict| {
        let component = policy_answering(&[verdict]);
        let digest: String = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(folder.path().join("rules.wasm"), &component).unwrap();
        let manifest = format!(
            "policies:\n  rules: {{ component: rules.wasm, sha256: \"{digest}\" }}\norganizations:\n  acme: rules\nothers: none\n"
        );
        fs::write(folder.path().join("policies.yaml"), manifest).unwrap();
    };
    let told = || run(env!("CARGO_BIN_EXE_with-policies"), &[folder.path()]);
    write(Verdict::Allow);
    assert_eq!(told(), "alice is invited\n");
    write(Verdict::Refuse("not today".into()));
    assert!(told().contains("not invited") && told().contains("not today"));
    fs::write(folder.path().join("rules.wasm"), "swapped").unwrap();
    assert!(
        told().contains("rules cannot be loaded, so it lets nobody in") && told().contains("not invited")
    );
}
