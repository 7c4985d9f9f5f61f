//! Random histories: the same calls and events on a candidate and on the in-memory host, every answer
//! compared, and in the end all that is stored.

mod act;
mod generate;
mod normal;
mod perform;

use std::sync::Arc;

use serde_json::{Value, json};

use self::{act::Act, normal::Times};
use super::{
    ClockKind, Profile, Reference,
    check::{Broken, Outcome, Stop, broken},
    trial::{Ground, Trial},
};
use guestlist_memory::{AuditEvent, MemoryHost, Realm};
use guestlist_testkit::guarantees::{ALWAYS, History, broken as broken_guarantees};

/// A difference that was found is made shorter by so many tries.
const TRIES: usize = 300;
/// The time after each act, with a clock that goes on by itself, so that two acts never share an instant.
const BREATH: u64 = 2;

/// Plays the history of a seed. Where the hosts differ, the shortest history that still shows it is told.
pub(super) async fn play(ground: &Ground, seed: u64, calls: u32) -> Outcome {
    let mut history = generate::history(seed, calls, ground.candidate.clock(), ground.profile());
    let Err(stop) = compare(ground, &history).await else { return Ok(()) };
    let Stop::Broken(mut found) = stop else { return Err(stop) };
    let mut tries = 0;
    let mut place = history.len();
    while place > 1 && tries < TRIES {
        place -= 1;
        let mut shorter = history.clone();
        shorter.remove(place);
        tries += 1;
        if let Err(Stop::Broken(still)) = compare(ground, &shorter).await {
            (history, found) = (shorter, still);
            place = place.min(history.len());
        }
    }
    Err(Stop::Broken(Broken { what: told(seed, &history, &found.what), ..found }))
}

fn told(seed: u64, history: &[Act], what: &str) -> String {
    let acts = history.iter().enumerate();
    let lines: Vec<_> = acts.map(|(number, act)| format!("    {:>2}. {act}", number + 1)).collect();
    format!("{what}, in this history (seed {seed}, made as short as it gets):\n{}", lines.join("\n"))
}

async fn compare(ground: &Ground, history: &[Act]) -> Outcome {
    let reference = Ground { candidate: Arc::new(Reference), unit: ground.unit };
    let (real, ideal) = (ground.company().await?, reference.company().await?);
    let clock = ground.candidate.clock();
    let (mut times, mut passed) = (None, 0_u64);
    for (number, act) in history.iter().enumerate() {
        let expected = match (act, perform::perform(&ideal, act).await) {
            // It cannot happen in this world, so it does not happen.
            (Act::Happens(_), Err(_)) => continue,
            (_, expected) => expected?,
        };
        let came = perform::perform(&real, act).await?;
        if let Act::Passes(milliseconds) = act {
            passed = passed.saturating_add(*milliseconds);
        }
        let (of_real, of_ideal) = match times {
            Some(known) => known,
            None => *times.insert(begin(&real, &ideal, clock).await?),
        };
        differ(
            &format!("the answer to act {}", number + 1),
            &of_real.normal(came),
            &of_ideal.normal(expected),
        )?;
        if clock == ClockKind::Real {
            real.pass(BREATH).await?;
            ideal.pass(BREATH).await?;
        }
    }
    match times {
        Some((of_real, of_ideal)) => {
            compare_stored(ground, (&real, of_real), (&ideal, of_ideal), passed).await
        }
        None => Ok(()),
    }
}

/// The clocks, when the first row was made.
async fn begin(real: &Trial, ideal: &Trial, clock: ClockKind) -> Outcome<(Times, Times)> {
    let name = act::Row { in_globex: false, number: 1 }.name();
    let of =
        async |t: &Trial| -> Outcome<Times> { Ok(Times { clock, base: t.row(&name).await?.created_at }) };
    Ok((of(real).await?, of(ideal).await?))
}

fn differ(what: &str, came: &Value, expected: &Value) -> Outcome {
    let Some((path, came, expected)) = normal::difference(came, expected) else { return Ok(()) };
    let what = if path.is_empty() { what.to_owned() } else { format!("{what}, at `{path}`") };
    Err(match broken(&what, &expected, &"") {
        Stop::Broken(broken) => {
            Stop::Broken(Broken { came: shown(came), expected: shown(broken.expected), ..broken })
        }
        stop => stop,
    })
}

/// A whole page helps nobody.
fn shown(text: String) -> String {
    const MOST: usize = 3_000;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => text.get(..end).map_or_else(String::new, |start| format!("{start} ...")),
        None => text,
    }
}

async fn compare_stored(
    ground: &Ground,
    real: (&Trial, Times),
    ideal: (&Trial, Times),
    passed: u64,
) -> Outcome {
    let profile = ground.profile();
    let ideal_trail = ideal.0.whole_trail().await?.unwrap_or_default();
    let real_trail = real.0.whole_trail().await?;
    if let Some(real_trail) = &real_trail {
        let (came, expected) = (real.1.trail(real_trail, profile), ideal.1.trail(&ideal_trail, profile));
        differ("the audit trail in the end", &came, &expected)?;
    }
    let (Some(stored), Some(expected)) = (real.0.realm().await?, ideal.0.realm().await?) else {
        return Ok(());
    };
    let host = Reference::host(&expected);
    // Both clocks have gone the same way since their first row.
    let now = |times: Times| times.base.saturating_add(passed);
    let came = real.1.realm(&stored, profile, now(real.1));
    differ("what is stored in the end", &came, &ideal.1.realm(&expected, profile, now(ideal.1)))?;
    if profile == Profile::Transactional {
        let trail = real_trail.unwrap_or_else(|| stored.audit.clone());
        guarantees(&host, stored, with_world(&trail, &ideal_trail))?;
    }
    Ok(())
}

/// The trail of a host that does not write down what happens in the world, with that in its place.
fn with_world(trail: &[AuditEvent], ideal: &[AuditEvent]) -> Vec<AuditEvent> {
    let is_of_the_world = |event: &AuditEvent| event.text().starts_with("world.");
    let mut own = trail.iter().filter(|event| !is_of_the_world(event));
    let mut at = 0;
    let mut whole = Vec::new();
    for event in ideal {
        let mut event = match is_of_the_world(event) {
            true => AuditEvent { at, ..event.clone() },
            false => own.next().unwrap_or(event).clone(),
        };
        at = at.max(event.at);
        event.at = at;
        whole.push(event);
    }
    whole
}

/// Every guarantee that the in-memory host keeps in this history has to be kept by what the candidate
/// stores. (A history of import calls may do what the plugin never does, so some are kept by neither.)
fn guarantees(ideal: &MemoryHost, mut stored: Realm, audit: Vec<AuditEvent>) -> Outcome {
    let shadow = MemoryHost::default();
    stored.audit = audit;
    shadow.set_realm(stored);
    let said = History::default();
    let expected = broken_guarantees(&ALWAYS, &ideal.snapshot(), &said);
    let name = |text: &String| text.split(':').next().unwrap_or_default().to_owned();
    let excused: Vec<_> = expected.iter().map(name).collect();
    let mut found = broken_guarantees(&ALWAYS, &shadow.snapshot(), &said);
    found.retain(|text| !excused.contains(&name(text)));
    match found.is_empty() {
        true => Ok(()),
        false => Err(broken("the guarantees in the end", "all of them hold", &json!(found))),
    }
}
