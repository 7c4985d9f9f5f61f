//! Writing the audit trail.
//!
//! Events are written in the transaction of the change that they tell of, so there is neither without the
//! other. They never hold a code.

use guestlist_harness::{contract::types::Principal, host::Call};

use crate::{
    codec,
    error::Failure,
    many,
    sql::{Connection, Value},
};

/// Who acts, in which call.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// The principal, as JSON.
    pub(crate) who: String,
    pub(crate) request_id: String,
    /// The export; empty for what is done from outside of any call.
    pub(crate) operation: String,
}

/// Something that happened, or that was asked and refused.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Absent for a refusal in a call without an organization.
    pub(crate) organization: Option<String>,
    /// The principal, as JSON.
    pub(crate) actor: String,
    pub(crate) request_id: String,
    /// A stable word: see `guestlist_harness::memory::AuditEvent`.
    pub(crate) event: String,
    pub(crate) operation: String,
    pub(crate) invitation: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Actor {
    /// The caller.
    pub(crate) fn of(call: &Call) -> Result<Self, Failure> {
        Ok(Self {
            who: codec::principal(&call.context.caller)?,
            request_id: call.context.request_id.clone(),
            operation: call.operation.name().to_owned(),
        })
    }

    /// The host itself, outside of any call.
    pub(crate) fn host() -> Result<Self, Failure> {
        let who = codec::principal(&Principal::System)?;
        Ok(Self { who, request_id: String::new(), operation: String::new() })
    }

    /// What he did.
    pub(crate) fn event(
        &self,
        organization: Option<&str>,
        event: &str,
        invitation: Option<&str>,
        reason: Option<String>,
    ) -> Event {
        Event {
            organization: organization.map(str::to_owned),
            actor: self.who.clone(),
            request_id: self.request_id.clone(),
            event: event.to_owned(),
            operation: self.operation.clone(),
            invitation: invitation.map(str::to_owned),
            reason,
        }
    }
}

/// Appends events, in order, with the time of the transaction.
pub(crate) async fn note<C: Connection>(db: &mut C, events: &[Event]) -> Result<(), Failure> {
    let at = db.now();
    let row = |event: &Event| {
        [
            Value::from(at),
            Value::from(event.organization.clone()),
            Value::from(&event.actor),
            Value::from(&event.request_id),
            Value::from(&event.event),
            Value::from(&event.operation),
            Value::from(event.invitation.clone()),
            Value::from(event.reason.clone()),
        ]
    };
    let into = "audit (at, organization, actor, request_id, event, operation, invitation, reason)";
    many::insert(db, into, events.iter().map(row).collect(), "").await?;
    Ok(())
}
