//! A host whose members are in a directory of their own, behind a grant log, as a candidate.
//!
//! The tests of the databases ask it, too, with a log of theirs.

use std::{
    any::Any,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use guestlist_conformance::{
    Candidate, ClockKind, Event, Options, Prepared, Profile, Reference, Trouble, run,
};
use guestlist_connect::{
    ExternalMembership, GrantLog, GrantRecords, MemberSource, MemberWriter, Presence, Recipient, Written,
};
use guestlist_contract::{
    host::{Call, Host, Membership as _},
    membership::{Eligibility, Resolved},
    types::{Grant, GrantKind, HostError, Principal, Step, UserRef},
};
use guestlist_memory::{AuditEvent, MemoryHost, Realm};

/// Who is what, without marks: the plainest directory there is.
struct Book {
    host: Arc<MemoryHost>,
    entries: Mutex<Vec<(String, UserRef, Step)>>,
}

impl Book {
    fn has(&self, organization: &str, user: &UserRef, step: &Step) -> bool {
        let entry = (organization.to_owned(), user.clone(), step.clone());
        self.entries.lock().unwrap().contains(&entry)
    }

    fn strike(&self, gone: impl Fn(&str, &UserRef, &Step) -> bool) {
        self.entries.lock().unwrap().retain(|(organization, user, step)| !gone(organization, user, step));
    }

    /// The user name that somebody has where they are resident.
    fn name_of(&self, user: &UserRef) -> Option<String> {
        let world = self.host.snapshot();
        let home = world.organizations.get(&user.organization)?;
        home.residents.get(&user.id).map(|person| person.name.clone())
    }

    /// Somebody else of the organization has the user name that this one would get.
    fn is_name_taken(&self, organization: &str, user: &UserRef) -> bool {
        let Some(name) = self.name_of(user) else { return false };
        let world = self.host.snapshot();
        let residents = world.organizations[organization].residents.values();
        let members: Vec<_> = self.entries.lock().unwrap().clone();
        let members = members
            .iter()
            .filter(|(place, other, step)| place == organization && other != user && *step == Step::Member);
        let guests = members.filter_map(|(_, other, _)| self.name_of(other));
        residents.map(|person| person.name.clone()).chain(guests).any(|other| other == name)
    }

    fn add(&self, organization: &str, user: &UserRef, step: &Step) -> Written {
        let world = self.host.snapshot();
        let place = &world.organizations[organization];
        if self.name_of(user).is_none() {
            return Written::NoSuchTarget;
        }
        let exists = match step {
            Step::Member => true,
            Step::Grant(Grant { kind: GrantKind::Group, id }) => place.groups.contains_key(id),
            Step::Grant(Grant { kind: GrantKind::Role, id }) => place.roles.contains_key(id),
        };
        if !exists {
            return Written::NoSuchTarget;
        }
        if *step == Step::Member && self.is_name_taken(organization, user) {
            return Written::NameTaken;
        }
        if *step != Step::Member && !self.has(organization, user, &Step::Member) {
            return Written::NotAMember;
        }
        if self.has(organization, user, step) {
            return Written::Present;
        }
        self.entries.lock().unwrap().push((organization.to_owned(), user.clone(), step.clone()));
        Written::Added
    }
}

#[async_trait]
impl MemberWriter for Book {
    async fn look(&self, to: &Recipient, steps: &[Step]) -> Result<Vec<Presence>, HostError> {
        let presence = |step: &Step| match self.has(&to.organization, &to.user, step) {
            true => Presence::Unmarked,
            false => Presence::Absent,
        };
        Ok(steps.iter().map(presence).collect())
    }

    async fn add(&self, to: &Recipient, step: &Step) -> Result<Written, HostError> {
        Ok(Book::add(self, &to.organization, &to.user, step))
    }

    async fn remove(&self, to: &Recipient, step: &Step) -> Result<(), HostError> {
        let all = *step == Step::Member;
        self.strike(|organization, user, held| {
            organization == to.organization && *user == to.user && (all || held == step)
        });
        Ok(())
    }
}

/// Answers what has no effects: groups and rights are the host's, members are in the book.
struct Elsewhere {
    host: Arc<MemoryHost>,
    book: Arc<Book>,
}

#[async_trait]
impl MemberSource for Elsewhere {
    async fn resolve(
        &self,
        call: &Call,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        self.host.resolve(call, organization.to_owned(), inviter.clone(), grants.to_vec()).await
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: &str,
        users: &[UserRef],
        grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError> {
        let (place, all) = (organization.to_owned(), users.to_vec());
        let mut found = self.host.eligible(call, place, all, grants.to_vec()).await?;
        for (found, user) in found.iter_mut().zip(users) {
            found.member |= self.book.has(organization, user, &Step::Member);
            found.name_taken = !found.member && self.book.is_name_taken(organization, user);
        }
        Ok(found)
    }
}

/// An empty log, and what it lives in: both are done with together.
pub struct Opening {
    pub records: Arc<dyn GrantRecords>,
    pub kept: Box<dyn Any + Send + Sync>,
}

/// A place where the log is kept.
#[async_trait]
pub trait Logs: Send + Sync {
    /// One whose ages are judged by this clock, in milliseconds since 1970.
    async fn open(&self, clock: Arc<dyn Fn() -> u64 + Send + Sync>) -> Result<Opening, Trouble>;
}

struct External(Arc<dyn Logs>);

struct Opened {
    host: Arc<MemoryHost>,
    book: Arc<Book>,
    log: GrantLog,
    _kept: Box<dyn Any + Send + Sync>,
}

#[async_trait]
impl Candidate for External {
    fn clock(&self) -> ClockKind {
        ClockKind::Moved
    }

    fn profile(&self) -> Profile {
        Profile::External
    }

    async fn prepare(&self, world: &Realm) -> Result<Box<dyn Prepared>, Trouble> {
        let host = Arc::new(Reference::host(world));
        let book = Arc::new(Book { host: host.clone(), entries: Mutex::default() });
        let clock = host.clone();
        let Opening { records, kept } = self.0.open(Arc::new(move || clock.store_now())).await?;
        let log = GrantLog::new(book.clone(), records, guestlist_connect::Options::default());
        Ok(Box::new(Opened { host, book, log, _kept: kept }))
    }
}

#[async_trait]
impl Prepared for Opened {
    fn host(&self) -> Host {
        let source = Arc::new(Elsewhere { host: self.host.clone(), book: self.book.clone() });
        let membership = ExternalMembership::new(source, self.host.clone(), self.log.clone());
        Host { membership: Arc::new(membership), ..self.host.clone().host() }
    }

    async fn pass(&self, milliseconds: u64) -> Result<(), Trouble> {
        self.host.advance(milliseconds);
        Ok(())
    }

    async fn happen(&self, event: &Event) -> Result<(), Trouble> {
        let book = &self.book;
        match event.clone() {
            Event::AddMember { organization, account } => {
                book.add(&organization, &account, &Step::Member);
                return Ok(());
            }
            Event::Give { organization, account, grant } => {
                book.add(&organization, &account, &Step::Grant(grant));
                return Ok(());
            }
            Event::RemoveMember { organization, account } => {
                book.strike(|place, user, _| place == organization && *user == account);
                return Ok(());
            }
            Event::Take { organization, account, grant } => {
                let taken = Step::Grant(grant);
                book.strike(|place, user, step| place == organization && *user == account && *step == taken);
                return Ok(());
            }
            Event::DeleteGroup { organization, id } => {
                let gone = Step::Grant(Grant { kind: GrantKind::Group, id });
                book.strike(|place, _, step| place == organization && *step == gone);
            }
            Event::DeleteRole { organization, id } => {
                let gone = Step::Grant(Grant { kind: GrantKind::Role, id });
                book.strike(|place, _, step| place == organization && *step == gone);
            }
            Event::DeleteUser { organization, id } => {
                let gone = UserRef { organization, id };
                book.strike(|_, user, _| *user == gone);
            }
            _ => {}
        }
        event.apply_to(&self.host).map_err(|error| Trouble::Failed(error.to_string()))
    }

    async fn audit(&self) -> Result<Option<Vec<AuditEvent>>, Trouble> {
        Ok(Some(self.host.audit()))
    }
}

/// Asks a host with a log of this kind everything.
pub async fn passes(logs: Arc<dyn Logs>) {
    let options = Options { jobs: 2, ..Options::default() };
    let report = run(Arc::new(External(logs)), &options, |_| {}).await;
    assert!(report.passed(), "{report}");
    let left_out: Vec<_> = report.left_out().map(|tried| tried.name.as_str()).collect();
    assert_eq!(left_out, ["auditing/what_is_applied", "at_once/a_removal_and_an_accept"], "{report}");
}
