//! Changing one row.
//!
//! The whole safety of accepting rests on this one step: a guard over version, stored state and clock,
//! a table of legal pairs, and nothing applied unless both say yes.

use std::collections::BTreeMap;

use super::{
    audit::Of,
    hex,
    realm::{Realm, StoredInvitation, Tenant},
};
use guestlist_contract::{
    audit::EventKind,
    bounds,
    host::Call,
    lifecycle::{is_terminal, legal},
    storage::{Change, ClockGuard, CodeChange, Guard, LifetimeChange, StoreError, Transitioned},
    types::{HostError, Invitation, InvitationKey, MailState, MessageKind, State, UserRef},
};

/// Most codes of one invitation that are live at the same time.
const LIVE_CODES: usize = 32;

fn holds(guard: &Guard, row: &StoredInvitation, now: u64) -> bool {
    let row = &row.invitation;
    let clock = match guard.clock {
        ClockGuard::None => true,
        ClockGuard::BeforeExpiry => row.expires_at.is_none_or(|end| now < end),
        ClockGuard::AfterExpiry => row.expires_at.is_some_and(|end| end <= now),
        ClockGuard::LeaseOver => row.lease_until.is_some_and(|end| end <= now),
    };
    clock && guard.version == row.version && guard.states.contains(&row.state)
}

/// A change whose form is right.
struct Checked {
    change: Change,
    code: Option<String>,
}

fn check(change: Change) -> Result<Checked, HostError> {
    let code = bounds::change(&change)?.map(hex);
    Ok(Checked { change, code })
}

impl StoredInvitation {
    /// Lets codes die, by place, digest and the version that they were made for.
    pub(super) fn kill_codes(
        &mut self,
        all: &mut BTreeMap<String, InvitationKey>,
        dies: impl Fn(usize, &String, u64) -> bool,
    ) {
        let codes = std::mem::take(&mut self.codes);
        let versions = std::mem::take(&mut self.code_versions);
        for (place, (code, version)) in codes.into_iter().zip(versions).enumerate() {
            if dies(place, &code, version) {
                all.remove(&code);
            } else {
                self.codes.push(code);
                self.code_versions.push(version);
            }
        }
    }
}

impl Realm {
    /// Lets the codes of all pending invitations of somebody die. A digest that belongs to no code takes their
    /// place: the invitation was pending, and stays visible to its invitee.
    pub(super) fn kill_codes_of(&mut self, account: &UserRef) {
        let of_them = |tenant: &Tenant| {
            let pending = tenant.of_subject(account).filter(|row| row.invitation.state == State::Pending);
            pending.map(|row| row.invitation.key.clone()).collect::<Vec<_>>()
        };
        let keys: Vec<_> = self.tenants.values().flat_map(of_them).collect();
        for key in keys {
            let nobodys = hex(self.entropy.take(32).try_into().unwrap_or_default());
            let tenant = self.tenants.get_mut(&key.organization);
            let Some(row) = tenant.and_then(|tenant| tenant.rows.get_mut(&key.id)) else { continue };
            row.kill_codes(&mut self.codes, |_, _, _| true);
            row.codes.push(nobodys.clone());
            row.code_versions.push(row.invitation.version);
            self.codes.insert(nobodys, key);
        }
    }

    /// Takes an ended invitation off the list.
    pub(super) fn dismiss(&mut self, call: &Call, key: &InvitationKey) -> Result<Invitation, StoreError> {
        let now = self.clock.store();
        call.acts_in(&key.organization).map_err(StoreError::Host)?;
        let row = self.row(key).ok_or(StoreError::NotFound)?;
        if row.invitation.dismissed || !is_terminal(row.invitation.state) {
            return Ok(row.read(now));
        }
        let mut row = row.clone();
        row.invitation.dismissed = true;
        let organization = Some(key.organization.as_str());
        self.note(call, organization, EventKind::InvitationDismissed, &Of::row(&row.invitation));
        let answer = row.read(now);
        self.replace_row(row);
        Ok(answer)
    }

    pub(super) fn transition(
        &mut self,
        call: &Call,
        key: &InvitationKey,
        guard: &Guard,
        change: Change,
    ) -> Result<Transitioned, StoreError> {
        let now = self.clock.store();
        if !self.admits(call, key) {
            return Err(StoreError::NotFound);
        }
        let Some(row) = self.row(key) else { return Err(StoreError::NotFound) };
        let checked = check(change).map_err(StoreError::Host)?;
        if !self.may_change(call, row, guard, &checked, now)? {
            return Ok(Transitioned { applied: false, row: row.read(now) });
        }
        let mut row = row.clone();
        let from = row.invitation.state;
        self.change_code(&mut row, &checked);
        apply(&mut row, call, &checked.change, now);
        self.change_outbox(&mut row, &checked.change, now);
        let Change { word, adopt, .. } = checked.change;
        self.note_change(call, from, &row, word, adopt);
        let answer = row.read(now);
        self.replace_row(row);
        Ok(Transitioned { applied: true, row: answer })
    }

    /// Tells whether the guard holds; an error where the change is not allowed at all.
    fn may_change(
        &self,
        call: &Call,
        row: &StoredInvitation,
        guard: &Guard,
        checked: &Checked,
        now: u64,
    ) -> Result<bool, StoreError> {
        let denied = |text: &str| StoreError::Host(HostError::Denied(text.into()));
        let to = checked.change.to;
        if !holds(guard, row, now) {
            return Ok(false);
        }
        if !legal(row.invitation.state, to) {
            return Err(denied("this change of state is illegal"));
        }
        // INVARIANT: once seen expired, always expired. From the instant of its expiry the row goes
        // nowhere else, even where the guard forgot to ask the clock.
        if row.has_run_out(now) && to != State::Expired {
            return Ok(false);
        }
        if !row.has_run_out(now) && to == State::Expired {
            return Err(denied("its time has not run out"));
        }
        if row.invitation.state == State::AwaitingApproval && to == State::Pending {
            call.named().map_err(StoreError::Host)?;
        }
        if checked.change.adopt {
            call.named().map_err(StoreError::Host)?;
            if call.user().is_some_and(|user| row.is_for(user)) {
                return Err(denied("an invitee cannot become the inviter"));
            }
        }
        self.may_have_code(row, checked).map_err(StoreError::Host)?;
        Ok(true)
    }

    fn may_have_code(&self, row: &StoredInvitation, checked: &Checked) -> Result<(), HostError> {
        match &checked.code {
            // Should two invitations ever get one code, the later must not steal the earlier's.
            Some(code) if self.codes.get(code).is_some_and(|owner| *owner != row.invitation.key) => {
                Err(HostError::Invalid("the code belongs to another invitation".into()))
            }
            None if checked.change.to == State::Pending && row.codes.is_empty() => {
                Err(HostError::Invalid("a pending invitation needs a code".into()))
            }
            _ => Ok(()),
        }
    }

    fn change_code(&mut self, row: &mut StoredInvitation, checked: &Checked) {
        let Some(code) = &checked.code else { return };
        let kept = match checked.change.code {
            CodeChange::Replace(_) => 0,
            _ => LIVE_CODES - 1,
        };
        row.kill_codes(&mut self.codes, |_, known, _| known == code);
        let dead = row.codes.len().saturating_sub(kept);
        row.kill_codes(&mut self.codes, |place, _, _| place < dead);
        row.codes.push(code.clone());
        row.code_versions.push(row.invitation.version + 1);
        self.codes.insert(code.clone(), row.invitation.key.clone());
    }

    fn change_outbox(&mut self, row: &mut StoredInvitation, change: &Change, now: u64) {
        let tenant = self.tenants.entry(row.invitation.key.organization.clone()).or_default();
        tenant.drop_undelivered(row, change.to);
        for kind in &change.messages {
            let due_at = now.saturating_add(change.hold);
            tenant.enqueue(&row.invitation.key.id, row.invitation.version, kind.clone(), due_at);
            match kind {
                MessageKind::Invitation => row.invitation.mail = MailState::Queued,
                MessageKind::Reminder => row.reminded = true,
                _ => {}
            }
        }
    }

    /// Writes `expired` on a row whose time has run out, for an operation that found it in its way.
    pub(super) fn expire(&mut self, call: &Call, key: &InvitationKey, operation: &str) {
        let now = self.clock.store();
        let Some(row) = self.row(key).filter(|row| row.has_run_out(now)) else { return };
        let mut row = row.clone();
        let from = row.invitation.state;
        row.invitation.state = State::Expired;
        row.invitation.ended_at = Some(now);
        row.invitation.version += 1;
        row.invitation.last_operation = operation.to_owned();
        if let Some(tenant) = self.tenants.get_mut(&key.organization) {
            tenant.drop_undelivered(&mut row, State::Expired);
        }
        self.note_change(call, from, &row, None, false);
        self.replace_row(row);
    }

    fn replace_row(&mut self, row: StoredInvitation) {
        let key = row.invitation.key.clone();
        self.tenants.entry(key.organization).or_default().rows.insert(key.id, row);
    }
}

/// The fields that a change sets; codes and outbox are not among them.
fn apply(stored: &mut StoredInvitation, call: &Call, change: &Change, now: u64) {
    let row = &mut stored.invitation;
    if row.state == State::AwaitingApproval && change.to == State::Pending {
        row.approver = Some(call.context.caller.clone());
    }
    if change.adopt {
        row.inviter = call.context.caller.clone();
        row.approver = None;
    }
    row.state = change.to;
    row.version += 1;
    row.last_operation.clone_from(&change.operation);
    row.lease_until = change.lease.map(|lease| now.saturating_add(lease));
    row.claims += u32::from(change.lease.is_some());
    row.resends += u32::from(change.count_resend);
    row.ended_at = is_terminal(change.to).then_some(now);
    if let LifetimeChange::Restart(lifetime) = change.lifetime {
        row.lifetime = lifetime;
        row.expires_at = lifetime.map(|lifetime| now.saturating_add(lifetime));
        stored.reminded = false;
    }
    if change.reason.is_some() {
        row.reason.clone_from(&change.reason);
    }
    if let Some(outcomes) = &change.outcomes {
        row.outcomes.clone_from(outcomes);
    }
    // Whatever it was handed out for is done.
    stored.hidden_until = 0;
}
