//! Candidates for the tests of the suite: hosts that break one promise each, and one with a clock of its own.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use guestlist_conformance::{Candidate, ClockKind, Event, Prepared, Reference, Trouble};
use guestlist_contract::{
    audit::{EventKind, Refusal},
    directory::{Found, LookupError, Organization, User},
    host::{Audit, Call, Directory, Host, Membership, Notifications, Operation, Storage},
    membership::{Eligibility, Resolved},
    notifications::{Message, Recipient, SendError, Sent},
    storage::{
        Batch, Change, ClockGuard, CodeChange, Delivery, DeliveryOutcome, DueItem, DueKind, Guard, Inserted,
        Recorded, StoreError, Transitioned,
    },
    types::{
        Context, Grant, GrantKind, HostError, Invitation, InvitationFilter, InvitationKey, MailState, Page,
        PageRequest, Permissions, Principal, SortKey, State, Step, StepOutcome, StepResult, UserRef,
    },
    with_imports,
};
use guestlist_memory::{AuditEvent, MemoryHost, Realm};

/// What a host does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wrong {
    ForgetsTheVersion,
    ChecksThenChanges,
    SaysAppliedTwice,
    LosesAnEvent,
    LosesTheWordOfAnEvent,
    LosesTheSubjectOfAnEvent,
    LosesTheGrantOfAnEvent,
    DigestsNamesWithoutAKey,
    TellsReasons,
    ForgetsThatItAdopted,
    RecordsRefusalsAnywhere,
    TakesOneOfTwo,
    SaysNobodyForTwo,
    ForgetsTakenNames,
    KeepsTheInviter,
    LetsTheInviteeAdopt,
    KillsCodesAtOnce,
    KillsNoCode,
    KillsCodesWhenTaken,
    HidesWhoHasAnotherAddress,
    SendsTwice,
    RemindsAtOnce,
    DismissesTheLiving,
    DismissesWithAVersion,
    DismissesForAnybody,
    ForgetsTheDismissed,
    TakesAnyLanguage,
    LandsAnywhere,
    KnowsNoTurns,
    PagesByNumber,
    ForgetsTheHold,
    LetsTheSiblingRead,
    BringsBackTheRemoved,
    KeepsTheOlderCode,
    ReadsPendingPastTheEnd,
    ForgetsTheClock,
    ForgetsTheFingerprint,
    SettlesWhatIsNewer,
    ForgetsNotices,
    ForgetsTheLimit,
    PurgesTooMuch,
    ShowsCodesToAnybody,
    AnswersInAnotherOrder,
    AppliesForAnybody,
    OpensAfterClose,
    KnowsDirectPermissionsOnly,
    LetsAnybodyGiveEverything,
    JudgesWithoutGroups,
    JudgesPermissionsOnly,
    KeepsLeases,
    KeepsRightsOfRoles,
    Panics,
    NeverAnswers,
}

pub struct Liar(pub Wrong);

/// The in-memory host, with one promise broken.
struct Twisted {
    host: Arc<MemoryHost>,
    wrong: Wrong,
    /// Every code that there ever was.
    codes: Mutex<HashMap<Vec<u8>, InvitationKey>>,
    /// Somebody has another address.
    readdressed: AtomicBool,
    /// What people wrote.
    reasons: Mutex<Vec<String>>,
    /// Who was written to, and when.
    written: Mutex<Vec<(UserRef, u64)>>,
}

const DAY: u64 = 24 * 3_600_000;

impl Twisted {
    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn remember(&self, organization: &str, id: &str, code: Option<&Vec<u8>>) {
        let key = InvitationKey { organization: organization.to_owned(), id: id.to_owned() };
        self.codes.lock().unwrap().extend(code.map(|code| (code.clone(), key)));
    }

    /// A call that may see everything of an organization.
    fn almighty(&self, organization: &str) -> Call {
        let context = Context {
            organization: Some(organization.into()),
            caller: Principal::System,
            permissions: Permissions::all(),
            request_id: "nobody asked".into(),
            now: 0,
        };
        Call::new(Operation::Sweep, context)
    }
}

#[async_trait]
impl Candidate for Liar {
    fn clock(&self) -> ClockKind {
        ClockKind::Moved
    }

    async fn prepare(&self, world: &Realm) -> Result<Box<dyn Prepared>, Trouble> {
        let mut world = world.clone();
        if self.0 == Wrong::KnowsNoTurns {
            world.mails_per_day = None;
        }
        let host = Arc::new(Reference::host(&world));
        let twisted = Twisted {
            host,
            wrong: self.0,
            codes: Mutex::default(),
            readdressed: AtomicBool::new(false),
            reasons: Mutex::default(),
            written: Mutex::default(),
        };
        Ok(Box::new(Opened(Arc::new(twisted))))
    }
}

#[derive(Clone)]
struct Opened(Arc<Twisted>);

#[async_trait]
impl Prepared for Opened {
    fn host(&self) -> Host {
        let this = Arc::new(self.clone());
        Host {
            storage: this.clone(),
            membership: this.clone(),
            directory: this.clone(),
            notifications: this.clone(),
            audit: this,
            ..self.0.host.clone().host()
        }
    }

    async fn pass(&self, milliseconds: u64) -> Result<(), Trouble> {
        self.0.host.advance(milliseconds);
        Ok(())
    }

    async fn happen(&self, event: &Event) -> Result<(), Trouble> {
        let lasting = Event::LeaseRoles {
            organization: "acme".into(),
            account: UserRef { organization: "acme".into(), id: "u-deputy".into() },
            issuer: "sso".into(),
            roles: vec!["r-admin".into()],
            lasting: 1_000 * DAY,
        };
        let event = match (self.0.wrong, event) {
            (Wrong::KeepsLeases, Event::LeaseRoles { .. }) => &lasting,
            (Wrong::KeepsRightsOfRoles, Event::SetRoleRights { .. }) => return Ok(()),
            _ => event,
        };
        self.0.readdressed.fetch_or(matches!(event, Event::SetEmail { .. }), Ordering::Relaxed);
        event.apply_to(&self.0.host).map_err(|error| Trouble::Failed(error.to_string()))
    }

    async fn audit(&self) -> Result<Option<Vec<AuditEvent>>, Trouble> {
        let mut events = self.0.host.audit();
        for event in &mut events {
            match self.0.wrong {
                Wrong::LosesTheWordOfAnEvent => event.word = None,
                Wrong::LosesTheSubjectOfAnEvent => event.subject = None,
                Wrong::LosesTheGrantOfAnEvent => event.grant = None,
                Wrong::DigestsNamesWithoutAKey => {
                    event.name = event
                        .name
                        .as_ref()
                        .map(|_| <sha2::Sha256 as sha2::Digest>::digest("bo@example.com").to_vec());
                }
                Wrong::ForgetsThatItAdopted if event.kind == EventKind::InvitationAdopted => {
                    event.kind = EventKind::InvitationRenewed;
                }
                Wrong::TellsReasons => event.about = self.0.reasons.lock().unwrap().last().cloned(),
                _ => {}
            }
        }
        events
            .retain(|event| !(self.0.is(Wrong::LosesAnEvent) && event.kind == EventKind::InvitationDeclined));
        Ok(Some(events))
    }

    async fn realm(&self) -> Result<Option<Realm>, Trouble> {
        Ok(Some(self.0.host.realm()))
    }
}

/// Passes on what is not answered otherwise.
impl Deref for Twisted {
    type Target = MemoryHost;

    fn deref(&self) -> &MemoryHost {
        &self.host
    }
}

/// Answers every call with the method of that name, of [`Twisted`] where it has one, of the host in memory
/// otherwise.
macro_rules! answered {
    (
        directory $d:literal { $($directory:tt)* }
        membership $m:literal { $($membership:tt)* }
        storage $s:literal { $($storage:tt)* }
        notifications $n:literal { $($notifications:tt)* }
        audit $a:literal { $($audit:tt)* }
        $($others:tt)*
    ) => {
        answered!(@each Directory $($directory)*);
        answered!(@each Membership $($membership)*);
        answered!(@each Storage $($storage)*);
        answered!(@each Notifications $($notifications)*);
        answered!(@each Audit $($audit)*);
    };
    (@each $trait:ident $($how:tt $kind:ident $variant:ident $layer:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty;)*) => {
        #[async_trait]
        impl $trait for Opened {
            $(async fn $method(&self, call: &Call, $($arg: $ty),*) -> $ret {
                self.0.$method(call, $($arg),*).await
            })*
        }
    };
}
with_imports!(answered);

impl Twisted {
    async fn recall(
        &self,
        call: &Call,
        organization: String,
        operation: String,
        fingerprint: Vec<u8>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let fingerprint = if self.is(Wrong::ForgetsTheFingerprint) { vec![0; 32] } else { fingerprint };
        self.host.recall(call, organization, operation, fingerprint).await
    }

    async fn insert(
        &self,
        call: &Call,
        organization: String,
        mut batch: Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        match self.wrong {
            Wrong::ForgetsTheFingerprint => batch.fingerprint = vec![0; 32],
            Wrong::ForgetsTheLimit => batch.active_limit = None,
            Wrong::TakesAnyLanguage => batch.language = None,
            Wrong::LandsAnywhere => batch.landing = None,
            _ => {}
        }
        for draft in &batch.drafts {
            self.remember(&organization, &draft.id, draft.code.as_ref());
        }
        self.host.insert(call, organization, batch).await
    }

    async fn get(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        if self.is(Wrong::HidesWhoHasAnotherAddress)
            && call.operation.is_invitees()
            && self.readdressed.load(Ordering::Relaxed)
        {
            return Err(StoreError::NotFound);
        }
        if self.is(Wrong::LetsTheSiblingRead) && !call.operation.is_invitees() {
            return Storage::get(&*self.host, &self.almighty(&key.organization), key).await;
        }
        let mut row = Storage::get(&*self.host, call, key).await?;
        if self.is(Wrong::ReadsPendingPastTheEnd) && row.state == State::Expired && row.ended_at.is_none() {
            row.state = State::Pending;
        }
        Ok(row)
    }

    async fn by_code(&self, call: &Call, code: Vec<u8>) -> Result<Option<Invitation>, HostError> {
        if self.is(Wrong::ShowsCodesToAnybody) {
            let alice = UserRef { organization: "root".into(), id: "u-alice".into() };
            let mut hers = self.almighty("acme").context;
            hers.caller = Principal::User(alice);
            return self.host.by_code(&Call::new(Operation::Accept, hers), code).await;
        }
        let known = self.codes.lock().unwrap().get(&code).cloned();
        match (self.host.by_code(call, code).await?, known) {
            (None, Some(key)) if self.is(Wrong::KillsNoCode) => {
                let row = Storage::get(&*self.host, call, key).await;
                Ok(row.ok())
            }
            (found, _) => Ok(found),
        }
    }

    async fn dismiss(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
        let almighty = self.almighty(&key.organization);
        let call = if self.is(Wrong::DismissesForAnybody) { &almighty } else { call };
        let mut row = self.host.dismiss(call, key).await?;
        row.dismissed |= self.is(Wrong::DismissesTheLiving);
        row.version += u64::from(self.is(Wrong::DismissesWithAVersion));
        Ok(row)
    }

    async fn transition(
        &self,
        call: &Call,
        key: InvitationKey,
        mut guard: Guard,
        mut change: Change,
    ) -> Result<Transitioned, StoreError> {
        match self.wrong {
            Wrong::ForgetsTheVersion => {
                guard.version = Storage::get(&*self.host, call, key.clone()).await?.version;
            }
            Wrong::ChecksThenChanges => {
                let row = Storage::get(&*self.host, call, key.clone()).await?;
                if row.version == guard.version && guard.states.contains(&row.state) {
                    tokio::task::yield_now().await;
                    guard.version = Storage::get(&*self.host, call, key.clone()).await?.version;
                }
            }
            Wrong::KeepsTheOlderCode => {
                if let CodeChange::Replace(code) = change.code {
                    change.code = CodeChange::Add(code);
                }
            }
            Wrong::KillsCodesAtOnce => {
                if let CodeChange::Add(code) = change.code {
                    change.code = CodeChange::Replace(code);
                }
            }
            Wrong::KeepsTheInviter => change.adopt = false,
            Wrong::ForgetsNotices => change.messages.clear(),
            Wrong::ForgetsTheClock => guard.clock = ClockGuard::None,
            _ => {}
        }
        if let CodeChange::Add(code) | CodeChange::Replace(code) = &change.code {
            self.remember(&key.organization, &key.id, Some(code));
        }
        self.reasons.lock().unwrap().extend(change.reason.clone());
        let admins = Call::new(
            Operation::Resend,
            Context { caller: Principal::Client("hr".into()), ..self.almighty(&key.organization).context },
        );
        let call = if self.is(Wrong::LetsTheInviteeAdopt) && change.adopt { &admins } else { call };
        let done = self.host.transition(call, key.clone(), guard.clone(), change.clone()).await?;
        let applied = done.applied || self.is(Wrong::SaysAppliedTwice);
        Ok(Transitioned { applied, ..done })
    }

    async fn list(
        &self,
        call: &Call,
        organization: String,
        mut filter: InvitationFilter,
        page: PageRequest,
    ) -> Result<Page, StoreError> {
        if self.is(Wrong::ForgetsTheDismissed) {
            filter.dismissed = None;
        }
        if !self.is(Wrong::PagesByNumber) {
            return self.host.list(call, organization, filter, page).await;
        }
        let skipped: usize = page.after.as_ref().map_or(0, |after| after.parse().unwrap_or(0));
        let whole = PageRequest { after: None, limit: 200, ..page.clone() };
        let rows = self.host.list(call, organization, filter, whole).await?.items;
        let limit = page.limit as usize;
        let next = (rows.len() > skipped + limit).then(|| (skipped + limit).to_string());
        Ok(Page { items: rows.into_iter().skip(skipped).take(limit).collect(), next })
    }

    async fn due(
        &self,
        call: &Call,
        organization: String,
        limit: u32,
        hold: u64,
    ) -> Result<Vec<DueItem>, HostError> {
        let hold = if self.is(Wrong::ForgetsTheHold) { 0 } else { hold };
        let mut items = self.host.due(call, organization.clone(), limit, hold).await?;
        if self.is(Wrong::RemindsAtOnce) && items.is_empty() {
            let filter = InvitationFilter {
                states: vec![State::Pending],
                grant: None,
                inviter: None,
                invitee: None,
                name_prefix: None,
                dismissed: None,
            };
            let page = PageRequest { sort: SortKey::Name, descending: false, after: None, limit: 200 };
            let rows = self.host.list(&self.almighty(&organization), organization, filter, page).await;
            let told = rows.unwrap().items.into_iter().filter(|row| row.mail == MailState::Sent);
            items.extend(told.map(|row| DueItem { kind: DueKind::Reminder, row, message: None, tries: 0 }));
        }
        Ok(items)
    }

    async fn settle(
        &self,
        call: &Call,
        organization: String,
        mut deliveries: Vec<Delivery>,
    ) -> Result<(), HostError> {
        if self.is(Wrong::SettlesWhatIsNewer) {
            deliveries.iter_mut().for_each(|delivery| delivery.version = u64::MAX);
        }
        for delivery in &mut deliveries {
            match (self.wrong, &delivery.outcome) {
                (Wrong::KillsCodesWhenTaken, DeliveryOutcome::Taken) => {
                    delivery.outcome = DeliveryOutcome::Delivered;
                }
                (Wrong::SendsTwice, DeliveryOutcome::Sending) => {
                    delivery.outcome = DeliveryOutcome::Postponed(1);
                }
                _ => {}
            }
        }
        self.host.settle(call, organization, deliveries).await
    }

    async fn purge(
        &self,
        call: &Call,
        organization: String,
        retention: u64,
        limit: u32,
    ) -> Result<u32, HostError> {
        match self.wrong {
            Wrong::Panics => panic!("the database is on fire"),
            Wrong::NeverAnswers => std::future::pending().await,
            Wrong::PurgesTooMuch => self.host.purge(call, organization, 0, limit).await,
            _ => self.host.purge(call, organization, retention, limit).await,
        }
    }
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        let rights = self.host.rights(&organization, &inviter).unwrap_or_default();
        let role_rights =
            |id: &str| self.host.realm().organizations["acme"].roles.get(id).map(|role| role.rights);
        let mut found = self.host.resolve(call, organization, inviter, grants.clone()).await?;
        for (grant, resolved) in grants.iter().zip(&mut found) {
            let Some(resolved) = resolved else { continue };
            resolved.grantable |= match self.wrong {
                Wrong::LetsAnybodyGiveEverything => true,
                Wrong::JudgesWithoutGroups => grant.kind == GrantKind::Group,
                Wrong::JudgesPermissionsOnly => {
                    role_rights(&grant.id).is_some_and(|given| rights.contains(given.permissions.into()))
                }
                _ => false,
            };
        }
        Ok(found)
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError> {
        let mut found = self.host.eligible(call, organization, users, grants).await?;
        if self.is(Wrong::ForgetsTakenNames) {
            found.iter_mut().for_each(|found| found.name_taken = false);
        }
        if self.is(Wrong::AnswersInAnotherOrder) {
            found.sort_by_key(|found| found.member);
        }
        Ok(found)
    }

    async fn apply(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError> {
        if self.is(Wrong::AppliesForAnybody) {
            let almighty = self.almighty(&organization);
            return self.host.apply(&almighty, organization, invitation, user, steps).await;
        }
        let mut outcomes =
            self.host.apply(call, organization.clone(), invitation, user.clone(), steps.clone()).await?;
        let back = match self.wrong {
            Wrong::BringsBackTheRemoved => StepOutcome::WasRemoved,
            Wrong::OpensAfterClose => StepOutcome::Closed,
            _ => return Ok(outcomes),
        };
        for (outcome, step) in outcomes.iter_mut().zip(steps) {
            if *outcome == back && step == Step::Member {
                let _ = self.host.add_member(&organization, &user);
                *outcome = StepOutcome::Applied;
            }
        }
        Ok(outcomes)
    }

    async fn find_users(
        &self,
        call: &Call,
        organization: String,
        store: Option<String>,
        names: Vec<String>,
    ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
        let mut found = self.host.find_users(call, organization.clone(), store, names).await?;
        let alice = UserRef { organization: "root".into(), id: "u-alice".into() };
        let alice = self.host.get_users(call, organization, vec![alice]).await.unwrap().remove(0);
        let instead = match self.wrong {
            Wrong::TakesOneOfTwo => alice.map_or(Found::Nobody, Found::One),
            Wrong::SaysNobodyForTwo => Found::Nobody,
            _ => Found::Ambiguous,
        };
        for one in found.iter_mut().flatten().filter(|one| **one == Found::Ambiguous) {
            *one = instead.clone();
        }
        Ok(found)
    }

    async fn standing(
        &self,
        call: &Call,
        organization: String,
        who: Principal,
    ) -> Result<Option<Permissions>, HostError> {
        let standing = self.host.standing(call, organization.clone(), who.clone()).await?;
        if self.is(Wrong::KnowsDirectPermissionsOnly) {
            let realm = self.host.realm();
            let direct = realm.organizations[&organization].permissions.iter().find(|entry| entry.who == who);
            return Ok(direct.map(|entry| entry.permissions));
        }
        Ok(standing)
    }
    async fn send(
        &self,
        call: &Call,
        organization: String,
        template: Option<String>,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        if !self.is(Wrong::KnowsNoTurns) {
            return self.host.send(call, organization, template, messages).await;
        }
        let now = self.host.now();
        let mut answers = Vec::new();
        for message in messages {
            if let Recipient::User(to) = &message.to {
                let mut written = self.written.lock().unwrap();
                if written.iter().any(|(who, at)| who == to && now - at < DAY) {
                    answers.push(Err(SendError::Host(HostError::Throttled(DAY))));
                    continue;
                }
                written.push((to.clone(), now));
            }
            let sent = self.host.send(call, organization.clone(), template.clone(), vec![message]).await?;
            answers.extend(sent);
        }
        Ok(answers)
    }

    async fn record_refusals(
        &self,
        call: &Call,
        organization: Option<String>,
        refusals: Vec<Refusal>,
    ) -> Result<(), HostError> {
        let almighty = self.almighty(organization.as_deref().unwrap_or("acme"));
        let call = if self.is(Wrong::RecordsRefusalsAnywhere) { &almighty } else { call };
        self.host.record_refusals(call, organization, refusals).await
    }
}

/// The in-memory host with a clock that goes on by itself.
pub struct Ticking;

struct OnTime {
    host: Arc<MemoryHost>,
    began: Instant,
    start: u64,
}

#[async_trait]
impl Candidate for Ticking {
    fn clock(&self) -> ClockKind {
        ClockKind::Real
    }

    async fn prepare(&self, world: &Realm) -> Result<Box<dyn Prepared>, Trouble> {
        let host = Arc::new(Reference::host(world));
        let start = host.now();
        Ok(Box::new(OnTime { host, began: Instant::now(), start }))
    }
}

#[async_trait]
impl Prepared for OnTime {
    fn host(&self) -> Host {
        self.host.clone().host()
    }

    async fn pass(&self, milliseconds: u64) -> Result<(), Trouble> {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        self.host.set_clock(self.start + elapsed);
        Ok(())
    }

    async fn happen(&self, event: &Event) -> Result<(), Trouble> {
        event.apply_to(&self.host).map_err(|error| Trouble::Failed(error.to_string()))
    }

    async fn audit(&self) -> Result<Option<Vec<AuditEvent>>, Trouble> {
        Ok(Some(self.host.audit()))
    }

    async fn realm(&self) -> Result<Option<Realm>, Trouble> {
        Ok(Some(self.host.realm()))
    }
}
