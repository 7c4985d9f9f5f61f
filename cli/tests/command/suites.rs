//! `guestlist test`: what a suite is, what it names, and how a run is cut short and listed.

use std::{fs, path::PathBuf, process::Command};

use guestlist_hostile::guests::policy_answering;
use serde_json::Value;

use super::text;

const WORLD: &str = "organizations:
  - id: root
    users: [{ id: u-alice, name: alice, email: alice@root.example }, { id: u-bob, name: bob, email: bob@root.example }]
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }]
    permissions: { u-ann: [all] }
";

fn story(name: &str, comes: &str) -> String {
    format!(
        "name: {name}\nworld: world.yaml\nin: acme\nas: ann\nsteps:\n  - invite: {{ users: [alice] }}\n    \
         expect: {{ answer: [ alice: {comes} ] }}\n"
    )
}

struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let desk = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("suites-{name}")));
        let _ = fs::remove_dir_all(&desk.0);
        fs::create_dir_all(&desk.0).unwrap();
        desk.write("suite.yaml", "");
        desk.write("world.yaml", WORLD);
        desk
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.0.join(path), bytes).unwrap();
    }

    fn test(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        let output = command.current_dir(&self.0).arg("test").args(arguments).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn without_a_path_the_present_folder_is_played() {
    let desk = Desk::new("here");
    desk.write("one.yaml", story("One", "pending"));
    let (status, out, err) = desk.test(&[]);
    assert!(status == Some(0) && out.starts_with("1 scenario, 1 passed"), "{out}{err}");
}

#[test]
fn a_run_stops_at_the_first_failure_where_that_is_asked_for() {
    let desk = Desk::new("fast");
    for (name, comes) in [("a", "pending"), ("b", "declined"), ("c", "pending"), ("d", "declined")] {
        desk.write(&format!("{name}.yaml"), story(name, comes));
    }
    let (status, out, _) = desk.test(&["--fail-fast", "--jobs", "1"]);
    assert!(status == Some(1) && out.contains("2 scenarios, 1 passed, 1 failed, 2 not played, in "), "{out}");
    let (_, out, _) = desk.test(&["--fail-fast", "--jobs", "1", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["summary"]["unplayed"], json["cases"].as_array().map(Vec::len)), (&2.into(), Some(2)));
    let (_, out, _) = desk.test(&[]);
    assert!(out.contains("4 scenarios, 2 passed, 2 failed, in "), "{out}");
}

#[test]
fn scenarios_are_listed_and_so_are_the_slowest() {
    let desk = Desk::new("listed");
    desk.write("quick.yaml", story("Quick", "pending"));
    desk.write("slow.yaml", story("Slow", "pending") + "faults: sweep\n");
    desk.write("wrong.yaml", story("Wrong", "declined"));
    let (_, out, _) = desk.test(&["--verbose"]);
    let lines: Vec<_> = out.lines().take(3).collect();
    for (line, (ended, end)) in lines.iter().zip([
        ("passed", "s  ./quick.yaml  Quick"),
        ("passed", "s  ./slow.yaml  Slow"),
        ("FAILED", "s  ./wrong.yaml  Wrong"),
    ]) {
        assert!(line.starts_with(ended) && line.ends_with(end), "{out}");
    }
    let (_, out, _) = desk.test(&["--slowest", "1"]);
    assert!(out.lines().last().is_some_and(|line| line.ends_with("./slow.yaml  Slow")), "{out}");
    // Where a program reads the report, people are told beside it.
    let (_, out, err) = desk.test(&["-v", "--slowest", "1", "--format", "json"]);
    serde_json::from_str::<Value>(&out).unwrap();
    assert_eq!(err.lines().count(), 4, "{err}");
}

#[test]
fn a_suite_names_the_policy_that_is_tested() {
    let desk = Desk::new("policy");
    let no = story("No", "{ refused: { refused: 'no' } }");
    desk.write("one.yaml", &no);
    desk.write("no.wasm", policy_answering(&[guestlist_contract::types::Verdict::Refuse("no".into())]));
    assert_eq!(desk.test(&[]).0, Some(1), "nobody says no");
    desk.write("suite.yaml", "# The rules of Acme\npolicy: no.wasm\n");
    let (status, out, err) = desk.test(&[]);
    assert_eq!(status, Some(0), "{out}{err}");
    // A flag counts instead of it.
    desk.write("yes.wasm", policy_answering(&[guestlist_contract::types::Verdict::Allow]));
    let (status, out, _) = desk.test(&["--policy", "yes.wasm"]);
    assert!(
        status == Some(1) && out.contains("+    state: pending") | out.contains("state: pending"),
        "{out}"
    );
    desk.write("no.wasm", "no policy at all");
    let (status, _, err) = desk.test(&[]);
    assert!(status == Some(2) && err.contains("no.wasm: "), "{err}");
}

#[test]
fn what_a_suite_says_is_understood_or_refused_with_its_place() {
    let desk = Desk::new("garbage");
    desk.write("one.yaml", story("One", "pending"));
    for (written, place, said) in [
        ("polcy: x\n", "suite.yaml:1:1\n", "did you mean `policy`?"),
        ("# first\npolicy: [a]\n", "suite.yaml:2:9\n", ""),
        ("- one\n", "suite.yaml:1:1\n", "a mapping is expected here"),
        ("policy: nothing.wasm\n", "suite.yaml:1:9\n", "`nothing.wasm` cannot be read: "),
        ("policy: ../no.wasm\n", "suite.yaml:1:9\n", "is outside of the suite's folder"),
        ("policy: {\n", "suite.yaml:", ""),
    ] {
        desk.write("suite.yaml", written);
        let (status, out, err) = desk.test(&[]);
        assert!(status == Some(2) && out.is_empty(), "{written}: {out}");
        assert!(err.contains(place) && err.contains(said), "{written}: {err}");
        assert!(err.ends_with("error: nothing was played: 1 problem in 1 file\n"), "{err}");
    }
    desk.write("suite.yaml", "\n# nothing yet\n");
    assert_eq!(desk.test(&[]).0, Some(0));
}

#[test]
fn a_table_is_told_row_by_row() {
    let desk = Desk::new("table");
    let table = story("Table", "$comes").replace("alice", "$who").replace("name: Table", "name: Table\nfor:\n  \
        - { who: alice, comes: pending }\n  - { who: bob, comes: declined }\n  - { who: carol, comes: { refused: not-a-parent-user } }");
    desk.write("table.yaml", &table);
    let (status, out, err) = desk.test(&["-v"]);
    assert!(status == Some(1) && out.contains("3 scenarios, 2 passed, 1 failed"), "{out}{err}");
    assert!(out.contains("FAIL ./table.yaml\n  Table (bob)\n  ./table.yaml:11:"), "{out}");
    let (_, out, _) = desk.test(&["--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let rows: Vec<_> = json["cases"].as_array().unwrap().iter().map(|case| case["row"].as_u64()).collect();
    assert_eq!(rows, [Some(1), Some(2), Some(3)]);
    // Rows are compared with themselves.
    desk.write("same.wasm", guestlist_harness::BUNDLED);
    let (status, out, _) = desk.test(&["--against", "same.wasm"]);
    assert!(status == Some(0) && out.starts_with("3 scenarios, 3 decided as before"), "{out}");
    // One text for all rows is not blessed.
    desk.write("table.yaml", table.replace("comes: declined", "comes: pending"));
    let (status, out, _) = desk.test(&["--bless"]);
    assert!(status == Some(0) && out.contains("not blessed ./table.yaml: it is told for each row"), "{out}");
    desk.write("table.yaml", table.replace("[$who]", "[$woh]"));
    let (status, _, err) = desk.test(&[]);
    assert!(status == Some(2) && err.contains("the table has no column `woh`"), "{err}");
    assert!(err.contains("did you mean `who`?") && err.contains("table.yaml:10:"), "{err}");
}

#[test]
fn who_was_refused_is_named() {
    let desk = Desk::new("acted");
    let story = "name: Acting
world: world.yaml
in: acme
as: ann
steps:
  - invite: { users: [alice] }
  - accept: { code: alice's invitation }
    as: bob
  - list: {}
";
    desk.write("one.yaml", story);
    let (status, out, _) = desk.test(&[]);
    let help = "help: `root/u-bob` acted, and alice's invitation is for `root/u-alice`; say what you expect";
    assert!(status == Some(1) && out.contains("refused: not-usable") && out.contains(help), "{out}");
    let expecting = story.replace("    as: bob", "    as: bob\n    expect: { answer: { repeated: false } }");
    desk.write("one.yaml", expecting);
    let (_, out, _) = desk.test(&[]);
    assert!(
        out.contains("help: `root/u-bob` acted, and alice's invitation is for `root/u-alice`\n"),
        "{out}"
    );
    desk.write(
        "one.yaml",
        story
            .replace("  - accept: { code: alice's invitation }\n    as: bob\n", "")
            .replace("as: ann", "as: bob"),
    );
    let (_, out, _) = desk.test(&[]);
    assert!(out.contains("refused: not-permitted") && out.contains("help: `root/u-bob` acted; say"), "{out}");
}

#[test]
fn schemas_are_printed_for_every_kind_of_file() {
    let desk = Desk::new("schemas");
    for kind in ["scenario", "world", "suite", "policies"] {
        let (status, out, _) = desk.test(&[&format!("--schema={kind}")]);
        let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/{kind}.schema.json"));
        assert_eq!((status, out), (Some(0), fs::read_to_string(page).unwrap()), "{kind}");
    }
}
