//! Running suites.
//!
//! Every scenario is played twice, and both times must be the same to the last unit of fuel. What
//! `faults: sweep` asks for comes after that: the story is played again once for every host call and
//! every way in which it can fail, and no guarantee may break.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    external_store::Backing,
    failure::Failure,
    fault::{Numbered, ways},
    format::Faults,
    play::{Manner, Props, play},
    played::Played,
    report::{CaseReport, Ending, Report},
    suite::{Case, Suite},
};
use guestlist_harness::{Limits, Plugin, policy::Policies};
use guestlist_memory::MemoryHost;
use guestlist_testkit::Interceptor;
use guestlist_testkit::coverage::Coverage;

/// Options of a run of a suite.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Scenarios at the same time; as many as there are processors by default.
    pub jobs: usize,
    /// Sweeps all scenarios through faults, not only those that ask for it.
    pub faults: bool,
    /// No scenario begins after one has failed.
    pub fail_fast: bool,
    /// Plays each scenario once: not a second time to compare, and not again for the failures that it asks
    /// for. For hosts on which a playing takes its time.
    pub once: bool,
    /// The longest that one scenario may take, faults and all; a minute by default.
    pub timeout: Duration,
    /// Instead of the scenarios' own seeds.
    pub seed: Option<u64>,
    /// The limits of what each call of the plugin may cost.
    pub limits: Limits,
    /// Keeps what every step did, for people and for blessing.
    pub explain: bool,
    /// Effects are not compared, but kept for [`Case::bless`]; everything else counts.
    pub bless: bool,
    /// The policies that judge in the scenarios of suites that name one: see [`Suite::policies`].
    pub policies: BTreeMap<PathBuf, Policies>,
    /// Prepares each host: gives it policies, before those of its suite.
    pub prepare: Arc<dyn Fn(&MemoryHost) + Send + Sync>,
    /// The place where hosts keep what they store; in memory by default. Fuel and host calls are the same
    /// there, so everything that a scenario expects holds.
    pub backing: Option<Arc<dyn Backing>>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Options")
            .field("jobs", &self.jobs)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jobs: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            faults: false,
            fail_fast: false,
            once: false,
            timeout: Duration::from_secs(60),
            seed: None,
            limits: Limits::default(),
            explain: false,
            bless: false,
            policies: BTreeMap::new(),
            prepare: Arc::new(|_| {}),
            backing: None,
        }
    }
}

/// News of a run while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A scenario begins.
    Begun(&'a Case),
    /// A scenario has ended.
    Ended(&'a CaseReport),
}

/// Runs suites with one plugin. The plugin's engine has to meter by fuel, or there is no fuel to compare.
#[derive(Debug)]
pub struct Runner {
    pub(super) plugin: Plugin,
    pub(super) options: Options,
}

impl Runner {
    /// A runner.
    #[must_use]
    pub fn new(plugin: Plugin, options: Options) -> Self {
        Self { plugin, options }
    }

    /// Tells whether it was asked for what every step did.
    pub(super) fn explains(&self) -> bool {
        self.options.explain
    }

    /// Runs all scenarios of a suite.
    #[must_use]
    pub fn run(&self, suite: &Suite) -> Report {
        self.run_with_progress(suite, |_| {})
    }

    /// The same; `told` hears of each scenario that begins or ends, when it does.
    pub fn run_with_progress(&self, suite: &Suite, told: impl Fn(Progress<'_>) + Sync) -> Report {
        self.each(suite, told, async |_, case| self.case(case).await)
    }

    /// Plays every scenario once and checks nothing of what it expects: only what came counts. A story
    /// goes on after a step that its file does not expect.
    pub(super) fn watch(&self, suite: &Suite, told: impl Fn(Progress<'_>) + Sync) -> Report {
        self.each(suite, told, async |_, case| {
            let started = Instant::now();
            let mut report = CaseReport::of(case);
            let props = self.props(case, None, Manner::Watched);
            match tokio::time::timeout(self.options.timeout, play(&props)).await {
                Ok(played) => {
                    report.take(&played, true);
                    report.failures.clone_from(&played.failures);
                }
                Err(_) => report.failures.push(self.too_long(case)),
            }
            report.time = started.elapsed();
            (report, Coverage::default())
        })
    }

    /// Something with each scenario, as many at a time as there are jobs.
    pub(super) fn each(
        &self,
        suite: &Suite,
        told: impl Fn(Progress<'_>) + Sync,
        one: impl AsyncFn(usize, &Case) -> (CaseReport, Coverage) + Sync,
    ) -> Report {
        let started = Instant::now();
        let next = AtomicUsize::new(0);
        let ended = Mutex::new(Vec::with_capacity(suite.cases.len()));
        let coverage = Mutex::new(Coverage::default());
        let (broken, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
        let work = || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
                broken.store(true, Ordering::SeqCst);
                return;
            };
            while !stopped.load(Ordering::SeqCst) {
                let index = next.fetch_add(1, Ordering::SeqCst);
                let Some(case) = suite.cases.get(index) else { return };
                told(Progress::Begun(case));
                let (report, seen) = runtime.block_on(one(index, case));
                coverage.lock().unwrap_or_else(PoisonError::into_inner).merge(seen);
                told(Progress::Ended(&report));
                if self.options.fail_fast && report.ending == Ending::Failed {
                    stopped.store(true, Ordering::SeqCst);
                }
                ended.lock().unwrap_or_else(PoisonError::into_inner).push((index, report));
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.options.jobs.clamp(1, suite.cases.len().max(1)) {
                scope.spawn(work);
            }
            work();
        });
        let mut cases = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        cases.sort_by_key(|(index, _)| *index);
        Report {
            plugin: self.plugin.digest().to_owned(),
            against: None,
            rules: None,
            unplayed: suite.cases.len() - cases.len(),
            cases: cases.into_iter().map(|(_, report)| report).collect(),
            coverage: coverage.into_inner().unwrap_or_else(PoisonError::into_inner),
            time: started.elapsed(),
        }
    }

    /// Plays one scenario in every way that is asked for.
    pub(super) async fn case(&self, case: &Case) -> (CaseReport, Coverage) {
        let started = Instant::now();
        let mut report = CaseReport::of(case);
        let mut coverage = Coverage::default();
        let all = self.all_ways(case, &mut report, &mut coverage);
        if tokio::time::timeout(self.options.timeout, all).await.is_err() {
            report.failures.push(self.too_long(case));
        }
        report.time = started.elapsed();
        report.ending = if report.failures.is_empty() { Ending::Passed } else { Ending::Failed };
        (report, coverage)
    }

    pub(super) fn too_long(&self, case: &Case) -> Failure {
        let message = format!("it took longer than {} s", self.options.timeout.as_secs());
        Failure::at(&case.scenario.name, message).helped("raise `--timeout`, or tell a shorter story")
    }

    async fn all_ways(&self, case: &Case, report: &mut CaseReport, coverage: &mut Coverage) {
        let played = play(&self.props(case, None, Manner::Told)).await;
        report.take(&played, self.options.explain);
        coverage.merge(played.coverage.clone());
        report.failures.clone_from(&played.failures);
        if !report.failures.is_empty() || self.options.once {
            return;
        }
        let again = play(&self.props(case, None, Manner::Told)).await;
        if let Some(difference) = difference(&played, &again) {
            let failure = Failure::at(&case.scenario.name, "two runs were not the same");
            report.failures.push(failure.compared(difference.0, difference.1));
            return;
        }
        if self.options.faults || matches!(case.scenario.faults, Faults::Sweep) {
            self.sweep(case, report, coverage).await;
        }
    }

    pub(super) fn props<'a>(
        &'a self,
        case: &'a Case,
        around: Option<Arc<dyn Interceptor>>,
        manner: Manner,
    ) -> Props<'a> {
        Props {
            scenario: &case.scenario,
            world: &case.world,
            plugin: &self.plugin,
            limits: &self.options.limits,
            seed: self.options.seed,
            around,
            manner,
            bless: self.options.bless,
            explain: match manner {
                Manner::Told => self.options.explain,
                // What is compared has to be known.
                Manner::Watched => true,
                Manner::Disturbed => false,
            },
            policy: case.policy.as_ref().map(|path| self.options.policies.get(path).ok_or(path.as_path())),
            prepare: &*self.options.prepare,
            backing: self.options.backing.as_ref(),
        }
    }

    /// Plays the story once for every host call and every way in which it can fail.
    async fn sweep(&self, case: &Case, report: &mut CaseReport, coverage: &mut Coverage) {
        let counting = Arc::new(Numbered::default());
        play(&self.props(case, Some(counting.clone()), Manner::Disturbed)).await;
        for (index, function) in counting.called().into_iter().enumerate() {
            let nth = index + 1;
            for (word, fault) in ways(function) {
                // What else runs on this thread gets its turn: the time-out.
                tokio::task::yield_now().await;
                let place = Arc::new(Numbered::at(nth, fault));
                let played = play(&self.props(case, Some(place), Manner::Disturbed)).await;
                coverage.merge(played.coverage);
                report.disturbed += 1;
                if let Some(failure) = played.failures.into_iter().next() {
                    let help = format!("host call {nth} of the scenario, {function}, failed: {word}");
                    report.failures.push(failure.helped(help));
                    return;
                }
            }
        }
    }
}

/// The first thing that was not the same.
fn difference(one: &Played, other: &Played) -> Option<(String, String)> {
    if one.fingerprint.len() != other.fingerprint.len() {
        return Some((
            format!("{} parts", one.fingerprint.len()),
            format!("{} parts", other.fingerprint.len()),
        ));
    }
    let mut pairs = one.fingerprint.iter().zip(&other.fingerprint);
    pairs.find(|(one, other)| one != other).map(|(one, other)| (one.clone(), other.clone()))
}
