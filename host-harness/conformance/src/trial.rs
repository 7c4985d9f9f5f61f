//! A store under trial, and short words for what cases do with it.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Candidate, ClockKind, Event, Prepared, Profile,
    check::{Outcome, Stop, broken, item, must, ok, same},
    make::{self, STATES, ann, batch, change, guard, key},
    worlds,
};
use guestlist_contract::{
    host::{Call, Host, Operation},
    settings::Values,
    storage::{Batch, Change, Delivery, DueItem, Inserted, StoreError, Transitioned},
    types::{
        Context, HostError, Invitation, InvitationFilter, MessageKind, Page, PageRequest, Principal, State,
        Step, StepOutcome, StepResult, UserRef,
    },
};
use guestlist_memory::{AuditEvent, Realm};

/// The time at which the calls of the suite claim to begin. The store's clock judges, not this.
const NOW: u64 = 1_772_442_000_000;
/// The number of times that a host whose members are elsewhere may say that a step is in doubt.
const PATIENCE: usize = 5;

/// The ground that a case is given: it opens stores with it.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) candidate: Arc<dyn Candidate>,
    pub(super) unit: Duration,
}

impl Ground {
    pub(super) fn profile(&self) -> Profile {
        self.candidate.profile()
    }

    /// A store with the world `company`.
    pub(super) async fn company(&self) -> Outcome<Trial> {
        self.world("company").await
    }

    /// A store with the world of this name.
    pub(super) async fn world(&self, name: &str) -> Outcome<Trial> {
        self.realm(worlds::world(name)?.realm()?).await
    }

    /// A store with the world `company`, where `acme` is configured otherwise.
    pub(super) async fn acme(&self, configure: impl FnOnce(&mut Values)) -> Outcome<Trial> {
        let mut realm = worlds::world("company")?.realm()?;
        let acme = realm.organizations.get_mut("acme");
        configure(&mut acme.ok_or_else(|| broken("the world", "`acme`", &"no `acme`"))?.settings);
        self.realm(realm).await
    }

    /// A store with any world.
    pub(super) async fn realm(&self, world: Realm) -> Outcome<Trial> {
        let store = self.candidate.prepare(&world).await?;
        let host = store.host();
        let unit = match self.candidate.clock() {
            ClockKind::Moved => 60_000,
            ClockKind::Real => u64::try_from(self.unit.as_millis()).unwrap_or(u64::MAX),
        };
        let requests = AtomicU64::new(0);
        let profile = self.candidate.profile();
        Ok(Trial(Arc::new(Inner { store, host, world, unit, profile, requests })))
    }
}

/// Shares one store with its clones, so that several tasks can use it.
#[derive(Clone)]
pub(super) struct Trial(Arc<Inner>);

pub(super) struct Inner {
    store: Box<dyn Prepared>,
    pub(super) host: Host,
    world: Realm,
    /// Lifetimes, leases and holds that are waited for.
    pub(super) unit: u64,
    pub(super) profile: Profile,
    requests: AtomicU64,
}

impl Deref for Trial {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Calls, by who makes them and where.
impl Inner {
    pub(super) fn call(&self, operation: Operation, organization: Option<&str>, caller: Principal) -> Call {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let rights = organization.and_then(|id| self.world.rights(id, &caller)).unwrap_or_default();
        let context = Context {
            organization: organization.map(str::to_owned),
            caller,
            permissions: rights.permissions,
            request_id: format!("request-{number}"),
            now: NOW,
        };
        Call::new(operation, context)
    }

    /// A call of the administrator of `acme`.
    pub(super) fn admin(&self) -> Call {
        self.by(ann())
    }

    /// A call of somebody in the organization where they are resident.
    pub(super) fn by(&self, who: UserRef) -> Call {
        let organization = who.organization.clone();
        self.call(Operation::Invite, Some(&organization), Principal::User(who))
    }

    /// A call of the sweep of `acme`.
    pub(super) fn sweep(&self) -> Call {
        self.call(Operation::Sweep, Some("acme"), Principal::System)
    }

    /// A call of an invitee from their own dashboard.
    pub(super) fn invitee(&self, who: UserRef) -> Call {
        self.call(Operation::Accept, None, Principal::User(who))
    }

    /// A call of somebody who is not signed in, at the door of `acme`.
    pub(super) fn bearer(&self) -> Call {
        self.call(Operation::Accept, Some("acme"), Principal::Anonymous)
    }
}

/// Events, and what is seen of them.
impl Inner {
    pub(super) async fn pass(&self, milliseconds: u64) -> Outcome {
        Ok(self.store.pass(milliseconds).await?)
    }

    pub(super) async fn happen(&self, event: Event) -> Outcome {
        Ok(self.store.happen(&event).await?)
    }

    pub(super) async fn realm(&self) -> Outcome<Option<Realm>> {
        Ok(self.store.realm().await?)
    }

    /// The trail, with what has happened in the world where the host writes that down.
    pub(super) async fn whole_trail(&self) -> Outcome<Option<Vec<AuditEvent>>> {
        Ok(self.store.audit().await?)
    }

    /// The trail of what calls have done.
    pub(super) async fn trail(&self) -> Outcome<Vec<AuditEvent>> {
        let unreadable = || Stop::LeftOut("the audit trail cannot be read".into());
        let events = self.store.audit().await?.ok_or_else(unreadable)?;
        Ok(events.into_iter().filter(|event| !event.text().starts_with("world.")).collect())
    }

    /// The words of the trail, in order.
    pub(super) async fn words(&self) -> Outcome<Vec<String>> {
        Ok(self.trail().await?.into_iter().map(|event| event.text().to_owned()).collect())
    }
}

/// Storage, in `acme`.
impl Inner {
    pub(super) async fn try_batch(&self, call: &Call, batch: Batch) -> Result<Items, StoreError> {
        self.host.storage.insert(call, "acme".into(), batch).await
    }

    /// One entry for each draft.
    pub(super) async fn batch(&self, call: &Call, batch: Batch) -> Outcome<Items> {
        let drafts = batch.drafts.len();
        let items = ok("insert", self.try_batch(call, batch).await)?;
        same("the length of what `insert` answers", &items.len(), &drafts)?;
        Ok(items)
    }

    /// Ann stores one draft, in an operation of its own.
    pub(super) async fn try_insert(
        &self,
        draft: guestlist_contract::storage::Draft,
    ) -> Outcome<Result<Inserted, StoreError>> {
        let operation = format!("insert-{}", draft.id);
        let items = self.batch(&self.admin(), batch(&operation, vec![draft])).await?;
        items.into_iter().next().ok_or_else(|| broken("insert", "one item", &"none"))
    }

    pub(super) async fn insert(&self, draft: guestlist_contract::storage::Draft) -> Outcome<Inserted> {
        ok("insert of a draft", self.try_insert(draft).await?)
    }

    /// The row as the administrator sees it.
    pub(super) async fn row(&self, name: &str) -> Outcome<Invitation> {
        ok("get", self.host.storage.get(&self.admin(), key(name)).await)
    }

    /// A change whose guard fits the row as it is.
    pub(super) async fn try_change(&self, name: &str, change: Change) -> Outcome<Changed> {
        let version = self.row(name).await?.version;
        let guard = guard(version, &STATES);
        Ok(self.host.storage.transition(&self.admin(), key(name), guard, change).await)
    }

    /// The row after a change that has to be made.
    pub(super) async fn change(&self, name: &str, change: Change) -> Outcome<Invitation> {
        let what = format!("a change to `{}`", make::word(change.to));
        let done = ok(&what, self.try_change(name, change).await?)?;
        must(&what, done.applied, "applied", &done)?;
        Ok(done.row)
    }

    pub(super) async fn go(&self, name: &str, to: State) -> Outcome<Invitation> {
        self.change(name, change(to)).await
    }

    pub(super) async fn list(&self, filter: InvitationFilter, page: PageRequest) -> Outcome<Page> {
        ok("list", self.host.storage.list(&self.admin(), "acme".into(), filter, page).await)
    }

    /// Takes what is due in `acme`, hidden for `hold` from now on.
    pub(super) async fn due(&self, hold: u64) -> Outcome<Vec<DueItem>> {
        ok("due", self.host.storage.due(&self.sweep(), "acme".into(), 200, hold).await)
    }

    pub(super) async fn settle(&self, deliveries: Vec<Delivery>) -> Outcome {
        ok("settle", self.host.storage.settle(&self.sweep(), "acme".into(), deliveries).await)
    }

    pub(super) async fn purge(&self, retention: u64, limit: u32) -> Outcome<u32> {
        ok("purge", self.host.storage.purge(&self.sweep(), "acme".into(), retention, limit).await)
    }

    /// Finds the row that a code leads to, for a call.
    pub(super) async fn by_code(&self, call: &Call, name: &str) -> Outcome<Option<String>> {
        let found = ok("by-code", self.host.storage.by_code(call, make::code(name)).await)?;
        Ok(found.map(|row| row.key.id))
    }
}

/// Membership, in `acme`.
impl Inner {
    pub(super) async fn try_apply(
        &self,
        call: &Call,
        name: &str,
        who: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError> {
        self.host.membership.apply(call, "acme".into(), make::id(name), who, steps).await
    }

    /// Applies as the invitee. A host whose members are elsewhere may say for a while that a step is in
    /// doubt.
    pub(super) async fn apply(
        &self,
        name: &str,
        who: UserRef,
        steps: Vec<Step>,
    ) -> Outcome<Vec<StepOutcome>> {
        for _ in 0..PATIENCE {
            let answer = self.try_apply(&self.invitee(who.clone()), name, who.clone(), steps.clone()).await;
            match answer {
                Err(HostError::Unavailable(Some(wait))) if self.profile == Profile::External => {
                    self.pass(wait).await?;
                }
                answer => {
                    let outcomes = ok("apply", answer)?;
                    same("the length of what `apply` answers", &outcomes.len(), &steps.len())?;
                    return Ok(outcomes);
                }
            }
        }
        Err(broken("apply", "an end of its doubts", &"`unavailable`, again and again"))
    }

    pub(super) async fn close(&self, name: &str) -> Outcome<Vec<StepResult>> {
        let answer = self.host.membership.close(&self.sweep(), "acme".into(), make::id(name)).await;
        ok("close", answer)
    }

    /// Tells whether somebody is a member of `acme`.
    pub(super) async fn is_member(&self, who: UserRef) -> Outcome<bool> {
        let users = vec![who];
        let answer = self.host.membership.eligible(&self.admin(), "acme".into(), users, vec![]).await;
        Ok(item("eligible", &ok("eligible", answer)?, 0)?.member)
    }
}

/// Beginnings that many cases have in common.
impl Inner {
    pub(super) async fn claimed(&self, name: &str, who: UserRef) -> Outcome {
        self.insert(make::draft(name, who)).await?;
        self.go(name, State::Accepting).await.map(drop)
    }
}

pub(super) type Items = Vec<Result<Inserted, StoreError>>;
pub(super) type Changed = Result<Transitioned, StoreError>;

/// Shows what is due, as kind, name of the row and message.
pub(super) fn due_kinds(items: &[DueItem]) -> Vec<(String, String, Option<MessageKind>)> {
    let kind = |item: &DueItem| format!("{:?}", item.kind).rsplit("::").next().unwrap_or("").to_lowercase();
    items.iter().map(|item| (kind(item), item.row.name.clone(), item.message.clone())).collect()
}
