//! Every class of attack, a few times: what has to contain it does, nothing of anybody else has changed, and
//! the engine serves others as before.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use std::{collections::HashSet, time::Duration};

use guestlist_hostile::{
    classes::{Outcome, classes},
    runner::{Rig, Watch, block_on},
};

const RUNS: usize = 3;

#[derive(Default)]
struct Outcomes(Vec<Outcome>);

impl Watch for Outcomes {
    fn before(&mut self) {}

    fn after(&mut self, _: Duration, outcome: Outcome) {
        self.0.push(outcome);
    }
}

#[test]
fn every_attack_is_contained_and_nobody_else_notices() {
    let rig = Rig::start();
    block_on(rig.serve());
    let before = rig.stored();
    let mut wrong = Vec::new();
    for class in classes() {
        let mut outcomes = Outcomes::default();
        block_on(rig.attack(&class, RUNS, &mut outcomes));
        assert_eq!(outcomes.0.len(), RUNS, "{}", class.name);
        if let Some(outcome) = outcomes.0.iter().find(|outcome| !class.held.fits(outcome)) {
            let outcome: String = format!("{outcome:?}").chars().take(1000).collect();
            wrong.push(format!("{} has to end by {}, and: {outcome}", class.name, class.held.words()));
        }
        block_on(rig.serve());
        assert!(rig.stored() == before, "{} has changed something", class.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_class_has_a_name_of_its_own() {
    let mut names = HashSet::new();
    for class in classes() {
        assert!(names.insert(class.name.clone()), "{} twice", class.name);
    }
}

#[test]
fn the_security_page_names_every_class() {
    let page = include_str!("../../../docs/security.md");
    for class in classes() {
        let (_, name) = class.name.split_once('/').unwrap();
        assert!(page.contains(&format!("`{name}`")), "`{name}` is not on the page");
    }
}
