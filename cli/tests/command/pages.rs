//! Compares what the pages about scenarios show with what the command prints: their files are written, their
//! commands are typed, and the outputs are compared, but for figures of time and fuel.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::text;

/// A file that a page shows, or commands with what they print.
enum Block<'a> {
    File { name: &'a str, text: &'a str, refused: bool },
    Commands(Vec<(&'a str, Vec<&'a str>)>),
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut fences = page.split("\n```").skip(1);
    let mut blocks = Vec::new();
    while let (Some(fence), _) = (fences.next(), fences.next()) {
        let Some((language, text)) = fence.split_once('\n') else { continue };
        let head = text.lines().next().and_then(|line| line.strip_prefix("# file: "));
        match (language, head) {
            ("yaml", Some(head)) => {
                let (name, fate) = head.split_once(", ").unwrap_or((head, ""));
                blocks.push(Block::File { name, text, refused: fate == "is refused" });
            }
            ("console", _) => {
                let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
                for line in text.lines() {
                    match (line.strip_prefix("$ "), commands.last_mut()) {
                        (Some(command), _) => commands.push((command, Vec::new())),
                        (None, Some((_, output))) => output.push(line),
                        (None, None) => panic!("an output without a command: {line}"),
                    }
                }
                blocks.push(Block::Commands(commands));
            }
            _ => {}
        }
    }
    blocks
}

/// A line without the figures that differ from run to run, and from plugin to plugin.
fn steady(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let word = |index: usize| {
        let before = index.checked_sub(1).and_then(|before| words.get(before)).copied().unwrap_or_default();
        let after = words.get(index + 1).copied().unwrap_or_default();
        let is_time = ["s", "s,", "a"].contains(&after);
        let is_cost = ["fuel", "memory"].contains(&before);
        let is_number =
            words[index].trim_start_matches('(').starts_with(|first: char| first.is_ascii_digit());
        if is_number && (is_time || is_cost) { "#" } else { words[index] }
    };
    (0..words.len()).map(word).collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

/// Tells whether an output is what a page shows. There `..` stands for any lines or for the end of one, and
/// `(shortened)` for all that follows.
fn is_shown(shown: &[&str], came: &[&str]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return came.is_empty() };
    match first.trim() {
        "(shortened)" => true,
        ".." | "..." => (0..=came.len()).any(|skipped| is_shown(rest, &came[skipped..])),
        _ => came.split_first().is_some_and(|(line, others)| {
            let (expected, line) = (steady(first), steady(line));
            let fits = match expected.strip_suffix(" ..") {
                Some(start) => line.starts_with(start),
                None => line == expected,
            };
            fits && is_shown(rest, others)
        }),
    }
}

/// Follows a page. Answers how many outputs were compared.
fn follow(page: &str, folder: &Path, typed: impl Fn(&str) -> Option<Vec<String>>) -> usize {
    let (mut compared, mut status, mut refused) = (0, None, None::<PathBuf>);
    for block in blocks(page) {
        let commands = match block {
            Block::Commands(commands) => commands,
            Block::File { name, text, refused: is_refused } => {
                // Whoever goes on has mended or deleted it.
                refused.take().into_iter().for_each(|path| fs::remove_file(path).unwrap());
                let path = folder.join(name);
                fs::write(&path, format!("{text}\n")).unwrap();
                refused = is_refused.then_some(path);
                continue;
            }
        };
        for (command, shown) in commands {
            if command == "echo $?" {
                assert_eq!(shown, [format!("{}", status.unwrap())], "{command}");
                continue;
            }
            let Some(arguments) = typed(command).filter(|_| !shown.is_empty()) else { continue };
            let output = Command::new(env!("CARGO_BIN_EXE_guestlist"))
                .current_dir(folder)
                .args(&arguments)
                .output()
                .unwrap();
            status = output.status.code();
            // A report is on standard output; where there is none, what was wrong was said beside it.
            let said = if output.stdout.is_empty() { text(&output.stderr) } else { text(&output.stdout) };
            let came: Vec<_> = said.lines().collect();
            assert!(
                is_shown(&shown, &came),
                "the page shows another output of `{command}`:\n{}\n\nthan came:\n{said}",
                shown.join("\n")
            );
            compared += 1;
        }
    }
    compared
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_pages_about_scenarios_show_what_the_command_prints() {
    let guestlist = |command: &str| command.strip_prefix("guestlist ").map(words);
    let testing = include_str!("../../../docs/testing-policies.md");
    assert!(follow(testing, &folder("testing-policies"), guestlist) >= 8);
    let worlds = include_str!("../../../docs/worlds.md");
    assert!(follow(worlds, &folder("worlds"), guestlist) >= 1);
}

#[test]
fn the_readme_shows_what_the_command_prints_of_scenarios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = include_str!("../../../README.md");
    let tests = |command: &str| {
        command
            .strip_prefix("cargo run -q --bin guestlist -- ")
            .filter(|rest| rest.starts_with("test "))
            .map(words)
    };
    assert!(follow(readme, root, tests) >= 1);
}

#[test]
fn an_output_that_has_drifted_is_seen() {
    let came =
        ["2 scenarios, in 0.1 s (9 a minute)", "    fuel 12, host calls 3, memory 4", "missing  a", "b"];
    for (shown, fits) in [
        (
            &[
                "2 scenarios, in 7.5 s (100 a minute)",
                "    fuel 9, host calls 3, memory 8",
                "missing  a",
                "b",
            ][..],
            true,
        ),
        (&["2 scenarios, in 7.5 s (100 a minute)", "..", "b"], true),
        (&["2 scenarios, in 7.5 s (100 a minute)", "(shortened)"], true),
        (&["2 scenarios, ..", "...", "missing ..", "b"], true),
        (&["3 scenarios, in 7.5 s (100 a minute)", "(shortened)"], false),
        (&["..", "    fuel 9, host calls 4, memory 8", "(shortened)"], false),
        (&["..", "missing  a"], false),
        (&[], false),
    ] {
        assert_eq!(is_shown(shown, &came), fits, "{shown:?}");
    }
}
