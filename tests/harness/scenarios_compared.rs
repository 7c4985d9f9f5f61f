//! What two runners decide differently, whatever the scenario expects.

use std::sync::Arc;

use guestlist_harness::{Engine, EngineOptions, Plugin};
use guestlist_memory::Rule;
use guestlist_scenario::{Ending, Format, Options, Runner, Suite, compare};

const STORY: &str = "name: Alice and bob are invited
world:
  organizations:
    - id: root
      users:
        - { id: u-alice, name: alice, email: alice@root.example }
        - { id: u-bob, name: bob, email: bob@root.example }
    - id: acme
      parent: root
      users: [{ id: u-ann, name: ann }]
      permissions: { u-ann: [all] }
in: acme
as: ann
steps:
  - invite: { users: [alice] }
    expect: { answer: nothing like this }
  - invite: { users: [bob] }
";

fn runner(plugin: &Plugin, rules: &[Rule]) -> Runner {
    let rules = rules.to_vec();
    let mut options = Options::default();
    options.prepare = Arc::new(move |host| host.set_policy("acme", rules.clone()).unwrap());
    Runner::new(plugin.clone(), options)
}

#[test]
fn only_the_step_that_a_policy_decides_differently_is_shown() {
    let plugin = Plugin::bundled(&Engine::new(&EngineOptions::fuel().instances(8)).unwrap()).unwrap();
    let suite = Suite::parse("story.yaml", STORY).unwrap();
    let no_bob = Rule { names: Some(vec!["bob".into()]), refuse: Some("not bob".into()), ..Rule::default() };
    let (free, strict) = (runner(&plugin, &[]), runner(&plugin, &[no_bob]));

    let same = compare(&suite, &free, &free, |_| {});
    assert_eq!(same.cases[0].ending, Ending::Passed, "{:?}", same.cases[0].failures);

    let report = compare(&suite, &free, &strict, |_| {});
    let [failure] = report.cases[0].failures.as_slice() else { panic!("{:?}", report.cases[0].failures) };
    assert_eq!((failure.line, failure.column), (17, 5));
    assert_eq!(failure.message, "`invite bob` is decided differently");
    assert!(failure.expected.as_ref().unwrap().contains("bob's invitation: new in acme"));
    assert_eq!(failure.actual.as_deref(), Some("answer:\n- bob:\n    refused:\n      refused: not bob"));
    assert!(report.cases[0].steps.is_empty());
    let shown = report.shown(Format::Text, &suite);
    assert!(shown.starts_with("DIFFERS story.yaml\n"), "{shown}");
    assert!(shown.contains("\n1 scenario, 0 decided as before, 1 decided differently"), "{shown}");
}
