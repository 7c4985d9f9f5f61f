//! What a policy says of itself: the words of a panic, what it prints, what it was asked, its types; and
//! what is kept of it. The same of JavaScript and Python is in `tests/languages.rs`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use guestlist_contract::types::Verdict;
use guestlist_hostile::guests::{policy_answering, policy_that_talks};
use serde_json::{Value, json};

use super::page::{Desk, text};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const TEST: [&str; 4] = ["test", "rules/scenarios", "--policy", "rules/policy.wasm"];

/// A new policy in Rust with another line at the start of `invite`, built.
fn built_with(desk: &Desk, line: &str) {
    desk.done(&["policy", "new", "--language", "rust", "rules"]);
    edit(desk, line);
    desk.done(&["policy", "build", "rules"]);
}

fn edit(desk: &Desk, line: &str) {
    let path = desk.path("rules/src/lib.rs");
    let source = fs::read_to_string(&path).unwrap();
    let place = "fn invite(facts: &InviteFacts, candidate: &Candidate) -> Verdict {\n";
    assert_eq!(source.matches(place).count(), 1);
    fs::write(path, source.replace(place, &format!("{place}    {line}\n"))).unwrap();
}

#[test]
fn a_panic_in_rust_is_shown_with_its_words_and_its_line() {
    let desk = Desk::new("telling-rust");
    built_with(
        &desk,
        "println!(\"looking at {}\", candidate.name); dbg!(candidate.sent_lately); let _ = facts.grants[7].grant.id.len();",
    );
    let line = fs::read_to_string(desk.path("rules/src/lib.rs")).unwrap();
    let line = line.lines().position(|line| line.contains("looking at")).unwrap() + 1;
    let words = format!("panicked at src/lib.rs:{line}:");
    let said = desk.failed(1, &TEST);
    assert!(said.contains("in `production`, the policy gives no answer: it broke off"), "{said}");
    assert!(said.contains(&words), "{said}");
    assert!(said.contains("index out of bounds: the len is 1 but the index is 7"), "{said}");

    let said = desk.failed(1, &[&TEST[..], &["--explain", "--write-facts", "facts.json"]].concat());
    for part in ["     > looking at hana\n", "] candidate.sent_lately = 0\n", &format!("     ! {words}")] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
    let asked = ["policy", "eval", "rules/policy.wasm", "--facts", "facts.json"];
    let said = desk.failed(1, &asked);
    assert!(said.contains(&words) && said.contains("  > looking at hana\n"), "{said}");
    let json = desk.run(&[&asked[..], &["--format", "json"]].concat());
    let all: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(all[0]["verdicts"], Value::Null);
    assert!(all[0]["failed"].as_str().unwrap().contains(&words), "{all}");
    assert_eq!(all[0]["printed"][0], "looking at hana");
}

#[test]
fn a_policy_is_asked_again_what_a_scenario_has_asked() {
    let desk = Desk::new("telling-eval");
    built_with(&desk, "");
    let said = desk.run(&[&TEST[..], &["--explain", "--write-facts", "facts.json"]].concat());
    assert!(said.status.success(), "{}", text(&said.stderr));
    let explained = text(&said.stdout);
    // In Rust's words, as one would write them.
    for part in [
        "policy of production: InviteFacts { surroundings: Surroundings { organization: \"production\",",
        "lifetime: Some(28800000)",
        "address_domain: Some(\"company.example\")",
        "who: Principal::User(UserRef { organization: \"production\", id: \"u-olga\" })",
        "-> [Verdict::Allow, Verdict::Refuse(\"Only people of the help desk can be invited.\")]",
    ] {
        assert!(explained.contains(part), "`{part}` is not in:\n{explained}");
    }

    let eval = |facts: &str| {
        let output = desk.run(&["policy", "eval", "rules/policy.wasm", "--facts", facts, "--format", "json"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let all = eval("facts.json");
    let first = json!([
        { "name": "hana", "verdict": "allow" },
        { "name": "sam", "verdict": { "refuse": "Only people of the help desk can be invited." } },
    ]);
    assert_eq!((&all[0]["verdicts"], &all[0]["judge"]), (&first, &json!("invite")));
    assert!(all[0]["at"].as_str().unwrap().ends_with("rules/scenarios/who-is-invited.yaml:6"), "{all}");
    assert!(all.as_array().unwrap().iter().any(|one| one["judge"] == "accept"), "{all}");
    let said = desk.done(&["policy", "eval", "rules/policy.wasm", "--facts", "facts.json"]);
    assert!(said.contains("  hana: Verdict::Allow\n  sam: Verdict::Refuse(\""), "{said}");

    // One alone, in the names of another language, with other facts.
    let mut facts: Value = serde_json::from_slice(&fs::read(desk.path("facts.json")).unwrap()).unwrap();
    let mut one = facts[0].take();
    one["facts"]["candidates"][1]["groups"] = json!([{ "id": "g-help", "displayName": "Help desk" }]);
    let who = one["facts"]["inviter"]["who"]["user"].take();
    one["facts"]["inviter"]["who"] = json!({ "tag": "user", "val": who });
    fs::write(desk.path("one.json"), format!("\u{feff}{one}")).unwrap();
    assert_eq!(eval("one.json")[0]["verdicts"][1]["verdict"], "allow");

    for (change, said) in [
        (
            json!({ "lifetme": 5 }),
            "`facts.lifetme`: a `invite-facts` has no field `lifetme`; did you mean `lifetime`?",
        ),
        (
            json!({ "lifetime": -5 }),
            "`facts.lifetime`: this is a whole number from 0 to 18446744073709551615, and not -5",
        ),
        (
            json!({ "candidates": [{ "name": "hana" }] }),
            "`facts.candidates[0]`: the field `account` of a `candidate` is missing",
        ),
        (json!({ "notify": "outside" }), "`facts.notify`: a `notify` has no case `outside`; "),
    ] {
        let mut wrong = one.clone();
        wrong["facts"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        fs::write(desk.path("wrong.json"), wrong.to_string()).unwrap();
        let came = desk.failed(2, &["policy", "eval", "rules/policy.wasm", "--facts", "wrong.json"]);
        assert!(came.starts_with("error: `wrong.json`, question 1: ") && came.contains(said), "{came}");
    }
    for (text, said) in [
        ("", "`wrong.json` is no JSON: "),
        ("[]", "`wrong.json` has no facts: it is an empty list"),
        ("{ \"facts\": {} }", "`wrong.json`, question 1: missing field `judge`; a question is "),
        ("{ \"judge\": \"invited\", \"facts\": {} }", "unknown variant `invited`"),
        ("{ \"judge\": \"accept\", \"facts\": {}, \"fact\": 1 }", "unknown field `fact`"),
    ] {
        fs::write(desk.path("wrong.json"), text).unwrap();
        let came = desk.failed(2, &["policy", "eval", "rules/policy.wasm", "--facts", "wrong.json"]);
        assert!(came.contains(said), "{came}");
    }
    let came = desk.failed(2, &["policy", "eval", "rules/policy.wasm", "--facts", "nowhere.json"]);
    assert!(came.contains("`nowhere.json` cannot be read: "), "{came}");
}

#[test]
fn a_clock_in_rust_is_refused_by_the_build() {
    let desk = Desk::new("telling-clock");
    desk.done(&["policy", "new", "--language", "rust", "rules"]);
    edit(&desk, "if std::time::SystemTime::now().elapsed().is_err() { return Verdict::Allow; }");
    let said = desk.failed(2, &["policy", "build", "rules"]);
    assert!(
        said.contains("the policy asks for the time of a clock (`SystemTime::now`, `Instant::now`)"),
        "{said}"
    );
    assert!(said.contains("the time is `surroundings.now` among the facts"), "{said}");
}

#[test]
fn what_a_component_prints_does_not_steer_a_terminal() {
    let desk = Desk::new("telling-hostile");
    desk.done(&["policy", "new", "--language", "rust", "rules"]);
    let talking = policy_that_talks("\u{1b}[2Jprinted", 1, "\u{1b}]0;title\u{7}failed\nin a line");
    fs::write(desk.path("rules/policy.wasm"), talking).unwrap();
    let said = desk.failed(1, &[&TEST[..], &["--explain"]].concat());
    assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'), "{said:?}");
    assert!(said.contains("     > \\u{1b}[2Jprinted\n") && said.contains("     ! in a line\n"), "{said}");
}

/// The types of the examples are those of the contract, and a new policy has them.
#[test]
fn the_types_of_the_examples_are_those_of_the_contract() {
    let desk = Desk::new("telling-types");
    let policies = Path::new(ROOT).join("policies");
    for (language, example, files) in [
        ("javascript", "partner-domains", &["types.d.ts"][..]),
        (
            "python",
            "group-quota",
            &[
                "typings/wit_world/__init__.pyi",
                "typings/wit_world/imports/__init__.pyi",
                "typings/wit_world/imports/types.pyi",
                "typings/wit_world/exports/__init__.pyi",
                "typings/wit_world/exports/rules.pyi",
            ],
        ),
    ] {
        desk.done(&["policy", "new", "--language", language, language]);
        for file in files {
            let new = fs::read_to_string(desk.path(language).join(file)).unwrap();
            let example = policies.join(example);
            let found = fs::read_to_string(example.join(file)).unwrap_or_default();
            assert!(
                found == new,
                "`{file}` of `{}` is not as `wit/` says: run `guestlist policy types {}`",
                example.display(),
                example.display()
            );
            fs::write(desk.path(language).join(file), "").unwrap();
        }
        // One command makes them anew.
        let said = desk.done(&["policy", "types", language]);
        assert_eq!(said.lines().count(), files.len(), "{said}");
        for file in files {
            assert!(!fs::read(desk.path(language).join(file)).unwrap().is_empty(), "{file}");
        }
    }
    let types = fs::read_to_string(desk.path("javascript/types.d.ts")).unwrap();
    for part in [
        "  /**\n   * What follows the `@` of their verified address",
        "  addressDomain?: string;\n",
        "  sentLately: number;\n",
        "  | { tag: 'allow-with'; val: Narrowed }\n",
        "  lifetime?: Milliseconds;\n",
        "export interface Rules {",
        "  judgeInvite(facts: InviteFacts): Verdict[];\n",
    ] {
        assert!(types.contains(part), "`{part}` is not in:\n{types}");
    }
    desk.done(&["policy", "new", "--language", "rust", "rust"]);
    assert!(desk.failed(2, &["policy", "types", "rust"]).contains("`wit_bindgen::generate!`"));
    fs::write(desk.path("python/wit/policy.wit"), "package guestlist:invitation@0.1.0;\ninterface rules {")
        .unwrap();
    assert!(desk.failed(2, &["policy", "types", "python"]).contains("`python/wit`: "));
}

/// A component that takes some time to compile: with a custom section of more than 1 MiB.
fn large() -> Vec<u8> {
    let content = [&[1, b'x'][..], &vec![0; 1 << 20]].concat();
    let mut component = policy_answering(&[Verdict::Allow]);
    component.push(0);
    let mut length = content.len();
    while length >= 0x80 {
        component.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    component.push(length as u8);
    component.extend(content);
    component
}

#[test]
fn what_was_compiled_once_is_not_compiled_again() {
    let desk = Desk::new("telling-cache");
    fs::write(desk.path("policy.wasm"), large()).unwrap();
    let check = |arguments: &[&str]| {
        let mut command = desk.guestlist(&[&["policy", "check", "policy.wasm"], arguments].concat());
        let output = command.env("GUESTLIST_CACHE", desk.path("kept")).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let compiling = "compiling policy.wasm, 1 MB ..\n".to_owned();
    assert_eq!(check(&[]), (Some(0), compiling.clone()));
    assert_eq!(check(&[]), (Some(0), String::new()));
    assert_eq!(check(&["--cache", "off"]), (Some(0), compiling.clone()));
    assert_eq!(check(&["--cache", "elsewhere"]), (Some(0), compiling.clone()));
    assert_eq!(check(&["--cache", "elsewhere"]), (Some(0), String::new()));
    let [kept] = fs::read_dir(desk.path("kept"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    fs::write(&kept, "no code").unwrap();
    assert_eq!(check(&[]), (Some(0), compiling));
    fs::set_permissions(desk.path("kept"), fs::Permissions::from_mode(0o777)).unwrap();
    let (status, said) = check(&[]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("others may read or write in it; give a folder that is yours alone"), "{said}");
}
