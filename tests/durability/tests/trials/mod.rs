//! Short forms of `make race`, `make pairs` and `make crash`, for any database.

use std::path::Path;

use guestlist_durability::{crash, pairs, place::Place, race};

const RACE: &str = env!("CARGO_BIN_EXE_race");

/// Of accepts from four processes one has an effect.
pub async fn race(database: &str) {
    let place = Place::named(database).await.unwrap();
    let plan = race::Plan { processes: 4, codes: 60 };
    let outcome = race::run(plan, &place, Path::new(RACE), |_| {}).await.unwrap();
    assert!(outcome.violations.is_empty(), "{outcome}");
    assert_eq!((outcome.effective, outcome.attempts), (60, 240));
    assert!(outcome.contended > 30, "hardly anybody met anybody: {outcome}");
}

/// Two operations at once are one after the other.
pub async fn pairs(database: &str) {
    let place = Place::named(database).await.unwrap();
    let plan = pairs::Plan { runs: 2, seed: 1 };
    let outcome = pairs::run(plan, &place, Path::new(RACE), |_, _| {}).await.unwrap();
    assert!(outcome.violations.is_empty(), "{outcome}");
    let overlapped: usize = outcome.pairs.values().map(|pair| pair.overlapped).sum();
    assert!(overlapped * 2 > outcome.runs, "hardly anybody met anybody: {outcome}");
}

/// What a host said survives its death, and that of its server.
pub async fn crash(database: &str, kills: usize) -> crash::Outcome {
    let place = Place::named(database).await.unwrap();
    let plan = crash::Plan { kills, seed: 1 };
    let outcome = crash::run(plan, &place, Path::new(RACE), |_| {}).await.unwrap();
    assert!(outcome.violations.is_empty(), "{outcome}");
    assert_eq!(outcome.kills, kills);
    // On a machine that does much else they get little done.
    assert!(outcome.acknowledged.values().sum::<usize>() >= 12, "they hardly worked: {outcome}");
    outcome
}
