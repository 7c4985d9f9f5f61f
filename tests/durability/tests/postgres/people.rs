//! Organizations and people in PostgreSQL: what SQLite is asked, in the same words.

#[path = "../../../../storage/tests/people/acting.rs"]
mod acting;
#[path = "../../../../storage/tests/people/administering.rs"]
mod administering;
#[path = "../../../../storage/tests/people/both.rs"]
mod both;
#[path = "../../../../storage/tests/people/facts.rs"]
mod facts;
#[path = "../../../../storage/tests/people/grants.rs"]
mod grants;
#[path = "../../../../storage/tests/people/histories.rs"]
mod histories;
#[path = "../../../../storage/tests/people/judged.rs"]
mod judged;
#[path = "../../../../storage/tests/people/lifecycle.rs"]
mod lifecycle;
#[path = "../../../../storage/tests/people/no_way_up.rs"]
mod no_way_up;
#[path = "../../../../storage/tests/people/races.rs"]
mod races;
#[path = "../../../../storage/tests/people/reading.rs"]
mod reading;
#[path = "../../../../storage/tests/people/roles.rs"]
mod roles;
#[path = "../../../../storage/tests/people/working.rs"]
mod working;
#[path = "../../../../storage/tests/people/worlds.rs"]
mod worlds;

/// A database of a test's own.
pub mod somewhere {
    use guestlist_durability::server::Fresh;

    use crate::support::{fresh, owner, refused};

    pub type Kept = Fresh<'static>;

    /// Its URL.
    pub async fn new() -> (String, Kept) {
        let fresh = fresh().await;
        (fresh.url.clone(), fresh)
    }

    /// Why the database does not do this.
    pub async fn refusal(kept: &Kept, sql: &str) -> String {
        refused(&owner(kept).await, sql).await.1
    }
}
