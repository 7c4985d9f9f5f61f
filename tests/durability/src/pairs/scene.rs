//! How things stand when two act at once: one small organization, made in memory by the plugin itself, and
//! copied as often as it is needed.

use std::sync::Arc;

use guestlist_contract::{
    Function, code,
    exports::invitee::Handle,
    types::{Principal, UserRef},
};
use guestlist_harness::{Plugin, operations as op};
use guestlist_memory::{MemoryHost, Organization, Realm, default_settings};
use guestlist_testkit::{Fault, FaultPlan, Interceptor};
use serde::{Deserialize, Serialize};

use crate::{
    act::{Act, Command, Letter, invite},
    host::{Dice, Post, Stage},
    world::{self, PARENT},
};

const HOUR: u64 = 60 * 60 * 1000;
/// The instant at which all scenes begin, in milliseconds since 1970.
pub const START: u64 = 1_780_000_000_000;

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scene {
    /// Nobody is invited.
    Empty,
    /// Alice is invited.
    Pending,
    /// Her invitation awaits approval.
    Awaiting,
    /// Its time has run out, and nobody has written that down.
    Expired,
    /// She had claimed it and was made a member when the call broke off; the lease is over.
    Interrupted,
    /// She had claimed it when the call broke off; nothing was applied, and the lease is over.
    Claimed,
    /// Its mail was sent, nobody said so, and it is due again.
    Unsent,
    /// She is invited, and a member by another way.
    Member,
    /// It was revoked long ago.
    Revoked,
}

impl Scene {
    /// Every scene.
    pub const ALL: [Self; 9] = [
        Self::Empty,
        Self::Pending,
        Self::Awaiting,
        Self::Expired,
        Self::Interrupted,
        Self::Claimed,
        Self::Unsent,
        Self::Member,
        Self::Revoked,
    ];
}

/// What those who act have to know of where they are. The names of no two runs are alike.
#[derive(Clone, Debug)]
pub struct Cast {
    pub organization: String,
    pub alice: UserRef,
    pub alice_name: String,
    /// The invitation, and the newest code that was made for it; of an empty scene, ones that nobody has.
    pub invitation: String,
    pub code: String,
    /// Tells runs apart where something must not be the same in two organizations.
    pub run: u64,
}

fn organization(run: u64) -> String {
    format!("org-{run:08}")
}

fn alice(run: u64) -> String {
    format!("alice-{run:08}")
}

/// A scene as data: everything is in here but time.
#[derive(Clone, Debug)]
pub struct Template {
    realm: String,
    letters: String,
    codes: Vec<String>,
    invitation: String,
}

/// The run that templates are made of. Its names stand for those of every other.
const MODEL: u64 = 99_999_999;

/// The world of one run, before anything has happened.
fn stand(run: u64, awaiting: bool) -> Realm {
    let mut settings = default_settings();
    if awaiting {
        settings.privileged = vec![world::group("g-ops")];
    }
    let mut realm = world::realm(1, 1, &settings);
    let child: Organization = realm.organizations.remove(&world::child(0)).expect("the child");
    let child = serde_json::to_string(&child).unwrap().replace(&world::child(0), &organization(run));
    realm.organizations.insert(organization(run), serde_json::from_str(&child).unwrap());
    let root = realm.organizations.get_mut(PARENT).expect("the parent");
    let text = serde_json::to_string(root).unwrap();
    let text = text.replace("u-0", &alice(run)).replace(&world::name(0), &alice(run));
    *root = serde_json::from_str(&text).unwrap();
    realm
}

impl Template {
    /// Plays a scene.
    pub async fn of(plugin: &Plugin, scene: Scene) -> Self {
        let memory = Arc::new(MemoryHost::default());
        memory.set_realm(stand(MODEL, scene == Scene::Awaiting));
        memory.set_clock(START - 100 * HOUR);
        let stage = Stage::in_memory(plugin, memory.clone());
        let post = Arc::new(Post::default());
        let before = match scene {
            Scene::Expired | Scene::Revoked => 90 * HOUR,
            _ => HOUR,
        };
        memory.set_clock(START - before);
        let place = organization(MODEL);
        let admin = world::admin(&place, 1);
        if scene != Scene::Empty {
            let grants = world::GROUPS.into_iter().map(world::group).collect();
            let invite = command("setup", Some(&place), admin.clone(), invite(vec![alice(MODEL)], grants));
            let around: Option<Arc<dyn Interceptor>> = (scene == Scene::Unsent).then(|| {
                let failing = FaultPlan::once(Function::NotificationsSend, 1, Fault::FailAfter);
                Arc::new(failing) as _
            });
            stage.act_with(&invite, post.clone(), around).await;
        }
        let invitation = memory.snapshot().invitations.first().map(|row| row.invitation.key.id.clone());
        let codes: Vec<_> = post.letters().iter().filter_map(|letter| letter.message.code.clone()).collect();
        let user = UserRef { organization: PARENT.into(), id: alice(MODEL) };
        match scene {
            Scene::Claimed | Scene::Interrupted => {
                let last = match scene {
                    Scene::Claimed => Function::StorageTransition,
                    _ => Function::MembershipApply,
                };
                let broken: Arc<dyn Interceptor> = Arc::new(FaultPlan::once(last, 1, Fault::CrashAfter));
                let handle = Handle::Code(codes[0].clone());
                let accept = command("setup-accept", None, Principal::User(user), op::Accept { handle });
                stage.act_with(&accept, post.clone(), Some(broken)).await;
            }
            Scene::Member => memory.add_member(&place, &user).expect("she is none yet"),
            Scene::Revoked => {
                let revoke = op::Revoke { id: invitation.clone().unwrap(), reason: None };
                stage.act(&command("setup-revoke", Some(&place), admin, revoke), post.clone()).await;
            }
            _ => {}
        }
        let realm = serde_json::to_string(&memory.realm()).unwrap();
        let letters = serde_json::to_string(&post.letters()).unwrap();
        let invitation = invitation.unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".into());
        Self { realm, letters, codes, invitation }
    }

    /// A copy for a run, with names and codes of its own, and the mails that came before it.
    #[must_use]
    pub fn copy(&self, run: u64) -> (Realm, Vec<Letter>, Cast) {
        let mut texts = [self.realm.clone(), self.letters.clone()];
        let mut code = String::new();
        let mut dice = Dice::new(run);
        let mut new = || code::from_bytes(std::array::from_fn(|_| dice.roll() as u8));
        for old in &self.codes {
            code = new();
            for text in &mut texts {
                *text = text.replace(old, &code);
                *text =
                    text.replace(&code::stored_digest(old).unwrap(), &code::stored_digest(&code).unwrap());
            }
        }
        let [realm, letters] = texts.map(|text| {
            text.replace(&organization(MODEL), &organization(run)).replace(&alice(MODEL), &alice(run))
        });
        if code.is_empty() {
            code = new();
        }
        let cast = Cast {
            organization: organization(run),
            alice: UserRef { organization: PARENT.into(), id: alice(run) },
            alice_name: alice(run),
            invitation: self.invitation.clone(),
            code,
            run,
        };
        (serde_json::from_str(&realm).unwrap(), serde_json::from_str(&letters).unwrap(), cast)
    }
}

fn command(request: &str, organization: Option<&str>, caller: Principal, act: impl Into<Act>) -> Command {
    let (organization, act) = (organization.map(str::to_owned), act.into());
    Command { number: 0, at: 0, organization, caller, request: request.to_owned(), act }
}

/// All these worlds in one.
#[must_use]
pub fn merged(realms: impl IntoIterator<Item = Realm>) -> Realm {
    let mut all = Realm::default();
    for mut realm in realms {
        let root = realm.organizations.remove(PARENT);
        match (all.organizations.get_mut(PARENT), root) {
            (Some(known), Some(root)) => known.people.extend(root.people),
            (None, Some(root)) => {
                all.organizations.insert(PARENT.into(), root);
            }
            (_, None) => {}
        }
        all.organizations.extend(realm.organizations);
        all.tenants.extend(realm.tenants);
        all.audit.extend(realm.audit);
    }
    all
}
