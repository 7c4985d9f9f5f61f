//! What a call costs does not depend on how much there is: on SQLite, by its own count.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod everything;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};

use guestlist_durability::{field::Field, host::plugin, place::Place};
use guestlist_harness::Plugin;
use guestlist_storage::{Observer, Statement};

static PLUGIN: LazyLock<Plugin> = LazyLock::new(plugin);

/// Everything small: a row or a few, however many invitations there are, and parts of a statement that end at
/// a limit, as the way through a tree.
const SMALL: [&str; 13] = [
    "floor",
    "secret",
    "realm",
    "migration",
    "link",
    "leases",
    "mails",
    "expiries",
    "ended",
    "due",
    "up",
    "walk",
    "page",
];

/// Statements, and the steps of each operation.
#[derive(Default)]
struct Seen {
    statements: BTreeSet<String>,
    steps: BTreeMap<&'static str, u64>,
    current: u64,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Seen>>);

impl Log {
    fn observer(&self) -> Observer {
        let log = self.clone();
        Observer::new(move |statement: &Statement<'_>| {
            let mut seen = log.0.lock().unwrap();
            seen.statements.insert(statement.sql.to_owned());
            seen.current += statement.steps.unwrap();
        })
    }

    /// What has been counted until now was for this.
    fn was(&self, operation: &'static str) {
        let mut seen = self.0.lock().unwrap();
        let steps = std::mem::take(&mut seen.current);
        seen.steps.insert(operation, steps);
    }
}

/// Does everything that can be done, in a database with so many invitations.
async fn done(organizations: usize, each: usize, others: usize) -> (Field, Seen) {
    let log = Log::default();
    let place = Place::named("sqlite").await.unwrap();
    let mut field = Field::new(&PLUGIN, place, organizations, each, others, log.observer()).await.unwrap();
    field.fill_accounts().await.unwrap();
    everything::done(&mut field, |operation| log.was(operation)).await;
    let seen = std::mem::take(&mut *log.0.lock().unwrap());
    (field, seen)
}

/// Lines of a plan that go through a whole table.
fn scans(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let explain = format!("explain query plan {}", sql.replace('$', "?"));
    let mut statement = connection.prepare(&explain).unwrap();
    let count = statement.parameter_count();
    let nulls = vec![rusqlite::types::Null; count];
    let lines =
        statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>(3)).unwrap();
    let scans = lines.map(Result::unwrap).filter(|line| line.starts_with("SCAN"));
    let small = |line: &String| {
        SMALL.iter().any(|table| line.split(' ').nth(1) == Some(table))
            || line.contains("CONSTANT ROW")
            || line.contains("VALUES CLAUSE")
    };
    scans.filter(|line| !small(line)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_goes_through_a_table() {
    let (field, seen) = done(20, 100, 2000).await;
    assert!(seen.statements.len() > 60, "{:#?}", seen.statements);
    let connection = rusqlite::Connection::open(field.place().file().unwrap()).unwrap();
    // It can tell.
    assert!(!scans(&connection, "select id from invitation where reason = $1").is_empty());
    for sql in &seen.statements {
        let mut scans = scans(&connection, sql);
        // Only where something is old enough for some organization: the steps below tell.
        if sql.contains("as ended cross join organization o") {
            scans.retain(|line| line != "SCAN o");
        }
        assert!(scans.is_empty(), "{sql}\n{}", scans.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_times_as_many_invitations_take_no_more_steps() {
    let (_, few) = done(1, 100, 300).await;
    for (organizations, each) in [(100, 100), (1, 10_000)] {
        let (_, many) = done(organizations, each, 20_000).await;
        for (operation, steps) in &many.steps {
            let before = few.steps[operation];
            assert!(
                *steps * 10 <= before * 13,
                "{operation}: {before} steps with 100 invitations, {steps} with {each} in each of {organizations}"
            );
        }
    }
}
