//! Playing races: each schedule on a stage of its own, and after it the rest of the story.

use std::{future::Future, pin::Pin, sync::Arc};

use serde_saphyr::Spanned;

use super::{Acting, around};
use crate::{
    ask::Spoken,
    expect::{Seen, Wanted},
    explain::title,
    failure::Failure,
    fault::Strike,
    format::{FaultEntry, Race, Step},
    stage::{Stage, Told},
};
use guestlist_documents::yaml::flow;
use guestlist_memory::Snapshot;
use guestlist_testkit::guarantees;
use guestlist_testkit::race::{Chance, Runner, Schedules, Turn, run};

/// Most schedules of one race.
const SCHEDULES_MAX: usize = 20_000;

const SCHEDULE: &str = "in the schedule ";

/// A call, or something that happens, under way.
type Doing = Pin<Box<dyn Future<Output = Result<Option<Spoken>, Failure>>>>;

impl Acting<'_, '_> {
    /// Plays every schedule of a race, and after each what follows it.
    pub(super) async fn race(
        &mut self,
        stage: Stage,
        step: &Spanned<Step>,
        race: &Race,
        rest: &[Spanned<Step>],
        start: &Snapshot,
    ) {
        let mut schedules = Schedules::new(race.switches.unwrap_or(1));
        for run in 0.. {
            let mut dice = race.seed.map(|seed| Chance::new(seed.wrapping_add(run)));
            let mut choose = |ready: &[usize], last: Option<usize>| match &mut dice {
                Some(dice) => dice.choose(ready, last),
                None => schedules.choose(ready, last),
            };
            let mut stage = match stage.fork() {
                Ok(fork) => fork,
                Err(why) => {
                    self.played.failures.push(Failure::at(step, why));
                    return;
                }
            };
            let ran = self.run_once(&mut stage, step, race, &mut choose);
            self.played.schedules += 1;
            if let Some(order) = ran {
                if self.played.failures.is_empty() || !self.told() {
                    self.steps(stage, rest, start).await;
                }
                if !self.played.failures.is_empty() {
                    let order: Vec<_> = order.iter().map(|index| (index + 1).to_string()).collect();
                    for failure in &mut self.played.failures {
                        let help = failure.help.take();
                        // That of a race inside of what follows says more.
                        let told = help.as_ref().is_some_and(|help| help.contains(SCHEDULE));
                        let order = order.join(" ");
                        let schedule = format!("{SCHEDULE}{order} (who goes on, step by step)");
                        failure.help = match help {
                            Some(help) if told => Some(help),
                            Some(help) => Some(format!("{help}; {schedule}")),
                            None => Some(schedule),
                        };
                    }
                }
            }
            let more = match race.seed {
                // Disturbed, the faults are the point: one order will do.
                _ if !self.told() => false,
                Some(_) => run + 1 < u64::from(race.runs.unwrap_or(20)),
                None => schedules.go_on(),
            };
            if !self.played.failures.is_empty() || !more {
                return;
            }
            if run as usize >= SCHEDULES_MAX {
                let message = format!("the race has more than {SCHEDULES_MAX} schedules");
                self.played
                    .failures
                    .push(Failure::at(step, message).helped("lower `switches`, or give a `seed`"));
                return;
            }
        }
    }

    /// One schedule. Returns who went on, step by step; `None` when it could not be run.
    fn run_once(
        &mut self,
        stage: &mut Stage,
        step: &Spanned<Step>,
        race: &Race,
        choose: &mut dyn FnMut(&[usize], Option<usize>) -> usize,
    ) -> Option<Vec<usize>> {
        let before = stage.host.snapshot();
        let mut runners = Vec::new();
        for one in &race.of {
            let turn = Arc::new(Turn::default());
            match self.racer(stage, one, turn.clone()) {
                Ok(acting) => runners.push(Runner::new(turn, acting)),
                Err(failure) => {
                    if self.told() {
                        self.played.failures.push(failure);
                    }
                    return None;
                }
            }
        }
        let Some((ended, order)) = run(runners, choose, &mut |_, _| {}) else {
            self.played.failures.push(Failure::at(step, "a call neither ends nor stops"));
            return None;
        };
        let mut successes = 0;
        let mut answers = Vec::new();
        for (one, ended) in race.of.iter().zip(ended) {
            match ended {
                Ok(Some(spoken)) => {
                    let told = stage.hear(spoken, &before);
                    successes += usize::from(told.success);
                    answers.push(format!("{}: {}", title(&one.value), flow(&told.shown)));
                    self.judge_racer(stage, one, &told);
                }
                Ok(None) => {}
                Err(failure) if self.told() => self.played.failures.push(failure),
                Err(_) => {}
            }
        }
        let after = stage.host.snapshot();
        let broken = guarantees::broken(&guarantees::ALWAYS, &after, &stage.history);
        self.played.failures.extend(broken.into_iter().map(|promise| Failure::at(step, promise)));
        if self.told() {
            if let Some(wanted) = race.succeed.filter(|wanted| *wanted != successes) {
                let failure = Failure::at(step, "another number of the calls succeeded");
                let answers = format!("{successes}\n{}", answers.join("\n"));
                self.played.failures.push(failure.compared(wanted.to_string(), answers));
            }
            if let Some(expect) = &step.value.expect {
                let seen =
                    Seen::between(&before, &after, stage, None, Wanted { changes: true, calls: false });
                self.compare(expect, &seen, stage);
            }
        }
        Some(order)
    }

    /// Prepares what one that races does, whenever it is their turn.
    fn racer(&mut self, stage: &mut Stage, step: &Spanned<Step>, turn: Arc<Turn>) -> Result<Doing, Failure> {
        let Some((request, organization, caller)) = stage.request(step)? else {
            let (mut stage, step) = (stage.clone(), step.clone());
            return Ok(Box::pin(async move {
                turn.stop(None).await;
                around(&mut stage, &step).map(|()| None)
            }));
        };
        let strike = step.value.fault.as_ref().map(|entry| self.strike(entry, stage)).transpose()?;
        let session = stage.session(Some(turn.clone()), strike);
        let host = stage.host.clone();
        Ok(Box::pin(async move {
            // The caller's rights are looked up when the call starts, in a step of its own.
            turn.stop(None).await;
            let context = host.context(organization.as_deref(), caller);
            Ok(Some(request.ask(&session, context).await))
        }))
    }

    /// The failure of the host for one that races: afresh in every schedule.
    fn strike(&mut self, entry: &Spanned<FaultEntry>, stage: &Stage) -> Result<Arc<Strike>, Failure> {
        if let Some(known) = self.asked.iter().find(|strike| strike.is_of(entry)) {
            return Ok(Arc::new(known.fork(&stage.host)));
        }
        let strike = Strike::new(entry, &stage.host)?;
        let here = Arc::new(strike.fork(&stage.host));
        self.asked.push(Arc::new(strike));
        Ok(here)
    }

    /// Judges one that races: only its answer is its own.
    fn judge_racer(&mut self, stage: &Stage, step: &Spanned<Step>, told: &Told) {
        let now = stage.host.snapshot();
        let wanted = self.wanted(step.value.expect.as_ref());
        let seen = Seen::between(&now, &now, stage, Some(told), Wanted { changes: false, ..wanted });
        if let Some(expect) = step.value.expect.as_ref().filter(|_| self.told()) {
            let met = self.played.failures.len();
            self.compare(expect, &seen, stage);
            self.say_who_acted(stage, step, told, met);
        }
        self.write_down(stage, step, Some(told), seen);
    }
}
