//! What Guestlist does, said a second time and as simply as possible.
//!
//! Written from the contract in `wit/` and from `docs/guarantees.md`, not from the plugin: no retries, no
//! versions to guard, no batches, because here nothing runs beside anything else. One function for each
//! operation says what is answered and what changes. Every `read`, `write` and `turn` is a place where the
//! host may fail ([`Luck`]); what is left then is what the contract allows. A reader should see that it is
//! right, because the plugin is judged by it.

mod answering;
mod inviting;
mod mail;
mod managing;

use std::collections::BTreeMap;

use guestlist_contract::{
    audit::{EventKind, Word},
    exports::invitations::{InviteRequest, LifetimeChoice, Owner},
    settings::{Codes, Notices, Values},
    types::{
        AcceptWith, Grant, GrantKind, Invitation, InvitationFilter, InvitationKey, MailState, MessageKind,
        Notify, Permissions, Principal, State, Subject, UserRef,
    },
};
use guestlist_memory::{
    AppliedSteps, AuditEvent, Mail, MailMode, MemberView, Moment, OrganizationView, OutboxEntry, OutboxView,
    Person, Rule, StoredInvitation, judge,
};
use guestlist_testkit::Fault;

pub use answering::accepted;

use crate::calls::Request;

/// Everything that a call may change, in the host's own terms. Ids are `#0`, `#1` .. in the order in
/// which the invitations were made, codes are numbered for each invitation; what the contract leaves to
/// the host (local ids, when a waiting mail is looked at again) is blank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub rows: BTreeMap<String, StoredInvitation>,
    pub applied: BTreeMap<String, AppliedSteps>,
    pub outbox: Vec<OutboxView>,
    pub members: BTreeMap<String, Vec<MemberView>>,
    /// The mails of this step.
    pub mails: Vec<Mail>,
    /// Mails that the mail system has taken and not yet delivered.
    pub taken: Vec<Mail>,
    /// The audit events of this step.
    pub audit: Vec<AuditEvent>,
}

impl Seen {
    /// In an order that does not depend on random ids.
    pub fn ordered(mut self) -> Self {
        self.outbox
            .sort_by_cached_key(|waiting| (waiting.entry.invitation.clone(), text(&waiting.entry.kind)));
        for mails in [&mut self.mails, &mut self.taken] {
            mails.sort_by_cached_key(text);
        }
        self.audit.sort_by_cached_key(text);
        self
    }
}

fn text(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

/// Where in an operation the host fails, and how. Which host call that is, is the plugin's business:
/// after a fault the model is asked with every place in turn.
#[derive(Clone, Debug, Default)]
pub struct Luck {
    /// At this place, counted from 0; absent: nowhere.
    pub at: Option<usize>,
    /// And at all later ones.
    pub then_on: bool,
    pub fault: Option<Fault>,
    /// Only the policy gives no answer, to this question.
    pub silent: Option<Moment>,
    /// Places so far.
    pub asked: usize,
}

/// Why an operation does not go on.
#[derive(Clone, Debug)]
pub enum Stop {
    /// A refusal; its first word, or what follows `not-invitable`, is the word in the audit trail.
    Says(String),
    /// The same, and its event is written already.
    Noted(String),
    Fails,
    Crashes,
}

/// The word for a policy that gives no answer.
const SILENT: &str = "policy-unavailable";

type Answer<T = String> = Result<T, Stop>;

fn says<T>(what: impl Into<String>) -> Answer<T> {
    Err(Stop::Says(what.into()))
}

fn must(holds: bool, otherwise: &str) -> Answer<()> {
    if holds { Ok(()) } else { says(otherwise) }
}

/// What a caller remembers to have been told for an idempotency key.
#[derive(Clone, Debug)]
struct Remembered {
    place: String,
    who: Principal,
    request: InviteRequest,
    at: u64,
    items: BTreeMap<usize, Result<String, String>>,
}

/// Which invitation a signed-in person means: a code of it by its number, or its id.
#[derive(Clone, Debug)]
pub enum Means {
    Code(Option<(String, u32)>),
    Malformed,
    Id(InvitationKey),
}

/// What is asked, in the names of the model.
pub type Ask = Request<Means>;

#[derive(Clone, Debug)]
pub struct Model {
    pub wall: u64,
    /// The store's clock.
    pub clock: u64,
    /// What is so, for reasons outside of this product. The members are in `seen`.
    pub facts: BTreeMap<String, OrganizationView>,
    pub seen: Seen,
    /// How many invitations were ever made.
    pub made: usize,
    pub mail: MailMode,
    /// What the contract leaves to the host: until when a row, and until when a message, is not looked at,
    /// and which of two comes first where nothing else tells.
    pub hidden: BTreeMap<String, u64>,
    pub due: BTreeMap<(String, String), u64>,
    pub order: BTreeMap<String, String>,
    remembered: Vec<Remembered>,
    pub luck: Luck,
    who: Principal,
    place: Option<String>,
    operation: &'static str,
    /// The account that each name of the request turned out to mean.
    meant: Vec<Option<UserRef>>,
    /// The invitation that was found last: what is refused from then on is about it.
    found: Option<String>,
}

/// A row whose time has run out reads `expired` before anybody has written it.
fn state(row: &Invitation, now: u64) -> State {
    let open = matches!(row.state, State::AwaitingApproval | State::Pending);
    if open && row.expires_at.is_some_and(|end| end <= now) { State::Expired } else { row.state }
}

/// Something that was asked and not done: the invitation, and the word for the audit trail.
type Refused = (Option<String>, Word);

/// Tells whether an answer leaves an event: what the plugin could not find out is no refusal.
fn refusal<T>(id: Option<String>, answer: &Answer<T>) -> Option<Refused> {
    let Err(Stop::Says(said)) = answer else { return None };
    Some((id, word(said)?))
}

/// The word in the audit trail for an answer.
fn word(said: &str) -> Option<Word> {
    let said = said.strip_prefix("not-invitable ").unwrap_or(said);
    let said = said.strip_prefix("obstacle:").unwrap_or(said);
    Word::of_text(said.split(' ').next().unwrap_or_default()).filter(|word| *word != Word::Unavailable)
}

fn is_active(state: State) -> bool {
    matches!(state, State::AwaitingApproval | State::Pending | State::Accepting)
}

/// Whether a message has something to say while the invitation is in this state.
fn makes_sense(kind: &MessageKind, state: State) -> bool {
    match kind {
        MessageKind::Invitation | MessageKind::Reminder => state == State::Pending,
        MessageKind::ApprovalRequested => state == State::AwaitingApproval,
        _ => true,
    }
}

fn account(subject: &Subject) -> UserRef {
    match subject {
        Subject::User(user) => user.clone(),
        Subject::Contact(_) => unreachable!("nobody invites contacts"),
    }
}

fn strictest(one: AcceptWith, other: AcceptWith) -> AcceptWith {
    let rank = |mode| match mode {
        AcceptWith::Code => 0,
        AcceptWith::Invitee => 1,
        AcceptWith::InviteeAndCode => 2,
    };
    if rank(one) >= rank(other) { one } else { other }
}

/// The mail that goes with a new code.
fn letter(row: &Invitation) -> Option<MessageKind> {
    (row.notify == Notify::Internal).then_some(MessageKind::Invitation)
}

fn grants(guest: &MemberView, kind: GrantKind) -> &BTreeMap<String, Option<String>> {
    if kind == GrantKind::Group { &guest.groups } else { &guest.roles }
}

fn grants_mut(guest: &mut MemberView, kind: GrantKind) -> &mut BTreeMap<String, Option<String>> {
    if kind == GrantKind::Group { &mut guest.groups } else { &mut guest.roles }
}

/// An invitation in an answer. The rest of it is compared with what is stored.
pub fn shown(row: &Invitation, now: u64) -> String {
    format!("{} {:?} {}", row.key.id, state(row, now), row.version)
}

/// What an inviter is told.
pub fn invited(
    id: &str,
    state: State,
    mail: MailState,
    end: Option<u64>,
    without: &[usize],
    extra: &str,
) -> String {
    format!("invited {id} {state:?} {mail:?} until {end:?} without {without:?} {extra}")
}

fn lifetime(choice: LifetimeChoice, settings: &Values) -> Answer<Option<u64>> {
    match choice {
        LifetimeChoice::Default => Ok(Some(settings.lifetime)),
        LifetimeChoice::Lasting(time) if (settings.lifetime_min..=settings.lifetime_max).contains(&time) => {
            Ok(Some(time))
        }
        LifetimeChoice::Never if settings.allow_never => Ok(None),
        _ => says("lifetime-out-of-bounds"),
    }
}

/// Those who may give a group or role in this world, and which role in the parent it takes to receive it.
pub const ONLY_BEN_GIVES: &str = "g-vault";
pub const FOR_CONSOLE_ONLY: (&str, &str) = ("r-admin", "r-console");

impl Model {
    pub fn new(facts: BTreeMap<String, OrganizationView>, seen: Seen, now: u64) -> Self {
        Self {
            wall: now,
            clock: now,
            facts,
            seen,
            made: 0,
            mail: MailMode::Deliver,
            hidden: BTreeMap::new(),
            due: BTreeMap::new(),
            order: BTreeMap::new(),
            remembered: vec![],
            luck: Luck::default(),
            who: Principal::Anonymous,
            place: None,
            operation: "",
            meant: vec![],
            found: None,
        }
    }

    /// One call of an export. `None`: the instance was lost.
    pub fn call(&mut self, who: &Principal, place: Option<&str>, ask: &Ask) -> Option<Vec<String>> {
        (self.who, self.place, self.found) = (who.clone(), place.map(str::to_owned), None);
        self.meant.clear();
        let answer = self.dispatch(ask);
        match answer {
            Ok(words) => Some(words),
            Err(Stop::Says(word) | Stop::Noted(word)) => Some(vec![word]),
            Err(Stop::Fails) => Some(vec!["host".into()]),
            Err(Stop::Crashes) => None,
        }
    }

    fn dispatch(&mut self, ask: &Ask) -> Answer<Vec<String>> {
        let one = |answer: Answer| answer.map(|word| vec![word]);
        match ask {
            Ask::Invite(request) => {
                self.operation = "invite";
                let answer = self.invite(request);
                self.audited("invitations", None, answer)
            }
            Ask::List(filter) => {
                self.operation = "list";
                let answer = self.list(filter);
                self.audited("invitations", None, answer)
            }
            Ask::Get(wanted) => {
                self.operation = "get";
                let answer = self.get(wanted);
                one(self.audited_of_row(answer))
            }
            Ask::Resend(ids) => {
                self.operation = "resend";
                let answer = self.resend(ids);
                self.audited("invitations", None, answer)
            }
            Ask::Revoke(wanted, reason) => {
                self.operation = "revoke";
                let answer = self.revoke(wanted, reason.as_deref());
                one(self.audited_of_row(answer))
            }
            Ask::RevokeAll(owner) => {
                self.operation = "revoke-all";
                let answer = self.revoke_all(owner);
                one(self.audited("invitations", None, answer))
            }
            Ask::Approve(wanted) => {
                self.operation = "approve";
                let answer = self.approve(wanted);
                one(self.audited_of_row(answer))
            }
            Ask::Reject(wanted, reason) => {
                self.operation = "reject";
                let answer = self.reject(wanted, reason.as_deref());
                one(self.audited_of_row(answer))
            }
            Ask::Dismiss(wanted) => {
                self.operation = "dismiss";
                let answer = self.dismiss(wanted);
                one(self.audited_of_row(answer))
            }
            Ask::ListMine(states) => self.list_mine(states),
            Ask::Introspect(means) => one(self.introspect(means)),
            Ask::Accept(means) => {
                self.operation = "accept";
                let mut found = None;
                let answer = self.accept(means, &mut found);
                one(self.audited("invitee", found, answer))
            }
            Ask::Decline(means, reason) => {
                self.operation = "decline";
                let mut found = None;
                let answer = self.decline(means, reason.as_deref(), &mut found);
                one(self.audited("invitee", found, answer))
            }
            Ask::Sweep => {
                self.operation = "sweep";
                let answer = self.sweep();
                one(self.audited("maintenance", None, answer))
            }
        }
    }

    // The host, and how it fails.

    fn struck(&mut self) -> bool {
        self.luck.silent.is_none() && self.falls()
    }

    fn falls(&mut self) -> bool {
        let now = self.luck.asked;
        self.luck.asked += 1;
        self.luck.at.is_some_and(|at| now == at || (self.luck.then_on && now > at))
    }

    fn failure(&self) -> Stop {
        let crash = matches!(self.luck.fault, Some(Fault::CrashBefore | Fault::CrashAfter));
        if crash { Stop::Crashes } else { Stop::Fails }
    }

    fn read(&mut self) -> Answer<()> {
        if self.struck() { Err(self.failure()) } else { Ok(()) }
    }

    /// Reads, where a failure does not end the call.
    fn fails(&mut self) -> Answer<bool> {
        match self.read() {
            Err(Stop::Fails) => Ok(true),
            read => read.map(|()| false),
        }
    }

    /// Asks the policy: whether it gives an answer at all.
    fn is_silent(&mut self, moment: Moment) -> Answer<bool> {
        if self.luck.silent == Some(moment) {
            return Ok(self.falls());
        }
        self.read().map(|()| false)
    }

    /// One commit: it happens as a whole or not at all, and the answer may be lost either way.
    fn write<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> Answer<T> {
        if !self.struck() {
            return Ok(change(self));
        }
        if matches!(self.luck.fault, Some(Fault::FailAfter | Fault::Late(_) | Fault::CrashAfter)) {
            change(self);
        }
        Err(self.failure())
    }

    /// One change of a row, in whose way somebody else may have come.
    fn turn(
        &mut self,
        id: &str,
        by: &str,
        message: Option<MessageKind>,
        change: impl FnOnce(&mut StoredInvitation, u64),
    ) -> Answer<()> {
        let conflict = matches!(self.luck.fault, Some(Fault::Conflict));
        let turned = self.write(|model| {
            model.change(id, by, change);
            if let Some(kind) = message {
                model.enqueue(id, kind);
            }
        });
        if conflict && turned.is_err() { says("conflict") } else { turned }
    }

    /// A change of a row has exactly one event, and raises its version by one.
    fn change(&mut self, id: &str, by: &str, change: impl FnOnce(&mut StoredInvitation, u64)) {
        let now = self.clock;
        let mut stored = self.seen.rows[id].clone();
        stored.invitation.version += 1;
        stored.invitation.lease_until = None;
        change(&mut stored, now);
        let row = &mut stored.invitation;
        row.ended_at = (!is_active(row.state)).then_some(now);
        // What has not been sent and makes no sense any more is not sent.
        let kept = |kind: &MessageKind| makes_sense(kind, row.state);
        self.seen.outbox.retain(|mail| mail.entry.invitation != id || kept(&mail.entry.kind));
        if row.state != State::Pending && row.mail == MailState::Queued {
            row.mail = MailState::None;
        }
        // The trail says in one word why it has failed. Other reasons are people's, and stay on the row.
        let why = row.reason.clone().filter(|_| row.state == State::Failed);
        self.seen.rows.insert(id.to_owned(), stored);
        self.hidden.remove(id);
        self.note_of(id, &format!("invitation.{by}"), why.and_then(|why| word(&why)));
    }

    /// An event of an invitation names its subject.
    fn note_of(&mut self, id: &str, kind: &str, word: Option<Word>) -> &mut AuditEvent {
        let row = &self.seen.rows[id].invitation;
        let (place, subject) = (row.key.organization.clone(), account(&row.subject));
        let event = self.note(Some(&place), kind, word);
        (event.invitation, event.subject) = (Some(id.to_owned()), Some(subject));
        event
    }

    fn note(&mut self, place: Option<&str>, kind: &str, word: Option<Word>) -> &mut AuditEvent {
        self.seen.audit.push(AuditEvent {
            at: self.clock,
            organization: place.map(str::to_owned),
            actor: self.who.clone(),
            request_id: String::new(),
            kind: EventKind::of_text(kind).expect("a kind of event"),
            operation: self.operation.to_owned(),
            invitation: None,
            subject: None,
            name: None,
            grant: None,
            about: None,
            word,
        });
        self.seen.audit.last_mut().expect("an event")
    }

    /// One item of a request, and whom it turned out to mean.
    fn note_item(
        &mut self,
        place: &str,
        name: &str,
        subject: Option<UserRef>,
        word: Word,
    ) -> &mut AuditEvent {
        let event = self.note(Some(place), "item.refused", Some(word));
        (event.name, event.subject) = (Some(known_by(name)), subject);
        event
    }

    /// Each refusal leaves one event; that it could not be written changes nothing.
    fn audited<T>(&mut self, interface: &str, id: Option<String>, answer: Answer<T>) -> Answer<T> {
        let refused = refusal(id, &answer);
        self.record(interface, refused.into_iter().collect())?;
        answer
    }

    /// The same of one invitation, which is named only where it was found.
    fn audited_of_row(&mut self, answer: Answer) -> Answer {
        let found = self.found.take();
        self.audited("invitations", found, answer)
    }

    /// Refusals of one operation go into the audit trail together.
    fn record(&mut self, interface: &str, refused: Vec<Refused>) -> Answer<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let written = self.write(|model| {
            let (place, operation) = (model.place.clone(), format!("{interface}.{}", model.operation));
            for (id, word) in refused {
                let event = match id {
                    Some(id) => model.note_of(&id, "refused", Some(word)),
                    None => model.note(place.as_deref(), "refused", Some(word)),
                };
                event.operation.clone_from(&operation);
            }
        });
        if matches!(written, Err(Stop::Crashes)) { Err(Stop::Crashes) } else { Ok(()) }
    }

    fn enqueue(&mut self, id: &str, kind: MessageKind) {
        self.seen.outbox.retain(|mail| mail.entry.invitation != id || mail.entry.kind != kind);
        self.due.remove(&(id.to_owned(), text(&kind)));
        let organization = self.seen.rows[id].invitation.key.organization.clone();
        let version = self.version(id);
        let entry = OutboxEntry { invitation: id.into(), kind, version, due_at: 0, tries: 0, taken: false };
        let mailed = entry.kind == MessageKind::Invitation;
        self.seen.outbox.push(OutboxView { organization, entry });
        if let Some(stored) = self.seen.rows.get_mut(id).filter(|_| mailed) {
            stored.invitation.mail = MailState::Queued;
        }
    }

    // What is so.

    fn living(&self, place: &str) -> Option<&OrganizationView> {
        self.facts.get(place).filter(|view| !view.deleted)
    }

    fn settings(&self, place: &str) -> Values {
        self.facts[place].settings.clone()
    }

    /// Settings that contradict each other are not worked with.
    fn sound_settings(&self, place: &str, otherwise: Stop) -> Answer<Values> {
        let settings = self.settings(place);
        if judge(&settings).is_err() { Err(otherwise) } else { Ok(settings) }
    }

    /// The organization lets somebody see codes, and the caller is one of those.
    fn may_see_code(&self, place: &str) -> bool {
        self.settings(place).codes != Codes::InviteeOnly
            && self.standing(place, &self.who).contains(Permissions::SEE_CODE)
    }

    /// The person where their account is.
    fn resident(&self, user: &UserRef) -> Option<&Person> {
        self.living(&user.organization)?.residents.get(&user.id)
    }

    fn works(&self, user: &UserRef) -> bool {
        self.resident(user).is_some_and(|person| person.active)
    }

    fn guest(&self, place: &str, user: &UserRef) -> Option<&MemberView> {
        self.seen.members.get(place)?.iter().find(|member| member.account == *user)
    }

    fn is_user_of(&self, place: &str, user: &UserRef) -> bool {
        let there = user.organization == place || self.guest(place, user).is_some();
        self.living(place).is_some() && there && self.works(user)
    }

    fn standing(&self, place: &str, who: &Principal) -> Permissions {
        let entitled =
            self.living(place).and_then(|view| view.permissions.iter().find(|one| one.who == *who));
        let works = match who {
            Principal::User(user) => self.works(user),
            _ => true,
        };
        entitled.filter(|_| works).map_or(Permissions::empty(), |one| one.permissions)
    }

    fn permitted(&self, needed: Permissions) -> Answer<String> {
        let place = self.place.clone();
        let has = place.as_ref().is_some_and(|place| self.standing(place, &self.who).contains(needed));
        must(has, "not-permitted")?;
        place.map_or_else(|| says("organization-not-active"), Ok)
    }

    fn must_be_active(&self, place: &str) -> Answer<()> {
        must(self.living(place).is_some_and(|view| view.active), "organization-not-active")
    }

    fn exists(&self, place: &str, grant: &Grant) -> bool {
        self.living(place).is_some_and(|view| match grant.kind {
            GrantKind::Group => view.groups.contains_key(&grant.id),
            GrantKind::Role => view.roles.contains_key(&grant.id),
        })
    }

    fn may_give(&self, place: &str, inviter: &Principal, grant: &Grant) -> bool {
        let ben = matches!(inviter, Principal::User(user) if user.id == "u-ben");
        self.standing(place, inviter).contains(Permissions::INVITE) && (grant.id != ONLY_BEN_GIVES || ben)
    }

    fn may_receive(&self, place: &str, user: &UserRef, grant: &Grant) -> bool {
        let parent = self.living(place).and_then(|view| self.living(view.parent.as_deref()?));
        let held = parent.and_then(|view| view.residents.get(&user.id)).map(|person| &person.roles);
        let (special, needed) = FOR_CONSOLE_ONLY;
        grant.id != special
            || !self.exists(place, grant)
            || held.is_some_and(|roles| roles.contains_key(needed))
    }

    fn may_be_written_to(&self, place: &str, user: &UserRef) -> bool {
        let address = self.resident(user).and_then(|person| person.email.as_deref());
        let domains = self.living(place).and_then(|view| view.address_domains.as_ref());
        domains.is_none_or(|domains| address.is_some_and(|address| domains.allow(address)))
    }

    /// Somebody else there has the user name that they would get.
    fn is_name_taken(&self, place: &str, user: &UserRef) -> bool {
        let Some((person, view)) = self.resident(user).zip(self.living(place)) else { return false };
        let guests = self.seen.members[place].iter().map(|guest| &guest.name);
        let mut names = view.residents.values().map(|other| &other.name).chain(guests);
        !self.is_member(place, user) && names.any(|taken| taken.eq_ignore_ascii_case(&person.name))
    }

    fn is_member(&self, place: &str, user: &UserRef) -> bool {
        let resident = user.organization == place && self.resident(user).is_some();
        resident || (self.living(place).is_some() && self.guest(place, user).is_some())
    }

    /// The first rule that concerns somebody decides about them, however the name was written.
    fn rule(&self, place: &str, moment: Moment, user: &UserRef) -> Option<Rule> {
        let name = self.resident(user).map(|person| person.name.clone()).unwrap_or_default();
        let mut rules = self.living(place)?.policy.iter();
        let concerns = |rule: &&Rule| {
            let named = |names: &Vec<String>| names.iter().any(|listed| listed.eq_ignore_ascii_case(&name));
            (rule.at == Moment::Always || rule.at == moment) && rule.names.as_ref().is_none_or(named)
        };
        rules.find(concerns).cloned()
    }

    fn row(&self, place: &str, id: &str) -> Answer<Invitation> {
        let row = self.seen.rows.get(id).map(|stored| &stored.invitation);
        let mut row =
            row.filter(|row| row.key.organization == place).cloned().ok_or(Stop::Says("not-found".into()))?;
        row.state = state(&row, self.clock);
        Ok(row)
    }

    fn find_row(&mut self, place: &str, id: &str) -> Answer<Invitation> {
        if id.starts_with('#') {
            self.read()?;
        }
        let row = self.row(place, id)?;
        self.found = Some(id.to_owned());
        Ok(row)
    }
}

/// The code of a change: beside the earlier ones, of which at most so many live, or instead of them.
fn new_code(stored: &mut StoredInvitation, instead: bool) {
    // Codes are numbered; the newest is the last.
    let newest = stored.codes.last().and_then(|code| code.parse::<u32>().ok());
    let kept = if instead { 0 } else { LIVE_CODES - 1 };
    let dead = stored.codes.len().saturating_sub(kept);
    stored.codes.drain(..dead);
    stored.code_versions.drain(..dead);
    stored.codes.push((newest.unwrap_or(0) + 1).to_string());
    stored.code_versions.push(stored.invitation.version);
}

const LIVE_CODES: usize = 32;

/// What stands in the model for the digest of a name, which is the same however the name was typed.
pub fn known_by(name: &str) -> Vec<u8> {
    name.trim().to_lowercase().into_bytes()
}
