//! The command `guestlist`, as somebody types it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

#[path = "command/databases.rs"]
mod databases;
#[path = "command/files.rs"]
mod files;
#[path = "command/mutated.rs"]
mod mutated;
#[path = "command/page.rs"]
mod page;
#[path = "command/pages.rs"]
mod pages;
#[path = "command/policies.rs"]
mod policies;
#[path = "command/recording.rs"]
mod recording;
#[path = "command/reports.rs"]
mod reports;
#[path = "command/rules.rs"]
mod rules;
#[path = "command/scenarios.rs"]
mod scenarios;
#[cfg(unix)]
#[path = "command/serving.rs"]
mod serving;
#[path = "command/suites.rs"]
mod suites;
#[path = "command/telling.rs"]
mod telling;
#[path = "command/words.rs"]
mod words;

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use guestlist_harness::BUNDLED;
use page::text;
use serde_json::{Value, json};

const WORLD: &str = "clock: 2026-03-02T09:00:00Z
organizations:
  - id: root
    users:
      - { id: u-alice, name: alice, email: alice@root.example }
      - { id: u-bob, name: bob, email: bob@root.example }
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }, { id: u-ben, name: ben, email: ben@acme.example }]
    groups: [{ id: g-help, name: Help desk }, { id: g-ops }]
    permissions: { u-ann: [all], u-ben: [all] }
    settings: { privileged: ['group:g-ops'], notices: [approval-requested] }
";

/// A folder of its own for each test, with a world in it.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str, world: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("world.yaml"), world).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command.current_dir(&self.0).args(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that ends before it reads closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn call(&self, arguments: &[&str], request: &str) -> Output {
        self.command(&[arguments, &["--world", "world.yaml", "--state", "state.json"]].concat(), request)
    }

    fn command(&self, arguments: &[&str], request: &str) -> Output {
        self.run(&[&["call"], arguments].concat(), request)
    }

    /// `guestlist check` of a file with these bytes.
    fn check(&self, bytes: &[u8], arguments: &[&str]) -> Output {
        fs::write(self.0.join("plugin.wasm"), bytes).unwrap();
        self.run(&[&["check", "plugin.wasm"], arguments].concat(), "")
    }

    fn done(&self, arguments: &[&str], request: &str) -> Value {
        let output = self.call(arguments, request);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guestlist")).arg("demo").args(arguments).output().unwrap()
}

#[test]
fn the_demo_tells_the_whole_story_and_the_same_one_each_time() {
    let (first, second) = (demo(&[]), demo(&[]));
    assert!(first.status.success());
    assert_eq!(first.stdout, second.stdout);
    let story = text(&first.stdout);
    for part in [
        "alice    invited, mail sent, valid until Thu 5 Mar, 09:00 UTC",
        "zoe      not invited: Could not find an user with given username. (OUI-10011)",
        "https://id.example/invitation#inv1_",
        "refused: This is not an invitation that the caller can use.",
        "alice    in Help desk and Operations",
        "carol    revoked: the project ended",
        "refused: The invitation has expired.",
        "bob      expired",
    ] {
        assert!(story.contains(part), "`{part}` is missing in:\n{story}");
    }
}

#[test]
fn the_demo_for_machines_is_json_with_every_operation() {
    let steps: Vec<Value> = serde_json::from_slice(&demo(&["--format", "json"]).stdout).unwrap();
    let operations: Vec<_> = steps.iter().filter_map(|step| step["operation"].as_str()).collect();
    assert_eq!(operations, ["invite", "accept", "accept", "revoke", "list", "accept", "sweep", "list"]);
    assert!(steps.last().unwrap()["audit"].as_array().is_some_and(|events| events.len() > 10));
}

#[test]
fn an_invitation_is_made_accepted_and_listed_over_several_calls() {
    let desk = Desk::new("several-calls", WORLD);
    let ann = ["--organization", "acme", "--as", "ann"];
    let invite = desk.call(
        &[&["invite"], &ann[..]].concat(),
        r#"{ "usernames": ["alice", "nobody"], "groups": ["g-help"] }"#,
    );
    let answer: Value = serde_json::from_slice(&invite.stdout).unwrap();
    assert_eq!(answer[0]["result"], json!({ "status": "Successful" }));
    assert_eq!(answer[1]["result"]["errorCode"], "OUI-10011");
    let mails = text(&invite.stderr);
    let code = mails.split_once('#').unwrap().1.trim();

    let wrong = desk.call(&["accept", "--as", "root/bob"], &json!({ "confirmationCode": code }).to_string());
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stdout).contains("OUI-60010"));

    let right =
        desk.done(&["accept", "--as", "root/alice"], &json!({ "confirmationCode": code }).to_string());
    assert_eq!(right["outcomes"][1], json!({ "step": "group", "id": "g-help", "outcome": "APPLIED" }));

    let list = desk.done(&[&["list"], &ann[..]].concat(), "");
    assert_eq!(list["invitations"][0]["status"], "ACCEPTED");
    let state: Value = serde_json::from_str(&fs::read_to_string(desk.0.join("state.json")).unwrap()).unwrap();
    assert!(!state["stored"].to_string().contains(code), "codes are in the mailbox alone");
}

#[test]
fn what_is_privileged_waits_for_another_administrator() {
    let desk = Desk::new("approval", WORLD);
    let request = r#"{ "usernames": ["alice"], "groups": ["g-ops"] }"#;
    let invited = desk.done(&["invite", "--organization", "acme", "--as", "ann"], request);
    assert_eq!(invited[0]["status"], "AWAITING_APPROVAL");

    // There is a state now: it has the world, and a sweep is the host's.
    let call = |arguments: &[&str], request: &str| {
        desk.command(&[arguments, &["--organization", "acme", "--state", "state.json"]].concat(), request)
    };
    let swept = call(&["sweep"], "");
    assert!(text(&swept.stderr).contains("mail to ben@acme.example: An invitation to acme awaits approval"));
    let id = json!({ "id": invited[0]["id"] }).to_string();
    let own = call(&["approve", "--as", "ann"], &id);
    assert!(text(&own.stdout).contains("Somebody else has to do it"));
    let approved: Value = serde_json::from_slice(&call(&["approve", "--as", "ben"], &id).stdout).unwrap();
    assert_eq!((&approved["status"], &approved["mail"]), (&json!("PENDING"), &json!("SENT")));
    assert_eq!(text(&call(&["list"], "").stderr), "error: who acts? give `--as`, as in `--as ann`\n");
}

#[test]
fn time_passes_between_calls() {
    let desk = Desk::new("time-passes", WORLD);
    desk.done(&["invite", "--organization", "acme", "--as", "ann"], r#"{ "usernames": ["alice"] }"#);
    let mine = desk.done(&["list-mine", "--as", "root/alice", "--advance", "72h"], "");
    assert_eq!(mine["invitations"][0]["status"], "EXPIRED");
}

#[test]
fn mistakes_are_explained_and_exit_with_2() {
    let desk = Desk::new("mistakes", WORLD);
    let ann = ["--organization", "acme", "--as", "ann"];
    for (arguments, request, expected) in [
        ([&["invite"], &ann[..]].concat(), r#"{ "usernames": ["a"], "group": [] }"#, "unknown field `group`"),
        ([&["invite"], &ann[..]].concat(), "{", "the request is not understood"),
        (vec!["invite", "--organization", "acme", "--as", "zoe"], "{}", "no user `zoe`"),
        (vec!["invite", "--organization", "acne", "--as", "ann"], "{}", "no organization `acne`"),
        (vec!["accept", "--as", "alice"], "{}", "write ORGANIZATION/USER"),
        (vec!["accept", "--as", "root/alice"], "{}", "name either a `confirmationCode`"),
    ] {
        let output = desk.call(&arguments, request);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
    fs::write(desk.0.join("world.yaml"), WORLD.replace("parent: root", "parent: roto")).unwrap();
    let output = desk.call(&[&["list"], &ann[..]].concat(), "");
    let error = text(&output.stderr);
    assert!(error.contains("did you mean `root`?") && error.contains("line 8"), "{error}");
}

#[test]
fn the_plugin_of_this_build_passes_the_check() {
    let desk = Desk::new("check-bundled", WORLD);
    let output = desk.check(BUNDLED, &[]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let shown = text(&output.stdout);
    for line in [
        "contract  0.1.0",
        "  guestlist:invitation/audit@0.1.0: record-refusals",
        "  guestlist:invitation/types@0.1.0: types only",
        "  guestlist:invitation/maintenance@0.1.0: sweep",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "`{line}` is missing in:\n{shown}");
    }
    assert_eq!(shown.lines().last(), Some("This host takes it."));

    let json: Value = serde_json::from_slice(&desk.check(BUNDLED, &["--format", "json"]).stdout).unwrap();
    assert_eq!(json["admitted"], true);
    assert_eq!((&json["size"], &json["contract"]), (&json!(BUNDLED.len()), &json!(["0.1.0"])));
    let audit = json["imports"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == "guestlist:invitation/audit@0.1.0");
    assert_eq!(
        audit,
        Some(&json!({
            "name": "guestlist:invitation/audit@0.1.0",
            "kind": "interface",
            "functions": ["record-refusals"],
        }))
    );
    let digest = json["digest"].as_str().unwrap();
    assert!(shown.contains(&format!("sha256    {digest}\n")));
    // Not every system has the command.
    if let Ok(sum) = Command::new("sha256sum").arg(desk.0.join("plugin.wasm")).output() {
        assert_eq!(text(&sum.stdout).split(' ').next(), Some(digest));
    }
}

#[test]
fn what_speaks_against_a_plugin_is_listed_and_exits_with_1() {
    let desk = Desk::new("check-refused", WORLD);
    let component = wat::parse_str(
        r#"(component
            (import "wasi:cli/environment@0.2.6" (instance (export "get-environment" (func))))
            (import "guestlist:invitation/audit@0.1.0" (instance
                (export "record-refusals" (func)) (export "replay" (func))))
            (import "thing" (core module)))"#,
    )
    .unwrap();
    let output = desk.check(&component, &[]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert_eq!(
        shown.splitn(3, '\n').last().unwrap(),
        "contract  0.1.0
imports
  wasi:cli/environment@0.2.6: get-environment
  guestlist:invitation/audit@0.1.0: record-refusals, replay
  thing, a core module
This host does not take it:
- it imports `wasi:cli/environment@0.2.6`, which is withheld: a plugin gets no files, sockets, clocks or environment
- it imports `audit.replay`, which is newer than contract 0.1.0; update the host
- it imports `thing`, which this host does not know; remove the import
- it does not export `guestlist:invitation/invitations@0.1.0`; is it a plugin of world `extension`?
- it does not export `guestlist:invitation/invitee@0.1.0`; is it a plugin of world `extension`?
- it does not export `guestlist:invitation/maintenance@0.1.0`; is it a plugin of world `extension`?
- its import `audit.record-refusals` has an older shape: it lacks the parameters `organization`, `refusals`; build it \
against `wit/` of this version
- its import `audit.record-refusals` has another shape: its answer is nothing and not `result<_, host-error>`; build it \
against `wit/` of this version
"
    );
    let output = desk.check(&component, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["admitted"], false);
    assert_eq!(
        json["problems"][1],
        json!({
            "kind": "too-new",
            "names": ["audit.replay"],
            "message": "it imports `audit.replay`, which is newer than contract 0.1.0; update the host",
        })
    );
}

#[test]
fn what_is_no_component_is_a_problem_and_what_cannot_be_read_a_mistake() {
    let desk = Desk::new("check-mistakes", WORLD);
    for (bytes, said) in [
        (&b"hello"[..], "- this is no WebAssembly component; give the `.wasm` file that its build writes"),
        (
            b"\0asm\x01\0\0\0",
            "- this is a core module, not a component; wrap it with `wasm-tools component new` first",
        ),
        (&BUNDLED[..BUNDLED.len() / 2], "- the component does not compile: "),
    ] {
        let output = desk.check(bytes, &[]);
        assert_eq!(output.status.code(), Some(1));
        let shown = text(&output.stdout);
        assert!(shown.lines().last().unwrap().starts_with(said), "{shown}");
    }
    let loud = wat::parse_str(r#"(component (import "url=<\1b[2J>" (func)))"#).unwrap();
    let shown = text(&desk.check(&loud, &[]).stdout);
    assert!(shown.contains("  url=<\\u{1b}[2J>, a function\n"), "{shown}");
    for file in ["nothing.wasm", "."] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        let output = command.current_dir(&desk.0).args(["check", file]).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
        let error = text(&output.stderr);
        assert!(error.starts_with(&format!("error: `{file}` cannot be read: ")), "{error}");
    }
}
