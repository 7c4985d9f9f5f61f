//! SQLite keeps what hosts promise: asked by the suite that any host can be asked by, and by all scenarios.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "../../../tests/external/mod.rs"]
mod external;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use guestlist_conformance::{self as conformance, Trouble};
use guestlist_harness::{Engine, EngineOptions, Plugin};
use guestlist_scenario::{Format, Loading, Options, Runner, Suite};
use guestlist_trial::Places;
use tempfile::TempDir;

fn places(folder: &TempDir) -> Arc<Places> {
    Arc::new(Places::new(&format!("sqlite:{}", folder.path().join("places.db").display())).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_passes_the_conformance_suite() {
    let folder = TempDir::new().unwrap();
    let options = conformance::Options { jobs: 2, ..conformance::Options::default() };
    let report = conformance::run(places(&folder), &options, |_| {}).await;
    assert!(report.passed(), "{report}");
    assert_eq!(report.left_out().count(), 0, "{report}");
}

#[test]
fn every_scenario_comes_out_the_same_on_sqlite() {
    let folder = TempDir::new().unwrap();
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let suite = Suite::load(&[scenarios], &Loading::default()).unwrap_or_else(|_| panic!("see `make test`"));
    let engine = Engine::new(&EngineOptions::fuel().instances(64)).unwrap();
    let mut options = Options::default();
    options.once = true;
    options.backing = Some(places(&folder));
    let report = Runner::new(Plugin::bundled(&engine).unwrap(), options).run(&suite);
    assert_eq!(report.failed(), 0, "{}", report.shown(Format::Text, &suite));
    assert!(report.cases.len() > 200);
}

/// A log in a place of its own.
struct InPlaces(Arc<Places>);

#[async_trait]
impl external::Logs for InPlaces {
    async fn open(&self, clock: Arc<dyn Fn() -> u64 + Send + Sync>) -> Result<external::Opening, Trouble> {
        let place = self.0.place(clock).await.map_err(|error| Trouble::Failed(error.to_string()))?;
        let records = Arc::new(place.database().grant_records());
        Ok(external::Opening { records, kept: Box::new(place) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_members_are_elsewhere_passes_with_its_log_in_sqlite() {
    let folder = TempDir::new().unwrap();
    external::passes(Arc::new(InPlaces(places(&folder)))).await;
}
