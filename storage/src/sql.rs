//! One text of SQL for two databases.
//!
//! Every operation is written once, over a [`Connection`], and runs as one transaction. SQLite and
//! PostgreSQL agree on all that it uses; the few words that differ are asked of the connection. Statements
//! number their values as `$1`, and values are only ever bound.

use std::future::Future;

use crate::error::{DbError, OperationError};

/// A value that can be bound and read. Whole numbers stand for instants, lengths of time and truth values,
/// too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// Kind of the value. Its content may be anything, and is told to nobody.
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Integer(_) => "a number that does not belong there",
            Self::Text(_) => "a text that does not belong there",
            Self::Bytes(_) => "bytes that do not belong there",
        }
    }
}

/// PostgreSQL holds no text with the character NUL, so no database is asked to.
pub(crate) fn storable(values: &[Value]) -> Result<(), DbError> {
    let holds_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if values.iter().any(holds_nul) {
        return Err(DbError::Unstorable("a text holds the character NUL, which cannot be stored".into()));
    }
    Ok(())
}

/// One row of an answer.
#[derive(Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

/// The rows that a transaction may touch. PostgreSQL's row-level security judges by it, so that a statement
/// that forgets its organization finds nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) organization: Option<String>,
    /// The resident organization and the id of a signed-in invitee: their own rows are there, too.
    pub(crate) account: Option<(String, String)>,
    /// The host itself, outside of any call: everything is there.
    pub(crate) everything: bool,
    /// Tells whether it runs as the one who owns the tables, for loading a whole world: nobody else may write
    /// `loading`, or delete events.
    pub(crate) owner: bool,
}

/// A database inside of a transaction.
pub(crate) trait Connection: Send {
    /// Runs a query and answers with what it finds.
    fn rows(&mut self, sql: &str, values: &[Value])
    -> impl Future<Output = Result<Vec<Row>, DbError>> + Send;

    /// Makes a change; answers how many rows it concerned.
    fn change(&mut self, sql: &str, values: &[Value]) -> impl Future<Output = Result<u64, DbError>> + Send;

    /// The store's time when the transaction began, in milliseconds since 1970.
    fn now(&self) -> i64;

    /// An expression for the store's time when a statement looks at a row, which may be after it has waited
    /// for it. `now` is the placeholder that [`now`](Self::now) is bound to.
    fn clock(&self, now: &str) -> String;

    /// The clause that a `select` ends with so that nobody else changes its rows before the transaction ends.
    fn for_update(&self) -> &'static str;

    /// The same, leaving out rows that somebody else has locked.
    fn for_update_skip_locked(&self) -> &'static str;

    /// An expression that is above zero where the one text is found in the other.
    fn find(&self, text: &str, part: &str) -> String;

    /// An expression for 32 random bytes, others for each row.
    fn random(&self) -> &'static str;

    /// Waits until nobody else is in the part of the code that this text names, until the transaction ends.
    fn advisory_lock(&mut self, name: &str) -> impl Future<Output = Result<(), DbError>> + Send;

    /// Lets the statements that follow in this transaction be done by the order of an index and nothing else: for
    /// lists, which are to read no more than a page however much the planner believes there is.
    fn by_index(&mut self) -> impl Future<Output = Result<(), DbError>> + Send;

    /// Takes a look at these tables, so that the planner knows that they have become large just now.
    fn analyze(&mut self, tables: &[&str]) -> impl Future<Output = Result<(), DbError>> + Send;

    /// The first row of what a query finds.
    fn row(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> impl Future<Output = Result<Option<Row>, DbError>> + Send {
        let rows = self.rows(sql, values);
        async { Ok(rows.await?.into_iter().next()) }
    }
}

/// Something that is done in one transaction. Whatever is not `Ok` leaves no trace; it may be done again
/// from the start.
pub(crate) trait Operation: Send + Sync + 'static {
    type Output: Send + 'static;

    /// Its name in the log: the function of the contract that it answers, where there is one.
    const NAME: &'static str;

    /// Tells whether it changes nothing.
    const READS: bool = false;

    /// The rows that it touches.
    fn scope(&self) -> Scope;

    fn run<C: Connection>(
        &self,
        db: &mut C,
    ) -> impl Future<Output = Result<Self::Output, OperationError>> + Send;
}

impl Row {
    /// The column with this number, from 0. Another type than the one asked for is a damaged database.
    pub(crate) fn get<T: FromValue>(&self, column: usize) -> Result<T, DbError> {
        let value = self.0.get(column).unwrap_or(&Value::Null);
        let holds = || DbError::Damaged(format!("column {column} holds {}", value.kind()).into());
        T::from_value(value).ok_or_else(holds)
    }
}

/// A type that a column can be read as.
pub(crate) trait FromValue: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Integer(number) = value { Some(*number) } else { None }
    }
}

impl FromValue for u64 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(bytes.clone()) } else { None }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

/// Keeps what is beyond the largest number of a database as that: a time that nobody will see.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Integer(truth.into())
    }
}

impl From<[u8; 32]> for Value {
    fn from(bytes: [u8; 32]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Binds values of different types: `values![organization, 7_i64]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Value::from($value)),*] };
}
pub(crate) use values;
