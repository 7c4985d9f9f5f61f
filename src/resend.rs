//! Sending again: a new code, and every older one is dead.

use crate::{
    Capabilities,
    accept::remaining_lease,
    code::Code,
    contract::{
        exports::invitations::{Excess, Invited, Refusal},
        imports::{
            audit,
            notifications::{Message, Recipient},
            settings::Values,
            storage::CodeChange,
            types::{
                Context, HostError, Invitation, MailState, MessageKind, Notify, Permissions, State, Subject,
            },
        },
    },
    entropy::Entropy,
    invite, list,
    mail::{self, Letters},
    moving::{MAIL_HOLD, RETRIES, Unmoved, change, shift},
    refusals::{Refused, audited, permitted},
    request, standing,
    state::Move,
};

/// The export, as the audit trail calls it.
const OPERATION: &str = "invitations.resend";

/// Host calls after which the rest is put off: hosts bound the calls of one run.
const BUDGET: u32 = 230;

/// Host calls that inviting anew takes, when nothing fails.
const ANEW: u32 = 10;

/// Host calls that the messages of one template take.
const POST: u32 = 2;

/// `invitations.resend`
///
/// # Errors
/// What is wrong with the request as a whole; then nothing was changed.
pub fn resend(
    host: &impl Capabilities,
    context: &Context,
    ids: &[String],
) -> Result<Vec<Result<Invited, Refusal>>, Refusal> {
    audited(host, context, OPERATION, None, try_resend(host, context, ids))
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
    if ids.iter().enumerate().any(|(index, id)| ids.iter().take(index).any(|earlier| earlier == id)) {
        return Err(Refusal::Invalid("`ids` names one invitation twice".into()));
    }
    let settings = host.settings(organization)?;
    standing::must_be_active(host, organization)?;
    let entropy = Entropy::draw(host, context.now, ids.len(), ids.len())?;
    let letters = Letters::new();
    let seen = Vec::new();
    let mut round =
        Round { host, context, organization, settings: &settings, entropy, letters, seen, spent: 4 };
    let mut answers: Vec<_> = ids.iter().enumerate().map(|(index, id)| round.send_again(index, id)).collect();
    round.post(&mut answers);
    let refusal = |(id, answer): (&String, &Result<Invited, Refusal>)| {
        let reason = answer.as_ref().err()?.word()?.to_owned();
        let invitation = Some(id.clone()).filter(|id| round.seen.contains(id));
        Some(audit::Refusal { operation: OPERATION.to_owned(), invitation, reason })
    };
    let refusals: Vec<_> = ids.iter().zip(&answers).filter_map(refusal).collect();
    if !refusals.is_empty() {
        // A failure of the audit trail does not turn a refusal into anything else.
        let _ = host.record_refusals(Some(organization), &refusals);
    }
    Ok(answers)
}

/// One run over the invitations of a request. All are changed first, then the mails go out together: a
/// hundred cost little more than two host calls each.
struct Round<'a, H> {
    host: &'a H,
    context: &'a Context,
    organization: &'a str,
    settings: &'a Values,
    entropy: Entropy,
    /// Each with the index of its answer.
    letters: Letters<usize>,
    /// The invitations that were read: until then an id is no more than what the caller says.
    seen: Vec<String>,
    /// Host calls so far and those that are still to come for what was written, roughly.
    spent: u32,
}

impl<H: Capabilities> Round<'_, H> {
    /// What would take more host calls than one run has is left as it is, and may be tried again.
    fn afford(&mut self, calls: u32) -> Result<(), Refusal> {
        if self.spent.saturating_add(calls) > BUDGET {
            return Err(Refusal::Host(HostError::Unavailable(None)));
        }
        self.spent += calls;
        Ok(())
    }

    fn send_again(&mut self, index: usize, id: &str) -> Result<Invited, Refusal> {
        self.afford(1)?;
        let mut row = list::of(self.host, self.organization, id)?;
        self.seen.push(id.to_owned());
        let (operation, code) = (self.entropy.id()?, self.entropy.code()?);
        for _ in 0..RETRIES {
            match row.state {
                State::Pending if row.resends >= self.settings.resend_limit => {
                    return Err(Refusal::ResendLimit(self.settings.resend_limit));
                }
                State::Pending => {}
                State::Accepting => {
                    let lease = self.settings.lease;
                    return Err(Refusal::InProgress(remaining_lease(self.context, &row, lease)));
                }
                State::Expired => {
                    self.afford(ANEW)?;
                    return invite::anew(self.host, self.context, &row, self.settings);
                }
                state => return Err(Refusal::WrongState(state)),
            }
            self.afford(1)?;
            let mut change = change(Move::Resend, &operation);
            change.code = CodeChange::Replace(code.digest());
            change.count_resend = true;
            if row.notify == Notify::Internal {
                change.messages = vec![MessageKind::Invitation];
                change.hold = MAIL_HOLD;
            }
            match shift(self.host, &row, Move::Resend, &change) {
                Ok(now) => return Ok(self.renewed(index, now, &code)),
                Err(Unmoved::Lost(now)) => row = *now,
                Err(unmoved) => return Err(unmoved.into()),
            }
        }
        Err(Refusal::Conflict)
    }

    /// The answer for a new code, and its mail where one is wanted.
    fn renewed(&mut self, index: usize, row: Invitation, code: &Code) -> Invited {
        let mut invited = answer(&row, code);
        if row.notify == Notify::Internal
            && let Some(message) = message(&row, code)
        {
            invited.mail = MailState::Queued;
            if self.letters.add(row.template, message, index) {
                self.spent += POST;
            }
        }
        invited
    }

    fn post(&mut self, answers: &mut [Result<Invited, Refusal>]) {
        for (template, letters) in self.letters.take() {
            let (messages, indexes): (Vec<_>, Vec<_>) = letters.into_iter().unzip();
            let retry = self.settings.mail_retry;
            let outcomes = mail::deliver(self.host, self.organization, template.as_deref(), &messages, retry);
            for (index, outcome) in indexes.into_iter().zip(&outcomes) {
                if let Some(Ok(invited)) = answers.get_mut(index) {
                    invited.mail = mail::state(outcome);
                }
            }
        }
    }
}

/// Brings a code that was just stored to the invitee, or to the caller where that is his part.
pub fn hand_over(host: &impl Capabilities, row: &Invitation, code: &Code, retry: u64) -> Invited {
    let message = message(row, code).filter(|_| row.notify == Notify::Internal);
    let outcomes =
        mail::deliver(host, &row.key.organization, row.template.as_deref(), message.as_slice(), retry);
    Invited { mail: outcomes.first().map_or(MailState::None, mail::state), ..answer(row, code) }
}

/// The answer for a code that was just stored, before any mail.
fn answer(row: &Invitation, code: &Code) -> Invited {
    Invited {
        id: row.key.id.clone(),
        state: State::Pending,
        expires_at: row.expires_at,
        withheld: Vec::new(),
        mail: MailState::None,
        code: (row.notify == Notify::External).then(|| code.reveal()),
        existed: false,
    }
}

/// The mail with the code of this invitation.
#[must_use]
pub fn message(row: &Invitation, code: &Code) -> Option<Message> {
    let Subject::User(to) = &row.subject else { return None };
    Some(Message {
        invitation: row.key.id.clone(),
        version: row.version,
        kind: MessageKind::Invitation,
        to: Recipient::User(to.clone()),
        inviter: row.inviter.clone(),
        code: Some(code.reveal()),
        expires_at: row.expires_at,
    })
}
