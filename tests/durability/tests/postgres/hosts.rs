//! PostgreSQL keeps what hosts promise: asked by the suite that any host can be asked by, and by all
//! scenarios.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use guestlist_conformance::{self as conformance, Trouble};
use guestlist_harness::{Engine, EngineOptions, Plugin};
use guestlist_scenario::{Format, Loading, Options, Runner, Suite};
use guestlist_trial::Places;

use crate::{external, support::fresh};

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_passes_the_conformance_suite() {
    let database = fresh().await;
    let places = Arc::new(Places::new(&database.url).unwrap());
    let options = conformance::Options { jobs: 2, ..conformance::Options::default() };
    let report = conformance::run(places, &options, |_| {}).await;
    assert!(report.passed(), "{report}");
    assert_eq!(report.left_out().count(), 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_comes_out_the_same_on_postgresql() {
    let database = fresh().await;
    let places = Arc::new(Places::new(&database.url).unwrap());
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let suite = Suite::load(&[scenarios], &Loading::default()).unwrap_or_else(|_| panic!("see `make test`"));
    let engine = Engine::new(&EngineOptions::fuel().instances(64)).unwrap();
    let plugin = Plugin::bundled(&engine).unwrap();
    let mut options = Options::default();
    options.once = true;
    options.backing = Some(places);
    // It has threads and runtimes of its own.
    let played = tokio::task::spawn_blocking(move || {
        let report = Runner::new(plugin, options).run(&suite);
        assert_eq!(report.failed(), 0, "{}", report.shown(Format::Text, &suite));
        report.cases.len()
    });
    assert!(played.await.unwrap() > 200);
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
async fn a_host_whose_members_are_elsewhere_passes_with_its_log_in_postgresql() {
    let database = fresh().await;
    external::passes(Arc::new(InPlaces(Arc::new(Places::new(&database.url).unwrap())))).await;
}
