//! Handing messages to the host and writing down what became of them.

use crate::{
    Capabilities,
    code::Code,
    contract::{
        exports::invitations::Invited,
        imports::{
            notifications::{Message, Recipient, SendError, Sent},
            settings::Values,
            storage::{Delivery, DeliveryOutcome},
            types::{HostError, Invitation, MailState, MessageKind, Notify, State, Subject},
        },
    },
};

/// A message, and how often it was tried before.
pub type Letter = (Message, u32);

/// Sends messages of one organization and template, and settles them. One answer for each, in order.
///
/// What fails is left to the sweep: an entry that could not even be handed over, or settled, falls due
/// by itself.
pub fn deliver(
    host: &impl Capabilities,
    organization: &str,
    template: Option<&str>,
    letters: &[Letter],
    settings: &Values,
) -> Vec<DeliveryOutcome> {
    if letters.is_empty() {
        return Vec::new();
    }
    let messages: Vec<_> = letters.iter().map(|(message, _)| message.clone()).collect();
    let sent = match host.send(organization, template, &messages) {
        Ok(sent) if sent.len() == messages.len() => sent,
        Ok(_) => vec![Err(SendError::Other(String::new())); messages.len()],
        Err(error) => vec![Err(SendError::Host(error)); messages.len()],
    };
    let outcomes: Vec<_> = letters
        .iter()
        .zip(sent)
        .map(|((message, tries), sent)| outcome(message, *tries, sent, settings))
        .collect();
    let deliveries: Vec<_> = messages
        .into_iter()
        .zip(outcomes.iter().cloned())
        .map(|(message, outcome)| Delivery {
            invitation: message.invitation,
            version: message.version,
            kind: message.kind,
            outcome,
        })
        .collect();
    // Not settled means, for a code, sent once more with another one that works as well: harmless.
    let _ = host.settle(organization, &deliveries);
    outcomes
}

fn outcome(
    message: &Message,
    tries: u32,
    sent: Result<Sent, SendError>,
    settings: &Values,
) -> DeliveryOutcome {
    let retry = backoff(settings.mail_retry, tries);
    match sent {
        Ok(Sent::Delivered) => DeliveryOutcome::Delivered,
        Ok(Sent::Taken) => DeliveryOutcome::Taken,
        Err(SendError::NoAddress) => DeliveryOutcome::Undeliverable("no address".into()),
        // Held back: it was nobody's fault, so it costs no try.
        Err(SendError::Host(HostError::Throttled(after))) => held_back(after, retry),
        // It is sent until it arrives: another one with another code does no harm.
        Err(_) if message.kind == MessageKind::Invitation => DeliveryOutcome::Retry(retry),
        // Certainly not sent, so that sending it again is not sending it twice.
        Err(SendError::Host(HostError::Unavailable(_))) if tries.saturating_add(1) < settings.mail_tries => {
            DeliveryOutcome::Retry(retry)
        }
        Err(_) => DeliveryOutcome::Undeliverable("it may have been sent, and is sent at most once".into()),
    }
}

/// Messages to be sent, by template: the host takes those of one template at once.
pub struct Letters<T>(Vec<OfTemplate<T>>);

/// A template and its messages.
pub type OfTemplate<T> = (Option<String>, Vec<(Message, T)>);

impl<T> Letters<T> {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a message, with what its sender wants to know it by. Answers whether it is the first of its
    /// template.
    pub fn add(&mut self, template: Option<String>, message: Message, mark: T) -> bool {
        if let Some((_, letters)) = self.0.iter_mut().find(|(known, _)| *known == template) {
            letters.push((message, mark));
            return false;
        }
        self.0.push((template, vec![(message, mark)]));
        true
    }

    /// The messages of each template.
    pub fn take(&mut self) -> Vec<OfTemplate<T>> {
        std::mem::take(&mut self.0)
    }
}

impl<T> Default for Letters<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The state of the e-mail of an invitation after this.
#[must_use]
pub fn state(outcome: &DeliveryOutcome) -> MailState {
    match outcome {
        DeliveryOutcome::Delivered => MailState::Sent,
        DeliveryOutcome::Taken
        | DeliveryOutcome::Sending
        | DeliveryOutcome::Retry(_)
        | DeliveryOutcome::Postponed(_) => MailState::Queued,
        DeliveryOutcome::Undeliverable(_) => MailState::Undeliverable,
    }
}

/// The longest wait for another try.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// The wait before the next try after `tries` earlier ones: doubled each time, for a day at most. And for a
/// second at least, so that no sweep meets again what it has just put off.
#[must_use]
pub fn backoff(first: u64, tries: u32) -> u64 {
    first.saturating_mul(1 << tries.min(16)).clamp(1000, DAY)
}

/// The wait that a host asks for where somebody has had enough mail. It is asked once a day in any case.
fn held_back(after: u64, retry: u64) -> DeliveryOutcome {
    DeliveryOutcome::Postponed(after.max(retry).min(DAY))
}

/// Brings a code that was just stored to the invitee, or to the caller where that is their part.
pub fn hand_over(
    host: &impl Capabilities,
    row: &Invitation,
    code: Option<&Code>,
    settings: &Values,
) -> Invited {
    let message = code.and_then(|code| message(row, code)).filter(|_| row.notify == Notify::Internal);
    let letter = message.map(|message| (message, 0));
    let outcomes = deliver(host, &row.key.organization, row.template.as_deref(), letter.as_slice(), settings);
    Invited { mail: outcomes.first().map_or(MailState::None, state), ..answer(row, code) }
}

/// The answer for a code that was just stored, before any mail.
#[must_use]
pub fn answer(row: &Invitation, code: Option<&Code>) -> Invited {
    Invited {
        id: row.key.id.clone(),
        state: State::Pending,
        expires_at: row.expires_at,
        withheld: Vec::new(),
        mail: MailState::None,
        code: code.filter(|_| row.notify == Notify::External).map(Code::reveal),
        existed: false,
    }
}

/// The e-mail with the code of this invitation.
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
        language: row.language.clone(),
    })
}
