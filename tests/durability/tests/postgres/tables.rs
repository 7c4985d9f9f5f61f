//! Both databases have the same tables.

use std::collections::{BTreeMap, BTreeSet};

use guestlist_durability::server::connect;
use guestlist_storage::{Database, Options};
use tokio_postgres::Client;

use crate::support::{fresh, owner, shipped};

/// What a schema consists of, in words that both databases have.
#[derive(Debug, Default, PartialEq)]
struct Schema {
    /// The columns of each table in order: name, type, whether it may be absent.
    columns: BTreeMap<String, Vec<(String, &'static str, bool)>>,
    /// The primary key of each table.
    keys: BTreeMap<String, Vec<String>>,
    /// Table and name of each.
    indexes: BTreeMap<(String, String), Index>,
    /// Table, other table.
    references: BTreeSet<(String, String)>,
    triggers: BTreeSet<String>,
}

#[derive(Debug, PartialEq)]
struct Index {
    /// An expression has no name.
    columns: Vec<Option<String>>,
    is_unique: bool,
    /// Of some rows only.
    is_partial: bool,
}

fn of_sqlite(connection: &rusqlite::Connection) -> Schema {
    let mut schema = Schema::default();
    let list = |sql: &str, of: &str| -> Vec<Vec<rusqlite::types::Value>> {
        let mut statement = connection.prepare(sql).unwrap();
        let width = statement.column_count();
        let read = |row: &rusqlite::Row| (0..width).map(|column| row.get(column)).collect();
        let values: &[&str] = if of.is_empty() { &[] } else { &[of] };
        statement.query_map(rusqlite::params_from_iter(values), read).unwrap().map(Result::unwrap).collect()
    };
    use rusqlite::types::Value;
    let text = |value: &Value| if let Value::Text(text) = value { text.clone() } else { panic!("{value:?}") };
    let is_so = |value: &Value| *value != Value::Integer(0);
    let of_type = |value: &Value| match text(value).to_ascii_lowercase().as_str() {
        "integer" => "number",
        "text" => "text",
        "blob" => "bytes",
        other => panic!("{other}"),
    };
    let tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'";
    for table in list(tables, "").iter().map(|row| text(&row[0])) {
        let mut key = Vec::new();
        let mut columns = Vec::new();
        let all = "select name, type, \"notnull\", pk from pragma_table_info($1) order by cid";
        for row in list(all, &table) {
            if let Value::Integer(place @ 1..) = row[3] {
                key.push((place, text(&row[0])));
            }
            columns.push((text(&row[0]), of_type(&row[1]), !is_so(&row[2]) && row[3] == Value::Integer(0)));
        }
        key.sort_unstable();
        schema.keys.insert(table.clone(), key.into_iter().map(|(_, name)| name).collect());
        schema.columns.insert(table.clone(), columns);
        let indexes = "select name, \"unique\", partial from pragma_index_list($1) where origin = 'c'";
        for row in list(indexes, &table) {
            let columns = list("select name from pragma_index_info($1) order by seqno", &text(&row[0]));
            let name = |row: &Vec<Value>| (row[0] != Value::Null).then(|| text(&row[0]));
            let columns = columns.iter().map(name).collect();
            let index = Index { columns, is_unique: is_so(&row[1]), is_partial: is_so(&row[2]) };
            schema.indexes.insert((table.clone(), text(&row[0])), index);
        }
        for row in list("select distinct \"table\" from pragma_foreign_key_list($1)", &table) {
            schema.references.insert((table.clone(), text(&row[0])));
        }
    }
    let triggers = list("select name from sqlite_schema where type = 'trigger'", "");
    schema.triggers = triggers.iter().map(|row| text(&row[0])).collect();
    schema
}

async fn of_postgres(client: &Client) -> Schema {
    let mut schema = Schema::default();
    let list = async |sql: &str| client.query(sql, &[]).await.unwrap();
    let columns = "select table_name::text, column_name::text, data_type::text, is_nullable = 'YES' \
                   from information_schema.columns where table_schema = 'guestlist' \
                   order by table_name, ordinal_position";
    for row in list(columns).await {
        let of_type = match row.get(2) {
            "bigint" => "number",
            "text" => "text",
            "bytea" => "bytes",
            other => panic!("{other}"),
        };
        schema.columns.entry(row.get(0)).or_default().push((row.get(1), of_type, row.get(3)));
    }
    let indexes = "select i.relname::text, t.relname::text, x.indisunique, x.indpred is not null, x.indisprimary, \
                   array(select (select attname::text from pg_attribute where attrelid = t.oid and attnum = k.number \
                   and attnum > 0) from unnest(x.indkey) with ordinality k(number, place) order by place) \
                   from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid \
                   where t.relnamespace = 'guestlist'::regnamespace";
    for row in list(indexes).await {
        let columns: Vec<Option<String>> = row.get(5);
        if row.get(4) {
            schema.keys.insert(row.get(1), columns.into_iter().map(Option::unwrap).collect());
        } else {
            let index = Index { columns, is_unique: row.get(2), is_partial: row.get(3) };
            schema.indexes.insert((row.get(1), row.get(0)), index);
        }
    }
    let references = "select c.conrelid::regclass::text, c.confrelid::regclass::text from pg_constraint c \
                      where c.contype = 'f' and c.connamespace = 'guestlist'::regnamespace";
    schema.references = list(references).await.iter().map(|row| (row.get(0), row.get(1))).collect();
    let triggers = "select tgname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid \
                    where c.relnamespace = 'guestlist'::regnamespace and not tgisinternal";
    schema.triggers = list(triggers).await.iter().map(|row| row.get(0)).collect();
    schema
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_keys_and_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guestlist.db");
    let url = format!("sqlite:{}", path.display());
    Database::open(&url, Options::default()).await.unwrap();
    let sqlite = of_sqlite(&rusqlite::Connection::open(&path).unwrap());
    let fresh = fresh().await;
    let mut postgres = of_postgres(&owner(&fresh).await).await;
    // Of what SQLite cannot do, or has no need of.
    for own in ["audit_is_whole", "loading_ends"] {
        assert!(postgres.triggers.remove(own), "{own}");
    }
    assert!(sqlite.columns.len() > 15 && sqlite.indexes.len() > 15, "{sqlite:?}");
    for (table, columns) in &sqlite.columns {
        assert_eq!(postgres.columns.get(table), Some(columns), "{table}");
    }
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn a_database_that_was_shipped_becomes_what_a_new_one_is() {
    let url = shipped("shipped_and_migrated").await;
    Database::migrate(&url, &Options::default()).await.unwrap();
    let client = connect(&url).await.unwrap();
    client.batch_execute("set search_path to guestlist, pg_temp").await.unwrap();
    let fresh = fresh().await;
    assert_eq!(of_postgres(&client).await, of_postgres(&owner(&fresh).await).await);
}

#[tokio::test]
async fn texts_are_compared_byte_by_byte() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    let others = "select a.attrelid::regclass::text || '.' || attname from pg_attribute a \
                  join pg_class c on c.oid = a.attrelid join pg_collation l on l.oid = a.attcollation \
                  where c.relnamespace = 'guestlist'::regnamespace and collname <> 'C'";
    let found: Vec<String> = client.query(others, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(found, [""; 0]);
}
