//! docs/writing-a-policy.md in the languages that need a registry of packages and the network: only where it
//! is asked for by name, as `make test-all` does. What is missing fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

#[path = "command/page.rs"]
mod page;

use std::{fs, path::PathBuf};

use page::{Desk, follow_the_page};

#[test]
fn the_page_is_true_in_javascript() {
    follow_the_page("javascript", "policy.js", 1);
    let desk = Desk(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies/page-javascript"));
    fs::write(desk.path("team-policy/policy.js"), "export const rules = {\n  judgeInvite(\n").unwrap();
    let said = desk.failed(2, &["policy", "build", "team-policy"]);
    assert!(said.contains("policy.js") && said.contains("SyntaxError"), "{said}");
}

#[test]
fn the_page_is_true_in_python() {
    follow_the_page("python", "app.py", 2);
    let desk = Desk(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies/page-python"));
    fs::write(desk.path("team-policy/app.py"), "def judge(:\n").unwrap();
    let said = desk.failed(2, &["policy", "build", "team-policy"]);
    assert!(said.contains("app.py\", line 1") && said.contains("SyntaxError"), "{said}");
}
