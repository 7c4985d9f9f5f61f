//! What the role of calls may do, and whose rows it sees.

use crate::support::{OPEN, PRIVATE, SERVERS, count, fresh, host, invitation, one_of_all, owner, refused};

/// Without the right to.
const FORBIDDEN: &str = "42501";

/// Rows that an organization has: a group and a role, and one of everything else.
fn of_each(table: &str) -> i64 {
    if table == "target" { 2 } else { 1 }
}

#[tokio::test]
async fn the_role_of_calls_owns_nothing() {
    let fresh = fresh().await;
    let client = host(&fresh, "everything", "on").await;
    let owned = "select count(*) from pg_class where pg_get_userbyid(relowner) = 'guestlist_host'";
    assert_eq!(client.query_one(owned, &[]).await.unwrap().get::<_, i64>(0), 0);
    let above = "select rolsuper or rolbypassrls or rolcanlogin from pg_roles where rolname = current_user";
    assert!(!client.query_one(above, &[]).await.unwrap().get::<_, bool>(0));
    for sql in [
        "create table guestlist.another (one bigint)",
        "alter table invitation disable row level security",
        "alter table invitation no force row level security",
        "alter table invitation disable trigger invitation_path",
        "drop policy scope on invitation",
    ] {
        let (state, said) = refused(&client, sql).await;
        assert_eq!(state, FORBIDDEN, "{sql}: {said}");
    }
}

#[tokio::test]
async fn the_role_of_calls_cannot_change_what_was_written_down() {
    let fresh = fresh().await;
    owner(&fresh).await.batch_execute(&one_of_all("a", "i")).await.unwrap();
    let client = host(&fresh, "everything", "on").await;
    for sql in [
        "update audit set word = 'other'",
        "delete from audit",
        "truncate audit",
        "truncate invitation cascade",
        "delete from spent",
        "delete from handle",
        "update spent set id = 'another'",
        "insert into loading values (1)",
        "update secret set value = ''",
        "insert into secret values ('mine', '')",
        "insert into migration (version, needs) values (2, 2)",
        "delete from floor",
        "insert into realm values (1, 1)",
    ] {
        let (state, said) = refused(&client, sql).await;
        assert_eq!(state, FORBIDDEN, "{sql}: {said}");
    }
    let forged = "insert into audit (place, at, actor, request_id, kind, operation) values (1, 1, '', '', 'refused', '')";
    assert_eq!(refused(&client, forged).await.0, "428C9");
}

#[tokio::test]
async fn each_table_with_an_organization_has_row_level_security_for_its_owner_too() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let guarded = "select relname::text from pg_class where relnamespace = 'guestlist'::regnamespace \
                   and relkind = 'r' and relrowsecurity and relforcerowsecurity order by 1";
    let rows = client.query(guarded, &[]).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut expected = [&PRIVATE[..], &OPEN[..], &SERVERS[..]].concat();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_statement_that_forgets_its_organization_finds_nothing_of_another() {
    let fresh = fresh().await;
    let all = owner(&fresh).await;
    all.batch_execute(&(one_of_all("a", "i") + &one_of_all("b", "j"))).await.unwrap();
    for (setting, value, seen) in
        [("organization", "", 0), ("organization", "a", 1), ("organization", "c", 0), ("everything", "on", 2)]
    {
        let client = host(&fresh, setting, value).await;
        for table in PRIVATE {
            assert_eq!(count(&client, table).await, seen, "{table} with {setting} {value}");
        }
        for table in OPEN {
            assert_eq!(count(&client, table).await, 2 * of_each(table), "{table} is open");
        }
    }
    let client = host(&fresh, "organization", "a").await;
    for table in PRIVATE.into_iter().filter(|table| *table != "audit") {
        let changed = client.execute(&format!("update {table} set organization = organization"), &[]).await;
        assert_eq!(changed.unwrap(), 1, "{table}");
    }
    // The rows of the other are neither changed nor taken away.
    assert_eq!(client.execute("update invitation set name = 'mine'", &[]).await.unwrap(), 1);
    for table in [
        "code",
        "outbox",
        "operation",
        "grant_log",
        "grant_closed",
        "external_step",
        "external_log",
        "password",
        "session",
        "token",
        "client",
        "identity",
        "remembered",
        "delivery",
        "held",
        "role_group",
        "role_client",
        "role_lease",
        "permission",
        "target",
    ] {
        let rows = of_each(table);
        let gone = client.execute(&format!("delete from {table}"), &[]).await.unwrap();
        assert_eq!(i64::try_from(gone).unwrap(), rows, "{table}");
        assert_eq!(count(&all, table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn nobody_writes_rows_of_another_organization() {
    let fresh = fresh().await;
    owner(&fresh).await.batch_execute(&(one_of_all("a", "i") + &one_of_all("b", "j"))).await.unwrap();
    let client = host(&fresh, "organization", "a").await;
    for sql in [
        &invitation("b", "k"),
        "insert into code values (sha256('x'), 'b', 'j', 2)",
        "insert into outbox values ('b', 'j', 'reminder', 1, 1, 0, 0)",
        "insert into operation values ('b', 'c', 'p', '', 1)",
        "insert into operation_item values ('b', 'c', 'o', 1, 'j', null)",
        "insert into grant_log values ('b', 'j', 'group', 1)",
        "insert into external_log values ('b', 'k', 0, null)",
        "insert into external_step values ('b', 'j', 'group', 1, 'b', 'j', 'applied', 1, 1)",
        "insert into audit (at, organization, actor, request_id, kind, operation) values (1, 'b', '', '', 'refused', '')",
        "insert into person values ('b', 'k', 'k', 'k', 's', null, null, 1, 'b', 'k', null)",
        "insert into held values ('b', 'j', 'role', 'g', null)",
        "insert into role_group values ('b', 'r', 'g')",
        "insert into role_client values ('b', 'r', 'd')",
        "insert into role_lease values ('b', 'j', 'r', 'k', 1)",
        "insert into permission values ('b', '\"y\"', '[]', 2)",
        "insert into organization values ('c', 'n', null, 1, 0, 0, '{}', null, '[]', '', 0, null)",
        "insert into handle values ('b', 'mine', 'b', 0)",
        "insert into password values ('b', 'j', '$x$y', 1)",
        "insert into session values (sha256('x'), 'b', 'j', 'b', 1, 1, 1, 2)",
        "insert into client values ('x', 'b', 'n', sha256('s'), 1, null, null, null)",
        "insert into token values (sha256('x'), 'b', 'b', 'j', null, '[]', 1, 2)",
        "insert into identity values ('b', 'issuer', 'another', 'b', 'j', 1)",
        "insert into remembered values ('b', 'c', 'x', sha256('f'), 1, null)",
        "insert into delivery values ('b', 'j', 'reminder', 1, 'queued', 1, null, null)",
        "insert into link values ('x', sha256('x'), 1, 2)",
        "update invitation set organization = 'b'",
        "update organization set id = 'c' where id = 'a'",
    ] {
        let (state, said) = refused(&client, sql).await;
        assert_eq!(state, FORBIDDEN, "{sql}: {said}");
    }
    // Of no organization at all is what somebody was refused who is in none.
    let homeless =
        "insert into audit (at, actor, request_id, kind, operation) values (1, '', '', 'refused', '')";
    assert_eq!(client.execute(homeless, &[]).await.unwrap(), 1);
    assert_eq!(count(&client, "audit").await, 1);
}

#[tokio::test]
async fn an_invitee_sees_what_is_his_in_whichever_organization() {
    let fresh = fresh().await;
    owner(&fresh).await.batch_execute(&(one_of_all("a", "i") + &one_of_all("b", "j"))).await.unwrap();
    let client = host(&fresh, "account_organization", "parent").await;
    assert_eq!(count(&client, "invitation").await, 0, "half an account is nobody");
    client.execute("select set_config('guestlist.account', 'j', false)", &[]).await.unwrap();
    for table in ["invitation", "code", "outbox", "grant_log", "grant_closed", "audit"] {
        let sql = format!("select min(organization), count(*) from {table}");
        let row = client.query_one(&sql, &[]).await.unwrap();
        assert_eq!((row.get::<_, String>(0).as_str(), row.get::<_, i64>(1)), ("b", 1), "{table}");
    }
    for table in ["operation", "operation_item", "external_log", "external_step"] {
        assert_eq!(count(&client, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn what_belongs_to_no_organization_is_the_hosts_alone() {
    let fresh = fresh().await;
    let rows = one_of_all("a", "i")
        + "insert into link values ('x', sha256('x'), 1, 2); insert into mailing values ('a', 'i', 'a', 1, 1, 0);";
    owner(&fresh).await.batch_execute(&rows).await.unwrap();
    for (setting, value, seen) in
        [("organization", "a", 0), ("account_organization", "a", 0), ("everything", "on", 1)]
    {
        let client = host(&fresh, setting, value).await;
        for table in SERVERS {
            assert_eq!(count(&client, table).await, seen, "{table} with {setting} {value}");
            let changed = client.execute(&format!("delete from {table} where false"), &[]).await;
            assert_eq!(changed.unwrap(), 0, "{table}");
        }
    }
}

#[tokio::test]
async fn whoever_signs_in_at_a_root_may_have_an_account_below_it() {
    let fresh = fresh().await;
    let all = owner(&fresh).await;
    all.batch_execute(&(one_of_all("a", "i") + &one_of_all("b", "j"))).await.unwrap();
    all.batch_execute("update identity set root = 'a', subject = organization").await.unwrap();
    let client = host(&fresh, "organization", "a").await;
    assert_eq!(count(&client, "identity").await, 2, "by the root");
    let client = host(&fresh, "organization", "b").await;
    assert_eq!(count(&client, "identity").await, 1, "its own");
}

#[tokio::test]
async fn a_transaction_leaves_its_scope_behind() {
    let fresh = fresh().await;
    owner(&fresh).await.batch_execute(&one_of_all("a", "i")).await.unwrap();
    let client = host(&fresh, "organization", "").await;
    let scope = "begin; select set_config('guestlist.organization', 'a', true)";
    client.batch_execute(scope).await.unwrap();
    assert_eq!(count(&client, "invitation").await, 1);
    client.batch_execute("commit").await.unwrap();
    assert_eq!(count(&client, "invitation").await, 0);
}
