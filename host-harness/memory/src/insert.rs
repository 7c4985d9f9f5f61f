//! Making invitations, a batch at a time, each position of an operation once.

use std::collections::BTreeMap;

use super::{
    audit::Of,
    hex,
    realm::{Realm, RecordedItem, RecordedOperation, StoredInvitation},
};
use guestlist_contract::{
    audit::{EventKind, Word},
    bounds::{self, CheckedDraft},
    host::Call,
    lifecycle::is_terminal,
    storage::{Batch, Inserted, Recorded, RecordedOutcome, StoreError},
    types::{HostError, InvitationKey, MailState, MessageKind, Notify, State, UserRef},
};

/// The time for which an operation is remembered after it has last recorded something.
const REMEMBERED: u64 = 24 * 60 * 60 * 1000;
/// The shape of the rows that this store writes.
const SCHEMA: u32 = 1;

type Item = Result<Inserted, StoreError>;

fn describe(row: &StoredInvitation, now: u64, existed: bool) -> Inserted {
    Inserted {
        id: row.invitation.key.id.clone(),
        version: row.invitation.version,
        state: row.state_at(now),
        expires_at: row.invitation.expires_at,
        mail: row.invitation.mail,
        existed,
    }
}

impl Realm {
    pub(super) fn recall(
        &mut self,
        call: &Call,
        organization: &str,
        operation: &str,
        fingerprint: &[u8],
    ) -> Result<Vec<Recorded>, StoreError> {
        let fingerprint = call
            .acts_in(organization)
            .and_then(|()| bounds::id("the operation id", operation))
            .and_then(|()| bounds::digest("the fingerprint", fingerprint))
            .map(hex)
            .map_err(StoreError::Host)?;
        let now = self.clock.store();
        let Some(tenant) = self.tenants.get(organization) else { return Ok(Vec::new()) };
        let Some(known) = tenant.operations.iter().find(|known| known.is_of(call, operation, now)) else {
            return Ok(Vec::new());
        };
        if known.fingerprint != fingerprint {
            return Err(StoreError::OperationReused);
        }
        // A row that was purged since is as if its item had never been.
        let outcome = |item: &RecordedItem| match item {
            RecordedItem::Refused(reason) => Some(RecordedOutcome::Refused(reason.clone())),
            RecordedItem::Row(id) => {
                tenant.rows.get(id).map(|row| RecordedOutcome::Row(describe(row, now, true)))
            }
        };
        let recorded = |(position, item): (&u32, &RecordedItem)| {
            Some(Recorded { position: *position, outcome: outcome(item)? })
        };
        Ok(known.items.iter().filter_map(recorded).collect())
    }

    pub(super) fn insert(
        &mut self,
        call: &Call,
        organization: &str,
        batch: &Batch,
    ) -> Result<Vec<Item>, StoreError> {
        let fingerprint = call
            .acts_in(organization)
            .and_then(|()| call.named())
            .and_then(|()| bounds::batch(batch))
            .and_then(|()| bounds::digest("the fingerprint", &batch.fingerprint))
            .map(hex)
            .map_err(StoreError::Host)?;
        self.may_land(organization, batch).map_err(StoreError::Host)?;
        let drafts: Vec<_> = batch
            .drafts
            .iter()
            .map(|draft| bounds::draft(batch, draft))
            .collect::<Result<_, _>>()
            .map_err(StoreError::Host)?;
        let (place, mut operation) = self.operation(call, organization, batch, fingerprint)?;
        let items = drafts
            .iter()
            .map(|draft| self.insert_one(call, organization, batch, draft, &mut operation))
            .collect();
        self.record_refused(call, organization, batch, &mut operation);
        self.tenants.entry(organization.to_owned()).or_default().operations.insert(place, operation);
        Ok(items)
    }

    fn may_land(&self, organization: &str, batch: &Batch) -> Result<(), HostError> {
        let Some(landing) = &batch.landing else { return Ok(()) };
        let allowed = self.organization(organization).map(|place| place.landings.as_slice());
        if bounds::is_allowed_landing(allowed.unwrap_or_default(), landing) {
            return Ok(());
        }
        Err(HostError::Invalid("the landing place is none of those that the organization allows".into()))
    }

    /// Takes the record of this operation out of its place in the store, or starts one.
    fn operation(
        &mut self,
        call: &Call,
        organization: &str,
        batch: &Batch,
        fingerprint: String,
    ) -> Result<(usize, RecordedOperation), StoreError> {
        let now = self.clock.store();
        let operations = &mut self.tenants.entry(organization.to_owned()).or_default().operations;
        operations.retain(|known| known.is_remembered(now));
        if let Some(place) = operations.iter().position(|known| known.is_of(call, &batch.operation, now)) {
            let known = operations.remove(place);
            if known.fingerprint == fingerprint {
                return Ok((place, known));
            }
            operations.insert(place, known);
            return Err(StoreError::OperationReused);
        }
        let started = RecordedOperation {
            caller: call.context.caller.clone(),
            operation: batch.operation.clone(),
            fingerprint,
            at: now,
            items: BTreeMap::new(),
        };
        Ok((operations.len(), started))
    }

    fn insert_one(
        &mut self,
        call: &Call,
        organization: &str,
        batch: &Batch,
        checked: &CheckedDraft<'_>,
        operation: &mut RecordedOperation,
    ) -> Item {
        let now = self.clock.store();
        if let Some(row) = self.recorded_row(organization, operation, checked.draft.position) {
            return Ok(describe(row, now, true));
        }
        if let Err(error) = self.make_room(call, organization, checked.subject, batch) {
            self.record_no_room(call, organization, checked, &error, operation);
            return Err(error);
        }
        let key = InvitationKey { organization: organization.to_owned(), id: checked.draft.id.clone() };
        let taken = checked.code.is_some_and(|code| self.codes.contains_key(&hex(code)));
        if taken || self.row(&key).is_some() {
            return Err(StoreError::Host(HostError::Invalid(
                "the id or the code of a draft is in use".into(),
            )));
        }
        let row = new_row(call, batch, checked, key, now);
        operation.items.insert(checked.draft.position, RecordedItem::Row(checked.draft.id.clone()));
        operation.at = now;
        let inserted = describe(&row, now, false);
        self.store_new(call, batch, checked.subject, row);
        Ok(inserted)
    }

    fn recorded_row(
        &self,
        organization: &str,
        operation: &RecordedOperation,
        position: u32,
    ) -> Option<&StoredInvitation> {
        match operation.items.get(&position)? {
            RecordedItem::Row(id) => self.tenants.get(organization)?.rows.get(id),
            RecordedItem::Refused(_) => None,
        }
    }

    /// INVARIANT: at most one active invitation for a subject. One whose time has run out is written
    /// off here, so that it is no obstacle.
    fn make_room(
        &mut self,
        call: &Call,
        organization: &str,
        subject: &UserRef,
        batch: &Batch,
    ) -> Result<(), StoreError> {
        let now = self.clock.store();
        let Some(tenant) = self.tenants.get(organization) else { return Ok(()) };
        let active = tenant.of_subject(subject).find(|row| !is_terminal(row.invitation.state));
        let mut run_out = None;
        if let Some(row) = active {
            let key = row.invitation.key.clone();
            if !row.has_run_out(now) {
                return Err(StoreError::Exists(key));
            }
            run_out = Some(key);
        }
        // Only now: that somebody is invited already is a better answer than that there are too many.
        let is_full = |limit: &u32| tenant.active(now) >= usize::try_from(*limit).unwrap_or(usize::MAX);
        if let Some(limit) = batch.active_limit.filter(is_full) {
            return Err(StoreError::OverLimit(limit));
        }
        if let Some(key) = run_out {
            self.expire(call, &key, &batch.operation);
            if batch.report_expired
                && let Some(tenant) = self.tenants.get_mut(organization)
            {
                let version = tenant.rows.get(&key.id).map_or(0, |row| row.invitation.version);
                tenant.enqueue(&key.id, version, MessageKind::Expired, now);
            }
        }
        Ok(())
    }

    fn store_new(&mut self, call: &Call, batch: &Batch, subject: &UserRef, row: StoredInvitation) {
        let now = self.clock.store();
        let key = row.invitation.key.clone();
        let word = (row.invitation.state == State::AwaitingApproval).then_some(Word::NeedsApproval);
        let of = Of { word, ..Of::row(&row.invitation) };
        self.note(call, Some(&key.organization), EventKind::InvitationCreated, &of);
        for code in &row.codes {
            self.codes.insert(code.clone(), key.clone());
        }
        let tenant = self.tenants.entry(key.organization).or_default();
        if row.invitation.mail == MailState::Queued {
            let due_at = now.saturating_add(batch.hold);
            tenant.enqueue(&key.id, row.invitation.version, MessageKind::Invitation, due_at);
        }
        if row.invitation.state == State::AwaitingApproval && batch.announce {
            tenant.enqueue(&key.id, row.invitation.version, MessageKind::ApprovalRequested, now);
        }
        tenant.index(subject, &key.id);
        tenant.rows.insert(key.id, row);
    }

    /// The same request gets the same answer for as long as its operation is remembered.
    fn record_no_room(
        &mut self,
        call: &Call,
        organization: &str,
        checked: &CheckedDraft<'_>,
        error: &StoreError,
        operation: &mut RecordedOperation,
    ) {
        let (reason, word) = match error {
            StoreError::Exists(key) => (format!("active-invitation:{}", key.id), Word::ActiveInvitation),
            StoreError::OverLimit(limit) => (format!("over-limit:{limit}"), Word::OverLimit),
            _ => return,
        };
        let recorded = RecordedItem::Refused(reason);
        if operation.items.insert(checked.draft.position, recorded.clone()) != Some(recorded) {
            operation.at = self.clock.store();
            let (subject, name) = (Some(checked.subject), Some(checked.draft.name.as_str()));
            let of = Of { subject, name, word: Some(word), ..Of::default() };
            self.note(call, Some(organization), EventKind::ItemRefused, &of);
        }
    }

    fn record_refused(
        &mut self,
        call: &Call,
        organization: &str,
        batch: &Batch,
        operation: &mut RecordedOperation,
    ) {
        for item in &batch.refused {
            if operation.items.contains_key(&item.position) {
                continue;
            }
            operation.items.insert(item.position, RecordedItem::Refused(item.reason.clone()));
            operation.at = self.clock.store();
            let of = Of {
                subject: item.subject.as_ref(),
                name: Some(&item.name),
                word: Some(item.word),
                ..Of::default()
            };
            self.note(call, Some(organization), EventKind::ItemRefused, &of);
        }
    }
}

impl RecordedOperation {
    fn is_remembered(&self, now: u64) -> bool {
        now.saturating_sub(self.at) <= REMEMBERED
    }

    fn is_of(&self, call: &Call, operation: &str, now: u64) -> bool {
        self.operation == operation && self.caller == call.context.caller && self.is_remembered(now)
    }
}

fn new_row(
    call: &Call,
    batch: &Batch,
    checked: &CheckedDraft<'_>,
    key: InvitationKey,
    now: u64,
) -> StoredInvitation {
    let draft = checked.draft;
    let state = if draft.approval.is_some() { State::AwaitingApproval } else { State::Pending };
    let mailed = state == State::Pending && batch.notify == Notify::Internal;
    let invitation = guestlist_contract::types::Invitation {
        key,
        parent: batch.parent.clone(),
        schema: SCHEMA,
        version: 1,
        state,
        subject: draft.subject.clone(),
        name: draft.name.clone(),
        inviter: call.context.caller.clone(),
        approver: None,
        grants: checked.grants.clone(),
        outcomes: Vec::new(),
        accept_with: draft.accept_with,
        notify: batch.notify,
        mail: if mailed { MailState::Queued } else { MailState::None },
        template: batch.template.clone(),
        language: batch.language.clone(),
        landing: batch.landing.clone(),
        metadata: batch.metadata.clone(),
        created_at: now,
        lifetime: draft.lifetime,
        expires_at: draft.lifetime.map(|lifetime| now.saturating_add(lifetime)),
        ended_at: None,
        reason: draft.approval.clone(),
        claims: 0,
        lease_until: None,
        resends: 0,
        last_operation: batch.operation.clone(),
        replaces: draft.replaces.clone(),
        dismissed: false,
    };
    StoredInvitation {
        invitation,
        codes: checked.code.iter().copied().map(hex).collect(),
        code_versions: checked.code.iter().map(|_| 1).collect(),
        mailed_at: None,
        reminded: false,
        hidden_until: 0,
    }
}
