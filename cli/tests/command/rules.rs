//! `--coverage` and `--coverage-rules`: what of the rules under test has decided, and what a test would
//! notice.

use std::{fs, path::PathBuf, process::Command};

use guestlist_contract::types::Verdict;
use guestlist_hostile::guests::policy_answering;
use serde_json::Value;

use super::text;

const WORLD: &str = "organizations:
  - id: root
    users:
      - { id: u-hana, name: hana, email: hana@root.example }
      - { id: u-sam, name: sam, email: sam@root.example }
    roles: [{ id: r-help, members: [u-hana] }]
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }]
    groups: [{ id: g-desk }, { id: g-vault }]
    permissions: { u-ann: [all] }
    settings: { lifetime: 12h, retention: 10d }
    policy:
      - { in-roles: [r-help], narrow: { without: [g-vault], lifetime: 6h } }
      - { grants: [g-vault], refuse: not the vault }
      - { names: [sam], refuse: not Sam }
";
const STORY: &str = "name: Rules
world: world.yaml
in: acme
as: ann
steps:
  - invite: { users: [hana, sam], groups: [g-vault] }
    expect:
      answer:
        - hana: { expires-at: in 6h }
        - sam: { refused: { refused: not the vault } }
";

struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let desk = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("rules-{name}")));
        let _ = fs::remove_dir_all(&desk.0);
        fs::create_dir_all(&desk.0).unwrap();
        desk.write("world.yaml", WORLD);
        desk.write("story.yaml", STORY);
        desk
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.0.join(path), bytes).unwrap();
    }

    fn test(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command.current_dir(&self.0).arg("test").arg("story.yaml").args(arguments);
        let output = command.output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// Each part with how often it has decided, and how many scenarios notice.
    fn parts(&self, arguments: &[&str]) -> Vec<(String, Option<u64>, Option<u64>)> {
        let (_, out, err) = self.test(&[&["--format", "json"], arguments].concat());
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        let part = |part: &Value| {
            let name = format!("{}: {}", part["kind"].as_str().unwrap(), part["what"].as_str().unwrap());
            (name, part["decided"].as_u64(), part["noticed"].as_u64())
        };
        json["rules"]["parts"].as_array().unwrap().iter().map(part).collect()
    }
}

const FIRST: &str = "{ in-roles: [r-help], narrow: { lifetime: 6h, without: [g-vault] } }";

#[test]
fn each_rule_is_counted_and_one_that_nobody_asks_is_seen() {
    let desk = Desk::new("counted");
    let rule = |what: &str, decided| (format!("rule: {what}"), Some(decided), None);
    let verdict = |what: &str, decided| (format!("verdict: {what}"), Some(decided), None);
    let expected = [
        rule(FIRST, 1),
        rule("{ grants: [g-vault], refuse: not the vault }", 1),
        rule("{ names: [sam], refuse: not Sam }", 0),
        verdict("allow with less", 1),
        verdict("refuse: not the vault", 1),
    ];
    assert_eq!(desk.parts(&["--coverage"]), expected);
    let (status, out, _) = desk.test(&["--coverage"]);
    assert!(status == Some(0) && out.contains("rules          2 of   3   66 %  have decided\n"), "{out}");
    assert!(
        out.contains("decided     0  world.yaml:16: rule of acme: { names: [sam], refuse: not Sam }\n"),
        "{out}"
    );
    assert!(!desk.test(&[]).1.contains("decided"), "nothing is said that was not asked for");
}

#[test]
fn what_can_be_dropped_without_a_test_noticing_is_named() {
    let desk = Desk::new("tried");
    let parts = desk.parts(&["--coverage-rules"]);
    let noticed = |what: &str| {
        parts.iter().find(|(name, ..)| name == what).map(|(_, decided, noticed)| (*decided, *noticed))
    };
    for (what, decided, count) in [
        (format!("rule: {FIRST}"), 1, 1),
        // Without it Sam is refused by the next one, with other words.
        ("rule: { grants: [g-vault], refuse: not the vault }".into(), 1, 1),
        ("rule: { names: [sam], refuse: not Sam }".into(), 0, 0),
        (format!("part: `in-roles` of {FIRST}"), 1, 1),
        // Hana would get the vault, and the scenario does not look.
        (format!("part: `without` of {FIRST}"), 1, 0),
        (format!("part: `lifetime` of {FIRST}"), 1, 1),
        ("setting: `lifetime`".into(), 0, 0),
        ("setting: `retention`".into(), 0, 0),
        ("verdict: allow with less".into(), 1, 1),
        ("verdict: refuse: not the vault".into(), 1, 1),
    ] {
        assert_eq!(noticed(&what), Some((Some(decided), Some(count))), "{what}: {parts:#?}");
    }
    let (status, out, err) = desk.test(&["--coverage-rules"]);
    assert_eq!(status, Some(0), "{out}");
    assert!(out.contains(&format!("unnoticed world.yaml:14: part of acme: `without` of {FIRST}\n")), "{out}");
    assert!(err.starts_with("without each rule, part of a rule, setting and verdict: "), "{err}");
    // A scenario that looks at it notices.
    desk.write("story.yaml", STORY.replace("expires-at: in 6h", "expires-at: in 6h, withheld: [0]"));
    let (_, out, _) = desk.test(&["--coverage-rules"]);
    assert!(
        !out.contains(&format!("unnoticed world.yaml:14: part of acme: `without` of {FIRST}\n")),
        "{out}"
    );
}

#[test]
fn too_little_is_a_failure_where_a_minimum_is_asked_for() {
    let desk = Desk::new("minimum");
    let (status, _, err) = desk.test(&["--coverage-min", "rules=100"]);
    assert!(status == Some(1) && err.contains("error: coverage of rules is "), "{err}");
    assert!(err.contains("rule of acme: { names: [sam], refuse: not Sam }"), "{err}");
    assert_eq!(desk.test(&["--coverage-min", "rules=10"]).0, Some(0));
    // What a scenario notices is only known where all pass.
    desk.write("story.yaml", STORY.replace("in 6h", "in 5h"));
    let (status, _, err) = desk.test(&["--coverage-rules"]);
    assert!(status == Some(1) && err.contains("no rule was tried"), "{err}");
}

#[test]
fn a_setting_whose_absence_would_contradict_others_is_not_tried() {
    let desk = Desk::new("contradiction");
    desk.write(
        "world.yaml",
        WORLD.replace("{ lifetime: 12h, retention: 10d }", "{ lifetime: 12h, lifetime-max: 24h }"),
    );
    let (_, out, _) = desk.test(&["--coverage-rules"]);
    assert!(
        out.contains("untried   world.yaml:7: setting of acme: `lifetime`: the world would be wrong: "),
        "{out}"
    );
}

#[test]
fn rules_that_the_story_sets_and_verdicts_of_components_are_tried_as_well() {
    let desk = Desk::new("set");
    let set = STORY.replace("steps:\n", "given:\n  - event:\n      set-policy:\n        - { names: [hana], allow: true }\n        - { refuse: not the vault }\nsteps:\n");
    desk.write("story.yaml", set.replace("in 6h", "in 12h"));
    let (status, out, _) = desk.test(&["--coverage-rules"]);
    assert_eq!(status, Some(0), "{out}");
    for line in [
        "decided     1  noticed by   1  story.yaml:8: rule of acme: { allow: true, names: [hana] }\n",
        "decided     1  noticed by   1  story.yaml:9: rule of acme: { refuse: not the vault }\n",
        "decided     0  noticed by   0  world.yaml:14: rule of acme: ",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }

    desk.write("no.wasm", policy_answering(&[Verdict::Refuse("no".into())]));
    desk.write(
        "story.yaml",
        STORY.split("    expect:").next().unwrap().replace("hana, sam", "sam")
            + "    expect: { answer: [{ sam: { refused: '*' } }] }\n",
    );
    let parts = desk.parts(&["--policy", "no.wasm", "--coverage-rules"]);
    assert!(parts.contains(&("verdict: refuse: no".into(), Some(1), Some(1))), "{parts:#?}");
}
