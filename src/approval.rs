//! Approving: an invitation that needs it becomes pending, or ends, by somebody else's word.

use crate::{
    Capabilities, answers,
    contract::{
        exports::invitations::{Invited, Refusal},
        imports::{
            storage::{CodeChange, LifetimeChange},
            types::{Context, Invitation, MessageKind, Notify, Permissions, State},
        },
    },
    eligibility::{self, Terms},
    entropy::Entropy,
    known::Known,
    mail, managed,
    resolve_handle::is_subject,
    revoke::{end, is_done},
    settings,
    state::Move,
    transition::{MAIL_HOLD, RETRIES, Unmoved, change, shift},
};

/// `invitations.approve`
///
/// # Errors
/// Why it was not approved; then nothing was changed.
pub fn approve(host: &impl Capabilities, context: &Context, id: &str) -> Result<Invited, Refusal> {
    managed::about(host, context, "invitations.approve", Permissions::APPROVE, id, None, |row| {
        try_approve(host, context, row)
    })
}

fn try_approve(host: &impl Capabilities, context: &Context, mut row: Invitation) -> Result<Invited, Refusal> {
    by_another(context, &row)?;
    answers::must_be_active(host, &row.key.organization)?;
    if row.state != State::AwaitingApproval {
        return Err(Refusal::WrongState(row.state));
    }
    let settings = settings::of(host, &row.key.organization)?;
    let mut entropy = Entropy::draw(host, context.now, 1, 1)?;
    let code = entropy.code()?;
    let mut change = change(Move::Approve, &entropy.id()?);
    change.code = CodeChange::Replace(code.digest());
    change.lifetime = LifetimeChange::Restart(row.lifetime);
    if row.notify == Notify::Internal {
        change.messages = vec![MessageKind::Invitation];
        change.hold = MAIL_HOLD;
    }
    for _ in 0..RETRIES {
        // What could not be accepted is not sent. Asked each time: it is about the row as it is now.
        let terms = Terms { row: &row, inviter: &row.inviter, approved: true };
        eligibility::sendable(eligibility::check_with(host, &mut Known::default(), &terms, &settings))?;
        match shift(host, &row, Move::Approve, &change) {
            Ok(now) => {
                // A pending invitation has a code, so one that nobody may see is forgotten here: somebody who may
                // sends it again.
                let is_shown =
                    now.notify == Notify::Internal || eligibility::may_see_code(context, &settings);
                return Ok(mail::hand_over(host, &now, Some(&code).filter(|_| is_shown), &settings));
            }
            Err(Unmoved::Lost(now)) if now.state == State::AwaitingApproval => row = *now,
            Err(Unmoved::Lost(now)) => return Err(Refusal::WrongState(now.state)),
            Err(unmoved) => return Err(unmoved.into()),
        }
    }
    Err(Refusal::Conflict)
}

/// `invitations.reject`
///
/// # Errors
/// Why it was not rejected; then nothing was changed.
pub fn reject(
    host: &impl Capabilities,
    context: &Context,
    id: &str,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    managed::about(host, context, "invitations.reject", Permissions::APPROVE, id, reason, |row| {
        by_another(context, &row)?;
        if is_done(Move::Reject, &row) {
            return Ok(());
        }
        let operation = Entropy::draw(host, context.now, 1, 0)?.id()?;
        let settings = host.settings(&row.key.organization)?;
        end(host, context, row, Move::Reject, &operation, reason, &settings).map(|_| ())
    })
}

/// Refuses whoever is the one who invited or the one who was invited.
fn by_another(context: &Context, row: &Invitation) -> Result<(), Refusal> {
    if row.inviter == context.caller || is_subject(&context.caller, &row.subject) {
        return Err(Refusal::OwnInvitation);
    }
    Ok(())
}
