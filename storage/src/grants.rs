//! The log of a host whose members are elsewhere: what [`GrantLog`](guestlist_connect::GrantLog) writes down
//! before and after each effect.
//!
//! The row of an invitation in `external_log` stands for the whole log of it: who begins something locks it,
//! and who closes it changes it, so that one of the two is wholly before the other. A step changes by
//! comparing its version. The invitations themselves may be in another storage.

use std::time::Duration;

use async_trait::async_trait;
use guestlist_connect::{GrantRecords, InvitationLog, Progress, Put, Recipient, Record};
use guestlist_contract::types::{HostError, Step, UserRef};

use crate::{
    Database, bulk_sql,
    codec::{Word, from_json, json},
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// The time for which a purged invitation stays closed: longer than anybody takes who was let in and has not
/// begun yet.
const CLOSED_FOR: i64 = 24 * 3_600_000;

/// The condition of what may still land though nobody may keep it, of `external_step s` and `external_log
/// l`. The first half is what the indexes hold.
const WATCHED: &str = "s.progress in ('doubtful', 'given-up') and (s.progress = 'given-up' or l.closed = 1)";

const WITH_LOG: &str =
    "external_step s join external_log l on l.organization = s.organization and l.invitation = s.invitation";

const COLUMNS: &str =
    "s.invitation, s.step, s.account_organization, s.account_id, s.progress, s.version, s.changed_at";

impl Word for Progress {
    const FOR: &'static str = "how far a step has come";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Unwritten, "unwritten"),
        (Self::Doubtful, "doubtful"),
        (Self::Applied, "applied"),
        (Self::Removed, "removed"),
        (Self::GivenUp, "given-up"),
        (Self::Settled, "settled"),
    ];
}

/// The durable log of a host whose members are elsewhere. It implements [`GrantRecords`]; see
/// `docs/external-members.md`. Cloning it shares the database.
///
/// Each function is one transaction, and its answer is given when that is durable. Ages are judged by the
/// clock of the database, in whole milliseconds, and never counted longer than they are: a record is as old
/// as from the end of the wait for its invitation to the beginning of the transaction that reads it. Texts
/// may be of any length and may not hold the character NUL.
///
/// Records go with their invitation, where that is in the same database: [`purge`] leaves an invitation for
/// a later time as long as one of its steps is [watched](GrantRecords::watched). What it has deleted stays
/// closed for at least a day, so that nobody who is slow begins anything for it. Records of invitations in
/// another storage stay until their organization is [deleted](crate::Administration::delete_organization).
///
/// # Errors
/// `unavailable`: nothing was changed. `outcome-unknown`: the answer of a commit was lost, the change may be
/// there. `invalid`: a text holds the character NUL; nothing was changed.
///
/// [`purge`]: guestlist_contract::host::Storage::purge
#[derive(Clone, Debug)]
pub struct Grants {
    database: Database,
}

impl Database {
    /// The grant log of this database, for a host whose members are elsewhere.
    #[must_use]
    pub fn grant_records(&self) -> Grants {
        Grants { database: self.clone() }
    }
}

impl Grants {
    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Output, HostError> {
        self.database.perform(None, operation).await.map_err(OperationError::into_host)
    }
}

#[async_trait]
impl GrantRecords for Grants {
    async fn read(&self, organization: &str, invitation: &str) -> Result<InvitationLog, HostError> {
        self.ask(Read(Key::of(organization, invitation))).await
    }

    async fn leftovers(&self, to: &Recipient) -> Result<Vec<Record>, HostError> {
        self.ask(Leftovers(to.clone())).await
    }

    async fn put(
        &self,
        to: &Recipient,
        step: &Step,
        seen: u64,
        progress: Progress,
    ) -> Result<Put, HostError> {
        let step = json(step).map_err(|failure| failure.to_host_error())?;
        self.ask(Putting { to: to.clone(), step, seen, progress }).await
    }

    async fn close(&self, organization: &str, invitation: &str) -> Result<(), HostError> {
        self.ask(Close(Key::of(organization, invitation))).await
    }

    async fn watched(&self, organization: &str, limit: usize) -> Result<Vec<Record>, HostError> {
        self.ask(Watched { organization: organization.to_owned(), limit }).await
    }
}

/// An invitation, wherever it is.
struct Key {
    organization: String,
    invitation: String,
}

impl Key {
    fn of(organization: &str, invitation: &str) -> Self {
        Self { organization: organization.to_owned(), invitation: invitation.to_owned() }
    }
}

fn within(organization: &str) -> Scope {
    Scope { organization: Some(organization.to_owned()), ..Scope::default() }
}

/// Reads what has these [`COLUMNS`].
fn record(row: &Row, organization: &str, now: i64) -> Result<Record, DbError> {
    let age = u64::try_from(now.saturating_sub(row.get(6)?)).unwrap_or_default();
    Ok(Record {
        to: Recipient {
            organization: organization.to_owned(),
            invitation: row.get(0)?,
            user: UserRef { organization: row.get(2)?, id: row.get(3)? },
        },
        step: from_json(&row.get::<String>(1)?)?,
        progress: Progress::of(&row.get::<String>(4)?)?,
        version: row.get(5)?,
        age: Duration::from_millis(age),
    })
}

async fn records<C: Connection>(
    db: &mut C,
    organization: &str,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Record>, OperationError> {
    let now = db.now();
    let found = db.rows(sql, values).await?;
    Ok(found.iter().map(|row| record(row, organization, now)).collect::<Result<_, _>>()?)
}

/// `read`.
struct Read(Key);

impl Operation for Read {
    const NAME: &'static str = "grants.read";
    type Output = InvitationLog;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        within(&self.0.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<InvitationLog, OperationError> {
        let Key { organization, invitation } = &self.0;
        let closed = "select closed from external_log where organization = $1 and invitation = $2";
        let Some(log) = db.row(closed, values![organization, invitation]).await? else {
            return Ok(InvitationLog::default());
        };
        let sql = format!(
            "select {COLUMNS} from external_step s where s.organization = $1 and s.invitation = $2 order by s.place"
        );
        let records = records(db, organization, &sql, values![organization, invitation]).await?;
        Ok(InvitationLog { closed: log.get(0)?, records })
    }
}

/// `leftovers`.
struct Leftovers(Recipient);

impl Operation for Leftovers {
    const NAME: &'static str = "grants.leftovers";
    type Output = Vec<Record>;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        within(&self.0.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<Record>, OperationError> {
        let Recipient { organization, invitation, user } = &self.0;
        let sql = format!(
            "select {COLUMNS} from {WITH_LOG} where s.organization = $1 and s.account_organization = $2 \
             and s.account_id = $3 and s.invitation <> $4 and {WATCHED} order by s.invitation, s.place"
        );
        let asked = values![organization, &user.organization, &user.id, invitation];
        records(db, organization, &sql, asked).await
    }
}

/// `watched`.
struct Watched {
    organization: String,
    limit: usize,
}

impl Operation for Watched {
    const NAME: &'static str = "grants.watched";
    type Output = Vec<Record>;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<Record>, OperationError> {
        let sql = format!(
            "select {COLUMNS} from {WITH_LOG} where s.organization = $1 and {WATCHED} \
             order by s.changed_at, s.invitation, s.place limit $2"
        );
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        records(db, &self.organization, &sql, values![&self.organization, limit]).await
    }
}

/// `close`.
struct Close(Key);

impl Operation for Close {
    const NAME: &'static str = "grants.close";
    type Output = ();

    fn scope(&self) -> Scope {
        within(&self.0.organization)
    }

    /// It waits for whoever has locked the row to begin something.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let sql = "insert into external_log (organization, invitation, closed) values ($1, $2, 1) \
                   on conflict (organization, invitation) do update set closed = 1 where external_log.closed = 0";
        db.change(sql, values![&self.0.organization, &self.0.invitation]).await?;
        Ok(())
    }
}

/// `put`.
struct Putting {
    to: Recipient,
    /// As JSON.
    step: String,
    seen: u64,
    progress: Progress,
}

impl Putting {
    /// Locks the row of the invitation, so that nobody closes it and nobody else changes its steps before the
    /// transaction ends; answers whether it is closed. `None`: it has none, and so no step that was seen.
    async fn lock<C: Connection>(&self, db: &mut C) -> Result<Option<bool>, OperationError> {
        let key = values![&self.to.organization, &self.to.invitation];
        if self.seen == 0 {
            let sql = "insert into external_log (organization, invitation, closed) values ($1, $2, 0) \
                       on conflict do nothing";
            if db.change(sql, key).await? > 0 {
                return Ok(Some(false));
            }
        }
        let sql = format!(
            "select closed from external_log where organization = $1 and invitation = $2{}",
            db.for_update()
        );
        match db.row(&sql, key).await? {
            Some(log) => Ok(Some(log.get(0)?)),
            // It was there a moment ago.
            None if self.seen == 0 => Err(DbError::Conflict("the log was deleted meanwhile".into()).into()),
            None => Ok(None),
        }
    }

    /// The first record of a step.
    async fn make<C: Connection>(&self, db: &mut C) -> Result<u64, DbError> {
        let Recipient { organization, invitation, user } = &self.to;
        let now = db.now();
        let sql = format!(
            "insert into external_step (organization, invitation, step, place, account_organization, account_id, \
             progress, version, changed_at) values ($1, $2, $3, (select coalesce(max(place) + 1, 0) \
             from external_step where organization = $1 and invitation = $2), $4, $5, $6, 1, {}) \
             on conflict do nothing",
            db.clock("$7")
        );
        let values = values![
            organization,
            invitation,
            &self.step,
            &user.organization,
            &user.id,
            self.progress.word(),
            now
        ];
        db.change(&sql, values).await
    }

    async fn alter<C: Connection>(&self, db: &mut C) -> Result<u64, DbError> {
        let Recipient { organization, invitation, .. } = &self.to;
        let now = db.now();
        let sql = format!(
            "update external_step set progress = $4, version = version + 1, changed_at = {} \
             where organization = $1 and invitation = $2 and step = $3 and version = $5",
            db.clock("$6")
        );
        let values = values![organization, invitation, &self.step, self.progress.word(), self.seen, now];
        db.change(&sql, values).await
    }
}

impl Operation for Putting {
    const NAME: &'static str = "grants.put";
    type Output = Put;

    fn scope(&self) -> Scope {
        within(&self.to.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Put, OperationError> {
        let Some(closed) = self.lock(db).await? else { return Ok(Put::Stale) };
        if closed && self.progress == Progress::Doubtful {
            return Ok(Put::Closed);
        }
        // INVARIANT: no record is older than it seems, or its doubt would end too early. So its time is that of
        // this statement, after the wait for the lock.
        let changed = if self.seen == 0 { self.make(db).await? } else { self.alter(db).await? };
        Ok(if changed > 0 { Put::Written } else { Put::Stale })
    }
}

/// A condition: the invitation that these two expressions name has a step that is watched.
pub(crate) fn watched_of(organization: &str, invitation: &str) -> String {
    format!(
        "exists (select 1 from {WITH_LOG} where s.organization = {organization} and s.invitation = {invitation} \
         and {WATCHED})"
    )
}

/// Deletes the records of these invitations, which are being purged; answers those that have to stay,
/// because one of their steps is watched.
///
/// The logs are locked first: nobody begins anything between the look at the steps and the end of them. They
/// stay for a while, closed, and go in passing when others are purged.
pub(crate) async fn forget<C: Connection>(
    db: &mut C,
    organization: &str,
    invitations: &[&str],
) -> Result<Vec<String>, DbError> {
    if invitations.is_empty() {
        return Ok(Vec::new());
    }
    let of = |before: &[Value], invitations: &[&str]| -> Vec<Value> {
        before.iter().cloned().chain(invitations.iter().map(|id| Value::from(*id))).collect()
    };
    let sql = format!(
        "select invitation from external_log where organization = $1 and invitation in {} order by invitation{}",
        bulk_sql::list(2, invitations.len()),
        db.for_update()
    );
    let logs = db.rows(&sql, &of(values![organization], invitations)).await?;
    let logs: Vec<String> = logs.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    if logs.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<_> = logs.iter().map(String::as_str).collect();
    let sql = format!(
        "select distinct s.invitation from {WITH_LOG} where s.organization = $1 and s.invitation in {} and {WATCHED}",
        bulk_sql::list(2, ids.len())
    );
    let waiting = db.rows(&sql, &of(values![organization], &ids)).await?;
    let waiting: Vec<String> = waiting.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    ids.retain(|id| !waiting.iter().any(|waiting| waiting == id));
    let sql = format!(
        "delete from external_step where organization = $1 and invitation in {}",
        bulk_sql::list(2, ids.len())
    );
    db.change(&sql, &of(values![organization], &ids)).await?;
    let now = db.now();
    let sql = format!(
        "update external_log set closed = 1, purged_at = $2 where organization = $1 and invitation in {}",
        bulk_sql::list(3, ids.len())
    );
    db.change(&sql, &of(values![organization, now], &ids)).await?;
    let sql = "delete from external_log where organization = $1 and purged_at < $2";
    db.change(sql, values![organization, now.saturating_sub(CLOSED_FOR)]).await?;
    Ok(waiting)
}
