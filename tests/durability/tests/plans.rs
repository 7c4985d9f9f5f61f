//! What a call costs does not depend on how much there is: on SQLite, by its own count.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};

use guestlist_durability::{
    act::{Act, Answer, request},
    field::{Field, key_of},
    host::plugin,
    place::Place,
    world,
};
use guestlist_harness::{
    Plugin,
    contract::exports::{invitations::Owner, invitee::Handle},
};
use guestlist_storage::{Observer, Statement};

static PLUGIN: LazyLock<Plugin> = LazyLock::new(plugin);

/// Everything small: a row or a few, however many invitations there are, and parts of a statement that end at
/// a limit.
const SMALL: [&str; 8] = ["floor", "secret", "realm", "migration", "leases", "mails", "expiries", "due"];

/// Which organizations have work is asked of each of them, by one entry of an index: most steps for one.
const STEPS_OF_AN_ORGANIZATION: u64 = 40;

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
async fn everything(organizations: usize, each: usize) -> (Field, Seen) {
    let log = Log::default();
    let place = Place::named("sqlite").await.unwrap();
    let mut field = Field::new(&PLUGIN, place, organizations, each, log.observer()).await.unwrap();
    // Cursors have a key, which is read once.
    field.manage(Act::List).await;
    let pending = field.pending();
    let [one, two, three, four, five, ..] = pending.as_slice() else { panic!("{pending:?}") };
    let person = |letter: &guestlist_durability::act::Letter| {
        (0..100).find(|person| field.mail_to(*person).is_some_and(|mail| mail == *letter)).unwrap()
    };
    let people = [person(one), person(two), person(three)];
    let somebody = field.somebody();
    let alone = |person| Act::Invite(request(vec![world::name(person)], vec![world::group("g-help")]));
    log.was("the beginning");
    let fine = |name: &'static str, answer: Answer| {
        let text = format!("{answer:?}");
        assert!(!text.contains("Host(") && !text.contains("Broken"), "{name}: {text}");
        log.was(name);
        text
    };
    assert!(fine("invite", field.manage(alone(somebody)).await).contains("Ok(["));
    let hundred: Vec<_> = (0..100).map(|_| world::name(field.somebody())).collect();
    let bulk = field.manage(Act::Invite(request(hundred, vec![world::group("g-help")]))).await;
    assert_eq!(fine("invite-100", bulk).matches("Sent").count(), 100);
    fine("list", field.manage(Act::List).await);
    fine("get", field.manage(Act::Get(key_of(one).id)).await);
    fine("resend", field.manage(Act::Resend(vec![key_of(four).id])).await);
    fine("introspect", field.answer(Act::Introspect(Handle::Code(code(one))), people[0]).await);
    assert!(
        fine("accept", field.answer(Act::Accept(Handle::Code(code(one))), people[0]).await).contains("Ok(")
    );
    assert!(
        fine("accept-by-id", field.answer(Act::Accept(Handle::Id(key_of(two))), people[1]).await)
            .contains("Ok(")
    );
    fine("decline", field.answer(Act::Decline(Handle::Id(key_of(three))), people[2]).await);
    fine("list-mine", field.answer(Act::ListMine, people[2]).await);
    fine("revoke", field.manage(Act::Revoke(key_of(five).id)).await);
    fine("revoke-all", field.manage(Act::RevokeAll(Owner::Invitee(world::resident(somebody)))).await);
    fine("sweep", field.upkeep(Act::Sweep).await);
    fine("remove-member", field.upkeep(Act::RemoveMember(world::resident(people[0]))).await);
    let invitations = field.database.invitations(Arc::new(field.database.people()));
    invitations.with_due_work(100).await.unwrap();
    log.was("with-due-work");
    let seen = std::mem::take(&mut *log.0.lock().unwrap());
    (field, seen)
}

fn code(letter: &guestlist_durability::act::Letter) -> String {
    letter.message.code.clone().unwrap()
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
    let (field, seen) = everything(20, 100).await;
    assert!(seen.statements.len() > 60, "{:#?}", seen.statements);
    let connection = rusqlite::Connection::open(field.place().file().unwrap()).unwrap();
    // It can tell.
    assert!(!scans(&connection, "select id from invitation where reason = $1").is_empty());
    for sql in &seen.statements {
        let mut scans = scans(&connection, sql);
        if sql.contains("organization o where reminder_before is not null") {
            scans.retain(|line| line != "SCAN o");
        }
        assert!(scans.is_empty(), "{sql}\n{}", scans.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_times_as_many_invitations_take_no_more_steps() {
    let (_, few) = everything(1, 100).await;
    for (organizations, each) in [(100, 100), (1, 10_000)] {
        let (_, many) = everything(organizations, each).await;
        for (operation, steps) in &many.steps {
            let mut before = few.steps[operation];
            if *operation == "with-due-work" {
                before += organizations as u64 * STEPS_OF_AN_ORGANIZATION;
            }
            assert!(
                *steps * 10 <= before * 13,
                "{operation}: {before} steps with 100 invitations, {steps} with {each} in each of {organizations}"
            );
        }
    }
}
