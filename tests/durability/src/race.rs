//! Many processes accept the same codes at the same time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    sync::{Arc, atomic::AtomicU64, mpsc},
    time::{Duration, Instant},
};

use guestlist_contract::{
    exports::invitee::{Handle, InviteeRefusal},
    types::{InvitationKey, Principal, UserRef},
};
use guestlist_harness::{Reply, operations as op};
use guestlist_memory::{Realm, default_settings};
use guestlist_storage::Clock;
use guestlist_testkit::guarantees::Word;
use serde::Serialize;

use crate::{
    act::{self, Answer, Answered, Command, Letter},
    check::slices,
    command::Finding,
    host::{Post, Stage, micros, plugin},
    place::{self, Place},
    rest::to_rest,
    worker::{Orders, Said, Worker},
    world,
};

/// People of one organization: a bulk has at most so many.
const CROWD: usize = 100;
/// Codes that all processes are given at once.
const BATCH: usize = 32;
/// How long a batch is known before it begins, so that all begin together.
const NOTICE: Duration = Duration::from_millis(3);
/// Longer than any batch takes, on a machine that does something else as well.
const PATIENCE: Duration = Duration::from_secs(300);

/// What to try.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub processes: usize,
    pub codes: usize,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    pub codes: usize,
    pub processes: usize,
    pub attempts: usize,
    /// Answers that say: this made them a member.
    pub effective: usize,
    pub repeated: usize,
    pub in_progress: usize,
    pub conflict: usize,
    /// Codes that several processes were at work on at the same instant.
    pub contended: usize,
    pub seconds: f64,
    pub violations: Vec<String>,
}

impl Outcome {
    /// Accepts of whatever answer in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.attempts as f64 / self.seconds.max(1e-9)
    }
}

impl Finding for Outcome {
    fn violations(&self) -> &[String] {
        &self.violations
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "codes        {}, {} of them contended", self.codes, self.contended)?;
        writeln!(to, "processes    {}", self.processes)?;
        writeln!(to, "attempts     {}", self.attempts)?;
        writeln!(to, "effective    {}", self.effective)?;
        writeln!(to, "repeated     {}", self.repeated)?;
        writeln!(to, "in progress  {}", self.in_progress)?;
        writeln!(to, "conflict     {}", self.conflict)?;
        writeln!(to, "time         {:.1} s, {:.0} accepts/s", self.seconds, self.rate())?;
        write!(to, "violations   {}", self.violations.len())?;
        self.violations.iter().take(20).try_for_each(|why| write!(to, "\n- {why}"))
    }
}

/// An invitation, and its code.
#[derive(Clone, Debug)]
pub struct Invited {
    pub key: InvitationKey,
    pub invitee: UserRef,
    pub code: String,
}

/// What was answered about one code, by whom and when.
#[derive(Debug, Default)]
pub struct Tally {
    effective: usize,
    /// Process, begin and end in microseconds.
    spans: Vec<(usize, u64, u64)>,
}

impl Tally {
    /// One more answer.
    pub fn note(&mut self, process: usize, began: u64, ended: u64, effective: bool) {
        self.spans.push((process, began, ended));
        self.effective += usize::from(effective);
    }

    /// What is wrong where not exactly one had an effect.
    #[must_use]
    pub fn wrong(&self, id: &str) -> Option<String> {
        (self.effective != 1).then(|| format!("I-ONE: {id} had {} effective accepts", self.effective))
    }

    /// Two processes were at it at the same instant.
    #[must_use]
    pub fn is_contended(&self) -> bool {
        let met = |one: &(usize, u64, u64), other: &(usize, u64, u64)| {
            one.0 != other.0 && one.1 < other.2 && other.1 < one.2
        };
        self.spans.iter().any(|one| self.spans.iter().any(|other| met(one, other)))
    }
}

/// Invites people through the plugin; then all processes accept each code. `told` hears how many codes are
/// done.
///
/// # Errors
/// The trial could not be made; whatever it has shown is in the outcome.
///
/// # Panics
/// A worker dies.
pub async fn run(plan: Plan, place: &Place, program: &Path, told: impl Fn(usize)) -> Result<Outcome, String> {
    let ahead = Arc::new(AtomicU64::new(0));
    let mut settings = default_settings();
    // However slow the machine is, nobody takes an accept over.
    settings.lease = 60 * 60 * 1000;
    let realm = world::realm(plan.codes, plan.codes.div_ceil(CROWD), &settings);
    let database = place.with(&realm, Clock::Machine).await?;
    let stage = Stage::on(&plugin(), &database, || micros() / 1000);
    let post = Arc::new(Post::default());
    let invited = invite(plan.codes, &stage, &post).await?;

    let (heard, replies) = mpsc::channel();
    let orders = Orders::serve(place.url(), None);
    let mut workers: Vec<_> =
        (0..plan.processes).map(|number| Worker::start(program, &orders, number, heard.clone())).collect();
    for _ in &workers {
        match replies.recv_timeout(PATIENCE) {
            Ok((_, Some(Said::Ready))) => {}
            other => return Err(format!("a worker did not start: {other:?}")),
        }
    }
    let mut outcome = Outcome { codes: invited.len(), processes: plan.processes, ..Outcome::default() };
    let mut letters = post.letters();
    let mut accepted = Vec::new();
    let begun = Instant::now();
    for (number, batch) in invited.chunks(BATCH).enumerate() {
        let first = number * BATCH;
        let at = micros() + NOTICE.as_micros() as u64;
        for (index, invited) in batch.iter().enumerate() {
            let command = accept(first + index, at, invited);
            workers.iter_mut().for_each(|worker| worker.tell(&command));
        }
        let mut attempts: BTreeMap<usize, Tally> = BTreeMap::new();
        for _ in 0..batch.len() * workers.len() {
            let (process, reply) = match replies.recv_timeout(PATIENCE) {
                Ok((process, Some(Said::Answered(reply)))) => (process, reply),
                other => return Err(format!("a worker did not answer: {other:?}")),
            };
            letters.extend_from_slice(&reply.letters);
            outcome.note(&mut attempts, process, &reply, &invited, &mut accepted);
        }
        outcome.judge(&attempts, &invited);
        told(first + batch.len());
    }
    outcome.seconds = begun.elapsed().as_secs_f64();
    drop(workers);

    let later = place.open(place::ahead(ahead.clone())).await?;
    let swept = Stage::on(&plugin(), &later, || micros() / 1000);
    letters.extend(to_rest(&swept, &later, &ahead).await?);
    let realm = later.dump().await.map_err(|error| error.to_string())?;
    outcome.violations.extend(miscounted(&realm, &invited));
    for slice in slices(realm, &letters, &accepted) {
        outcome.violations.extend(slice.broken(true));
    }
    Ok(outcome)
}

async fn invite(codes: usize, stage: &Stage, post: &Arc<Post>) -> Result<Vec<Invited>, String> {
    let mut invited = Vec::new();
    for (number, people) in (0..codes).collect::<Vec<_>>().chunks(CROWD).enumerate() {
        let organization = world::child(number);
        let names = people.iter().map(|person| world::name(*person)).collect();
        let command = Command {
            number: 0,
            at: 0,
            organization: Some(organization.clone()),
            caller: world::admin(&organization, 1),
            request: format!("invite-{number}"),

            act: act::invite(names, vec![world::group("g-help")]).into(),
        };
        match stage.act(&command, post.clone()).await {
            Answer::Call(Reply::Invite(Ok(items))) if items.iter().all(Result::is_ok) => {}
            other => return Err(format!("nobody was invited: {other:?}")),
        }
    }
    for Letter { organization, message } in post.letters() {
        let key = InvitationKey { organization, id: message.invitation };
        let (Some(code), guestlist_contract::notifications::Recipient::User(invitee)) =
            (message.code, message.to)
        else {
            continue;
        };
        invited.push(Invited { key, invitee, code });
    }
    if invited.len() == codes {
        Ok(invited)
    } else {
        Err(format!("{codes} were invited, and {} mails came", invited.len()))
    }
}

fn accept(number: usize, at: u64, invited: &Invited) -> Command {
    Command {
        number: number as u64,
        at,
        organization: None,
        caller: Principal::User(invited.invitee.clone()),
        request: format!("accept-{number}"),

        act: op::Accept { handle: Handle::Code(invited.code.clone()) }.into(),
    }
}

impl Outcome {
    fn note(
        &mut self,
        attempts: &mut BTreeMap<usize, Tally>,
        process: usize,
        reply: &Answered,
        invited: &[Invited],
        accepted: &mut Vec<Word>,
    ) {
        self.attempts += 1;
        let number = reply.number as usize;
        let key = &invited[number].key;
        let is_effective = matches!(&reply.answer, Answer::Call(Reply::Accept(Ok(done))) if !done.repeated);
        attempts.entry(number).or_default().note(process, reply.began, reply.ended, is_effective);
        match &reply.answer {
            Answer::Call(Reply::Accept(Ok(done))) => {
                *(if is_effective { &mut self.effective } else { &mut self.repeated }) += 1;
                accepted.push(Word::Accepted(key.clone(), done.outcomes.clone()));
            }
            Answer::Call(Reply::Accept(Err(InviteeRefusal::InProgress(_)))) => self.in_progress += 1,
            Answer::Call(Reply::Accept(Err(InviteeRefusal::Conflict))) => self.conflict += 1,
            other => self.violations.push(format!("{}: an accept was answered {other:?}", key.id)),
        }
    }

    /// Each code of a batch had one effective accept.
    fn judge(&mut self, attempts: &BTreeMap<usize, Tally>, invited: &[Invited]) {
        for (number, code) in attempts {
            self.violations.extend(code.wrong(&invited[*number].key.id));
            self.contended += usize::from(code.is_contended());
        }
    }
}

/// In the audit trail each invitation added one member and was accepted once; its invitee is a member, by
/// it.
#[must_use]
pub fn miscounted(realm: &Realm, invited: &[Invited]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in &realm.audit {
        if let Some(invitation) = &event.invitation {
            *counts.entry((invitation, event.text())).or_default() += 1;
        }
    }
    let mut members = BTreeSet::new();
    for (organization, place) in &realm.organizations {
        for person in place.people.values() {
            members.insert((organization, &person.account.id, person.invitation.as_ref()));
        }
    }
    let wrong = invited.iter().flat_map(|Invited { key, invitee, .. }| {
        let mut wrong = Vec::new();
        for event in ["member.added", "invitation.claimed", "invitation.accepted"] {
            let times = counts.get(&(key.id.as_str(), event)).copied().unwrap_or(0);
            if times != 1 {
                wrong.push(format!("I-ONE: {} has {times} events `{event}`", key.id));
            }
        }
        if !members.contains(&(&key.organization, &invitee.id, Some(&key.id))) {
            wrong.push(format!("I-REST: {} is no member by {}", invitee.id, key.id));
        }
        wrong
    });
    wrong.collect()
}
