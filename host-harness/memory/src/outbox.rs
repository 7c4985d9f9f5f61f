//! Keeps what waits to be done: e-mails, and the upkeep of rows.
//!
//! An outbox entry is a promise that survives a crash. It is written in the commit of the change that
//! asks for it, and goes away in the commit that knows what became of it.

use super::audit::Of;
use super::realm::{OutboxEntry, Realm, StoredInvitation, Tenant};
use guestlist_contract::{
    audit::EventKind,
    bounds,
    host::Call,
    lifecycle::{NEVER, is_terminal, makes_sense},
    storage::{Delivery, DeliveryOutcome, DueItem, DueKind},
    types::{HostError, InvitationKey, MailState, MessageKind, State},
};

/// Work that is due: what, since when, and for which row.
struct Work {
    rank: u8,
    kind: DueKind,
    since: u64,
    invitation: String,
    message: Option<(MessageKind, u32)>,
}

impl Tenant {
    /// Adds an entry, or starts the live one of this kind anew.
    pub(super) fn enqueue(&mut self, invitation: &str, version: u64, kind: MessageKind, due_at: u64) {
        self.outbox.retain(|entry| !(entry.invitation == invitation && entry.kind == kind));
        let invitation = invitation.to_owned();
        self.outbox.push(OutboxEntry { invitation, kind, version, due_at, tries: 0, taken: false });
    }

    /// Drops what was not sent and makes no sense any more now that the row goes to another state.
    pub(super) fn drop_undelivered(&mut self, row: &mut StoredInvitation, to: State) {
        let id = &row.invitation.key.id;
        self.outbox.retain(|entry| entry.invitation != *id || makes_sense(&entry.kind, to));
        if to != State::Pending && row.invitation.mail == MailState::Queued {
            row.invitation.mail = MailState::None;
        }
    }

    fn work(&self, now: u64, reminder_before: Option<u64>) -> Vec<Work> {
        let mut work: Vec<Work> = self.outbox.iter().filter_map(|entry| self.mail_due(entry, now)).collect();
        work.extend(self.rows.values().filter_map(|row| upkeep_due(row, now, reminder_before)));
        work.sort_by(|one, other| {
            (one.rank, one.since, &one.invitation).cmp(&(other.rank, other.since, &other.invitation))
        });
        work
    }

    fn mail_due(&self, entry: &OutboxEntry, now: u64) -> Option<Work> {
        let row = self.rows.get(&entry.invitation)?;
        // It may have run out just now.
        let sendable = makes_sense(&entry.kind, row.state_at(now));
        (sendable && !entry.taken && entry.due_at <= now).then(|| Work {
            rank: 1,
            kind: DueKind::Mail,
            since: entry.due_at,
            invitation: entry.invitation.clone(),
            message: Some((entry.kind.clone(), entry.tries)),
        })
    }

    /// Hides what is being handed out.
    fn hand_out(&mut self, work: &Work, until: u64) {
        if let Some((kind, _)) = &work.message {
            let same = |entry: &&mut OutboxEntry| entry.invitation == work.invitation && entry.kind == *kind;
            if let Some(entry) = self.outbox.iter_mut().find(same) {
                entry.due_at = until;
            }
            return;
        }
        if matches!(work.kind, DueKind::Reminder) {
            // From here on the reminder is an entry like any mail: it can be settled, or comes again.
            let version = self.rows.get(&work.invitation).map_or(0, |row| row.invitation.version);
            self.enqueue(&work.invitation, version, MessageKind::Reminder, until);
        }
        if let Some(row) = self.rows.get_mut(&work.invitation) {
            row.reminded |= matches!(work.kind, DueKind::Reminder);
            row.hidden_until = until;
        }
    }
}

fn upkeep_due(row: &StoredInvitation, now: u64, reminder_before: Option<u64>) -> Option<Work> {
    let stored = &row.invitation;
    let reminder = || {
        // Nobody is reminded of what they have not been told.
        let wanted = stored.mail == MailState::Sent && !row.reminded && stored.state == State::Pending;
        let (end, before) = stored.expires_at.filter(|_| wanted).zip(reminder_before)?;
        // Nor of what they were told a moment ago.
        let mailed = row.mailed_at.unwrap_or(stored.created_at);
        Some(end.saturating_sub(before).max(mailed + end.saturating_sub(mailed) / 2))
    };
    let (rank, kind, since) = if stored.state == State::Accepting {
        (0, DueKind::Lease, stored.lease_until?)
    } else if row.has_run_out(now) {
        (2, DueKind::Expiry, stored.expires_at?)
    } else {
        (3, DueKind::Reminder, reminder()?)
    };
    let due = since <= now && row.hidden_until <= now;
    due.then(|| Work { rank, kind, since, invitation: stored.key.id.clone(), message: None })
}

impl Realm {
    pub(super) fn due(
        &mut self,
        call: &Call,
        organization: &str,
        limit: u32,
        hold: u64,
    ) -> Result<Vec<DueItem>, HostError> {
        call.acts_in(organization)?;
        let limit = bounds::limit(limit)?;
        let now = self.clock.store();
        let reminder_before =
            self.organizations.get(organization).and_then(|known| known.settings.reminder_before);
        let Some(tenant) = self.tenants.get_mut(organization) else { return Ok(Vec::new()) };
        let mut work = tenant.work(now, reminder_before);
        work.truncate(limit);
        for item in &work {
            tenant.hand_out(item, now.saturating_add(hold));
        }
        let item = |work: Work| {
            let row = tenant.rows.get(&work.invitation)?.read(now);
            let (message, tries) = work.message.map_or((None, 0), |(kind, tries)| (Some(kind), tries));
            Some(DueItem { kind: work.kind, row, message, tries })
        };
        Ok(work.into_iter().filter_map(item).collect())
    }

    pub(super) fn settle(
        &mut self,
        call: &Call,
        organization: &str,
        deliveries: &[Delivery],
    ) -> Result<(), HostError> {
        self.concerns(call, organization)?;
        bounds::deliveries(deliveries)?;
        for delivery in deliveries {
            let key =
                InvitationKey { organization: organization.to_owned(), id: delivery.invitation.clone() };
            if self.admits(call, &key) {
                self.settle_one(organization, delivery);
            }
        }
        Ok(())
    }

    pub(super) fn settle_one(&mut self, organization: &str, delivery: &Delivery) {
        let now = self.clock.store();
        let Some(tenant) = self.tenants.get_mut(organization) else { return };
        let Delivery { invitation, version, kind, outcome } = delivery;
        // INVARIANT: what became of an older mail says nothing about the one that a resend asks for.
        let live = tenant.outbox.iter().position(|entry| {
            entry.invitation == *invitation && entry.kind == *kind && entry.version <= *version
        });
        let Some(index) = live else { return };
        let mail = match outcome {
            DeliveryOutcome::Delivered => MailState::Sent,
            DeliveryOutcome::Undeliverable(_) => MailState::Undeliverable,
            DeliveryOutcome::Taken
            | DeliveryOutcome::Sending
            | DeliveryOutcome::Retry(_)
            | DeliveryOutcome::Postponed(_) => {
                if let Some(entry) = tenant.outbox.get_mut(index) {
                    entry.postpone(outcome, now);
                }
                return;
            }
        };
        tenant.outbox.remove(index);
        if let Some(row) = tenant.rows.get_mut(invitation)
            && *kind == MessageKind::Invitation
        {
            row.invitation.mail = mail;
            if mail == MailState::Sent {
                row.mailed_at = Some(now);
                // The invitee has the code of this mail, which is the newest that the row had by then.
                let its = row.code_versions.iter().copied().filter(|made| made <= version).max();
                row.kill_codes(&mut self.codes, |_, _, made| its.is_some_and(|its| made < its));
            }
        }
    }

    pub(super) fn purge(
        &mut self,
        call: &Call,
        organization: &str,
        retention: u64,
        limit: u32,
    ) -> Result<u32, HostError> {
        call.acts_in(organization)?;
        let limit = bounds::limit(limit)?;
        let now = self.clock.store();
        let Some(tenant) = self.tenants.get(organization) else { return Ok(0) };
        let mut old: Vec<(u64, String)> = tenant
            .rows
            .values()
            .filter(|row| is_terminal(row.invitation.state))
            .filter_map(|row| Some((row.invitation.ended_at?, row.invitation.key.id.clone())))
            .filter(|(ended_at, _)| now.saturating_sub(*ended_at) > retention)
            .collect();
        old.sort();
        old.truncate(limit);
        for (_, id) in &old {
            let key = InvitationKey { organization: organization.to_owned(), id: id.clone() };
            let subject = self.row(&key).and_then(|row| Of::row(&row.invitation).subject.cloned());
            self.forget(organization, id);
            let of = Of { invitation: Some(id), subject: subject.as_ref(), ..Of::default() };
            self.note(call, Some(organization), EventKind::InvitationPurged, &of);
        }
        Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
    }

    /// Finds the organizations where a sweep would find something to do.
    pub(super) fn with_due_work(&self) -> Vec<String> {
        let now = self.clock.store();
        let has_work = |id: &str, tenant: &Tenant| {
            let settings = self.organizations.get(id).map(|place| &place.settings);
            let reminder_before = settings.and_then(|settings| settings.reminder_before);
            let retention = settings.map_or(u64::MAX, |settings| settings.retention);
            let old = |row: &StoredInvitation| {
                row.invitation.ended_at.is_some_and(|ended_at| now.saturating_sub(ended_at) > retention)
            };
            !tenant.work(now, reminder_before).is_empty() || tenant.rows.values().any(old)
        };
        let found = self.tenants.iter().filter(|(id, tenant)| has_work(id, tenant));
        found.map(|(id, _)| id.clone()).collect()
    }

    fn forget(&mut self, organization: &str, id: &str) {
        let Some(tenant) = self.tenants.get_mut(organization) else { return };
        tenant.outbox.retain(|entry| entry.invitation != id);
        tenant.applied.remove(id);
        let Some(row) = tenant.rows.remove(id) else { return };
        tenant.unindex(&row.invitation.subject, id);
        for code in &row.codes {
            self.codes.remove(code);
        }
    }
}

impl OutboxEntry {
    fn postpone(&mut self, outcome: &DeliveryOutcome, now: u64) {
        match outcome {
            DeliveryOutcome::Retry(after) | DeliveryOutcome::Postponed(after) => {
                self.tries += u32::from(matches!(outcome, DeliveryOutcome::Retry(_)));
                self.due_at = now.saturating_add(*after);
                self.taken = false;
            }
            // Never due again by itself.
            DeliveryOutcome::Sending => {
                self.due_at = NEVER;
                self.taken = false;
            }
            _ => self.taken = true,
        }
    }
}
