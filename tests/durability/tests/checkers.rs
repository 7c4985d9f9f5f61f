//! The trials can fail: each checker is shown something that must not be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use guestlist_contract::{
    audit::EventKind,
    exports::{
        invitations::Refusal,
        invitee::{Accepted, Handle},
    },
    host::{Call, Membership},
    membership::{Eligibility, Resolved},
    types::{Grant, HostError, InvitationKey, Principal, State, Step, StepOutcome, StepResult, UserRef},
};
use guestlist_durability::{
    act::{Act, Answer, Command, Letter, invite},
    check::slices,
    host::{Post, Stage, plugin},
    pairs::{
        model::{Explained, Models},
        normal::{REQUESTS, Run, part_of},
        ops::Op,
        scene::{START, Scene},
        scenes,
    },
    race::{Invited, Tally, miscounted},
    world,
};
use guestlist_harness::{Plugin, Reply, operations as op};
use guestlist_memory::{MemoryHost, Realm, default_settings};
use guestlist_testkit::guarantees::Word;

static PLUGIN: LazyLock<Plugin> = LazyLock::new(plugin);

fn command(organization: Option<&str>, caller: Principal, act: impl Into<Act>) -> Command {
    let (organization, act) = (organization.map(str::to_owned), act.into());
    Command { number: 0, at: 0, organization, caller, request: "a-request".into(), act }
}

/// One person was invited and has accepted.
async fn accepted() -> (Realm, Vec<Letter>, Accepted) {
    accepted_on(|host| Stage::in_memory(&PLUGIN, host)).await
}

async fn accepted_on(stage: impl Fn(Arc<MemoryHost>) -> Stage) -> (Realm, Vec<Letter>, Accepted) {
    let memory = Arc::new(MemoryHost::default());
    memory.set_realm(world::realm(1, 1, &default_settings()));
    let (stage, post) = (stage(memory.clone()), Arc::new(Post::default()));
    let child = world::child(0);
    let invite = invite(vec![world::name(0)], vec![world::group("g-help")]);
    let invite = command(Some(&child), world::admin(&child, 1), invite);
    assert!(matches!(stage.act(&invite, post.clone()).await, Answer::Call(Reply::Invite(Ok(_)))));
    let code = post.letters()[0].message.code.clone().unwrap();
    let accept = op::Accept { handle: Handle::Code(code) };
    let accept = command(None, Principal::User(world::resident(0)), accept);
    let Answer::Call(Reply::Accept(Ok(accepted))) = stage.act(&accept, post.clone()).await else {
        panic!("it was not accepted")
    };
    (memory.realm(), post.letters(), accepted)
}

/// What is wrong with a world, in one text.
fn wrong(realm: Realm, letters: &[Letter], told: &[Word]) -> String {
    let found = slices(realm, letters, told);
    found.iter().flat_map(|slice| slice.broken(true)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_world_that_is_as_it_was_said_is_sound() {
    let (realm, letters, accepted) = accepted().await;
    let told = [Word::Accepted(accepted.key, accepted.outcomes)];
    assert_eq!(wrong(realm, &letters, &told), "");
}

#[tokio::test]
async fn a_lost_acknowledgement_is_found() {
    let (realm, letters, accepted) = accepted().await;
    let lost = InvitationKey { id: "never".into(), ..accepted.key.clone() };
    let child = accepted.key.organization.clone();
    for told in [
        Word::Accepted(lost, Vec::new()),
        Word::Accepted(accepted.key.clone(), Vec::new()),
        Word::Ended(accepted.key.clone(), State::Revoked),
        Word::Ended(accepted.key.clone(), State::Declined),
        Word::Removed(child, world::resident(0)),
    ] {
        let found = wrong(realm.clone(), &letters, std::slice::from_ref(&told));
        assert!(found.contains("I-ACK"), "{told:?}: {found}");
    }
    let live = realm.tenants[&accepted.key.organization].rows[&accepted.key.id].codes.clone();
    let told = [Word::Resent(accepted.key, live)];
    assert!(wrong(realm, &letters, &told).contains("I-SEC2"));
}

#[tokio::test]
async fn half_an_accept_is_found() {
    let (realm, letters, accepted) = accepted().await;
    let InvitationKey { organization, id } = accepted.key;
    let mut open = realm.clone();
    let row = open.tenants.get_mut(&organization).unwrap().rows.get_mut(&id).unwrap();
    row.invitation.state = State::Accepting;
    assert!(wrong(open, &letters, &[]).contains("I-REST"));
    let mut alone = realm.clone();
    alone.organizations.get_mut(&organization).unwrap().people.retain(|_, one| one.invitation.is_none());
    assert!(wrong(alone, &letters, &[]).contains("I-REST"));
    let mut silent = realm;
    silent.audit.retain(|event| event.kind != EventKind::InvitationAccepted);
    assert!(wrong(silent, &letters, &[]).contains("I-AUD"));
}

/// A membership whose log forgets: each step is applied as often as it is asked for.
struct Forgetful(Arc<MemoryHost>);

#[async_trait]
impl Membership for Forgetful {
    async fn resolve(
        &self,
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        self.0.resolve(call, organization, inviter, grants).await
    }

    async fn eligible(
        &self,
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Vec<Eligibility>, HostError> {
        self.0.eligible(call, organization, users, grants).await
    }

    async fn apply(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
        user: UserRef,
        steps: Vec<Step>,
    ) -> Result<Vec<StepOutcome>, HostError> {
        let first = Membership::apply(
            &*self.0,
            call,
            organization.clone(),
            invitation.clone(),
            user.clone(),
            steps.clone(),
        )
        .await?;
        let mut realm = self.0.realm();
        realm.tenants.get_mut(&organization).unwrap().applied.clear();
        realm.organizations.get_mut(&organization).unwrap().people.retain(|_, one| one.account != user);
        self.0.set_realm(realm);
        Membership::apply(&*self.0, call, organization, invitation, user, steps).await?;
        Ok(first)
    }

    async fn close(
        &self,
        call: &Call,
        organization: String,
        invitation: String,
    ) -> Result<Vec<StepResult>, HostError> {
        self.0.close(call, organization, invitation).await
    }
}

#[tokio::test]
async fn a_host_that_applies_twice_is_found() {
    let twice = |host: Arc<MemoryHost>| {
        let mut stage = Stage::in_memory(&PLUGIN, host.clone());
        stage.set_membership(Arc::new(Forgetful(host)));
        stage
    };
    let (realm, letters, accepted) = accepted_on(twice).await;
    let code = letters[0].message.code.clone().unwrap();
    let invited = [Invited { key: accepted.key, invitee: world::resident(0), code }];
    let counted = miscounted(&realm, &invited).join("\n");
    assert!(counted.contains("has 2 events `member.added`"), "{counted}");
    assert!(wrong(realm, &letters, &[]).contains("I-ONE"));
}

#[test]
fn two_effective_accepts_of_one_code_are_found() {
    let mut tally = Tally::default();
    tally.note(0, 10, 20, true);
    assert_eq!(tally.wrong("one"), None);
    tally.note(1, 15, 25, true);
    assert!(tally.wrong("one").unwrap().contains("2 effective"));
    assert!(tally.is_contended());
    let mut none = Tally::default();
    none.note(0, 10, 20, false);
    none.note(1, 20, 30, false);
    assert!(none.wrong("one").unwrap().contains("0 effective"));
    assert!(!none.is_contended());
}

/// Plays these one after the other in memory, as workers do at the same time on a database.
async fn played(models: &Models, scene: Scene, ops: [Op; 2]) -> Run {
    let (realm, letters, cast) = models.template(scene).copy(7);
    let memory = Arc::new(MemoryHost::default());
    memory.set_realm(realm);
    memory.set_clock(START);
    let stage = Stage::in_memory(&PLUGIN, memory.clone());
    let mut parts = [None, None];
    for (index, op) in ops.into_iter().enumerate() {
        let post = Arc::new(Post::default());
        let answer = stage.act(&op.command(&cast, REQUESTS[index]), post.clone()).await;
        parts[index] = Some((answer, post.letters()));
    }
    let realm = memory.realm();
    let audit: Vec<_> = realm.audit.iter().collect();
    let realm = part_of(&realm, &audit, &cast);
    Run { cast, letters, parts, realm }
}

#[tokio::test]
async fn what_no_order_explains_is_found() {
    let mut models = Models::new(&PLUGIN).await;
    let ops = [Op::Accept, Op::Revoke];
    let run = played(&models, Scene::Pending, ops).await;
    let model = models.of(Scene::Pending, ops).await;
    assert_eq!(model.explain(&run, true, false).await, Explained::First([true, false]));

    // Both were told that they had won.
    let mut both = run.clone();
    both.parts[1].as_mut().unwrap().0 = Answer::Call(Reply::Revoke(Ok(())));
    assert!(matches!(model.explain(&both, true, false).await, Explained::Not(_)));
    // The other was told "not now", and it was: as if it had not asked.
    let mut not_now = run.without(1);
    not_now.parts[1] = Some((Answer::Call(Reply::Revoke(Err(Refusal::InProgress(1)))), Vec::new()));
    assert_eq!(model.explain(&not_now, true, false).await, Explained::NotNow(1));
    // Not where they never met, and not where host calls are compared.
    assert!(matches!(model.explain(&not_now, false, false).await, Explained::Not(_)));
    assert!(matches!(model.explain(&not_now, true, true).await, Explained::Not(_)));
    // It said "not now" and was done all the same.
    let mut done = run.clone();
    done.parts[1] = Some((Answer::Call(Reply::Revoke(Err(Refusal::InProgress(1)))), Vec::new()));
    done.realm.tenants.values_mut().flat_map(|tenant| tenant.rows.values_mut()).for_each(|row| {
        row.invitation.state = State::Revoked;
    });
    assert!(matches!(model.explain(&done, true, false).await, Explained::Not(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_can_happen_in_the_middle_of_something_is_foreseen() {
    let mut models = Models::new(&PLUGIN).await;
    let mut surprises = Vec::new();
    for (index, first) in Op::OPERATIONS.into_iter().enumerate() {
        for second in Op::OPERATIONS.into_iter().skip(index) {
            for scene in scenes([first, second]) {
                let found = models.of(scene, [first, second]).await.surprises().await;
                surprises.extend(found.into_iter().map(|found| format!("{scene:?}: {found}")));
            }
        }
    }
    assert!(surprises.is_empty(), "{}\n{}", surprises.len(), surprises.join("\n"));
}
