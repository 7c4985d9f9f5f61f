//! Upkeep of one organization: what was interrupted is finished, what is due is sent, what is over is
//! marked, what is old is deleted.
//!
//! Any number of processes may sweep at once: the store hands each due item to one of them for a time,
//! and every change is guarded as everywhere else. An item that fails stays due and is met again.

use crate::{
    Capabilities,
    accept::{Carried, carry_through, claim, close},
    contract::{
        exports::maintenance::{SweepRefusal, Swept},
        imports::{
            audit::Word,
            notifications::{Message, Recipient},
            settings::{Notices, Values},
            storage::{CodeChange, Delivery, DeliveryOutcome, DueItem, DueKind},
            types::{AcceptWith, Context, HostError, Invitation, MessageKind, Principal, State, Subject},
        },
    },
    eligibility::{self, Blocked, Terms},
    entropy::Entropy,
    known::Known,
    mail::{self, Letters},
    refusals::{About, audited},
    request, settings,
    state::Move,
    transition::{MAIL_HOLD, SCHEMA, Unmoved, change, notice, shift},
};

/// `maintenance.sweep`
///
/// # Errors
/// Not the host itself, malformed, or nothing could be looked up.
pub fn sweep(host: &impl Capabilities, context: &Context, limit: u32) -> Result<Swept, SweepRefusal> {
    audited(host, context, "maintenance.sweep", &About::default(), try_sweep(host, context, limit))
}

fn try_sweep(host: &impl Capabilities, context: &Context, limit: u32) -> Result<Swept, SweepRefusal> {
    let (Principal::System, Some(organization)) = (&context.caller, &context.organization) else {
        return Err(SweepRefusal::NotPermitted);
    };
    request::limit(limit).map_err(SweepRefusal::Invalid)?;
    let settings = settings::of(host, organization)?;
    let mut round = Round {
        host,
        now: context.now,
        organization,
        settings: &settings,
        swept: Swept { finished: 0, sent: 0, expired: 0, purged: 0, failed: 0, more: false },
        letters: Letters::new(),
        spent: 0,
        known: Known::default(),
    };
    let worked = round.work(limit);
    // What was written is sent even if looking for more failed: its code counts already.
    round.post();
    worked?;
    match host.purge(organization, settings.retention.max(REMEMBERED), limit) {
        Ok(purged) => round.swept.purged = purged,
        Err(_) => round.swept.failed += 1,
    }
    round.swept.more |= round.swept.purged >= limit;
    Ok(round.swept)
}

/// The time for which a client may repeat a request and gets the same invitations: so long they have to be
/// there.
const REMEMBERED: u64 = 24 * 60 * 60 * 1000;

/// Host calls after which a sweep asks for no more work: hosts bound the calls of one run.
const BUDGET: u32 = 320;

/// Host calls that going on with one interrupted accept takes, when nothing fails.
const TAKE_OVER: u32 = 13;

/// The time for which due work is hidden from other sweeps: the lease, within reason. An item that came back
/// within this very run would be mailed again, one that came back after days would look lost.
fn hold(settings: &Values) -> u64 {
    settings.lease.clamp(MAIL_HOLD / 6, MAIL_HOLD)
}

/// Host calls that the messages of one template take.
const POST: u32 = 2;

/// The message that is to be sent for a due item.
fn kind_of(item: &DueItem) -> MessageKind {
    match item.kind {
        DueKind::Reminder => MessageKind::Reminder,
        _ => item.message.clone().unwrap_or(MessageKind::Other(String::new())),
    }
}

/// The invitee is to do something: that is asked of nobody who could not.
const fn is_for_invitee(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::Invitation | MessageKind::Reminder)
}

/// One run over what is due.
struct Round<'a, H> {
    host: &'a H,
    now: u64,
    organization: &'a str,
    settings: &'a Values,
    swept: Swept,
    /// Each with the number of tries before.
    letters: Letters<u32>,
    /// Host calls so far, roughly.
    spent: u32,
    /// Answers that the checks of mails have found out; their host calls are counted there.
    known: Known,
}

impl<H: Capabilities> Round<'_, H> {
    /// Handles due items, a batch at a time: a batch is no larger than what can be finished even if
    /// all of it are interrupted accepts, because what was handed out is hidden from others.
    fn work(&mut self, limit: u32) -> Result<(), HostError> {
        let mut handled = 0;
        while handled < limit && self.spent() < BUDGET {
            let batch = (limit - handled).min((BUDGET - self.spent()).div_ceil(TAKE_OVER));
            let mut due = self.host.due(self.organization, batch, hold(self.settings))?;
            self.spent += 2;
            let is_last = due.len() < batch as usize;
            // Handed out without having been asked for: it comes again.
            due.truncate(batch as usize);
            handled += batch;
            if !due.is_empty() {
                self.batch(due)?;
            }
            if is_last {
                return Ok(());
            }
        }
        self.swept.more = true;
        Ok(())
    }

    fn spent(&self) -> u32 {
        self.spent.saturating_add(self.known.spent)
    }

    fn batch(&mut self, due: Vec<DueItem>) -> Result<(), HostError> {
        let is_code = |item: &&DueItem| item.message == Some(MessageKind::Invitation);
        let mut entropy = Entropy::draw(self.host, self.now, 1, due.iter().filter(is_code).count())?;
        let batch = entropy.id()?;
        let written = due.iter().filter(|item| is_for_invitee(&kind_of(item)));
        self.known.prefetch(self.host, self.organization, &written.map(|item| &item.row).collect::<Vec<_>>());
        for (index, item) in due.into_iter().enumerate() {
            let operation = format!("{batch}/{index}");
            self.spent += if item.kind == DueKind::Lease { TAKE_OVER } else { 1 };
            // A row of another organization or of a newer plugin is not ours to touch.
            if item.row.key.organization != self.organization || item.row.schema > SCHEMA {
                self.swept.failed += 1;
                continue;
            }
            let done = match item.kind {
                DueKind::Lease => self.take_over(&item.row, &operation),
                DueKind::Expiry => self.expire(&item.row, &operation),
                DueKind::Mail | DueKind::Reminder => self.write(item, &operation, &mut entropy),
            };
            if done.is_err() {
                self.swept.failed += 1;
            }
        }
        Ok(())
    }

    /// Goes on with an accept that was interrupted, or ends it when that was tried often enough.
    fn take_over(&mut self, row: &Invitation, operation: &str) -> Result<(), Unmoved> {
        // Silence uses up no take-over: nothing is wrong with the invitation.
        if let Some(after) = self.waits_for_policy(row) {
            return Err(HostError::Unavailable(after).into());
        }
        let claimed = match claim(self.host, row, Move::TakeOver, operation, self.settings) {
            Err(Unmoved::Lost(_) | Unmoved::Gone) => return Ok(()),
            claimed => claimed?,
        };
        let take_overs = claimed.claims.saturating_sub(1);
        let carried = if take_overs > self.settings.takeovers_max {
            close(self.host, &claimed, self.settings, operation, Word::GivenUp)?
        } else {
            // Who claimed it is not known any more; only the invitee could, unless the code alone was enough.
            let by_invitee = claimed.accept_with != AcceptWith::Code;
            carry_through(self.host, &claimed, self.settings, operation, by_invitee)?
        };
        if !matches!(carried, Carried::Elsewhere(_)) {
            self.swept.finished += 1;
        }
        Ok(())
    }

    /// Tells whether nothing is wrong with it, but that its policy is silent: then it waits until its own
    /// end, and for ever if it has none. Answers when to ask again.
    fn waits_for_policy(&mut self, row: &Invitation) -> Option<Option<u64>> {
        if row.expires_at.is_some_and(|end| end <= self.now) {
            return None;
        }
        match eligibility::check_with(self.host, &mut self.known, &Terms::of(row), self.settings) {
            Err(Blocked::NoVerdict(after)) => Some(after),
            _ => None,
        }
    }

    fn expire(&mut self, row: &Invitation, operation: &str) -> Result<(), Unmoved> {
        let mut change = change(Move::Expire, operation);
        change.messages = notice(row, self.settings, Notices::EXPIRED, MessageKind::Expired);
        match shift(self.host, row, Move::Expire, &change) {
            Ok(_) => self.swept.expired += 1,
            Err(Unmoved::Lost(_) | Unmoved::Gone) => {}
            Err(unmoved) => return Err(unmoved),
        }
        Ok(())
    }

    /// Prepares a message; [`Self::post`] sends it.
    fn write(&mut self, item: DueItem, operation: &str, entropy: &mut Entropy) -> Result<(), Unmoved> {
        let kind = kind_of(&item);
        let row = item.row;
        let code = if kind == MessageKind::Invitation { Some(entropy.code()?) } else { None };
        if is_for_invitee(&kind) {
            if item.tries >= self.settings.mail_tries || row.state != State::Pending {
                return Ok(self.settle(&row, kind, DeliveryOutcome::Undeliverable("given up".into()))?);
            }
            if !self.may_be_sent(&row)? {
                let later = DeliveryOutcome::Postponed(mail::backoff(self.settings.mail_retry, 0));
                return Ok(self.settle(&row, kind, later)?);
            }
        }
        let message = match (kind, code) {
            (_, Some(code)) => {
                // A mail of an earlier try may have arrived after all: its code goes on working.
                let mut change = change(Move::Resend, operation);
                change.code = CodeChange::Add(code.digest());
                match shift(self.host, &row, Move::Resend, &change) {
                    Ok(now) => mail::message(&now, &code),
                    Err(Unmoved::Lost(_) | Unmoved::Gone) => return Ok(()),
                    Err(unmoved) => return Err(unmoved),
                }
            }
            (kind, None) => self.notice(&row, kind)?,
        };
        if let Some(message) = message
            && self.letters.add(row.template, message, item.tries)
        {
            self.spent += POST;
        }
        Ok(())
    }

    /// Tells whether it could be accepted now: what could not waits until the obstacle is gone, or it has
    /// ended.
    fn may_be_sent(&mut self, row: &Invitation) -> Result<bool, HostError> {
        match eligibility::check_with(self.host, &mut self.known, &Terms::of(row), self.settings) {
            Ok(_) => Ok(true),
            Err(Blocked::By(_) | Blocked::NoVerdict(_)) => Ok(false),
            Err(Blocked::Failed(error)) => Err(error),
        }
    }

    /// A message without a code: written down as on its way first, so that nobody gets it twice.
    fn notice(&self, row: &Invitation, kind: MessageKind) -> Result<Option<Message>, HostError> {
        let to = match (&kind, &row.subject, &row.inviter) {
            (MessageKind::Reminder, Subject::User(user), _) => Some(Recipient::User(user.clone())),
            (
                MessageKind::Expired
                | MessageKind::Accepted
                | MessageKind::Declined
                | MessageKind::Failed
                | MessageKind::Revoked,
                _,
                Principal::User(user),
            ) => Some(Recipient::User(user.clone())),
            (MessageKind::ApprovalRequested, ..) => Some(Recipient::Approvers),
            _ => None,
        };
        let outcome = match to {
            Some(_) => DeliveryOutcome::Sending,
            None => DeliveryOutcome::Undeliverable("there is nobody to send it to".into()),
        };
        self.settle(row, kind.clone(), outcome)?;
        let for_invitee = is_for_invitee(&kind);
        Ok(to.map(|to| Message {
            invitation: row.key.id.clone(),
            version: row.version,
            kind,
            to,
            inviter: row.inviter.clone(),
            code: None,
            expires_at: row.expires_at,
            language: Some(&row).filter(|_| for_invitee).and_then(|row| row.language.clone()),
        }))
    }

    fn settle(&self, row: &Invitation, kind: MessageKind, outcome: DeliveryOutcome) -> Result<(), HostError> {
        let delivery = Delivery { invitation: row.key.id.clone(), version: row.version, kind, outcome };
        self.host.settle(self.organization, &[delivery])
    }

    fn post(&mut self) {
        for (template, letters) in self.letters.take() {
            for chunk in letters.chunks(request::USERS as usize) {
                let outcomes =
                    mail::deliver(self.host, self.organization, template.as_deref(), chunk, self.settings);
                for outcome in outcomes {
                    match outcome {
                        DeliveryOutcome::Delivered | DeliveryOutcome::Taken => self.swept.sent += 1,
                        _ => self.swept.failed += 1,
                    }
                }
            }
        }
    }
}
