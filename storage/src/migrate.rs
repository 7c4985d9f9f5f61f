//! Schemas and the way from one to the next.
//!
//! Migrations go forward only, each in a transaction of its own. Of each it is known which is the oldest
//! program that gets along with it: an added column or table disturbs no older program, so hosts of two
//! neighbouring versions can run at once while they are replaced one by one.

use crate::StorageError;

/// One step from a schema to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// The schema that it leads to.
    pub(crate) version: u32,
    /// The oldest schema whose programs get along with it.
    pub(crate) needs: u32,
    pub(crate) sql: &'static str,
}

/// The newest schema that a program with these migrations knows.
pub(crate) fn own(migrations: &[Migration]) -> u32 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// What there is still to do for a database of schema `found`, which needs programs from `needs` on.
pub(crate) fn missing(
    migrations: &[Migration],
    found: u32,
    needs: u32,
) -> Result<Vec<Migration>, StorageError> {
    let own = own(migrations);
    if needs > own {
        return Err(StorageError::Newer { found, needs, own });
    }
    Ok(migrations.iter().filter(|migration| migration.version > found).copied().collect())
}
