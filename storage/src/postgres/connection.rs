//! One transaction on one connection.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use deadpool_postgres::ClientWrapper;
use futures_util::future::{join, join3};
use tokio_postgres::{
    Error,
    error::SqlState,
    types::{ToSql, Type},
};

use super::error::{failure, of_commit};
use crate::{
    Clock, Observer,
    clock::{Latest, RAISED_EVERY},
    error::DbError,
    log::floor_not_raised,
    sql::{Connection, Row, Scope, Value, storable},
};

/// Statements with more values than this insert many rows at once. Hardly two of them are alike, so that they
/// are not worth being prepared.
const PREPARED_UP_TO: usize = 64;

/// The server's time, in milliseconds since 1970.
const CLOCK: &str = "floor(extract(epoch from clock_timestamp()) * 1000)::bigint";

const LATE: &str = "the database did not answer in time";

/// The things that all transactions of a pool share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) latest: Latest,
    pub(super) observer: Observer,
    /// The longest that the server may take for an answer.
    pub(super) answer: Duration,
}

/// A scope that can be sent.
pub(super) struct Bound {
    settings: [Value; 4],
    owner: bool,
}

impl Bound {
    pub(super) fn of(scope: Scope) -> Result<Self, DbError> {
        let (account_organization, account) = scope.account.unwrap_or_default();
        let everything = if scope.everything { "on" } else { "" };
        let settings =
            [scope.organization.unwrap_or_default(), account_organization, account, everything.to_owned()]
                .map(Value::Text);
        storable(&settings)?;
        Ok(Self { settings, owner: scope.owner })
    }
}

/// A connection inside of a transaction.
pub(super) struct Inside<'a> {
    client: &'a ClientWrapper,
    shared: &'a Shared,
    now: i64,
    floor: i64,
    is_owner: bool,
    /// A statement looked at the clock, later than the transaction began.
    looked: AtomicBool,
    /// The first failure. After it the server turns every other statement down and makes of a commit a
    /// rollback, without saying so.
    failed: Option<DbError>,
}

impl<'a> Inside<'a> {
    /// Begins a transaction and tells it the time and whose rows it may touch, in one round trip.
    pub(super) async fn begin(
        client: &'a ClientWrapper,
        shared: &'a Shared,
        scope: &Bound,
        reads: bool,
    ) -> Result<Self, DbError> {
        let mut begin = if reads {
            // One snapshot for all that is read.
            "begin isolation level repeatable read read only".to_owned()
        } else {
            "begin isolation level read committed".to_owned()
        };
        if scope.owner {
            begin.push_str("; set local role none");
        }
        let told = format!(
            "select set_config('guestlist.organization', $1, true), \
             set_config('guestlist.account_organization', $2, true), \
             set_config('guestlist.account', $3, true), set_config('guestlist.everything', $4, true), \
             {CLOCK}, (select instant from floor)"
        );
        let asking = async {
            let statement = client.prepare_cached(&told).await?;
            let values = bound(&scope.settings);
            let (begun, told) =
                join(client.batch_execute(&begin), client.query_one(&statement, &values)).await;
            begun?;
            let told = told?;
            Ok((told.try_get::<_, i64>(4)?, told.try_get::<_, Option<i64>>(5)?.unwrap_or_default()))
        };
        let (shown, floor) = within(shared.answer, asking).await?;
        // Whoever moves it answers for it, and there is no floor.
        let is_moved = matches!(shared.clock, Clock::Moved(_));
        let now = if is_moved { shared.clock.shows() } else { shared.latest.at_least(shown.max(floor)) };
        Ok(Self {
            client,
            shared,
            now,
            floor: if is_moved { now } else { floor },
            is_owner: scope.owner,
            looked: AtomicBool::new(false),
            failed: None,
        })
    }

    /// The reason why this transaction can no longer be committed.
    pub(super) fn failed(&self) -> Option<DbError> {
        self.failed.clone()
    }

    /// Commits or rolls back; in the same round trip, what the next transactions have to know of the time is
    /// written down.
    pub(super) async fn end(self, commit: bool) -> Result<(), DbError> {
        let end = self.client.batch_execute(if commit { "commit" } else { "rollback" });
        let ending = join3(end, self.look_again(), self.raise_floor());
        match tokio::time::timeout(self.shared.answer, ending).await {
            Ok((Ok(()), (), ())) => Ok(()),
            Ok((Err(error), (), ())) if commit => Err(of_commit(&error)),
            Ok((Err(error), (), ())) => Err(failure(&error)),
            Err(_) if commit => Err(DbError::CommitUnknown(LATE.into())),
            Err(_) => Err(DbError::Away(LATE.into())),
        }
    }

    /// A statement that waited has used a later instant than the transaction's: nothing that comes after may
    /// use an earlier one.
    async fn look_again(&self) {
        if !self.looked.load(Ordering::SeqCst) {
            return;
        }
        let asked = self.client.query_typed(&format!("select {CLOCK}"), &[]).await;
        let shown = asked.ok().and_then(|rows| rows.first()?.try_get::<_, i64>(0).ok());
        self.shared.latest.at_least(shown.unwrap_or_default());
    }

    /// Outside of the transaction, so that nobody waits for it while the others do their work. Where it fails
    /// the next transaction finds the floor as it was, and tries again. It waits for this server's disk and
    /// for no standby, or who only reads would wait for one.
    async fn raise_floor(&self) {
        if self.now.saturating_sub(self.floor) < RAISED_EVERY {
            return;
        }
        let (now, lags) = (self.now, self.now.saturating_sub(RAISED_EVERY));
        let raise = format!(
            "set local synchronous_commit = local; update floor set instant = {now} where instant <= {lags}"
        );
        if let Err(error) = self.client.batch_execute(&raise).await {
            floor_not_raised(&failure(&error));
        }
    }

    async fn ask<T>(&mut self, asking: impl Future<Output = Result<T, Error>>) -> Result<T, DbError> {
        let is_owner = self.is_owner;
        let asking = async {
            asking.await.map_err(|error| match (failure(&error), error.code()) {
                (DbError::Refused(text), Some(&SqlState::INSUFFICIENT_PRIVILEGE)) if is_owner => {
                    let more = format!("{}; connect as the user that owns the tables", text.text());
                    DbError::Refused(text.told_as(more))
                }
                (failure, _) => failure,
            })
        };
        let answer = tokio::time::timeout(self.shared.answer, asking).await;
        let answer = answer.unwrap_or_else(|_| Err(DbError::Away(LATE.into())));
        if let Err(failure) = &answer {
            self.failed.get_or_insert_with(|| failure.clone());
        }
        answer
    }
}

async fn within<T>(limit: Duration, asking: impl Future<Output = Result<T, Error>>) -> Result<T, DbError> {
    match tokio::time::timeout(limit, asking).await {
        Ok(answer) => answer.map_err(|error| failure(&error)),
        Err(_) => Err(DbError::Away(LATE.into())),
    }
}

fn bound(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

fn typed(values: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as _, value.usual_type())).collect()
}

fn read(row: &tokio_postgres::Row) -> Result<Row, Error> {
    (0..row.len()).map(|column| row.try_get(column)).collect::<Result<_, _>>().map(Row)
}

impl Connection for Inside<'_> {
    async fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        storable(values)?;
        let (client, begun) = (self.client, Instant::now());
        let found = self
            .ask(async {
                let rows = if values.len() > PREPARED_UP_TO {
                    client.query_typed(sql, &typed(values)).await?
                } else {
                    let statement = client.prepare_cached(sql).await?;
                    client.query(&statement, &bound(values)).await?
                };
                rows.iter().map(read).collect::<Result<Vec<_>, _>>()
            })
            .await;
        self.shared.observer.tell(sql, begun, found.as_ref().map(|rows| rows.len() as u64), None);
        found
    }

    async fn change(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        storable(values)?;
        let (client, begun) = (self.client, Instant::now());
        let changed = self
            .ask(async {
                if values.len() > PREPARED_UP_TO {
                    return client.execute_typed(sql, &typed(values)).await;
                }
                let statement = client.prepare_cached(sql).await?;
                client.execute(&statement, &bound(values)).await
            })
            .await;
        self.shared.observer.tell(sql, begun, changed.as_ref().copied(), None);
        changed
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn clock(&self, now: &str) -> String {
        if let Clock::Moved(_) = self.shared.clock {
            return now.to_owned();
        }
        self.looked.store(true, Ordering::SeqCst);
        format!("greatest({now}::bigint, {CLOCK})")
    }

    fn for_update(&self) -> &'static str {
        " for update"
    }

    fn for_update_skip_locked(&self) -> &'static str {
        " for update skip locked"
    }

    fn find(&self, text: &str, part: &str) -> String {
        format!("strpos({text}, {part})")
    }

    /// Two random UUIDs are 244 random bits.
    fn random(&self) -> &'static str {
        "sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))"
    }

    async fn advisory_lock(&mut self, name: &str) -> Result<(), DbError> {
        let lock = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
        self.change(lock, &[Value::from(name)]).await.map(|_| ())
    }

    /// A statement is planned once, for whatever its values are, and by averages: of an organization with most of
    /// the rows its planner would read and sort them all.
    async fn by_index(&mut self) -> Result<(), DbError> {
        let others = ["sort", "bitmapscan", "hashjoin", "mergejoin", "seqscan"];
        let off = others.map(|other| format!("set_config('enable_{other}', 'off', true)"));
        self.rows(&format!("select {}", off.join(", ")), &[]).await.map(drop)
    }

    async fn analyze(&mut self, tables: &[&str]) -> Result<(), DbError> {
        self.change(&format!("analyze {}", tables.join(", ")), &[]).await.map(|_| ())
    }
}
