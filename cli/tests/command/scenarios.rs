//! `guestlist test`: every flag, every form of the report, and how it ends.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use guestlist_harness::BUNDLED;
use guestlist_hostile::guests::{Behaviour, guest};
use serde_json::Value;

use super::text;

const WORLD: &str = "organizations:
  - id: root
    users: [{ id: u-alice, name: alice, email: alice@root.example }]
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }]
    permissions: { u-ann: [all] }
";
const PASSES: &str = "name: Alice is invited
tags: [quick]
world: ../world.yaml
in: acme
as: ann
steps:
  - invite: { users: [alice] }
    expect: { answer: [ alice: pending ] }
";
const FAILS: &str = "name: 'Alice, 100% \"declined\" <now>'
world: ../world.yaml
in: acme
as: ann
steps:
  - invite: { users: [alice] }
    expect: { answer: [ alice: declined ] }
";

/// A suite with one scenario that passes and one that fails.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let desk = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("test-{name}")));
        let _ = fs::remove_dir_all(&desk.0);
        desk.write("suite.yaml", "");
        desk.write("world.yaml", WORLD);
        desk.write("good/passes.yaml", PASSES);
        desk.write("bad/fails.yaml", FAILS);
        desk
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command.current_dir(&self.0).arg("test").args(arguments);
        command
    }

    fn test(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        (status.code(), text(&stdout), text(&stderr))
    }
}

#[test]
fn the_exit_status_says_how_it_ended() {
    let desk = Desk::new("status");
    desk.write("broken/broken.yaml", PASSES.replace("steps", "stpes"));
    let no_plugin = "this is no WebAssembly component";
    desk.write("no-plugin.wasm", "hello");
    for (arguments, status, shown, said) in [
        (&["good"][..], 0, "1 scenario, 1 passed, 0 failed, in ", ""),
        (&["good", "bad"], 1, "2 scenarios, 1 passed, 1 failed, in ", ""),
        (
            &["broken", "good"],
            2,
            "",
            "  help: did you mean `steps`?\n\nerror: nothing was played: 1 problem in 1 file\n",
        ),
        (&["nothing"], 2, "", "`nothing` cannot be read: "),
        (
            &["good", "--filter", "nobody"],
            2,
            "",
            "error: no scenario is selected; see the paths and `--filter`\n",
        ),
        (&["good", "--plugin", "nothing.wasm"], 2, "", "error: `nothing.wasm` cannot be read: "),
        (&["good", "--plugin", "no-plugin.wasm"], 2, "", no_plugin),
        (&["good", "--policy", "nothing.wasm"], 2, "", "error: `nothing.wasm` cannot be read: "),
        (&["good", "--against", "nothing.wasm"], 2, "", "error: `nothing.wasm` cannot be read: "),
        (&["suite.yaml"], 2, "", "`suite.yaml` marks the folder of a suite, and is no scenario"),
        (&["good", "--format", "html"], 2, "", "[possible values: text, json, junit, github]"),
        (&["good", "--watch", "--against", "a.wasm"], 2, "", "cannot be used with"),
    ] {
        let (ended, out, err) = desk.test(arguments);
        assert_eq!(ended, Some(status), "{arguments:?}: {out}{err}");
        assert!(out.contains(shown) && err.contains(said), "{arguments:?}: {out}{err}");
        assert!(status != 2 || out.is_empty(), "{arguments:?}: {out}");
        assert!(status == 2 || err.is_empty(), "nothing is painted where no terminal is: {err}");
    }
}

#[test]
fn a_failure_is_shown_with_its_line_and_the_difference() {
    let (_, out, _) = Desk::new("text").test(&["."]);
    let shown = "FAIL ./bad/fails.yaml
  Alice, 100% \"declined\" <now>
  ./bad/fails.yaml:7:23: the answer is another
    7 |     expect: { answer: [ alice: declined ] }
      - expected, + came
      -- alice: declined
      +- alice:
";
    assert!(out.starts_with(shown), "{out}");
}

#[test]
fn json_can_be_read_by_programs() {
    let desk = Desk::new("json");
    let (status, out, _) = desk.test(&["good", "bad", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &json["format"]), (Some(1), &Value::from(1)));
    assert_eq!(json["plugin"].as_str().map(str::len), Some(64));
    let count = |name: &str| json["summary"][name].as_u64();
    assert_eq!([count("scenarios"), count("passed"), count("failed")], [Some(2), Some(1), Some(1)]);
    assert!(json["summary"]["seconds"].as_f64().is_some_and(|time| time > 0.0));
    let [fails, passes] = [&json["cases"][0], &json["cases"][1]];
    assert_eq!((&fails["path"], &fails["ending"]), (&"bad/fails.yaml".into(), &"failed".into()));
    let failure = &fails["failures"][0];
    assert_eq!((&failure["line"], &failure["column"]), (&7.into(), &23.into()));
    assert_eq!(failure["expected"], "- alice: declined");
    assert_eq!((&passes["ending"], &passes["line"]), (&"passed".into(), &1.into()));
    assert_eq!((&passes["tags"][0], &passes["calls"]), (&"quick".into(), &1.into()));
    assert!(passes.get("steps").is_none());
    assert!(json.get("problems").is_none());

    desk.write("bad/fails.yaml", FAILS.replace("users: [alice]", "usres: [alice]"));
    let (status, out, _) = desk.test(&["good", "bad", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let problem = &json["problems"][0];
    assert_eq!((status, &problem["path"]), (Some(2), &"bad/fails.yaml".into()));
    assert_eq!((&problem["line"], &problem["help"]), (&6.into(), &"did you mean `users`?".into()));
}

#[test]
fn junit_is_well_formed_and_has_a_suite_for_each_folder() {
    let desk = Desk::new("junit");
    let (status, out, _) = desk.test(&["good", "bad", "--format", "junit"]);
    let xml = roxmltree::Document::parse(&out).unwrap();
    let all = xml.root_element();
    assert_eq!((status, all.attribute("tests"), all.attribute("failures")), (Some(1), Some("2"), Some("1")));
    let suites: Vec<_> = all.children().filter(|node| node.has_tag_name("testsuite")).collect();
    assert_eq!(
        suites.iter().map(|suite| suite.attribute("name")).collect::<Vec<_>>(),
        [Some("bad"), Some("good")]
    );
    let cases: Vec<_> = xml.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    assert_eq!(cases[0].attribute("name"), Some("Alice, 100% \"declined\" <now>"));
    assert_eq!((cases[0].attribute("file"), cases[0].attribute("line")), (Some("bad/fails.yaml"), Some("7")));
    assert!(cases[0].attribute("time").is_some_and(|time| time.parse::<f64>().is_ok()));
    let failure = cases[0].first_element_child().unwrap();
    assert_eq!(failure.attribute("message"), Some("the answer is another"));
    assert!(
        failure
            .text()
            .is_some_and(|text| text.contains("bad/fails.yaml:7:23: ") && text.contains("      +- alice:\n"))
    );
    assert!(cases[1].first_element_child().is_none());

    desk.write("bad/fails.yaml", "name: [");
    let (status, out, _) = desk.test(&["bad", "--format", "junit"]);
    let xml = roxmltree::Document::parse(&out).unwrap();
    let error = xml.descendants().find(|node| node.has_tag_name("error")).unwrap();
    assert_eq!((status, error.parent().unwrap().attribute("file")), (Some(2), Some("bad/fails.yaml")));
}

#[test]
fn github_is_told_where_a_failure_stands() {
    let desk = Desk::new("github");
    let (status, out, _) = desk.test(&["good", "bad", "--format", "github"]);
    let lines: Vec<_> = out.lines().collect();
    let start = "::error file=bad/fails.yaml,line=7,col=23,title=Alice%2C 100%25 \"declined\" <now>::the answer is \
                 another%0A- expected, + came%0A-- alice: declined%0A+- alice:";
    assert_eq!((status, lines.len()), (Some(1), 2));
    assert!(lines[0].starts_with(start), "{out}");
    assert!(lines[1].starts_with("2 scenarios, 1 passed, 1 failed"), "{out}");

    desk.write("bad/fails.yaml", FAILS.replace("as: ann", "as: anna"));
    let (status, out, _) = desk.test(&["bad", "--format", "github"]);
    assert_eq!(status, Some(2));
    assert_eq!(
        out,
        "::error file=bad/fails.yaml,line=4,col=5,title=This file is wrong::the world has no user `anna`%0Ahelp: did you \
         mean `ann`?\n"
    );
}

#[test]
fn a_filter_is_about_the_path_the_name_or_a_tag() {
    let desk = Desk::new("filter");
    for (filter, status) in [("quick", 0), ("good/", 0), ("is invited", 0), ("DECLINED", 1)] {
        let (ended, out, _) = desk.test(&["good", "bad", "--filter", filter]);
        assert_eq!(ended, Some(status), "{filter}");
        assert!(out.contains("1 scenario,"), "{out}");
    }
}

#[test]
fn how_many_run_at_a_time_and_what_is_explained_change_nothing() {
    let desk = Desk::new("jobs");
    let cases = |arguments: &[&str]| {
        let (_, out, _) = desk.test(&[&["good", "bad", "--format", "json"], arguments].concat());
        let mut json: Value = serde_json::from_str(&out).unwrap();
        for case in json["cases"].as_array_mut().unwrap() {
            let case = case.as_object_mut().unwrap();
            case.remove("time");
            case.remove("audit");
            case.remove("mails");
            let steps = case.remove("steps");
            assert_eq!(steps.is_some(), arguments.contains(&"--explain"));
        }
        json["cases"].clone()
    };
    let alone = cases(&["--jobs", "1"]);
    assert_eq!(alone, cases(&["--jobs", "4"]));
    assert_eq!(alone, cases(&["--explain"]));
    let (_, out, _) = desk.test(&["good", "--explain"]);
    assert!(out.contains("line 7: invite alice") && out.contains("storage.insert"), "{out}");
}

#[test]
fn a_seed_takes_the_place_of_the_scenarios_own() {
    let desk = Desk::new("seed");
    // What was made at one instant is listed by its id, and ids come from entropy.
    desk.write(
        "good/passes.yaml",
        "name: Four are invited
world:
  organizations:
    - id: root
      users: [{ id: a, name: a }, { id: b, name: b }, { id: c, name: c }, { id: d, name: d }]
    - { id: acme, parent: root, users: [{ id: u-ann, name: ann }], permissions: { u-ann: [all] }, settings: { codes: see-code } }
seed: 7
in: acme
as: ann
steps:
  - invite: { users: [a], notify: external }
  - invite: { users: [b], notify: external }
  - invite: { users: [c], notify: external }
  - invite: { users: [d], notify: external }
  - list: {}
",
    );
    let listed = |arguments: &[&str]| {
        let (_, out, _) = desk.test(&[&["good", "--explain", "--format", "json"], arguments].concat());
        let json: Value = serde_json::from_str(&out).unwrap();
        let items = json["cases"][0]["steps"][4]["answer"]["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<String>()
    };
    assert_eq!(listed(&[]), listed(&["--seed", "7"]));
    assert_ne!(listed(&[]), listed(&["--seed", "5"]));
}

#[test]
fn a_scenario_that_takes_too_long_fails() {
    let desk = Desk::new("timeout");
    let slow = PASSES.to_owned() + "faults: sweep\n";
    desk.write("bad/fails.yaml", slow);
    let (status, out, _) = desk.test(&["bad", "--timeout", "0"]);
    assert_eq!(status, Some(1));
    assert!(out.contains("it took longer than 0 s") && out.contains("help: raise `--timeout`"), "{out}");
}

#[test]
fn every_host_call_fails_where_faults_are_asked_for() {
    let (status, out, _) = Desk::new("faults").test(&["good", "--faults"]);
    assert_eq!(status, Some(0), "{out}");
    assert!(
        out.lines().last().is_some_and(|line| line.ends_with(" playings with a failing host call")),
        "{out}"
    );
}

#[test]
fn another_plugin_is_played_with_and_compared() {
    let desk = Desk::new("plugins");
    desk.write("same.wasm", BUNDLED);
    desk.write("panics.wasm", guest(Behaviour::Panics));
    assert_eq!(desk.test(&["good", "--plugin", "same.wasm"]).0, Some(0));
    let (status, out, _) = desk.test(&["good", "--plugin", "panics.wasm"]);
    assert_eq!(status, Some(1), "{out}");

    // Expectations do not count.
    let (status, out, _) = desk.test(&["good", "bad", "--against", "same.wasm"]);
    assert_eq!(status, Some(0), "{out}");
    assert!(out.starts_with("2 scenarios, 2 decided as before, 0 decided differently"), "{out}");

    let (status, out, _) = desk.test(&["good", "--against", "panics.wasm"]);
    assert_eq!(status, Some(1));
    let shown = "DIFFERS good/passes.yaml
  Alice is invited
  good/passes.yaml:7:5: `invite alice` is decided differently
    7 |   - invite: { users: [alice] }
      - before, + now
";
    assert!(out.starts_with(shown), "{out}");
    assert!(out.contains("      -  broken: panic\n") || out.contains("      -  broken: other\n"), "{out}");

    let (status, out, _) = desk.test(&["good", "--against", "panics.wasm", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &json["cases"][0]["ending"]), (Some(1), &"failed".into()));
    assert_ne!((&json["plugin"], &json["against"]), (&json["against"], &json["plugin"]));
    for format in ["junit", "github"] {
        let (status, out, _) = desk.test(&["good", "--against", "panics.wasm", "--format", format]);
        assert!(status == Some(1) && out.contains("`invite alice` is decided differently"), "{out}");
    }
}

#[test]
fn worlds_are_inside_of_the_suite_unless_it_is_allowed() {
    let desk = Desk::new("outside");
    fs::remove_file(desk.0.join("suite.yaml")).unwrap();
    let (status, _, err) = desk.test(&["good"]);
    assert!(status == Some(2) && err.contains("`../world.yaml` is outside of the suite's folder"), "{err}");
    assert_eq!(desk.test(&["good", "--allow-outside"]).0, Some(0));
}

#[test]
fn the_schema_is_printed_without_any_paths() {
    let (status, out, _) = Desk::new("schema").test(&["--schema"]);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenario.schema.json");
    assert_eq!(status, Some(0));
    assert!(out == fs::read_to_string(kept).unwrap(), "the suite's test of the schema says how to renew it");
}

#[test]
fn a_change_is_played_again_and_a_broken_file_is_waited_on() {
    struct Killed(std::process::Child);
    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    let desk = Desk::new("watch");
    let mut command = desk.command(&["good", "bad", "--watch"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Killed(child);
    let (to, lines) = mpsc::channel();
    let (out, err) = (child.0.stdout.take().unwrap(), child.0.stderr.take().unwrap());
    let pass_on = |from: Box<dyn std::io::Read + Send>, to: mpsc::Sender<String>| {
        thread::spawn(move || {
            BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| to.send(line))
        })
    };
    pass_on(Box::new(out), to.clone());
    pass_on(Box::new(err), to);
    let wait = |parts: &[&str]| {
        let mut missing = parts.to_vec();
        while !missing.is_empty() {
            let line =
                lines.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no {missing:?}"));
            missing.retain(|part| !line.contains(part));
        }
    };
    wait(&["played 2 of 2", "2 scenarios, 1 passed, 1 failed", "watching 4 files"]);
    desk.write("bad/fails.yaml", FAILS.replace("alice: declined", "alice: pending"));
    wait(&["played 1 of 2", "2 scenarios, 2 passed", "watching 4 files"]);
    desk.write("bad/fails.yaml", FAILS.replace("steps:", "stpes:  # not"));
    wait(&["did you mean `steps`?", "error: nothing was played", "watching 4 files"]);
    desk.write("bad/fails.yaml", FAILS);
    wait(&["played 1 of 2", "1 failed", "watching 4 files"]);
    desk.write("world.yaml", format!("{WORLD}# changed\n"));
    wait(&["played 2 of 2", "watching 4 files"]);
    desk.write("good/more.yaml", PASSES);
    wait(&["played 1 of 3", "3 scenarios, 2 passed", "watching 5 files"]);
    fs::remove_file(desk.0.join("bad/fails.yaml")).unwrap();
    wait(&["played 0 of 2", "2 scenarios, 2 passed", "watching "]);
}
