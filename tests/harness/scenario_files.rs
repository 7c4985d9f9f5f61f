//! What is wrong with a scenario file is said with its place, and with what was probably meant.

use std::{fs, path::PathBuf};

use guestlist_scenario::{Loading, Suite, SuiteError};

const WORLD: &str = "organizations:
  - id: root
    users: [{ id: u-alice, name: alice, email: alice@root.example }]
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }]
    permissions: { u-ann: [all] }
";
/// Line by line, so that a case replaces one.
const STORY: &str = "name: A story
world: world.yaml
in: acme
as: ann
steps:
  - invite: { users: [alice] }
    fault: { call: storage.insert, outcome: unavailable }
    expect: { refused: { host: unavailable } }
  - list: { states: [pending] }
    expect: { fuel: '<= 1M' }
  - advance: 1h
";

/// A suite of its own for each test.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let desk = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("files-{name}")));
        let _ = fs::remove_dir_all(&desk.0);
        desk.write("suite/suite.yaml", "");
        desk.write("suite/world.yaml", WORLD);
        desk
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn load(&self) -> Result<Suite, SuiteError> {
        Suite::load(&[self.0.join("suite")], &Loading::default())
    }
}

#[test]
fn the_unbroken_story_is_understood() {
    let desk = Desk::new("whole");
    desk.write("suite/story.yaml", STORY);
    let suite = desk.load().unwrap();
    assert_eq!((suite.cases.len(), suite.cases[0].line()), (1, 1));
    let files = ["suite/story.yaml", "suite/suite.yaml", "suite/world.yaml"].map(|file| desk.0.join(file));
    assert_eq!(suite.files, files.into());
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_was_probably_meant() {
    // What stands in the story, what stands there instead, line and column, and what is said.
    let cases: &[(&str, &str, u64, u64, &str, &str)] = &[
        ("steps:", "stpes:", 5, 1, "unknown field `stpes`", "did you mean `steps`?"),
        ("in: acme", "zzzzzz: acme", 3, 1, "unknown field `zzzzzz`", "there are name, about,"),
        ("  - list:", "  - lists:", 9, 5, "unknown field `lists`", "did you mean `list`?"),
        ("users: [alice]", "usres: [alice]", 6, 15, "unknown field `usres`", "did you mean `users`?"),
        ("{ states:", "{ state:", 9, 13, "unknown field `state`", "did you mean `states`?"),
        ("{ fuel:", "{ fule:", 10, 15, "unknown field `fule`", "did you mean `fuel`?"),
        ("outcome: un", "outcom: un", 7, 36, "unknown field `outcom`", "did you mean `outcome`?"),
        ("users: [alice]", "users: alice", 6, 22, "a list is expected here", "write `[one, another]`"),
        ("name: A story\n", "about: A story\n", 5, 1, "missing field `name`", ""),
        (
            "{ refused: { host: unavailable } }",
            "{ refused: }",
            6,
            5,
            "`refused` of `expect` is empty",
            "say what",
        ),
        ("outcome: un", "nth: 0, outcome: un", 7, 12, "this fault never happens", "`nth` counts from 1"),
        (
            "steps:",
            "faults: [{ nth: 0, outcome: crash }]\nsteps:",
            5,
            10,
            "this fault never happens",
            "`nth` counts from 1",
        ),
        (
            "{ fuel: '<= 1M' }",
            "{ calls-exclude: [storage.isnert] }",
            10,
            31,
            "`storage.isnert`",
            "did you mean `storage.insert`?",
        ),
        (
            "{ fuel: '<= 1M' }",
            "{ calls-exclude: [{ storage.list: { organisation: acme } }] }",
            10,
            31,
            "`storage.list` has no argument `organisation`",
            "did you mean `organization`?",
        ),
        (
            "{ fuel: '<= 1M' }",
            "{ answer: { nexxt: null } }",
            10,
            25,
            "no answer has a `nexxt`",
            "did you mean `next`?",
        ),
        (
            "{ refused: { host: unavailable } }",
            "{ refused: not-permited }",
            8,
            24,
            "`not-permited` is no word of an answer",
            "did you mean `not-permitted`?",
        ),
        (
            "{ refused: { host: unavailable } }",
            "{ refused: zzzzzzzzz }",
            8,
            24,
            "`zzzzzzzzz` is no word of an answer",
            "there are `active-invitation`, ",
        ),
        (
            "    expect: { refused: { host: unavailable } }",
            "    expect:\n      answer:\n        - alice: { state: pending }\n        - bob:\n            any-of:\n              - { refused: { may-not-gramt: [0] } }",
            13,
            30,
            "`may-not-gramt` is no word of an answer",
            "did you mean `may-not-grant`? there are ",
        ),
        (
            "    expect: { fuel: '<= 1M' }",
            "    expect:\n      answer:\n        items: []\n        next: null\n        state:\n          any-of: [\n            pending,\n            pendign ]",
            17,
            13,
            "`pendign` is no word of an answer",
            "did you mean `pending`? there are `accepted`, ",
        ),
        (
            "    expect: { fuel: '<= 1M' }",
            "    expect:\n      audit:\n        - event: refused\n          form: ann",
            13,
            11,
            "an audit event has no `form`",
            "did you mean `for`? there are `about`, ",
        ),
        ("- advance: 1h", "- advance: 1h\n    as: ann", 11, 5, "nobody acts here", "leave `as` out"),
        (
            "- advance: 1h",
            "- { event: { mail: fail }, expect: { fuel: <= 1 } }",
            11,
            38,
            "something is expected that cannot be judged here",
            "only `effects`, `mails` and `audit`",
        ),
        ("as: ann", "as: anna", 4, 5, "the world has no user `anna`", "did you mean `ann`?"),
        ("in: acme", "in: acne", 3, 5, "the world has no organization `acne`", "did you mean `acme`?"),
        (
            "[pending]",
            "[pendign]",
            9,
            22,
            "`pendign` is no state of an invitation",
            "did you mean `pending`?",
        ),
        ("storage.insert", "storage.insrt", 7, 20, "`storage.insrt`", "did you mean `storage.insert`?"),
        (
            ": unavailable }\n    expect",
            ": unavailble }\n    expect",
            7,
            45,
            "`unavailble` is no outcome",
            "`unavailable`",
        ),
        (
            "{ refused: { host: unavailable } }",
            "{ broken: chrash }",
            8,
            23,
            "`chrash` is no way",
            "did you mean `crash`?",
        ),
        (
            "  - advance: 1h",
            "  - advance: 1h\n    restart: true",
            11,
            5,
            "does more than one thing",
            "give one of `invite`",
        ),
        ("  - advance: 1h", "  - as: ann", 11, 5, "this step does nothing", "give one of `invite`"),
        ("advance: 1h", "advance: 1 hour", 11, 14, "`1 hour` is not a length of time", ""),
        (
            "advance: 1h",
            "clock: 1969-12-31T23:59:59Z",
            11,
            12,
            "`1969-12-31T23:59:59Z` is no instant",
            "from 1970 on",
        ),
        (
            "steps:",
            "instance: kept\nsteps:\n  - race: { of: [list: {}, list: {}] }",
            7,
            5,
            "one instance makes one call at a time",
            "leave `instance` out",
        ),
        ("'<= 1M'", "about 1M", 10, 21, "`about 1M` is no bound: write it as", ""),
        ("world: world.yaml", "world: wrold.yaml", 2, 8, "`wrold.yaml` cannot be read: ", ""),
        (
            "world: world.yaml",
            "world: ../other.yaml",
            2,
            8,
            "`../other.yaml` is outside of the suite's folder",
            "",
        ),
        (
            "world: world.yaml",
            "world: linked.world",
            2,
            8,
            "`linked.world` is outside of the suite's folder",
            "",
        ),
        (
            "world: world.yaml",
            "world: { organizations: [{ id: a, parent: b }] }",
            2,
            43,
            "there is no organization `b`",
            "",
        ),
        (
            "world: world.yaml",
            "world: { organisations: [] }",
            2,
            10,
            "unknown field `organisations`",
            "did you mean `organizations`?",
        ),
        ("[alice] }", "[alice }", 6, 0, "", ""),
        ("steps:", "faults: swep\nsteps:", 5, 1, "`sweep`, or a list of faults", ""),
    ];
    let desk = Desk::new("broken");
    desk.write("other.yaml", WORLD);
    #[cfg(unix)]
    std::os::unix::fs::symlink("../other.yaml", desk.0.join("suite/linked.world")).unwrap();
    let mut wrong = Vec::new();
    for (right, written, line, column, message, help) in cases {
        if cfg!(not(unix)) && written.contains("linked") {
            continue;
        }
        let text = STORY.replacen(right, written, 1);
        assert_ne!(text, STORY, "{right}");
        desk.write("suite/story.yaml", &text);
        let Err(error) = desk.load() else {
            wrong.push(format!("{written}: understood"));
            continue;
        };
        let problem = &error.problems[0].error.problems[0];
        let helped = problem.help.as_deref().unwrap_or_default();
        let shown = error.to_string();
        let there = (problem.line, problem.column);
        // 0: wherever the parser stumbles in that line or after it.
        let placed = there == (*line, *column) || *column == 0 && there.0 >= *line;
        let place = format!("suite/story.yaml:{}:{}\n", problem.line, problem.column);
        let source = format!(
            "{} | {}\n",
            problem.line,
            text.lines().nth((problem.line as usize).saturating_sub(1)).unwrap_or_default()
        );
        let well = placed
            && error.problems.len() == 1
            && problem.message.contains(message)
            && helped.contains(help)
            && shown.contains(&place)
            && shown.contains(&source);
        if !well {
            wrong.push(format!("{written}: expected {line}:{column} {message} / {help}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_world_that_is_wrong_is_said_once_and_in_its_own_file() {
    let desk = Desk::new("world");
    desk.write("suite/world.yaml", &WORLD.replace("parent: root", "parent: roto"));
    desk.write("suite/one/story.yaml", &STORY.replace("world.yaml", "../world.yaml"));
    desk.write("suite/two/story.yaml", &STORY.replace("world.yaml", "../world.yaml"));
    let error = desk.load().unwrap_err();
    let shown = error.to_string();
    assert_eq!(error.places().count(), 1, "{shown}");
    assert!(shown.contains("5 |     parent: roto\n") && shown.contains("suite/world.yaml:5:13\n"), "{shown}");
    assert!(shown.contains("help: did you mean `root`?"), "{shown}");

    // Also where no scenario names it.
    desk.write("suite/world.yaml", &WORLD.replace("users:", "user:"));
    fs::remove_dir_all(desk.0.join("suite/one")).unwrap();
    fs::remove_dir_all(desk.0.join("suite/two")).unwrap();
    let shown = desk.load().unwrap_err().to_string();
    assert!(shown.contains("suite/world.yaml:3:5\n") && shown.contains("did you mean `users`?"), "{shown}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let desk = Desk::new("all");
    desk.write("suite/a.yaml", &STORY.replace("in: acme", "in: acne").replace("as: ann", "as: anna"));
    desk.write("suite/b.yaml", &STORY.replace("steps:", "stpes:"));
    fs::write(desk.0.join("suite/c.yaml"), b"name: \xff").unwrap();
    let error = desk.load().unwrap_err();
    let places: Vec<_> = error
        .places()
        .map(|(path, problem)| (path.file_name().unwrap().to_str().unwrap(), problem.line))
        .collect();
    assert_eq!(places, [("a.yaml", 3), ("a.yaml", 4), ("b.yaml", 5), ("c.yaml", 0)], "{error}");
}
