//! Everything that a database has, as one piece of data, in and out.
//!
//! A host that moves from one database to another, a test that begins with a world, an operator who wants to
//! see all of it: each takes a [`Realm`], which is what the in-memory host has. Codes are not in it, only
//! their digests.

mod dump;
mod load;

use guestlist_memory::Realm;

use crate::{
    Database, StorageError,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Scope},
};

impl Database {
    /// Has this world instead of everything that is there. Time stays, and so does the key of cursors. The
    /// [records](crate::Grants) of members who are elsewhere go, and so do [accounts](crate::Accounts) to sign in
    /// with, handles included: a world has none.
    ///
    /// Whole numbers beyond 2⁶³ − 1 become that. Of two entries about what one principal may do in an
    /// organization the first counts, and is kept. The user running this has to own the tables of a
    /// PostgreSQL database, because a world is loaded past the rules that keep the audit trail.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] where the world has something that cannot be stored: the character NUL, or
    /// something that belongs to what is not there; nothing was changed. [`StorageError::Database`] where the
    /// database does not answer: the world is there as a whole or not at all.
    pub async fn load(&self, world: &Realm) -> Result<(), StorageError> {
        let load = load::Load::of(world)?;
        self.perform(None, load).await.map_err(|halt| match halt {
            OperationError::Failed(
                failure @ (DbError::Duplicate(_) | DbError::Refused(_) | DbError::Unstorable(_)),
            ) => StorageError::Invalid(format!("this world cannot be stored: {}", failure.text())),
            halt => halt.into(),
        })
    }

    /// Tells whether it has no organization, no invitation and no [record](crate::Grants) of members who are
    /// elsewhere.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_empty(&self) -> Result<bool, StorageError> {
        Ok(self.perform(None, IsEmpty).await?)
    }

    /// Everything that is there, except for the [records](crate::Grants) of members who are elsewhere and
    /// [accounts](crate::Accounts) to sign in with: a database that has some is moved by its own means.
    ///
    /// What the in-memory host has in the order in which it came to be, and a database has not, is in a stable
    /// order: messages by when they are due, operations by when they last recorded something.
    ///
    /// # Errors
    /// The database does not answer, or has something that this program has not written.
    pub async fn dump(&self) -> Result<Realm, StorageError> {
        Ok(self.perform(None, dump::Dump).await?)
    }
}

/// Asks whether there is nothing that a world would replace.
struct IsEmpty;

impl Operation for IsEmpty {
    type Output = bool;
    const NAME: &'static str = "is-empty";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { everything: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<bool, OperationError> {
        let any = "select 1 from organization union all select 1 from invitation \
                   union all select 1 from external_log limit 1";
        Ok(db.row(any, &[]).await?.is_none())
    }
}

/// The 32 bytes of 64 hexadecimal digits.
fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digit = |letter| match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    };
    let digits: Vec<_> = hex.bytes().map(digit).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<_> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    if rest.is_empty() { bytes.try_into().ok() } else { None }
}

/// The other way round.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_64_small_hexadecimal_digits() {
        let digits = "00ff".repeat(16);
        assert_eq!(bytes(&digits).map(|bytes| hex(&bytes)), Some(digits));
        for wrong in
            ["", "00", &"0".repeat(63), &"0".repeat(66), &"0G".repeat(32), &"0F".repeat(32), &"+1".repeat(32)]
        {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
