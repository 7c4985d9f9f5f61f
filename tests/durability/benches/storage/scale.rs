//! What an operation costs where there are a million invitations in ten thousand organizations, against what
//! it costs where there are a thousand in ten.

use std::time::{Duration, Instant};

use guestlist_contract::{
    exports::invitee::Handle,
    types::{InvitationFilter, PageRequest, Principal, SortKey},
};
use guestlist_durability::{place::Place, server::connect};
use guestlist_harness::operations;
use guestlist_storage::{Clock, Database};

use crate::crowd::{Crowd, by_admin, by_invitee, organization, world};

/// In each organization.
const EACH: usize = 100;
const ROUNDS: usize = 400;
/// The first number of twelve digits, the last part of a UUID.
const FIRST: usize = 100_000_000_000;
/// The id of an invitation, in SQL.
const ID: &str = "'00000000-0000-7000-8000-' || (100000000000 + i)";
/// People who can be invited, besides those who were.
const USERS: usize = 6_000;

/// One side.
struct Side {
    _place: Place,
    database: Database,
    crowd: Crowd,
    organizations: usize,
}

/// Measures one kind of database.
pub async fn measure(name: &str) {
    let small = side(name, 10).await;
    let large = side(name, 10_000).await;
    println!("\n{name}: 1,000,000 invitations in 10,000 organizations, and 1,000 in 10");
    println!("{:<32} {:>12} {:>12} {:>7}", "median", "1,000,000", "1,000", "ratio");
    for what in [
        "list, a page of 50",
        "get",
        "by code (introspect)",
        "invite of 1",
        "accept",
        "sweep, nothing due",
        "who has due work",
    ] {
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

async fn side(name: &str, organizations: usize) -> Side {
    let place = Place::named(name).await.expect("a database");
    let database = place.with(&world(organizations, USERS), Clock::Machine).await.expect("a world");
    fill(&place, organizations).await;
    let crowd = Crowd::new(&database, 0, USERS);
    Side { _place: place, database, crowd, organizations }
}

/// Invitations of people who are not in the world: half of them pending, the others over.
async fn fill(place: &Place, organizations: usize) {
    let now = guestlist_durability::host::micros() / 1000;
    let count = organizations * EACH;
    let numbers =
        format!("with recursive n(i) as (select 0 union all select i + 1 from n where i < {})", count - 1);
    let rows = format!(
        "{numbers} insert into invitation (organization, id, parent, schema, version, state, subject_organization, \
         subject_id, name, inviter, grants, outcomes, accept_with, notify, mail, metadata, created_at, lifetime, \
         expires_at, ended_at, claims, resends, last_operation, reminded, hidden_until) \
         select 'org-' || (i / {EACH}), {ID}, 'root', 1, 1, case when i % 2 = 0 then 'pending' else 'revoked' end, \
         'root', 'old-' || i, 'old-' || i, '{{\"User\":{{\"organization\":\"acme\",\"id\":\"admin\"}}}}', '[]', '[]', \
         'invitee', 'internal', 'sent', '[]', {now} - i % 1000000, 259200000, {now} + 259200000 + i % 1000000, \
         case when i % 2 = 0 then null else {now} end, 0, 0, 'old', 0, 0 from n"
    );
    let events = format!(
        "{numbers} insert into audit (at, organization, actor, request_id, kind, operation, invitation) \
         select {now}, 'org-' || (i / {EACH}), '\"System\"', '', 'invitation.created', 'invite', {ID} from n"
    );
    let loading = "insert into loading values (1)";
    let loaded = "delete from loading";
    match place.file() {
        Some(file) => {
            let connection = rusqlite::Connection::open(file).expect("a file");
            let digests = format!(
                "{numbers} insert into code (digest, organization, invitation, version) \
                 select randomblob(32), 'org-' || (i / {EACH}), {ID}, 1 from n"
            );
            let all = format!("begin; {loading}; {rows}; {digests}; {events}; {loaded}; commit");
            connection.execute_batch(&all).expect("invitations");
        }
        None => {
            let client = connect(place.url()).await.expect("a connection");
            let digests = format!(
                "{numbers} insert into code (digest, organization, invitation, version) \
                 select sha256(('old' || i)::bytea), 'org-' || (i / {EACH}), {ID}, 1 from n"
            );
            let all = format!(
                "set search_path to guestlist; begin; {loading}; {rows}; {digests}; {events}; {loaded}; commit; analyze"
            );
            client.batch_execute(&all).await.expect("invitations");
        }
    }
}

/// Once, and how long it took.
async fn one(side: &Side, what: &str, round: usize) -> Duration {
    // Another organization each time, all over the table.
    let number = round * 7919 % side.organizations;
    let place = organization(number);
    let session = side.crowd.session();
    match what {
        "list, a page of 50" => {
            let page = PageRequest { sort: SortKey::CreatedAt, descending: true, after: None, limit: 50 };
            let filter = InvitationFilter::default();
            let begun = Instant::now();
            let done =
                session.run(by_admin(&place), operations::List { filter, page }).await.expect("an answer");
            let taken = begun.elapsed();
            assert_eq!(done.answer.expect("a page").items.len(), 50);
            taken
        }
        "get" => {
            let id = format!("00000000-0000-7000-8000-{}", FIRST + number * EACH);
            let begun = Instant::now();
            let done = session.run(by_admin(&place), operations::Get { id }).await.expect("an answer");
            let taken = begun.elapsed();
            assert!(done.answer.is_ok());
            taken
        }
        "invite of 1" => {
            let people = side.crowd.take(1);
            let begun = Instant::now();
            side.crowd.invite(&place, &people).await;
            begun.elapsed()
        }
        "by code (introspect)" | "accept" => {
            side.crowd.codes();
            side.crowd.invite(&place, &side.crowd.take(1)).await;
            let (who, code) = side.crowd.codes().remove(0);
            let begun = Instant::now();
            if what == "accept" {
                side.crowd.accept(&who, &code).await;
            } else {
                let handle = Handle::Code(code);
                let shown = session.run(by_invitee(&who), operations::Introspect { handle }).await;
                assert!(shown.expect("an answer").answer.is_ok());
            }
            begun.elapsed()
        }
        "sweep, nothing due" => {
            let mut context = by_admin(&place);
            context.caller = Principal::System;
            let begun = Instant::now();
            let swept = session.run(context, operations::Sweep { limit: 100 }).await.expect("an answer");
            let taken = begun.elapsed();
            assert!(swept.answer.is_ok_and(|swept| !swept.more));
            taken
        }
        _ => {
            let people = std::sync::Arc::new(side.database.people());
            let invitations = side.database.invitations(people);
            let begun = Instant::now();
            invitations.with_due_work(100).await.expect("an answer");
            begun.elapsed()
        }
    }
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
