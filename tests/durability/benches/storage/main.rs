//! What storing costs: through the component and the store, against the same rows written by hand with the
//! same driver, in the same transactions, as durable. And what an operation costs among a million invitations,
//! against a thousand.
//!
//! The two sides take turns in short blocks, so that a machine whose speed drifts slows both; the median block
//! counts. `ONLY=speed`, `ONLY=scale` or `ONLY=lists` measures one part, `DATABASE=sqlite` or `postgres` one database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement that fails stops"
)]

mod by_hand;
mod crowd;
mod lists;
mod scale;
mod speed;

use std::env;

use guestlist_durability::place::Place;
use guestlist_hostile::machine::{commit, machine};
use tokio::runtime::Builder;

fn main() {
    let wanted = |variable: &str, word: &str| {
        env::var(variable).map_or(true, |value| value.is_empty() || value == word)
    };
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!("machine   {}", machine());
    println!("commit    {}", commit());
    println!("disk      {}", env::temp_dir().display());
    runtime.block_on(async {
        for database in ["sqlite", "postgres"].into_iter().filter(|database| wanted("DATABASE", database)) {
            if wanted("ONLY", "speed") {
                speed::measure(&Place::named(database).await.expect("a database"), database).await;
            }
            if wanted("ONLY", "scale") {
                scale::measure(database).await;
            }
            if wanted("ONLY", "lists") {
                lists::measure(database).await;
            }
        }
    });
}
