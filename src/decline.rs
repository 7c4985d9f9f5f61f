//! Saying no.

use crate::{
    Capabilities,
    contract::{
        exports::invitee::{Handle, InviteeRefusal},
        imports::{
            settings::Notices,
            types::{Context, MessageKind, State},
        },
    },
    entropy::Entropy,
    refusals::{About, audited, ended},
    request,
    resolve_handle::resolve_handle,
    state::Move,
    transition::{RETRIES, Unmoved, change, notice, remaining_lease, shift},
};

/// `invitee.decline`
///
/// # Errors
/// Why it was not declined; then nothing was changed.
pub fn decline(
    host: &impl Capabilities,
    context: &Context,
    handle: &Handle,
    reason: Option<&str>,
) -> Result<(), InviteeRefusal> {
    let mut about = About::default();
    let answer = try_decline(host, context, handle, reason, &mut about);
    audited(host, context, "invitee.decline", &about, answer)
}

fn try_decline(
    host: &impl Capabilities,
    context: &Context,
    handle: &Handle,
    reason: Option<&str>,
    about: &mut About,
) -> Result<(), InviteeRefusal> {
    request::reason(reason).map_err(InviteeRefusal::Invalid)?;
    let mut operation = None;
    for _ in 0..RETRIES {
        let found = resolve_handle(host, context, handle)?;
        let row = found.row;
        *about = About::row(&row);
        match row.state {
            State::Pending => {}
            State::Accepting => {
                return Err(InviteeRefusal::InProgress(remaining_lease(context, &row, found.settings.lease)));
            }
            _ if !found.is_invitee => return Err(InviteeRefusal::NotUsable),
            State::Declined => return Ok(()),
            state => return Err(ended(state).map_or(InviteeRefusal::NotUsable, InviteeRefusal::Ended)),
        }
        let id = match &operation {
            Some(id) => id,
            None => operation.insert(Entropy::draw(host, context.now, 1, 0)?.id()?),
        };
        let mut change = change(Move::Decline, id);
        change.reason = reason.map(str::to_owned);
        change.messages = notice(&row, &found.settings, Notices::DECLINED, MessageKind::Declined);
        match shift(host, &row, Move::Decline, &change) {
            Ok(_) => return Ok(()),
            Err(Unmoved::Lost(_)) => {}
            Err(unmoved) => return Err(unmoved.into()),
        }
    }
    Err(InviteeRefusal::Conflict)
}
