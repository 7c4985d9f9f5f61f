//! PostgreSQL: many hosts on one database.

use crate::{Options, StorageError, error::Halt, sql::Operation};

#[derive(Debug)]
pub(crate) struct Pool {}

pub(crate) async fn migrate(_url: &str, _options: &Options) -> Result<(u32, u32), StorageError> {
    Err(StorageError::Database("not yet".into()))
}

impl Pool {
    pub(crate) async fn open(_url: &str, _options: &Options) -> Result<Self, StorageError> {
        Err(StorageError::Database("not yet".into()))
    }

    pub(crate) async fn perform<O: Operation>(&self, _operation: &O) -> Result<O::Output, Halt> {
        Err(crate::error::Failure::Away("not yet".into()).into())
    }
}
