//! `settings`.

use guestlist_contract::{host::Call, settings::Values};
use guestlist_memory::default_settings;

use super::visibility::concerns;
use crate::{
    codec::from_json,
    error::{DbError, OperationError},
    invitations::access::Asker,
    sql::{Connection, Operation, Scope, values},
};

/// `get`.
pub(super) struct Get {
    asker: Asker,
    organization: String,
}

impl Get {
    pub(super) fn new(call: &Call, organization: String) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::around_call(call)?, organization })
    }
}

impl Operation for Get {
    type Output = Values;
    const NAME: &'static str = "settings.get";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    /// The store's work goes on for an organization that was deleted, so its settings stay.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<Values, OperationError> {
        concerns(db, &self.asker, &self.organization).await?;
        let sql = "select settings from organization where id = $1";
        match db.row(sql, values![&self.organization]).await? {
            Some(row) => Ok(from_json(&row.get::<String>(0)?)?),
            None => Ok(default_settings()),
        }
    }
}
