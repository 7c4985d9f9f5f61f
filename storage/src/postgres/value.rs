//! Values on their way to PostgreSQL and back.
//!
//! The tables have three types: `bigint`, `text` and `bytea`. Expressions have more, and a placeholder has the
//! type that its surroundings ask for.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::sql::Value;

type Wrong = Box<dyn Error + Sync + Send>;

impl Value {
    /// The type that it is sent as where nothing around it says so.
    pub(super) fn usual_type(&self) -> Type {
        match self {
            Self::Null => Type::UNKNOWN,
            Self::Integer(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, as_type: &Type, to: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => match *as_type {
                Type::INT8 => number.to_sql(as_type, to),
                Type::INT4 => i32::try_from(*number)?.to_sql(as_type, to),
                Type::INT2 => i16::try_from(*number)?.to_sql(as_type, to),
                Type::BOOL => (*number != 0).to_sql(as_type, to),
                _ => Err(mismatch("a number", as_type)),
            },
            Self::Text(text) if <&str as ToSql>::accepts(as_type) => text.as_str().to_sql(as_type, to),
            Self::Text(_) => Err(mismatch("a text", as_type)),
            Self::Bytes(bytes) if *as_type == Type::BYTEA => bytes.as_slice().to_sql(as_type, to),
            Self::Bytes(_) => Err(mismatch("bytes", as_type)),
        }
    }

    /// Accepts every type: which ones fit depends on the value.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(from_type: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(match *from_type {
            Type::INT8 => Self::Integer(i64::from_sql(from_type, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(from_type, raw)?.into()),
            Type::INT2 => Self::Integer(i16::from_sql(from_type, raw)?.into()),
            Type::BOOL => Self::Integer(bool::from_sql(from_type, raw)?.into()),
            Type::BYTEA => Self::Bytes(Vec::from_sql(from_type, raw)?),
            _ => Self::Text(String::from_sql(from_type, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Wrong> {
        Ok(Self::Null)
    }

    /// Accepts these types; whatever else a statement answers with has to be cast to one of them in it.
    fn accepts(from_type: &Type) -> bool {
        matches!(*from_type, Type::INT8 | Type::INT4 | Type::INT2 | Type::BOOL | Type::BYTEA)
            || <String as FromSql>::accepts(from_type)
    }
}

fn mismatch(what: &str, as_type: &Type) -> Wrong {
    format!("{what} cannot be sent where the statement expects {as_type}").into()
}
