//! Taking invitations back: one, or all of somebody who leaves.

use crate::{
    Capabilities,
    contract::{
        exports::invitations::{Owner, Refusal, RevokedAll},
        imports::{
            settings::{Notices, Values},
            types::{
                Context, Invitation, InvitationFilter, MessageKind, PageRequest, Permissions, SortKey, State,
            },
        },
    },
    entropy::Entropy,
    managed,
    refusals::{About, audited, permitted},
    request,
    state::Move,
    transition::{RETRIES, Unmoved, change, notice, readable, remaining_lease, shift},
};

/// Most invitations that one `revoke-all` looks at.
const AT_ONCE: u32 = 100;

/// `invitations.revoke`
///
/// # Errors
/// Why it was not revoked; then nothing was changed.
pub fn revoke(
    host: &impl Capabilities,
    context: &Context,
    id: &str,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    managed::about(host, context, "invitations.revoke", Permissions::REVOKE, id, reason, |row| {
        if is_done(Move::Revoke, &row) {
            return Ok(());
        }
        let operation = Entropy::draw(host, context.now, 1, 0)?.id()?;
        // Not judged: whatever they say, what was given out can be taken back.
        let settings = host.settings(&row.key.organization)?;
        end(host, context, row, Move::Revoke, &operation, reason, &settings).map(|_| ())
    })
}

/// Tells whether somebody has done it before, perhaps while this was asked: doing it again is a success.
#[must_use]
pub fn is_done(by: Move, row: &Invitation) -> bool {
    row.state == State::Revoked
        && match by {
            Move::Revoke => true,
            Move::Reject => row.approver.is_none(),
            _ => false,
        }
}

/// Ends an invitation by one move, as often as somebody else changes it meanwhile. Answers whether it was
/// this that ended it: somebody else may have done the same.
///
/// # Errors
/// `in-progress`, `wrong-state`, `conflict`, or the host failed.
pub fn end(
    host: &impl Capabilities,
    context: &Context,
    mut row: Invitation,
    by: Move,
    operation: &str,
    reason: Option<&str>,
    settings: &Values,
) -> Result<bool, Refusal> {
    for _ in 0..RETRIES {
        match row.state {
            State::Accepting => {
                return Err(Refusal::InProgress(remaining_lease(context, &row, settings.lease)));
            }
            _ if is_done(by, &row) => return Ok(false),
            state if !by.from().contains(&state) => return Err(Refusal::WrongState(state)),
            _ => {}
        }
        let mut change = change(by, operation);
        change.reason = reason.map(str::to_owned);
        if row.inviter != context.caller {
            change.messages = notice(&row, settings, Notices::REVOKED, MessageKind::Revoked);
        }
        match shift(host, &row, by, &change) {
            Ok(_) => return Ok(true),
            Err(Unmoved::Lost(now)) => row = *now,
            Err(unmoved) => return Err(unmoved.into()),
        }
    }
    Err(Refusal::Conflict)
}

/// `invitations.revoke-all`
///
/// # Errors
/// Not permitted, malformed, or the host could not list them.
pub fn revoke_all(
    host: &impl Capabilities,
    context: &Context,
    whose: &Owner,
    reason: Option<&str>,
) -> Result<RevokedAll, Refusal> {
    let answer = try_revoke_all(host, context, whose, reason);
    audited(host, context, "invitations.revoke-all", &About::default(), answer)
}

fn try_revoke_all(
    host: &impl Capabilities,
    context: &Context,
    whose: &Owner,
    reason: Option<&str>,
) -> Result<RevokedAll, Refusal> {
    let organization = permitted(context, Permissions::REVOKE)?;
    request::reason(reason).map_err(Refusal::Invalid)?;
    let (inviter, invitee) = match whose {
        Owner::Inviter(inviter) => (Some(inviter.clone()), None),
        Owner::Invitee(invitee) => (None, Some(invitee.clone())),
    };
    let settings = host.settings(organization)?;
    let mut filter = InvitationFilter {
        states: vec![State::Accepting],
        grant: None,
        inviter,
        invitee,
        name_prefix: None,
        dismissed: None,
    };
    let page = PageRequest { sort: SortKey::CreatedAt, descending: false, after: None, limit: AT_ONCE };
    // Asked for by themselves: they stay until their accept has ended, and would fill every page.
    let accepting = host.list(organization, &filter, &page)?.items;
    filter.states = vec![State::AwaitingApproval, State::Pending];
    let found = host.list(organization, &filter, &page)?;
    let operation = Entropy::draw(host, context.now, 1, 0)?.id()?;
    let mut all = RevokedAll {
        revoked: Vec::new(),
        in_progress: Vec::new(),
        failed: Vec::new(),
        more: found.next.is_some() || found.items.len() > AT_ONCE as usize,
    };
    let of_it = |row: &Invitation| row.key.organization == organization;
    all.in_progress.extend(accepting.into_iter().filter(of_it).map(|row| row.key.id));
    let rows = found.items.into_iter().take(AT_ONCE as usize);
    for row in rows.filter(of_it) {
        let id = row.key.id.clone();
        let readable = readable(row).map_err(Refusal::Host);
        let ended =
            readable.and_then(|row| end(host, context, row, Move::Revoke, &operation, reason, &settings));
        match ended {
            Ok(true) => all.revoked.push(id),
            Err(Refusal::InProgress(_)) if all.in_progress.contains(&id) => {}
            Err(Refusal::InProgress(_)) => all.in_progress.push(id),
            // It ended by itself meanwhile: there is nothing left to revoke.
            Ok(false) | Err(Refusal::WrongState(_) | Refusal::NotFound) => {}
            Err(_) => all.failed.push(id),
        }
    }
    // The next call would meet the same hundred again.
    all.more &= all.failed.len() < AT_ONCE as usize;
    all.in_progress.truncate(AT_ONCE as usize);
    Ok(all)
}
