//! What Guestlist does, said a second time and as simply as possible.
//!
//! Written from the contract in `wit/` and from `docs/guarantees.md`, not from the plugin: no retries, no
//! versions to guard, no batches, because here nothing runs beside anything else. One function for each
//! operation says what is answered and what changes. Every `read`, `write` and `turn` is a place where the
//! host may fail ([`Luck`]); what is left then is what the contract allows. A reader should see that it is
//! right, because the plugin is judged by it.

mod answering;

use std::collections::BTreeMap;

use guestlist_harness::{
    Fault,
    contract::{
        exports::invitations::{InviteRequest, LifetimeChoice, Owner},
        settings::{Notices, Values},
        types::{
            AcceptWith, Grant, GrantKind, Invitation, InvitationFilter, InvitationKey, MailState,
            MessageKind, Notify, Permissions, Principal, State, Subject, UserRef,
        },
    },
    memory::{
        AppliedSteps, AuditEvent, Mail, MailMode, MemberView, Moment, OrganizationView, OutboxEntry,
        OutboxView, Person, Rule, StoredInvitation,
    },
};

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
    /// Places so far.
    pub asked: usize,
}

/// Why an operation does not go on.
#[derive(Clone, Debug)]
pub enum Stop {
    /// A refusal; its first word is the reason in the audit trail.
    Says(String),
    Fails,
    Crashes,
}

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
#[derive(Clone, Debug)]
pub enum Ask {
    Invite(InviteRequest),
    List(InvitationFilter),
    Get(String),
    Resend(Vec<String>),
    Revoke(String, Option<String>),
    RevokeAll(Owner),
    Approve(String),
    Reject(String, Option<String>),
    ListMine(Vec<State>),
    Introspect(Means),
    Accept(Means),
    Decline(Means, Option<String>),
    Sweep,
}

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
}

/// A row whose time has run out reads `expired` before anybody has written it.
fn state(row: &Invitation, now: u64) -> State {
    let open = matches!(row.state, State::AwaitingApproval | State::Pending);
    if open && row.expires_at.is_some_and(|end| end <= now) { State::Expired } else { row.state }
}

fn is_active(state: State) -> bool {
    matches!(state, State::AwaitingApproval | State::Pending | State::Accepting)
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

/// What became of one message.
#[derive(Clone, Copy)]
enum Sent {
    Out,
    Taken,
    /// Not now; whether that counts as a try.
    Not {
        counts: bool,
    },
    /// There is no address.
    Never,
}

impl Sent {
    fn shown(self) -> MailState {
        match self {
            Self::Out => MailState::Sent,
            Self::Taken | Self::Not { .. } => MailState::Queued,
            Self::Never => MailState::Undeliverable,
        }
    }
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

/// An invitation that is about to be made.
struct Draft {
    position: usize,
    user: UserRef,
    name: String,
    kept: Vec<usize>,
    lifetime: Option<u64>,
    accept_with: AcceptWith,
    approval: Option<String>,
}

/// How an invitation is made.
struct Terms<'a> {
    place: &'a str,
    parent: String,
    settings: Values,
    request: &'a InviteRequest,
    lifetime: Option<u64>,
    replaces: Option<&'a Invitation>,
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
        }
    }

    /// One call of an export. `None`: the instance was lost.
    pub fn call(&mut self, who: &Principal, place: Option<&str>, ask: &Ask) -> Option<Vec<String>> {
        (self.who, self.place) = (who.clone(), place.map(str::to_owned));
        let answer = self.dispatch(ask);
        match answer {
            Ok(words) => Some(words),
            Err(Stop::Says(word)) => Some(vec![word]),
            Err(Stop::Fails) => Some(vec!["host".into()]),
            Err(Stop::Crashes) => None,
        }
    }

    fn dispatch(&mut self, ask: &Ask) -> Answer<Vec<String>> {
        let one = |answer: Answer| answer.map(|word| vec![word]);
        let id = |id: &String| Some(id.clone()).filter(|id| id.starts_with('#'));
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
                one(self.audited("invitations", id(wanted), answer))
            }
            Ask::Resend(ids) => {
                self.operation = "resend";
                let answer = self.resend(ids);
                self.audited("invitations", None, answer)
            }
            Ask::Revoke(wanted, reason) => {
                self.operation = "revoke";
                let answer = self.revoke(wanted, reason.as_deref());
                one(self.audited("invitations", id(wanted), answer))
            }
            Ask::RevokeAll(owner) => {
                self.operation = "revoke-all";
                let answer = self.revoke_all(owner);
                one(self.audited("invitations", None, answer))
            }
            Ask::Approve(wanted) => {
                self.operation = "approve";
                let answer = self.approve(wanted);
                one(self.audited("invitations", id(wanted), answer))
            }
            Ask::Reject(wanted, reason) => {
                self.operation = "reject";
                let answer = self.reject(wanted, reason.as_deref());
                one(self.audited("invitations", id(wanted), answer))
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
        if row.state != State::Pending {
            // What has not been sent is not sent any more.
            let moot = [MessageKind::Invitation, MessageKind::Reminder, MessageKind::ApprovalRequested];
            self.seen.outbox.retain(|mail| mail.entry.invitation != id || !moot.contains(&mail.entry.kind));
            if row.mail == MailState::Queued {
                row.mail = MailState::None;
            }
        }
        let (place, reason) = (row.key.organization.clone(), row.reason.clone());
        self.seen.rows.insert(id.to_owned(), stored);
        self.hidden.remove(id);
        self.note(Some(&place), &format!("invitation.{by}"), Some(id), reason);
    }

    fn note(&mut self, place: Option<&str>, event: &str, id: Option<&str>, reason: Option<String>) {
        self.seen.audit.push(AuditEvent {
            at: self.clock,
            organization: place.map(str::to_owned),
            actor: self.who.clone(),
            request_id: String::new(),
            event: event.to_owned(),
            operation: self.operation.to_owned(),
            invitation: id.map(str::to_owned),
            reason,
        });
    }

    /// Each refusal leaves one event; that it could not be written changes nothing.
    fn audited<T>(&mut self, interface: &str, id: Option<String>, answer: Answer<T>) -> Answer<T> {
        let Err(Stop::Says(word)) = &answer else { return answer };
        let reason = word.split(' ').next().unwrap_or_default().to_owned();
        if ["malformed", "not-invitable"].contains(&reason.as_str()) {
            return answer;
        }
        let written = self.write(|model| {
            let (place, plain) = (model.place.clone(), model.operation);
            model.note(place.as_deref(), "refused", id.as_deref(), Some(reason));
            if let Some(event) = model.seen.audit.last_mut() {
                event.operation = format!("{interface}.{plain}");
            }
        });
        if matches!(written, Err(Stop::Crashes)) { Err(Stop::Crashes) } else { answer }
    }

    fn enqueue(&mut self, id: &str, kind: MessageKind) {
        self.seen.outbox.retain(|mail| mail.entry.invitation != id || mail.entry.kind != kind);
        self.due.remove(&(id.to_owned(), text(&kind)));
        let organization = self.seen.rows[id].invitation.key.organization.clone();
        let entry = OutboxEntry { invitation: id.into(), kind, due_at: 0, tries: 0, taken: false };
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

    /// The person where his account is.
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

    /// The first rule that concerns somebody decides about him.
    fn rule(&self, place: &str, moment: Moment, name: &str) -> Option<Rule> {
        let plain = name.rsplit('/').next().unwrap_or(name);
        let mut rules = self.living(place)?.policy.iter();
        let concerns = |rule: &&Rule| {
            let named = |names: &Vec<String>| names.iter().any(|listed| listed.eq_ignore_ascii_case(plain));
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
        self.row(place, id)
    }

    // Inviting.

    fn invite(&mut self, request: &InviteRequest) -> Answer<Vec<String>> {
        let place = self.permitted(Permissions::INVITE)?;
        self.read()?;
        let settings = self.settings(&place);
        must(request.names.len() <= settings.limits.users as usize, "too-many")?;
        must(!request.names.is_empty(), "invalid")?;
        let repeated = (1..request.grants.len()).any(|at| request.grants[..at].contains(&request.grants[at]));
        must(!repeated, "invalid")?;
        let lifetime = lifetime(request.lifetime, &settings)?;
        let mut answers = vec![None; request.names.len()];
        if request.idempotency_key.is_some() {
            self.read()?;
            self.recall(&place, request, &mut answers)?;
        }
        if answers.iter().any(Option::is_none) {
            let parent = self.parent(&place, &request.grants)?;
            let terms = Terms { place: &place, parent, settings, request, lifetime, replaces: None };
            let found = self.find_users(&terms, &mut answers)?;
            self.judge(&terms, found, &mut answers)?;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    fn recall(&self, place: &str, request: &InviteRequest, answers: &mut [Option<String>]) -> Answer<()> {
        let Some(known) = self.remembered.iter().find(|known| self.is_mine(known, place, request)) else {
            return Ok(());
        };
        must(known.request == *request, "operation-reused")?;
        for (position, item) in &known.items {
            answers[*position] = match item {
                Ok(id) => self.seen.rows.get(id).map(|stored| {
                    let row = &stored.invitation;
                    invited(id, state(row, self.clock), row.mail, row.expires_at, &[], "existed")
                }),
                Err(word) => Some(word.clone()),
            };
        }
        Ok(())
    }

    /// This host remembers an operation for a day after it has last recorded something.
    fn is_mine(&self, known: &Remembered, place: &str, request: &InviteRequest) -> bool {
        known.place == place
            && known.who == self.who
            && known.request.idempotency_key == request.idempotency_key
            && self.clock - known.at <= 24 * 3_600_000
    }

    /// The organization works and has a parent; all roles exist; all groups exist.
    fn parent(&mut self, place: &str, grants: &[Grant]) -> Answer<String> {
        self.read()?;
        self.must_be_active(place)?;
        let Some(parent) = self.facts[place].parent.clone() else { return says("no-parent") };
        if !grants.is_empty() {
            self.read()?;
            must(grants.iter().all(|grant| self.exists(place, grant)), "unknown-grants")?;
        }
        Ok(parent)
    }

    fn find_users(
        &mut self,
        terms: &Terms<'_>,
        answers: &mut [Option<String>],
    ) -> Answer<Vec<(usize, UserRef)>> {
        let names = &terms.request.names;
        let lost = self.fails()?;
        must(lost || terms.request.userstore_domain.is_none(), "unknown-userstore")?;
        let mut found: Vec<(usize, UserRef)> = vec![];
        for (position, name) in names.iter().enumerate() {
            if answers[position].is_some() {
                continue;
            }
            let user = self.named(&terms.parent, name);
            answers[position] = match user {
                _ if names[..position].contains(name) => Some("duplicate".into()),
                _ if lost => Some("unavailable".into()),
                Some(user) if self.is_user_of(&terms.parent, &user) => {
                    let known = found.iter().any(|(_, earlier)| *earlier == user);
                    if !known {
                        found.push((position, user));
                    }
                    known.then(|| "duplicate".into())
                }
                _ => Some("not-a-parent-user".into()),
            };
        }
        Ok(found)
    }

    /// Names are compared without regard to ASCII case, in the store that is named or in the default one.
    fn named(&self, place: &str, name: &str) -> Option<UserRef> {
        let (store, name) = name.split_once('/').unwrap_or(("PRIMARY", name));
        let residents = self.living(place)?.residents.values();
        let mut here =
            residents.filter(|person| person.store == store && person.name.eq_ignore_ascii_case(name));
        let mut guests = self.seen.members[place].iter().filter(|_| store == "PRIMARY");
        let guest = guests.find(|guest| guest.name.eq_ignore_ascii_case(name));
        here.next().map(|person| person.account.clone()).or(guest.map(|guest| guest.account.clone()))
    }

    fn notify(terms: &Terms<'_>) -> Notify {
        terms.request.notify.unwrap_or(terms.settings.notify)
    }

    /// The first reason that applies.
    fn objection(&self, terms: &Terms<'_>, user: &UserRef) -> Option<&'static str> {
        let (place, grants) = (terms.place, &terms.request.grants);
        let over = |grant| terms.settings.ceiling.as_ref().is_some_and(|ceiling| !ceiling.contains(grant));
        let email = self.resident(user).is_some_and(|person| person.email.is_some());
        if self.guest(place, user).is_some() || user.organization == place {
            Some("already-member")
        } else if Self::notify(terms) == Notify::Internal && !email {
            Some("no-email")
        } else if !self.may_be_written_to(place, user) {
            Some("address-not-allowed")
        } else if grants.iter().any(|grant| !self.may_give(place, &self.who, grant) || over(grant)) {
            Some("may-not-grant")
        } else if grants.iter().any(|grant| !self.may_receive(place, user, grant)) {
            Some("may-not-receive")
        } else {
            None
        }
    }

    /// What the organization's rules make of it; absent: they refuse.
    fn draft(&self, terms: &Terms<'_>, position: usize, user: UserRef) -> Option<Draft> {
        let (name, grants) = (terms.request.names[position].clone(), &terms.request.grants);
        let rule = self.rule(terms.place, Moment::Invite, &name).unwrap_or_default();
        let (mut kept, mut lifetime) = ((0..grants.len()).collect::<Vec<_>>(), terms.lifetime);
        let (mut accept_with, mut approval) = (terms.settings.accept_with, rule.require_approval.clone());
        if let Some(narrow) = &rule.narrow {
            kept.retain(|index| !narrow.without.contains(&grants[*index].id));
            lifetime =
                narrow.lifetime.map(|most| lifetime.map_or(most.0, |asked| asked.min(most.0))).or(lifetime);
            accept_with =
                if narrow.signed_in_only { strictest(accept_with, AcceptWith::Invitee) } else { accept_with };
        }
        if kept.iter().any(|index| terms.settings.privileged.contains(&grants[*index])) {
            approval = approval.or(Some("a privileged group or role needs approval".into()));
        }
        rule.refuse.is_none().then_some(Draft { position, user, name, kept, lifetime, accept_with, approval })
    }

    fn judge(
        &mut self,
        terms: &Terms<'_>,
        mut found: Vec<(usize, UserRef)>,
        answers: &mut [Option<String>],
    ) -> Answer<()> {
        if !found.is_empty() {
            let lost = self.fails()?;
            found.retain(|(position, user)| {
                let objection = if lost { Some("unavailable") } else { self.objection(terms, user) };
                answers[*position] = objection.map(str::to_owned);
                objection.is_none()
            });
        }
        let mut drafts = vec![];
        if !found.is_empty() {
            let lost = self.fails()?;
            for (position, user) in found {
                match self.draft(terms, position, user) {
                    _ if lost => answers[position] = Some("unavailable".into()),
                    Some(draft) => drafts.push(draft),
                    None => answers[position] = Some("refused".into()),
                }
            }
        }
        self.store(terms, drafts, answers)
    }

    fn store(&mut self, terms: &Terms<'_>, drafts: Vec<Draft>, answers: &mut [Option<String>]) -> Answer<()> {
        let refused = |answer: &Option<String>| {
            answer.clone().filter(|word| !word.starts_with("invited") && word != "unavailable")
        };
        let refused: Vec<_> = answers.iter().map(refused).collect();
        if drafts.is_empty() && refused.iter().all(Option::is_none) {
            return Ok(());
        }
        // Ids and codes are drawn first.
        let draws = !drafts.is_empty() || terms.request.idempotency_key.is_none();
        let stored = match draws && self.fails()? {
            true => Err(Stop::Fails),
            false => self.write(|model| model.insert(terms, &drafts, &refused)),
        };
        let stored = match stored {
            Err(Stop::Crashes) => return Err(Stop::Crashes),
            Err(_) => vec![Err("unavailable".to_owned()); drafts.len()],
            Ok(stored) => stored,
        };
        let made = |item: &Result<String, String>| item.clone().ok();
        let internal = Self::notify(terms) == Notify::Internal;
        let pending = |id: &String| self.seen.rows[id].invitation.state == State::Pending;
        let letters: Vec<_> = stored.iter().filter_map(made).filter(|id| internal && pending(id)).collect();
        let letters = letters.into_iter().map(|id| (id, MessageKind::Invitation)).collect::<Vec<_>>();
        let sent = self.deliver(&letters)?;
        for (draft, item) in drafts.iter().zip(stored) {
            let withheld = (0..terms.request.grants.len())
                .filter(|index| !draft.kept.contains(index))
                .collect::<Vec<_>>();
            answers[draft.position] = Some(match item {
                Ok(id) => {
                    let row = &self.seen.rows[&id].invitation;
                    let at = letters.iter().position(|(letter, _)| *letter == id);
                    let code = if row.state == State::Pending && !internal { "code" } else { "" };
                    invited(
                        &id,
                        row.state,
                        at.map_or(MailState::None, |at| sent[at].shown()),
                        row.expires_at,
                        &withheld,
                        code,
                    )
                }
                Err(word) => word,
            });
        }
        Ok(())
    }

    /// All drafts that can be stored and all refusals, in one commit.
    fn insert(
        &mut self,
        terms: &Terms<'_>,
        drafts: &[Draft],
        refused: &[Option<String>],
    ) -> Vec<Result<String, String>> {
        let mut items: BTreeMap<usize, Result<String, String>> = BTreeMap::new();
        let mine = |known: &Remembered| self.is_mine(known, terms.place, terms.request);
        let keyed = terms.request.idempotency_key.is_some();
        if let Some(at) = self.remembered.iter().position(mine).filter(|_| keyed) {
            items = self.remembered.remove(at).items;
        }
        let mut answers = vec![];
        for draft in drafts {
            let stored = self.insert_one(terms, draft);
            if let Err(word) = &stored {
                self.note(Some(terms.place), "item.refused", None, Some(word.clone()));
            }
            items.insert(draft.position, stored.clone());
            answers.push(stored);
        }
        for (position, word) in refused.iter().enumerate() {
            if let Some(word) = word.clone().filter(|_| !items.contains_key(&position)) {
                self.note(Some(terms.place), "item.refused", None, Some(word.clone()));
                items.insert(position, Err(word));
            }
        }
        if keyed {
            let (place, who) = (terms.place.to_owned(), self.who.clone());
            self.remembered.push(Remembered {
                place,
                who,
                request: terms.request.clone(),
                at: self.clock,
                items,
            });
        }
        answers
    }

    fn insert_one(&mut self, terms: &Terms<'_>, draft: &Draft) -> Result<String, String> {
        let (now, subject) = (self.clock, Subject::User(draft.user.clone()));
        let here = || {
            self.seen
                .rows
                .values()
                .map(|stored| &stored.invitation)
                .filter(|row| row.key.organization == terms.place)
        };
        let active = here().find(|row| row.subject == subject && is_active(row.state)).cloned();
        if let Some(row) = active.iter().find(|row| is_active(state(row, now))) {
            return Err(format!("active-invitation {}", row.key.id));
        }
        let many = here().filter(|row| is_active(state(row, now))).count();
        if terms.settings.pending_limit.is_some_and(|limit| many >= limit as usize) {
            return Err("over-limit".into());
        }
        if let Some(row) = active {
            self.change(&row.key.id, "expired", |stored, _| stored.invitation.state = State::Expired);
            if terms.settings.notices.contains(Notices::EXPIRED) {
                self.enqueue(&row.key.id, MessageKind::Expired);
            }
        }
        let id = format!("#{}", self.made);
        self.made += 1;
        let notify = Self::notify(terms);
        let pending = draft.approval.is_none();
        let mailed = pending && notify == Notify::Internal;
        let invitation = Invitation {
            key: InvitationKey { organization: terms.place.to_owned(), id: id.clone() },
            parent: terms.parent.clone(),
            schema: 1,
            version: 1,
            state: if pending { State::Pending } else { State::AwaitingApproval },
            subject,
            name: draft.name.clone(),
            inviter: self.who.clone(),
            approver: None,
            grants: draft.kept.iter().map(|index| terms.request.grants[*index].clone()).collect(),
            outcomes: vec![],
            accept_with: draft.accept_with,
            notify,
            mail: if mailed { MailState::Queued } else { MailState::None },
            template: None,
            metadata: terms.request.metadata.clone(),
            created_at: now,
            lifetime: draft.lifetime,
            expires_at: draft.lifetime.map(|time| now.saturating_add(time)),
            ended_at: None,
            reason: draft.approval.clone(),
            claims: 0,
            lease_until: None,
            resends: 0,
            last_operation: String::new(),
            replaces: terms.replaces.map(|old| old.key.id.clone()),
        };
        let codes = if pending { vec!["1".to_owned()] } else { vec![] };
        let stored = StoredInvitation { invitation, codes, reminded: false, hidden_until: 0 };
        self.seen.rows.insert(id.clone(), stored);
        self.note(Some(terms.place), "invitation.created", Some(&id), draft.approval.clone());
        if mailed {
            self.enqueue(&id, MessageKind::Invitation);
        }
        if !pending && terms.settings.notices.contains(Notices::APPROVAL_REQUESTED) {
            self.enqueue(&id, MessageKind::ApprovalRequested);
        }
        Ok(id)
    }

    // Mail.

    /// Sends, then writes down what became of it. What fails is queued: the sweep comes to it.
    fn deliver(&mut self, letters: &[(String, MessageKind)]) -> Answer<Vec<Sent>> {
        if letters.is_empty() {
            return Ok(vec![]);
        }
        let sent =
            self.write(|model| letters.iter().map(|(id, kind)| model.send(id, kind)).collect::<Vec<_>>());
        let held_back = matches!(self.luck.fault, Some(Fault::Throttled(_)));
        let sent = match sent {
            Err(Stop::Crashes) => return Err(Stop::Crashes),
            Err(_) => vec![Sent::Not { counts: !held_back }; letters.len()],
            Ok(sent) => sent,
        };
        let settled = self.write(|model| {
            for ((id, kind), sent) in letters.iter().zip(&sent) {
                model.settle(id, kind, *sent);
            }
        });
        if matches!(settled, Err(Stop::Crashes)) {
            return Err(Stop::Crashes);
        }
        Ok(sent)
    }

    fn send(&mut self, id: &str, kind: &MessageKind) -> Sent {
        if self.mail == MailMode::Fail {
            return Sent::Not { counts: true };
        }
        let row = self.seen.rows[id].invitation.clone();
        let inviter = if let Principal::User(user) = &row.inviter { Some(user.clone()) } else { None };
        let to: Vec<UserRef> = match kind {
            MessageKind::Invitation | MessageKind::Reminder => vec![account(&row.subject)],
            MessageKind::ApprovalRequested => {
                let all = self.living(&row.key.organization).map_or(vec![], |view| view.permissions.clone());
                let users = all
                    .into_iter()
                    .filter_map(|one| if let Principal::User(user) = one.who { Some(user) } else { None });
                let judges = users.filter(|user| {
                    let standing = self.standing(&row.key.organization, &Principal::User(user.clone()));
                    standing.contains(Permissions::APPROVE)
                        && Some(user) != inviter.as_ref()
                        && *user != account(&row.subject)
                });
                judges.collect()
            }
            _ => inviter.into_iter().collect(),
        };
        let mut reached = false;
        for to in to {
            let Some(address) = self.resident(&to).and_then(|person| person.email.clone()) else { continue };
            reached = true;
            let code = (*kind == MessageKind::Invitation).then(|| self.seen.rows[id].codes.last().cloned());
            let mail = Mail {
                at: self.wall,
                to,
                address,
                organization: row.key.organization.clone(),
                invitation: id.to_owned(),
                template: None,
                kind: kind.clone(),
                subject: String::new(),
                inviter: row.inviter.clone(),
                code: code.flatten(),
                link: None,
                expires_at: row.expires_at,
            };
            if self.mail == MailMode::Take { self.seen.taken.push(mail) } else { self.seen.mails.push(mail) }
        }
        match (reached, self.mail) {
            (false, _) => Sent::Never,
            (true, MailMode::Take) => Sent::Taken,
            (true, _) => Sent::Out,
        }
    }

    fn settle(&mut self, id: &str, kind: &MessageKind, sent: Sent) {
        let at =
            self.seen.outbox.iter().position(|mail| mail.entry.invitation == id && mail.entry.kind == *kind);
        let Some(at) = at else { return };
        let entry = &mut self.seen.outbox[at].entry;
        match sent {
            Sent::Not { counts } => {
                entry.tries += u32::from(counts);
                entry.taken = false;
            }
            Sent::Taken => entry.taken = true,
            Sent::Out | Sent::Never => {
                self.seen.outbox.remove(at);
                if let Some(stored) = self.seen.rows.get_mut(id).filter(|_| *kind == MessageKind::Invitation)
                {
                    stored.invitation.mail = sent.shown();
                }
            }
        }
    }

    /// The mail system ends what it has taken.
    pub fn settle_taken(&mut self, delivered: bool) {
        for mail in std::mem::take(&mut self.seen.taken) {
            self.settle(&mail.invitation, &mail.kind, if delivered { Sent::Out } else { Sent::Never });
            self.seen.mails.extend(Some(mail).filter(|_| delivered));
        }
    }

    // What administrators do.

    fn list(&mut self, filter: &InvitationFilter) -> Answer<Vec<String>> {
        let place = self.permitted(Permissions::VIEW)?;
        self.read()?;
        let now = self.clock;
        let wanted = |row: &&Invitation| {
            row.key.organization == place
                && (filter.states.is_empty() || filter.states.contains(&state(row, now)))
                && filter.grant.as_ref().is_none_or(|grant| row.grants.contains(grant))
                && filter.inviter.as_ref().is_none_or(|inviter| row.inviter == *inviter)
        };
        Ok(self
            .seen
            .rows
            .values()
            .map(|stored| &stored.invitation)
            .filter(wanted)
            .map(|row| shown(row, now))
            .collect())
    }

    fn get(&mut self, id: &str) -> Answer {
        let place = self.permitted(Permissions::VIEW)?;
        Ok(shown(&self.find_row(&place, id)?, self.clock))
    }

    fn resend(&mut self, ids: &[String]) -> Answer<Vec<String>> {
        let place = self.permitted(Permissions::RESEND)?;
        self.read()?;
        let settings = self.settings(&place);
        self.read()?;
        self.must_be_active(&place)?;
        let mut answers = vec![];
        for id in ids {
            let answer = self.resend_one(&place, id, &settings);
            let known = Some(id.clone()).filter(|id| id.starts_with('#'));
            answers.push(match self.audited("invitations", known, answer) {
                Ok(word) | Err(Stop::Says(word)) => word,
                Err(Stop::Fails) => "host".into(),
                Err(Stop::Crashes) => return Err(Stop::Crashes),
            });
        }
        Ok(answers)
    }

    fn resend_one(&mut self, place: &str, id: &str, settings: &Values) -> Answer {
        let row = self.find_row(place, id)?;
        self.read()?;
        match row.state {
            State::Pending => must(row.resends < settings.resend_limit, "resend-limit")?,
            State::Accepting => return says("in-progress"),
            State::Expired => return self.invite_anew(place, &row, settings),
            state => return says(format!("wrong-state {state:?}")),
        }
        self.turn(id, "renewed", letter(&row), |stored, _| {
            stored.codes = vec![next_code(stored)];
            stored.invitation.resends += 1;
        })?;
        self.hand_over(id)
    }

    /// An expired one is invited anew, with all the checks of `invite` as the caller.
    fn invite_anew(&mut self, place: &str, old: &Invitation, settings: &Values) -> Answer {
        self.permitted(Permissions::INVITE)?;
        let asked = old.lifetime.map_or(LifetimeChoice::Never, LifetimeChoice::Lasting);
        let lifetime = lifetime(asked, settings).or_else(|_| lifetime(LifetimeChoice::Default, settings))?;
        let parent = self.parent(place, &old.grants)?;
        let request = InviteRequest {
            names: vec![old.name.clone()],
            userstore_domain: None,
            grants: old.grants.clone(),
            lifetime: asked,
            notify: Some(old.notify),
            template: None,
            metadata: old.metadata.clone(),
            idempotency_key: None,
        };
        self.read()?;
        let user = account(&old.subject);
        let mut answers = vec![None];
        let found = if self.is_user_of(&parent, &user) { vec![(0, user)] } else { vec![] };
        if found.is_empty() {
            answers[0] = Some("not-a-parent-user".into());
        }
        let terms = Terms {
            place,
            parent,
            settings: settings.clone(),
            request: &request,
            lifetime,
            replaces: Some(old),
        };
        self.judge(&terms, found, &mut answers)?;
        let word = answers.remove(0).unwrap_or_default();
        if word.starts_with("invited") { Ok(word) } else { says(format!("not-invitable {word}")) }
    }

    /// Brings a code that was just made to the invitee, or to the caller.
    fn hand_over(&mut self, id: &str) -> Answer {
        let external = self.seen.rows[id].invitation.notify == Notify::External;
        let letters = if external { vec![] } else { vec![(id.to_owned(), MessageKind::Invitation)] };
        let sent = self.deliver(&letters)?;
        let row = &self.seen.rows[id].invitation;
        let mail = sent.first().map_or(MailState::None, |sent| sent.shown());
        Ok(invited(id, State::Pending, mail, row.expires_at, &[], if external { "code" } else { "" }))
    }

    fn revoke(&mut self, id: &str, reason: Option<&str>) -> Answer {
        let place = self.permitted(Permissions::REVOKE)?;
        let row = self.find_row(&place, id)?;
        if row.state == State::Revoked {
            return Ok("ok".into());
        }
        self.read()?;
        self.end(&row, reason, &[State::AwaitingApproval, State::Pending])
    }

    fn end(&mut self, row: &Invitation, reason: Option<&str>, from: &[State]) -> Answer {
        if row.state == State::Accepting {
            self.read()?;
            return says("in-progress");
        }
        must(from.contains(&row.state), &format!("wrong-state {:?}", row.state))?;
        self.turn(&row.key.id, "revoked", None, |stored, _| {
            stored.invitation.state = State::Revoked;
            stored.invitation.reason = reason.map(str::to_owned).or(stored.invitation.reason.take());
        })?;
        Ok("ok".into())
    }

    fn revoke_all(&mut self, owner: &Owner) -> Answer {
        let place = self.permitted(Permissions::REVOKE)?;
        self.read()?;
        let his = |row: &Invitation| match owner {
            Owner::Invitee(user) => row.subject == Subject::User(user.clone()),
            Owner::Inviter(who) => row.inviter == *who,
        };
        let now = self.clock;
        let wanted =
            |row: &&Invitation| row.key.organization == place && his(row) && is_active(state(row, now));
        let mut rows: Vec<_> =
            self.seen.rows.values().map(|stored| &stored.invitation).filter(wanted).cloned().collect();
        rows.sort_by_key(|row| (row.created_at, &self.order[&row.key.id]));
        self.read()?;
        let (mut revoked, mut busy, mut failed) = (vec![], vec![], vec![]);
        for row in rows {
            match self.end(&row, None, &[State::AwaitingApproval, State::Pending]) {
                Ok(_) => revoked.push(row.key.id),
                Err(Stop::Says(word)) if word == "in-progress" => busy.push(row.key.id),
                Err(Stop::Crashes) => return Err(Stop::Crashes),
                Err(_) => failed.push(row.key.id),
            }
        }
        for list in [&mut revoked, &mut busy, &mut failed] {
            list.sort();
        }
        Ok(format!("revoked {revoked:?} in-progress {busy:?} failed {failed:?}"))
    }

    /// Approving and rejecting are somebody else's.
    fn judged(&mut self, id: &str) -> Answer<Invitation> {
        let place = self.permitted(Permissions::APPROVE)?;
        let row = self.find_row(&place, id)?;
        must(
            row.inviter != self.who && Principal::User(account(&row.subject)) != self.who,
            "own-invitation",
        )?;
        Ok(row)
    }

    fn approve(&mut self, id: &str) -> Answer {
        let row = self.judged(id)?;
        self.read()?;
        self.must_be_active(&row.key.organization)?;
        must(row.state == State::AwaitingApproval, &format!("wrong-state {:?}", row.state))?;
        self.read()?;
        let who = self.who.clone();
        self.turn(id, "approved", letter(&row), |stored, now| {
            stored.codes = vec![next_code(stored)];
            stored.reminded = false;
            let row = &mut stored.invitation;
            (row.state, row.approver) = (State::Pending, Some(who));
            row.expires_at = row.lifetime.map(|time| now.saturating_add(time));
        })?;
        self.hand_over(id)
    }

    fn reject(&mut self, id: &str, reason: Option<&str>) -> Answer {
        let row = self.judged(id)?;
        if row.state == State::Revoked && row.approver.is_none() {
            return Ok("ok".into());
        }
        self.read()?;
        self.end(&row, reason, &[State::AwaitingApproval])
    }
}

/// Codes are numbered; the newest is the last.
fn next_code(stored: &StoredInvitation) -> String {
    let newest = stored.codes.last().and_then(|code| code.parse::<u32>().ok());
    (newest.unwrap_or(0) + 1).to_string()
}
