//! The scenario runner: that every kind of expectation can fail, and says where and why.

use std::sync::LazyLock;

use guestlist_harness::{Engine, EngineOptions, Plugin};
use guestlist_scenario::{Options, Report, Runner, Suite};

static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| {
    let engine = Engine::new(&EngineOptions::fuel().instances(16)).expect("this machine runs WebAssembly");
    Plugin::bundled(&engine).expect("the component that was built with this test")
});

const HEAD: &str = "name: A story
in: acme
as: ann
world:
  organizations:
    - id: root
      users:
        - { id: u-alice, name: alice, email: alice@example.com }
        - { id: u-bob, name: bob, email: bob@example.com }
    - id: acme
      parent: root
      users: [{ id: u-ann, name: ann, email: ann@acme.example }]
      groups: [{ id: g-help }]
      permissions: { u-ann: [all] }
      settings: { codes: see-code }
";

fn suite(rest: &str) -> Suite {
    let text = format!("{HEAD}{rest}");
    Suite::parse("story.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

fn run(rest: &str) -> Report {
    Runner::new(PLUGIN.clone(), Options::default()).run(&suite(rest))
}

/// What is wrong with the only scenario: the line in what follows `HEAD`, and the words.
fn failures(rest: &str) -> Vec<(u64, String)> {
    let lines = HEAD.lines().count() as u64;
    let report = run(rest);
    let failures = report.cases[0].failures.iter();
    failures.map(|failure| (failure.line.saturating_sub(lines), failure.message.clone())).collect()
}

#[test]
fn a_story_that_comes_true_passes() {
    let report = run("
steps:
  - invite: { users: [alice], groups: [g-help] }
    expect: { answer: [alice: pending], mails: [{ to: alice }], audit: [invitation.created], host-calls: <= 10 }
  - advance: 71h59m
  - accept: { code: alice's invitation }
    as: alice
    expect: { calls-include: [storage.by-code, membership.apply], calls-exclude: [storage.list], memory: <= 1MiB }
expect:
  effects:
    - \"alice's invitation: new in acme, accepted, for root/u-alice, by acme/u-ann, with group:g-help, expires in 1m, mail sent, a code\"
    - \"group acme/g-help: root/u-alice added, by alice's invitation\"
    - \"mail: invitation to root/u-alice (alice@example.com), alice's invitation\"
    - \"member of acme: root/u-alice as alice, by alice's invitation\"
");
    assert_eq!(report.cases[0].failures, []);
    assert_eq!((report.failed(), report.cases[0].calls), (0, 2));
}

#[test]
fn every_expectation_can_fail_and_says_where() {
    let invite = "steps:\n  - invite: { users: [alice] }\n";
    for (rest, line, message) in [
        ("    expect: { answer: [alice: expired] }", 3, "the answer is another"),
        ("    expect: { refused: not-permitted }", 3, "it was not refused like this"),
        ("    expect: { broken: crash }", 3, "it did not break off like this"),
        ("    expect: { effects: [] }", 3, "it had other effects"),
        ("    expect: { mails: [] }", 3, "there were other mails"),
        ("    expect: { mails: [{ to: bob }] }", 3, "there were other mails"),
        ("    expect: { audit: [invitation.revoked] }", 3, "there were other audit events"),
        ("    expect: { calls: [settings.get] }", 3, "there were other host calls"),
        ("    expect: { calls-in-any-order: [settings.get] }", 3, "there were other host calls"),
        ("    expect: { calls-include: [storage.insert, settings.get] }", 3, "this host call was not made"),
        ("    expect: { calls-exclude: [storage.insert] }", 3, "this host call was made"),
        (
            "    expect: { calls-exclude: [{ storage.insert: { organization: acme } }] }",
            3,
            "this host call was made",
        ),
        ("    expect: { fuel: <= 10 }", 3, "over the budget of fuel"),
        ("    expect: { host-calls: < 3 }", 3, "over the budget of host calls"),
        ("    expect: { memory: <= 1KiB }", 3, "over the budget of bytes of memory"),
        (
            "    fault: { call: storage.purge, outcome: denied }",
            3,
            "no host call came to the place of this fault",
        ),
        (
            "    fault: { call: storage.insert, outcome: denied }",
            2,
            "it was not done, and the scenario does not say so",
        ),
        ("    fault: { call: storage.insert, outcome: crash }", 2, "there was no answer"),
        (
            "  - accept: { code: bob's invitation }\n    as: bob",
            3,
            "there is no `bob's invitation` at this point",
        ),
        (
            "  - accept: { code: alice's invitation, nth: 2 }\n    as: alice",
            3,
            "no code number 2 was handed out",
        ),
        ("  - event: { remove-member: bob }", 3, "organization `acme` has no user `u-bob`"),
        ("expect: { effects: [] }", 3, "it had other effects"),
        ("expect: { mails: [] }", 3, "there were other mails"),
        (
            "faults: [{ call: storage.purge, outcome: denied }]",
            3,
            "no host call came to the place of this fault",
        ),
    ] {
        let found = failures(&format!("{invite}{rest}\n"));
        assert_eq!(found.len(), 1, "{rest}: {found:?}");
        assert_eq!(found[0].0, line, "{rest}: {found:?}");
        assert!(found[0].1.contains(message), "{rest}: {found:?}");
    }
}

#[test]
fn what_is_stored_outlives_a_restart_and_what_a_call_left_in_memory_does_not() {
    let story = "instance: kept
steps:
  - invite: { users: [alice] }
  - restart: true
  - accept: { code: alice's invitation }
    as: alice
    expect: { answer: { repeated: false } }
";
    assert_eq!(failures(story), []);
}

#[test]
fn a_kept_instance_may_race_with_what_happens_in_the_world() {
    let story = "instance: kept
steps:
  - race: { of: [{ invite: { users: [alice] } }, { event: { mail: deliver } }] }
";
    assert_eq!(failures(story), []);
}

#[test]
fn a_race_is_run_in_every_schedule_and_what_follows_it_too() {
    let story = |succeed: u32, repeated: &str| {
        format!(
            "given:
  - invite: {{ users: [alice] }}
steps:
  - race:
      of:
        - {{ accept: {{ code: alice's invitation }}, as: alice, expect: {{ answer: {{ any-of: [{{ repeated: {repeated} }}, {{ refused: in-progress }}] }} }} }}
        - {{ revoke: alice's invitation, expect: {{ answer: {{ any-of: [done, {{ refused: '*' }}] }} }} }}
      switches: 1
      succeed: {succeed}
  - get: alice's invitation
    expect: {{ answer: {{ state: {{ any-of: [accepted, revoked] }} }} }}
"
        )
    };
    // Whoever comes too late is told so: then their answer is a refusal, which the pattern must allow.
    let found = failures(&story(1, "false"));
    assert!(found.iter().all(|(_, message)| message == "the answer is another"), "{found:?}");
    let wrong = failures(&story(2, "'*'"));
    assert!(!wrong.is_empty(), "in no schedule do both succeed");
    let right = story(1, "'*'").replace("{ refused: in-progress }", "{ refused: '*' }");
    let report = run(&right);
    assert_eq!(report.cases[0].failures, []);
    assert!(report.cases[0].schedules > 10, "{}", report.cases[0].schedules);
}

#[test]
fn a_fault_strikes_in_every_schedule_and_moves_the_clock_of_that_schedule() {
    let story = |fault: &str, refused: &str| {
        format!(
            "given:
  - invite: {{ users: [alice] }}
steps:
  - race: {{ of: [list: {{}}, list: {{}}] }}
  - accept: {{ code: alice's invitation }}
    as: alice
    expect: {{ refused: {refused} }}
faults: [{{ call: storage.by-code, {fault} }}]
"
        )
    };
    for (fault, refused) in
        [("outcome: unavailable", "{ host: unavailable }"), ("takes: 73h", "{ ended: expired }")]
    {
        let report = run(&story(fault, refused));
        assert_eq!(report.cases[0].failures, [], "{fault}");
        assert!(report.cases[0].schedules > 1, "{fault}: {}", report.cases[0].schedules);
    }
}

#[test]
fn in_a_race_a_slow_call_takes_its_time_when_it_is_made() {
    // Whoever is first is stored an hour earlier, however long they have waited for their turn.
    let story = "given:
  - invite: { users: [alice, bob] }
steps:
  - race:
      of: [revoke: alice's invitation, revoke: bob's invitation]
  - list: { sort: name }
    expect:
      answer:
        items:
          any-of:
            - [{ ended-at: 1h ago }, { ended-at: now }]
            - [{ ended-at: now }, { ended-at: 1h ago }]
faults: [{ call: storage.transition, takes: 1h }]
";
    assert_eq!(failures(story), []);
}

#[test]
fn a_fault_in_a_race_has_to_strike_in_some_schedule() {
    let story = |call: &str| {
        format!(
            "steps:
  - race:
      of:
        - {{ list: {{}}, fault: {{ call: {call}, outcome: unavailable }}, expect: {{ answer: '*' }} }}
        - list: {{}}
"
        )
    };
    let idle = (4, "no host call came to the place of this fault".to_owned());
    assert_eq!(failures(&story("storage.purge")), [idle]);
    assert_eq!(failures(&story("storage.list")), []);
    // Where the first to come is the only one who asks, each is struck in some schedules alone.
    let first_alone = "given:
  - invite: { users: [alice] }
steps:
  - race:
      of:
        - { revoke: alice's invitation, fault: { call: storage.transition, takes: 1s }, expect: { answer: '*' } }
        - { revoke: alice's invitation, fault: { call: storage.transition, takes: 1s }, expect: { answer: '*' } }
";
    assert_eq!(failures(first_alone), []);
}

#[test]
fn a_sweep_of_faults_finds_a_broken_promise_and_names_the_place() {
    let report = run("faults: sweep
steps:
  - invite: { users: [alice], groups: [g-help] }
  - accept: { code: alice's invitation }
    as: alice
");
    assert_eq!(report.cases[0].failures, []);
    assert!(report.cases[0].disturbed > 100, "{}", report.cases[0].disturbed);
}

#[test]
fn a_story_that_takes_too_long_fails_and_the_others_go_on() {
    let mut options = Options::default();
    options.timeout = std::time::Duration::ZERO;
    let report = Runner::new(PLUGIN.clone(), options)
        .run(&suite("faults: sweep\nsteps:\n  - invite: { users: [alice] }\n"));
    assert!(report.cases[0].failures[0].message.contains("it took longer than"), "{:?}", report.cases[0]);
}

#[test]
fn nothing_that_is_shown_has_a_code_in_it() {
    let mut options = Options::default();
    options.explain = true;
    let story = "steps:
  - invite: { users: [alice], notify: external }
  - invite: { users: [bob] }
  - accept: { code: alice's invitation }
    as: alice
  - accept: { code: bob's invitation, cut: 20 }
    as: bob
    expect: { refused: malformed }
";
    let report = Runner::new(PLUGIN.clone(), options).run(&suite(story));
    assert_eq!(report.cases[0].failures, []);
    let text = serde_json::to_string(&report.cases).expect("a report can be written");
    assert!(text.contains("<code>"), "it is shown that there was one");
    assert!(!text.contains("inv1_") || text.contains("inv1_<redacted>"), "{text}");
    let rest = text.replace("inv1_<redacted>", "");
    assert!(!rest.contains("inv1_"), "a code leaked into a report");
}
