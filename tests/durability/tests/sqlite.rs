//! Real processes on one SQLite file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod trials;

#[tokio::test(flavor = "multi_thread")]
async fn of_accepts_from_four_processes_one_has_an_effect() {
    trials::race("sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operations_at_once_are_one_after_the_other() {
    trials::pairs("sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_said_survives_its_death() {
    trials::crash("sqlite", 12).await;
}
