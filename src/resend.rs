//! Sending again: a new code, and the older ones until it has arrived.

use crate::{
    Capabilities,
    code::Code,
    contract::{
        exports::invitations::{Excess, Invited, ItemRefusal, Refusal},
        imports::{
            settings::Values,
            storage::CodeChange,
            types::{
                Context, HostError, Invitation, MailState, MessageKind, Notify, Obstacle, Permissions, State,
            },
        },
    },
    eligibility::{self, Terms},
    entropy::Entropy,
    invite,
    known::Known,
    mail::{self, Letters},
    managed,
    refusals::{About, Refused, audited, permitted, record},
    request,
    resolve_handle::is_subject,
    settings,
    state::Move,
    transition::{MAIL_HOLD, RETRIES, Unmoved, change, remaining_lease, shift},
};

/// The export, as the audit trail calls it.
const OPERATION: &str = "invitations.resend";

/// Host calls after which the rest is put off: hosts bound the calls of one run.
const BUDGET: u32 = 460;

/// Host calls that inviting anew takes, when nothing fails.
const ANEW: u32 = 10;

/// Host calls that checking and changing one takes, when nothing of it is known yet and nothing fails.
const CHECK: u32 = 8;

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
    audited(host, context, OPERATION, &About::default(), try_resend(host, context, ids))
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
    let settings = settings::of(host, organization)?;
    let mut known = Known::default();
    if known.active(host, organization)?.is_none() {
        return Err(Refusal::OrganizationNotActive);
    }
    let entropy = Entropy::draw(host, context.now, ids.len(), ids.len())?;
    let rows: Vec<_> = ids.iter().map(|id| managed::of(host, organization, id)).collect();
    let abouts: Vec<_> = rows.iter().map(|row| row.as_ref().map(About::row).unwrap_or_default()).collect();
    let pending = rows.iter().flatten().filter(|row| row.state == State::Pending);
    known.prefetch(host, organization, &pending.collect::<Vec<_>>());
    let letters = Letters::new();
    let mut round = Round {
        host,
        context,
        organization,
        settings: &settings,
        entropy,
        letters,
        known,
        recorded: Vec::new(),
        spent: 4 + actual,
    };
    let mut answers: Vec<_> = rows
        .into_iter()
        .enumerate()
        .map(|(index, row)| row.and_then(|row| round.send_again(index, row)))
        .collect();
    round.post(&mut answers);
    let refusals: Vec<_> = abouts
        .iter()
        .zip(&answers)
        .enumerate()
        .filter(|(index, _)| !round.recorded.contains(index))
        .filter_map(|(_, (about, answer))| Some(about.event(OPERATION, answer.as_ref().err()?.word()?)))
        .collect();
    record(host, context, &About::default(), &refusals);
    Ok(answers)
}

/// One run over the invitations of a request. All are changed first, then the mails go out together: a
/// hundred cost little more than three host calls each.
struct Round<'a, H> {
    host: &'a H,
    context: &'a Context,
    organization: &'a str,
    settings: &'a Values,
    entropy: Entropy,
    /// Each with the index of its answer.
    letters: Letters<usize>,
    /// Answers that the checks have found out.
    known: Known,
    /// Indexes of the refusals that the batch of an invite has its event of.
    recorded: Vec<usize>,
    /// Host calls so far and those that are still to come for what was written, roughly; those of the checks
    /// are counted there.
    spent: u32,
}

/// The one who sends an invitation again: its inviter's work goes on, or somebody takes it over.
enum As {
    /// Its inviter answers for it, as before.
    Inviter,
    /// The caller does from now on.
    Caller,
}

impl<H: Capabilities> Round<'_, H> {
    /// Refuses what would take more host calls than one run has: it is left as it is, and may be tried again.
    fn afford(&mut self, calls: u32) -> Result<(), Refusal> {
        if self.spent.saturating_add(self.known.spent).saturating_add(calls) > BUDGET {
            return Err(Refusal::Host(HostError::Unavailable(None)));
        }
        Ok(())
    }

    fn send_again(&mut self, index: usize, mut row: Invitation) -> Result<Invited, Refusal> {
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
                    self.spent += ANEW;
                    let answer = invite::anew(self.host, self.context, &row, self.settings);
                    if matches!(&answer, Err(Refusal::NotInvitable(item)) if invite::is_final(item)) {
                        self.recorded.push(index);
                    }
                    return answer;
                }
                state => return Err(Refusal::WrongState(state)),
            }
            self.afford(CHECK)?;
            let by = self.may_be_sent(&row)?;
            self.spent += 1;
            let mut change = change(Move::Resend, &operation);
            change.count_resend = true;
            change.adopt = matches!(by, As::Caller);
            if row.notify == Notify::Internal {
                // The older code works until this mail has arrived.
                change.code = CodeChange::Add(code.digest());
                change.messages = vec![MessageKind::Invitation];
                change.hold = MAIL_HOLD;
            } else {
                change.code = CodeChange::Replace(code.digest());
            }
            match shift(self.host, &row, Move::Resend, &change) {
                Ok(now) => return Ok(self.renewed(index, now, &code)),
                Err(Unmoved::Lost(now)) => row = *now,
                Err(unmoved) => return Err(unmoved.into()),
            }
        }
        Err(Refusal::Conflict)
    }

    /// Asks what an accept would be asked, and answers for whom it is sent: what cannot be accepted is not.
    fn may_be_sent(&mut self, row: &Invitation) -> Result<As, Refusal> {
        if row.notify == Notify::External && !eligibility::may_see_code(self.context, self.settings) {
            return Err(Refusal::MayNotSeeCode);
        }
        let by = match self.check(&Terms::of(row)) {
            Err(Refusal::NotInvitable(ItemRefusal::Obstacle(Obstacle::InviterNotEntitled))) => {
                self.may_be_adopted(row)?;
                As::Caller
            }
            checked => checked.map(|()| As::Inviter)?,
        };
        if row.notify == Notify::Internal && !self.known.has_email(self.host, row)? {
            return Err(Refusal::NotInvitable(ItemRefusal::NoEmail));
        }
        Ok(by)
    }

    fn check(&mut self, terms: &Terms<'_>) -> Result<(), Refusal> {
        eligibility::sendable(eligibility::check_with(self.host, &mut self.known, terms, self.settings))
    }

    /// The inviter is gone. The caller may answer for it from now on, if they could invite the same person
    /// to the same things; what would need an approval never goes back to it.
    fn may_be_adopted(&mut self, row: &Invitation) -> Result<(), Refusal> {
        let caller = &self.context.caller;
        if !self.context.permissions.contains(Permissions::INVITE) {
            return Err(Refusal::NotInvitable(ItemRefusal::Obstacle(Obstacle::InviterNotEntitled)));
        }
        if is_subject(caller, &row.subject) || row.approver.as_ref() == Some(caller) {
            return Err(Refusal::OwnInvitation);
        }
        if row.grants.iter().any(|grant| eligibility::is_privileged(self.settings, grant)) {
            return Err(Refusal::NotInvitable(ItemRefusal::NeedsApproval));
        }
        self.check(&Terms { row, inviter: caller, approved: false })?;
        self.known.spent += 2;
        invite::would_be_allowed(self.host, self.context, row)
    }

    /// The answer for a new code, and its mail where one is wanted.
    fn renewed(&mut self, index: usize, row: Invitation, code: &Code) -> Invited {
        let mut invited = mail::answer(&row, Some(code));
        if row.notify == Notify::Internal
            && let Some(message) = mail::message(&row, code)
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
            let (letters, indexes): (Vec<_>, Vec<_>) =
                letters.into_iter().map(|(message, index)| ((message, 0), index)).unzip();
            let outcomes =
                mail::deliver(self.host, self.organization, template.as_deref(), &letters, self.settings);
            for (index, outcome) in indexes.into_iter().zip(&outcomes) {
                if let Some(Ok(invited)) = answers.get_mut(index) {
                    invited.mail = mail::state(outcome);
                }
            }
        }
    }
}
