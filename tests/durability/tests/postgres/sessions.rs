//! What connections are set to, and which URLs and options are turned down.

use guestlist_storage::{Database, Kind, Options};

use crate::support::{fresh, owner};

async fn said(url: &str, options: Options) -> String {
    Database::open(url, options).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_database_says_that_it_is_well() {
    let fresh = fresh().await;
    let database = Database::open(&fresh.url, Options::default()).await.unwrap();
    let health = database.check().await.unwrap();
    assert_eq!((health.kind, health.schema), (Kind::Postgres, 1));
    let machine = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(u64::try_from(machine.as_millis()).unwrap().abs_diff(health.now) < 60_000, "{health:?}");
    let client = owner(&fresh).await;
    let seen = "select count(*) from pg_stat_activity where application_name = 'guestlist' \
                and datname = current_database() and state = 'idle'";
    assert_eq!(client.query_one(seen, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn answers_that_could_be_lost_with_the_power_are_not_given() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let off = format!("alter database {} set synchronous_commit = off", fresh.name);
    client.batch_execute(&off).await.unwrap();
    let error = said(&fresh.url, Options::default()).await;
    assert!(error.contains("`synchronous_commit` is off"), "{error}");
}

#[tokio::test]
async fn a_unix_socket_is_used_whatever_the_url_says_of_tls() {
    let fresh = fresh().await;
    for mode in ["disable", "prefer", "require", "verify-full"] {
        let url = format!("{}&sslmode={mode}", fresh.url);
        Database::open(&url, Options::default()).await.unwrap().check().await.unwrap();
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_read_shows_no_password() {
    let error = said("postgres://me:secret@host:notaport/db", Options::default()).await;
    assert!(error.contains("cannot be read") && !error.contains("secret"), "{error}");
    let error = said("postgres://me:secret@localhost/db?sslmode=verify", Options::default()).await;
    assert!(error.contains("sslmode") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn names_that_could_be_anything_else_are_refused() {
    let fresh = fresh().await;
    let long = "a".repeat(64);
    for name in ["", "Guests", "guest list", "a\"b", "1st", "pg_guests", "public", "none", "é", &long] {
        let mut options = Options::default();
        options.schema = name.into();
        let error = said(&fresh.url, options.clone()).await;
        assert!(error.contains("cannot be the schema"), "{error}");
        options.role = std::mem::replace(&mut options.schema, "guestlist".into());
        let error = said(&fresh.url, options).await;
        assert!(error.contains("cannot be the role"), "{error}");
    }
}
