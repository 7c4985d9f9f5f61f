//! Real processes on one server, which is stopped under them.

use crate::trials;

#[tokio::test(flavor = "multi_thread")]
async fn of_accepts_from_four_processes_one_has_an_effect() {
    trials::race("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operations_at_once_are_one_after_the_other() {
    trials::pairs("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_said_survives_its_death_and_that_of_the_server() {
    let outcome = trials::crash("postgres", 8).await;
    assert_eq!(outcome.stops, 4);
    assert!(outcome.failed > 0, "nobody noticed that the server was away: {outcome}");
}
