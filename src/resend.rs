//! Sending again: a new code, and every older one is dead.

use crate::{
    Capabilities,
    accept::remaining_lease,
    code::Code,
    contract::{
        exports::invitations::{Excess, Invited, Refusal},
        imports::{
            notifications::{Message, Recipient},
            settings::Values,
            storage::CodeChange,
            types::{Context, Invitation, MailState, MessageKind, Notify, Permissions, State, Subject},
        },
    },
    entropy::{Entropy, is_id},
    invite, list, mail,
    moving::{MAIL_HOLD, RETRIES, Unmoved, change, shift},
    refusals::{audited, permitted},
    request, standing,
    state::Move,
};

/// `invitations.resend`
///
/// # Errors
/// What is wrong with the request as a whole; then nothing was changed.
pub fn resend(
    host: &impl Capabilities,
    context: &Context,
    ids: &[String],
) -> Result<Vec<Result<Invited, Refusal>>, Refusal> {
    audited(host, context, "invitations.resend", None, try_resend(host, context, ids))
}

fn try_resend(
    host: &impl Capabilities,
    context: &Context,
    ids: &[String],
) -> Result<Vec<Result<Invited, Refusal>>, Refusal> {
    let organization = permitted(context, Permissions::RESEND)?;
    let actual = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    if ids.is_empty() {
        return Err(Refusal::Invalid("`ids` is empty: name at least one invitation".into()));
    }
    if actual > request::USERS {
        return Err(Refusal::TooMany(Excess { what: "ids".into(), limit: request::USERS, actual }));
    }
    let settings = host.settings(organization)?;
    standing::must_be_active(host, organization)?;
    let one = |id: &String| {
        let answer = send_again(host, context, organization, id, &settings);
        audited(host, context, "invitations.resend", Some(id.as_str()).filter(|id| is_id(id)), answer)
    };
    Ok(ids.iter().map(one).collect())
}

fn send_again(
    host: &impl Capabilities,
    context: &Context,
    organization: &str,
    id: &str,
    settings: &Values,
) -> Result<Invited, Refusal> {
    let mut row = list::of(host, organization, id)?;
    let mut entropy = Entropy::draw(host, 1, 1)?;
    let (operation, code) = (entropy.id()?, entropy.code()?);
    for _ in 0..RETRIES {
        match row.state {
            State::Pending if row.resends >= settings.resend_limit => {
                return Err(Refusal::ResendLimit(settings.resend_limit));
            }
            State::Pending => {}
            State::Accepting => {
                return Err(Refusal::InProgress(remaining_lease(context, &row, settings.lease)));
            }
            State::Expired => {
                return invite::anew(host, context, &row, settings);
            }
            state => return Err(Refusal::WrongState(state)),
        }
        let mut change = change(Move::Resend, &operation);
        change.code = CodeChange::Replace(code.digest());
        change.count_resend = true;
        if row.notify == Notify::Internal {
            change.messages = vec![MessageKind::Invitation];
            change.hold = MAIL_HOLD;
        }
        match shift(host, &row, Move::Resend, &change) {
            Ok(now) => return Ok(hand_over(host, &now, &code, settings.mail_retry)),
            Err(Unmoved::Lost(now)) => row = *now,
            Err(unmoved) => return Err(unmoved.into()),
        }
    }
    Err(Refusal::Conflict)
}

/// Brings a code that was just stored to the invitee, or to the caller where that is his part.
pub fn hand_over(host: &impl Capabilities, row: &Invitation, code: &Code, retry: u64) -> Invited {
    let external = row.notify == Notify::External;
    let message = message(row, code).filter(|_| !external);
    let outcomes =
        mail::deliver(host, &row.key.organization, row.template.as_deref(), message.as_slice(), retry);
    Invited {
        id: row.key.id.clone(),
        state: State::Pending,
        expires_at: row.expires_at,
        withheld: Vec::new(),
        mail: outcomes.first().map_or(MailState::None, mail::state),
        code: external.then(|| code.reveal()),
        existed: false,
    }
}

/// The mail with the code of this invitation.
#[must_use]
pub fn message(row: &Invitation, code: &Code) -> Option<Message> {
    let Subject::User(to) = &row.subject else { return None };
    Some(Message {
        invitation: row.key.id.clone(),
        kind: MessageKind::Invitation,
        to: Recipient::User(to.clone()),
        inviter: row.inviter.clone(),
        code: Some(code.reveal()),
        expires_at: row.expires_at,
    })
}
