//! Making the schema, and programs of different versions on one database.

use guestlist_connect::GrantRecords as _;
use guestlist_durability::server::{connect, shared};
use guestlist_storage::{Database, Options, StorageError};

use crate::support::{count, fresh, invitation_in, one_of_all, owner, shipped};

/// Options with names of a test's own: roles belong to the whole server.
fn named(name: &str) -> Options {
    let mut options = Options::default();
    options.role = name.into();
    options.schema = name.into();
    options
}

async fn superuser() -> tokio_postgres::Client {
    connect(&shared().url("postgres")).await.unwrap()
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_to_this_one_with_its_rows() {
    let url = shipped("shipped").await;
    let (before, after) = Database::migrate(&url, &Options::default()).await.unwrap();
    assert_eq!(before, 1);
    let database = Database::open(&url, Options::default()).await.unwrap();
    assert_eq!(database.check().await.unwrap().schema, after);
    let client = connect(&url).await.unwrap();
    client.batch_execute("set search_path to guestlist, pg_temp; set role guestlist_host").await.unwrap();
    client.batch_execute("set guestlist.organization = 'team'").await.unwrap();
    let row = "select name, state, (select count(*) from code), (select kind from audit) from invitation";
    let row = client.query_one(row, &[]).await.unwrap();
    let (name, state): (String, String) = (row.get(0), row.get(1));
    assert_eq!((name.as_str(), state.as_str()), ("anna", "pending"));
    let (codes, event): (i64, String) = (row.get(2), row.get(3));
    assert_eq!((codes, event.as_str()), (1, "invitation.created"));
    let grants = database.grant_records();
    let known = grants.read("team", "i-2").await.unwrap();
    assert_eq!((known.closed, known.records.len()), (false, 1));
    assert_eq!(grants.watched("team", 10).await.unwrap().len(), 1, "and one that was given up");
}

#[tokio::test]
async fn two_who_migrate_at_once_come_one_after_the_other() {
    let url = shared().create_database("twice").await.unwrap();
    let options = Options::default();
    let (one, other) = tokio::join!(Database::migrate(&url, &options), Database::migrate(&url, &options));
    let mut found = [one.unwrap(), other.unwrap()];
    found.sort_unstable();
    let own = found[0].1;
    assert_eq!(found, [(0, own), (own, own)]);
}

#[tokio::test]
async fn two_databases_of_one_server_are_prepared_at_once() {
    let options = named("shared_role");
    let one = shared().create_database("one_of_two").await.unwrap();
    let other = shared().create_database("other_of_two").await.unwrap();
    let (first, second) =
        tokio::join!(Database::migrate(&one, &options), Database::migrate(&other, &options));
    assert_eq!((first.unwrap().0, second.unwrap().0), (0, 0));
    for url in [one, other] {
        Database::open(&url, options.clone()).await.unwrap().check().await.unwrap();
    }
}

#[tokio::test]
async fn two_schemas_share_a_database_and_see_nothing_of_each_other() {
    let fresh = fresh().await;
    let options = named("elsewhere");
    assert_eq!(Database::migrate(&fresh.url, &options).await.unwrap().0, 0);
    Database::open(&fresh.url, options).await.unwrap().check().await.unwrap();
    let client = owner(&fresh).await;
    client.batch_execute("set role elsewhere").await.unwrap();
    let error = client.query_one("select count(*) from guestlist.migration", &[]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42501");
}

#[tokio::test]
async fn an_empty_database_is_not_opened() {
    let url = shared().create_database("unprepared").await.unwrap();
    let error = Database::open(&url, Options::default()).await.unwrap_err();
    assert!(matches!(error, StorageError::Older { found: 0, .. }), "{error}");
    let error = Database::open(&url, named("nobody_made_me")).await.unwrap_err();
    assert!(matches!(error, StorageError::Older { found: 0, .. }), "{error}");
    assert!(error.to_string().contains("guestlist migrate"), "{error}");
}

#[tokio::test]
async fn what_a_later_version_adds_disturbs_nobody_and_what_it_takes_away_is_not_opened() {
    let fresh = fresh().await;
    let running = Database::open(&fresh.url, Options::default()).await.unwrap();
    let own = running.check().await.unwrap().schema;
    let client = owner(&fresh).await;
    // The next version adds a column and a table.
    let next = format!(
        "begin; alter table invitation add column later text; create table later (one bigint); \
         insert into migration (version, needs) values ({}, {own}); commit",
        own + 1
    );
    client.batch_execute(&next).await.unwrap();
    assert_eq!(running.check().await.unwrap().schema, own + 1);
    let started = Database::open(&fresh.url, Options::default()).await.unwrap();
    assert_eq!(started.check().await.unwrap().schema, own + 1);
    let migrated = Database::migrate(&fresh.url, &Options::default()).await.unwrap();
    assert_eq!(migrated, (own + 1, own + 1));
    // The one after that takes something away.
    let after = format!("insert into migration (version, needs) values ({0}, {0})", own + 2);
    client.batch_execute(&after).await.unwrap();
    for error in [
        Database::open(&fresh.url, Options::default()).await.unwrap_err(),
        Database::migrate(&fresh.url, &Options::default()).await.unwrap_err(),
    ] {
        let (later, first) = (own + 2, own);
        assert!(
            matches!(error, StorageError::Newer { found, needs, own } if (found, needs, own) == (later, later, first)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn who_lacks_a_right_is_told_what_to_run() {
    let client = superuser().await;
    client.batch_execute("create role plain login; create role maker login createrole").await.unwrap();
    shared().create_database("plainly").await.unwrap();
    let url = shared().url_as("plain", "plainly");
    let options = named("plain_host");
    let text = async |url: &str| Database::migrate(url, &options).await.unwrap_err().to_string();
    let said = text(&url).await;
    assert!(
        said.contains("run `create role \"plain_host\" nologin; grant \"plain_host\" to` this user"),
        "{said}"
    );
    client.batch_execute("create role plain_host nologin; grant plain_host to plain").await.unwrap();
    let said = text(&url).await;
    assert!(said.contains("run `create schema \"plain_host\" authorization` this user"), "{said}");
    client.batch_execute("grant create on database plainly to plain").await.unwrap();
    Database::migrate(&url, &options).await.unwrap();
    Database::open(&url, options.clone()).await.unwrap().check().await.unwrap();
    // Somebody who may log in, and no more.
    client.batch_execute("create role stranger login").await.unwrap();
    let stranger = shared().url_as("stranger", "plainly");
    let error = Database::open(&stranger, options.clone()).await.unwrap_err().to_string();
    assert!(error.contains("run `grant \"plain_host\" to` this user"), "{error}");
    // Who may make roles needs nobody's help.
    shared().create_database("made").await.unwrap();
    client.batch_execute("grant create on database made to maker").await.unwrap();
    let (url, options) = (shared().url_as("maker", "made"), named("maker_host"));
    Database::migrate(&url, &options).await.unwrap();
    Database::open(&url, options).await.unwrap().check().await.unwrap();
}

#[tokio::test]
async fn the_role_of_calls_is_under_row_level_security() {
    let client = superuser().await;
    client.batch_execute("create role lofty bypassrls; create role proud login").await.unwrap();
    let url = shared().create_database("above").await.unwrap();
    client.batch_execute("grant create on database above to proud").await.unwrap();
    let proud = shared().url_as("proud", "above");
    for (url, role) in [(&url, "postgres"), (&url, "lofty"), (&proud, "proud")] {
        let mut options = Options::default();
        options.role = role.into();
        let said = Database::migrate(url, &options).await.unwrap_err().to_string();
        assert!(said.contains("owns the tables or is above row-level security"), "{role}: {said}");
    }
    let fresh = fresh().await;
    let mut options = Options::default();
    options.role = "postgres".into();
    let said = Database::open(&fresh.url, options).await.unwrap_err().to_string();
    assert!(said.contains("owns the tables or is above row-level security"), "{said}");
}

#[tokio::test]
async fn a_database_that_cannot_hold_all_names_is_refused() {
    let create = "create database latin encoding 'LATIN1' template template0";
    superuser().await.batch_execute(create).await.unwrap();
    let said = Database::migrate(&shared().url("latin"), &Options::default()).await.unwrap_err().to_string();
    assert!(said.contains("encoding is LATIN1") && said.contains("encoding 'UTF8'"), "{said}");
}

#[tokio::test]
async fn migrating_again_changes_no_row() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let secret = "select string_agg(encode(value, 'hex'), '' order by name) from secret";
    let before: String = client.query_one(secret, &[]).await.unwrap().get(0);
    assert_eq!(before.len(), 2 * 64, "the keys of cursors and of names");
    Database::migrate(&fresh.url, &Options::default()).await.unwrap();
    assert_eq!(client.query_one(secret, &[]).await.unwrap().get::<_, String>(0), before);
    assert_eq!(count(&client, "migration").await, 1);
}

/// Row-level security holds for such an owner, and with it for what the database does on its own.
#[tokio::test]
async fn an_owner_without_other_rights_is_enough() {
    let client = superuser().await;
    shared().create_database("modest").await.unwrap();
    let make = "create role modest login createrole; grant create on database modest to modest";
    client.batch_execute(make).await.unwrap();
    let (url, options) = (shared().url_as("modest", "modest"), named("modest_host"));
    Database::migrate(&url, &options).await.unwrap();
    let client = connect(&url).await.unwrap();
    client.batch_execute("set search_path to modest_host, pg_temp; set role modest_host").await.unwrap();
    client.batch_execute("set guestlist.organization = 'a'").await.unwrap();
    client.batch_execute(&one_of_all("a", "i")).await.unwrap();
    let delete = "update invitation set state = 'revoked', version = 2, ended_at = 1; delete from invitation; \
                  delete from person";
    client.batch_execute(delete).await.unwrap();
    for table in ["code", "outbox", "grant_log", "grant_closed", "held"] {
        assert_eq!(count(&client, table).await, 0, "{table}");
    }
    // Loading a world is the owner's.
    client.batch_execute("begin; set local role none; set local guestlist.everything = 'on'").await.unwrap();
    client.batch_execute("insert into loading values (1); delete from audit").await.unwrap();
    client.batch_execute(&invitation_in("b", "j", "accepted")).await.unwrap();
    client.batch_execute("delete from loading; commit; set guestlist.everything = 'on'").await.unwrap();
    assert_eq!((count(&client, "audit").await, count(&client, "invitation").await), (0, 1));
}
