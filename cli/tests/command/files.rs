//! What a file may be, and how one is written: pipes, devices, links, and two calls at once.

use std::{
    fs::{self, File},
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{Desk, WORLD, text};

const STORY: &str = "name: A story
world: world.yaml
in: acme
as: ann
steps:
  - invite: { users: [alice] }
";
const ANN: [&str; 4] = ["--organization", "acme", "--as", "ann"];

impl Desk {
    fn put(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn pipe(&self, name: &str) {
        assert!(Command::new("mkfifo").arg(self.0.join(name)).status().unwrap().success());
    }

    /// Status, and what goes to either stream.
    fn ends(&self, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
        let output = self.run(arguments, input);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn what_is_no_file_is_skipped_in_a_folder_and_refused_where_it_is_named() {
    let desk = Desk::new("no-files", WORLD);
    desk.put("suite/world.yaml", WORLD);
    desk.put("suite/story.yaml", STORY);
    desk.pipe("suite/pipe.yaml");
    let _kept = UnixListener::bind(desk.0.join("suite/socket.yaml")).unwrap();
    symlink("/dev/zero", desk.0.join("suite/zero.yaml")).unwrap();
    fs::create_dir(desk.0.join("suite/folder.yaml")).unwrap();

    let (status, out, err) = desk.ends(&["test", "suite"], "");
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.starts_with("1 scenario, 1 passed"), "{out}");
    for (name, what) in [("pipe", "a pipe"), ("socket", "a socket"), ("zero", "a device")] {
        let word = format!("skipped `suite/{name}.yaml`: it is {what}, and no regular file\n");
        assert!(err.contains(&word), "{err}");
    }
    let scenario = |world: &str| STORY.replace("world.yaml", world);
    desk.put("suite/of-a-pipe.yaml", &scenario("pipe.yaml"));
    for (arguments, what) in [
        (&["test", "suite/pipe.yaml"][..], "a pipe"),
        (&["test", "suite/of-a-pipe.yaml"], "a pipe"),
        (&["test", "/dev/zero"], "a device"),
        (&["test", "suite/story.yaml", "--plugin", "/dev/zero"], "a device"),
        (&["test", "suite/story.yaml", "--policy", "suite/pipe.yaml"], "a pipe"),
        (&["check", "suite/pipe.yaml"], "a pipe"),
        (&["policy", "check", "suite/socket.yaml"], "a socket"),
        (&["call", "list", "--world", "suite/pipe.yaml"], "a pipe"),
        (&["call", "list", "--state", "suite/pipe.yaml"], "a pipe"),
        (&["call", "list", "--state", "/dev/zero"], "a device"),
        (&["record", "--world", "suite/pipe.yaml"], "a pipe"),
    ] {
        let (status, out, err) =
            desk.ends(&[arguments, if arguments[0] == "call" { &ANN[..] } else { &[] }].concat(), "");
        assert_eq!((status, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        assert!(err.contains(&format!("it is {what}, and no regular file")), "{arguments:?}: {err}");
    }
}

#[test]
fn a_folder_of_policies_does_not_wait_for_a_pipe_nor_read_a_device() {
    let desk = Desk::new("no-policies", WORLD);
    fs::create_dir(desk.0.join("rules")).unwrap();
    desk.pipe("rules/policies.yaml");
    let (status, _, err) = desk.ends(&["policy", "check", "rules"], "");
    assert_eq!(status, Some(2));
    assert!(err.contains("it is a pipe, and no regular file"), "{err}");
    fs::remove_file(desk.0.join("rules/policies.yaml")).unwrap();
    let digest = "0".repeat(64);
    let manifest = format!("policies:\n  a: {{ component: a.wasm, sha256: '{digest}' }}\nothers: a\n");
    desk.put("rules/policies.yaml", &manifest);
    symlink("/dev/zero", desk.0.join("rules/a.wasm")).unwrap();
    let (status, out, _) = desk.ends(&["policy", "check", "rules"], "");
    assert_eq!(status, Some(1));
    assert!(out.contains("a.wasm cannot be read: it is a device, and no regular file"), "{out}");
}

#[test]
fn a_stream_that_does_not_end_is_not_read_to_its_end() {
    let desk = Desk::new("endless", WORLD);
    let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
    command.current_dir(&desk.0).args(["call", "list", "--world", "world.yaml"]).args(ANN);
    let output = command.stdin(Stdio::from(File::open("/dev/zero").unwrap())).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("it has more than 16777216 bytes, which is the most that is read"), "{said}");
}

#[test]
fn a_scenario_that_is_a_link_out_of_the_folder_is_refused_and_never_written_through() {
    let desk = Desk::new("links", WORLD);
    let outside = format!("{}expect:\n  effects: []\n", STORY.replace("world.yaml", "../world.yaml"));
    desk.put("outside/story.yaml", &outside);
    desk.put("suite/suite.yaml", "");
    desk.put("suite/world.yaml", WORLD);
    symlink("../outside/story.yaml", desk.0.join("suite/link.yaml")).unwrap();
    symlink("../world.yaml", desk.0.join("suite/linked-world.yaml")).unwrap();
    for (arguments, file) in
        [(&["test", "suite/link.yaml"][..], "link"), (&["test", "suite", "--bless"], "linked-world")]
    {
        let (status, out, err) = desk.ends(arguments, "");
        assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
        assert!(
            err.contains(&format!("`suite/{file}.yaml` is a link that leads out of the suite's folder")),
            "{err}"
        );
        assert!(err.contains("`--allow-outside` allows it"), "{err}");
    }
    fs::remove_file(desk.0.join("suite/linked-world.yaml")).unwrap();
    let (status, out, err) = desk.ends(&["test", "suite", "--allow-outside"], "");
    assert_eq!(status, Some(1), "it is played, and its effects are others: {out}{err}");
    let (status, out, _) = desk.ends(&["test", "suite", "--allow-outside", "--bless"], "");
    assert_eq!(status, Some(1));
    assert!(out.contains("not blessed suite/link.yaml: it is a link"), "{out}");
    assert_eq!(fs::read_to_string(desk.0.join("outside/story.yaml")).unwrap(), outside);
    // A recording does not go on there either.
    let recorded =
        [&["call", "list"][..], &ANN, &["--world", "world.yaml", "--record", "suite/link.yaml"]].concat();
    let (status, _, err) = desk.ends(&recorded, "");
    assert_eq!(status, Some(2));
    assert!(err.contains("is a link that leads out of"), "{err}");
    assert_eq!(fs::read_to_string(desk.0.join("outside/story.yaml")).unwrap(), outside);
}

#[test]
fn a_state_is_its_owners_alone_and_nothing_beside_it_is_touched() {
    let desk = Desk::new("private-state", WORLD);
    for name in ["state.json.new", "story.yaml.new"] {
        desk.put(name, "somebody's");
    }
    desk.put("theirs", "somebody's");
    symlink("theirs", desk.0.join("made.yaml.new")).unwrap();
    let recorded = [&["invite"][..], &ANN, &["--record", "story.yaml"]].concat();
    desk.done(&recorded, r#"{ "usernames": ["alice"] }"#);
    let mode = |name: &str| fs::metadata(desk.0.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("state.json"), 0o600);
    fs::set_permissions(desk.0.join("state.json"), fs::Permissions::from_mode(0o644)).unwrap();
    desk.done(&[&["list"][..], &ANN].concat(), "");
    assert_eq!(mode("state.json"), 0o600, "also one that an older version has made");
    let (status, _, err) = desk.ends(&["record", "demo", "-o", "made.yaml"], "");
    assert_eq!(status, Some(0), "{err}");
    for name in ["state.json.new", "story.yaml.new", "theirs"] {
        assert_eq!(fs::read_to_string(desk.0.join(name)).unwrap(), "somebody's", "{name}");
    }
    let names = [
        "made.yaml",
        "made.yaml.new",
        "state.json",
        "state.json.new",
        "story.yaml",
        "story.yaml.new",
        "theirs",
        "world.yaml",
    ];
    assert_eq!(desk.names("."), names, "nothing is left beside them");
}

#[test]
fn calls_with_one_state_wait_for_each_other_and_none_is_lost() {
    let desk = Desk::new("one-state", WORLD);
    desk.done(&[&["list"][..], &ANN].concat(), "");
    let call = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command.current_dir(&desk.0).args(["call", "invite", "--state", "state.json"]).args(ANN);
        command.stdin(Stdio::from(File::open(desk.0.join(name)).unwrap()));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let requests = ["a", "b", "c", "d"];
    for (request, who) in requests.into_iter().zip(["alice", "bob", "alice", "bob"]) {
        desk.put(request, &format!(r#"{{ "usernames": ["{who}"] }}"#));
    }
    let calls: Vec<_> =
        requests.map(call).into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let made = |output: &std::process::Output| {
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer[0]["result"]["status"] == "Successful"
    };
    assert_eq!(calls.iter().filter(|call| made(call)).count(), 2, "each is invited once");
    let list = desk.done(&[&["list"][..], &ANN].concat(), "");
    assert_eq!(list["invitations"].as_array().map(Vec::len), Some(2));
    assert!(!desk.0.join("state.json.lock").exists());
}

#[test]
fn a_state_that_stays_in_use_is_told_of_and_nothing_is_done() {
    let desk = Desk::new("held-state", WORLD);
    desk.done(&[&["list"][..], &ANN].concat(), "");
    let before = fs::read_to_string(desk.0.join("state.json")).unwrap();
    let lock = File::create(desk.0.join("state.json.lock")).unwrap();
    lock.lock().unwrap();
    let invite = [&["call", "invite", "--state", "state.json", "--wait", "0"][..], &ANN].concat();
    let (status, out, err) = desk.ends(&invite, r#"{ "usernames": ["alice"] }"#);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(
        err.contains("error: `state.json` is in use by another call") && err.contains("`--wait`"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(desk.0.join("state.json")).unwrap(), before);
    // Left behind by a call that was killed, it holds nobody up.
    drop(lock);
    let (status, ..) = desk.ends(&invite, r#"{ "usernames": ["alice"] }"#);
    assert_eq!(status, Some(0));
    symlink("world.yaml", desk.0.join("state.json.lock")).unwrap();
    let (status, _, err) = desk.ends(&invite, "");
    assert_eq!(status, Some(2));
    assert!(err.contains("cannot be locked: it is a link"), "{err}");
    assert_eq!(fs::read_to_string(desk.0.join("world.yaml")).unwrap(), WORLD);
}

#[test]
fn a_world_that_is_not_read_is_told_of() {
    let desk = Desk::new("world-beside-state", WORLD);
    let list = [&["list"][..], &ANN].concat();
    assert_eq!(text(&desk.call(&list, "").stderr), "", "the state is made from it");
    fs::write(desk.0.join("world.yaml"), "organizations: []\n").unwrap();
    let output = desk.call(&list, "");
    assert!(output.status.success());
    assert_eq!(
        text(&output.stderr),
        "note: `world.yaml` is not read: the world is in `state.json`; delete that one, or name another, to begin \
         anew\n"
    );
}

#[test]
fn a_state_that_was_edited_is_checked_as_a_world_is() {
    let desk = Desk::new("edited-state", WORLD);
    desk.done(&[&["invite"][..], &ANN].concat(), r#"{ "usernames": ["alice"] }"#);
    let state: Value = serde_json::from_str(&fs::read_to_string(desk.0.join("state.json")).unwrap()).unwrap();
    let row = {
        let rows = state["stored"]["tenants"]["acme"]["rows"].as_object().unwrap();
        format!("/stored/tenants/acme/rows/{}/invitation", rows.keys().next().unwrap())
    };
    let organizations = "/stored/organizations";
    for (place, value, said) in [
        (
            format!("{organizations}/acme/parent"),
            Value::from("acme"),
            "organization `acme` is its own ancestor",
        ),
        (format!("{organizations}/root/parent"), "acme".into(), "is its own ancestor"),
        (format!("{organizations}/acme/parent"), "nowhere".into(), "there is no organization `nowhere`"),
        (format!("{organizations}/acme/utc_offset_minutes"), i32::MIN.into(), "which is more than a day"),
        (
            format!("{organizations}/root/people/u-alice/account/id"),
            "u-bob".into(),
            "has another id, `u-bob`",
        ),
        (format!("{organizations}/root/people/u-bob/name"), "ALICE".into(), "have one name"),
        (format!("{row}/version"), u64::MAX.into(), "the version of invitation"),
        (format!("{row}/claims"), u32::MAX.into(), "the number of claims of invitation"),
        (format!("{row}/resends"), u32::MAX.into(), "the number of resends of invitation"),
        (format!("{row}/key/id"), "another".into(), "calls itself `acme/another`"),
        ("/requests".into(), u64::MAX.into(), "the number of requests"),
    ] {
        let mut edited = state.clone();
        *edited.pointer_mut(&place).unwrap_or_else(|| panic!("no {place} in {state:#}")) = value;
        desk.put("edited.json", &edited.to_string());
        let (status, out, err) =
            desk.ends(&[&["call", "list", "--state", "edited.json"][..], &ANN].concat(), "");
        assert_eq!((status, out.as_str()), (Some(2), ""), "{place}: {err}");
        assert!(
            err.contains("edited.json: the saved state contradicts itself") && err.contains(said),
            "{err}"
        );
    }
    // At the end of time it goes on.
    let mut late = state.clone();
    for clock in ["wall", "highest"] {
        late["stored"]["clock"][clock] = (u64::MAX - 1).into();
    }
    desk.put("late.json", &late.to_string());
    for (operation, who, input) in
        [("list", "ann", ""), ("invite", "ann", r#"{ "usernames": ["bob"] }"#), ("sweep", "system", "")]
    {
        let arguments = [
            "call",
            operation,
            "--state",
            "late.json",
            "--organization",
            "acme",
            "--as",
            who,
            "--advance",
            "1d",
        ];
        let (status, out, err) = desk.ends(&arguments, input);
        assert!(matches!(status, Some(0 | 1)) && out.starts_with(['{', '[']), "{operation}: {out}{err}");
    }
}
