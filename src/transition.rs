//! Moving an invitation from one state to the next.
//!
//! All use cases change an invitation through [`shift`]: it turns a [`Move`] into one guarded
//! statement of the store, and finds out what really happened when the answer to it was lost.

use crate::{
    Capabilities,
    contract::imports::{
        settings::{Notices, Values},
        storage::{Change, CodeChange, Guard, LifetimeChange, StoreError, Transitioned},
        types::{Context, HostError, Invitation, InvitationKey, MessageKind, Principal},
    },
    state::Move,
};

/// The newest shape of a row that this plugin understands.
pub const SCHEMA: u32 = 1;

/// The number of times that a use case looks again after somebody else was faster.
pub const RETRIES: usize = 3;

/// The time for which the host waits with an e-mail that the running call is about to send itself.
pub const MAIL_HOLD: u64 = 60_000;

/// The reason why an invitation did not move.
#[derive(Debug)]
pub enum Unmoved {
    /// The invitation is not as it was assumed to be; this is how it is.
    Lost(Box<Invitation>),
    /// The invitation does not exist.
    Gone,
    /// The host failed.
    Failed(HostError),
}

impl From<HostError> for Unmoved {
    fn from(error: HostError) -> Self {
        Self::Failed(error)
    }
}

/// The change that a move makes, to be filled in by its use case.
#[must_use]
pub fn change(by: Move, operation: &str) -> Change {
    Change {
        operation: operation.to_owned(),
        to: by.to(),
        lease: None,
        code: CodeChange::Keep,
        lifetime: LifetimeChange::Keep,
        reason: None,
        word: None,
        adopt: false,
        outcomes: None,
        count_resend: false,
        messages: Vec::new(),
        hold: 0,
    }
}

/// Makes one move of the invitation `row`, if it still is as `row` says.
///
/// # Errors
/// [`Unmoved`]. When it is `Failed` with `outcome-unknown` the move may have happened.
pub fn shift(
    host: &impl Capabilities,
    row: &Invitation,
    by: Move,
    change: &Change,
) -> Result<Invitation, Unmoved> {
    let guard = Guard { version: row.version, states: by.from().to_vec(), clock: by.clock() };
    let mut answer = host.transition(&row.key, &guard, change);
    if may_have_happened(&answer) {
        // The operation id is stored with the change, so reading tells; and because of the version in
        // the guard, asking once more cannot do it twice.
        answer = match host.get(&row.key) {
            Ok(now) if now.version == row.version => host.transition(&row.key, &guard, change),
            Ok(now) => Ok(Transitioned { applied: false, row: now }),
            Err(_) => answer,
        };
    }
    match answer {
        // Whether it is our change is told by the operation, also where an earlier try of it was applied.
        Ok(Transitioned { row: now, .. }) if is_answer_to(&now, row, change) => Ok(now),
        Ok(Transitioned { applied: false, row: now }) if now.key == row.key => {
            Err(readable(now).map_or_else(Unmoved::Failed, |now| Unmoved::Lost(Box::new(now))))
        }
        Ok(_) => Err(Unmoved::Failed(HostError::Other("the store answered with another change".into()))),
        Err(StoreError::NotFound) => Err(Unmoved::Gone),
        Err(error) => Err(Unmoved::Failed(failure(error))),
    }
}

/// A store that answers with another row, version or change is not believed.
fn is_answer_to(now: &Invitation, before: &Invitation, change: &Change) -> bool {
    now.key == before.key
        && before.version.checked_add(1) == Some(now.version)
        && now.last_operation == change.operation
        && now.state == change.to
        && now.subject == before.subject
}

fn may_have_happened<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(
        answer,
        Err(StoreError::Host(HostError::OutcomeUnknown | HostError::Other(_)) | StoreError::Other(_))
    )
}

/// The error that is left of a store's once the use case has handled the cases that mean something to it.
#[must_use]
pub fn failure(error: StoreError) -> HostError {
    match error {
        StoreError::Host(error) => error,
        StoreError::Other(text) => HostError::Other(text),
        StoreError::NotFound
        | StoreError::Exists(_)
        | StoreError::OverLimit(_)
        | StoreError::OperationReused
        | StoreError::InvalidCursor => HostError::Other("the store answered out of place".into()),
    }
}

/// Tells whether a failure leaves open if the effect took place. Repeating the same call is then right.
#[must_use]
pub fn is_uncertain(error: &HostError) -> bool {
    matches!(error, HostError::OutcomeUnknown | HostError::Other(_))
}

/// The time after which a failed host wants to be asked again.
#[must_use]
pub fn retry_after(error: &HostError) -> Option<u64> {
    match error {
        HostError::Unavailable(after) => *after,
        HostError::Throttled(after) => Some(*after),
        _ => None,
    }
}

/// Reads a row by its key, and believes the store only if it is that row and of a known shape.
///
/// # Errors
/// The store's own, and `invalid` for a row that a newer plugin has written.
pub fn read(host: &impl Capabilities, key: &InvitationKey) -> Result<Invitation, StoreError> {
    understood(host.get(key)?, key).map_err(StoreError::Host)
}

/// The row, if it is the one that was asked for and of a known shape.
///
/// # Errors
/// `other` for another row, `invalid` for one that a newer plugin has written.
pub fn understood(row: Invitation, key: &InvitationKey) -> Result<Invitation, HostError> {
    if row.key != *key {
        return Err(HostError::Other("the store answered with another invitation".into()));
    }
    readable(row)
}

/// The row, if it is of a known shape.
///
/// # Errors
/// `invalid` for one that a newer plugin has written.
pub fn readable(row: Invitation) -> Result<Invitation, HostError> {
    if row.schema > SCHEMA {
        return Err(HostError::Invalid(
            "the invitation was written by a newer version: update the plugin".into(),
        ));
    }
    Ok(row)
}

/// The time for which somebody else's claim holds: at least a second, so that nobody asks in a loop, and at
/// most a whole lease, although the host's clock may have gone back behind the store's.
#[must_use]
pub fn remaining_lease(context: &Context, row: &Invitation, lease: u64) -> u64 {
    row.lease_until.unwrap_or(0).saturating_sub(context.now).min(lease).max(1000)
}

/// The notice to the inviter that the organization wants, if the inviter is a person.
#[must_use]
pub fn notice(row: &Invitation, settings: &Values, wanted: Notices, kind: MessageKind) -> Vec<MessageKind> {
    let is_person = matches!(row.inviter, Principal::User(_));
    if is_person && settings.notices.contains(wanted) { vec![kind] } else { Vec::new() }
}
