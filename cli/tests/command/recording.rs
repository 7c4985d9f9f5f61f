//! `guestlist test --bless` and `guestlist record`, as somebody types them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Desk, text};

const WORLD: &str = "clock: 2026-03-02T09:00:00Z
organizations:
  - id: root
    users:
      - { id: u-alice, name: alice, email: alice@root.example }
      - { id: u-bob, name: bob, email: bob@root.example }
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }]
    groups: [{ id: g-help, name: Help desk }]
    permissions: { u-ann: [all] }
";

impl Desk {
    /// What it prints, when it ends with this status.
    fn prints(&self, status: i32, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{shown}");
        shown
    }

    fn record(&self, status: i32, arguments: &[&str], request: &str) -> String {
        let kept = ["--world", "world.yaml", "--state", "state.json", "--record", "story.yaml"];
        self.prints(status, &[&["call"], arguments, &kept].concat(), request)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }
}

/// Every file below a folder with its text, in order.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    all.sort();
    all
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The scenarios that did not pass.
fn failed(report: &str) -> Vec<&str> {
    report.lines().filter(|line| line.starts_with("FAIL ")).collect()
}

#[test]
fn blessing_changes_no_ending_adds_lines_only_and_is_done_after_once() {
    let desk = Desk::new("bless-all", WORLD);
    let folder = desk.0.join("scenarios");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios"), &folder);
    let before = files(&folder);
    let first = text(&desk.run(&["test", "scenarios", "--bless"], "").stdout);
    let blessed = files(&folder);
    let again = text(&desk.run(&["test", "scenarios", "--bless"], "").stdout);
    assert!(again.ends_with("\n0 files written\n"), "{again}");
    assert_eq!(files(&folder), blessed);
    assert_eq!(failed(&first), failed(&again));
    let plain = text(&desk.run(&["test", "scenarios"], "").stdout);
    assert_eq!(failed(&plain), failed(&first), "{plain}");
    for ((path, old), (_, new)) in before.iter().zip(&blessed) {
        let mut lines = new.lines();
        let kept = old.lines().all(|line| lines.any(|other| other == line));
        // A list of effects that is there may lose lines.
        assert!(kept || old.contains("effects:"), "{}", path.display());
    }
}

#[test]
fn blessing_writes_what_came_and_never_a_wrong_answer_away() {
    let desk = Desk::new("bless-one", WORLD);
    let right = "name: Alice is invited # and no more
world: world.yaml
steps:
  - invite: { users: [alice] }   # by ann
    in: acme
    as: 'ann'
    expect: { answer: [alice: pending], effects: [] }
";
    desk.write("right.yaml", right);
    desk.write("wrong.yaml", &right.replace("alice: pending", "alice: expired"));
    assert!(desk.prints(1, &["test", "right.yaml"], "").contains("it had other effects"));
    let shown = desk.prints(1, &["test", "right.yaml", "wrong.yaml", "--bless"], "");
    assert!(shown.contains("FAIL wrong.yaml") && shown.contains("the answer is another"), "{shown}");
    assert!(shown.ends_with("blessed right.yaml\n1 files written\n"), "{shown}");
    assert_eq!(desk.read("wrong.yaml"), right.replace("alice: pending", "alice: expired"));
    let lines = [
        "alice's invitation: new in acme, pending, for root/u-alice, by acme/u-ann, expires in 72h, mail sent, a code",
        "mail: invitation to root/u-alice (alice@root.example), alice's invitation",
    ];
    let step = format!("effects: [\"{}\", \"{}\"]", lines[0], lines[1]);
    let end = format!("expect:\n  effects:\n    - \"{}\"\n    - \"{}\"\n", lines[0], lines[1]);
    assert_eq!(desk.read("right.yaml"), right.replace("effects: []", &step) + &end);
    desk.prints(0, &["test", "right.yaml"], "");
    let outside = right.replace("world: world", "world: ../world");
    desk.write("right.yaml", &outside);
    assert!(desk.prints(2, &["test", "right.yaml"], "").contains("is outside of the suite's folder"));
}

#[test]
fn a_race_with_many_ends_has_no_effects_to_bless() {
    let desk = Desk::new("bless-race", WORLD);
    let race = "name: Who comes first
world: world.yaml
steps:
  - race:
      of:
        - invite: { users: [bob] }
          in: acme
          as: ann
          expect: { answer: \"*\" }
        - event: { disable-user: bob }
          in: acme
";
    desk.write("race.yaml", race);
    let shown = desk.prints(0, &["test", "race.yaml", "--bless"], "");
    assert!(
        shown.contains("not blessed race.yaml: the schedules of its race end with different effects"),
        "{shown}"
    );
    assert_eq!(desk.read("race.yaml"), race);
    desk.write("race.yaml", &format!("{race}expect: {{ effects: [] }}\n"));
    let shown = desk.prints(1, &["test", "race.yaml", "--bless"], "");
    assert!(shown.contains("race.yaml:") && shown.contains("no list fits all"), "{shown}");
}

#[test]
fn calls_become_a_scenario_that_passes() {
    let desk = Desk::new("record-calls", WORLD);
    let invite = r#"{"usernames": ["alice", "zoe"], "groups": ["g-help"]}"#;
    let shown = desk.record(0, &["invite", "--organization", "acme", "--as", "ann"], invite);
    let code = shown.split_once("#inv1_").unwrap().1.split_whitespace().next().unwrap();
    let accept = format!(r#"{{"confirmationCode": "inv1_{code}"}}"#);
    desk.record(1, &["accept", "--as", "root/bob"], &accept);
    desk.record(0, &["accept", "--as", "root/alice", "--advance", "71h"], &accept);
    desk.record(0, &["list", "--organization", "acme", "--as", "ann"], "{}");
    assert_eq!(
        desk.read("story.yaml"),
        "name: story
world: world.yaml
steps:
  - invite: { users: [alice, zoe], groups: [g-help] }
    as: ann
    in: acme
    expect:
      answer:
        - alice: { invitation: alice's invitation, mail: sent, state: pending }
        - zoe: { refused: not-a-parent-user }
  - accept: { code: alice's invitation }
    as: bob
    expect: { refused: not-usable }
  - advance: 2d23h
  - accept: { code: alice's invitation }
    as: alice
    expect:
      answer:
        invitation: alice's invitation
        member: true
        outcomes:
          - member: applied
          - group:g-help: applied
        repeated: false
  - list: { limit: 50 }
    as: ann
    in: acme
    expect:
      answer:
        items:
          - { invitation: alice's invitation, mail: sent, state: accepted }
        next: null
expect:
  effects:
    - \"alice's invitation: new in acme, accepted, for root/u-alice, by acme/u-ann, with group:g-help, expires in 1h, mail sent, a code\"
    - \"mail: invitation to root/u-alice (alice@root.example), alice's invitation\"
    - \"group acme/g-help: root/u-alice added, by alice's invitation\"
    - \"member of acme: root/u-alice as alice, by alice's invitation\"
"
    );
    desk.prints(0, &["test", "story.yaml"], "");
}

#[test]
fn a_recording_goes_on_only_where_it_ends() {
    let desk = Desk::new("record-elsewhere", WORLD);
    let ann = ["sweep", "--organization", "acme"];
    desk.prints(
        0,
        &[&["call"][..], &ann, &["--world", "world.yaml", "--state", "state.json"]].concat(),
        "{}",
    );
    let shown = desk.record(2, &ann, "{}");
    assert!(shown.contains("`state.json` is not where `story.yaml` ends"), "{shown}");
    assert!(!desk.0.join("story.yaml").exists());
}

#[test]
fn a_call_that_no_scenario_can_tell_is_not_made() {
    let desk = Desk::new("record-untold", WORLD);
    let shown = desk.record(2, &["get", "--organization", "acme", "--as", "ann"], r#"{"id": "nobody's"}"#);
    assert!(shown.contains("`nobody's` is no id of an invitation"), "{shown}");
    assert!(!desk.0.join("state.json").exists() && !desk.0.join("story.yaml").exists());
}

#[test]
fn the_demo_is_a_scenario() {
    let desk = Desk::new("record-demo", WORLD);
    desk.prints(0, &["record", "demo", "-o", "demo.yaml"], "");
    desk.prints(0, &["test", "demo.yaml"], "");
    let demo = desk.read("demo.yaml");
    for part in [
        "  # The world of `guestlist demo`.\n  clock: 2026-03-02T09:00:00Z\n",
        "  - invite: { users: [alice, bob, carol, zoe], groups: [g-help, g-ops] }\n",
        "    expect: { refused: { ended: expired } }\n",
        "\nexpect:\n  effects:\n",
    ] {
        assert!(demo.contains(part), "`{part}` is missing in:\n{demo}");
    }
}

#[test]
fn lines_of_calls_are_recorded_by_name() {
    let desk = Desk::new("record-lines", &format!("{WORLD}    settings: {{ codes: see-code }}\n"));
    let lines = r#"{"operation": "invite", "as": "ann", "in": "acme", "request": {"usernames": ["bob"], "properties": [{"key": "manageNotificationsInternally", "value": "false"}]}}

{"operation": "decline", "as": "root/bob", "request": {"confirmationCode": "bob's invitation", "reason": "no: time"}, "advance": "3h"}
{"operation": "sweep", "in": "acme"}
"#;
    let command = ["record", "--world", "world.yaml", "--name", "Bob says no", "--output", "no.yaml"];
    desk.prints(0, &command, lines);
    let story = desk.read("no.yaml");
    let steps = "name: Bob says no
world: world.yaml
steps:
  - invite: { users: [bob], notify: external }
    as: ann
    in: acme
    expect:
      answer:
        - bob: { code: \"*\", invitation: bob's invitation, mail: none, state: pending }
  - advance: 3h
  - decline: { code: bob's invitation }
    as: bob
    reason: \"no: time\"
  - sweep: {}
    in: acme
    expect: { answer: { expired: 0, failed: 0, finished: 0, more: false, purged: 0, sent: 0 } }
";
    assert!(story.starts_with(steps), "{story}");
    desk.prints(0, &["test", "no.yaml"], "");
    // What somebody has written is not written over, and what fails writes nothing.
    let shown = desk.prints(2, &command, lines);
    assert!(shown.contains("`no.yaml` is there already"), "{shown}");
    assert_eq!(desk.read("no.yaml"), story);
    let elsewhere = command.map(|word| if word == "no.yaml" { "other.yaml" } else { word });
    let calls = "{\"operation\": \"sweep\", \"in\": \"acme\"}\n{\"operation\": \"dance\"}";
    let shown = desk.prints(2, &elsewhere, calls);
    assert!(shown.contains("line 2: there is no operation `dance`"), "{shown}");
    assert!(!desk.0.join("other.yaml").exists());
}
