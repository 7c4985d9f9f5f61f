//! Plays a history on the plugin and on the model, and compares after every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Arc,
};

use guestlist::code::Code;
use guestlist_contract::{
    audit::{self, EventKind},
    exports::{
        invitations::{InviteRequest, Invited, ItemRefusal, LifetimeChoice, Owner, Refusal},
        invitee::{Handle, InviteeRefusal},
    },
    host::{Audit, Operation},
    types::{
        self, Grant, GrantKind, Invitation, InvitationFilter, InvitationKey, Notify, Principal, State,
        Subject, UserRef,
    },
};
use guestlist_memory::{AuditEvent, Mail, MailMode, MemberView, MemoryHost, Snapshot};
use guestlist_testkit::FaultPlan;
use serde_json::Value;

use crate::{
    calls::{Answers, Reply, Request},
    guarantees::{self, Told, Word},
    history::{Asked, Clock, FAULTS, GRANTS, History, NAMES, NEVER, PLACES, Step, Strike, WHO, name},
    life,
    model::{Ask, Luck, Means, Model, Seen, accepted, invited, known_by, shown},
    native::wait,
};

const WORLD: &str = include_str!("world.yaml");
/// Longer than any wait for another try.
const LATER: u64 = 2 * 86_400_000;

/// How often something was reached.
pub type Counts = BTreeMap<String, u64>;

/// What a history leaves behind.
pub struct Played {
    pub counts: Counts,
    /// Each answer, the final store and the mailboxes: what another run is compared with.
    pub transcript: Vec<Value>,
}

/// Plays it. The error says what was not as expected, and after which step.
pub fn play(history: &History, plugin: &dyn Answers) -> Result<Played, String> {
    let mut run = Run::new(plugin);
    for (number, step) in history.0.iter().enumerate() {
        let done = run.step(step);
        done.map_err(|why| format!("after step {}, `{step}`:\n{why}", number + 1))?;
    }
    run.rest().map_err(|why| format!("at rest:\n{why}"))?;
    run.transcript
        .push(serde_json::from_str(&run.host.stored_text().expect("the store as text")).expect("JSON"));
    run.transcript.push(serde_json::to_value(run.host.mails()).expect("mails as JSON"));
    Ok(Played { counts: run.counts, transcript: run.transcript })
}

struct Run<'a> {
    plugin: &'a dyn Answers,
    host: Arc<MemoryHost>,
    model: Model,
    /// The host's id of each invitation, in the order in which they were made, and `#n` of each id.
    ids: Vec<InvitationKey>,
    names: BTreeMap<String, String>,
    /// The number of each code by its digest, and all that people have seen, by invitation.
    codes: BTreeMap<String, (String, u32)>,
    texts: BTreeMap<String, Vec<String>>,
    /// Where an invitation stood before the step.
    before: BTreeMap<String, State>,
    subjects: Vec<(UserRef, Principal)>,
    /// Digests of the codes that were live before a step.
    live: Vec<(InvitationKey, Vec<String>)>,
    told: guarantees::History,
    /// The names that one may try to invite, by the digests that stand for them in the audit trail.
    digests: BTreeMap<Vec<u8>, Vec<u8>>,
    /// So many events and mails were there before the step.
    audited: usize,
    mailed: usize,
    counts: Counts,
    transcript: Vec<Value>,
}

fn principal(who: u8) -> Principal {
    match WHO[usize::from(who)].1 {
        "" => Principal::System,
        "-" | "*" => Principal::Anonymous,
        text => match text.split_once(':') {
            Some((_, id)) => Principal::Client(id.to_owned()),
            None => {
                let (organization, id) = text.split_once('/').expect("an account");
                Principal::User(life::user(organization, id))
            }
        },
    }
}

fn grant(index: u8) -> Grant {
    let (kind, id) = GRANTS[usize::from(index)].split_once(':').expect("a grant");
    Grant { kind: if kind == "role" { GrantKind::Role } else { GrantKind::Group }, id: id.to_owned() }
}

fn invite_request(asked: &Asked) -> InviteRequest {
    let mut grants: Vec<_> = asked.grants.iter().map(|index| grant(*index)).collect();
    if asked.has("twice") {
        grants.extend(grants.first().cloned());
    }
    let lifetime = match (asked.has("hour"), asked.has("never")) {
        (true, _) => LifetimeChoice::Lasting(3_600_000),
        (_, true) => LifetimeChoice::Never,
        _ => LifetimeChoice::Default,
    };
    let landing = match (asked.has("landing"), asked.has("astray")) {
        (true, _) => Some("https://app.acme.example/welcome"),
        (_, true) => Some("https://elsewhere.example/"),
        _ => None,
    };
    let key = ["key-1", "key-2"].into_iter().find(|key| asked.has(key));
    InviteRequest {
        names: asked.names.iter().map(|index| name(*index).to_owned()).collect(),
        userstore_domain: asked.has("store").then(|| "NOWHERE".to_owned()),
        grants,
        lifetime,
        notify: asked.has("external").then_some(Notify::External),
        template: None,
        language: asked.has("german").then(|| "de-AT".to_owned()),
        landing: landing.map(str::to_owned),
        metadata: vec![],
        idempotency_key: key.map(str::to_owned),
    }
}

fn states(asked: &Asked) -> Vec<State> {
    let pending = [State::Pending].into_iter().filter(|_| asked.has("pending"));
    let ended = [State::Accepted, State::Expired, State::Revoked, State::Declined, State::Failed];
    pending.chain(ended.into_iter().filter(|_| asked.has("ended"))).collect()
}

impl<'a> Run<'a> {
    fn new(plugin: &'a dyn Answers) -> Self {
        let host = Arc::new(MemoryHost::from_yaml(WORLD).unwrap_or_else(|error| panic!("{error}")));
        let model = Model::new(BTreeMap::new(), Seen::default(), host.now());
        let digests = digests(&host);
        let mut run = Self {
            plugin,
            host,
            model,
            ids: vec![],
            names: BTreeMap::new(),
            codes: BTreeMap::new(),
            texts: BTreeMap::new(),
            before: BTreeMap::new(),
            subjects: vec![],
            live: vec![],
            told: guarantees::History::default(),
            digests,
            audited: 0,
            mailed: 0,
            counts: Counts::new(),
            transcript: vec![],
        };
        let world = run.host.snapshot();
        run.model.seen = run.observe(&world);
        run.learn(&world);
        run
    }

    fn count(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        self.model.seen.mails.clear();
        self.model.seen.audit.clear();
        let calls = matches!(step, Step::Call(..));
        let world = match step {
            Step::Call(asked, strike) => self.call(asked, *strike)?,
            Step::Clock(clock) => {
                self.move_clock(*clock);
                self.host.snapshot()
            }
            Step::Life(what) => self.live(what)?,
        };
        self.learn(&world);
        // Only calls can break them.
        let broken = if calls { guarantees::broken(&guarantees::ALWAYS, &world, &self.told) } else { vec![] };
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }

    // Asking.

    /// The invitation that is meant, counted from the newest.
    fn row(&self, index: u8) -> Option<usize> {
        let count = self.ids.len();
        (count > 0 && index != NEVER).then(|| count - 1 - usize::from(index) % count)
    }

    fn id(&self, index: u8) -> (String, String) {
        let nobody = || ("00000000-0000-4000-8000-000000000000".to_owned(), "#none".to_owned());
        self.row(index).map_or_else(nobody, |row| (self.ids[row].id.clone(), format!("#{row}")))
    }

    fn handle(&self, asked: &Asked) -> (Handle, Means) {
        let index = asked.rows.first().copied().unwrap_or_default();
        let (id, name) = self.id(index);
        let Some(code) = asked.code else {
            let organization = self.row(index).map_or("acme", |row| &self.ids[row].organization).to_owned();
            let key = |id| InvitationKey { organization: organization.clone(), id };
            return (Handle::Id(key(id)), Means::Id(key(name)));
        };
        let unknown = Code::new(std::array::from_fn(|place| u8::try_from(place).unwrap_or(0))).reveal();
        let texts = self.texts.get(&name).map(Vec::as_slice).unwrap_or_default();
        let text = match texts.len() {
            0 => unknown,
            count => texts[count - 1 - usize::from(code) % count].clone(),
        };
        if asked.has("cut") {
            return (Handle::Code(text[..20].to_owned()), Means::Malformed);
        }
        let known = self.codes.get(&digest(&text)).cloned();
        (Handle::Code(text), Means::Code(known))
    }

    fn request(&self, asked: &Asked) -> (Request, Ask) {
        let first = asked.rows.first().copied().unwrap_or_default();
        let (id, name) = self.id(first);
        let reason = || asked.has("reason").then(|| "because".to_owned());
        match asked.operation {
            Operation::Invite => {
                let request = invite_request(asked);
                (Request::Invite(request.clone()), Ask::Invite(request))
            }
            Operation::List => {
                let inviter = asked.has("inviter").then(|| principal(1));
                let filter = InvitationFilter {
                    states: states(asked),
                    grant: None,
                    inviter,
                    invitee: None,
                    name_prefix: None,
                    dismissed: match (asked.has("dismissed"), asked.has("listed")) {
                        (true, _) => Some(true),
                        (_, true) => Some(false),
                        _ => None,
                    },
                };
                (Request::List(filter.clone()), Ask::List(filter))
            }
            Operation::Get => (Request::Get(id), Ask::Get(name)),
            Operation::Resend => {
                // One code for each: only the last of two would ever be seen.
                let (mut ids, mut names): (Vec<_>, Vec<_>) =
                    asked.rows.iter().map(|index| self.id(*index)).unzip();
                ids.dedup();
                names.dedup();
                (Request::Resend(ids), Ask::Resend(names))
            }
            Operation::Revoke => (Request::Revoke(id, reason()), Ask::Revoke(name, reason())),
            Operation::RevokeAll => {
                let nobody = || (life::user("root", "u-alice"), principal(1));
                let (invitee, inviter) =
                    self.row(first).map_or_else(nobody, |row| self.subjects[row].clone());
                let owner =
                    if asked.has("inviter") { Owner::Inviter(inviter) } else { Owner::Invitee(invitee) };
                (Request::RevokeAll(owner.clone()), Ask::RevokeAll(owner))
            }
            Operation::Approve => (Request::Approve(id), Ask::Approve(name)),
            Operation::Reject => (Request::Reject(id, reason()), Ask::Reject(name, reason())),
            Operation::Dismiss => (Request::Dismiss(id), Ask::Dismiss(name)),
            Operation::ListMine => (Request::ListMine(states(asked)), Ask::ListMine(states(asked))),
            Operation::Introspect => {
                let (handle, means) = self.handle(asked);
                (Request::Introspect(handle), Ask::Introspect(means))
            }
            Operation::Accept => {
                let (handle, means) = self.handle(asked);
                (Request::Accept(handle), Ask::Accept(means))
            }
            Operation::Decline => {
                let (handle, means) = self.handle(asked);
                (Request::Decline(handle, reason()), Ask::Decline(means, reason()))
            }
            Operation::Sweep => (Request::Sweep, Ask::Sweep),
        }
    }

    fn call(&mut self, asked: &Asked, strike: Option<Strike>) -> Result<Snapshot, String> {
        let (request, ask) = self.request(asked);
        let first = self.row(asked.rows.first().copied().unwrap_or_default());
        let who = match first {
            Some(row) if WHO[usize::from(asked.who)].1 == "*" => {
                Principal::User(self.subjects[row].0.clone())
            }
            _ => principal(asked.who),
        };
        let place = Some(PLACES[usize::from(asked.place)]).filter(|place| !place.is_empty());
        let plan = Arc::new(FaultPlan::new(strike.map(Strike::plan)));
        let context = self.host.context(place, who.clone());
        let reply = self.plugin.answer(&self.host, context, &request, plan.clone());
        self.transcript.push(serde_json::to_value(&reply).expect("an answer as JSON"));
        let strike = strike.filter(|_| plan.spent());
        let world = self.host.snapshot();
        if let Some(reply) = &reply {
            self.read_codes(&world, reply);
        }
        let seen = self.observe(&world);
        let words = reply.as_ref().map(|reply| self.words(reply));
        self.model = self.expected(&who, place, &ask, strike, &words, &seen)?;
        let operation = asked.operation.name();
        self.count(format!("call: {operation}"));
        for word in words.iter().flatten() {
            let first = word.split([' ', ',']).next().unwrap_or_default();
            let first = if first.starts_with('#') { "shown" } else { first };
            let nested = word.split(' ').nth(1).filter(|_| ["wrong-state", "not-invitable"].contains(&first));
            self.count(format!("{operation}: {first} {}", nested.unwrap_or_default()).trim_end().to_owned());
        }
        if let Some(strike) = strike {
            let then_on = if strike.then_on { ", then on" } else { "" };
            self.count(format!("fault: {}{then_on}", FAULTS[usize::from(strike.fault)]));
        }
        if let Some(reply) = &reply {
            let words = Word::of(place.unwrap_or_default(), &request.into(), reply, &self.live);
            self.told.0.extend(words.into_iter().map(|word| Told { at: world.audit.len(), word }));
        }
        Ok(world)
    }

    /// What the contract allows: without a fault one outcome; with one, what is left when the host fails
    /// at some place of the operation, or when the operation got over it.
    fn expected(
        &self,
        who: &Principal,
        place: Option<&str>,
        ask: &Ask,
        strike: Option<Strike>,
        words: &Option<Vec<String>>,
        seen: &Seen,
    ) -> Result<Model, String> {
        let outcome = |luck: Luck| {
            let mut model = self.model.clone();
            model.luck = luck;
            let answer = model.call(who, place, ask);
            model.seen = std::mem::take(&mut model.seen).ordered();
            (model, answer)
        };
        let (honest, answer) = outcome(Luck::default());
        if answer == *words && honest.seen == *seen {
            return Ok(honest);
        }
        let mut closest = difference(&answer, &honest.seen, words, seen);
        if let Some(strike) = strike {
            for at in 0.. {
                let (model, answer) = outcome(Luck {
                    at: Some(at),
                    then_on: strike.then_on,
                    fault: Some(strike.fault()),
                    silent: strike.silent(),
                    asked: 0,
                });
                if answer == *words && model.seen == *seen {
                    return Ok(model);
                }
                let other = difference(&answer, &model.seen, words, seen);
                if other.len() < closest.len() {
                    closest = other;
                }
                if model.luck.asked <= at {
                    break;
                }
            }
        }
        Err(format!("the model says `-`, the plugin did `+`:\n{}", closest.join("\n")))
    }

    // Looking.

    /// The host's state in the names of the model. New invitations get the next numbers.
    fn observe(&mut self, world: &Snapshot) -> Seen {
        for event in world.audit[self.audited..].iter().filter(|event| is_made(event)) {
            let (Some(organization), Some(id)) = (event.organization.clone(), event.invitation.clone())
            else {
                continue;
            };
            self.names.insert(id.clone(), format!("#{}", self.ids.len()));
            let row = world.invitations.iter().find(|row| row.invitation.key.id == id);
            let subject = row.map(|row| row.invitation.subject.clone());
            let Some(Subject::User(subject)) = subject else { panic!("an invitation without a row") };
            self.subjects.push((subject, event.actor.clone()));
            self.ids.push(InvitationKey { organization, id });
        }
        self.number_codes(world);
        let name = |id: &str| self.names.get(id).cloned().unwrap_or_else(|| format!("unknown {id}"));
        let mut seen = Seen::default();
        for stored in &world.invitations {
            let mut stored = stored.clone();
            let row = &mut stored.invitation;
            row.key.id = name(&row.key.id);
            row.last_operation.clear();
            row.replaces = row.replaces.as_deref().map(name);
            stored.hidden_until = 0;
            stored.codes = stored.codes.iter().map(|code| self.codes[code].1.to_string()).collect();
            seen.rows.insert(stored.invitation.key.id.clone(), stored);
        }
        for (id, log) in world.applied.values().flatten() {
            seen.applied.insert(name(id), log.clone());
        }
        for waiting in &world.outbox {
            let mut waiting = waiting.clone();
            waiting.entry.invitation = name(&waiting.entry.invitation);
            waiting.entry.due_at = 0;
            seen.outbox.push(waiting);
        }
        for (organization, view) in &world.organizations {
            let owed = |held: &BTreeMap<String, Option<String>>| {
                held.iter().map(|(id, by)| (id.clone(), by.as_deref().map(name))).collect()
            };
            let member = |member: &MemberView| MemberView {
                id: String::new(),
                name: member.name.clone(),
                account: member.account.clone(),
                invitation: member.invitation.as_deref().map(name),
                groups: owed(&member.groups),
                roles: owed(&member.roles),
                leases: member.leases.clone(),
            };
            let mut members: Vec<_> = view.members.iter().map(member).collect();
            members.sort_by_cached_key(|member| format!("{:?}", member.account));
            seen.members.insert(organization.clone(), members);
        }
        seen.mails = world.mails[self.mailed..].iter().map(|mail| self.mail(mail)).collect();
        seen.taken = world.taken.iter().map(|mail| self.mail(mail)).collect();
        let events = world.audit[self.audited..].iter().filter(|event| !event.kind.is_worldly());
        seen.audit = events.map(|event| self.event(event)).collect();
        seen.ordered()
    }

    fn mail(&self, mail: &Mail) -> Mail {
        let mut mail = mail.clone();
        mail.invitation = self.names.get(&mail.invitation).cloned().unwrap_or_default();
        mail.code = mail.code.map(|code| match self.codes.get(&digest(&code)) {
            Some((_, number)) => number.to_string(),
            None => "a code that was never stored".to_owned(),
        });
        mail.subject.clear();
        mail.link = None;
        mail
    }

    fn event(&self, event: &AuditEvent) -> AuditEvent {
        let mut event = event.clone();
        event.request_id.clear();
        let name = |id: &String| self.names.get(id).cloned();
        event.invitation = event.invitation.map(|id| name(&id).unwrap_or("#none".into()));
        // A name that nobody has asked for would be the digest of none.
        event.name = event.name.map(|digest| self.digests.get(&digest).cloned().unwrap_or(digest));
        event
    }

    /// Each new code of an invitation gets the next number.
    fn number_codes(&mut self, world: &Snapshot) {
        for stored in &world.invitations {
            let name = self.names[&stored.invitation.key.id].clone();
            for code in &stored.codes {
                if !self.codes.contains_key(code) {
                    let earlier =
                        self.codes.values().filter(|(whose, _)| *whose == name).map(|(_, number)| *number);
                    let number = earlier.max().unwrap_or(0) + 1;
                    self.codes.insert(code.clone(), (name.clone(), number));
                }
            }
        }
        for mail in &world.mails[self.mailed..] {
            if let (Some(name), Some(code)) = (self.names.get(&mail.invitation), &mail.code) {
                self.texts.entry(name.clone()).or_default().push(code.clone());
            }
        }
    }

    /// Codes that an answer shows on purpose. Their numbers are given when the store is looked at.
    fn read_codes(&mut self, world: &Snapshot, reply: &Reply) {
        for invited in guarantees::invited(reply) {
            let mut made = world.audit[self.audited..].iter().filter(|event| is_made(event));
            let number = made
                .position(|event| event.invitation.as_ref() == Some(&invited.id))
                .map(|at| at + self.ids.len());
            let name =
                number.map(|number| format!("#{number}")).or_else(|| self.names.get(&invited.id).cloned());
            if let (Some(name), Some(code)) = (name, &invited.code) {
                self.texts.entry(name).or_default().push(code.clone());
            }
        }
    }

    /// Takes over what is not predicted: facts of the world, and the host's own timing.
    fn learn(&mut self, world: &Snapshot) {
        self.live = guarantees::codes(world);
        self.model.made = self.ids.len();
        self.model.wall = world.now;
        self.model.clock = world.store_now;
        self.model.luck = Luck::default();
        self.model.facts.clone_from(&world.organizations);
        let name = |id: &String| self.names.get(id).cloned().unwrap_or_default();
        let hidden = world.invitations.iter().map(|row| (name(&row.invitation.key.id), row.hidden_until));
        self.model.hidden = hidden.collect();
        self.model.order = self.names.iter().map(|(id, name)| (name.clone(), id.clone())).collect();
        let due = world.outbox.iter().map(|waiting| &waiting.entry);
        self.model.due =
            due.map(|entry| ((name(&entry.invitation), format!("{:?}", entry.kind)), entry.due_at)).collect();
        for event in &world.audit[self.audited..] {
            let id = event.invitation.as_ref().map(name).unwrap_or_default();
            if let Some(change) = event.text().strip_prefix("invitation.").filter(|_| !is_made(event)) {
                let from = self.before.get(&id).filter(|_| ["revoked", "expired"].contains(&change));
                let from = from.map(|state| format!(" from {}", kebab(state))).unwrap_or_default();
                *self.counts.entry(format!("change: {change}{from}")).or_default() += 1;
                let row = self.model.seen.rows.get(&id).filter(|_| change == "accepted");
                for result in row.iter().flat_map(|row| &row.invitation.outcomes) {
                    let what = if result.step == types::Step::Member { "member" } else { "grant" };
                    *self.counts.entry(format!("{what}: {}", kebab(&result.outcome))).or_default() += 1;
                }
            }
        }
        for mail in &world.mails[self.mailed..] {
            *self.counts.entry(format!("mail: {}", kebab(&mail.kind))).or_default() += 1;
        }
        self.audited = world.audit.len();
        self.mailed = world.mails.len();
        self.before =
            self.model.seen.rows.iter().map(|(id, row)| (id.clone(), row.invitation.state)).collect();
    }

    // What happens.

    fn live(&mut self, what: &'static str) -> Result<Snapshot, String> {
        let newest = self.subjects.last().map(|(subject, _)| subject.clone());
        let newest = newest.unwrap_or_else(|| life::user("root", "u-alice"));
        let happened = match what {
            "unmember-newest" => self.host.remove_member("acme", &newest),
            "member-newest" => self.host.add_member("acme", &newest),
            what => life::happen(&self.host, what),
        };
        let happened = happened.is_ok();
        self.count(format!("life: {what}{}", if happened { "" } else { ", impossible" }));
        match what {
            "mail-fails" => self.model.mail = MailMode::Fail,
            "mail-works" => self.model.mail = MailMode::Deliver,
            "mail-takes" => self.model.mail = MailMode::Take,
            "taken-arrives" | "taken-returns" => self.model.settle_taken(what == "taken-arrives"),
            _ => {}
        }
        if happened && let Some(who) = what.strip_prefix("unmember-") {
            let account = if who == "newest" { newest } else { life::user("root", &format!("u-{who}")) };
            self.model.removed("acme", &account);
            self.told.note(&self.host, Word::Removed("acme".into(), account));
        }
        if happened && what == "email-of-alice" {
            self.model.address_changed(&life::user("root", "u-alice"), "alice@new.example");
        }
        let world = self.host.snapshot();
        let seen = self.observe(&world);
        self.model.seen.members.clone_from(&seen.members);
        let model = std::mem::take(&mut self.model.seen).ordered();
        let same = model == seen;
        let different = difference(&None, &model, &None, &seen);
        self.model.seen = model;
        if same { Ok(world) } else { Err(different.join("\n")) }
    }

    fn move_clock(&mut self, clock: Clock) {
        let end = |index: u8, of: fn(&Invitation) -> Option<u64>| {
            let row = self.row(index).and_then(|row| self.model.seen.rows.get(&format!("#{row}")));
            row.and_then(|row| of(&row.invitation))
        };
        let to = match clock {
            Clock::Advance(length) => return self.host.advance(length),
            Clock::Back(length) => self.host.now().saturating_sub(length),
            Clock::Far => self.host.now().saturating_add(500 * 365 * 86_400_000),
            Clock::Expiry(index, more) => match end(index, |row| row.expires_at) {
                Some(end) => end.saturating_add_signed(more),
                None => return,
            },
            Clock::Lease(index, more) => match end(index, |row| row.lease_until) {
                Some(end) => end.saturating_add_signed(more),
                None => return,
            },
        };
        self.count(format!(
            "clock: {}",
            Step::Clock(clock).to_string().split(':').next().unwrap_or_default()
        ));
        self.host.set_clock(to);
    }

    /// Everything is well again, time passes, and the host sweeps: then nothing is half done.
    fn rest(&mut self) -> Result<(), String> {
        for word in ["resume", "settings-agree", "mail-works", "taken-arrives"] {
            self.step(&Step::Life(word))?;
        }
        self.host.set_clock(self.host.store_now());
        self.step(&Step::Clock(Clock::Advance(LATER)))?;
        // The second one sends the notices of what the first one ends.
        for place in ["acme", "beta", "acme", "beta"] {
            self.step(&format!("sweep:system@{place}:").parse()?)?;
        }
        let mut world = self.host.snapshot();
        // What is held back for an organization that is gone waits for ever.
        let gone = |place: &str| world.organizations[place].deleted;
        let gone: BTreeSet<_> = ["acme", "beta"].into_iter().filter(|place| gone(place)).collect();
        world.outbox.retain(|waiting| !gone.contains(waiting.organization.as_str()));
        // And of what cannot be accepted, until its own end.
        for (id, key) in self.ids.iter().enumerate().map(|(number, key)| (format!("#{number}"), key.clone()))
        {
            if self.model.is_obstructed(&id) {
                self.told.note(&self.host, Word::Obstructed(key));
            }
        }
        let broken = guarantees::broken(&guarantees::AT_REST, &world, &self.told);
        let stored = self.host.stored_text().map_err(|error| error.to_string())?;
        for text in self.texts.values().flatten() {
            // The part between the prefix and the checksum is the secret.
            if stored.contains(&text[5..48]) {
                return Err(format!("I-SEC1: {text} is stored"));
            }
        }
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }

    // Answers in the model's words.

    fn words(&self, reply: &Reply) -> Vec<String> {
        let now = self.host.store_now();
        let one = |word: String| vec![word];
        let name = |id: &String| self.names.get(id).cloned().unwrap_or_else(|| format!("unknown {id}"));
        let names = |ids: &Vec<String>| {
            let mut names: Vec<_> = ids.iter().map(name).collect();
            names.sort();
            names
        };
        let row = |row: &Invitation| {
            let mut row = row.clone();
            row.key.id = name(&row.key.id);
            shown(&row, now)
        };
        let invited = |item: &Invited| {
            let extra = if item.existed {
                "existed"
            } else if item.code.is_some() {
                "code"
            } else {
                ""
            };
            let withheld: Vec<_> = item.withheld.iter().map(|index| *index as usize).collect();
            invited(&name(&item.id), item.state, item.mail, item.expires_at, &withheld, extra)
        };
        let item = |item: &ItemRefusal| match item {
            ItemRefusal::ActiveInvitation(id) => format!("active-invitation {}", name(id)),
            ItemRefusal::Obstacle(obstacle) => format!("obstacle:{}", kebab(obstacle)),
            item => kebab(item),
        };
        let refusal = |refusal: &Refusal| match refusal {
            Refusal::WrongState(state) => format!("wrong-state {state:?}"),
            Refusal::NotInvitable(why) => format!("not-invitable {}", item(why)),
            refusal => kebab(refusal),
        };
        let invitee = |refusal: &InviteeRefusal| match refusal {
            InviteeRefusal::Ended(ended) => kebab(ended),
            InviteeRefusal::Obstacle(obstacle) => kebab(obstacle),
            refusal => kebab(refusal),
        };
        match reply {
            Reply::Invite(Ok(items)) => {
                items.iter().map(|one| one.as_ref().map_or_else(item, invited)).collect()
            }
            Reply::Resend(Ok(items)) => {
                items.iter().map(|one| one.as_ref().map_or_else(refusal, invited)).collect()
            }
            Reply::Approve(answer) => one(answer.as_ref().map_or_else(refusal, invited)),
            Reply::List(Ok(page)) => {
                let mut rows: Vec<_> = page.items.iter().collect();
                rows.sort_by_key(|row| name(&row.key.id));
                rows.into_iter().map(row).collect()
            }
            Reply::Get(answer) => one(answer.as_ref().map_or_else(refusal, row)),
            Reply::Revoke(answer) | Reply::Reject(answer) | Reply::Dismiss(answer) => {
                one(answer.as_ref().map_or_else(refusal, |()| "ok".into()))
            }
            Reply::RevokeAll(answer) => one(answer.as_ref().map_or_else(refusal, |all| {
                let (revoked, busy, failed) =
                    (names(&all.revoked), names(&all.in_progress), names(&all.failed));
                format!("revoked {revoked:?} in-progress {busy:?} failed {failed:?}")
            })),
            Reply::Invite(Err(why)) | Reply::Resend(Err(why)) | Reply::List(Err(why)) => one(refusal(why)),
            Reply::ListMine(Ok(page)) => {
                let shown = |preview: &guestlist_contract::exports::invitee::Preview| {
                    format!("{} {:?}", name(&preview.key.id), preview.state)
                };
                let mut rows: Vec<_> = page.items.iter().map(shown).collect();
                rows.sort();
                rows
            }
            Reply::ListMine(Err(why)) => one(invitee(why)),
            Reply::Introspect(answer) => one(answer.as_ref().map_or_else(invitee, |preview| {
                format!("{} {:?} {:?}", name(&preview.key.id), preview.state, preview.accept_with)
            })),
            Reply::Accept(answer) => one(answer.as_ref().map_or_else(invitee, |done| {
                accepted(done.repeated, done.member, &done.landing, &done.outcomes)
            })),
            Reply::Decline(answer) => one(answer.as_ref().map_or_else(invitee, |()| "ok".into())),
            Reply::Sweep(answer) => one(match answer {
                Ok(done) => format!(
                    "Swept {{ finished: {}, sent: {}, expired: {}, purged: {}, failed: {} }}",
                    done.finished, done.sent, done.expired, done.purged, done.failed
                ),
                Err(why) => kebab(why),
            }),
        }
    }
}

fn is_made(event: &AuditEvent) -> bool {
    event.kind == EventKind::InvitationCreated
}

/// What this host writes into its trail for each name, found out on a copy of it.
fn digests(host: &MemoryHost) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let copy = host.fork();
    let names: Vec<_> = (0..NAMES.len()).map(|index| name(u8::try_from(index).expect("few names"))).collect();
    let refusal = |name: &&str| audit::Refusal {
        operation: "invitations.invite".into(),
        invitation: None,
        subject: None,
        name: Some((*name).to_owned()),
        word: audit::Word::Duplicate,
    };
    let call = copy.call(Operation::Invite, Some("acme"), principal(1));
    let refusals = names.iter().map(refusal).collect();
    wait(Audit::record_refusals(&copy, &call, Some("acme".into()), refusals)).expect("a healthy host");
    let events = copy.audit();
    let events = &events[events.len() - names.len()..];
    let digest = |event: &AuditEvent| event.name.clone().expect("a digest");
    events.iter().map(digest).zip(names.iter().map(|name| known_by(name))).collect()
}

/// The digest of a code as the store keeps it.
fn digest(code: &str) -> String {
    let digest = Code::parse(code).map(|code| code.digest()).unwrap_or_default();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `Refusal::NotPermitted` as `not-permitted`.
fn kebab(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let text = text.split(['(', '{', ' ']).next().unwrap_or_default();
    let mut word = String::new();
    for letter in text.rsplit("::").next().unwrap_or_default().chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// The lines that only one side has.
fn difference(
    expected: &Option<Vec<String>>,
    model: &Seen,
    found: &Option<Vec<String>>,
    seen: &Seen,
) -> Vec<String> {
    let text = |answer: &Option<Vec<String>>, seen: &Seen| {
        let mut lines = vec![format!("answered {answer:?}")];
        lines.extend(seen.rows.values().map(|row| format!("{row:?}")));
        lines.extend(seen.applied.iter().map(|row| format!("{row:?}")));
        lines.extend(seen.outbox.iter().map(|row| format!("{row:?}")));
        lines.extend(
            seen.members
                .iter()
                .flat_map(|(place, all)| all.iter().map(move |one| format!("{place} has {one:?}"))),
        );
        lines.extend(seen.taken.iter().map(|row| format!("taken {row:?}")));
        lines.extend(seen.mails.iter().map(|row| format!("{row:?}")));
        lines.extend(seen.audit.iter().map(|row| format!("{row:?}")));
        lines
    };
    let (model, seen) = (text(expected, model), text(found, seen));
    let missing = |from: &[String], of: &[String], sign: &str| {
        of.iter().filter(|line| !from.contains(line)).map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    let mut lines = missing(&seen, &model, "-");
    lines.extend(missing(&model, &seen, "+"));
    lines
}
