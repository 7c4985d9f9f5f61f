//! Row-level security stands beside the indexes, not in their way.

use tokio_postgres::Client;

use crate::support::{fresh, host, owner};

/// Enough rows that an index pays, in 50 organizations.
const FILL: &str = "
    insert into organization
        select 'o' || n, 'n', null, 1, 0, 0, '{}', null, '', 0, null from generate_series(0, 49) n;
    insert into invitation select 'o' || n % 50, 'i' || n, 'p', 1, 1, 'pending', 'p', 's' || n, 'n' || n, '', null,
        '[]', '[]', 'code', 'internal', 'sent', null, '[]', n, null, n + 1000, null, null, 0, null, 0, 'x', null, 0,
        0 from generate_series(1, 10000) n;
    insert into code select sha256(('c' || n)::bytea), 'o' || n % 50, 'i' || n, 1 from generate_series(1, 10000) n;
    insert into outbox select 'o' || n % 50, 'i' || n, 'invitation', 1, n, 0, 0 from generate_series(1, 10000) n;
    insert into audit (at, organization, actor, request_id, event, operation, invitation)
        select n, 'o' || n % 50, '', '', '', '', 'i' || n from generate_series(1, 10000) n;
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
