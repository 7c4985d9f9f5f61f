//! Reads what an operation has recorded before, so that repeating it has no second effect.

use std::collections::BTreeMap;

use guestlist_contract::storage::{Inserted, Recorded, RecordedOutcome, StoreError};

use super::{Insert, REMEMBERED};
use crate::{
    error::{DbError, OperationError},
    invitations::rows::{COLUMNS, Stored, WIDTH, read},
    sql::{Connection, Row, values},
};

/// An operation of one caller.
pub(super) struct Remembered {
    pub(super) fingerprint: [u8; 32],
    /// The time when it last recorded something.
    pub(super) at: i64,
    /// Items by position.
    pub(super) items: BTreeMap<u32, Item>,
}

/// The outcome of a position.
pub(super) enum Item {
    /// The invitation, where it was not purged since.
    Row(Option<Box<Stored>>),
    /// The refusal, in these words.
    Refused(String),
}

/// An invitation as the one who made it is told of it.
pub(super) fn describe(row: &Stored, now: i64, existed: bool) -> Inserted {
    Inserted {
        id: row.invitation.key.id.clone(),
        version: row.invitation.version,
        state: row.state_at(now),
        expires_at: row.invitation.expires_at,
        mail: row.invitation.mail,
        existed,
    }
}

fn item(row: &Row) -> Result<(u32, Item), DbError> {
    let item = match (row.get::<Option<String>>(1)?, row.get::<Option<String>>(2)?) {
        (Some(refused), None) => Item::Refused(refused),
        (None, None) => Item::Row(None),
        (_, Some(_)) => Item::Row(Some(Box::new(read(row, 2)?))),
    };
    Ok((row.get(0)?, item))
}

impl Remembered {
    /// Reads what is known of an operation; `None` where nothing is.
    pub(super) async fn read<C: Connection>(
        db: &mut C,
        organization: &str,
        caller: &str,
        operation: &str,
    ) -> Result<Option<Self>, DbError> {
        let sql = "select fingerprint, at from operation \
                   where organization = $1 and caller = $2 and operation = $3";
        let Some(known) = db.row(sql, values![organization, caller, operation]).await? else {
            return Ok(None);
        };
        let fingerprint: Vec<u8> = known.get(0)?;
        let fingerprint =
            fingerprint.try_into().map_err(|_| DbError::Damaged("a fingerprint has 32 bytes".into()))?;
        let columns: Vec<_> = COLUMNS.split(',').map(|column| format!("i.{}", column.trim())).collect();
        debug_assert_eq!(columns.len(), WIDTH);
        let sql = format!(
            "select o.position, o.refused, {} from operation_item o left join invitation i \
             on i.organization = o.organization and i.id = o.invitation \
             where o.organization = $1 and o.caller = $2 and o.operation = $3",
            columns.join(", ")
        );
        let items = db.rows(&sql, values![organization, caller, operation]).await?;
        let items = items.iter().map(item).collect::<Result<_, _>>()?;
        Ok(Some(Self { fingerprint, at: known.get(1)?, items }))
    }

    /// Shows it to the caller, rows as they are at `now`. One that was purged since is as if it had never
    /// been.
    pub(super) fn recorded(self, now: i64) -> Vec<Recorded> {
        let outcome = |item: Item| match item {
            Item::Refused(reason) => Some(RecordedOutcome::Refused(reason)),
            Item::Row(row) => row.map(|row| RecordedOutcome::Row(describe(&row, now, true))),
        };
        let recorded = |(position, item)| Some(Recorded { position, outcome: outcome(item)? });
        self.items.into_iter().filter_map(recorded).collect()
    }
}

impl Insert {
    /// Begins this operation, or finds what it has recorded before. From here on nobody else is in it.
    pub(super) async fn remember<C: Connection>(&self, db: &mut C) -> Result<Remembered, OperationError> {
        let now = db.now();
        let (organization, caller) = (&self.organization, &self.asker.actor.who);
        let forgotten = "delete from operation where organization = $1 and at < $2";
        db.change(forgotten, values![organization, now.saturating_sub(REMEMBERED)]).await?;
        let begin = "insert into operation (organization, caller, operation, fingerprint, at) \
                     values ($1, $2, $3, $4, $5) on conflict (organization, caller, operation) do nothing";
        let operation = &self.batch.operation;
        let begun =
            db.change(begin, values![organization, caller, operation, self.fingerprint, now]).await? > 0;
        if begun {
            return Ok(Remembered { fingerprint: self.fingerprint, at: now, items: BTreeMap::new() });
        }
        let lock = format!(
            "select at from operation where organization = $1 and caller = $2 and operation = $3{}",
            db.for_update()
        );
        db.row(&lock, values![organization, caller, operation]).await?;
        match Remembered::read(db, organization, caller, operation).await? {
            Some(known) if known.fingerprint == self.fingerprint => Ok(known),
            Some(_) => Err(StoreError::OperationReused.into()),
            None => Err(DbError::Conflict("the operation was forgotten just now".into()).into()),
        }
    }
}
