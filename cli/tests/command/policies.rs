//! `guestlist policy`: from an empty folder to a component that a host takes, and what is said where that
//! does not work out.
//!
//! The tools of JavaScript and Python are played by scripts here, so that what is run, and when, is always
//! tested; what needs their registries is in `tests/languages.rs`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use guestlist_contract::types::Verdict;
use guestlist_harness::{BUNDLED, policy::PolicyLimits};
use guestlist_hostile::guests::{Behaviour, policy, policy_answering};
use serde_json::Value;

use super::page::{Desk, PAGE, applied, blocks, follow_the_page, same, shown, shown_each, text};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

impl Desk {
    /// A program of that name, which is this script, in the folder `bin`.
    fn tool(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::create_dir_all(self.path("bin")).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Builds the policy with no tools but those, and answers with the status and what was said.
    fn build_with_tools(&self, folder: &str) -> (Option<i32>, String) {
        fs::create_dir_all(self.path("bin")).unwrap();
        let mut command = self.guestlist(&["policy", "build", folder]);
        let output = command.env("PATH", self.path("bin")).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }
}

#[test]
fn the_page_is_true_in_rust() {
    follow_the_page("rust", "src/lib.rs", 0);
    let desk = Desk(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies/page-rust"));

    let explained =
        desk.done(&["test", "team-policy/scenarios", "--policy", "team-policy/policy.wasm", "--explain"]);
    let page = shown("test team-policy/scenarios --policy team-policy/policy.wasm --explain");
    for line in page.lines().map(|line| line.trim_end_matches("..")).filter(|line| !line.trim().is_empty()) {
        assert!(explained.contains(line), "`{line}` is not in:\n{explained}");
    }

    let checked = desk.done(&["policy", "check", "team-policy/policy.wasm"]);
    same(shown("policy check team-policy/policy.wasm"), &checked);
    let json: Value =
        serde_json::from_str(&desk.done(&["policy", "check", "team-policy/policy.wasm", "--format", "json"]))
            .unwrap();
    assert_eq!((&json["admitted"], &json["producers"]["language"][0]), (&true.into(), &"Rust".into()));

    // Its own errors are the compiler's, and what was built before stays.
    let before = fs::read(desk.path("team-policy/policy.wasm")).unwrap();
    let lib = desk.path("team-policy/src/lib.rs");
    let good = fs::read_to_string(&lib).unwrap();
    fs::write(&lib, good.replace("Verdict::Allow\n", "Verdict::Perhaps\n")).unwrap();
    let said = desk.failed(2, &["policy", "build", "team-policy"]);
    assert!(said.contains("Perhaps") && said.contains("src/lib.rs:"), "{said}");
    let end = "error: `cargo build --release` failed; what it says is above; `team-policy/policy.wasm` is as it was, \
               with the rules of before\n";
    assert!(said.ends_with(end), "{said}");
    assert_eq!(fs::read(desk.path("team-policy/policy.wasm")).unwrap(), before);

    // What the page shows of a panic, and of asking again.
    fs::write(&lib, applied(blocks("diff")[3], &good)).unwrap();
    desk.done(&["policy", "build", "team-policy"]);
    let test = ["test", "team-policy/scenarios", "--policy", "team-policy/policy.wasm"];
    same(shown_each(&test.join(" "))[3], &text(&desk.run(&test).stdout));
    let written = [&test[..], &["--explain", "--write-facts", "facts.json"]].concat();
    desk.failed(1, &written);
    let eval = ["policy", "eval", "team-policy/policy.wasm", "--facts", "facts.json"];
    let said = text(&desk.run(&eval).stdout);
    let page = shown(&eval.join(" "));
    assert!(
        said.starts_with(page.trim_end().trim_end_matches("..")),
        "the page shows\n{page}\nand it says\n{said}"
    );

    // The same sources are the same component, here and elsewhere.
    fs::write(&lib, good).unwrap();
    fs::rename(desk.path("team-policy"), desk.path("moved")).unwrap();
    let built = desk.done(&["policy", "build", "moved", "-o", "other.wasm", "--format", "json"]);
    let built: Value = serde_json::from_str(&built).unwrap();
    assert_eq!((&built["policy"], &built["language"]), (&"other.wasm".into(), &"rust".into()));
    assert_eq!(fs::read(desk.path("other.wasm")).unwrap(), before);
}

#[test]
fn the_page_has_the_limits() {
    let limits = PolicyLimits::default();
    for row in [
        format!("| time | {} ms |", limits.time.as_millis()),
        format!(
            "| instructions, where the host counts them | {} million |",
            limits.fuel.unwrap() / 1_000_000
        ),
        format!("| memory | {} MiB |", limits.memory >> 20),
        format!("| verdicts | {} KiB |", limits.answer_bytes >> 10),
    ] {
        assert!(PAGE.contains(&row), "`{row}` is not on the page");
    }
}

#[test]
fn a_new_policy_is_whole_in_every_language() {
    let desk = Desk::new("new");
    for (language, files) in [
        ("rust", &["Cargo.toml", "Cargo.lock", "src/lib.rs"][..]),
        ("javascript", &["package.json", "package-lock.json", ".npmrc", "build.mjs", "policy.js"]),
        ("python", &["requirements.txt", "app.py"]),
    ] {
        let folder = format!("deep/{language}-rules");
        desk.done(&["policy", "new", "--language", language, &folder]);
        let common = [".gitignore", "README.md", "wit/policy.wit", "wit/types.wit", "wit/world.wit"];
        let scenarios = ["scenarios/world.yaml", "scenarios/who-is-invited.yaml"];
        let mut everything = String::new();
        for file in files.iter().chain(&common).chain(&scenarios) {
            everything += &fs::read_to_string(desk.path(&folder).join(file)).unwrap();
        }
        assert!(everything.contains(&format!("# {language}-rules\n")), "the title");
        for example in ["help-desk-policy", "partner-domains-policy", "NAME", "resolved\""] {
            assert!(!everything.contains(example), "`{example}` is in a file of {language}");
        }
        if language != "python" {
            assert_eq!(
                everything.matches(&format!("\"{language}-rules-policy\"")).count(),
                names_of(language)
            );
        }
    }
    let json = desk.done(&["policy", "new", "--language", "python", "some place/here", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["next"][0], "guestlist policy build 'some place/here'");
}

/// How often a package says its own name: in the manifest and in the lock.
fn names_of(language: &str) -> usize {
    if language == "rust" { 2 } else { 3 }
}

#[test]
fn a_folder_that_has_something_is_left_alone() {
    let desk = Desk::new("new-refused");
    fs::create_dir_all(desk.path("mine")).unwrap();
    fs::write(desk.path("mine/notes.txt"), "mine").unwrap();
    fs::write(desk.path("file"), "mine").unwrap();
    let new = |name| desk.failed(2, &["policy", "new", "--language", "rust", name]);
    assert_eq!(new("mine"), "error: `mine` is not empty, and nothing was written; name a new folder\n");
    assert_eq!(fs::read_dir(desk.path("mine")).unwrap().count(), 1);
    assert!(new("file").starts_with("error: `file` cannot be a folder for a policy: "));
    for name in ["Help", "help desk", "1st", "-x", "x-", "a/..", ".", "", "ä", "a_b", &"a".repeat(51)] {
        let output = desk.run(&["policy", "new", "--language", "rust", "--", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let said = text(&output.stderr);
        assert!(said.contains("letters, digits and hyphens") || name.is_empty(), "{said}");
    }
    fs::create_dir_all(desk.path("empty")).unwrap();
    desk.done(&["policy", "new", "--language", "rust", "empty"]);
}

#[test]
fn a_folder_without_one_policy_is_not_built() {
    let desk = Desk::new("build-refused");
    let build = |folder: &str| desk.failed(2, &["policy", "build", folder]);
    assert_eq!(build("nowhere"), "error: `nowhere` is no folder; give the one that the policy is in\n");
    assert!(build(".").contains("`guestlist policy new` makes one"));
    fs::write(desk.path("Cargo.toml"), "").unwrap();
    fs::write(desk.path("package.json"), "{}").unwrap();
    assert!(build(".").contains("`.` has `Cargo.toml` and `package.json`: which is the policy?"));
    fs::remove_file(desk.path("Cargo.toml")).unwrap();
    desk.tool("node", "echo v20.1.0");
    assert!(desk.build_with_tools(".").1.contains("`build.mjs` is missing"));
    fs::rename(desk.path("package.json"), desk.path("app.py")).unwrap();
    assert!(build(".").contains("`requirements.txt` is missing"));
}

#[test]
fn what_is_missing_on_a_machine_is_named() {
    let desk = Desk::new("missing-tools");
    for (language, said) in [
        ("rust", "error: `rustc` is not there: install Rust from https://rustup.rs\n"),
        ("javascript", "error: `node` is not there: install Node.js 20 or newer with npm (Debian: "),
        ("python", "error: `python3` is not there: install Python 3.10 or newer with venv (Debian: "),
    ] {
        desk.done(&["policy", "new", "--language", language, language]);
        let (status, came) = desk.build_with_tools(language);
        assert_eq!(status, Some(2));
        assert!(came.contains(said), "{came}");
    }
    desk.tool("rustc", "echo /no/such/folder");
    let said = desk.build_with_tools("rust").1;
    assert!(said.contains("run `rustup target add wasm32-unknown-unknown`"), "{said}");
    desk.tool("node", "echo v18.20.4");
    assert!(desk.build_with_tools("javascript").1.contains("`node` is v18.20.4: install Node.js 20"));
    desk.tool("node", "echo v20.1.0");
    assert!(desk.build_with_tools("javascript").1.contains("`npm` is not there: install Node.js"));
    desk.tool("npm", "echo no network >&2; exit 1");
    let said = desk.build_with_tools("javascript").1;
    assert!(said.ends_with("no network\nerror: `npm ci` failed; what it says is above\n"), "{said}");
    desk.tool("python3", "exit 1");
    let said = desk.build_with_tools("python").1;
    assert!(said.contains("install Python 3.10 or newer with venv"), "{said}");
}

/// A tool that takes notes, and makes a component where it is asked for one.
fn noting(note: &Path, component: &Path, more: &str) -> String {
    let (note, component) = (note.display(), component.display());
    format!(
        "echo \"${{0##*/}} $*\" >>'{note}'\n{more}\n\
         for word; do case $word in *.part) /bin/cp '{component}' \"$word\";; esac; done"
    )
}

#[test]
fn packages_of_javascript_are_installed_once_for_each_lock() {
    let desk = Desk::new("javascript-tools");
    desk.done(&["policy", "new", "--language", "javascript", "rules"]);
    let (note, component) = (desk.path("note"), desk.path("component"));
    fs::write(&component, policy(Behaviour::Panics)).unwrap();
    desk.tool("node", &noting(&note, &component, "[ \"$1\" != --version ] || echo v24.0.0"));
    desk.tool(
        "npm",
        &noting(&note, &component, "/bin/mkdir -p node_modules; : >node_modules/.package-lock.json"),
    );
    let notes = || {
        let notes = fs::read_to_string(&note).unwrap_or_default();
        let _ = fs::remove_file(&note);
        notes.matches("npm ci\n").count()
    };
    assert_eq!(desk.build_with_tools("rules").0, Some(0));
    assert_eq!(notes(), 1);
    assert_eq!(fs::read(desk.path("rules/policy.wasm")).unwrap(), policy(Behaviour::Panics));
    assert_eq!(desk.build_with_tools("rules").0, Some(0));
    assert_eq!(notes(), 0, "nothing has changed");

    let later = fs::metadata(desk.path("rules/node_modules/.package-lock.json")).unwrap().modified().unwrap()
        + std::time::Duration::from_secs(1);
    let lock = fs::File::options().append(true).open(desk.path("rules/package-lock.json")).unwrap();
    lock.set_modified(later).unwrap();
    assert_eq!(desk.build_with_tools("rules").0, Some(0));
    assert_eq!(notes(), 1, "the lock is newer");

    // What no host takes does not become the output.
    fs::write(&component, BUNDLED).unwrap();
    let (status, said) = desk.build_with_tools("rules");
    assert_eq!(status, Some(1));
    assert!(
        said.contains("No host takes what was built, and `rules/policy.wasm` is as it was:\n- "),
        "{said}"
    );
    assert!(said.contains("it does not export `guestlist:invitation/rules@0.1.0`"), "{said}");
    assert_eq!(fs::read(desk.path("rules/policy.wasm")).unwrap(), policy(Behaviour::Panics));
    let left = fs::read_dir(desk.path("rules")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().starts_with(".guestlist-")).count(), 0);
}

#[test]
fn packages_of_python_are_installed_once_for_each_list() {
    let desk = Desk::new("python-tools");
    desk.done(&["policy", "new", "--language", "python", "rules"]);
    let (note, component) = (desk.path("note"), desk.path("component"));
    fs::write(&component, policy(Behaviour::Panics)).unwrap();
    // `-m venv --clear FOLDER` puts the same tool there.
    let venv = "[ \"$2\" != venv ] || { /bin/rm -rf \"$4\"; /bin/mkdir -p \"$4/bin\"; /bin/cp \"$0\" \"$4/bin/python\"; }";
    desk.tool("python3", &noting(&note, &component, venv));
    let installed = || {
        let notes = fs::read_to_string(&note).unwrap();
        let _ = fs::remove_file(&note);
        assert!(notes.contains(" -p . --stub-wasi -o "), "{notes}");
        notes.matches("pip install --quiet --disable-pip-version-check -r requirements.txt\n").count()
    };
    for (installs, why) in [(1, "it is new"), (0, "nothing has changed")] {
        assert_eq!(desk.build_with_tools("rules").0, Some(0));
        assert_eq!(installed(), installs, "{why}");
    }
    fs::write(desk.path("rules/requirements.txt"), "componentize-py==0.26.0\n").unwrap();
    assert_eq!(desk.build_with_tools("rules").0, Some(0));
    assert_eq!(installed(), 1, "the list is another");
    // What the tools made, and which language it is in.
    assert!(fs::read(desk.path("rules/policy.wasm")).unwrap().starts_with(&policy(Behaviour::Panics)));
}

#[test]
fn a_plugin_is_no_policy_and_a_policy_no_plugin() {
    let desk = Desk::new("check");
    fs::write(desk.path("plugin.wasm"), BUNDLED).unwrap();
    fs::write(desk.path("policy.wasm"), policy(Behaviour::Panics)).unwrap();
    fs::write(desk.path("text.wasm"), "no component").unwrap();
    assert!(
        desk.done(&["policy", "check", "policy.wasm"]).contains("rules@0.1.0: judge-invite, judge-accept\n")
    );
    let said = desk.failed(1, &["policy", "check", "plugin.wasm"]);
    assert!(said.contains("may import no function") && said.contains("is it a policy of world"), "{said}");
    assert!(desk.failed(1, &["check", "policy.wasm"]).contains("is it a plugin of world `extension`?"));
    assert!(desk.failed(1, &["policy", "check", "text.wasm"]).contains("this is no WebAssembly component"));
    let json = desk.run(&["policy", "check", "plugin.wasm", "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["admitted"], &json["problems"][0]["kind"]), (&false.into(), &"barred".into()));
    assert!(desk.failed(2, &["policy", "check", "nothing.wasm"]).contains("cannot be read"));
}

/// The contract of the whole, and the part of it that policies have.
#[test]
fn policies_have_the_contract_word_by_word() {
    for file in ["policy.wit", "types.wit", "world.wit"] {
        let read = |folder: &str| fs::read_to_string(Path::new(ROOT).join(folder).join(file)).unwrap();
        let (whole, part) = (read("wit"), read("policies/wit"));
        let items = part.strip_prefix("package guestlist:invitation@0.1.0;\n").unwrap_or(&part);
        assert!(whole.contains(items.trim_start()), "`policies/wit/{file}` is not as `wit/{file}`");
    }
    for example in ["help-desk", "partner-domains", "group-quota"] {
        let wit = Path::new(ROOT).join("policies").join(example).join("wit");
        assert_eq!(fs::read_link(wit).unwrap(), Path::new("../wit"));
    }
}

#[test]
fn a_folder_of_policies_is_checked_and_judges_in_scenarios() {
    let desk = Desk::new("folder");
    fs::create_dir_all(desk.path("rules")).unwrap();
    let refusing = policy_answering(&[Verdict::Refuse("closed".into())]);
    fs::write(desk.path("rules/closed.wasm"), &refusing).unwrap();
    let said = desk.done(&["policy", "check", "rules/closed.wasm", "--format", "json"]);
    let digest = serde_json::from_str::<Value>(&said).unwrap()["digest"].as_str().unwrap().to_owned();
    let manifest = |more: &str| {
        let closed = format!("closed: {{ component: closed.wasm, sha256: '{digest}' }}");
        let text =
            format!("policies:\n  {closed}\n{more}organizations: {{ production: closed }}\nothers: none\n");
        fs::write(desk.path("rules/policies.yaml"), text).unwrap();
    };
    manifest("");
    assert_eq!(
        desk.done(&["policy", "check", "rules"]),
        "1 policies for 1 organizations by name, 0 broken\n"
    );

    // The organization of the folder is closed; in another nothing has changed.
    let scenario = |organization: &str, answer: &str| {
        format!(
            "name: Closed\nworld:\n  organizations:\n    - {{ id: root, users: [{{ id: u-hana, name: hana, \
             email: hana@root.example }}] }}\n    - {{ id: {organization}, parent: root, users: [{{ id: u-olga, \
             name: olga }}], permissions: {{ u-olga: [all] }} }}\nin: {organization}\nas: olga\nsteps:\n  - \
             invite: {{ users: [hana] }}\n    expect: {{ answer: [{{ hana: {answer} }}] }}\n"
        )
    };
    fs::create_dir_all(desk.path("scenarios")).unwrap();
    let closed = scenario("production", "{ refused: { refused: closed } }");
    fs::write(desk.path("scenarios/closed.yaml"), closed).unwrap();
    fs::write(desk.path("scenarios/open.yaml"), scenario("staging", "{ state: pending }")).unwrap();
    let played = desk.done(&["test", "scenarios", "--policy", "rules"]);
    assert!(played.starts_with("2 scenarios, 2 passed, 0 failed"), "{played}");

    manifest(&format!("  gone: {{ component: gone.wasm, sha256: '{digest}' }}\n"));
    let said = desk.failed(1, &["policy", "check", "rules"]);
    assert!(
        said.contains(
            "2 policies for 1 organizations by name, 1 broken\n- `gone`, for nobody, lets nobody in: "
        ),
        "{said}"
    );
    let said = desk.failed(2, &["test", "scenarios", "--policy", "rules"]);
    assert!(said.contains("the policy `gone` cannot be loaded"), "{said}");
}
