//! What the documentation shows works as it stands there.

use std::{collections::BTreeSet, ffi::OsStr, path::Path};

use guestlist_memory::{MemoryHost, default_settings};

/// The first block of a language in a page.
fn block<'a>(page: &'a str, language: &str) -> &'a str {
    let start = format!("```{language}\n");
    let (_, rest) = page.split_once(&start).expect("a block of that language");
    rest.split_once("```").expect("its end").0
}

#[test]
fn the_world_file_of_the_documentation_is_a_world() {
    let page = include_str!("../../docs/worlds.md");
    MemoryHost::from_yaml(block(page, "yaml")).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let page = include_str!("../../docs/worlds.md");
    let settings = default_settings();
    let hours = |time: u64| format!("{}h", time / 3_600_000);
    let minutes = |time: u64| format!("{}m", time / 60_000);
    for row in [
        format!(
            "`lifetime`, `lifetime-min`, `lifetime-max` | {}, {}, {} |",
            hours(settings.lifetime),
            minutes(settings.lifetime_min),
            hours(settings.lifetime_max)
        ),
        format!("`lease` | {}s |", settings.lease / 1000),
        format!("`takeovers-max` | {} |", settings.takeovers_max),
        format!("`mail-tries`, `mail-retry` | {}, {} |", settings.mail_tries, minutes(settings.mail_retry)),
        format!("`retention` | {}d |", settings.retention / 86_400_000),
        format!("`resend-limit` | {} |", settings.resend_limit),
        format!(
            "`limits` | users {}, grants {}, name-bytes {} |",
            settings.limits.users, settings.limits.grants, settings.limits.name_bytes
        ),
    ] {
        assert!(page.contains(&row), "{row}");
    }
}

/// All Rust text under a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let root = guestlist_tests::root();
    let mut text = String::new();
    for folder in ["src", "tests", "host-harness", "cli", "connect", "mail", "server", "storage", "tokens"] {
        sources(&root.join(folder), &mut text);
    }
    let words: BTreeSet<_> = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let page = include_str!("../../docs/security.md");
    // The last column of a table, where it is a word in code.
    let last_cell = |row: &str| {
        let (_, name) = row.strip_suffix("` |")?.rsplit_once("| `")?;
        name.chars().all(|letter| letter.is_alphanumeric() || letter == '_').then(|| name.to_owned())
    };
    let named: Vec<_> = page.lines().filter_map(last_cell).collect();
    assert!(named.len() > 25, "the page names tests");
    for name in named {
        assert!(words.contains(name.as_str()), "there is no test `{name}`");
    }
}

#[test]
fn every_scenario_that_the_security_page_names_exists() {
    let suite = guestlist_tests::root().join("tests/scenarios");
    let folders: BTreeSet<_> =
        std::fs::read_dir(&suite).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let page = include_str!("../../docs/security.md");
    // A word in code that begins with a folder of scenarios.
    let is_scenario =
        |word: &&str| word.split_once('/').is_some_and(|(folder, _)| folders.contains(OsStr::new(folder)));
    let named: Vec<_> = page.split('`').skip(1).step_by(2).filter(is_scenario).collect();
    assert!(named.len() > 10, "the page names scenarios");
    for name in named {
        assert!(suite.join(name).with_extension("yaml").is_file(), "there is no scenario `{name}`");
    }
}

#[test]
fn the_scenario_of_the_readme_is_one_of_the_suite() {
    let shown = block(include_str!("../../README.md"), "yaml");
    assert_eq!(shown, include_str!("../scenarios/expiry/who-comes-too-late.yaml"));
}

#[test]
fn the_readme_counts_the_scenarios() {
    fn count(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .map(|path| match path.is_dir() {
                true if path.ends_with("worlds") => 0,
                true => count(&path),
                false => usize::from(!path.ends_with("suite.yaml")),
            })
            .sum()
    }
    let count = count(&guestlist_tests::root().join("tests/scenarios"));
    let page = include_str!("../../README.md");
    assert!(page.contains(&format!("told in {count} of them")), "there are {count} scenarios");
}
