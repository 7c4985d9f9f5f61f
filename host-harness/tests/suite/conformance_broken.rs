//! Candidates for the tests of the suite: hosts that break one promise each, and one with a clock of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use guestlist_harness::{
    conformance::{Candidate, ClockKind, Event, Prepared, Reference, Trouble},
    contract::{
        membership::{Eligibility, Resolved},
        storage::{
            Batch, Change, ClockGuard, CodeChange, Delivery, DueItem, Guard, Inserted, Recorded, StoreError,
            Transitioned,
        },
        types::{
            Context, Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest,
            Permissions, Principal, State, Step, StepOutcome, StepResult, UserRef,
        },
    },
    host::{Call, Host, Membership, Operation, Storage},
    memory::{AuditEvent, MemoryHost, Realm},
};

/// What a host does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wrong {
    ForgetsTheVersion,
    ChecksThenChanges,
    SaysAppliedTwice,
    LosesAnEvent,
    LosesTheReasonOfAnEvent,
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
    Panics,
    NeverAnswers,
}

pub struct Liar(pub Wrong);

/// The in-memory host, with one promise broken.
struct Twisted {
    host: Arc<MemoryHost>,
    wrong: Wrong,
}

impl Twisted {
    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
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
        let host = Arc::new(Reference::host(world));
        Ok(Box::new(Opened(Arc::new(Twisted { host, wrong: self.0 }))))
    }
}

struct Opened(Arc<Twisted>);

#[async_trait]
impl Prepared for Opened {
    fn host(&self) -> Host {
        Host { storage: self.0.clone(), membership: self.0.clone(), ..self.0.host.clone().host() }
    }

    async fn pass(&self, milliseconds: u64) -> Result<(), Trouble> {
        self.0.host.advance(milliseconds);
        Ok(())
    }

    async fn happen(&self, event: &Event) -> Result<(), Trouble> {
        event.apply_to(&self.0.host).map_err(|error| Trouble::Failed(error.to_string()))
    }

    async fn audit(&self) -> Result<Option<Vec<AuditEvent>>, Trouble> {
        let mut events = self.0.host.audit();
        if self.0.is(Wrong::LosesAnEvent) {
            events.retain(|event| event.event != "invitation.declined");
        }
        if self.0.is(Wrong::LosesTheReasonOfAnEvent) {
            events.iter_mut().for_each(|event| event.reason = None);
        }
        Ok(Some(events))
    }

    async fn realm(&self) -> Result<Option<Realm>, Trouble> {
        Ok(Some(self.0.host.realm()))
    }
}

#[async_trait]
impl Storage for Twisted {
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
            _ => {}
        }
        self.host.insert(call, organization, batch).await
    }

    async fn get(&self, call: &Call, key: InvitationKey) -> Result<Invitation, StoreError> {
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
        self.host.by_code(call, code).await
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
            Wrong::ForgetsNotices => change.messages.clear(),
            Wrong::ForgetsTheClock => guard.clock = ClockGuard::None,
            _ => {}
        }
        let done = self.host.transition(call, key.clone(), guard.clone(), change.clone()).await?;
        let applied = done.applied || self.is(Wrong::SaysAppliedTwice);
        Ok(Transitioned { applied, ..done })
    }

    async fn list(
        &self,
        call: &Call,
        organization: String,
        filter: InvitationFilter,
        page: PageRequest,
    ) -> Result<Page, StoreError> {
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

    async fn mine(
        &self,
        call: &Call,
        states: Vec<State>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        self.host.mine(call, states, after, limit).await
    }

    async fn due(
        &self,
        call: &Call,
        organization: String,
        limit: u32,
        hold: u64,
    ) -> Result<Vec<DueItem>, HostError> {
        let hold = if self.is(Wrong::ForgetsTheHold) { 0 } else { hold };
        self.host.due(call, organization, limit, hold).await
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
}

#[async_trait]
impl Membership for Twisted {
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        self.host.resolve(call, organization, inviter, grants).await
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError> {
        let mut found = self.host.eligible(call, organization, users, grants).await?;
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

    async fn close(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
    ) -> Result<Vec<StepResult>, HostError> {
        self.host.close(call, organization, invitation).await
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
