//! Taking an ended invitation off the list. It stays in the history.

use crate::{
    Capabilities,
    contract::{
        exports::invitations::Refusal,
        imports::{
            settings::Notices,
            storage::StoreError,
            types::{Context, Invitation, MessageKind, Permissions, State},
        },
    },
    entropy::Entropy,
    managed,
    state::{Move, is_terminal},
    transition::{Unmoved, change, is_uncertain, notice, shift, understood},
};

/// `invitations.dismiss`
///
/// # Errors
/// `wrong-state` for one that is active, `not-found`, or the host failed; then nothing was changed.
pub fn dismiss(host: &impl Capabilities, context: &Context, id: &str) -> Result<(), Refusal> {
    managed::about(host, context, "invitations.dismiss", Permissions::REVOKE, id, None, |row| {
        if row.dismissed {
            return Ok(());
        }
        let row = if row.state == State::Expired && row.ended_at.is_none() {
            expired(host, context, row)?
        } else {
            row
        };
        if !is_terminal(row.state) {
            return Err(Refusal::WrongState(row.state));
        }
        let now = match host.dismiss(&row.key) {
            Err(StoreError::Host(error)) if is_uncertain(&error) => host.dismiss(&row.key),
            Err(StoreError::Other(_)) => host.dismiss(&row.key),
            answer => answer,
        };
        let now = understood(now?, &row.key)?;
        if now.dismissed { Ok(()) } else { Err(Refusal::WrongState(now.state)) }
    })
}

/// Its time has run out, and nobody has written that down yet.
fn expired(host: &impl Capabilities, context: &Context, row: Invitation) -> Result<Invitation, Refusal> {
    let settings = host.settings(&row.key.organization)?;
    let operation = Entropy::draw(host, context.now, 1, 0)?.id()?;
    let mut change = change(Move::Expire, &operation);
    change.messages = notice(&row, &settings, Notices::EXPIRED, MessageKind::Expired);
    match shift(host, &row, Move::Expire, &change) {
        Ok(now) => Ok(now),
        Err(Unmoved::Lost(now)) => Ok(*now),
        Err(unmoved) => Err(unmoved.into()),
    }
}
