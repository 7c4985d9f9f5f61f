//! docs/writing-a-policy.md in the languages that need a registry of packages and the network: only where it
//! is asked for by name, as `make test-all` does. What is missing fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

#[path = "command/page.rs"]
mod page;

use std::{fs, path::PathBuf};

use page::{Desk, follow_the_page};
use serde_json::{Value, json};

fn made(language: &str) -> Desk {
    Desk(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies").join(format!("page-{language}")))
}

/// Builds the policy with other rules than those of the page.
fn built(desk: &Desk, file: &str, rules: &str) {
    fs::write(desk.path("team-policy").join(file), rules).unwrap();
    desk.done(&["policy", "build", "team-policy"]);
}

const TEST: [&str; 4] = ["test", "team-policy/scenarios", "--policy", "team-policy/policy.wasm"];
const EVAL: [&str; 6] = ["policy", "eval", "team-policy/policy.wasm", "--facts", "facts.json", "--format"];

/// The first question of the page's scenarios, and its answer in JSON.
fn evaluated(desk: &Desk) -> Value {
    let _ = desk.run(&[&TEST[..], &["--explain", "--write-facts", "facts.json"]].concat());
    let output = desk.run(&[&EVAL[..], &["json"]].concat());
    serde_json::from_slice::<Value>(&output.stdout).unwrap()[0].take()
}

#[test]
fn the_page_is_true_in_javascript() {
    follow_the_page("javascript", "policy.js", 1);
    let desk = made("javascript");
    let good = fs::read_to_string(desk.path("team-policy/policy.js")).unwrap();

    // What policies are told, in the author's words; it can be asked again.
    let explained = desk.done(&[&TEST[..], &["--explain", "--write-facts", "facts.json"]].concat());
    for part in [
        "policy of production: { surroundings: { organization: 'production',",
        "lifetime: 28800000n",
        "addressDomain: 'company.example'",
        "inviter: { who: { tag: 'user', val: { organization: 'production', id: 'u-olga' } }",
        "-> [{ tag: 'allow' }, { tag: 'refuse', val: 'Only people of the help desk can be invited.' }]",
    ] {
        assert!(explained.contains(part), "`{part}` is not in:\n{explained}");
    }
    let all: Value = serde_json::from_str(&desk.done(&[&EVAL[..], &["json"]].concat())).unwrap();
    let allowed = json!({ "name": "hana", "verdict": { "tag": "allow" } });
    let asked = all.as_array().unwrap();
    assert!(asked.iter().any(|facts| facts["verdicts"][0] == allowed), "{all}");

    // Types are checked before anything is built, and answers when they are given.
    let misspelt = good.replace("lifetime: LONGEST, signedInOnly", "lifeTime: LONGEST, signedInOnly");
    assert_ne!(misspelt, good);
    fs::write(desk.path("team-policy/policy.js"), &misspelt).unwrap();
    let said = desk.failed(2, &["policy", "build", "team-policy"]);
    assert!(
        said.contains("policy.js(") && said.contains("'lifeTime' does not exist in type 'Narrowed'"),
        "{said}"
    );
    built(&desk, "policy.js", &format!("// @ts-nocheck\n{misspelt}"));
    let said = desk.failed(1, &TEST);
    let words = "TypeError: judgeInvite()[0].val.lifeTime: narrowed has no field `lifeTime`; did you mean `lifetime`?";
    assert!(said.contains(words), "{said}");

    // An exception has its words and its line.
    let start = "function invite({ grants, lifetime }, candidate) {\n";
    let lines = "  console.log('looking at', candidate);\n  candidate.nme.length;\n";
    let thrown = good.replace(start, &format!("{start}{lines}"));
    built(&desk, "policy.js", &format!("// @ts-nocheck\n{thrown}"));
    let line = 1 + format!("// @ts-nocheck\n{thrown}").lines().position(|line| line.contains("nme")).unwrap();
    let said = desk.failed(1, &TEST);
    assert!(said.contains("TypeError: ") && said.contains("candidate.nme is undefined"), "{said}");
    assert!(said.contains(&format!("    at invite (policy.js:{line}:")), "{said}");
    let said = desk.failed(1, &[&TEST[..], &["--explain"]].concat());
    assert!(said.contains("> looking at { account: { organization: \"company\", id: \"u-hana\" }"), "{said}");

    fs::write(desk.path("team-policy/policy.js"), "export const rules = {\n  judgeInvite(\n").unwrap();
    let said = desk.failed(2, &["policy", "build", "team-policy"]);
    assert!(said.contains("policy.js"), "{said}");
}

#[test]
fn printing_time_and_chance_do_no_harm_in_javascript() {
    let desk = Desk::new("surroundings-javascript");
    desk.done(&["policy", "new", "--language", "javascript", "team-policy"]);
    built(
        &desk,
        "policy.js",
        "// @ts-nocheck
console.log('when it is built');
const built = Date.now();
export const rules = {
  judgeInvite: ({ candidates, surroundings }) => {
    console.error('a', 1n, [undefined, { b: 'c' }], new Error('d'));
    const times = [Date.now(), new Date().getTime(), new Date(5).getTime(), Date.parse(Date()), built];
    const chance = [Math.random(), crypto.randomUUID(), performance.now()];
    let network;
    try { fetch('https://example.com'); } catch (error) { network = error.message; }
    const words = JSON.stringify({ now: Number(surroundings.now), times, chance, network });
    return candidates.map(() => ({ tag: 'refuse', val: words }));
  },
  judgeAccept: () => ({ tag: 'allow' }),
};
",
    );
    let (first, second) = (evaluated(&desk), evaluated(&desk));
    assert_eq!(first, second, "the same each time");
    assert_eq!(first["printed"], json!(["a 1n [undefined, { b: \"c\" }] Error: d"]));
    let words = first["verdicts"][0]["verdict"]["val"].as_str().unwrap();
    let said: Value = serde_json::from_str(words).unwrap();
    let now = &said["now"];
    assert_eq!(said["times"], json!([now, now, 5, now, 0]));
    let chance = said["chance"][0].as_f64().unwrap();
    assert!((0.0..1.0).contains(&chance) && said["chance"][1].as_str().unwrap().len() == 36, "{said}");
    assert_eq!(
        (&said["chance"][2], &said["network"]),
        (&json!(0), &json!("a policy has no network: whatever it judges by is among the facts"))
    );
}

#[test]
fn the_page_is_true_in_python() {
    follow_the_page("python", "app.py", 2);
    let desk = made("python");
    let good = fs::read_to_string(desk.path("team-policy/app.py")).unwrap();

    let explained = desk.done(&[&TEST[..], &["--explain", "--write-facts", "facts.json"]].concat());
    for part in [
        "policy of production: InviteFacts(surroundings=Surroundings(organization=\"production\",",
        "lifetime=28800000",
        "address_domain=\"company.example\"",
        "who=Principal_User(UserRef(organization=\"production\", id=\"u-olga\"))",
        "-> [Verdict_Allow(), Verdict_Refuse(\"Only people of the help desk can be invited.\")]",
    ] {
        assert!(explained.contains(part), "`{part}` is not in:\n{explained}");
    }
    let all: Value = serde_json::from_str(&desk.done(&[&EVAL[..], &["json"]].concat())).unwrap();
    let allowed = json!({ "name": "hana", "verdict": "allow" });
    let asked = all.as_array().unwrap();
    assert!(asked.iter().any(|facts| facts["verdicts"][0] == allowed), "{all}");

    // A misspelt field is an exception, and so is one that is added later.
    let started = "    # No lifetime means: for ever.\n";
    for (line, words) in [
        (
            "    return Verdict_AllowWith(Narrowed([], lifeTime=5, signed_in_only=False))\n",
            "got an unexpected keyword argument 'lifeTime'",
        ),
        (
            "    less = Narrowed([], None, False)\n    less.lifeTime = 5\n    return Verdict_AllowWith(less)\n",
            "TypeError: judge_invite()[0].value.lifeTime: Narrowed has no field `lifeTime`; did you mean `lifetime`?",
        ),
        (
            "    return Verdict_AllowWith(Narrowed([], \"5\", False))\n",
            "TypeError: judge_invite()[0].value.lifetime is '5', and has to be an int from 0 to ",
        ),
        ("    return None\n", "TypeError: judge_invite()[0] is None, and has to be one of Verdict_Allow, "),
        (
            "    print(\"looking at\", candidate.name)\n    return candidate.nme\n",
            "AttributeError: 'Candidate' object has no attribute 'nme'",
        ),
    ] {
        let rules = good.replace(started, &format!("{line}{started}"));
        assert_ne!(rules, good);
        built(&desk, "app.py", &rules);
        let said = desk.failed(1, &TEST);
        assert!(said.contains(words), "{said}");
        if line.contains("nme") {
            let number = 1 + rules.lines().position(|line| line.contains("nme")).unwrap();
            let place = format!("  File \"app.py\", line {number}, in invite\n");
            assert!(said.contains(&place) && said.contains("    return candidate.nme\n"), "{said}");
            assert!(!said.contains("guestlist_policy"), "{said}");
            let said = desk.failed(1, &[&TEST[..], &["--explain"]].concat());
            assert!(said.contains("     > looking at hana\n"), "{said}");
        }
    }

    fs::write(desk.path("team-policy/app.py"), "def judge(:\n").unwrap();
    let said = desk.failed(2, &["policy", "build", "team-policy"]);
    assert!(said.contains("app.py\", line 1") && said.contains("SyntaxError"), "{said}");
}

#[test]
fn printing_time_and_chance_do_no_harm_in_python() {
    let desk = Desk::new("surroundings-python");
    desk.done(&["policy", "new", "--language", "python", "team-policy"]);
    built(
        &desk,
        "app.py",
        r#"
import datetime, json, logging, os, random, secrets, sys, time, uuid
from datetime import datetime as moment

from wit_world import exports
from wit_world.imports.types import Verdict_Allow, Verdict_Refuse

print("when it is built")
BUILT = time.time()


class Rules(exports.Rules):
    def judge_invite(self, facts):
        print("a", end=" ")
        print("b")
        logging.warning("c")
        sys.stderr.write("d")
        started = time.monotonic()
        time.sleep(1)
        utc = datetime.timezone.utc
        times = [
            time.time_ns() // 10**6, round(time.time() * 1000), round(moment.now(utc).timestamp() * 1000),
            round(moment.utcnow().replace(tzinfo=utc).timestamp() * 1000),
            round(moment.now().replace(tzinfo=utc).timestamp() * 1000),
            datetime.date.today().isoformat(), time.strftime("%Y-%m-%d"), BUILT, time.monotonic() - started,
        ]
        chance = [
            random.random(), random.Random().random(), random.SystemRandom().random(), str(uuid.uuid4()),
            secrets.token_hex(2), os.urandom(2).hex(),
        ]
        refused = []
        for what in (lambda: open("groups.csv"), lambda: os.listdir("/"), lambda: __import__("smtplib"), lambda: input()):
            try:
                what()
            except (OSError, ImportError, EOFError) as error:
                refused.append(type(error).__name__)
        parsed = moment.strptime("2026-03-02", "%Y-%m-%d").year
        words = json.dumps([facts.surroundings.now, times, chance, refused, parsed])
        return [Verdict_Refuse(words) for _ in facts.candidates]

    def judge_accept(self, facts):
        return Verdict_Allow()
"#,
    );
    let (first, second) = (evaluated(&desk), evaluated(&desk));
    assert_eq!(first, second, "the same each time");
    assert_eq!(first["failed"], Value::Null, "{first}");
    assert_eq!(first["printed"], json!(["a b", "WARNING:root:c", "d"]));
    let words = first["verdicts"][0]["verdict"]["refuse"].as_str().unwrap();
    let said: Value = serde_json::from_str(words).unwrap();
    let now = &said[0];
    assert_eq!(said[1], json!([now, now, now, now, now, "2026-03-02", "2026-03-02", 0.0, 0.0]));
    assert_eq!(said[2][3].as_str().unwrap().len(), 36);
    assert_eq!(said[3], json!(["PermissionError", "PermissionError", "ModuleNotFoundError", "EOFError"]));
    assert_eq!(said[4], 2026);
}
