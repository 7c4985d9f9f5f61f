//! Load that a worker makes by itself, until it is killed: several tasks invite, accept, decline, send again,
//! revoke, remove and sweep, and say of each answer what it binds.
//!
//! Codes are in no database, so whoever goes on after a death is told those that were mailed until then.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use guestlist_contract::{
    code,
    exports::{
        invitations::Refusal,
        invitee::{Handle, InviteeRefusal},
    },
    notifications::Recipient,
    types::{HostError, InvitationKey, Principal, UserRef},
};
use guestlist_harness::{Plugin, Reply, Request, operations as op};
use guestlist_storage::Database;
use guestlist_testkit::guarantees::Word;
use serde::{Deserialize, Serialize};

use crate::{
    act::{Act, Answer, Command, Letter, invite, sweep},
    host::{Dice, Post, Stage, micros},
    place,
    worker::{Said, say},
    world,
};

/// What there is to work with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Given {
    pub database: String,
    /// How far its clock is ahead of the machine's, in milliseconds.
    pub ahead: u64,
    pub seed: u64,
    /// Unlike those of any other worker on this database.
    pub requests: String,
    pub tasks: usize,
    pub residents: usize,
    pub children: usize,
    /// Mails of invitations that may still be open.
    pub letters: Vec<Letter>,
}

/// What a task was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Done {
    /// Something that binds.
    Acknowledged(Word),
    /// An answer that binds nothing: a refusal, say, or that of a sweep.
    Answered,
    /// The database did not do it, or did not say so.
    Failed(String),
}

/// An invitation as far as its mails tell.
#[derive(Clone, Debug)]
struct Known {
    key: InvitationKey,
    invitee: UserRef,
    codes: Vec<String>,
}

#[derive(Default)]
struct Mailboxes(Mutex<BTreeMap<String, Known>>);

impl Mailboxes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, letter: &Letter) {
        let message = &letter.message;
        let (Some(code), Recipient::User(invitee)) = (&message.code, &message.to) else { return };
        let key = InvitationKey { organization: letter.organization.clone(), id: message.invitation.clone() };
        let known = Known { key, invitee: invitee.clone(), codes: Vec::new() };
        self.lock().entry(message.invitation.clone()).or_insert(known).codes.push(code.clone());
    }

    fn any(&self, dice: &mut Dice) -> Option<Known> {
        let known = self.lock();
        let place = dice.below(known.len());
        known.values().nth(place).cloned()
    }

    /// There is nothing more to be done with it.
    fn forget(&self, key: &InvitationKey) {
        self.lock().remove(&key.id);
    }
}

struct Task {
    given: Arc<Given>,
    stage: Stage,
    mail: Arc<Mailboxes>,
    post: Arc<Post>,
    dice: Dice,
    number: usize,
    requests: usize,
}

/// Works until the process is killed.
///
/// # Panics
/// The database cannot be opened.
pub async fn run(plugin: Plugin, given: Given) {
    let given = Arc::new(given);
    let ahead = Arc::new(AtomicU64::new(given.ahead));
    let clock = place::ahead(ahead.clone());
    let database = Database::open(&given.database, place::options(clock)).await.expect("the database");
    let stage = Stage::on(&plugin, &database, move || micros() / 1000 + ahead.load(Ordering::SeqCst));
    let mail = Arc::new(Mailboxes::default());
    given.letters.iter().for_each(|letter| mail.note(letter));
    let noting = mail.clone();
    let post = Arc::new(Post::telling(move |letter| {
        say(&Said::Mail(letter.clone()));
        noting.note(letter);
    }));
    for number in 0..given.tasks {
        let dice = Dice::new(given.seed ^ (number as u64) << 32);
        let (given, stage, mail, post) = (given.clone(), stage.clone(), mail.clone(), post.clone());
        let task = Task { given, stage, mail, post, dice, number, requests: 0 };
        tokio::spawn(task.work());
    }
    std::future::pending().await
}

impl Task {
    async fn work(mut self) {
        loop {
            let done = match self.dice.below(100) {
                0..30 => self.invite().await,
                30..60 => self.accept().await,
                60..70 => self.resend().await,
                70..77 => self.revoke().await,
                77..84 => self.decline().await,
                84..92 => self.remove().await,
                _ => self.sweep().await,
            };
            if done.iter().any(|done| matches!(done, Done::Failed(_))) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            done.into_iter().for_each(|done| say(&Said::Done(done)));
        }
    }

    async fn act(&mut self, organization: Option<&str>, caller: Principal, act: Act) -> Answer {
        self.requests += 1;
        let request = format!("{}-{}-{}", self.given.requests, self.number, self.requests);
        let organization = organization.map(str::to_owned);
        let command = Command { number: 0, at: 0, organization, caller, request, act };
        self.stage.act(&command, self.post.clone()).await
    }

    fn child(&mut self) -> String {
        world::child(self.dice.below(self.given.children))
    }

    /// Calls the plugin, and says what its answer binds.
    async fn call(
        &mut self,
        organization: Option<&str>,
        caller: Principal,
        request: impl Into<Request>,
        before: &[(InvitationKey, Vec<String>)],
    ) -> Vec<Done> {
        let request = request.into();
        let answer = self.act(organization, caller, Act::Call(request.clone())).await;
        let Answer::Call(reply) = answer else { return vec![broken(answer)] };
        let mut words = Word::of(organization.unwrap_or_default(), &request, &reply, before);
        // What was sent again is one thing that was done.
        words.dedup_by(|next, word| matches!((word, next), (Word::Resent(..), Word::Invited(..))));
        words.into_iter().map(Done::Acknowledged).chain(unbinding(&reply)).collect()
    }

    async fn invite(&mut self) -> Vec<Done> {
        let organization = self.child();
        let count = 1 + self.dice.below(3);
        let names = (0..count).map(|_| world::name(self.dice.below(self.given.residents))).collect();
        let grants = world::GROUPS.into_iter().filter(|_| self.dice.below(2) == 0).map(world::group);
        let invite = invite(names, grants.collect());
        self.call(Some(&organization), world::admin(&organization, 1), invite, &[]).await
    }

    async fn accept(&mut self) -> Vec<Done> {
        let Some(Known { key, invitee, codes }) = self.mail.any(&mut self.dice) else { return Vec::new() };
        let code = codes.last().cloned().unwrap_or_default();
        let handle = if self.dice.below(4) == 0 { Handle::Id(key.clone()) } else { Handle::Code(code) };
        let done = self.call(None, Principal::User(invitee), op::Accept { handle }, &[]).await;
        // Some are accepted again, to see that nothing happens twice.
        if !done.iter().any(|done| matches!(done, Done::Failed(_))) && self.dice.below(3) > 0 {
            self.mail.forget(&key);
        }
        done
    }

    async fn resend(&mut self) -> Vec<Done> {
        let Some(Known { key, codes, .. }) = self.mail.any(&mut self.dice) else { return Vec::new() };
        let (place, resend) = (key.organization.clone(), op::Resend { ids: vec![key.id.clone()] });
        let before = [(key, codes.iter().filter_map(|code| code::stored_digest(code)).collect())];
        self.call(Some(&place), world::admin(&place, 1), resend, &before).await
    }

    async fn revoke(&mut self) -> Vec<Done> {
        let Some(Known { key, .. }) = self.mail.any(&mut self.dice) else { return Vec::new() };
        let (place, revoke) = (&key.organization, op::Revoke { id: key.id.clone(), reason: None });
        let done = self.call(Some(place), world::admin(place, 2), revoke, &[]).await;
        self.ended(&key, done)
    }

    async fn decline(&mut self) -> Vec<Done> {
        let Some(Known { key, invitee, .. }) = self.mail.any(&mut self.dice) else { return Vec::new() };
        let decline = op::Decline { handle: Handle::Id(key.clone()), reason: None };
        let done = self.call(None, Principal::User(invitee), decline, &[]).await;
        self.ended(&key, done)
    }

    /// The same; where it was ended, there is nothing more to be done with it.
    fn ended(&self, key: &InvitationKey, done: Vec<Done>) -> Vec<Done> {
        if done.iter().any(|done| matches!(done, Done::Acknowledged(_))) {
            self.mail.forget(key);
        }
        done
    }

    async fn remove(&mut self) -> Vec<Done> {
        let organization = self.child();
        let account = world::resident(self.dice.below(self.given.residents));
        let act = Act::RemoveMember(account.clone());
        vec![match self.act(Some(&organization), Principal::System, act).await {
            Answer::Changed(Ok(())) => Done::Acknowledged(Word::Removed(organization, account)),
            // Most are no members at that moment.
            Answer::Changed(Err(why)) if why.contains("has no user") => Done::Answered,
            Answer::Changed(Err(why)) => Done::Failed(why),
            other => broken(other),
        }]
    }

    async fn sweep(&mut self) -> Vec<Done> {
        let organization = self.child();
        self.call(Some(&organization), Principal::System, sweep(), &[]).await
    }
}

/// What of an answer binds nothing.
fn unbinding(reply: &Reply) -> Vec<Done> {
    match reply {
        Reply::Invite(Ok(items)) => {
            items.iter().filter(|item| item.is_err()).map(|_| Done::Answered).collect()
        }
        Reply::Resend(Ok(items)) if items.is_empty() => {
            vec![Done::Failed("one was sent again, and no answer came".into())]
        }
        Reply::Resend(Ok(items)) => {
            items.iter().filter_map(|item| item.as_ref().err()).map(refused).collect()
        }
        Reply::Invite(Err(refusal)) | Reply::Resend(Err(refusal)) | Reply::Revoke(Err(refusal)) => {
            vec![refused(refusal)]
        }
        Reply::Accept(Err(refusal)) | Reply::Decline(Err(refusal)) => vec![turned_down(refusal)],
        Reply::Sweep(Ok(_)) => vec![Done::Answered],
        other => other.refusal().map(|refusal| Done::Failed(format!("{refusal:?}"))).into_iter().collect(),
    }
}

fn failed(error: &HostError) -> Done {
    Done::Failed(format!("{error:?}"))
}

fn refused(refusal: &Refusal) -> Done {
    if let Refusal::Host(error) = refusal { failed(error) } else { Done::Answered }
}

fn turned_down(refusal: &InviteeRefusal) -> Done {
    if let InviteeRefusal::Host(error) = refusal { failed(error) } else { Done::Answered }
}

fn broken(answer: Answer) -> Done {
    Done::Failed(format!("{answer:?}"))
}
