//! Reports what of the rules under test has decided, and what could be dropped without a test noticing.
//!
//! A suite that passes says nothing about a rule that it never asks. Each scripted rule and each verdict is
//! counted while scenarios are played; [`Runner::try_rules`] then leaves each of them out, and each
//! condition, each part of a narrowing and each setting, and plays again what it could concern.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use serde_saphyr::{Location, Spanned};

use super::{
    compared::differences,
    format::{Event, Scenario, Step},
    play::{Manner, Props, play},
    report::{CaseReport, Report},
    rules_report::{PartKind, RulePart, RulesReport},
    runner::{Progress, Runner},
    suite::{Case, Suite},
};
use guestlist_documents::yaml::flow;
use guestlist_memory::{Given, MemoryHost, Moment, Rule, written};
use guestlist_testkit::coverage::Coverage;

/// Most playings of [`Runner::try_rules`]; what is left then is said to be untried.
const PLAYINGS_MAX: usize = 20_000;

/// The part that is left out of a scenario or its world.
#[derive(Clone, Debug)]
enum Without {
    /// The rule that stands there.
    Rule(Location),
    /// A part of it.
    Part(Location, fn(&mut Rule)),
    Setting(String, &'static str),
    Verdict(Given),
}

/// Something to be measured.
struct Unit {
    part: RulePart,
    without: Without,
    /// The rule as it is counted, where only scenarios in which it has decided can notice.
    counted: Option<(String, String)>,
}

/// A part of a rule: what it is called, whether a rule has it, and a rule without it.
type Piece = (&'static str, fn(&Rule) -> bool, fn(&mut Rule));

const PIECES: [Piece; 11] = [
    ("names", |rule| rule.names.is_some(), |rule| rule.names = None),
    ("in-groups", |rule| rule.in_groups.is_some(), |rule| rule.in_groups = None),
    ("in-roles", |rule| rule.in_roles.is_some(), |rule| rule.in_roles = None),
    ("inviter-in-groups", |rule| rule.inviter_in_groups.is_some(), |rule| rule.inviter_in_groups = None),
    ("inviter-in-roles", |rule| rule.inviter_in_roles.is_some(), |rule| rule.inviter_in_roles = None),
    ("grants", |rule| rule.grants.is_some(), |rule| rule.grants = None),
    ("lifetime-over", |rule| rule.lifetime_over.is_some(), |rule| rule.lifetime_over = None),
    ("at", |rule| rule.at != Moment::Always, |rule| rule.at = Moment::Always),
    (
        "without",
        |rule| rule.narrow.as_ref().is_some_and(|narrow| !narrow.without.is_empty()),
        |rule| {
            rule.narrow.iter_mut().for_each(|narrow| narrow.without.clear());
        },
    ),
    (
        "lifetime",
        |rule| rule.narrow.as_ref().is_some_and(|narrow| narrow.lifetime.is_some()),
        |rule| {
            rule.narrow.iter_mut().for_each(|narrow| narrow.lifetime = None);
        },
    ),
    (
        "signed-in-only",
        |rule| rule.narrow.as_ref().is_some_and(|narrow| narrow.signed_in_only),
        |rule| {
            rule.narrow.iter_mut().for_each(|narrow| narrow.signed_in_only = false);
        },
    ),
];

/// The last pieces narrow: without them a rule concerns the same people as with them.
const NARROWING: [&str; 3] = ["without", "lifetime", "signed-in-only"];

impl Runner {
    /// Reports what of the rules under test has decided in a run.
    #[must_use]
    pub fn rules(&self, suite: &Suite, report: &Report) -> RulesReport {
        let counts = counts(report);
        let count = |unit: Unit| {
            let key = (unit.part.path.clone().unwrap_or_default(), unit.counted);
            let decided = match (&key.1, unit.part.kind) {
                (Some(_), PartKind::Rule) => Some(counts.rules.get(&key).copied().unwrap_or_default()),
                _ => unit.part.decided,
            };
            RulePart { decided, ..unit.part }
        };
        let known = units(suite, &counts).into_iter();
        let known = known.filter(|unit| matches!(unit.part.kind, PartKind::Rule | PartKind::Verdict));
        RulesReport { parts: known.map(count).collect(), ..RulesReport::default() }
    }

    /// The same, and which of them could be dropped without a test noticing: plays again what each of them
    /// could concern, without it. Of failures of the host that a scenario asks for as a sweep nothing is
    /// played again.
    ///
    /// `report` has to be of a run in which all scenarios passed; `told` hears of each playing.
    #[must_use]
    pub fn try_rules(
        &self,
        suite: &Suite,
        report: &Report,
        told: &(dyn Fn(usize, Progress<'_>) + Sync),
    ) -> RulesReport {
        let counts = counts(report);
        let mut units = units(suite, &counts);
        let mut again = Suite { cases: Vec::new(), files: Default::default(), skipped: Default::default() };
        // Which unit, and which scenario of the suite.
        let mut plan = Vec::new();
        for (index, unit) in units.iter_mut().enumerate() {
            let (cases, untried) = unit.cases(suite, report);
            unit.part.untried = untried;
            if plan.len() + cases.len() > PLAYINGS_MAX {
                unit.part.untried = Some(format!("more than {PLAYINGS_MAX} playings"));
                continue;
            }
            if unit.part.untried.is_none() {
                unit.part.noticed = Some(0);
                unit.part.decided = match unit.counted.as_ref().filter(|_| unit.part.kind == PartKind::Rule) {
                    Some(_) => {
                        let key = (unit.part.path.clone().unwrap_or_default(), unit.counted.clone());
                        Some(counts.rules.get(&key).copied().unwrap_or_default())
                    }
                    None => unit.part.decided.or(Some(0)),
                };
            }
            for (which, case) in cases {
                plan.push((index, which));
                again.cases.push(case);
            }
        }
        let total = plan.len() + suite.cases.len();
        let before =
            self.each(suite, |progress| told(total, progress), async |_, case| self.again(case, None).await);
        let after = self.each(
            &again,
            |progress| told(total, progress),
            async |index, case| {
                let unit = plan.get(index).and_then(|(unit, _)| units.get(*unit));
                let overruled = unit.and_then(|unit| match &unit.without {
                    Without::Verdict(given) => Some(given.clone()),
                    _ => None,
                });
                self.again(case, overruled).await
            },
        );
        for ((index, which), came) in plan.iter().zip(&after.cases) {
            let (Some(unit), Some(was)) = (units.get_mut(*index), before.cases.get(*which)) else { continue };
            let noticed = !came.failures.is_empty();
            unit.part.noticed = unit.part.noticed.map(|count| count + usize::from(noticed));
            if matches!(unit.part.kind, PartKind::Part | PartKind::Setting) {
                let decided = noticed || !differences(was, came).is_empty();
                unit.part.decided = unit.part.decided.map(|count| count + u64::from(decided));
            }
        }
        let parts: Vec<_> = units.into_iter().map(|unit| unit.part).collect();
        let tried: Vec<_> = parts.iter().filter_map(|part| part.noticed).collect();
        let noticed = tried.iter().filter(|count| **count > 0).count();
        let percent = (noticed * 100).checked_div(tried.len()).unwrap_or(100);
        RulesReport { parts, percent: Some(percent), playings: plan.len() }
    }

    /// Plays a scenario once, as it is told, and shows everything. That it fails is an answer, and no failure.
    async fn again(&self, case: &Case, overruled: Option<Given>) -> (CaseReport, Coverage) {
        let started = Instant::now();
        let mut report = CaseReport::of(case);
        let prepare = |host: &MemoryHost| {
            (self.options.prepare)(host);
            overruled.iter().for_each(|given| host.overrule(given.clone()));
        };
        let props = Props { explain: true, prepare: &prepare, ..self.props(case, None, Manner::Told) };
        match tokio::time::timeout(self.options.timeout, play(&props)).await {
            Ok(played) => {
                report.take(&played, true);
                report.failures = played.failures;
            }
            Err(_) => report.failures.push(self.too_long(case)),
        }
        report.time = started.elapsed();
        (report, Coverage::default())
    }
}

/// Counts of how often what has decided, by the file that it stands in.
#[derive(Default)]
struct Counts {
    rules: BTreeMap<(PathBuf, Option<(String, String)>), u64>,
    verdicts: BTreeMap<Given, u64>,
}

fn counts(report: &Report) -> Counts {
    let mut counts = Counts::default();
    for case in &report.cases {
        // A world's rule, or one that the story sets: whichever there is of these words.
        let files: BTreeSet<_> = [&case.path].into_iter().chain(&case.world).collect();
        for path in files {
            for (rule, count) in &case.tally.rules {
                *counts.rules.entry((path.clone(), Some(rule.clone()))).or_default() += count;
            }
        }
        for (given, count) in &case.tally.verdicts {
            *counts.verdicts.entry(given.clone()).or_default() += count;
        }
    }
    counts
}

fn units(suite: &Suite, counts: &Counts) -> Vec<Unit> {
    let mut units: BTreeMap<(PartKind, PathBuf, u64, u64, usize), Unit> = BTreeMap::new();
    for case in &suite.cases {
        let world = case.world_path();
        let rules = case.world.rules().map(|(place, rule)| (world, place.to_owned(), rule));
        let set =
            set_rules(&case.scenario).into_iter().map(|(place, rule)| (case.path.as_path(), place, rule));
        for (path, place, rule) in rules.chain(set) {
            for (index, unit) in of_rule(path, &place, rule).into_iter().enumerate() {
                let at = (rule.referenced.line(), rule.referenced.column());
                units.entry((unit.part.kind, path.to_owned(), at.0, at.1, index)).or_insert(unit);
            }
        }
        for (place, settings) in case.world.settings() {
            for (index, key) in settings.changed().into_iter().enumerate() {
                let line = place.referenced.line();
                let part = part(PartKind::Setting, Some(world), line, &place.value, format!("`{key}`"));
                let without = Without::Setting(place.value.clone(), key);
                let key = (PartKind::Setting, world.to_owned(), line, place.referenced.column(), index);
                units.entry(key).or_insert(Unit { part, without, counted: None });
            }
        }
    }
    let verdict = |(given, count): (&Given, &u64)| Unit {
        part: RulePart {
            decided: Some(*count),
            ..part(PartKind::Verdict, None, 0, &given.organization, given.verdict.clone())
        },
        without: Without::Verdict(given.clone()),
        counted: None,
    };
    units.into_values().chain(counts.verdicts.iter().map(verdict)).collect()
}

fn part(kind: PartKind, path: Option<&Path>, line: u64, organization: &str, what: String) -> RulePart {
    RulePart {
        kind,
        path: path.map(Path::to_owned),
        line,
        organization: organization.to_owned(),
        what,
        decided: None,
        noticed: None,
        untried: None,
    }
}

/// A rule, then each of its pieces.
fn of_rule(path: &Path, place: &str, rule: &Spanned<Rule>) -> Vec<Unit> {
    let line = rule.referenced.line();
    let counted = Some((place.to_owned(), written(&rule.value)));
    let said = said(&rule.value);
    let mut units = vec![Unit {
        part: part(PartKind::Rule, Some(path), line, place, said.clone()),
        without: Without::Rule(rule.referenced),
        counted: counted.clone(),
    }];
    for (name, has, without) in PIECES {
        if has(&rule.value) {
            units.push(Unit {
                part: part(PartKind::Part, Some(path), line, place, format!("`{name}` of {said}")),
                without: Without::Part(rule.referenced, without),
                counted: counted.clone().filter(|_| NARROWING.contains(&name)),
            });
        }
    }
    units
}

/// A rule in a line.
fn said(rule: &Rule) -> String {
    let mut shown = serde_json::to_value(rule).unwrap_or_default();
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, value| {
            !(value.is_null() || *value == false || (name == "at" && *value == "always"))
        });
        if let Some(narrow) = fields.get_mut("narrow").and_then(|narrow| narrow.as_object_mut()) {
            narrow.retain(|_, value| {
                !(value.is_null() || *value == false || value.as_array().is_some_and(Vec::is_empty))
            });
        }
    }
    flow(&shown)
}

/// The rules that the story sets, each with its organization.
fn set_rules(scenario: &Scenario) -> Vec<(String, &Spanned<Rule>)> {
    let steps = scenario.given.iter().chain(&scenario.steps);
    let steps =
        steps.flat_map(|step| std::iter::once(step).chain(step.value.race.iter().flat_map(|race| &race.of)));
    let rules = steps.filter_map(|step| {
        let place = step.value.organization.as_ref().or(scenario.organization.as_ref())?;
        let rules = step.value.event.as_ref()?.set_policy.as_ref()?;
        Some(rules.iter().map(move |rule| (place.value.clone(), rule)))
    });
    rules.flatten().collect()
}

impl Unit {
    /// The scenarios that could notice, without it; or why there are none.
    fn cases(&self, suite: &Suite, report: &Report) -> (Vec<(usize, Case)>, Option<String>) {
        let mut cases = Vec::new();
        for (index, (case, played)) in suite.cases.iter().zip(&report.cases).enumerate() {
            let decided = match (&self.counted, &self.without) {
                (Some(counted), _) => played.tally.rules.contains_key(counted),
                (None, Without::Verdict(given)) => played.tally.verdicts.contains_key(given),
                (None, _) => true,
            };
            let Some(other) = decided.then(|| self.left_out(case)).flatten() else { continue };
            if let Err(error) = MemoryHost::from_world(&other.world) {
                let why = error.problems.into_iter().next().map(|problem| problem.message);
                return (Vec::new(), Some(format!("the world would be wrong: {}", why.unwrap_or_default())));
            }
            cases.push((index, other));
        }
        (cases, None)
    }

    /// A scenario without it; nothing where it is no part of that.
    fn left_out(&self, case: &Case) -> Option<Case> {
        let path = self.part.path.as_deref();
        let mut other = case.clone();
        let mut changed = matches!(self.without, Without::Verdict(_));
        if path == Some(case.world_path()) {
            let world = Arc::make_mut(&mut other.world);
            changed |= match &self.without {
                Without::Setting(place, key) => {
                    let of = world.settings_mut().find(|(id, _)| id == place);
                    of.map(|(_, settings)| settings.forget(key)).is_some()
                }
                without => {
                    let mut left_out = false;
                    for rules in world.rules_mut() {
                        left_out |= without.of(rules);
                    }
                    left_out
                }
            };
        }
        if path == Some(&case.path) && !changed {
            let scenario = Arc::make_mut(&mut other.scenario);
            for step in scenario.given.iter_mut().chain(&mut scenario.steps) {
                changed |= self.without.of_step(&mut step.value);
            }
        }
        changed.then_some(other)
    }
}

impl Without {
    fn of_step(&self, step: &mut Step) -> bool {
        let rules = step.event.as_mut().and_then(|event: &mut Event| event.set_policy.as_mut());
        let mut changed = rules.is_some_and(|rules| self.of(rules));
        for racer in step.race.iter_mut().flat_map(|race| &mut race.of) {
            changed |= self.of_step(&mut racer.value);
        }
        changed
    }

    /// Leaves it out of rules that have it.
    fn of(&self, rules: &mut Vec<Spanned<Rule>>) -> bool {
        match self {
            Self::Rule(place) => {
                let count = rules.len();
                rules.retain(|rule| rule.referenced != *place);
                rules.len() != count
            }
            Self::Part(place, change) => {
                let rule = rules.iter_mut().find(|rule| rule.referenced == *place);
                rule.map(|rule| change(&mut rule.value)).is_some()
            }
            Self::Setting(..) | Self::Verdict(_) => false,
        }
    }
}
