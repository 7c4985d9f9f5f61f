//! Settles what became of e-mails, and what is old enough to go.

use std::collections::BTreeMap;

use guestlist_contract::{
    audit::EventKind,
    bounds,
    host::Call,
    storage::{Delivery, DeliveryOutcome},
    types::{InvitationKey, MailState, MessageKind, UserRef},
};

use super::{
    access::{Asker, not_there},
    transition::later,
};
use crate::{
    audit::{self, Of},
    bulk_sql, codec,
    codec::Word as _,
    error::{DbError, OperationError},
    grants,
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// `settle`.
pub(super) struct Settle {
    asker: Option<Asker>,
    organization: String,
    deliveries: Vec<Delivery>,
    /// How long what is `taken` is, in milliseconds; absent: for as long as it takes.
    taken_lease: Option<u64>,
}

/// A live entry, and what becomes of it.
struct Entry {
    version: u64,
    waiting: Waiting,
    became: Option<Became>,
}

/// The way in which an entry waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    tries: u32,
    /// Absent: it never falls due by itself.
    due_at: Option<i64>,
    taken: bool,
    taken_until: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    Waiting(Waiting),
    /// The version whose e-mail was delivered.
    Delivered(u64),
    Undeliverable,
}

impl Settle {
    pub(super) fn new(
        call: &Call,
        organization: String,
        deliveries: Vec<Delivery>,
        taken_lease: Option<u64>,
    ) -> Result<Self, OperationError> {
        let key = |id: &String| InvitationKey { organization: organization.clone(), id: id.clone() };
        let about: Vec<_> = deliveries.iter().map(|delivery| key(&delivery.invitation)).collect();
        let asker = Asker::of(call, &about)?;
        if asker.is_elsewhere(&organization) {
            return Err(not_there().into());
        }
        bounds::deliveries(&deliveries)?;
        Ok(Self { asker: Some(asker), organization, deliveries, taken_lease })
    }

    /// The end of what the host's e-mail pipeline had taken over: no call is about it.
    pub(super) fn by_host(
        organization: String,
        deliveries: Vec<Delivery>,
        taken_lease: Option<u64>,
    ) -> Result<Self, OperationError> {
        bounds::deliveries(&deliveries)?;
        Ok(Self { asker: None, organization, deliveries, taken_lease })
    }

    /// The invitations that the caller may settle something of, locked.
    async fn admitted<C: Connection>(&self, db: &mut C) -> Result<Vec<String>, OperationError> {
        let asker = self.asker.as_ref().filter(|asker| asker.is_invitee());
        let mut ids: Vec<_> = self.deliveries.iter().map(|delivery| &delivery.invitation).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut bound = vec![Value::from(&self.organization)];
        bound.extend(ids.iter().map(|id| Value::from(*id)));
        let mut condition = format!("organization = $1 and id in {}", bulk_sql::list(2, ids.len()));
        if let Some(asker) = asker {
            if asker.organization.as_ref() != Some(&self.organization) && !self.concerns(db, asker).await? {
                return Err(not_there().into());
            }
            let admitted: Vec<_> = ids
                .iter()
                .map(|id| InvitationKey { organization: self.organization.clone(), id: (*id).clone() })
                .filter(|key| asker.is_admitted(key))
                .map(|key| Value::from(key.id))
                .collect();
            let by_code = bulk_sql::list(bound.len() + 1, admitted.len());
            bound.extend(admitted);
            let place = bound.len();
            bound.push(asker.user().map(|user| &user.organization).into());
            bound.push(asker.user().map(|user| &user.id).into());
            condition += &format!(
                " and (id in {by_code} or (subject_organization = ${} and subject_id = ${} and exists \
                 (select 1 from code c where c.organization = invitation.organization \
                 and c.invitation = invitation.id)))",
                place + 1,
                place + 2
            );
        }
        let sql = format!("select id from invitation where {condition} order by id{}", db.for_update());
        let found = db.rows(&sql, &bound).await?;
        Ok(found.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
    }

    /// Tells whether the invitee has ever been invited into the organization.
    async fn concerns<C: Connection>(&self, db: &mut C, asker: &Asker) -> Result<bool, DbError> {
        invited_into(db, asker, &self.organization).await
    }
}

/// Tells whether the caller has ever been invited into an organization.
pub(super) async fn invited_into<C: Connection>(
    db: &mut C,
    asker: &Asker,
    organization: &str,
) -> Result<bool, DbError> {
    let Some(user) = asker.user() else { return Ok(false) };
    let sql = "select 1 from invitation where organization = $1 and subject_organization = $2 \
               and subject_id = $3 limit 1";
    Ok(db.row(sql, values![organization, &user.organization, &user.id]).await?.is_some())
}

impl Operation for Settle {
    type Output = ();
    const NAME: &'static str = "storage.settle";

    fn scope(&self) -> Scope {
        Asker::within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        if self.deliveries.is_empty() && self.asker.as_ref().is_none_or(|asker| !asker.is_invitee()) {
            return Ok(());
        }
        let ids = self.admitted(db).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "select invitation, kind, version, tries, due_at, taken, taken_until from outbox \
             where organization = $1 and invitation in {}{}",
            bulk_sql::list(2, ids.len()),
            db.for_update()
        );
        let bound: Vec<_> = [&self.organization].into_iter().chain(&ids).map(Value::from).collect();
        let mut live = BTreeMap::new();
        for row in db.rows(&sql, &bound).await? {
            let key: (String, String) = (row.get(0)?, row.get(1)?);
            let waiting = Waiting {
                tries: row.get(3)?,
                due_at: row.get(4)?,
                taken: row.get(5)?,
                taken_until: row.get(6)?,
            };
            live.insert(key, Entry { version: row.get(2)?, waiting, became: None });
        }
        let now = db.now();
        for delivery in &self.deliveries {
            let key = (delivery.invitation.clone(), codec::message(&delivery.kind));
            // INVARIANT: what became of an older mail says nothing about the one that a resend asks for.
            let entry = live.get_mut(&key).filter(|entry| entry.version <= delivery.version);
            if let Some(entry) = entry.filter(|entry| matches!(entry.became, None | Some(Became::Waiting(_))))
            {
                entry.settle(delivery, now, self.taken_lease.map(|lease| later(now, lease)));
            }
        }
        // What became of many is mostly the same, and then it is written at once.
        let mut alike: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((invitation, kind), entry) in live {
            if let Some(became) = entry.became {
                alike.entry((kind, became)).or_default().push(invitation);
            }
        }
        for ((kind, became), invitations) in alike {
            self.write(db, &kind, became, &invitations).await?;
        }
        Ok(())
    }
}

impl Entry {
    /// `taken_until`: for how long it is taken, where it is.
    fn settle(&mut self, delivery: &Delivery, now: i64, taken_until: Option<i64>) {
        let free = |tries, due_at| Waiting { tries, due_at, taken: false, taken_until: None };
        let waits = |tries, after: u64| free(tries, Some(later(now, after)));
        let tries = self.waiting.tries;
        self.waiting = match &delivery.outcome {
            DeliveryOutcome::Delivered => {
                self.became = Some(Became::Delivered(delivery.version));
                return;
            }
            DeliveryOutcome::Undeliverable(_) => {
                self.became = Some(Became::Undeliverable);
                return;
            }
            DeliveryOutcome::Taken => Waiting { taken: true, taken_until, ..self.waiting },
            DeliveryOutcome::Sending => free(tries, None),
            DeliveryOutcome::Retry(after) => waits(tries.saturating_add(1), *after),
            DeliveryOutcome::Postponed(after) => waits(tries, *after),
        };
        self.became = Some(Became::Waiting(self.waiting));
    }
}

impl Settle {
    /// Writes what became of the messages of one kind for these invitations.
    async fn write<C: Connection>(
        &self,
        db: &mut C,
        kind: &str,
        became: Became,
        invitations: &[String],
    ) -> Result<(), DbError> {
        const THOSE: &str = "where organization = $1 and kind = $2 and invitation in";
        let organization = &self.organization;
        if let Became::Waiting(Waiting { tries, due_at, taken, taken_until }) = became {
            let sql =
                format!("update outbox set taken = $3, tries = $4, due_at = $5, taken_until = $6 {THOSE}");
            let waiting = values![organization, kind, taken, tries, due_at, taken_until];
            return self.change(db, &sql, waiting, invitations).await;
        }
        let sql = format!("delete from outbox {THOSE}");
        self.change(db, &sql, values![organization, kind], invitations).await?;
        if kind != codec::message(&MessageKind::Invitation) {
            return Ok(());
        }
        let Became::Delivered(version) = became else {
            let sql = "update invitation set mail = $2 where organization = $1 and id in";
            let mail = MailState::Undeliverable.word();
            return self.change(db, sql, values![organization, mail], invitations).await;
        };
        let sql = "update invitation set mail = $2, mailed_at = $3 where organization = $1 and id in";
        let mail = MailState::Sent.word();
        self.change(db, sql, values![organization, mail, db.now()], invitations).await?;
        // The invitee has the code of this mail, which is the newest that there was by then: the older ones die.
        let sql = "delete from code where organization = $1 and version < (select max(made.version) from code made \
                   where made.organization = code.organization and made.invitation = code.invitation \
                   and made.version <= $2) and invitation in";
        self.change(db, sql, values![organization, version], invitations).await
    }

    /// Runs a statement that ends with `in` for these invitations.
    async fn change<C: Connection>(
        &self,
        db: &mut C,
        sql: &str,
        before: &[Value],
        invitations: &[String],
    ) -> Result<(), DbError> {
        let sql = format!("{sql} {}", bulk_sql::list(before.len() + 1, invitations.len()));
        let bound: Vec<_> = before.iter().cloned().chain(invitations.iter().map(Value::from)).collect();
        db.change(&sql, &bound).await.map(drop)
    }
}

/// `purge`.
pub(super) struct Purge {
    asker: Asker,
    organization: String,
    retention: u64,
    limit: usize,
}

impl Purge {
    pub(super) fn new(
        call: &Call,
        organization: String,
        retention: u64,
        limit: u32,
    ) -> Result<Self, OperationError> {
        call.acts_in(&organization)?;
        let limit = bounds::limit(limit)?;
        Ok(Self { asker: Asker::of(call, [])?, organization, retention, limit })
    }
}

impl Operation for Purge {
    type Output = u32;
    const NAME: &'static str = "storage.purge";

    fn scope(&self) -> Scope {
        Asker::within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<u32, OperationError> {
        let organization = &self.organization;
        let retention = i64::try_from(self.retention).unwrap_or(i64::MAX);
        let before = db.now().saturating_sub(retention);
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let sql = format!(
            "select id, subject_organization, subject_id from invitation \
             where organization = $1 and ended_at is not null and ended_at < $2 and not {} \
             order by ended_at, id limit $3{}",
            grants::watched_of("invitation.organization", "invitation.id"),
            db.for_update_skip_locked()
        );
        let found = db.rows(&sql, values![organization, before, limit]).await?;
        let old = |row: &Row| Ok((row.get(0)?, UserRef { organization: row.get(1)?, id: row.get(2)? }));
        let mut old: Vec<(String, UserRef)> = found.iter().map(old).collect::<Result<_, DbError>>()?;
        let ids: Vec<_> = old.iter().map(|(id, _)| id.as_str()).collect();
        let waiting = grants::forget(db, organization, &ids).await?;
        old.retain(|(id, _)| !waiting.contains(id));
        if old.is_empty() {
            return Ok(0);
        }
        // Codes, outbox and grant log go with it.
        let sql = format!(
            "delete from invitation where organization = $1 and id in {}",
            bulk_sql::list(2, old.len())
        );
        let ids = old.iter().map(|(id, _)| id);
        let bound: Vec<_> = [organization].into_iter().chain(ids).map(Value::from).collect();
        db.change(&sql, &bound).await?;
        let told = |(id, subject): &(String, UserRef)| {
            let of = Of { invitation: Some(id), ..Of::user(subject) };
            self.asker.actor.event(Some(organization), EventKind::InvitationPurged, &of)
        };
        let told: Vec<_> = old.iter().map(told).collect();
        audit::note(db, &told).await?;
        Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
    }
}
