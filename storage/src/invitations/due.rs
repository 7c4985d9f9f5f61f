//! Hands out what is due, once, however many sweep at the same time.

use guestlist_contract::{
    bounds,
    host::Call,
    storage::{DueItem, DueKind},
    types::MessageKind,
};

use super::{
    access::Asker,
    outbox::{ANEW, INTO, Waiting},
    reading::run_out,
    rows::{COLUMNS, OPEN, Stored, WIDTH, read},
    transition::later,
};
use crate::{
    bulk_sql, codec,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// `due`.
pub(super) struct Due {
    organization: String,
    limit: usize,
    hold: u64,
    reminder_before: Option<u64>,
}

/// Something to do, and the message that it is about.
struct Work {
    kind: DueKind,
    row: Stored,
    message: Option<(MessageKind, u32)>,
}

impl Due {
    /// `reminder_before` is the organization's setting.
    pub(super) fn new(
        call: &Call,
        organization: String,
        limit: u32,
        hold: u64,
        reminder_before: Option<u64>,
    ) -> Result<Self, OperationError> {
        call.acts_in(&organization)?;
        let limit = bounds::limit(limit)?;
        Ok(Self { organization, limit, hold, reminder_before })
    }

    /// Rows of the table itself, most overdue first.
    async fn upkeep<C: Connection>(
        &self,
        db: &mut C,
        kind: DueKind,
        condition: &str,
        since: &str,
        bound: i64,
        room: usize,
    ) -> Result<Vec<Work>, DbError> {
        let sql = format!(
            "select {COLUMNS} from invitation where organization = $1 and {condition} and hidden_until <= $2 \
             order by {since}, id limit $4{}",
            db.for_update_skip_locked()
        );
        let room = i64::try_from(room).unwrap_or(i64::MAX);
        let found = db.rows(&sql, values![&self.organization, db.now(), bound, room]).await?;
        found.iter().map(|row| Ok(Work { kind, row: read(row, 0)?, message: None })).collect()
    }

    async fn mails<C: Connection>(&self, db: &mut C, room: usize) -> Result<Vec<Work>, DbError> {
        let columns: Vec<_> = COLUMNS.split(',').map(|column| format!("i.{}", column.trim())).collect();
        let run_out = run_out("$2").replace("state", "i.state").replace("expires_at", "i.expires_at");
        // What makes no sense any more in the state in force waits for the change that drops it.
        let sql = format!(
            "select {}, o.kind, o.tries from outbox o \
             join invitation i on i.organization = o.organization and i.id = o.invitation \
             where o.organization = $1 and o.taken = 0 and o.due_at <= $2 and \
             case when o.kind in ('invitation', 'reminder') then i.state = 'pending' and not ({run_out}) \
             when o.kind = 'approval-requested' then i.state = 'awaiting-approval' and not ({run_out}) \
             else 1 = 1 end order by o.due_at, o.invitation limit $3{}",
            columns.join(", "),
            db.for_update_skip_locked()
        );
        let room = i64::try_from(room).unwrap_or(i64::MAX);
        let found = db.rows(&sql, values![&self.organization, db.now(), room]).await?;
        let work = |row: &Row| {
            let kind = codec::message_of(&row.get::<String>(WIDTH)?)?;
            let message = Some((kind, row.get(WIDTH + 1)?));
            Ok(Work { kind: DueKind::Mail, row: read(row, 0)?, message })
        };
        found.iter().map(work).collect()
    }

    /// Hides what is being handed out.
    async fn hand_out<C: Connection>(&self, db: &mut C, work: &[Work]) -> Result<(), DbError> {
        let until = later(db.now(), self.hold);
        let (mails, upkeep): (Vec<_>, Vec<_>) = work.iter().partition(|work| work.message.is_some());
        if !mails.is_empty() {
            let mut bound = values![until, &self.organization].to_vec();
            let kinds: Vec<_> =
                mails.iter().flat_map(|work| &work.message).map(|(kind, _)| codec::message(kind)).collect();
            let ids = mails.iter().map(|work| work.row.invitation.key.id.as_str());
            let those = bulk_sql::either(
                Some("organization = $2"),
                ["kind", "invitation"],
                kinds.iter().map(String::as_str).zip(ids),
                &mut bound,
            );
            db.change(&format!("update outbox set due_at = $1 where {those}"), &bound).await?;
        }
        for reminders in [false, true] {
            let those = || upkeep.iter().filter(|work| matches!(work.kind, DueKind::Reminder) == reminders);
            let ids: Vec<_> = those().map(|work| &work.row.invitation.key.id).collect();
            if ids.is_empty() {
                continue;
            }
            let sql = format!(
                "update invitation set hidden_until = $1{} where organization = $2 and id in {}",
                if reminders { ", reminded = 1" } else { "" },
                bulk_sql::list(3, ids.len())
            );
            let mut bound = values![until, &self.organization].to_vec();
            bound.extend(ids.into_iter().map(Value::from));
            db.change(&sql, &bound).await?;
            if reminders {
                // From here on the reminder is an entry like any mail: it can be settled, or comes again.
                let waiting = |work: &&Work| {
                    let row = &work.row.invitation;
                    let kind = &MessageKind::Reminder;
                    let waiting =
                        Waiting { invitation: &row.key.id, kind, version: row.version, due_at: until };
                    waiting.values(&self.organization)
                };
                bulk_sql::insert(db, INTO, those().map(waiting).collect(), ANEW).await?;
            }
        }
        Ok(())
    }
}

impl Operation for Due {
    type Output = Vec<DueItem>;
    const NAME: &'static str = "storage.due";

    fn scope(&self) -> Scope {
        Asker::within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<DueItem>, OperationError> {
        let now = db.now();
        let mut work = self
            .upkeep(
                db,
                DueKind::Lease,
                "state = 'accepting' and lease_until <= $3",
                "lease_until",
                now,
                self.limit,
            )
            .await?;
        if work.len() < self.limit {
            work.extend(self.mails(db, self.limit - work.len()).await?);
        }
        if work.len() < self.limit {
            let condition = format!("state in {OPEN} and expires_at is not null and expires_at <= $3");
            let room = self.limit - work.len();
            work.extend(self.upkeep(db, DueKind::Expiry, &condition, "expires_at", now, room).await?);
        }
        if let Some(before) = self.reminder_before.filter(|_| work.len() < self.limit) {
            // Nobody is reminded of what they have not been told, nor of what they were told a moment ago.
            let half = half("");
            let condition = format!(
                "state = 'pending' and mail = 'sent' and reminded = 0 \
                 and expires_at is not null and expires_at <= $3 and expires_at > $2 and {half} <= $2"
            );
            let room = self.limit - work.len();
            let soon = later(now, before);
            // Both are later than the other for some. `$3 - $2` is how long before the end it is due.
            let since = format!(
                "case when expires_at - ($3 - $2) > {half} then expires_at - ($3 - $2) else {half} end"
            );
            work.extend(self.upkeep(db, DueKind::Reminder, &condition, &since, soon, room).await?);
        }
        self.hand_out(db, &work).await?;
        let item = |Work { kind, row, message }: Work| {
            let (message, tries) = message.map_or((None, 0), |(kind, tries)| (Some(kind), tries));
            DueItem { kind, row: row.at(now), message, tries }
        };
        Ok(work.into_iter().map(item).collect())
    }
}

/// The time when half of that between the last mail and the end of an invitation has passed, as an
/// expression.
fn half(table: &str) -> String {
    let mailed = format!("coalesce({table}mailed_at, {table}created_at)");
    format!("{mailed} + ({table}expires_at - {mailed}) / 2")
}

/// Finds the organizations that a sweep would find something to do in.
pub(super) struct Organizations {
    pub(super) limit: u32,
}

impl Operation for Organizations {
    type Output = Vec<String>;
    const NAME: &'static str = "with-due-work";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { everything: true, ..Scope::default() }
    }

    /// Each part reads an index that holds only what may be due, in the order in which it falls due. The last
    /// two ask one entry of an index for each organization: those that remind, and all of them where
    /// anything is as old as the shortest time for which any keeps it. With `exists` PostgreSQL would read
    /// all invitations.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<String>, OperationError> {
        let sql = format!(
            "select organization from ( \
             select organization from (select organization from invitation where state = 'accepting' \
               and lease_until <= $1 and hidden_until <= $1 order by lease_until limit $2) as leases \
             union select organization from (select organization from outbox where taken = 0 \
               and due_at <= $1 order by due_at limit $2) as mails \
             union select organization from (select organization from invitation where state in {OPEN} \
               and expires_at is not null and expires_at <= $1 and hidden_until <= $1 \
               order by expires_at limit $2) as expiries \
             union select id from organization o where reminder_before is not null and 1 = \
               (select 1 from invitation i where i.organization = o.id and i.state = 'pending' \
               and i.mail = 'sent' and i.reminded = 0 and i.expires_at is not null \
               and i.expires_at <= $1 + o.reminder_before and i.expires_at > $1 and {} <= $1 \
               and i.hidden_until <= $1 order by i.expires_at limit 1) \
             union select o.id from \
               (select ended_at as first from invitation where ended_at is not null \
               order by ended_at limit 1) as ended \
               cross join organization o \
               where ended.first < $1 - (select min(retention) from organization) \
               and $1 - o.retention > (select min(i.ended_at) from invitation i \
               where i.organization = o.id and i.ended_at is not null) \
             ) as due limit $2",
            half("i.")
        );
        let found = db.rows(&sql, values![db.now(), self.limit]).await?;
        Ok(found.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
    }
}
