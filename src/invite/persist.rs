//! Storing the invitations of one request in one commit, then sending their e-mails.

use crate::{
    Capabilities, answers,
    code::Code,
    contract::{
        exports::invitations::{Invited, ItemRefusal, Refusal},
        imports::{
            audit::{self, Word},
            notifications::{Message, Recipient},
            settings::{Notices, Values},
            storage::{Batch, Draft, Inserted, RefusedItem, StoreError},
            types::{
                Context, Grant, HostError, MailState, MessageKind, Notify, Property, State, Subject, UserRef,
            },
        },
    },
    entropy::Entropy,
    invite::{Answers, OPERATION, existing, policy_decision::Judged, put},
    mail,
    refusals::{About, Refused, item_to_text, record},
    request,
    transition::{MAIL_HOLD, failure, is_uncertain, retry_after},
};

/// The terms that all items of a request have in common.
pub struct Terms<'a> {
    /// The context: who asks, and when.
    pub context: &'a Context,
    /// The inviting organization.
    pub organization: &'a str,
    /// The organization where its invitees come from.
    pub parent: &'a str,
    /// The organization's settings.
    pub settings: &'a Values,
    /// The groups and roles asked for.
    pub grants: &'a [Grant],
    /// Indexes of the grants that the inviter may not give.
    pub forbidden: Vec<u32>,
    /// `None`: for ever.
    pub lifetime: Option<u64>,
    /// The one who brings the code to the invitee.
    pub notify: Notify,
    /// The template of the e-mail.
    pub template: Option<&'a str>,
    /// The language that the invitees are written to in.
    pub language: Option<&'a str>,
    /// The place where they go after accepting.
    pub landing: Option<&'a str>,
    /// The inviter's own properties.
    pub metadata: &'a [Property],
    /// The client's idempotency key.
    pub operation: Option<&'a str>,
    /// The fingerprint of the whole request.
    pub fingerprint: Vec<u8>,
    /// The names as they were asked for, by position.
    pub names: &'a [String],
    /// The accounts that they turned out to mean, by position.
    pub accounts: Vec<Option<UserRef>>,
    /// The expired invitation that is invited anew.
    pub replaces: Option<&'a str>,
}

impl Terms<'_> {
    /// Remembers which account a name means.
    pub fn is_about(&mut self, position: u32, account: &UserRef) {
        if let Some(slot) = self.accounts.get_mut(position as usize) {
            *slot = Some(account.clone());
        }
    }
}

/// A draft, and what only this call knows about it.
struct Prepared {
    to: UserRef,
    /// Indexes of the requested grants that the policy took away.
    withheld: Vec<u32>,
    code: Option<Code>,
}

/// Stores what was judged and what was refused, sends the e-mails, and answers what is still open.
///
/// # Errors
/// `operation-reused`; every other failure is the answer of the items that it hit.
pub fn store_and_send(
    host: &impl Capabilities,
    terms: &Terms<'_>,
    judged: Vec<Judged>,
    answers: &mut Answers,
) -> Result<(), Refusal> {
    let positions: Vec<_> = judged.iter().map(|item| item.candidate.position).collect();
    let fail = |answers: &mut Answers, error: &HostError| {
        for position in positions {
            put(answers, position, Err(ItemRefusal::Unavailable(retry_after(error))));
        }
    };
    let (batch, prepared) = match prepare(host, terms, judged, answers) {
        Ok(prepared) => prepared,
        Err(error) => {
            fail(answers, &error);
            record(host, terms.context, &About::default(), &events(&refused(terms, answers)));
            return Ok(());
        }
    };
    if batch.drafts.is_empty() && batch.refused.is_empty() {
        return Ok(());
    }
    let stored = match insert(host, terms.organization, &batch) {
        Ok(stored) if stored.len() == batch.drafts.len() => stored,
        Ok(_) => {
            fail(answers, &answers::out_of_step());
            return Ok(());
        }
        Err(StoreError::OperationReused) => return Err(Refusal::OperationReused),
        Err(StoreError::Host(HostError::Invalid(what))) => return Err(Refusal::Invalid(what)),
        Err(error) => {
            fail(answers, &failure(error));
            // What is refused is refused, whether or not the others could be stored; so above.
            record(host, terms.context, &About::default(), &events(&batch.refused));
            return Ok(());
        }
    };

    let mut letters = Vec::new();
    let mut mailed = Vec::new();
    for ((draft, prepared), stored) in batch.drafts.iter().zip(&prepared).zip(stored) {
        let answer = match stored {
            Ok(row) if row.id == draft.id => {
                let invited = invited(terms, prepared, &row);
                if let (Some(code), Notify::Internal, State::Pending) =
                    (&prepared.code, terms.notify, row.state)
                {
                    letters.push((message(terms, prepared, &row, code), 0));
                    mailed.push(draft.position);
                }
                Ok(invited)
            }
            Ok(row) => Ok(existing(row)),
            Err(StoreError::Exists(key)) => Err(ItemRefusal::ActiveInvitation(key.id)),
            Err(StoreError::OverLimit(limit)) => Err(ItemRefusal::OverLimit(limit)),
            Err(error) => Err(ItemRefusal::Unavailable(retry_after(&failure(error)))),
        };
        put(answers, draft.position, answer);
    }
    let outcomes = mail::deliver(host, terms.organization, terms.template, &letters, terms.settings);
    for (position, outcome) in mailed.into_iter().zip(&outcomes) {
        if let Some(Some(Ok(invited))) = answers.get_mut(position as usize) {
            invited.mail = mail::state(outcome);
        }
    }
    Ok(())
}

/// Draws the entropy of the call and writes the batch.
fn prepare(
    host: &impl Capabilities,
    terms: &Terms<'_>,
    judged: Vec<Judged>,
    answers: &Answers,
) -> Result<(Batch, Vec<Prepared>), HostError> {
    let with_code = judged.iter().filter(|item| item.approval.is_none()).count();
    let ids = judged.len() + usize::from(terms.operation.is_none());
    let mut entropy = Entropy::draw(host, terms.context.now, ids, with_code)?;
    let operation = match terms.operation {
        Some(key) => key.to_owned(),
        None => entropy.id()?,
    };
    let mut drafts = Vec::with_capacity(judged.len());
    let mut prepared = Vec::with_capacity(judged.len());
    for item in judged {
        let id = entropy.id()?;
        let code = if item.approval.is_none() { Some(entropy.code()?) } else { None };
        let withheld = item.withheld(terms);
        let to = item.candidate.user.account;
        drafts.push(Draft {
            position: item.candidate.position,
            id,
            subject: Subject::User(to.clone()),
            name: item.candidate.name,
            grants: item.grants,
            lifetime: item.lifetime,
            accept_with: item.accept_with,
            code: code.as_ref().map(Code::digest),
            approval: item.approval,
            replaces: terms.replaces.map(str::to_owned),
        });
        prepared.push(Prepared { to, withheld, code });
    }
    let batch = Batch {
        operation,
        fingerprint: terms.fingerprint.clone(),
        parent: terms.parent.to_owned(),
        grants: terms.grants.to_vec(),
        notify: terms.notify,
        template: terms.template.map(str::to_owned),
        language: terms.language.map(str::to_owned),
        landing: terms.landing.map(str::to_owned),
        metadata: terms.metadata.to_vec(),
        active_limit: terms.settings.pending_limit,
        announce: terms.settings.notices.contains(Notices::APPROVAL_REQUESTED),
        report_expired: terms.settings.notices.contains(Notices::EXPIRED),
        hold: MAIL_HOLD,
        drafts,
        refused: refused(terms, answers),
    };
    Ok((batch, prepared))
}

/// Tells whether an item is refused for good.
#[must_use]
pub const fn is_final(refusal: &ItemRefusal) -> bool {
    !matches!(refusal, ItemRefusal::Unavailable(_) | ItemRefusal::PolicyUnavailable(_))
}

/// The items that are refused for good. What a fault or a silent policy refused is not: it is tried again
/// with the same key.
fn refused(terms: &Terms<'_>, answers: &Answers) -> Vec<RefusedItem> {
    let items = answers.iter().zip(terms.names).zip(&terms.accounts);
    (0..)
        .zip(items)
        .filter_map(|(position, ((answer, name), account))| match answer {
            Some(Err(refusal)) if is_final(refusal) => Some(RefusedItem {
                position,
                name: request::bounded_to(request::RECORDED_BYTES, name.replace('\0', "\u{fffd}")),
                subject: account.clone(),
                word: refusal.word().unwrap_or(Word::Other),
                reason: request::bounded_to(request::RECORDED_BYTES, item_to_text(refusal)),
            }),
            _ => None,
        })
        .collect()
}

/// The events of items that were refused, where no batch was stored that would have them.
fn events(refused: &[RefusedItem]) -> Vec<audit::Refusal> {
    let event = |item: &RefusedItem| audit::Refusal {
        operation: OPERATION.to_owned(),
        invitation: None,
        subject: item.subject.clone(),
        name: Some(item.name.clone()),
        word: item.word,
    };
    refused.iter().map(event).collect()
}

/// The operation id makes it safe to ask again when the answer was lost.
fn insert(
    host: &impl Capabilities,
    organization: &str,
    batch: &Batch,
) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
    match host.insert(organization, batch) {
        Err(StoreError::Host(error)) if is_uncertain(&error) => host.insert(organization, batch),
        Err(StoreError::Other(_)) => host.insert(organization, batch),
        answer => answer,
    }
}

fn invited(terms: &Terms<'_>, prepared: &Prepared, row: &Inserted) -> Invited {
    let external = terms.notify == Notify::External;
    Invited {
        id: row.id.clone(),
        state: row.state,
        expires_at: row.expires_at,
        withheld: prepared.withheld.clone(),
        mail: if external || prepared.code.is_none() { MailState::None } else { MailState::Queued },
        code: prepared.code.as_ref().filter(|_| external).map(Code::reveal),
        existed: false,
    }
}

fn message(terms: &Terms<'_>, prepared: &Prepared, row: &Inserted, code: &Code) -> Message {
    Message {
        invitation: row.id.clone(),
        version: row.version,
        kind: MessageKind::Invitation,
        to: Recipient::User(prepared.to.clone()),
        inviter: terms.context.caller.clone(),
        code: Some(code.reveal()),
        expires_at: row.expires_at,
        language: terms.language.map(str::to_owned),
    }
}
