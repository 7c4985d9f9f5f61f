//! Asks everything, each question on its own: whatever one of them does, the others are asked.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    Candidate, ClockKind, Options, Report, Tried, Verdict,
    case::Case,
    cases::cases,
    check::{Outcome, broken},
    history,
    trial::Ground,
};

/// Something to be asked.
enum Question {
    Case(Case),
    History(u64),
}

impl Question {
    fn name(&self) -> String {
        match self {
            Self::Case(case) => case.full_name(),
            Self::History(seed) => format!("history/{seed}"),
        }
    }

    fn rule(&self) -> String {
        match self {
            Self::Case(case) => case.rule.to_owned(),
            Self::History(_) => "Every answer is the one that the in-memory host gives.".to_owned(),
        }
    }

    /// Says why it is not asked of a host with this clock.
    fn impossible(&self, clock: ClockKind) -> Option<String> {
        let why = "it needs a clock that stands still and is moved";
        matches!(self, Self::Case(case) if case.exact && clock == ClockKind::Real).then(|| why.to_owned())
    }
}

/// Asks a candidate all that `options` wants; `progress` hears of each answer as it comes.
///
/// It needs a Tokio runtime with time. With one of several threads, cases that do things at once do them
/// truly at once.
pub async fn run(
    candidate: Arc<dyn Candidate>,
    options: &Options,
    mut progress: impl FnMut(&Tried),
) -> Report {
    let (clock, profile) = (candidate.clock(), candidate.profile());
    let mut waiting: VecDeque<_> = questions(options).into_iter().enumerate().collect();
    let mut running = JoinSet::new();
    let mut tried = Vec::new();
    loop {
        while running.len() < options.jobs.max(1)
            && let Some((place, question)) = waiting.pop_front()
        {
            let ground = Ground { candidate: candidate.clone(), unit: options.unit };
            running.spawn(ask(place, question, ground, options.clone()));
        }
        match running.join_next().await {
            None => break,
            // `ask` itself neither panics nor is it aborted.
            Some(Err(_)) => {}
            Some(Ok((place, done))) => {
                progress(&done);
                tried.push((place, done));
            }
        }
    }
    tried.sort_by_key(|(place, _)| *place);
    Report { clock, profile, tried: tried.into_iter().map(|(_, tried)| tried).collect() }
}

fn questions(options: &Options) -> Vec<Question> {
    let cases = cases().into_iter().map(Question::Case);
    let seeds = (0..u64::from(options.histories)).map(|number| options.seed.wrapping_add(number));
    let all = cases.chain(seeds.map(Question::History));
    let wanted = |question: &Question| {
        options.filter.as_ref().is_none_or(|filter| question.name().contains(filter.as_str()))
    };
    all.filter(wanted).collect()
}

async fn ask(place: usize, question: Question, ground: Ground, options: Options) -> (usize, Tried) {
    let began = Instant::now();
    let (name, rule) = (question.name(), question.rule());
    let verdict = match question.impossible(ground.candidate.clock()) {
        Some(why) => Verdict::LeftOut { why },
        None => guarded(question, ground, &options).await,
    };
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    (place, Tried { name, rule, verdict, milliseconds })
}

/// Asks in a task of its own: a candidate that panics fails this question, and one that does not answer is
/// not waited for.
async fn guarded(question: Question, ground: Ground, options: &Options) -> Verdict {
    let calls = options.calls;
    let time_out = match &question {
        Question::Case(_) => options.time_out,
        // Shrinking plays it again and again.
        Question::History(_) => options.time_out * 10,
    };
    let mut task = tokio::spawn(async move {
        match question {
            Question::Case(case) => (case.run)(ground).await,
            Question::History(seed) => history::play(&ground, seed, calls).await,
        }
    });
    let ended: Outcome = match tokio::time::timeout(time_out, &mut task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(gone)) => Err(broken("everything", "no panic", &panic_words(gone))),
        Err(_) => {
            task.abort();
            Err(broken("everything", &format!("an end within {}", seconds(time_out)), &"none"))
        }
    };
    ended.map_or_else(Verdict::from, |()| Verdict::Passed)
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f32())
}

fn panic_words(gone: tokio::task::JoinError) -> String {
    let Ok(panic) = gone.try_into_panic() else { return "the runtime was shut down".to_owned() };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
