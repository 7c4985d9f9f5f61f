//! Schemas and the way from one to the next.
//!
//! Migrations go forward only, all that are missing in one transaction. Of each it is known which is the
//! oldest program that gets along with it: an added column or table disturbs no older program, so hosts of two
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

/// Finds what there is still to do for a database of schema `found`, which needs programs from `needs` on.
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

/// Refuses a database of schema `found`, which needs programs from `needs` on, where this program cannot use
/// it.
pub(crate) fn admit(migrations: &[Migration], found: u32, needs: u32) -> Result<(), StorageError> {
    let own = own(migrations);
    if missing(migrations, found, needs)?.is_empty() {
        return Ok(());
    }
    Err(StorageError::Older { found, own })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The second adds a column, the third takes one away.
    const KNOWN: &[Migration] = &[
        Migration { version: 1, needs: 1, sql: "" },
        Migration { version: 2, needs: 1, sql: "" },
        Migration { version: 3, needs: 3, sql: "" },
    ];

    #[test]
    fn programs_of_two_neighbouring_versions_share_a_database_as_long_as_nothing_is_taken_away() {
        let first = KNOWN.get(..1).unwrap();
        assert!(admit(first, 1, 1).is_ok());
        assert!(admit(first, 2, 1).is_ok());
        let refused = admit(first, 3, 3).unwrap_err();
        assert!(matches!(refused, StorageError::Newer { found: 3, needs: 3, own: 1 }), "{refused}");
        let refused = admit(KNOWN, 2, 1).unwrap_err();
        assert!(matches!(refused, StorageError::Older { found: 2, own: 3 }), "{refused}");
    }

    #[test]
    fn what_is_missing_is_done_in_order_and_once() {
        let versions = |found, needs| -> Vec<u32> {
            missing(KNOWN, found, needs).unwrap().iter().map(|migration| migration.version).collect()
        };
        assert_eq!(versions(0, 0), [1, 2, 3]);
        assert_eq!(versions(2, 1), [3]);
        assert_eq!(versions(3, 3), [] as [u32; 0]);
        assert_eq!(versions(4, 3), [] as [u32; 0]);
    }
}
