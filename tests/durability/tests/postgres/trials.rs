//! Real processes on one server, which is stopped under them: short forms of `make race`, `make pairs` and
//! `make crash` with `DATABASE=postgres`.

use std::path::Path;

use guestlist_durability::{crash, pairs, place::Place, race};

const RACE: &str = env!("CARGO_BIN_EXE_race");

#[tokio::test(flavor = "multi_thread")]
async fn of_accepts_from_four_processes_one_has_an_effect() {
    let place = Place::named("postgres").await.unwrap();
    let plan = race::Plan { processes: 4, codes: 60 };
    let outcome = race::run(plan, &place, Path::new(RACE), |_| {}).await.unwrap();
    assert!(outcome.violations.is_empty(), "{outcome}");
    assert_eq!((outcome.effective, outcome.attempts), (60, 240));
    assert!(outcome.contended > 30, "hardly anybody met anybody: {outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operations_at_once_are_one_after_the_other() {
    let place = Place::named("postgres").await.unwrap();
    let plan = pairs::Plan { runs: 2, seed: 1 };
    let outcome = pairs::run(plan, &place, Path::new(RACE), |_, _| {}).await.unwrap();
    assert!(outcome.violations.is_empty(), "{outcome}");
    let overlapped: usize = outcome.pairs.values().map(|pair| pair.overlapped).sum();
    assert!(overlapped * 2 > outcome.runs, "hardly anybody met anybody: {outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_said_survives_its_death_and_that_of_the_server() {
    let place = Place::named("postgres").await.unwrap();
    let plan = crash::Plan { kills: 8, seed: 1 };
    let outcome = crash::run(plan, &place, Path::new(RACE), |_| {}).await.unwrap();
    assert!(outcome.violations.is_empty(), "{outcome}");
    assert_eq!((outcome.kills, outcome.stops), (8, 4));
    assert!(outcome.failed > 0, "nobody noticed that the server was away: {outcome}");
    assert!(outcome.acknowledged.values().sum::<usize>() >= 12, "they hardly worked: {outcome}");
}
