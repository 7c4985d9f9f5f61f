//! The store's time never goes back.

use std::{sync::Arc, time::Duration};

use guestlist_durability::server::Fresh;
use guestlist_storage::{Clock, Database, Options};
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::support::{fresh, owner};

async fn floor(client: &Client) -> i64 {
    client.query_one("select instant from floor", &[]).await.unwrap().get(0)
}

async fn set_floor(client: &Client, instant: i64) {
    client.execute("update floor set instant = $1", &[&instant]).await.unwrap();
}

#[tokio::test]
async fn nobody_uses_an_instant_below_the_floor() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let database = Database::open(&fresh.url, Options::default()).await.unwrap();
    let before = i64::try_from(database.check().await.unwrap().now).unwrap();
    // Somebody's clock was an hour ahead.
    let ahead = before + 3_600_000;
    set_floor(&client, ahead).await;
    let now = |database: Database| async move { i64::try_from(database.check().await.unwrap().now).unwrap() };
    assert_eq!(now(database.clone()).await, ahead);
    // Also when the floor is gone again, within this process.
    set_floor(&client, 0).await;
    assert_eq!(now(database).await, ahead);
    // And in the next one, because the floor was raised again.
    assert_eq!(floor(&client).await, ahead);
    let another = Database::open(&fresh.url, Options::default()).await.unwrap();
    assert_eq!(now(another).await, ahead);
}

/// A database whose time stands still, because somebody's clock was far ahead, and where.
async fn ahead(fresh: &Fresh<'_>, client: &Client, options: Options) -> (Database, i64) {
    let ahead = 4_102_444_800_000;
    set_floor(client, ahead).await;
    (Database::open(&fresh.url, options).await.unwrap(), ahead)
}

#[tokio::test]
async fn the_floor_is_raised_when_it_lags_by_a_second_and_not_before() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let (database, ahead) = ahead(&fresh, &client, Options::default()).await;
    for (found, left) in [(0, ahead), (ahead - 999, ahead - 999), (ahead - 1000, ahead), (ahead, ahead)] {
        database.check().await.unwrap();
        set_floor(&client, found).await;
        assert_eq!(i64::try_from(database.check().await.unwrap().now).unwrap(), ahead);
        assert_eq!(floor(&client).await, left, "from {found}");
    }
}

#[tokio::test]
async fn who_holds_the_floor_holds_nobody_up() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let mut options = Options::default();
    options.patience = Duration::from_secs(60);
    options.statement = Duration::from_secs(60);
    let (database, _) = ahead(&fresh, &client, options).await;
    client.batch_execute("begin; update floor set instant = instant").await.unwrap();
    let checks = async {
        for _ in 0..20 {
            database.check().await.unwrap();
        }
    };
    timeout(Duration::from_secs(20), checks).await.expect("nobody waits for the floor");
}

#[tokio::test]
async fn a_clock_that_somebody_moves_knows_no_floor() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let mut options = Options::default();
    options.clock = Clock::Moved(Arc::new(|| 10_000));
    let (database, ahead) = ahead(&fresh, &client, options).await;
    assert_eq!(database.check().await.unwrap().now, 10_000);
    assert_eq!(floor(&client).await, ahead);
}

#[tokio::test]
async fn a_database_that_may_only_be_read_still_tells_the_time() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let only = format!("alter database {} set default_transaction_read_only = on", fresh.name);
    client.batch_execute(&only).await.unwrap();
    let database = Database::open(&fresh.url, Options::default()).await.unwrap();
    let before = floor(&client).await;
    let first = database.check().await.unwrap().now;
    assert!(database.check().await.unwrap().now >= first);
    assert_eq!(floor(&client).await, before);
}
