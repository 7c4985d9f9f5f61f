//! Members and groups in a directory of their own, here a list in memory that stands for LDAP or SCIM.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use guestlist_connect::{
    ExternalMembership, GrantLog, MemberSource, MemberWriter, MemoryRecords, Options, Presence, Recipient,
    Written,
};
use guestlist_contract::{
    host::{Call, Host},
    membership::{Eligibility, Resolved},
    types::{Grant, HostError, Principal, Step, UserRef},
};
use guestlist_examples::{Failure, WORLD, accept, invite, person};
use guestlist_harness::{Engine, EngineOptions, Limits, Plugin};
use guestlist_memory::MemoryHost;

/// A list of who is what, in which organization. A real one is asked over the network, and says
/// `unavailable` only where surely nothing was written.
#[derive(Default)]
struct Directory(Mutex<Vec<(String, UserRef, Step)>>);

impl Directory {
    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<(String, UserRef, Step)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, organization: &str, user: &UserRef, step: &Step) -> bool {
        self.entries().iter().any(|(place, who, what)| place == organization && who == user && what == step)
    }
}

/// The questions.
#[async_trait]
impl MemberSource for Directory {
    async fn resolve(
        &self,
        _: &Call,
        _organization: &str,
        _inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        let known = |grant: &Grant| grant.id == "g-help";
        let resolved = |grant: &Grant| Resolved { display_name: "Help desk".into(), grantable: known(grant) };
        Ok(grants.iter().map(|grant| known(grant).then(|| resolved(grant))).collect())
    }

    async fn eligible(
        &self,
        _: &Call,
        organization: &str,
        users: &[UserRef],
        _grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError> {
        let answer = |user: &UserRef| Eligibility {
            member: self.has(organization, user, &Step::Member),
            name_taken: false,
            address_allowed: true,
            withheld: vec![],
        };
        Ok(users.iter().map(answer).collect())
    }
}

/// The effects, each of which can be repeated.
#[async_trait]
impl MemberWriter for Directory {
    async fn look(&self, to: &Recipient, steps: &[Step]) -> Result<Vec<Presence>, HostError> {
        let presence = |step: &Step| match self.has(&to.organization, &to.user, step) {
            true => Presence::Unmarked,
            false => Presence::Absent,
        };
        Ok(steps.iter().map(presence).collect())
    }

    async fn add(&self, to: &Recipient, step: &Step) -> Result<Written, HostError> {
        if *step != Step::Member && !self.has(&to.organization, &to.user, &Step::Member) {
            return Ok(Written::NotAMember);
        }
        if self.has(&to.organization, &to.user, step) {
            return Ok(Written::Present);
        }
        self.entries().push((to.organization.clone(), to.user.clone(), step.clone()));
        Ok(Written::Added)
    }

    async fn remove(&self, to: &Recipient, step: &Step) -> Result<(), HostError> {
        // Who is no member any more has no groups either.
        self.entries().retain(|(place, who, what)| {
            *place != to.organization || *who != to.user || (*step != Step::Member && what != step)
        });
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let plugin = Plugin::bundled(&Engine::new(&EngineOptions::default())?)?;
    let directory = Arc::new(Directory::default());
    // For real people: `Database::grant_records`, which outlive the process.
    let log = GrantLog::new(directory.clone(), Arc::new(MemoryRecords::default()), Options::default());
    let others = Arc::new(MemoryHost::from_yaml(WORLD)?);
    let membership = ExternalMembership::new(directory.clone(), others.clone(), log.clone());
    let host = Host { membership: Arc::new(membership), ..others.clone().host() };
    let session = plugin.session(host, Limits::default());

    let key = invite(&session, others.context(Some("acme"), person("acme", "u-ann"))).await?;
    let alice = others.context(None, person("vendor", "u-alice"));
    println!("alice accepted: {}", accept(&session, alice, key).await?);
    println!("the directory has {} entries", directory.entries().len());

    // The schedule, beside the sweep.
    let done = log.reconcile("acme", 100).await.map_err(|error| format!("{error:?}"))?;
    println!("{} steps are still watched", done.waiting);
    Ok(())
}
