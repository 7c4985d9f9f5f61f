//! Playing one scenario, from its world to its last expectation.

mod racing;

use std::{future::Future, path::Path, pin::Pin, sync::Arc};

use serde_saphyr::Spanned;

use super::{
    ask::Answered as _,
    event::happen,
    expect::{Seen, Wanted, check, unasked},
    explain::{explained, judged, title},
    external_store::Backing,
    failure::Failure,
    fault::Strike,
    format::{Faults, Outcome, Scenario, Step},
    names::{account, principal},
    played::{Played, StepReport},
    render::Showing,
    stage::{Defaults, Kind, Stage, Told},
    waiting,
};
use guestlist_contract::types::{Principal, Subject};
use guestlist_documents::instant;
use guestlist_harness::{Limits, Plugin, policy::Policies};
use guestlist_memory::{MemoryHost, Snapshot, World};
use guestlist_testkit::Interceptor;
use guestlist_testkit::{Judged as _, Judgement, guarantees};

/// The strictness with which a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Every expectation counts.
    Told,
    /// The manner in which only what comes counts, whatever the scenario expects.
    Watched,
    /// The host fails where the story does not expect it: only the guarantees count.
    Disturbed,
}

/// The things that a scenario is played with.
pub(super) struct Props<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) world: &'a World,
    pub(super) plugin: &'a Plugin,
    pub(super) limits: &'a Limits,
    pub(super) seed: Option<u64>,
    pub(super) around: Option<Arc<dyn Interceptor>>,
    pub(super) manner: Manner,
    /// Effects are written down, not compared.
    pub(super) bless: bool,
    /// Keeps what every step asked and changed, for people.
    pub(super) explain: bool,
    /// The policy that the suite names, or where it is named where nobody has read it.
    pub(super) policy: Option<Result<&'a Policies, &'a Path>>,
    /// Prepares the host: gives it policies.
    pub(super) prepare: &'a (dyn Fn(&MemoryHost) + Sync),
    /// The place where the host keeps what it stores; absent: in memory.
    pub(super) backing: Option<&'a Arc<dyn Backing>>,
}

/// Plays it once.
pub(super) async fn play(props: &Props<'_>) -> Played {
    let mut played = Played::default();
    let (mut stage, asked) = match set_up(props) {
        Ok(ready) => ready,
        Err(failure) => {
            played.failures.push(failure);
            return played;
        }
    };
    let host = stage.host.clone();
    let mut acting = Acting { props, played: &mut played, asked };
    if acting.given(&mut stage).await {
        let start = stage.host.snapshot();
        acting.steps(stage, &props.scenario.steps, &start).await;
    }
    let asked = acting.asked;
    played.tally = host.tally().clone();
    if props.manner == Manner::Told && played.failures.is_empty() {
        played.failures.extend(asked.iter().filter_map(|strike| strike.idle()));
    }
    played
}

/// Plays it once, and answers where it ends. A race has many ends, so there must be none.
pub(super) async fn replay(props: &Props<'_>) -> Result<Stage, Vec<Failure>> {
    let (mut stage, asked) = set_up(props).map_err(|failure| vec![failure])?;
    let mut played = Played::default();
    let mut acting = Acting { props, played: &mut played, asked };
    if acting.given(&mut stage).await {
        for step in &props.scenario.steps {
            if step.value.race.is_some() {
                return Err(vec![Failure::at(
                    step,
                    "a race has many ends, and nothing can be added to them",
                )]);
            }
            acting.step(&mut stage, step).await;
        }
    }
    if played.failures.is_empty() { Ok(stage) } else { Err(played.failures) }
}

/// The stage before the first step, and the failures of the host that all steps share.
fn set_up(props: &Props<'_>) -> Result<(Stage, Vec<Arc<Strike>>), Failure> {
    let scenario = props.scenario;
    let host = Arc::new(host(props)?);
    match props.policy {
        None => {}
        Some(Ok(policies)) => host.set_policies(policies.clone()),
        Some(Err(path)) => {
            let message = format!("the policy of the suite, `{}`, was not read", path.display());
            return Err(
                Failure::at(&scenario.name, message).helped("give it to the runner: `Options::policies`")
            );
        }
    }
    (props.prepare)(&host);
    let defaults = Defaults { organization: scenario.organization.clone(), caller: scenario.caller.clone() };
    let mut stage =
        Stage::new(host.clone(), props.plugin.clone(), props.limits.clone(), scenario.instance, defaults);
    if let Some(backing) = props.backing {
        stage = stage.backed(backing).map_err(|why| Failure::at(&scenario.world, why))?;
    }
    let mut strikes = Vec::new();
    if let Faults::These(entries) = &scenario.faults {
        for entry in entries {
            let strike = Arc::new(Strike::new(entry, &host)?);
            strikes.push(strike.clone());
            stage.suffer(strike);
        }
    }
    if let Some(around) = &props.around {
        stage.intercept(around.clone());
    }
    Ok((stage, strikes))
}

fn host(props: &Props<'_>) -> Result<MemoryHost, Failure> {
    let scenario = props.scenario;
    let mut world = props.world.clone();
    if let Some(clock) = &scenario.clock {
        world.set_clock(clock.clone());
    }
    if let Some(seed) = props.seed.or(scenario.seed) {
        world.set_seed(seed);
    }
    MemoryHost::from_world(&world).map_err(|error| {
        let first = error.problems.first();
        let message = first.map_or_else(|| error.to_string(), |problem| problem.message.clone());
        Failure::at(&scenario.world, message)
    })
}

/// Playing, and what is written down of it.
struct Acting<'a, 'p> {
    props: &'a Props<'p>,
    played: &'a mut Played,
    /// Failures of the host that have to strike in one schedule at least.
    asked: Vec<Arc<Strike>>,
}

impl Acting<'_, '_> {
    fn told(&self) -> bool {
        self.props.manner == Manner::Told
    }

    /// The steps before the story. They must work.
    async fn given(&mut self, stage: &mut Stage) -> bool {
        for step in &self.props.scenario.given {
            if step.value.race.is_some() {
                self.played.failures.push(Failure::at(step, "a race is no part of `given`"));
                return false;
            }
            self.step(stage, step).await;
            if !self.played.failures.is_empty() && self.told() {
                return false;
            }
        }
        true
    }

    /// The steps of the story from here on. A race has many ends: each goes on by itself.
    fn steps<'b>(
        &'b mut self,
        mut stage: Stage,
        steps: &'b [Spanned<Step>],
        start: &'b Snapshot,
    ) -> Pin<Box<dyn Future<Output = ()> + 'b>> {
        Box::pin(async move {
            for (index, step) in steps.iter().enumerate() {
                if let Some(race) = &step.value.race {
                    let rest = steps.get(index + 1..).unwrap_or_default();
                    self.race(stage, step, race, rest, start).await;
                    return;
                }
                self.step(&mut stage, step).await;
                if self.told() && !self.played.failures.is_empty() {
                    return;
                }
            }
            self.end(&mut stage, start).await;
        })
    }

    /// Compares what holds after the last step.
    async fn end(&mut self, stage: &mut Stage, start: &Snapshot) {
        let end = stage.host.snapshot();
        let mut seen = Seen::between(start, &end, stage, None, Wanted { changes: self.told(), calls: false });
        if let Some(expect) = self.props.scenario.expect.as_ref().filter(|_| self.told()) {
            (seen.fuel, seen.host_calls) = (self.played.fuel, self.host_calls());
            self.compare(expect, &seen, stage);
        }
        self.played.came.note_end(&seen.effects);
        self.played.coverage.transitions(&end.audit);
        self.fingerprint(|| serde_json::to_string(&end).unwrap_or_default());
        self.played.effects = seen.effects;
        self.played.mails = seen.mails;
        self.played.audit = seen.audit;
        if self.props.manner == Manner::Disturbed {
            self.settle(stage).await;
        }
    }

    /// Notes what did not come as the scenario says.
    fn compare(&mut self, expect: &Spanned<Outcome>, seen: &Seen<'_>, stage: &Stage) {
        let came = self.props.bless.then_some(&mut self.played.came);
        let failures = check(expect, seen, stage, came);
        self.played.failures.extend(failures);
    }

    /// Notes what another run must do the same. Disturbed, no other run is compared.
    fn fingerprint(&mut self, text: impl FnOnce() -> String) {
        if self.told() {
            self.played.fingerprint.push(text());
        }
    }

    fn host_calls(&self) -> u32 {
        self.played.steps.iter().map(|step| step.host_calls).sum()
    }

    /// Lets everything come to rest, then asks every guarantee.
    async fn settle(&mut self, stage: &mut Stage) {
        for round in 0..12 {
            let world = stage.host.snapshot();
            // A mail may have to wait until tomorrow, where somebody gets only so many a day.
            let next = world.outbox.iter().map(|waiting| waiting.entry.due_at).min().filter(|_| round >= 8);
            let wait = next.map_or(0, |due| due.saturating_sub(world.store_now));
            stage.host.advance(wait.max(120_000));
            for organization in stage.host.with_due_work() {
                for _ in 0..20 {
                    let context = stage.host.context(Some(&organization), Principal::System);
                    let swept = stage.session(None, None).sweep(context, 200).await;
                    if !swept.is_ok_and(|swept| swept.is_ok_and(|swept| swept.more)) {
                        break;
                    }
                }
            }
        }
        let mut world = stage.host.snapshot();
        let mut broken = guarantees::broken(&guarantees::ALWAYS, &world, &stage.history);
        let mut remaining = Vec::new();
        for waiting in std::mem::take(&mut world.outbox) {
            if !waiting::is_obstructed(stage, &waiting).await {
                remaining.push(waiting);
            }
        }
        world.outbox = remaining;
        // A mail that the mail system holds, or a suspended organization, waits rightly.
        let waits = world.organizations.values().any(|place| !place.active || place.deleted);
        if !waits {
            broken.extend(guarantees::broken(&guarantees::AT_REST, &world, &stage.history));
        }
        for promise in broken {
            self.played.failures.push(Failure::at(&self.props.scenario.name, promise));
        }
    }

    /// One step that is no race.
    async fn step(&mut self, stage: &mut Stage, step: &Spanned<Step>) {
        let before = stage.host.snapshot();
        let told = match self.take(stage, step, &before).await {
            Ok(told) => told,
            Err(failure) => {
                // Disturbed, what a step refers to may not be there.
                if self.told() {
                    self.played.failures.push(failure);
                }
                return;
            }
        };
        self.judge(stage, step, told.as_ref(), &before);
    }

    /// Takes a step: a call, or something that happens.
    async fn take(
        &mut self,
        stage: &mut Stage,
        step: &Spanned<Step>,
        before: &Snapshot,
    ) -> Result<Option<Told>, Failure> {
        if let Some((request, organization, caller)) = stage.request(step)? {
            let strike = step
                .value
                .fault
                .as_ref()
                .map(|entry| Strike::new(entry, &stage.host))
                .transpose()?
                .map(Arc::new);
            let session = stage.session(None, strike.clone());
            let context = stage.host.context(organization.as_deref(), caller);
            let spoken = request.ask(&session, context).await;
            if let Some(idle) = strike.filter(|_| self.told()).and_then(|strike| strike.idle()) {
                return Err(idle);
            }
            return Ok(Some(stage.hear(spoken, before)));
        }
        around(stage, step)?;
        Ok(None)
    }

    /// Chooses what has to be known of a step. To show everything of every step costs more than to take it.
    fn wanted(&self, expect: Option<&Spanned<Outcome>>) -> Wanted {
        let expect = expect.filter(|_| self.told()).map(|expect| &expect.value);
        Wanted {
            changes: self.props.explain || expect.is_some_and(Outcome::is_about_changes),
            calls: expect.is_some_and(Outcome::is_about_calls),
        }
    }

    /// Writes down what came, and compares.
    fn judge(&mut self, stage: &Stage, step: &Spanned<Step>, told: Option<&Told>, before: &Snapshot) {
        let after = stage.host.snapshot();
        let wanted = self.wanted(step.value.expect.as_ref());
        let seen = Seen::between(before, &after, stage, told, wanted);
        let broken = guarantees::broken(&guarantees::ALWAYS, &after, &stage.history);
        self.played.failures.extend(broken.into_iter().map(|promise| Failure::at(step, promise)));
        let outcome = step.value.expect.as_ref();
        let met = self.played.failures.len();
        if self.told() {
            if let Some(expect) = outcome {
                self.compare(expect, &seen, stage);
            }
            if let Some(told) = told {
                self.played.failures.extend(unasked(step, outcome.map(|expect| &expect.value), told));
                self.say_who_acted(stage, step, told, met);
                if self.played.failures.len() > met {
                    let log = stage.host.policy_log();
                    self.played.failures.extend(silent(step, &log, &told.spoken.context.request_id));
                }
            }
        }
        self.write_down(stage, step, told, seen);
    }

    /// Adds to the failures from `met` on of a call that was refused: who was refused, and whom the
    /// invitation is for.
    fn say_who_acted(&mut self, stage: &Stage, step: &Spanned<Step>, told: &Told, met: usize) {
        if told.kind != Kind::Refused {
            return;
        }
        let it = &step.value;
        let mut who = format!("`{}` acted", principal(&told.spoken.context.caller));
        let handle = [&it.accept, &it.decline, &it.introspect].into_iter().flatten().next();
        let named = handle.and_then(|handle| handle.code.as_ref().or(handle.invitation.as_ref()));
        let key = named.and_then(|named| stage.names.key(&named.value));
        if let (Some(named), Some(row)) = (named, key.and_then(|key| stage.host.invitation(key)))
            && let Subject::User(invitee) = &row.subject
        {
            who = format!("{who}, and {} is for `{}`", named.value, account(invitee));
        }
        for failure in self.played.failures.iter_mut().skip(met) {
            let help = failure.help.take().map(|help| format!("; {help}")).unwrap_or_default();
            failure.help = Some(format!("{who}{help}"));
        }
    }

    fn write_down(&mut self, stage: &Stage, step: &Spanned<Step>, told: Option<&Told>, seen: Seen<'_>) {
        let (mut trace, mut judgements) = (Vec::new(), Vec::new());
        if let Some(told) = told {
            let spoken = &told.spoken;
            self.played.calls += 1;
            self.played.fuel += spoken.fuel;
            if let Ok(answer) = &spoken.answer {
                answer.cover(&mut self.played.coverage);
            }
            if let Some(calls) = &spoken.trace {
                self.played.coverage.trace(calls);
                if self.props.explain {
                    let showing = Showing { names: &stage.names, now: stage.host.store_now() };
                    trace = explained(calls, &showing);
                    let request = &spoken.context.request_id;
                    let log = stage.host.policy_log();
                    let these: Vec<_> = log.into_iter().filter(|one| one.request == *request).collect();
                    trace.extend(these.iter().flat_map(judged));
                    judgements = these;
                }
                self.fingerprint(|| calls.to_string());
            }
            self.fingerprint(|| format!("{} {} {}", told.shown, spoken.fuel, spoken.memory));
        }
        self.played.steps.push(StepReport {
            line: step.referenced.line(),
            column: step.referenced.column(),
            title: title(&step.value),
            answer: told.map(|told| told.shown.clone()),
            effects: seen.effects,
            trace,
            judgements,
            fuel: seen.fuel,
            host_calls: seen.host_calls,
            memory: seen.memory,
        });
    }
}

/// Tells why policies gave no answer in a call that did not end as expected, and what they said: that is
/// likely the cause.
fn silent(step: &Spanned<Step>, log: &[Judgement], request: &str) -> Option<Failure> {
    let mut these = log.iter().filter(|judgement| judgement.request == request);
    let (judgement, why) = these.find_map(|one| Some((one, one.verdict.as_ref().err()?)))?;
    let what = format!("in `{}`, {why}", judgement.organization);
    let failure = Failure::at(step, what).helped("`--explain` shows what it was told");
    Some(match judgement.log.why() {
        Some(why) => failure.compared(String::new(), why),
        None => failure,
    })
}

/// Does what happens without a call.
fn around(stage: &mut Stage, step: &Spanned<Step>) -> Result<(), Failure> {
    let it = &step.value;
    if let Some(time) = it.advance {
        stage.host.advance(time.0);
    } else if let Some(text) = &it.clock {
        stage.host.set_clock(instant(text)?);
    } else if it.restart == Some(true) {
        stage.restart().map_err(|why| Failure::at(step, why))?;
    } else if let Some(event) = &it.event {
        happen(stage, step, event)?;
        stage.write().map_err(|why| Failure::at(step, why))?;
    }
    Ok(())
}
