//! Many rows in few statements.
//!
//! A statement for each row would cost a round trip each. The number of values that one statement can bind
//! is limited, so long lists go in pieces.

use std::collections::BTreeMap;

use crate::{
    error::DbError,
    sql::{Connection, Value},
};

/// Values that one statement binds at most; SQLite allows 32,766 and PostgreSQL 65,535.
const BOUND: usize = 8_000;

/// Inserts rows, which are all as long as the first, in order, and answers how many are new. `into` is the
/// table with its columns, as in `audit (at, event)`, and `unless` what follows the values, as in `on
/// conflict do nothing`.
pub(crate) async fn insert<C: Connection, R: IntoIterator<Item = Value> + AsRef<[Value]>>(
    db: &mut C,
    into: &str,
    rows: Vec<R>,
    unless: &str,
) -> Result<u64, DbError> {
    let mut new = 0;
    let width = rows.first().map_or(1, |row| row.as_ref().len().max(1));
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let piece: Vec<Value> = rows.by_ref().take((BOUND / width).max(1)).flatten().collect();
        let sql = format!("insert into {into} values {} {unless}", lists(1, width, piece.len() / width));
        new += db.change(&sql, &piece).await?;
    }
    Ok(new)
}

/// `count` placeholders from number `first` on: `($2, $3, $4)`. It fits after `in`; of none it is a list
/// that nothing is in.
pub(crate) fn list(first: usize, count: usize) -> String {
    if count == 0 {
        return "(null)".to_owned();
    }
    let places: Vec<_> = (first..first + count).map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}

/// The condition that two columns are one of these pairs, whose values are added to those that are `bound`; of
/// none it is a condition that never holds. `within` is a condition that all share, as `organization = $1`.
///
/// Pairs that begin alike are one part with a list: for a hundred parts PostgreSQL would think longer than it
/// works. `within` stands in each part and not once before them: it would mean the same, but where there are
/// many parts SQLite would walk through all that is `within`, instead of looking each of them up.
pub(crate) fn either<'a>(
    within: Option<&str>,
    [one, other]: [&str; 2],
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    bound: &mut Vec<Value>,
) -> String {
    let mut alike: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (first, second) in pairs {
        alike.entry(first).or_default().push(second);
    }
    let within = within.map(|within| format!("{within} and ")).unwrap_or_default();
    let mut part = |(first, seconds): (&str, Vec<&str>)| {
        bound.push(first.into());
        let place = bound.len();
        let list = list(place + 1, seconds.len());
        bound.extend(seconds.into_iter().map(Value::from));
        format!("({within}{one} = ${place} and {other} in {list})")
    };
    let parts: Vec<_> = alike.into_iter().map(&mut part).collect();
    if parts.is_empty() { "(1 = 0)".to_owned() } else { format!("({})", parts.join(" or ")) }
}

/// `count` lists of `width` placeholders each: `($1, $2), ($3, $4)`.
pub(crate) fn lists(first: usize, width: usize, count: usize) -> String {
    let lists: Vec<_> = (0..count).map(|number| list(first + number * width, width)).collect();
    lists.join(", ")
}
