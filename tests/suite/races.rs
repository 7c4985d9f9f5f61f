//! Calls at the same time, interleaved at every host call; after each schedule every guarantee is asked,
//! and once more when the sweep has run.

use std::cell::RefCell;

use guestlist_harness::{Function, contract::exports::invitee::Handle, memory::Rule, operations as op};

use crate::{
    guarantees::{History, always, at_rest},
    rig::*,
    schedule::*,
};

/// Alice is invited into two groups.
async fn scene() -> (Scene, String) {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[group("g-help"), group("g-ops")]).await;
    (Scene { rig, key, history: RefCell::new(History::default()) }, code)
}

/// More than any call makes.
const HOST_CALLS: usize = 24;
const RANDOM: u64 = 60;

/// Every way in which the first is interrupted by the rest, in both orders, and many at random.
async fn all_schedules(scene: &Scene, acts: &[Act], also: impl Fn(&Scene, &[String], &str)) {
    let mut reversed = acts.to_vec();
    reversed.reverse();
    for acts in [acts, &reversed] {
        for steps in 0..HOST_CALLS {
            let scene = scene.fork();
            let answers = scene.race(acts, interrupted_after(steps)).await;
            settle_and_check(&scene, acts, &answers, &format!("interrupted after {steps}"), &also).await;
        }
    }
    for seed in 0..RANDOM {
        let scene = scene.fork();
        let answers = scene.race(acts, shuffled(seed)).await;
        settle_and_check(&scene, acts, &answers, &format!("seed {seed}"), &also).await;
    }
}

async fn settle_and_check(
    scene: &Scene,
    acts: &[Act],
    answers: &[String],
    schedule: &str,
    also: &impl Fn(&Scene, &[String], &str),
) {
    let shown = format!("{schedule} of {acts:?}: {answers:#?}");
    let history = scene.history.borrow().clone();
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| always(&scene.rig, &history)));
    assert!(found.is_ok(), "{shown}");
    also(scene, answers, &shown);
    for _ in 0..8 {
        scene.rig.host.advance(120_000);
        while scene.rig.sweep("acme").await.more {}
    }
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        always(&scene.rig, &history);
        at_rest(&scene.rig, &history);
    }));
    assert!(found.is_ok(), "at rest, {shown}");
}

fn nothing_more(_: &Scene, _: &[String], _: &str) {}

fn won(answers: &[String]) -> usize {
    answers
        .iter()
        .filter(|answer| answer.starts_with("Ok(Accepted") && answer.contains("repeated: false"))
        .count()
}

#[tokio::test]
async fn of_two_accepts_one_wins() {
    let (scene, code) = scene().await;
    let acts = [Act::Accept(alice(), code.clone()), Act::AcceptById(alice())];
    all_schedules(&scene, &acts, |_, answers, shown| assert_eq!(won(answers), 1, "I-ONE: {shown}")).await;
}

#[tokio::test]
async fn of_eight_accepts_one_wins() {
    let (scene, code) = scene().await;
    let mut acts = vec![Act::Accept(alice(), code.clone()); 7];
    acts.push(Act::Accept(bob(), code));
    for seed in 0..RANDOM {
        let scene = scene.fork();
        let answers = scene.race(&acts, shuffled(seed)).await;
        let one = |_: &Scene, answers: &[String], shown: &str| assert_eq!(won(answers), 1, "I-ONE: {shown}");
        settle_and_check(&scene, &acts, &answers, &format!("seed {seed}"), &one).await;
    }
}

/// Either the accept won or the end did, never both.
fn one_of_both(_: &Scene, answers: &[String], shown: &str) {
    let ended = answers.iter().filter(|answer| *answer == "Ok(())").count();
    assert!(won(answers) + ended <= 1, "I-REV: {shown}");
}

#[tokio::test]
async fn accept_against_revoke() {
    let (scene, code) = scene().await;
    all_schedules(&scene, &[Act::Accept(alice(), code), Act::Revoke], one_of_both).await;
}

#[tokio::test]
async fn accept_against_decline() {
    let (scene, code) = scene().await;
    all_schedules(&scene, &[Act::Accept(alice(), code.clone()), Act::Decline(code)], one_of_both).await;
}

#[tokio::test]
async fn accept_against_expiry_and_sweep() {
    let (scene, code) = scene().await;
    let acts = [Act::Accept(alice(), code), Act::Advance(HOURS_72), Act::Sweep];
    all_schedules(&scene, &acts, nothing_more).await;
}

#[tokio::test]
async fn accept_against_a_sweep_that_takes_it_over() {
    let (scene, code) = scene().await;
    let acts = [Act::Accept(alice(), code), Act::Advance(30_000), Act::Sweep];
    all_schedules(&scene, &acts, nothing_more).await;
}

#[tokio::test]
async fn accept_against_a_take_over_and_the_inviter_losing_his_right() {
    let (scene, code) = scene().await;
    let acts = [Act::Accept(alice(), code), Act::Advance(30_000), Act::LoseRight, Act::Sweep];
    all_schedules(&scene, &acts, nothing_more).await;
}

/// A right that is lost before the check after the claim is noticed. From there on the loss counts as
/// later than the accept: no host could tell the two apart.
#[tokio::test]
async fn accept_against_the_inviter_losing_his_right() {
    let (scene, code) = scene().await;
    let undisturbed = scene.fork();
    let accept = op::Accept { handle: Handle::Code(code.clone()) };
    let trace = undisturbed.rig.run(None, alice(), accept).await.unwrap().trace.unwrap();
    // What the inviter may give is the last that is asked about him.
    let mut asked = trace.entries.iter().filter(|entry| entry.function == Function::MembershipResolve);
    let last_check = asked.next_back().unwrap().index as usize;
    let acts = [Act::Accept(alice(), code), Act::LoseRight];
    for steps in 0..HOST_CALLS {
        let scene = scene.fork();
        let answers = scene.race(&acts, interrupted_after(steps)).await;
        assert_eq!(won(&answers), usize::from(steps >= last_check), "after {steps}: {answers:?}");
        let member = scene.rig.host.members("acme").iter().any(|member| member.account.id == "u-alice");
        assert_eq!(member, steps >= last_check, "I-LEAST: after {steps}: {answers:?}");
        for _ in 0..2 {
            scene.rig.host.advance(120_000);
            scene.rig.sweep("acme").await;
        }
        at_rest(&scene.rig, &scene.history.borrow());
    }
}

#[tokio::test]
async fn accept_against_the_removal_of_the_member_and_a_take_over() {
    let (scene, code) = scene().await;
    let acts = [Act::Accept(alice(), code), Act::RemoveMember, Act::Advance(30_000), Act::Sweep];
    all_schedules(&scene, &acts, nothing_more).await;
}

#[tokio::test]
async fn accept_against_a_group_that_vanishes() {
    let (scene, code) = scene().await;
    all_schedules(&scene, &[Act::Accept(alice(), code), Act::DeleteGroup], |_, answers, shown| {
        assert_eq!(won(answers), 1, "a vanished group is skipped: {shown}");
    })
    .await;
}

#[tokio::test]
async fn accept_against_the_end_of_invitee_or_organization() {
    let (scene, code) = scene().await;
    for end in [Act::DisableInvitee, Act::SuspendOrganization] {
        all_schedules(&scene, &[Act::Accept(alice(), code.clone()), end], nothing_more).await;
    }
}

#[tokio::test]
async fn accept_against_resend() {
    let (scene, code) = scene().await;
    all_schedules(&scene, &[Act::Accept(alice(), code), Act::Resend], nothing_more).await;
}

#[tokio::test]
async fn resend_against_revoke_and_resend() {
    let (scene, _) = scene().await;
    all_schedules(&scene, &[Act::Resend, Act::Revoke], nothing_more).await;
    all_schedules(&scene, &[Act::Resend, Act::Resend], nothing_more).await;
}

#[tokio::test]
async fn two_invites_of_one_person() {
    let rig = Rig::new();
    let (key, _) = rig.invited("bob", &[]).await;
    let scene = Scene { rig, key, history: RefCell::new(History::default()) };
    all_schedules(&scene, &[Act::InviteAgain, Act::InviteAgain], |_, answers, shown| {
        let refused = answers.iter().filter(|answer| answer.contains("ActiveInvitation")).count();
        assert_eq!(refused, 1, "I-UNIQ: {shown}");
    })
    .await;
}

#[tokio::test]
async fn two_sweeps_of_the_same_work() {
    let (scene, _) = scene().await;
    scene.rig.host.advance(HOURS_72);
    all_schedules(&scene, &[Act::Sweep, Act::Sweep], nothing_more).await;
}

#[tokio::test]
async fn approve_against_reject_and_revoke() {
    let rig = Rig::new();
    let rule: Rule = serde_json::from_str(r#"{ "require-approval": "always" }"#).unwrap();
    rig.host.set_policy("acme", vec![rule]).unwrap();
    let invited = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap();
    let key =
        guestlist_harness::contract::types::InvitationKey { organization: "acme".into(), id: invited.id };
    let scene = Scene { rig, key, history: RefCell::new(History::default()) };
    for other in [Act::Reject, Act::Revoke] {
        all_schedules(&scene, &[Act::Approve, other], nothing_more).await;
    }
}
