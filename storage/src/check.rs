//! Tells whether a database is well, for whoever watches a host.

use crate::{
    Kind, StorageError,
    database::Database,
    error::{DbError, OperationError},
    invitations::lists::Secret,
    sql::{Connection, Operation, Scope},
};

/// The answer of a database that is well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The program that it belongs to.
    pub kind: Kind,
    /// Its schema; later than this program's where a newer one has migrated it.
    pub schema: u32,
    /// The store's time, in milliseconds since 1970. It never goes back.
    pub now: u64,
}

struct Check;

impl Operation for Check {
    type Output = (u32, i64);
    const NAME: &'static str = "check";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(u32, i64), OperationError> {
        let newest = db.row("select max(version) from migration", &[]).await?;
        let empty = || DbError::Damaged("the table `migration` is empty".into());
        let newest = newest.ok_or_else(empty)?.get(0)?;
        // Without one of them lists or refusals would fail, and nothing else.
        for name in ["cursors", "names"] {
            Secret(name).run(db).await?;
        }
        Ok((newest, db.now()))
    }
}

impl Database {
    /// Asks the database whether it answers: one short transaction that reads, with the same waits and tries
    /// as any other.
    ///
    /// # Errors
    /// It does not answer, or not in time.
    pub async fn check(&self) -> Result<Health, StorageError> {
        let (schema, now) = self.perform(None, Check).await?;
        Ok(Health { kind: self.kind(), schema, now: u64::try_from(now).unwrap_or_default() })
    }
}
