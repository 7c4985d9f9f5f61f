//! Handing messages to the host and writing down what became of them.

use crate::{
    Capabilities,
    contract::imports::{
        notifications::{Message, SendError, Sent},
        storage::{Delivery, DeliveryOutcome},
        types::{HostError, MailState},
    },
};

/// Sends messages of one organization and template, and settles them. One answer for each, in order.
///
/// What fails is left to the sweep: an entry that could not even be handed over, or settled, falls due
/// by itself.
pub fn deliver(
    host: &impl Capabilities,
    organization: &str,
    template: Option<&str>,
    messages: &[Message],
    retry: u64,
) -> Vec<DeliveryOutcome> {
    if messages.is_empty() {
        return Vec::new();
    }
    let retry = backoff(retry, 0);
    let outcomes: Vec<_> = match host.send(organization, template, messages) {
        Ok(sent) if sent.len() == messages.len() => {
            sent.into_iter().map(|sent| outcome(sent, retry)).collect()
        }
        // Held back: it was nobody's fault, so it costs no try.
        Err(HostError::Throttled(after)) => {
            vec![held_back(after, retry); messages.len()]
        }
        _ => vec![DeliveryOutcome::Retry(retry); messages.len()],
    };
    let deliveries: Vec<_> = messages
        .iter()
        .zip(outcomes.iter().cloned())
        .map(|(message, outcome)| Delivery {
            invitation: message.invitation.clone(),
            version: message.version,
            kind: message.kind.clone(),
            outcome,
        })
        .collect();
    // Not settled means sent once more, with another code that works as well: harmless.
    let _ = host.settle(organization, &deliveries);
    outcomes
}

fn outcome(sent: Result<Sent, SendError>, retry: u64) -> DeliveryOutcome {
    match sent {
        Ok(Sent::Delivered) => DeliveryOutcome::Delivered,
        Ok(Sent::Taken) => DeliveryOutcome::Taken,
        Err(SendError::NoAddress) => DeliveryOutcome::Undeliverable("no address".into()),
        Err(SendError::Host(HostError::Throttled(after))) => held_back(after, retry),
        Err(SendError::Host(_) | SendError::Other(_)) => DeliveryOutcome::Retry(retry),
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

/// Where the mail of an invitation stands after this.
#[must_use]
pub fn state(outcome: &DeliveryOutcome) -> MailState {
    match outcome {
        DeliveryOutcome::Delivered => MailState::Sent,
        DeliveryOutcome::Taken | DeliveryOutcome::Retry(_) | DeliveryOutcome::Postponed(_) => {
            MailState::Queued
        }
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
