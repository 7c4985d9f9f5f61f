//! E-mails: what the plugin asks to be sent is taken over, composed and handed to the mail system, and what became
//! of it is written down.
//!
//! A code is in memory only, while its e-mail is on its way. Where the process dies meanwhile the outbox gives the
//! message out again when nobody says any more that it is taken care of, and the sweep makes another code.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use guestlist_contract::{
    bounds,
    host::{Call, Notifications},
    notifications::{Message, Recipient, SendError, Sent},
    storage::{Delivery, DeliveryOutcome},
    types::{GrantKind, HostError, Invitation, MessageKind, Principal, Subject, UserRef},
};
use guestlist_mail::{Backoff, Kind, Language, Letter, NotSent, Sender, Transport, compose};
use guestlist_storage::{
    Accounts, Clock, Contact, Database, DeliveryState, Invitations, NewDelivery, Reading, TakenMessage,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{app::Links, figures::Figures};

/// Messages that wait in memory. Beyond this the outbox keeps them.
const WAITING: usize = 2_000;

/// The time after which it is tried again where there is no room, in milliseconds.
const CROWDED: u64 = 1_000;

/// Time for which a message counts as taken care of without a word, in milliseconds.
pub const LEASE: u64 = 90_000;

/// The wait between two such words.
const WORD: Duration = Duration::from_secs(20);

/// Takes over messages and sends them.
pub struct Post {
    accounts: Accounts,
    reading: Reading,
    invitations: Arc<Invitations>,
    links: Links,
    /// The name under which people know the server.
    name: String,
    sender: Sender,
    transport: Arc<dyn Transport>,
    connections: usize,
    clock: Clock,
    into: mpsc::Sender<Job>,
    out: Mutex<Option<mpsc::Receiver<Job>>>,
    /// Messages on their way, so that it is said again and again that they are taken care of.
    under_way: Arc<Mutex<BTreeMap<Key, TakenMessage>>>,
    figures: Figures,
}

/// The way out for e-mails.
pub struct WayOut {
    /// The name under which people know the server.
    pub name: String,
    /// The sender that they are from.
    pub sender: Sender,
    /// The mail system, or what stands for it.
    pub transport: Arc<dyn Transport>,
    /// E-mails that are on their way at the same time.
    pub connections: usize,
}

/// Key of one message: organization, invitation and kind.
type Key = (String, String, String);

/// Messages that are given back at once.
const GIVEN_BACK: u32 = 1_000;

/// A letter with what it settles.
struct Job {
    organization: String,
    invitation: String,
    version: u64,
    kind: MessageKind,
    language: Language,
    /// Each with the person that it is for.
    letters: Vec<(UserRef, Letter)>,
}

impl Job {
    fn key(&self) -> Key {
        (self.organization.clone(), self.invitation.clone(), word(&self.kind).to_owned())
    }
}

/// The kind of letter for a kind of message; a kind that this version does not know has none.
fn kind(kind: &MessageKind) -> Option<Kind> {
    Some(match kind {
        MessageKind::Invitation => Kind::Invitation,
        MessageKind::Reminder => Kind::Reminder,
        MessageKind::Expired => Kind::Expired,
        MessageKind::Accepted => Kind::Accepted,
        MessageKind::Declined => Kind::Declined,
        MessageKind::ApprovalRequested => Kind::ApprovalRequested,
        MessageKind::Failed => Kind::Failed,
        MessageKind::Revoked => Kind::Revoked,
        MessageKind::Other(_) => return None,
    })
}

fn word(kind: &MessageKind) -> &str {
    match kind {
        MessageKind::Invitation => "invitation",
        MessageKind::Reminder => "reminder",
        MessageKind::Expired => "expired",
        MessageKind::Accepted => "accepted",
        MessageKind::Declined => "declined",
        MessageKind::ApprovalRequested => "approval-requested",
        MessageKind::Failed => "failed",
        MessageKind::Revoked => "revoked",
        MessageKind::Other(word) => word,
    }
}

fn denied() -> SendError {
    SendError::Host(HostError::Denied("this message may not be sent to that person".into()))
}

impl Post {
    /// The post of a server.
    pub fn new(
        way: WayOut,
        database: &Database,
        invitations: Arc<Invitations>,
        links: Links,
        figures: Figures,
        clock: Clock,
    ) -> Self {
        let (into, out) = mpsc::channel(WAITING);
        Self {
            accounts: database.accounts(),
            reading: database.reading(),
            invitations,
            links,
            name: way.name,
            sender: way.sender,
            transport: way.transport,
            connections: way.connections,
            clock,
            into,
            out: Mutex::new(Some(out)),
            under_way: Arc::default(),
            figures,
        }
    }

    /// Composes the letters of messages of one organization.
    async fn jobs(
        &self,
        call: &Call,
        organization: &str,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Job, SendError>>, HostError> {
        let ids: Vec<String> = messages.iter().map(|message| message.invitation.clone()).collect();
        let rows = self.reading.invitations(organization, &ids).await.map_err(unanswered)?;
        let facts = self
            .reading
            .letter_facts(organization)
            .await
            .map_err(unanswered)?
            .ok_or_else(|| HostError::Denied("there is no such organization".into()))?;
        let mut people = Vec::new();
        for (message, row) in messages.iter().zip(&rows) {
            if let Recipient::User(user) = &message.to {
                people.push(user.clone());
            }
            people.extend(row.iter().flat_map(|row| subject(row).into_iter().chain(inviter(row))));
        }
        let approvers = match messages.iter().any(|message| matches!(message.to, Recipient::Approvers)) {
            true => self.reading.approvers(organization).await.map_err(unanswered)?,
            false => Vec::new(),
        };
        people.extend(approvers.iter().cloned());
        people.sort_by(|one, other| (&one.organization, &one.id).cmp(&(&other.organization, &other.id)));
        people.dedup();
        let mut contacts = Vec::new();
        for some in people.chunks(200) {
            contacts.extend(self.reading.contacts(some).await.map_err(unanswered)?);
        }
        let known: Vec<(UserRef, Contact)> =
            people.into_iter().zip(contacts).filter_map(|(user, contact)| Some((user, contact?))).collect();
        let contact =
            |user: &UserRef| known.iter().find(|(known, _)| known == user).map(|(_, contact)| contact);
        let grants: Vec<_> = rows.iter().flatten().flat_map(|row| row.grants.iter().cloned()).collect();
        let mut names = Vec::new();
        for some in grants.chunks(200) {
            names.extend(self.reading.names_of_grants(organization, some).await.map_err(unanswered)?);
        }
        let mut jobs = Vec::new();
        for (message, row) in messages.into_iter().zip(rows) {
            let Some((row, kind)) = row.filter(|row| concerns(call, row)).zip(kind(&message.kind)) else {
                jobs.push(Err(denied()));
                continue;
            };
            let to: Vec<&UserRef> = match &message.to {
                Recipient::User(user) if is_addressee(&row, &message.kind, user) => vec![user],
                Recipient::Approvers if message.kind == MessageKind::ApprovalRequested => approvers
                    .iter()
                    .filter(|user| {
                        inviter(&row).as_ref() != Some(user) && subject(&row).as_ref() != Some(user)
                    })
                    .collect(),
                _ => {
                    jobs.push(Err(denied()));
                    continue;
                }
            };
            let named = |wanted| {
                let of = |(grant, name): (&guestlist_contract::types::Grant, &Option<String>)| {
                    (grant.kind == wanted && row.grants.contains(grant)).then(|| name.clone()).flatten()
                };
                let mut all: Vec<String> = grants.iter().zip(&names).filter_map(of).collect();
                all.dedup();
                all
            };
            let letter = |address: &str| Letter {
                inviter: match &row.inviter {
                    Principal::User(user) => contact(user).map(|contact| contact.name.clone()),
                    _ => None,
                },
                invitee: Some(row.name.clone()),
                groups: named(GrantKind::Group),
                roles: named(GrantKind::Role),
                link: match &message.code {
                    Some(code) => Some(self.links.invitation(&facts.root_handle, code)),
                    None => Some(self.links.to(&format!("t/{}/invitation", facts.root_handle))),
                },
                expires_at: message.expires_at,
                lifetime: row.lifetime,
                utc_offset: facts.utc_offset_minutes,
                reason: row.reason.clone(),
                ..Letter::new(kind, address, facts.name.clone(), self.name.clone())
            };
            let addressed = |user: &UserRef| Some((user.clone(), letter(contact(user)?.email.as_deref()?)));
            let letters: Vec<_> = to.into_iter().filter_map(addressed).collect();
            if letters.is_empty() {
                jobs.push(Err(SendError::NoAddress));
                continue;
            }
            jobs.push(Ok(Job {
                organization: organization.to_owned(),
                invitation: message.invitation,
                version: message.version,
                kind: message.kind,
                language: Language::choose(message.language.as_deref(), None, None),
                letters,
            }));
        }
        Ok(jobs)
    }

    /// Sends what is taken over, until it is told to stop; then what is on its way is ended.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let taken = self.out.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut out) = taken else { return };
        let most = self.connections.max(1);
        let mut words = tokio::time::interval(WORD);
        // Where nobody waits for this any more, what is on its way is broken off with it.
        let mut sending = JoinSet::new();
        loop {
            tokio::select! {
                // Whoever waits for a place keeps neither the word that is due nor the end of it all waiting.
                job = out.recv(), if sending.len() < most => {
                    let Some(job) = job else { return };
                    let post = self.clone();
                    sending.spawn(async move { post.deliver(job).await });
                }
                _ = words.tick() => self.still_there().await,
                Some(_) = sending.join_next() => {}
                () = told(&mut stop) => break,
            }
        }
        // Those that were not begun fall due again; those that were are waited for.
        while sending.join_next().await.is_some() {}
    }

    /// Says that what is on its way is taken care of, and gives back what nobody says so of any more.
    async fn still_there(&self) {
        let mut held: BTreeMap<String, Vec<TakenMessage>> = BTreeMap::new();
        for ((organization, ..), message) in self.under_way().iter() {
            held.entry(organization.clone()).or_default().push(message.clone());
        }
        for (organization, messages) in held {
            for some in messages.chunks(200) {
                if let Err(error) = self.invitations.renew_taken(&organization, some).await {
                    tracing::warn!(organization, error = ?error, "nobody was told that e-mails are on their way");
                }
            }
        }
        if let Err(error) = self.invitations.release_taken(GIVEN_BACK).await {
            tracing::warn!(error = ?error, "what nobody takes care of was not given out again");
        }
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<Key, TakenMessage>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn deliver(&self, job: Job) {
        let key = job.key();
        let (mut outcome, mut state, mut words, mut next) = (None, DeliveryState::GivenUp, None, None);
        for (to, letter) in &job.letters {
            let error = match compose(letter, job.language, &self.sender) {
                Ok(message) => match self.transport.hand_over(&message).await {
                    // It is out when one of them has it.
                    Ok(done) => {
                        (outcome, state, words, next) = (
                            Some(DeliveryOutcome::Delivered),
                            DeliveryState::HandedOver,
                            Some(done.words),
                            None,
                        );
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) => {
                    tracing::warn!(organization = job.organization, invitation = job.invitation, %error, "an e-mail cannot be composed");
                    words.get_or_insert_with(|| error.to_string());
                    self.uncount(&job, to).await;
                    continue;
                }
            };
            tracing::warn!(
                organization = job.organization,
                invitation = job.invitation,
                kind = word(&job.kind),
                stage = %error.failure().stage,
                code = error.failure().code,
                "the mail system did not take an e-mail"
            );
            // Whoever may have got it has.
            if !matches!(error, NotSent::Unknown(_)) {
                self.uncount(&job, to).await;
            }
            // Nor does who never gets it keep it from those who may.
            if matches!(outcome, Some(DeliveryOutcome::Delivered | DeliveryOutcome::Retry(_))) {
                continue;
            }
            words = Some(error.failure().words.clone());
            let again = self.again(&job, &error).await;
            (outcome, state, next) = match again {
                Some(after) => (
                    Some(DeliveryOutcome::Retry(after)),
                    DeliveryState::Retrying,
                    Some(self.clock.now().saturating_add(after)),
                ),
                None if matches!(error, NotSent::Permanent(_)) => {
                    (Some(DeliveryOutcome::Undeliverable("refused".into())), DeliveryState::Refused, None)
                }
                None => {
                    (Some(DeliveryOutcome::Undeliverable("given up".into())), DeliveryState::GivenUp, None)
                }
            };
        }
        let outcome = outcome.unwrap_or(DeliveryOutcome::Undeliverable("cannot be written".into()));
        self.under_way().remove(&key);
        self.figures.mailed(state.text());
        self.figures.waiting(self.under_way().len());
        self.write(&job, state, words, next).await;
        let delivery = Delivery {
            invitation: job.invitation.clone(),
            version: job.version,
            kind: job.kind.clone(),
            outcome,
        };
        // Not settled means sent once more, with another code that works as well.
        if let Err(error) = self.invitations.settle_taken(&job.organization, vec![delivery]).await {
            tracing::warn!(organization = job.organization, invitation = job.invitation, error = ?error, "what became of an e-mail was not settled");
        }
    }

    /// After which time a message is tried again, in milliseconds; absent: not any more.
    async fn again(&self, job: &Job, error: &NotSent) -> Option<u64> {
        match error {
            NotSent::Permanent(_) => return None,
            // A notice has no code that would be another one: it is sent at most once.
            NotSent::Unknown(_) if job.kind != MessageKind::Invitation => return None,
            NotSent::Transient(_) | NotSent::Unknown(_) => {}
        }
        let earlier =
            self.accounts.deliveries_of(&job.organization, &job.invitation).await.unwrap_or_default();
        let failed = earlier
            .iter()
            .filter(|record| record.kind == job.kind && record.state != DeliveryState::Queued)
            .take_while(|record| record.state == DeliveryState::Retrying)
            .count();
        let mut bytes = [0; 8];
        let random = getrandom::fill(&mut bytes).map(|()| u64::from_le_bytes(bytes)).unwrap_or_default();
        let failed = u32::try_from(failed).unwrap_or(u32::MAX).saturating_add(1);
        let wait = Backoff::default().wait(failed, random)?;
        Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
    }

    /// Takes a message over.
    async fn take(&self, job: Job) -> Result<Sent, SendError> {
        // The outbox keeps what there is no room for.
        let place = self.into.try_reserve().map_err(|_| SendError::Host(HostError::Throttled(CROWDED)))?;
        let job = self.bounded(job).await?;
        let (invitation, version, kind) = (job.invitation.clone(), job.version, job.kind.clone());
        let message = TakenMessage { invitation: invitation.clone(), kind: kind.clone(), version };
        self.under_way().insert(job.key(), message);
        self.figures.waiting(self.under_way().len());
        let state = DeliveryState::Queued;
        let queued = NewDelivery { invitation, kind, version, state, next_at: None, words: None };
        if let Err(error) = self.accounts.record_delivery(&job.organization, &queued).await {
            tracing::warn!(%error, "an e-mail that waits was not written down");
        }
        place.send(job);
        Ok(Sent::Taken)
    }

    async fn uncount(&self, job: &Job, to: &UserRef) {
        if let Err(error) = self.accounts.uncount_mail(&job.organization, to).await {
            tracing::warn!(organization = job.organization, %error, "an e-mail that nobody got counts as one");
        }
    }

    /// Leaves out the letters of a message that their readers may not get yet.
    ///
    /// # Errors
    /// None of them may get it now.
    async fn bounded(&self, mut job: Job) -> Result<Job, SendError> {
        let to: Vec<UserRef> = job.letters.iter().map(|(to, _)| to.clone()).collect();
        let waits = self.accounts.count_mails(&job.organization, &to).await.map_err(unanswered);
        let waits = waits.map_err(SendError::Host)?;
        let soonest = waits.iter().copied().min().flatten();
        let mut waits = waits.into_iter();
        job.letters.retain(|_| waits.next().flatten().is_none());
        match soonest {
            Some(after) if job.letters.is_empty() => Err(SendError::Host(HostError::Throttled(after))),
            _ => Ok(job),
        }
    }

    async fn write(&self, job: &Job, state: DeliveryState, words: Option<String>, next_at: Option<u64>) {
        let new = NewDelivery {
            invitation: job.invitation.clone(),
            kind: job.kind.clone(),
            version: job.version,
            state,
            next_at,
            words,
        };
        if let Err(error) = self.accounts.record_delivery(&job.organization, &new).await {
            tracing::warn!(organization = job.organization, invitation = job.invitation, %error, "what became of an e-mail was not written down");
        }
    }
}

/// Waits for the word to stop.
pub async fn told(stop: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone: that is a word, too.
    let _ = stop.wait_for(|stopped| *stopped).await.map(|_| ());
}

fn unanswered(error: guestlist_storage::AccountError) -> HostError {
    tracing::warn!(%error, "an e-mail cannot be addressed");
    HostError::Unavailable(None)
}

fn subject(row: &Invitation) -> Option<UserRef> {
    if let Subject::User(user) = &row.subject { Some(user.clone()) } else { None }
}

fn inviter(row: &Invitation) -> Option<UserRef> {
    if let Principal::User(user) = &row.inviter { Some(user.clone()) } else { None }
}

/// Tells whether a call may write about an invitation: one of its organization, of its caller, or that a code has
/// led to.
fn concerns(call: &Call, row: &Invitation) -> bool {
    call.context.organization.as_deref() == Some(&row.key.organization)
        || call.admitted(&row.key)
        || call.user().is_some_and(|user| subject(row).as_ref() == Some(user))
}

/// Codes go to the invitee alone, notices to the inviter.
fn is_addressee(row: &Invitation, kind: &MessageKind, to: &UserRef) -> bool {
    match kind {
        MessageKind::Invitation | MessageKind::Reminder => subject(row).as_ref() == Some(to),
        MessageKind::ApprovalRequested => false,
        _ => inviter(row).as_ref() == Some(to),
    }
}

#[async_trait]
impl Notifications for Post {
    async fn send(
        &self,
        call: &Call,
        organization: String,
        template: Option<String>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        bounds::count("messages", messages.len(), 100)?;
        bounds::text("the template", template.as_deref().unwrap_or_default(), 100)?;
        if messages.iter().any(|message| message.code.is_some() != (message.kind == MessageKind::Invitation))
        {
            return Err(HostError::Invalid("an invitation has a code, and nothing else has one".into()));
        }
        let mut answers = Vec::new();
        for job in self.jobs(call, &organization, messages).await? {
            let answer = match job {
                Err(error) => Err(error),
                Ok(job) => self.take(job).await,
            };
            answers.push(answer);
        }
        Ok(answers)
    }
}
