//! Records what was asked and not done.

use guestlist_contract::{
    audit::{EventKind, Refusal},
    bounds,
    host::Call,
    trail::name_digest,
};

use super::{
    access::{Asker, not_there},
    delivery::invited_into,
};
use crate::{
    audit::{self, Of},
    error::OperationError,
    sql::{Connection, Operation, Scope},
};

/// `record-refusals`.
pub(super) struct Refusals {
    asker: Asker,
    organization: Option<String>,
    refusals: Vec<Refusal>,
    /// The key of the digests that stand for names.
    pub(super) names: [u8; 32],
}

impl Refusals {
    pub(super) fn new(
        call: &Call,
        organization: Option<String>,
        refusals: Vec<Refusal>,
    ) -> Result<Self, OperationError> {
        if let Some(organization) = organization.as_deref().filter(|_| !call.operation.is_invitees()) {
            call.acts_in(organization)?;
        }
        bounds::refusals(&refusals)?;
        Ok(Self { asker: Asker::of(call, [])?, organization, refusals, names: [0; 32] })
    }
}

impl Operation for Refusals {
    type Output = ();
    const NAME: &'static str = "audit.record-refusals";

    /// The organization of a refused code is nobody's business, so there may be none.
    fn scope(&self) -> Scope {
        Scope { organization: self.organization.clone(), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        if let Some(organization) = self.organization.as_ref().filter(|_| self.asker.is_invitee()) {
            let own = self.asker.organization.as_ref() == Some(organization);
            if !own && !invited_into(db, &self.asker, organization).await? {
                return Err(not_there().into());
            }
        }
        let event = |refusal: &Refusal| {
            let kind = if refusal.name.is_some() { EventKind::ItemRefused } else { EventKind::Refused };
            let of = Of {
                invitation: refusal.invitation.as_deref(),
                subject: refusal.subject.as_ref(),
                name: refusal.name.as_ref().map(|name| name_digest(&self.names, name)),
                word: Some(refusal.word),
                ..Of::default()
            };
            let event = self.asker.actor.event(self.organization.as_deref(), kind, &of);
            audit::Event { operation: refusal.operation.clone(), ..event }
        };
        let events: Vec<_> = self.refusals.iter().map(event).collect();
        Ok(audit::note(db, &events).await?)
    }
}
