//! The audit trail.
//!
//! Append-only. A change and its event are written under the same lock, so there is no change without
//! its event and no event without its change. An event never holds a code.

use async_trait::async_trait;

use super::{
    MemoryHost,
    realm::{Realm, StoredInvitation},
};
use guestlist_contract::{
    audit::{Event, EventKind, Refusal, Word},
    bounds,
    host::{Audit, Call},
    lifecycle,
    trail::name_digest,
    types::{Grant, HostError, Invitation, Principal, State, Subject, UserRef},
};

/// The things that an event is about, beside its kind.
#[derive(Default)]
pub(super) struct Of<'a> {
    pub(super) invitation: Option<&'a str>,
    pub(super) subject: Option<&'a UserRef>,
    pub(super) name: Option<&'a str>,
    pub(super) grant: Option<&'a Grant>,
    pub(super) about: Option<&'a str>,
    pub(super) word: Option<Word>,
}

impl<'a> Of<'a> {
    /// A row and whom it is for.
    pub(super) fn row(row: &'a Invitation) -> Self {
        let subject = match &row.subject {
            Subject::User(user) => Some(user),
            Subject::Contact(_) => None,
        };
        Self { invitation: Some(&row.key.id), subject, ..Self::default() }
    }

    pub(super) fn user(user: &'a UserRef) -> Self {
        Self { subject: Some(user), ..Self::default() }
    }

    pub(super) fn grant(grant: &'a Grant) -> Self {
        Self { grant: Some(grant), ..Self::default() }
    }

    pub(super) fn id(id: &'a str) -> Self {
        Self { about: Some(id), ..Self::default() }
    }
}

impl Realm {
    /// An event of a running call.
    pub(super) fn note(&mut self, call: &Call, organization: Option<&str>, kind: EventKind, of: &Of<'_>) {
        let event = Event {
            at: self.clock.store(),
            organization: organization.map(str::to_owned),
            actor: call.context.caller.clone(),
            request_id: call.context.request_id.clone(),
            kind,
            operation: call.operation.name().to_owned(),
            invitation: of.invitation.map(str::to_owned),
            subject: of.subject.cloned(),
            name: of.name.map(|name| name_digest(&self.entropy.key("names"), name)),
            grant: of.grant.cloned(),
            about: of.about.map(str::to_owned),
            word: of.word,
        };
        self.audit.push(event);
    }

    /// The event of a row that was changed from state `from` to what it is now.
    pub(super) fn note_change(
        &mut self,
        call: &Call,
        from: State,
        row: &StoredInvitation,
        word: Option<Word>,
        adopted: bool,
    ) {
        let row = &row.invitation;
        let kind = lifecycle::event(from, row.state, adopted);
        self.note(call, Some(&row.key.organization), kind, &Of { word, ..Of::row(row) });
    }

    /// An event from outside of any call.
    pub(super) fn note_world(&mut self, organization: &str, kind: EventKind, of: &Of<'_>) {
        self.audit.push(Event {
            at: self.clock.store(),
            organization: Some(organization.to_owned()),
            actor: Principal::System,
            request_id: String::new(),
            kind,
            operation: String::new(),
            invitation: None,
            subject: of.subject.cloned(),
            name: None,
            grant: of.grant.cloned(),
            about: of.about.map(str::to_owned),
            word: None,
        });
    }

    fn record_refusals(
        &mut self,
        call: &Call,
        organization: Option<&str>,
        refusals: Vec<Refusal>,
    ) -> Result<(), HostError> {
        if call.operation.is_invitees() {
            // The organization of a refused code is nobody's business, so there may be none.
            organization.map_or(Ok(()), |organization| self.concerns(call, organization))?;
        } else if let Some(organization) = organization {
            call.acts_in(organization)?;
        }
        bounds::refusals(&refusals)?;
        for refusal in refusals {
            let kind = if refusal.name.is_some() { EventKind::ItemRefused } else { EventKind::Refused };
            let of = Of {
                invitation: refusal.invitation.as_deref(),
                subject: refusal.subject.as_ref(),
                name: refusal.name.as_deref(),
                word: Some(refusal.word),
                ..Of::default()
            };
            self.note(call, organization, kind, &of);
            if let Some(event) = self.audit.last_mut() {
                event.operation = refusal.operation;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Audit for MemoryHost {
    async fn record_refusals(
        &self,
        call: &Call,
        organization: Option<String>,
        refusals: Vec<Refusal>,
    ) -> Result<(), HostError> {
        self.lock().record_refusals(call, organization.as_deref(), refusals)
    }
}
