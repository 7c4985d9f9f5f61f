//! The audit trail.
//!
//! Append-only. A change and its event are written under the same lock, so there is no change without
//! its event and no event without its change. An event never holds a code.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    MemoryHost,
    realm::{Realm, StoredInvitation},
};
use crate::{
    bounds,
    contract::{
        audit::Refusal,
        types::{HostError, Principal, State},
    },
    host::{Audit, Call},
    lifecycle,
};

/// Something that happened, or that was asked and refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// By the store's clock.
    pub at: u64,
    /// Where; absent for a refusal in a call without an organization.
    pub organization: Option<String>,
    /// Who acted. The host itself for what a test or scenario does to the world.
    pub actor: Principal,
    /// The call that it belongs to; empty for what is done to the world from outside.
    pub request_id: String,
    /// A stable word: `invitation.created`, `.approved`, `.renewed`, `.claimed`, `.taken-over`,
    /// `.accepted`, `.declined`, `.revoked`, `.expired`, `.failed`, `.purged`; `item.refused` for one
    /// item of a request; `refused` for a whole call; `member.added`, `grant.added`, `member.closed`;
    /// and `world.*` for what was done to the world from outside.
    pub event: String,
    /// The export that was refused, or the one that made the change.
    pub operation: String,
    /// The invitation, where there is one and the actor may know it.
    pub invitation: Option<String>,
    /// Why, or what exactly.
    pub reason: Option<String>,
}

impl Realm {
    /// An event of a running call.
    pub(super) fn note(
        &mut self,
        call: &Call,
        organization: Option<&str>,
        event: &str,
        invitation: Option<&str>,
        reason: Option<String>,
    ) {
        self.audit.push(AuditEvent {
            at: self.clock.store(),
            organization: organization.map(str::to_owned),
            actor: call.context.caller.clone(),
            request_id: call.context.request_id.clone(),
            event: event.to_owned(),
            operation: call.operation.name().to_owned(),
            invitation: invitation.map(str::to_owned),
            reason,
        });
    }

    /// The event of a row that was changed from state `from` to what it is now.
    pub(super) fn note_change(&mut self, call: &Call, from: State, row: &StoredInvitation) {
        let row = &row.invitation;
        let event = lifecycle::event(from, row.state);
        self.note(call, Some(&row.key.organization), event, Some(&row.key.id), row.reason.clone());
    }

    /// An event from outside of any call.
    pub(super) fn note_world(&mut self, organization: &str, event: &str, what: String) {
        self.audit.push(AuditEvent {
            at: self.clock.store(),
            organization: Some(organization.to_owned()),
            actor: Principal::System,
            request_id: String::new(),
            event: format!("world.{event}"),
            operation: String::new(),
            invitation: None,
            reason: Some(what),
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
            self.note(call, organization, "refused", refusal.invitation.as_deref(), Some(refusal.reason));
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
