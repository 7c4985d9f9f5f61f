//! One page of a list.

use guestlist_contract::{
    bounds,
    paging::{Key, Place, Walk},
};
use serde::Serialize;

use crate::{
    AccountError,
    error::OperationError,
    sql::{Connection, Row, Value},
};

/// The page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOf {
    /// How many rows; 1 to 200.
    pub limit: u32,
    /// The `next` of the page before; absent: the first page.
    pub after: Option<String>,
}

impl Default for PageOf {
    fn default() -> Self {
        Self { limit: 50, after: None }
    }
}

/// A page of a list. A row that is there throughout the walk, and whose sort key stays, is shown exactly once.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last. It says nothing to anybody, and fits this list and filter
    /// only.
    pub next: Option<String>,
}

/// A page as it is being read.
pub(super) struct Turn {
    pub(super) walk: Walk,
    pub(super) after: Option<Place>,
    pub(super) limit: usize,
}

impl Turn {
    /// `about`: which list, of whom, and the filter.
    pub(super) fn new(
        secret: [u8; 32],
        about: &impl Serialize,
        page: &PageOf,
    ) -> Result<Self, OperationError> {
        let limit = bounds::limit(page.limit)?;
        let walk = Walk::new(secret, about)?;
        let after = walk.start(page.after.as_deref())?;
        Ok(Self { walk, after, limit })
    }

    /// One row more than a page has, to know whether there is another one.
    pub(super) fn rows(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// The page of these rows; `place` says where a row stands in the order.
    pub(super) fn page<T>(&self, mut found: Vec<(T, Place)>) -> Listed<T> {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let last = found.last().filter(|_| more).map(|(_, place)| place.clone());
        let next = last.and_then(|last| self.walk.cursor(last));
        Listed { items: found.into_iter().map(|(row, _)| row).collect(), next }
    }
}

/// A place in a list that is sorted by a name and then by an id.
pub(super) fn named(name: &str, id: &str) -> Place {
    Place { key: Key::Name(name.to_owned()), organization: String::new(), id: id.to_owned() }
}

/// The name and id of such a place.
pub(super) fn name_and_id(place: Place) -> Result<(String, String), OperationError> {
    match place.key {
        Key::Name(name) => Ok((name, place.id)),
        Key::Time(_) | Key::Never => Err(AccountError::InvalidCursor.into()),
    }
}

/// A statement that is being put together.
#[derive(Default)]
pub(super) struct Statement {
    all: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Statement {
    /// Binds a value, and answers with its placeholder.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    pub(super) fn require(&mut self, condition: impl Into<String>) {
        self.all.push(condition.into());
    }

    pub(super) fn equal(&mut self, column: &str, value: impl Into<Value>) {
        let value = self.bind(value);
        self.require(format!("{column} = {value}"));
    }

    /// The rows whose name begins so, and that come after this place: those of a list that is sorted by name and
    /// id. Each bound stands here once: of two of one kind a database may take the wider.
    pub(super) fn range(
        &mut self,
        [name, id]: [&str; 2],
        prefix: Option<&str>,
        after: Option<Place>,
    ) -> Result<(), OperationError> {
        if let Some(prefix) = prefix {
            if after.is_none() {
                let begins = self.bind(prefix);
                self.require(format!("{name} >= {begins}"));
            }
            // Between the two are those that begin so, and no others.
            if let Some(end) = after_all(prefix) {
                let end = self.bind(end);
                self.require(format!("{name} < {end}"));
            }
        }
        if let Some(place) = after {
            let (last, last_id) = name_and_id(place)?;
            let (last, last_id) = (self.bind(last), self.bind(last_id));
            self.require(format!("({name}, {id}) > ({last}, {last_id})"));
        }
        Ok(())
    }

    /// Runs `select .. where CONDITIONS rest`.
    pub(super) async fn rows<C: Connection>(
        &self,
        db: &mut C,
        select: &str,
        rest: &str,
    ) -> Result<Vec<Row>, OperationError> {
        db.by_index().await?;
        let sql = format!("{select} where {} {rest}", self.all.join(" and "));
        Ok(db.rows(&sql, &self.values).await?)
    }
}

/// The first text after all that begin so, byte by byte; `None` where nothing else comes after these.
fn after_all(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        // After the last of the letters before the surrogates comes the first after them.
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        for (prefix, end) in [("ab", Some("ac")), ("a\u{10ffff}", Some("b")), ("\u{d7ff}", Some("\u{e000}"))]
        {
            assert_eq!(after_all(prefix).as_deref(), end);
        }
        assert_eq!(after_all(""), None);
        assert_eq!(after_all("\u{10ffff}"), None);
    }
}
