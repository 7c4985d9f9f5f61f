//! The commands about databases, and the contract as data.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios/expiry");
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo.yaml");

struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("databases-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.0.join("acme.db").display())
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command.args(arguments).current_dir(&self.0).env("GUESTLIST_DATABASE", self.url());
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

#[test]
fn a_database_is_made_filled_asked_and_written_out() {
    let desk = Desk::new("whole");
    let (status, out, _) = desk.run(&["migrate"]);
    assert_eq!((status, out.as_str()), (Some(0), "the database has schema 1 now; it was empty\n"));
    let (status, out, _) = desk.run(&["import", DEMO]);
    assert_eq!((status, out.as_str()), (Some(0), "2 organizations, 4 people, 0 invitations\n"));
    let (status, _, err) = desk.run(&["import", DEMO]);
    assert_eq!(status, Some(2));
    assert!(err.contains("`--replace` deletes all that it has"), "{err}");
    let (_, out, _) = desk.run(&["database", "check", "--format", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["schema"], 1);
    let (status, out, _) = desk.run(&["export"]);
    assert!(status == Some(0) && out.starts_with("organizations:\n- id: acme\n"), "{out}");
}

#[test]
fn scenarios_are_played_on_a_database_as_in_memory() {
    let desk = Desk::new("played");
    let (status, out, err) = desk.run(&["test", SCENARIOS, "--database", "env", "--once"]);
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.starts_with("12 scenarios, 12 passed, 0 failed"), "{out}");
    let (status, out, _) = desk.run(&["conformance", "--filter", "mine/", "--histories", "0"]);
    assert!(status == Some(0) && out.contains("passed, 0 failed, 0 left out"), "{out}");
}

#[test]
fn a_database_that_is_not_there_is_told_once_and_before_anything_is_played() {
    let desk = Desk::new("nowhere");
    for database in ["nonsense", "sqlite:/nowhere/at/all.db", "postgres://nobody@127.0.0.1:1/none"] {
        let (status, out, err) = desk.run(&["test", SCENARIOS, "--database", database]);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains("no scenario can be played on that database"), "{err}");
        let (status, out, _) = desk.run(&["test", SCENARIOS, "--database", database, "--format", "json"]);
        assert_eq!(status, Some(2));
        assert!(out.contains("no scenario can be played on that database"), "{out}");
        let (status, out, err) = desk.run(&["conformance", "--database", database]);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
    }
}

#[test]
fn the_contract_is_shown_as_text_as_data_and_as_a_module() {
    let desk = Desk::new("contract");
    let (status, out, _) = desk.run(&["contract"]);
    assert!(status == Some(0) && out.contains("package guestlist:invitation@0.1.0;"), "{out}");
    let (_, out, _) = desk.run(&["contract", "--json"]);
    let contract: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(contract["packages"].is_array());
    let (status, out, err) = desk.run(&["contract", "--core", "--output", "plugin.core.wasm"]);
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), "", ""));
    assert!(std::fs::read(desk.0.join("plugin.core.wasm")).unwrap().starts_with(b"\0asm\x01\0\0\0"));
    assert_eq!(desk.run(&["contract", "--core"]).0, Some(2), "a module is no text for a terminal");
}
