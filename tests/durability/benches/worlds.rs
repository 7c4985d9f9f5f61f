//! What a world of half a million people costs, against one of fifty thousand: to be read, to be saved and
//! read again, to be asked, and to be imported into a database. `DATABASE=sqlite` or `postgres` imports into
//! one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a measurement that fails stops"
)]

use std::{env, fmt::Write as _, time::Instant};

use guestlist_contract::{
    directory::Found,
    host::{Directory as _, Operation},
    types::{Principal, UserRef},
};
use guestlist_durability::place::Place;
use guestlist_hostile::machine::{commit, machine};
use guestlist_memory::MemoryHost;
use guestlist_storage::Clock;
use tokio::runtime::Builder;

const FEW: usize = 50_000;
const MANY: usize = 500_000;

/// A parent with so many people, and an organization whose administrator invites them.
fn world(people: usize) -> String {
    let mut yaml = "organizations:\n  - id: root\n    users:\n".to_owned();
    for number in 0..people {
        let _ = writeln!(
            yaml,
            "      - {{ id: u-{number}, name: user{number}, email: user{number}@root.example }}"
        );
    }
    yaml + "  - id: acme\n    parent: root\n    users: [{ id: u-ann, name: ann }]\n    permissions: { u-ann: [all] }\n"
}

/// Seconds for each of the things that are done, in order.
struct Times(Vec<(String, f64)>);

impl Times {
    fn take<T>(&mut self, what: &str, begun: Instant, done: T) -> T {
        self.0.push((what.to_owned(), begun.elapsed().as_secs_f64()));
        done
    }
}

async fn measure(people: usize, databases: &[&str]) -> Times {
    let mut times = Times(Vec::new());
    let yaml = world(people);
    let begun = Instant::now();
    let host = MemoryHost::from_yaml(&yaml).expect("a world");
    let host = times.take("read from YAML", begun, host);
    let begun = Instant::now();
    let saved = times.take("save a state", begun, host.save().expect("a state"));
    let begun = Instant::now();
    let host = times.take("read a state", begun, MemoryHost::load(&saved).expect("a state"));
    let ann = Principal::User(UserRef { organization: "acme".into(), id: "u-ann".into() });
    let call = host.call(Operation::Invite, Some("acme"), ann);
    for what in ["find 100, the first time", "find 100"] {
        let names = (0..100).map(|number| match number % 2 {
            0 => format!("user{}", people - 1 - number),
            _ => format!("USER{}@root.example", people - 1 - number),
        });
        let begun = Instant::now();
        let found = host.find_users(&call, "root".into(), None, names.collect()).await.expect("an answer");
        let found = times.take(what, begun, found);
        assert!(found.iter().all(|one| matches!(one, Ok(Found::One(_)))), "{found:?}");
    }
    for database in databases {
        let place = Place::named(database).await.expect("a database");
        let store = place.open(Clock::Machine).await.expect("a database");
        let begun = Instant::now();
        let realm = MemoryHost::from_yaml(&yaml).expect("a world").realm();
        store.load(&realm).await.expect("room for it");
        times.take(&format!("import into {database}"), begun, ());
    }
    times
}

fn main() {
    let wanted = |word: &&str| env::var("DATABASE").map_or(true, |value| value.is_empty() || value == *word);
    let databases: Vec<_> = ["sqlite", "postgres"].into_iter().filter(wanted).collect();
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!("machine   {}", machine());
    println!("commit    {}", commit());
    println!("\n{:<28}{MANY:>12}{FEW:>12}   ratio", "seconds, for people");
    let (few, many) =
        runtime.block_on(async { (measure(FEW, &databases).await, measure(MANY, &databases).await) });
    for ((what, few), (_, many)) in few.0.into_iter().zip(many.0) {
        println!("{what:<28}{many:>12.3}{few:>12.3}{:>8.1}", many / few);
    }
    println!("goal: 10 s to be read, and ten times the time for ten times the people");
}
