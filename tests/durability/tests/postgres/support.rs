//! Connections and rows that the tests have in common.

use std::time::Duration;

use guestlist_durability::server::{Fresh, connect, shared};
use guestlist_storage::Options;
use tokio_postgres::Client;

/// Tables whose rows only their organization sees.
pub const PRIVATE: [&str; 17] = [
    "invitation",
    "code",
    "outbox",
    "operation",
    "operation_item",
    "grant_log",
    "grant_closed",
    "external_log",
    "external_step",
    "password",
    "session",
    "client",
    "token",
    "identity",
    "remembered",
    "delivery",
    "audit",
];

/// Tables that everybody may read and only their organization changes.
pub const OPEN: [&str; 11] = [
    "organization",
    "userstore",
    "person",
    "spent",
    "target",
    "held",
    "role_group",
    "role_client",
    "role_lease",
    "permission",
    "handle",
];

/// Tables whose rows are of no organization: the host itself sees them, outside of any call.
pub const SERVERS: [&str; 2] = ["link", "mailing"];

pub async fn fresh() -> Fresh<'static> {
    shared().fresh().await.unwrap()
}

/// The URL of a database as the first version has left it.
pub async fn shipped(name: &str) -> String {
    let url = shared().create_database(name).await.unwrap();
    let rows = include_str!("../../../../storage/fixtures/postgres-1.sql");
    connect(&url).await.unwrap().batch_execute(rows).await.unwrap();
    url
}

/// For tests that wait for time-outs.
pub fn impatient() -> Options {
    let mut options = Options::default();
    options.patience = Duration::from_millis(200);
    options.statement = Duration::from_millis(500);
    options
}

/// As who owns the tables.
pub async fn owner(fresh: &Fresh<'_>) -> Client {
    let client = connect(&fresh.url).await.unwrap();
    client.batch_execute("set search_path to guestlist, pg_temp").await.unwrap();
    client
}

/// As who answers calls, with a setting of its scope.
pub async fn host(fresh: &Fresh<'_>, setting: &str, value: &str) -> Client {
    let client = owner(fresh).await;
    client.batch_execute("set role guestlist_host").await.unwrap();
    client.execute("select set_config('guestlist.' || $1, $2, false)", &[&setting, &value]).await.unwrap();
    client
}

pub async fn count(client: &Client, table: &str) -> i64 {
    client.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap().get(0)
}

/// The state by which the server says no, and its words.
pub async fn refused(client: &Client, sql: &str) -> (String, String) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    let said = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
    (said.code().code().to_owned(), said.message().to_owned())
}

/// A statement that inserts a pending invitation for the account `id` of `parent`.
pub fn invitation(organization: &str, id: &str) -> String {
    invitation_in(organization, id, "pending")
}

pub fn invitation_in(organization: &str, id: &str, state: &str) -> String {
    format!(
        "insert into invitation (organization, id, parent, schema, version, state, subject_organization, \
         subject_id, name, inviter, grants, outcomes, accept_with, notify, mail, metadata, created_at, claims, \
         resends, last_operation, dismissed, reminded, hidden_until) values ('{organization}', '{id}', 'parent', 1, 1, \
         '{state}', 'parent', '{id}', '{id}', '\"system\"', '[]', '[]', 'invitee', 'internal', 'none', '[]', 1, \
         0, 0, '', 0, 0, 0);"
    )
}

/// A statement that inserts one row into every table, and a group and a role into `target`, for this organization
/// and its invitation `invitation`.
pub fn one_of_all(organization: &str, id: &str) -> String {
    let everything = "
        insert into organization values ('ORG', 'n', null, 1, 0, 0, '{}', null, '[]', '', 0, null);
        insert into userstore values ('ORG', 's', 1);
        insert into person values ('ORG', 'ID', 'ID', 'ID', 's', null, null, 1, 'ORG', 'ID', null);
        insert into spent values ('ORG', 'gone');
        insert into target values ('ORG', 'group', 'g', 'g', null, null);
        insert into target values ('ORG', 'role', 'r', 'r', null, null, '[\"invite\"]');
        insert into held values ('ORG', 'ID', 'group', 'g', null);
        insert into role_group values ('ORG', 'r', 'g');
        insert into role_client values ('ORG', 'r', 'c');
        insert into role_lease values ('ORG', 'ID', 'r', 'i', 1);
        insert into permission values ('ORG', '\"x\"', '[]', 1);
        insert into code values (sha256('ORG'), 'ORG', 'ID', 1);
        insert into outbox values ('ORG', 'ID', 'invitation', 1, 1, 0, 0);
        insert into operation values ('ORG', 'c', 'o', '', 1);
        insert into operation_item values ('ORG', 'c', 'o', 0, 'ID', null);
        insert into grant_log values ('ORG', 'ID', 'member', 1);
        insert into grant_closed values ('ORG', 'ID');
        insert into external_log values ('ORG', 'ID', 0, null);
        insert into external_step values ('ORG', 'ID', 'member', 0, 'parent', 'ID', 'applied', 1, 1);
        insert into handle values ('ORG', 'handle', 'ORG', 1);
        insert into password values ('ORG', 'ID', '$x$y', 1);
        insert into session values (sha256('ORG'), 'ORG', 'ID', 'ORG', 1, 1, 1, 2);
        insert into client values ('client of ORG', 'ORG', 'n', sha256('s'), 1, null, null, null);
        insert into token values (sha256('ORG'), 'ORG', 'ORG', 'ID', null, '[]', 1, 2);
        insert into identity values ('ORG', 'issuer', 'subject', 'ORG', 'ID', 1);
        insert into remembered values ('ORG', 'c', 'r', sha256('f'), 1, null);
        insert into delivery values ('ORG', 'ID', 'invitation', 1, 'queued', 1, null, null);
        insert into audit (at, organization, actor, request_id, kind, operation, invitation)
            values (1, 'ORG', '', '', 'invitation.created', 'invite', 'ID');";
    invitation(organization, id) + &everything.replace("ORG", organization).replace("ID", id)
}
