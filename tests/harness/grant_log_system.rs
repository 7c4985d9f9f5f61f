//! The whole system, with the members in a directory that misbehaves: the component accepts, the sweep
//! finishes, the log keeps the promises.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use guestlist_connect::{ExternalMembership, GrantLog, MemberSource, Options};
use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, LifetimeChoice},
        invitee::Handle,
    },
    host::{Call, Host, Membership as _},
    membership::{Eligibility, Resolved},
    types::{
        Grant, GrantKind, HostError, Invitation, InvitationKey, Permissions, Principal, State, Step,
        StepOutcome, UserRef,
    },
};
use guestlist_harness::{Engine, EngineOptions, Limits, Plugin, Pooling, Session};
use guestlist_memory::MemoryHost;

use crate::grant_log_directory::{Fault, Nature, Scripted, alice, steps};

const WORLD: &str = "organizations:
  - { id: root, users: [{ id: u-alice, name: alice, email: alice@example.com }] }
  - { id: acme, parent: root, users: [{ id: u-ann, name: ann }], permissions: { u-ann: [invite] },
      groups: [{ id: g-help }, { id: g-ops }] }";

/// Groups and rights as in the in-memory host, members elsewhere.
struct Elsewhere {
    here: Arc<MemoryHost>,
    directory: Arc<Scripted>,
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
        self.here.resolve(call, organization.to_owned(), inviter.clone(), grants.to_vec()).await
    }

    async fn eligible(
        &self,
        _: &Call,
        _: &str,
        users: &[UserRef],
        _: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError> {
        let member = |user: &UserRef| *user == alice() && self.directory.has(&Step::Member);
        Ok(users
            .iter()
            .map(|user| Eligibility {
                member: member(user),
                name_taken: false,
                address_allowed: true,
                withheld: vec![],
            })
            .collect())
    }
}

struct System {
    here: Arc<MemoryHost>,
    directory: Arc<Scripted>,
    log: GrantLog,
    session: Session,
    key: InvitationKey,
}

fn plugin() -> Plugin {
    Plugin::bundled(&Engine::new(&EngineOptions::fuel().pooling(Pooling::Never)).unwrap()).unwrap()
}

fn ann() -> Principal {
    Principal::User(UserRef { organization: "acme".to_owned(), id: "u-ann".to_owned() })
}

impl System {
    /// Ann has invited Alice for two groups.
    async fn new(plugin: &Plugin, nature: Nature, options: Options) -> Self {
        let here = Arc::new(MemoryHost::from_yaml(WORLD).unwrap());
        let directory = Arc::new(Scripted::new(nature));
        let log = directory.log(options);
        let elsewhere = Arc::new(Elsewhere { here: here.clone(), directory: directory.clone() });
        let membership = ExternalMembership::new(elsewhere, here.clone(), log.clone());
        let host = Host { membership: Arc::new(membership), ..here.clone().host() };
        let session = plugin.session(host, Limits::default());
        let group = |id: &str| Grant { kind: GrantKind::Group, id: id.to_owned() };
        let request = InviteRequest {
            names: vec!["alice".to_owned()],
            userstore_domain: None,
            grants: vec![group("g-help"), group("g-ops")],
            lifetime: LifetimeChoice::Default,
            notify: None,
            template: None,
            language: None,
            landing: None,
            metadata: vec![],
            idempotency_key: None,
        };
        let invited = session.invite(here.context(Some("acme"), ann()), request).await.unwrap().unwrap();
        let id = invited[0].as_ref().unwrap().id.clone();
        let key = InvitationKey { organization: "acme".to_owned(), id };
        Self { here, directory, log, session, key }
    }

    async fn accept(&self) {
        let context = self.here.context(None, Principal::User(alice()));
        let _ = self.session.accept(context, Handle::Id(self.key.clone())).await;
    }

    /// What runs on a schedule, once everything's time has come.
    async fn later(&self, seconds: u64) {
        self.here.advance(seconds * 1000);
        self.directory.advance(seconds);
        let context = self.here.context(Some("acme"), Principal::System);
        let _ = self.session.sweep(context, 10).await;
        let _ = tokio::time::timeout(Duration::from_secs(2), self.log.reconcile("acme", 10)).await;
    }

    fn row(&self) -> Invitation {
        self.here.invitation(&self.key).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn an_accept_is_finished_whatever_the_directory_does_once() {
    let plugin = plugin();
    for fault in Fault::ALL {
        for number in 1.. {
            let nature = Nature { marks: false, tells: false, lateness: 9 };
            let system = System::new(&plugin, nature, Options::default()).await;
            system.directory.plan(&[(number, fault)]);
            system.accept().await;
            for _ in 0..3 {
                system.later(31).await;
            }
            let row = system.row();
            assert_eq!(row.state, State::Accepted, "{fault:?} at {number}: {:?}", row.reason);
            for (step, result) in steps().iter().zip(&row.outcomes) {
                assert_eq!(result.outcome, StepOutcome::Applied, "{fault:?} at {number}");
                assert_eq!(system.directory.appearances(&system.key.id, step), 1, "I-ONE");
            }
            assert_eq!(system.directory.size(), 3, "I-LEAST: {fault:?} at {number}");
            if !system.directory.struck() {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_lands_after_the_invitation_has_failed_is_taken_back() {
    let nature = Nature { marks: false, tells: true, lateness: 40 };
    let options = Options { lands_within: Duration::from_secs(60), ..Options::default() };
    let system = System::new(&plugin(), nature, options).await;
    system.directory.plan(&[(6, Fault::CrashLate)]);
    system.accept().await;
    assert_eq!(system.row().state, State::Accepting);
    system.here.set_permissions("acme", ann(), Permissions::empty()).unwrap();
    system.later(31).await;
    assert_eq!(system.row().state, State::Failed);
    assert_eq!(system.directory.size(), 0);

    system.later(9).await;
    assert_eq!(system.directory.appearances(&system.key.id, &Step::Member), 1, "it has landed");
    assert_eq!(system.directory.size(), 0, "I-MEM: and was taken back");
    system.later(60).await;
    assert_eq!(system.directory.watched(), 0);
}
