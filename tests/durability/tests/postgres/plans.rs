//! Row-level security stands beside the indexes, not in their way, and what a call costs does not depend on how
//! much there is.

use std::{collections::BTreeMap, time::Duration};

use guestlist_durability::{field::Field, host::plugin, place::Place};
use guestlist_storage::Observer;
use tokio_postgres::Client;

use crate::{
    everything,
    support::{fresh, host, owner},
};

/// Enough rows that an index pays, in 50 organizations.
const FILL: &str = "
    insert into organization
        select 'o' || n, 'n', null, 1, 0, 0, '{}', null, '[]', '', 0, null from generate_series(0, 49) n;
    insert into invitation select 'o' || n % 50, 'i' || n, 'p', 1, 1, 'pending', 'p', 's' || n, 'n' || n, '', null,
        '[]', '[]', 'code', 'internal', 'sent', null, null, null, '[]', n, null, n + 1000, null, null, 0, null, 0,
        'x', null, 0, 0, 0, null from generate_series(1, 10000) n;
    insert into code select sha256(('c' || n)::bytea), 'o' || n % 50, 'i' || n, 1 from generate_series(1, 10000) n;
    insert into outbox select 'o' || n % 50, 'i' || n, 'invitation', 1, n, 0, 0 from generate_series(1, 10000) n;
    insert into audit (at, organization, actor, request_id, kind, operation, invitation)
        select n, 'o' || n % 50, '', '', 'refused', '', 'i' || n from generate_series(1, 10000) n;
    analyze";

/// The plan of a statement uses this index, and nowhere goes through a whole table.
async fn uses(client: &Client, index: &str, sql: &str) {
    let rows = client.query(&format!("explain (costs off) {sql}"), &[]).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = lines.join("\n");
    assert!(plan.contains(index), "{sql}\n{plan}");
    // What the policy of a message asks of its invitation is asked only where nothing before it has let it in.
    let outside = plan.split("SubPlan").next().unwrap();
    assert!(!outside.contains("Seq Scan"), "{sql}\n{plan}");
}

#[tokio::test]
async fn statements_of_an_organization_use_its_indexes() {
    let fresh = fresh().await;
    owner(&fresh).await.batch_execute(FILL).await.unwrap();
    let client = host(&fresh, "organization", "o7").await;
    for (index, sql) in [
        ("invitation_pkey", "select * from invitation where organization = 'o7' and id = 'i57' for update"),
        (
            "invitation_created",
            "select id from invitation where organization = 'o7' and (created_at, id) > (500, 'i') \
             order by created_at, id limit 10",
        ),
        (
            "invitation_name",
            "select id from invitation where organization = 'o7' and (name, id) > ('n5', 'i') \
             order by name, id limit 10",
        ),
        (
            "invitation_open",
            "select id from invitation where organization = 'o7' and state in ('awaiting-approval', 'pending') \
             and expires_at is not null and expires_at <= 6000 limit 100",
        ),
        (
            "invitation_unreminded",
            "select id from invitation where organization = 'o7' and state = 'pending' and mail = 'sent' \
             and reminded = 0 and expires_at is not null and expires_at <= 1200 and expires_at > 1100 \
             and coalesce(mailed_at, created_at) + (expires_at - coalesce(mailed_at, created_at)) / 2 <= 1100 \
             limit 100",
        ),
        (
            "invitation_active",
            "select id from invitation where organization = 'o7' and subject_organization = 'p' \
             and subject_id = 's57' and state in ('awaiting-approval', 'pending', 'accepting')",
        ),
        ("code_invitation", "delete from code where organization = 'o7' and invitation = 'i57'"),
        (
            "outbox_due",
            "select * from outbox where organization = 'o7' and due_at <= 700 and taken = 0 order by due_at \
             limit 5 for update skip locked",
        ),
        ("audit_invitation", "select * from audit where organization = 'o7' and invitation = 'i57'"),
    ] {
        uses(&client, index, sql).await;
    }
}

#[tokio::test]
async fn statements_of_an_invitee_and_of_the_host_do_too() {
    let fresh = fresh().await;
    owner(&fresh).await.batch_execute(FILL).await.unwrap();
    let client = host(&fresh, "account_organization", "p").await;
    client.batch_execute("set guestlist.account = 's57'").await.unwrap();
    let mine = "select * from invitation where subject_organization = 'p' and subject_id = 's57' \
                order by created_at, organization, id";
    uses(&client, "invitation_subject", mine).await;
    let by_code = "select i.id from code c join invitation i on i.organization = c.organization \
                   and i.id = c.invitation where c.digest = sha256('c57') and i.subject_organization = 'p' \
                   and i.subject_id = 's57'";
    uses(&client, "code_pkey", by_code).await;
    let found: String = client.query_one(by_code, &[]).await.unwrap().get(0);
    assert_eq!(found, "i57");
    let client = host(&fresh, "everything", "on").await;
    for (index, sql) in [
        ("outbox_any_due", "select * from outbox where due_at <= 700 and taken = 0 order by due_at limit 5"),
        (
            "invitation_any_lease",
            "select * from invitation where state = 'accepting' and lease_until < 9 order by lease_until limit 4",
        ),
    ] {
        uses(&client, index, sql).await;
    }
}

/// Waits until nobody else is connected: a connection tells what it has read when it ends.
async fn alone(client: &Client) {
    let others = "select count(*) from pg_stat_activity where datname = current_database() \
                  and pid <> pg_backend_pid() and backend_type = 'client backend'";
    while client.query_one(others, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How many rows and entries of indexes are read from each table when everything is done once.
async fn read(each: usize, others: usize) -> BTreeMap<String, i64> {
    let fresh = fresh().await;
    let place = Place::named(&fresh.url).await.unwrap();
    let plugin = plugin();
    let field = Field::new(&plugin, place, 20, each, others, Observer::default()).await.unwrap();
    field.fill_accounts().await.unwrap();
    let client = owner(&fresh).await;
    // What was read until now is not counted.
    let begin = async {
        alone(&client).await;
        client.batch_execute("select pg_stat_reset()").await.unwrap();
    };
    let mut field = field.reopened(&plugin, begin).await.unwrap();
    everything::done(&mut field, |_| {}).await;
    drop(field);
    alone(&client).await;
    let read = "select t.relname::text, (t.seq_tup_read + sum(i.idx_tup_read))::bigint \
                from pg_stat_user_tables t join pg_stat_user_indexes i using (relid) group by 1, t.seq_tup_read";
    client.query(read, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_times_as_many_rows_are_not_read_more_often() {
    let (few, many) = (read(100, 300).await, read(2000, 20_000).await);
    assert!(few["invitation"] > 100 && few["person"] > 100, "{few:?}");
    for (table, rows) in &many {
        let before = few[table];
        assert!(
            *rows <= before * 13 / 10 + 50,
            "{table}: {before} rows with few, {rows} with many: {many:?}"
        );
    }
}
