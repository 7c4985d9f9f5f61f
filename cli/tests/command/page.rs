//! What follows docs/writing-a-policy.md: a folder, the command in it, and the page's own steps.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

pub const PAGE: &str = include_str!("../../../docs/writing-a-policy.md");

/// A folder of its own for each test.
pub struct Desk(pub PathBuf);

impl Desk {
    pub fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// `guestlist` in the folder. Crates are those that this workspace has.
    pub fn guestlist(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command.current_dir(&self.0).args(arguments).env("CARGO_NET_OFFLINE", "true");
        // All tests, of every run, compile what policies depend on once.
        command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/policies-target"));
        command.env("GUESTLIST_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/policies-cache"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.guestlist(arguments).output().unwrap()
    }

    /// Runs what must succeed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs what must fail in this way, and answers with what it said.
    pub fn failed(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{said}");
        said
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What stands between two marks of the page, for each time that they do.
pub fn blocks(start: &str) -> Vec<&'static str> {
    let start = format!("\n```{start}\n");
    let rest = PAGE.split(&start).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap()).collect()
}

/// What the page shows as the output of a command, each time that it has it.
pub fn shown_each(command: &str) -> Vec<&'static str> {
    let start = format!("$ guestlist {command}\n");
    let output = |after: &'static str| after.split("\n$ ").next().unwrap();
    let found =
        blocks("console").into_iter().flat_map(|block| block.split(&start).skip(1).collect::<Vec<_>>());
    found.map(output).collect()
}

/// The first of them.
pub fn shown(command: &str) -> &'static str {
    let each = shown_each(command);
    each.first().unwrap_or_else(|| panic!("the page does not show `{command}`"))
}

/// A text without what is another one each day: times, and the size and the digest of what a compiler makes.
pub fn steady(text: &str) -> String {
    let line = |line: &str| {
        let line = line.trim_end();
        let day =
            ["size ", "sha256 ", "took ", "processed-by "].into_iter().find(|word| line.starts_with(word));
        let without_time = line.split_once(", in ").filter(|(_, time)| time.ends_with(" a minute)"));
        day.or(without_time.map(|(line, _)| line)).unwrap_or(line).to_owned()
    };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The page shows what the command has printed.
pub fn same(page: &str, came: &str) {
    let (page, came) = (steady(page), steady(came));
    assert!(page == came, "the page shows\n{page}\nand the command prints\n{came}");
}

/// Writes a policy, changes it as the page does, and tests it as the page does.
pub fn follow_the_page(language: &str, file: &str, change: usize) {
    let desk = Desk::new(&format!("page-{language}"));
    let made = desk.done(&["policy", "new", "--language", language, "team-policy"]);
    if language == "rust" {
        assert_eq!(made, shown("policy new --language rust team-policy"));
    }
    let source = fs::read_to_string(desk.path("team-policy").join(file)).unwrap();
    let fence = if language == "rust" { "rust,ignore" } else { language };
    let [rules] = &*blocks(fence) else { panic!("one block of {language}") };
    assert!(source.contains(rules), "the page shows other rules than `{file}`:\n{rules}");

    let build = ["policy", "build", "team-policy"];
    let test = ["test", "team-policy/scenarios", "--policy", "team-policy/policy.wasm"];
    let [passing, failing, mended, ..] = &*shown_each(&test.join(" ")) else { panic!("three runs") };
    same(shown("policy build team-policy"), &desk.done(&build));
    same(passing, &desk.done(&test));

    let [scenario] = &*blocks("yaml") else { panic!("one scenario") };
    fs::write(desk.path("team-policy/scenarios/two-mails-a-day.yaml"), scenario).unwrap();
    same(failing, &text(&desk.run(&test).stdout));

    let changed = applied(blocks("diff")[change], &source);
    fs::write(desk.path("team-policy").join(file), changed).unwrap();
    desk.done(&build);
    same(mended, &desk.done(&test));

    let checked = desk.done(&["policy", "check", "team-policy/policy.wasm"]);
    assert!(checked.ends_with("\nThis host takes it.\n"), "{checked}");
}

/// A text after a change that is written as a difference.
pub fn applied(difference: &str, to: &str) -> String {
    let lines = |but: char| -> String {
        let kept = difference.lines().filter(|line| !line.starts_with(but));
        kept.map(|line| format!("{}\n", line.get(1..).unwrap())).collect()
    };
    assert_eq!(to.matches(&lines('+')).count(), 1, "the page changes something else:\n{difference}");
    to.replace(&lines('+'), &lines('-'))
}
