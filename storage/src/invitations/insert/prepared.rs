//! Judging drafts in their order, as if each were stored before the next is looked at.

use std::collections::{BTreeMap, BTreeSet};

use guestlist_contract::{
    audit::{EventKind, Word},
    bounds::CheckedDraft,
    lifecycle::event,
    storage::{Inserted, StoreError},
    trail::name_digest,
    types::{HostError, Invitation, InvitationKey, MailState, MessageKind, Notify, State, UserRef},
};

use super::{
    Insert,
    operation::{Item, Remembered, describe},
};
use crate::{
    audit::{self, Event, Of},
    bulk_sql,
    error::{DbError, OperationError},
    invitations::{
        outbox::{ANEW, INTO, Waiting, senseless},
        rows::{ACTIVE, COLUMNS, OPEN, SCHEMA, Stored, WIDTH, read, written},
        transition::{bearable, later},
    },
    sql::{Connection, Value, values},
};

type Subject = (String, String);

const WITHIN: Option<&str> = Some("organization = $1");

/// The things that are there, and that are to be written.
pub(super) struct Judging<'a> {
    insert: &'a Insert,
    now: i64,
    known: Remembered,
    /// The active invitation of each subject.
    active: BTreeMap<Subject, Stored>,
    /// Ids and digests that are in use.
    ids: BTreeSet<String>,
    codes: BTreeSet<Vec<u8>>,
    /// The number of active invitations of the organization; absent where there is no limit.
    count: Option<u64>,
    made: Vec<Stored>,
    expired: Vec<Stored>,
    /// Digests, and the invitations that they lead to.
    new_codes: Vec<([u8; 32], String)>,
    recorded: Vec<(u32, Result<String, String>)>,
    events: Vec<Event>,
}

fn key_of(user: &UserRef) -> Subject {
    (user.organization.clone(), user.id.clone())
}

impl<'a> Judging<'a> {
    /// Reads what is there, and keeps others from changing it.
    pub(super) async fn begin<C: Connection>(
        insert: &'a Insert,
        db: &mut C,
        known: Remembered,
        drafts: &[CheckedDraft<'_>],
    ) -> Result<Self, DbError> {
        let organization = &insert.organization;
        let now = db.now();
        let count = match insert.batch.active_limit {
            None => None,
            Some(limit) => {
                // Two requests at once must not both find the last place free.
                db.advisory_lock(&format!("active invitations of {organization}")).await?;
                let sql = format!(
                    "select count(*) from (select 1 from invitation where organization = $1 and state in \
                     {ACTIVE} and not (state in {OPEN} and expires_at is not null and expires_at <= $2) \
                     limit $3) as counted"
                );
                let counted = db.row(&sql, values![organization, now, limit]).await?;
                Some(counted.map_or(Ok(0), |row| row.get(0))?)
            }
        };
        let subjects: BTreeSet<Subject> = drafts.iter().map(|draft| key_of(draft.subject)).collect();
        let mut active = BTreeMap::new();
        if !subjects.is_empty() {
            // In the order of ids, so that two who lock several do not wait for each other; but by no index of
            // them, or SQLite would walk through the organization instead of looking these up.
            let mut bound = vec![Value::from(organization)];
            let pairs = subjects.iter().map(|(home, id)| (home.as_str(), id.as_str()));
            let those = bulk_sql::either(WITHIN, ["subject_organization", "subject_id"], pairs, &mut bound);
            let sql = format!(
                "select {COLUMNS} from invitation where state in {ACTIVE} and {those} order by id || ''{}",
                db.for_update()
            );
            for row in db.rows(&sql, &bound).await? {
                let (subject, row) = ((row.get(6)?, row.get(7)?), read(&row, 0)?);
                active.insert(subject, row);
            }
        }
        let wanted = drafts.iter().map(|draft| &draft.draft.id);
        let sql = format!(
            "select id from invitation where organization = $1 and id in {}",
            bulk_sql::list(2, drafts.len())
        );
        let bound: Vec<_> = [organization].into_iter().chain(wanted).map(Value::from).collect();
        let found = db.rows(&sql, &bound).await?;
        let ids = found.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
        let digests: Vec<_> = drafts.iter().filter_map(|draft| draft.code).map(Value::from).collect();
        let sql = format!("select digest from code where digest in {}", bulk_sql::list(1, digests.len()));
        let found = if digests.is_empty() { Vec::new() } else { db.rows(&sql, &digests).await? };
        let codes = found.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
        Ok(Self {
            insert,
            now,
            known,
            active,
            ids,
            codes,
            count,
            made: Vec::new(),
            expired: Vec::new(),
            new_codes: Vec::new(),
            recorded: Vec::new(),
            events: Vec::new(),
        })
    }

    fn note(&mut self, kind: EventKind, of: &Of<'_>) {
        let organization = Some(self.insert.organization.as_str());
        self.events.push(self.insert.asker.actor.event(organization, kind, of));
    }

    /// An item that was refused, in the trail.
    fn note_refused(&mut self, name: &str, subject: Option<&UserRef>, word: Word) {
        let name = Some(name_digest(&self.insert.names, name));
        self.note(EventKind::ItemRefused, &Of { subject, name, word: Some(word), ..Of::default() });
    }

    pub(super) fn judge(
        &mut self,
        draft: &CheckedDraft<'_>,
    ) -> Result<Result<Inserted, StoreError>, DbError> {
        let position = draft.draft.position;
        if let Some(Item::Row(Some(row))) = self.known.items.get(&position) {
            return Ok(Ok(describe(row, self.now, true)));
        }
        if let Err(error) = self.make_room(draft.subject) {
            self.record_no_room(draft, &error);
            return Ok(Err(error));
        }
        let id = &draft.draft.id;
        let taken = draft.code.is_some_and(|code| self.codes.contains(code.as_slice()));
        if taken || self.ids.contains(id) {
            let text = "the id or the code of a draft is in use";
            return Ok(Err(StoreError::Host(HostError::Invalid(text.into()))));
        }
        let row = self.new_row(draft);
        let answer = describe(&row, self.now, false);
        let word = (row.invitation.state == State::AwaitingApproval).then_some(Word::NeedsApproval);
        self.note(EventKind::InvitationCreated, &Of { word, ..Of::row(&row.invitation) });
        self.ids.insert(id.clone());
        if let Some(code) = draft.code {
            self.codes.insert(code.to_vec());
            self.new_codes.push((code, id.clone()));
        }
        self.recorded.push((position, Ok(id.clone())));
        if !row.has_run_out(self.now) {
            self.count = self.count.map(|count| count + 1);
        }
        self.active.insert(key_of(draft.subject), row.clone());
        self.made.push(row);
        Ok(Ok(answer))
    }

    /// INVARIANT: at most one active invitation for a subject. One whose time has run out is written off
    /// here, so that it is no obstacle.
    fn make_room(&mut self, subject: &UserRef) -> Result<(), StoreError> {
        let active = self.active.get(&key_of(subject));
        if let Some(row) = active.filter(|row| !row.has_run_out(self.now)) {
            return Err(StoreError::Exists(row.invitation.key.clone()));
        }
        // Only now: that somebody is invited already is a better answer than that there are too many.
        if let Some((limit, count)) = self.insert.batch.active_limit.zip(self.count)
            && count >= u64::from(limit)
        {
            return Err(StoreError::OverLimit(limit));
        }
        if let Some(mut row) = self.active.remove(&key_of(subject)) {
            let from = row.invitation.state;
            row.invitation.state = State::Expired;
            self.note(event(from, State::Expired, false), &Of::row(&row.invitation));
            self.expired.push(row);
        }
        Ok(())
    }

    fn new_row(&self, draft: &CheckedDraft<'_>) -> Stored {
        let (batch, it) = (&self.insert.batch, draft.draft);
        let state = if it.approval.is_some() { State::AwaitingApproval } else { State::Pending };
        let mailed = state == State::Pending && batch.notify == Notify::Internal;
        let now = u64::try_from(self.now).unwrap_or_default();
        let lasting = |lifetime| now.saturating_add(u64::try_from(bearable(lifetime, self.now)).unwrap_or(0));
        let invitation = Invitation {
            key: InvitationKey { organization: self.insert.organization.clone(), id: it.id.clone() },
            parent: batch.parent.clone(),
            schema: SCHEMA,
            version: 1,
            state,
            subject: it.subject.clone(),
            name: it.name.clone(),
            inviter: self.insert.asker.caller.clone(),
            approver: None,
            grants: draft.grants.clone(),
            outcomes: Vec::new(),
            accept_with: it.accept_with,
            notify: batch.notify,
            mail: if mailed { MailState::Queued } else { MailState::None },
            template: batch.template.clone(),
            language: batch.language.clone(),
            landing: batch.landing.clone(),
            metadata: batch.metadata.clone(),
            created_at: now,
            lifetime: it.lifetime,
            expires_at: it.lifetime.map(lasting),
            ended_at: None,
            reason: it.approval.clone(),
            claims: 0,
            lease_until: None,
            resends: 0,
            last_operation: batch.operation.clone(),
            replaces: it.replaces.clone(),
            dismissed: false,
        };
        Stored { invitation, reminded: false, hidden_until: 0, mailed_at: None }
    }

    /// The same request gets the same answer for as long as its operation is remembered.
    fn record_no_room(&mut self, draft: &CheckedDraft<'_>, error: &StoreError) {
        let (reason, word) = match error {
            StoreError::Exists(key) => (format!("active-invitation:{}", key.id), Word::ActiveInvitation),
            StoreError::OverLimit(limit) => (format!("over-limit:{limit}"), Word::OverLimit),
            _ => return,
        };
        let position = draft.draft.position;
        let known = self.known.items.get(&position);
        if !matches!(known, Some(Item::Refused(known)) if *known == reason) {
            self.recorded.push((position, Err(reason)));
            self.note_refused(&draft.draft.name, Some(draft.subject), word);
        }
    }

    /// Records what the plugin has refused itself.
    pub(super) fn refuse(&mut self) {
        for item in &self.insert.batch.refused {
            if !self.known.items.contains_key(&item.position) {
                self.recorded.push((item.position, Err(item.reason.clone())));
                self.note_refused(&item.name, item.subject.as_ref(), item.word);
            }
        }
    }

    /// Writes all of it.
    pub(super) async fn write<C: Connection>(self, db: &mut C) -> Result<(), OperationError> {
        self.write_expired(db).await?;
        self.write_rows(db).await?;
        self.write_outbox(db).await?;
        self.write_operation(db).await?;
        Ok(audit::note(db, &self.events).await?)
    }

    async fn write_expired<C: Connection>(&self, db: &mut C) -> Result<(), DbError> {
        let (organization, operation) = (&self.insert.organization, &self.insert.batch.operation);
        for row in &self.expired {
            let sql = "update invitation set state = 'expired', version = version + 1, ended_at = $1, \
                       last_operation = $2, mail = case when mail = 'queued' then 'none' else mail end \
                       where organization = $3 and id = $4 and version = $5";
            let id = &row.invitation.key.id;
            let values = values![self.now, operation, organization, id, row.invitation.version];
            if db.change(sql, values).await? == 0 {
                return Err(DbError::Conflict("an invitation in the way was changed just now".into()));
            }
            if let Some(kinds) = senseless(State::Expired) {
                let sql = format!(
                    "delete from outbox where organization = $1 and invitation = $2 and kind in {kinds}"
                );
                db.change(&sql, values![organization, id]).await?;
            }
        }
        Ok(())
    }

    async fn write_rows<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let organization = &self.insert.organization;
        let rows: Vec<[Value; WIDTH]> = self.made.iter().map(written).collect::<Result<_, _>>()?;
        // Somebody else may have invited one of them just now: then all begins anew, and finds them.
        let in_the_way = || DbError::Conflict("somebody was invited twice at once".into());
        let expected = rows.len() as u64;
        let new =
            bulk_sql::insert(db, &format!("invitation ({COLUMNS})"), rows, "on conflict do nothing").await?;
        if new < expected {
            return Err(in_the_way().into());
        }
        let code = |(code, id): &([u8; 32], String)| {
            [Value::from(*code), organization.into(), id.into(), Value::Integer(1)]
        };
        let codes: Vec<_> = self.new_codes.iter().map(code).collect();
        let expected = codes.len() as u64;
        let into = "code (digest, organization, invitation, version)";
        if bulk_sql::insert(db, into, codes, "on conflict (digest) do nothing").await? < expected {
            // Row-level security hides whose it is: it is another organization's.
            return Err(HostError::Invalid("the code of a draft is in use".into()).into());
        }
        Ok(())
    }

    async fn write_outbox<C: Connection>(&self, db: &mut C) -> Result<(), DbError> {
        let batch = &self.insert.batch;
        let mut waiting = Vec::new();
        if batch.report_expired {
            waiting.extend(self.expired.iter().map(|row| Waiting {
                invitation: &row.invitation.key.id,
                kind: &MessageKind::Expired,
                version: row.invitation.version + 1,
                due_at: self.now,
            }));
        }
        for row in &self.made {
            let invitation = row.invitation.key.id.as_str();
            if row.invitation.mail == MailState::Queued {
                let due_at = later(self.now, batch.hold);
                waiting.push(Waiting { invitation, kind: &MessageKind::Invitation, version: 1, due_at });
            }
            if row.invitation.state == State::AwaitingApproval && batch.announce {
                let kind = &MessageKind::ApprovalRequested;
                waiting.push(Waiting { invitation, kind, version: 1, due_at: self.now });
            }
        }
        let rows = waiting.iter().map(|waiting| waiting.values(&self.insert.organization)).collect();
        bulk_sql::insert(db, INTO, rows, ANEW).await?;
        Ok(())
    }

    async fn write_operation<C: Connection>(&self, db: &mut C) -> Result<(), DbError> {
        if self.recorded.is_empty() {
            return Ok(());
        }
        let Insert { organization, asker, batch, .. } = self.insert;
        let (caller, operation) = (&asker.actor.who, &batch.operation);
        if self.known.at != self.now {
            let sql =
                "update operation set at = $1 where organization = $2 and caller = $3 and operation = $4";
            db.change(sql, values![self.now, organization, caller, operation]).await?;
        }
        let item = |(position, became): &(u32, Result<String, String>)| {
            let key = [organization.into(), caller.into(), operation.into(), Value::from(*position)];
            let [organization, caller, operation, position] = key;
            let became = [became.as_ref().ok().into(), became.as_ref().err().into()];
            let [invitation, refused] = became;
            [organization, caller, operation, position, invitation, refused]
        };
        let into = "operation_item (organization, caller, operation, position, invitation, refused)";
        let anew = "on conflict (organization, caller, operation, position) do update set \
                    invitation = excluded.invitation, refused = excluded.refused";
        bulk_sql::insert(db, into, self.recorded.iter().map(item).collect(), anew).await?;
        Ok(())
    }
}
