//! Servers that stop, hang or are in the way, and callers who go away.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use guestlist_durability::server::{Disk, Server};
use guestlist_storage::{Database, Options};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use crate::support::{fresh, impatient, owner};

const LOCK: &str = "begin; lock table migration in access exclusive mode";

#[tokio::test]
async fn a_server_that_stops_is_away_in_time_and_is_used_again_when_it_is_back() {
    let server = Server::start(Disk::Synced).unwrap();
    let fresh = server.fresh().await.unwrap();
    let database = Database::open(&fresh.url, impatient()).await.unwrap();
    let before = database.check().await.unwrap();
    server.stop_immediate().unwrap();
    for _ in 0..3 {
        let begun = Instant::now();
        let error = database.check().await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(5), "{error} after {:?}", begun.elapsed());
    }
    let error = Database::open(&fresh.url, impatient()).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
    server.start_again().unwrap();
    let after = database.check().await.unwrap();
    assert!(after.now > before.now);
}

/// The server's process for the one connection of a database, which can be stopped.
struct Process(String);

impl Process {
    async fn of(client: &Client) -> Self {
        let found = "select pid from pg_stat_activity where application_name = 'guestlist' \
                     and datname = current_database()";
        Self(client.query_one(found, &[]).await.unwrap().get::<_, i32>(0).to_string())
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0]).status().unwrap().success());
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let fresh = fresh().await;
    let mut options = impatient();
    options.connections = 1;
    let database = Database::open(&fresh.url, options).await.unwrap();
    database.check().await.unwrap();
    let process = Process::of(&owner(&fresh).await).await;
    process.signal("-STOP");
    let begun = Instant::now();
    let error = database.check().await.unwrap_err().to_string();
    assert!(error.contains("did not answer in time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    // Its connection is not used again.
    database.check().await.unwrap();
    process.signal("-CONT");
}

#[tokio::test]
async fn nobody_waits_for_a_connection_for_ever() {
    let fresh = fresh().await;
    let mut options = impatient();
    options.connections = 1;
    options.statement = Duration::from_secs(5);
    let database = Database::open(&fresh.url, options).await.unwrap();
    database.check().await.unwrap();
    let process = Process::of(&owner(&fresh).await).await;
    process.signal("-STOP");
    let first = tokio::spawn({
        let database = database.clone();
        async move { database.check().await }
    });
    sleep(Duration::from_millis(50)).await;
    let error = database.check().await.unwrap_err().to_string();
    assert!(error.contains("no connection to the database was free in time"), "{error}");
    process.signal("-CONT");
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_is_in_the_way_for_a_moment_is_waited_for() {
    let fresh = fresh().await;
    let mut options = impatient();
    options.patience = Duration::from_millis(400);
    let database = Database::open(&fresh.url, options).await.unwrap();
    database.check().await.unwrap();
    let client = owner(&fresh).await;
    client.batch_execute(LOCK).await.unwrap();
    let begun = Instant::now();
    let release = async {
        // Longer than one wait for a lock, and shorter than five.
        sleep(Duration::from_millis(600)).await;
        client.batch_execute("rollback").await.unwrap();
    };
    let (health, ()) = tokio::join!(database.check(), release);
    health.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn who_is_in_the_way_for_good_is_told_of() {
    let fresh = fresh().await;
    let database = Database::open(&fresh.url, impatient()).await.unwrap();
    database.check().await.unwrap();
    let client = owner(&fresh).await;
    client.batch_execute(LOCK).await.unwrap();
    let begun = Instant::now();
    let error = database.check().await.unwrap_err().to_string();
    assert!(error.contains("lock timeout"), "{error}");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(1), "five tries of 200 ms took {waited:?}");
    assert!(waited < Duration::from_secs(6), "five tries of 200 ms took {waited:?}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let fresh = fresh().await;
    let mut options = impatient();
    options.patience = Duration::from_secs(5);
    let database = Database::open(&fresh.url, options).await.unwrap();
    database.check().await.unwrap();
    let client = owner(&fresh).await;
    client.batch_execute(LOCK).await.unwrap();
    let begun = Instant::now();
    let error = database.check().await.unwrap_err().to_string();
    assert!(error.contains("statement timeout"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_transaction_and_no_lock() {
    let fresh = fresh().await;
    let mut options = Options::default();
    options.connections = 1;
    options.patience = Duration::from_secs(30);
    options.statement = Duration::from_secs(30);
    let database = Database::open(&fresh.url, options).await.unwrap();
    database.check().await.unwrap();
    let client = owner(&fresh).await;
    client.batch_execute(LOCK).await.unwrap();
    let gone = timeout(Duration::from_millis(200), database.check()).await;
    assert!(gone.is_err(), "{gone:?}");
    client.batch_execute("rollback").await.unwrap();
    database.check().await.unwrap();
    client
        .batch_execute("begin; lock table migration in access exclusive mode nowait; rollback")
        .await
        .unwrap();
    let others = "select count(*) from pg_stat_activity where application_name = 'guestlist' \
                  and datname = current_database() and state <> 'idle'";
    assert_eq!(client.query_one(others, &[]).await.unwrap().get::<_, i64>(0), 0);
}

/// The runtime that a transaction runs on is taken away under it, with all its tasks.
#[test]
fn a_host_that_ends_amidst_a_transaction_leaves_no_lock() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let (host, other) = (runtime(), runtime());
    let (fresh, database, client) = other.block_on(async {
        let fresh = fresh().await;
        let mut options = Options::default();
        options.patience = Duration::from_secs(30);
        options.statement = Duration::from_secs(30);
        options.runtime = Some(host.handle().clone());
        let database = Database::open(&fresh.url, options).await.unwrap();
        database.check().await.unwrap();
        let client = owner(&fresh).await;
        client.batch_execute(LOCK).await.unwrap();
        timeout(Duration::from_millis(200), database.check()).await.unwrap_err();
        (fresh, database, client)
    });
    host.shutdown_background();
    other.block_on(async {
        let error = database.check().await.unwrap_err();
        assert!(error.to_string().contains("cancelled"), "{error}");
        client.batch_execute("rollback").await.unwrap();
        let others = "select count(*) from pg_stat_activity where application_name = 'guestlist' \
                      and datname = current_database()";
        let gone = async {
            while client.query_one(others, &[]).await.unwrap().get::<_, i64>(0) > 0 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(10), gone).await.expect("its connections are closed");
    });
    drop(fresh);
}
