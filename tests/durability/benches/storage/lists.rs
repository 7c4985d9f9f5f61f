//! What a page of a list costs where an organization has a million people, against what it costs where it has a
//! thousand.

use std::time::{Duration, Instant};

use guestlist_contract::types::{Grant, GrantKind};
use guestlist_durability::{place::Place, server::connect};
use guestlist_storage::{Clock, Database, Organizations, PageOf, PeopleFilter, Reading};

use crate::{
    crowd::{ROOT, world},
    scale::median,
};

const ROUNDS: usize = 400;
const LISTS: [&str; 8] = [
    "people, a page of 50",
    "people by the name's beginning",
    "one by address",
    "one with groups and roles",
    "members of a group",
    "groups",
    "roles",
    "organizations",
];

/// One side.
struct Side {
    _place: Place,
    _database: Database,
    reading: Reading,
    people: usize,
}

/// Measures one kind of database.
pub async fn measure(name: &str) {
    let small = side(name, 1_000, 10).await;
    let large = side(name, 1_000_000, 10_000).await;
    println!("\n{name}: an organization of 1,000,000 people with 10,000 below it, and of 1,000 with 10");
    println!("{:<32} {:>12} {:>12} {:>7}", "median", "1,000,000", "1,000", "ratio");
    for what in LISTS {
        let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            of_small.push(one(&small, what, round).await);
            of_large.push(one(&large, what, round).await);
        }
        let (large, small) = (median(of_large), median(of_small));
        println!(
            "{what:<32} {:>9.0} us {:>9.0} us {:>7.2}",
            large.as_secs_f64() * 1e6,
            small.as_secs_f64() * 1e6,
            large.as_secs_f64() / small.as_secs_f64()
        );
    }
    println!("goal: at most 1.3");
}

async fn side(name: &str, people: usize, organizations: usize) -> Side {
    let place = Place::named(name).await.expect("a database");
    let database = place.with(&world(organizations, 1), Clock::Machine).await.expect("a world");
    fill(&place, people).await;
    Side { reading: database.reading(), _place: place, _database: database, people }
}

/// People of the root, one of a hundred in a group of it that has no others; groups and roles, a tenth of them.
async fn fill(place: &Place, people: usize) {
    let numbers =
        format!("with recursive n(i) as (select 1 union all select i + 1 from n where i < {})", people - 1);
    let persons = format!(
        "{numbers} insert into person (organization, id, name, folded, store, email, folded_email, active, \
         account_organization, account_id) select '{ROOT}', 'p-' || i, 'person-' || i, 'person-' || i, 'PRIMARY', \
         'person-' || i || '@example.com', 'person-' || i || '@example.com', 1, '{ROOT}', 'p-' || i from n"
    );
    let targets = |kind: &str| {
        format!(
            "{numbers} insert into target (organization, kind, id, name) select '{ROOT}', '{kind}', \
             '{kind}-' || i, 'The {kind} ' || i from n where i % 10 = 0"
        )
    };
    let held = format!(
        "{numbers} insert into held (organization, person, kind, target) select '{ROOT}', 'p-' || i, 'group', \
         'group-' || (i - i % 100 + 10) from n where i - i % 100 + 10 < {people}"
    );
    let all = [persons, targets("group"), targets("role"), held].join("; ");
    match place.file() {
        Some(file) => {
            let connection = rusqlite::Connection::open(file).expect("a file");
            connection.execute_batch(&format!("begin; {all}; commit")).expect("people");
        }
        None => {
            let client = connect(place.url()).await.expect("a connection");
            let all = format!("set search_path to guestlist; begin; {all}; commit; analyze");
            client.batch_execute(&all).await.expect("people");
        }
    }
}

/// Once, and how long it took.
async fn one(side: &Side, what: &str, round: usize) -> Duration {
    // Somebody else each time, all over the table.
    let number = 1 + round * 7919 % (side.people - 200);
    let page = PageOf::default();
    let begun = Instant::now();
    let shown = match what {
        "people, a page of 50" => {
            side.reading.people(ROOT, &PeopleFilter::default(), &page).await.map(|found| found.items.len())
        }
        "people by the name's beginning" => {
            let filter =
                PeopleFilter { name_prefix: Some(format!("person-{number}")), ..PeopleFilter::default() };
            side.reading.people(ROOT, &filter, &page).await.map(|found| found.items.len())
        }
        "one by address" => {
            let email = Some(format!("Person-{number}@example.com"));
            let filter = PeopleFilter { email, ..PeopleFilter::default() };
            side.reading.people(ROOT, &filter, &page).await.map(|found| found.items.len())
        }
        "one with groups and roles" => {
            side.reading.person(ROOT, &format!("p-{number}")).await.map(|found| usize::from(found.is_some()))
        }
        "members of a group" => {
            let id = format!("group-{}", number - number % 100 + 10);
            let group = Grant { kind: GrantKind::Group, id };
            side.reading.members(ROOT, &group, &page).await.map(|found| found.items.len())
        }
        "groups" | "roles" => {
            let kind = if what == "groups" { GrantKind::Group } else { GrantKind::Role };
            side.reading.targets(ROOT, kind, None, &page).await.map(|found| found.items.len())
        }
        _ => {
            let children = Organizations::Children(ROOT.into());
            side.reading
                .organizations(&children, &PageOf { limit: 10, ..page })
                .await
                .map(|found| found.items.len())
        }
    };
    let taken = begun.elapsed();
    assert!(shown.expect("an answer") > 0, "{what} {number}");
    taken
}
