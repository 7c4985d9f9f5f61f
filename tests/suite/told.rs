//! What the plugin does, as it is told in `tests/scenarios`: here, too, so that whoever changes the plugin
//! learns from its own tests which story has become another.

use guestlist_scenario::{Format, Loading, Options, Runner, Suite};

use crate::rig::PLUGIN;

#[test]
fn every_scenario_comes_true() {
    let folder = guestlist_tests::root().join("tests/scenarios");
    let suite = Suite::load(&[folder], &Loading::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(suite.cases.len() > 200, "there are {}", suite.cases.len());
    let report = Runner::new(PLUGIN.clone(), Options::default()).run(&suite);
    assert_eq!(report.failed(), 0, "\n{}", report.shown(Format::Text, &suite));
}
