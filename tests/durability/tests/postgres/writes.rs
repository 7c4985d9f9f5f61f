//! What is told of changes that could not be made, or that nobody knows about.

use std::time::Duration;

use guestlist_durability::server::{Disk, Server, connect, shared};
use guestlist_memory::Realm;
use guestlist_storage::{AdministrationError, Database, NewOrganization, Options};
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::support::{count, fresh, impatient, owner};

fn organization(id: &str) -> NewOrganization {
    NewOrganization { id: id.into(), name: id.into(), parent: None, utc_offset_minutes: 0 }
}

/// A server on which each commit waits for a standby that is not there.
async fn wait_for_a_standby(client: &Client) {
    client.batch_execute("alter system set synchronous_standby_names = 'nobody'").await.unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    while client
        .query_one("show synchronous_standby_names", &[])
        .await
        .unwrap()
        .get::<_, String>(0)
        .is_empty()
    {
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_dies_during_a_commit_leaves_it_unknown() {
    let server = Server::start(Disk::Synced).unwrap();
    let fresh = server.fresh().await.unwrap();
    let database = Database::open(&fresh.url, Options::default()).await.unwrap();
    let client = owner(&fresh).await;
    wait_for_a_standby(&client).await;
    let dies = async {
        let commits =
            "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and query = 'commit'";
        while client.query_one(commits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            sleep(Duration::from_millis(20)).await;
        }
        client.batch_execute("alter system reset synchronous_standby_names").await.unwrap();
        server.stop_immediate().unwrap();
    };
    let administration = database.administration();
    let (made, ()) = tokio::join!(administration.create_organization(organization("team")), dies);
    let error = made.unwrap_err();
    assert!(matches!(error, AdministrationError::Unknown(_)), "{error}");
    // And indeed it was made.
    server.start_again().unwrap();
    assert_eq!(count(&owner(&fresh).await, "organization").await, 1);
    administration.create_organization(organization("other")).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_no_standby_has_is_not_said_to_be_safe() {
    let server = Server::start(Disk::Lazy).unwrap();
    let fresh = server.fresh().await.unwrap();
    let database = Database::open(&fresh.url, impatient()).await.unwrap();
    database.check().await.unwrap();
    let client = owner(&fresh).await;
    wait_for_a_standby(&client).await;
    let error = database.administration().create_organization(organization("team")).await.unwrap_err();
    assert!(matches!(error, AdministrationError::Unknown(_)), "{error}");
    // Whoever only reads waits for nobody, also where they raise the floor.
    client.batch_execute("set synchronous_commit = local; update floor set instant = 0").await.unwrap();
    let now = i64::try_from(database.check().await.unwrap().now).unwrap();
    let floor = "select instant from floor";
    assert_eq!(client.query_one(floor, &[]).await.unwrap().get::<_, i64>(0), now);
}

#[tokio::test]
async fn a_database_that_may_only_be_read_changes_nothing_and_says_so() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let database = Database::open(&fresh.url, Options::default()).await.unwrap();
    let only = async |word: &str| {
        let only = format!("alter database {} set default_transaction_read_only = {word}", fresh.name);
        client.batch_execute(&format!("set default_transaction_read_only = off; {only}")).await.unwrap();
        Database::open(&fresh.url, Options::default()).await.unwrap()
    };
    let reading = only("on").await;
    let error = reading.administration().create_organization(organization("team")).await.unwrap_err();
    assert_eq!(error, AdministrationError::Database("the database may only be read".into()));
    only("off").await.administration().create_organization(organization("team")).await.unwrap();
    assert!(!database.is_empty().await.unwrap());
}

#[tokio::test]
async fn only_the_owner_of_the_tables_loads_a_world() {
    let fresh = fresh().await;
    let make = "create role no_owner login; grant guestlist_host to no_owner";
    owner(&fresh).await.batch_execute(make).await.unwrap();
    let url = shared().url_as("no_owner", &fresh.name);
    let hosted = Database::open(&url, Options::default()).await.unwrap();
    hosted.administration().create_organization(organization("team")).await.unwrap();
    let error = hosted.load(&Realm::default()).await.unwrap_err().to_string();
    assert!(error.contains("connect as the user that owns the tables"), "{error}");
    assert!(!hosted.is_empty().await.unwrap());
    let owned = Database::open(&fresh.url, Options::default()).await.unwrap();
    owned.load(&Realm::default()).await.unwrap();
    assert!(hosted.is_empty().await.unwrap());
    let client = connect(&fresh.url).await.unwrap();
    assert_eq!(count(&client, "guestlist.loading").await, 0);
}
