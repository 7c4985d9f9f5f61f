//! Invites and accepts a second, both ways.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use guestlist_contract::exports::invitee::Handle;
use guestlist_durability::{place::Place, server::connect};
use guestlist_harness::operations;
use guestlist_storage::Clock;

use crate::{
    by_hand::Hand,
    crowd::{Crowd, by_admin, by_invitee, organization, request, world},
};

const USERS: usize = 800_000;
const ORGANIZATIONS: usize = 64;
/// How long a block goes on.
const BLOCK: Duration = Duration::from_millis(700);
const BLOCKS: usize = 5;

/// Measures one database.
pub async fn measure(place: &Place, name: &str) {
    let database = place.with(&world(ORGANIZATIONS, USERS), Clock::Machine).await.expect("a world");
    // The store's people come from below, those by hand from above.
    let crowd = Crowd::new(&database, 0, USERS / 2);
    let hand = Hand::on(place).await;
    let by_hand = Arc::new(AtomicUsize::new(USERS / 2));
    for number in 0..ORGANIZATIONS {
        crowd.invite(&organization(number), &crowd.take(50)).await;
    }
    println!("\n{name}: {}", told(&crowd).await);
    println!("{:<32} {:>12} {:>12} {:>7}", "a second", "component", "by hand", "ratio");
    for callers in [1, 8, 64] {
        for size in [1, 100] {
            survey(place).await;
            let (mut through, mut hands) = (Vec::new(), Vec::new());
            for _ in 0..BLOCKS {
                let people = |count| crowd.take(count);
                through.push(
                    rate(callers, size, async |caller| {
                        crowd.invite(&organization(caller), &people(size)).await;
                    })
                    .await,
                );
                hands.push(
                    rate(callers, size, async |caller| {
                        let first = by_hand.fetch_add(size, Ordering::SeqCst);
                        let people: Vec<_> = (first..first + size).collect();
                        hand.invite(&organization(caller), &people).await;
                    })
                    .await,
                );
            }
            row(&format!("invites of {size}, {callers} at once"), &mut through, &mut hands);
        }
        survey(place).await;
        let (mut through, mut hands) = (Vec::new(), Vec::new());
        for _ in 0..BLOCKS {
            crowd.codes();
            for caller in 0..callers.max(4) {
                crowd
                    .invite(
                        &organization(caller % ORGANIZATIONS),
                        &crowd.take(100.min(1600 / callers.max(4))),
                    )
                    .await;
            }
            let codes = crowd.codes();
            let next = AtomicUsize::new(0);
            through.push(
                all(callers, codes.len(), async |_| {
                    let (who, code) = &codes[next.fetch_add(1, Ordering::SeqCst)];
                    crowd.accept(who, code).await;
                })
                .await,
            );
            let first = by_hand.fetch_add(codes.len(), Ordering::SeqCst);
            let people: Vec<_> = (first..first + codes.len()).collect();
            for (place, people) in people.chunks(100).enumerate() {
                hand.invite(&organization(place % ORGANIZATIONS), people).await;
            }
            let next = AtomicUsize::new(0);
            hands.push(
                all(callers, codes.len(), async |_| {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    hand.accept(&organization((place / 100) % ORGANIZATIONS), people[place]).await;
                })
                .await,
            );
        }
        row(&format!("accepts, {callers} at once"), &mut through, &mut hands);
    }
    println!("goal: the component at least 0.7 of what is written by hand");
}

/// What PostgreSQL does by itself a minute later: a planner that believes its tables to be empty slows both
/// sides.
async fn survey(place: &Place) {
    if place.file().is_none() {
        let client = connect(place.url()).await.expect("a connection");
        client.batch_execute("set search_path to guestlist; analyze").await.expect("statistics");
    }
}

/// How many people a second, while so many callers go on for a block.
async fn rate(callers: usize, size: usize, one: impl AsyncFn(usize)) -> f64 {
    let (begun, done) = (Instant::now(), AtomicUsize::new(0));
    together(callers, async |caller| {
        while begun.elapsed() < BLOCK {
            one(caller).await;
            done.fetch_add(size, Ordering::SeqCst);
        }
    })
    .await;
    done.into_inner() as f64 / begun.elapsed().as_secs_f64()
}

/// How many a second, until all `count` are done.
async fn all(callers: usize, count: usize, one: impl AsyncFn(usize)) -> f64 {
    let (begun, taken) = (Instant::now(), AtomicUsize::new(0));
    together(callers, async |caller| {
        while taken.fetch_add(1, Ordering::SeqCst) < count {
            one(caller).await;
        }
    })
    .await;
    count as f64 / begun.elapsed().as_secs_f64()
}

async fn together<F: Future<Output = ()>>(callers: usize, one: impl Fn(usize) -> F) {
    futures_util::future::join_all((0..callers).map(one)).await;
}

fn row(what: &str, through: &mut [f64], by_hand: &mut [f64]) {
    let (through, by_hand) = (median(through), median(by_hand));
    println!("{what:<32} {through:>12.0} {by_hand:>12.0} {:>7.2}", through / by_hand);
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// How many host calls each operation makes.
async fn told(crowd: &Crowd) -> String {
    let (place, mut calls) = (organization(0), Vec::new());
    for size in [1, 100] {
        let invite = operations::Invite { request: request(&crowd.take(size)) };
        calls.push(crowd.calls(by_admin(&place), invite).await);
    }
    let (who, code) = crowd.codes().remove(0);
    let accept = operations::Accept { handle: Handle::Code(code) };
    calls.push(crowd.calls(by_invitee(&who), accept).await);
    format!(
        "{} host calls for an invite of 1, {} for one of 100, {} for an accept",
        calls[0], calls[1], calls[2]
    )
}
