//! A report for programs is there however a run ends, and what people read is bounded and steers nothing.

use std::{fs, os::unix::fs::symlink};

use serde_json::Value;

use super::{Desk, WORLD, text};

const STORY: &str = "name: A story
world: world.yaml
in: acme
as: ann
steps:
  - invite: { users: [alice] }
";

impl Desk {
    fn story(&self, text: &str) {
        fs::write(self.0.join("story.yaml"), text).unwrap();
    }

    /// What is printed when it ends with this status.
    fn ended(&self, status: i32, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments, "");
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {out}{err}");
        (out, err)
    }
}

#[test]
fn programs_get_a_report_in_their_form_also_when_nothing_can_be_played() {
    let desk = Desk::new("reports", WORLD);
    desk.story(STORY);
    fs::write(desk.0.join("no-plugin.wasm"), "hello").unwrap();
    fs::write(desk.0.join("broken.yaml"), STORY.replace("steps", "stpes")).unwrap();
    fs::create_dir_all(desk.0.join("empty")).unwrap();
    fs::create_dir_all(desk.0.join("rules")).unwrap();
    fs::write(desk.0.join("rules/policies.yaml"), "others: strict\n").unwrap();
    symlink("/dev/zero", desk.0.join("zero.wasm")).unwrap();
    for (arguments, said) in [
        (&["story.yaml", "--plugin", "no-plugin.wasm"][..], "this is no WebAssembly component"),
        (&["story.yaml", "--plugin", "nothing.wasm"], "`nothing.wasm` cannot be read"),
        (&["story.yaml", "--plugin", "zero.wasm"], "it is a device, and no regular file"),
        (&["story.yaml", "--policy", "no-plugin.wasm"], "this is no WebAssembly component"),
        (&["story.yaml", "--policy", "nothing.wasm"], "`nothing.wasm` cannot be read"),
        (&["story.yaml", "--policy", "rules"], "there is no policy `strict`"),
        (&["story.yaml", "--policy", "empty"], "a folder of policies has a `policies.yaml`"),
        (&["story.yaml", "--against", "nothing.wasm"], "`nothing.wasm` cannot be read"),
        (&["story.yaml", "--filter", "nobody"], "no scenario is selected"),
        (&["empty"], "no scenario is selected"),
        (&["nothing"], "`nothing` cannot be read"),
        (&["broken.yaml"], "unknown field `stpes`"),
        (&["story.yaml", "--timeout", "soon"], "invalid value"),
    ] {
        let (text, err) = desk.ended(2, &[&["test"], arguments].concat());
        assert_eq!(text, "", "{arguments:?}");
        assert!(err.contains(said), "{arguments:?}: {err}");
        let report = |format: &str| desk.ended(2, &[&["test", "--format", format], arguments].concat()).0;
        let json: Value = serde_json::from_str(&report("json")).unwrap();
        let first = &json["problems"][0];
        assert!(first["message"].as_str().unwrap().contains(said), "{json}");
        assert!(first["path"].is_string() && json["format"] == 1, "{json}");
        let junit = report("junit");
        let junit = roxmltree::Document::parse(&junit).unwrap();
        let error = junit.descendants().find(|node| node.has_tag_name("error")).unwrap();
        assert!(error.attribute("message").unwrap().contains(said), "{arguments:?}");
        assert_eq!(junit.root_element().attribute("errors"), Some("1"));
        let github = report("github");
        assert!(github.starts_with("::error file=") && github.contains(said), "{github}");
    }
}

#[test]
fn other_commands_tell_programs_as_well_why_they_cannot_run() {
    let desk = Desk::new("other-reports", WORLD);
    for arguments in [&["check", "nothing.wasm"][..], &["policy", "check", "nothing.wasm"], &["check", "."]] {
        let (out, err) = desk.ended(2, &[arguments, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (&report["admitted"], &report["problems"][0]["kind"]),
            (&false.into(), &"unreadable".into())
        );
        let message = report["problems"][0]["message"].as_str().unwrap();
        assert!(message.contains("cannot be read") && err == format!("error: {message}\n"), "{err}");
    }
    fs::create_dir_all(desk.0.join("rules")).unwrap();
    for arguments in [
        &["policy", "check", "rules", "--format", "json"][..],
        &["policy", "build", "rules", "--format=json"],
        &["policy", "new", "--language", "rust", "Bad Name", "--format", "json"],
        &["check", "--format", "json"],
    ] {
        let (out, err) = desk.ended(2, arguments);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert!(report["error"].is_string() && err.starts_with("error: "), "{arguments:?}: {out}{err}");
    }
}

#[test]
fn a_problem_far_to_the_right_is_a_problem_and_no_crash() {
    let desk = Desk::new("far-right", WORLD);
    for blanks in [65_534, 65_535, 65_536, 200_000] {
        let far = format!("{}zz: 1 }}", " ".repeat(blanks));
        desk.story(&format!("name: x\nworld: {{ {far}\nsteps: []"));
        let (_, err) = desk.ended(2, &["test", "story.yaml"]);
        assert!(err.contains("unknown field `zz`") && err.len() < 2_000, "{} bytes: {err}", err.len());
        fs::write(desk.0.join("far.yaml"), format!("{{ {far}")).unwrap();
        let list = ["call", "list", "--organization", "acme", "--as", "ann", "--world", "far.yaml"];
        let (_, err) = desk.ended(2, &list);
        assert!(err.contains("unknown field `zz`") && err.len() < 2_000, "{err}");
        fs::create_dir_all(desk.0.join("rules")).unwrap();
        fs::write(desk.0.join("rules/policies.yaml"), format!("{{ {far}")).unwrap();
        let (_, err) = desk.ended(2, &["policy", "check", "rules"]);
        assert!(err.contains("unknown field `zz`") && err.len() < 2_000, "{err}");
    }
}

#[test]
fn a_file_that_is_wrong_in_every_place_is_told_of_in_short() {
    let desk = Desk::new("all-wrong", WORLD);
    let steps: Vec<_> = (0..2_000).map(|_| "{sweep: {}, in: b}").collect();
    desk.story(&format!("{{name: x, world: world.yaml, steps: [{}]}}", steps.join(",")));
    let (_, err) = desk.ended(2, &["test", "story.yaml"]);
    assert!(err.len() < 100_000, "{} bytes", err.len());
    assert!(err.contains("error: 1950 more problems are not shown: mend these first"), "{err}");
    assert!(err.ends_with("error: nothing was played: 2000 problems in 1 file\n"), "{err}");
    for format in ["json", "junit", "github"] {
        let (out, _) = desk.ended(2, &["test", "story.yaml", "--format", format]);
        assert!(out.len() < 100_000 && out.contains("1950 more problems"), "{format}: {} bytes", out.len());
    }
}

#[test]
fn names_do_not_steer_a_terminal_nor_a_workflow() {
    let bad = r"al\e[31m\u202e\n::error::ice";
    let shown = r"al\u{1b}[31m\u{202e}\n::error::ice";
    let world = WORLD
        .replace("name: alice", &format!("name: \"{bad}\""))
        .replace("id: g-help, name: Help desk", &format!("id: g-help, name: \"{bad}\""));
    let desk = Desk::new("steering", &world);
    let story = format!(
        "name: \"\\0{bad}\"\nworld: world.yaml\nin: acme\nas: ann\nsteps:\n  - invite: {{ users: [\"{bad}\"], groups: [g-help], \
         metadata: {{ \"a\": \"\\e\\u202e\" }} }}\n    expect: {{ answer: [{{ \"{bad}\": declined }}] }}\n  - sweep: {{}}\n"
    );
    desk.story(&story);
    let steers = |text: &str| {
        text.contains(|letter: char| letter.is_control() && !matches!(letter, '\n' | '\t'))
            || text.contains('\u{202e}')
    };
    for arguments in [
        &["test", "story.yaml"][..],
        &["test", "story.yaml", "--explain"],
        &["test", "story.yaml", "--format", "github"],
    ] {
        let (out, err) = desk.ended(1, arguments);
        assert!(!steers(&out) && !steers(&err), "{arguments:?}: {out:?}{err:?}");
        assert!(!out.contains("\n::error::ice"), "{out}");
        assert!(arguments.contains(&"github") || out.contains(shown), "{arguments:?}: {out}");
    }
    let passes = story.replace("declined", "\"*\"");
    desk.story(&passes);
    let (out, _) = desk.ended(0, &["test", "story.yaml", "--explain"]);
    assert!(!steers(&out) && out.contains("fuel"), "{out:?}");
    // What is wrong with a file quotes it.
    desk.story(&passes.replace("as: ann", &format!("as: \"{bad}x\"")));
    for format in ["text", "github"] {
        let (out, err) = desk.ended(2, &["test", "story.yaml", "--format", format]);
        assert!(!steers(&out) && !steers(&err) && err.contains("nothing was played"), "{out:?}{err:?}");
    }
    // A call shows what came as JSON, and its mails to people.
    let ann = ["call", "invite", "--organization", "acme", "--as", "ann", "--world", "world.yaml", "--trace"];
    let name = serde_json::json!({ "usernames": ["al\u{1b}[31m\u{202e}\n::error::ice", "\0\u{9b}", "bob"] });
    let output = desk.run(&ann, &name.to_string());
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!steers(&out) && !steers(&err), "{out:?}{err:?}");
    assert!(serde_json::from_str::<Value>(&out).is_ok() || output.status.code() == Some(1), "{out}{err}");
}
