//! Accepting: every check in its order, the instant of the expiry, and what stays as it was.

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;
use guestlist_contract::{
    Function,
    exports::invitee::{Ended, Handle, InviteeRefusal},
    host::Call,
    types::{InvitationKey, MessageKind, Obstacle, Permissions, Principal, State, Step, StepOutcome},
};
use guestlist_harness::operations as op;
use guestlist_memory::NewUser;
use guestlist_testkit::{Fault, FaultPlan, Interceptor};

use crate::rig::*;

/// What can be in the way, in the order in which it is named.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    OrganizationSuspended,
    OrganizationMoved,
    InviteeDisabled,
    InviterWithoutRight,
    AddressNotAllowed,
    NameTaken,
    OverTheCeiling,
    PolicySaysNo,
}

const ORDER: [Way; 8] = [
    Way::OrganizationSuspended,
    Way::OrganizationMoved,
    Way::InviteeDisabled,
    Way::InviterWithoutRight,
    Way::AddressNotAllowed,
    Way::NameTaken,
    Way::OverTheCeiling,
    Way::PolicySaysNo,
];

/// Ben invites Alice into the vault, which only Ben may open.
async fn invited() -> (Rig, InvitationKey, String) {
    let rig = Rig::new();
    let answer = rig.invite_as("acme", ben(), request(&["alice"], &[group("g-vault")])).await;
    let id = answer.unwrap().remove(0).unwrap().id;
    let code = rig.code_of(&id);
    (rig, InvitationKey { organization: "acme".into(), id }, code)
}

/// Somebody else of Alice's name.
fn namesake() -> NewUser {
    NewUser { id: "u-namesake".into(), name: "Alice".into(), store: None, email: None }
}

fn set(rig: &Rig, way: Way, on: bool) {
    let host = &rig.host;
    let done = match way {
        Way::OrganizationSuspended => host.set_organization_active("acme", !on),
        Way::OrganizationMoved => host.move_organization("acme", Some(if on { "partner" } else { "root" })),
        Way::InviteeDisabled => host.set_user_active("root", "u-alice", !on),
        Way::InviterWithoutRight => {
            host.set_permissions("acme", ben(), if on { Permissions::VIEW } else { Permissions::all() })
        }
        Way::AddressNotAllowed => host.change_settings(
            "acme",
            &patch(if on {
                r#"{ "address-domains": ["other.example"] }"#
            } else {
                r#"{ "address-domains": null }"#
            }),
        ),
        Way::NameTaken if on => host.add_user("acme", namesake()),
        Way::NameTaken => host.remove_user("acme", "u-namesake"),
        Way::OverTheCeiling => host.change_settings(
            "acme",
            &patch(if on { r#"{ "ceiling": [] }"# } else { r#"{ "ceiling": null }"# }),
        ),
        Way::PolicySaysNo => host
            .set_policy("acme", rules(if on { r#"[{ "at": "accept", "refuse": "closed" }]"# } else { "[]" })),
    };
    done.unwrap();
}

fn is_for(obstacle: &Obstacle, way: Way) -> bool {
    match way {
        Way::OrganizationSuspended => matches!(obstacle, Obstacle::OrganizationNotActive),
        Way::OrganizationMoved => matches!(obstacle, Obstacle::OrganizationMoved),
        Way::InviteeDisabled => matches!(obstacle, Obstacle::InviteeNotActive),
        Way::InviterWithoutRight => matches!(obstacle, Obstacle::InviterNotEntitled),
        Way::AddressNotAllowed => matches!(obstacle, Obstacle::AddressNotAllowed),
        Way::NameTaken => matches!(obstacle, Obstacle::NameTaken),
        Way::OverTheCeiling => {
            matches!(obstacle, Obstacle::GrantsNotAllowed(which) if *which == [group("g-vault")])
        }
        Way::PolicySaysNo => matches!(obstacle, Obstacle::Policy(why) if why == "closed"),
    }
}

#[tokio::test]
async fn of_all_that_is_in_the_way_the_first_is_named_and_nothing_is_changed() {
    for (index, first) in ORDER.into_iter().enumerate() {
        for second in ORDER.into_iter().skip(index) {
            let (rig, key, code) = invited().await;
            set(&rig, second, true);
            if first != second {
                set(&rig, first, true);
            }
            let before = rig.row(&key);
            let events = rig.host.audit().len();
            let answer = rig.accept(alice(), &code).await;
            let named = matches!(&answer, Err(InviteeRefusal::Obstacle(obstacle)) if is_for(obstacle, first));
            assert!(named, "{first:?} and {second:?}: {answer:?}");
            assert_eq!(rig.row(&key), before, "{first:?}: the invitation is as it was");
            let audit = rig.host.audit();
            assert_eq!(audit.len(), events + 1, "{first:?}: one event");
            assert_eq!(audit.last().unwrap().invitation.as_ref(), Some(&key.id));
            set(&rig, second, false);
            if first != second {
                set(&rig, first, false);
            }
            assert!(rig.accept(alice(), &code).await.is_ok(), "{first:?}: it can be accepted afterwards");
        }
    }
}

#[tokio::test]
async fn what_the_inviter_may_no_longer_give_is_in_the_way() {
    let (rig, key, code) = invited().await;
    // The host says so the next time that it is asked.
    let refuse = |mut answer: serde_json::Value| {
        answer["Ok"][0]["grantable"] = false.into();
        answer
    };
    let lie = FaultPlan::always(Function::MembershipResolve, Fault::Hostile(std::sync::Arc::new(refuse)));
    let accept = op::Accept { handle: Handle::Code(code) };
    let answer = rig.run_with(std::sync::Arc::new(lie), None, alice(), accept).await.unwrap().answer;
    let expected = Obstacle::GrantsNotAllowed(vec![group("g-vault")]);
    assert_eq!(answer, Err(InviteeRefusal::Obstacle(expected)));
    assert_eq!(rig.row(&key).state, State::Pending);
}

#[tokio::test]
async fn what_the_invitee_may_no_longer_receive_is_in_the_way() {
    let rig = Rig::new();
    let (_, code) = rig.invited("bob", &[role("r-admin")]).await;
    rig.host.remove_grant("root", &user("root", "u-bob"), &role("r-console")).unwrap();
    let answer = rig.accept(bob(), &code).await;
    let expected = Obstacle::GrantsNotAllowed(vec![role("r-admin")]);
    assert_eq!(answer, Err(InviteeRefusal::Obstacle(expected)));
}

#[tokio::test]
async fn an_account_created_again_under_the_same_name_is_somebody_else() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[]).await;
    rig.host.remove_user("root", "u-alice").unwrap();
    let again = NewUser { id: "u-alice-2".into(), name: "alice".into(), store: None, email: None };
    rig.host.add_user("root", again).unwrap();
    let new = Principal::User(user("root", "u-alice-2"));
    assert_eq!(rig.accept(new, &code).await, Err(InviteeRefusal::NotUsable), "I-SUBJ");
    let old = rig.accept(alice(), &code).await;
    assert_eq!(old, Err(InviteeRefusal::Obstacle(Obstacle::InviteeNotActive)));
    assert_eq!(rig.row(&key).state, State::Pending);
}

#[tokio::test]
async fn an_invitation_is_valid_until_the_instant_of_its_expiry() {
    for (time, valid) in [(HOURS_72 - 1, true), (HOURS_72, false), (HOURS_72 + 1, false)] {
        let rig = Rig::new();
        let (key, code) = rig.invited("alice", &[]).await;
        rig.host.advance(time);
        let state = if valid { State::Pending } else { State::Expired };
        let handle = Handle::Code(code.clone());
        let seen =
            rig.run(None, alice(), op::Introspect { handle: handle.clone() }).await.unwrap().answer.unwrap();
        assert_eq!(seen.state, state, "introspect at {time}");
        let got = rig.run(Some("acme"), ann(), op::Get { id: key.id.clone() }).await.unwrap().answer.unwrap();
        assert_eq!(got.state, state, "get at {time}");
        let filter = guestlist_contract::types::InvitationFilter { states: vec![state], ..everything() };
        let list = op::List { filter, page: first_page() };
        assert_eq!(
            rig.run(Some("acme"), ann(), list).await.unwrap().answer.unwrap().items.len(),
            1,
            "list at {time}"
        );
        let declined =
            rig.fork().run(None, alice(), op::Decline { handle, reason: None }).await.unwrap().answer;
        let accepted = rig.accept(alice(), &code).await;
        if valid {
            assert!(accepted.is_ok() && declined.is_ok(), "at {time}");
        } else {
            assert_eq!(accepted, Err(InviteeRefusal::Ended(Ended::Expired)), "I-TTL at {time}");
            assert_eq!(declined, Err(InviteeRefusal::Ended(Ended::Expired)));
        }
    }
}

#[tokio::test]
async fn a_group_that_vanished_is_skipped_and_recorded() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[group("g-help"), group("g-ops"), role("r-audit")]).await;
    rig.host.delete_group("acme", "g-help").unwrap();
    let accepted = rig.accept(alice(), &code).await.unwrap();
    let outcomes: Vec<_> = accepted.outcomes.iter().map(|result| result.outcome).collect();
    use StepOutcome::{Applied, NoSuchTarget};
    assert_eq!(outcomes, [Applied, NoSuchTarget, Applied, Applied]);
    assert_eq!(rig.row(&key).outcomes, accepted.outcomes, "stored on the invitation");
}

#[tokio::test]
async fn somebody_who_is_a_member_by_now_still_gets_his_groups() {
    let rig = Rig::new();
    let (_, code) = rig.invited("alice", &[group("g-help")]).await;
    rig.host.add_member("acme", &user("root", "u-alice")).unwrap();
    let accepted = rig.accept(alice(), &code).await.unwrap();
    assert_eq!(accepted.outcomes[0].outcome, StepOutcome::AlreadyPresent);
    assert_eq!(accepted.outcomes[1].outcome, StepOutcome::Applied);
}

#[tokio::test]
async fn a_name_that_is_taken_after_the_claim_ends_it_with_nothing_applied_and_its_inviter_is_told() {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "notices": ["failed"] }"#)).unwrap();
    let (key, code) = rig.invited("alice", &[group("g-help")]).await;
    let joins = Joins { rig: Rig::on(rig.host.clone()), done: Default::default() };
    let accept = op::Accept { handle: Handle::Code(code) };
    let answer = rig.run_with(Arc::new(joins), None, alice(), accept).await.unwrap().answer;
    assert_eq!(answer, Err(InviteeRefusal::Ended(Ended::Failed)));
    assert_eq!((rig.row(&key).state, rig.row(&key).reason.as_deref()), (State::Failed, Some("name-taken")));
    assert!(!rig.host.members("acme").iter().any(|member| member.account == user("root", "u-alice")));
    assert_eq!(rig.sweep("acme").await.sent, 1);
    let told = rig.host.mails().pop().unwrap();
    assert_eq!((told.kind, told.to), (MessageKind::Failed, user("acme", "u-ann")));
    let event = rig.host.audit().into_iter().find(|event| event.text() == "invitation.failed").unwrap();
    assert_eq!(
        (event.detail().as_deref(), event.subject),
        (Some("name-taken"), Some(user("root", "u-alice")))
    );
}

/// Somebody of Alice's name joins while her accept is between its claim and its effect.
struct Joins {
    rig: Rig,
    done: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Interceptor for Joins {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        if function == Function::MembershipApply && !self.done.swap(true, Ordering::SeqCst) {
            self.rig.host.add_user("acme", namesake()).unwrap();
        }
        None
    }
}

#[tokio::test]
async fn the_signed_in_invitee_needs_no_code() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    assert_eq!(rig.accept_by_id(bob(), &key).await, Err(InviteeRefusal::NotUsable));
    assert!(rig.accept_by_id(alice(), &key).await.is_ok());
}

#[tokio::test]
async fn the_code_is_needed_as_well_where_the_organization_says_so() {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "accept-with": "invitee-and-code" }"#)).unwrap();
    let (key, code) = rig.invited("alice", &[]).await;
    let answer = rig.accept_by_id(alice(), &key).await;
    assert_eq!(answer, Err(InviteeRefusal::Obstacle(Obstacle::CodeRequired)));
    assert_eq!(rig.accept(bob(), &code).await, Err(InviteeRefusal::NotUsable));
    assert!(rig.accept(alice(), &code).await.is_ok());
}

#[tokio::test]
async fn the_code_alone_is_enough_only_where_the_organization_says_so() {
    let (rig, _, code) = invited().await;
    let handle = Handle::Code(code);
    let accept = op::Accept { handle };
    let bearer = |rig: Rig| {
        let accept = accept.clone();
        async move { rig.run(Some("acme"), Principal::Anonymous, accept).await.unwrap().answer }
    };
    assert_eq!(bearer(rig.fork()).await, Err(InviteeRefusal::NotUsable));
    rig.host.change_settings("acme", &patch(r#"{ "accept-with": "code" }"#)).unwrap();
    assert_eq!(
        bearer(rig.fork()).await,
        Err(InviteeRefusal::NotUsable),
        "it was made under the stricter rule"
    );

    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "accept-with": "code" }"#)).unwrap();
    let (_, code) = rig.invited("alice", &[]).await;
    let accept = op::Accept { handle: Handle::Code(code) };
    let elsewhere = rig.run(Some("beta"), Principal::Anonymous, accept.clone()).await.unwrap().answer;
    assert_eq!(elsewhere, Err(InviteeRefusal::NotUsable));
    let accepted = rig.run(Some("acme"), Principal::Anonymous, accept.clone()).await.unwrap().answer;
    assert!(accepted.is_ok());
    assert!(rig.host.members("acme").iter().any(|member| member.account == user("root", "u-alice")));
    let again = rig.run(Some("acme"), Principal::Anonymous, accept).await.unwrap().answer;
    assert_eq!(again, Err(InviteeRefusal::NotUsable), "a stranger learns nothing afterwards");
}

#[tokio::test]
async fn an_interrupted_accept_is_finished_by_the_sweep_when_its_lease_is_over() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[group("g-help")]).await;
    let crash = FaultPlan::once(Function::MembershipApply, 1, Fault::CrashAfter);
    let accept = op::Accept { handle: Handle::Code(code.clone()) };
    rig.run_with(std::sync::Arc::new(crash), None, alice(), accept).await.unwrap_err();
    assert_eq!(rig.row(&key).state, State::Accepting);
    assert!(matches!(rig.accept(alice(), &code).await, Err(InviteeRefusal::InProgress(_))));
    rig.host.advance(29_999);
    assert_eq!(rig.sweep("acme").await.finished, 0);
    rig.host.advance(1);
    assert_eq!(rig.sweep("acme").await.finished, 1);
    let accepted = rig.accept(alice(), &code).await.unwrap();
    assert!(accepted.repeated);
    assert!(accepted.outcomes.iter().all(|result| result.outcome == StepOutcome::Applied));
}

#[tokio::test]
async fn a_member_who_was_removed_meanwhile_is_not_brought_back() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[group("g-help")]).await;
    let crash = FaultPlan::once(Function::MembershipApply, 1, Fault::CrashAfter);
    let accept = op::Accept { handle: Handle::Code(code) };
    rig.run_with(std::sync::Arc::new(crash), None, alice(), accept).await.unwrap_err();
    rig.host.remove_member("acme", &user("root", "u-alice")).unwrap();
    rig.host.advance(30_000);
    assert_eq!(rig.sweep("acme").await.finished, 1);
    assert!(
        !rig.host.members("acme").iter().any(|member| member.account == user("root", "u-alice")),
        "I-GONE"
    );
    let row = rig.row(&key);
    assert_eq!(row.state, State::Accepted);
    let member = row.outcomes.iter().find(|result| result.step == Step::Member).unwrap();
    assert_eq!(member.outcome, StepOutcome::WasRemoved);
}

#[tokio::test]
async fn what_was_given_before_a_policy_took_it_away_is_not_recorded_as_withheld() {
    let without = r#"[{ "at": "accept", "narrow": { "without": ["g-ops"] } }]"#;
    for (crash, expected) in
        [(Fault::CrashBefore, StepOutcome::Withheld), (Fault::CrashAfter, StepOutcome::Applied)]
    {
        let rig = Rig::new();
        let (key, code) = rig.invited("alice", &[group("g-help"), group("g-ops")]).await;
        let crash = FaultPlan::once(Function::MembershipApply, 1, crash);
        let accept = op::Accept { handle: Handle::Code(code) };
        rig.run_with(std::sync::Arc::new(crash), None, alice(), accept).await.unwrap_err();
        rig.host.set_policy("acme", rules(without)).unwrap();
        rig.host.advance(30_000);
        assert_eq!(rig.sweep("acme").await.finished, 1);
        let outcomes = rig.row(&key).outcomes;
        let said: Vec<_> = outcomes.iter().map(|result| result.outcome).collect();
        assert_eq!(said, [StepOutcome::Applied, StepOutcome::Applied, expected], "I-REST");
        let member = rig.host.members("acme").into_iter().find(|member| member.name == "alice").unwrap();
        assert_eq!(member.groups.contains_key("g-ops"), expected == StepOutcome::Applied);
    }
}

#[tokio::test]
async fn an_accept_that_never_ends_is_given_up() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[]).await;
    let accept = op::Accept { handle: Handle::Code(code) };
    let failing = || std::sync::Arc::new(FaultPlan::always(Function::MembershipApply, Fault::FailBefore));
    rig.run_with(failing(), None, alice(), accept).await.unwrap().answer.unwrap_err();
    for _ in 0..4 {
        rig.host.advance(60_000);
        let sweep = op::Sweep { limit: 10 };
        rig.run_with(failing(), Some("acme"), Principal::System, sweep).await.unwrap().answer.unwrap();
    }
    assert_eq!((rig.row(&key).state, rig.row(&key).reason.as_deref()), (State::Failed, Some("given-up")));
}

/// Somebody else accepts the same invitation right before the claim of the call that this stands around.
struct Faster {
    rig: Rig,
    who: Principal,
    code: String,
    done: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Interceptor for Faster {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        if function == Function::StorageTransition && !self.done.swap(true, Ordering::SeqCst) {
            let accept = op::Accept { handle: Handle::Code(self.code.clone()) };
            self.rig.run(Some("acme"), self.who.clone(), accept).await.unwrap().answer.unwrap();
        }
        None
    }
}

#[tokio::test]
async fn who_comes_second_is_told_what_is_his_to_know() {
    for (second, expected) in [(Principal::Anonymous, None), (alice(), Some(true))] {
        let rig = Rig::new();
        rig.host.change_settings("acme", &patch(r#"{ "accept-with": "code" }"#)).unwrap();
        let (_, code) = rig.invited("alice", &[group("g-help")]).await;
        let faster = Faster {
            rig: Rig::on(rig.host.clone()),
            who: alice(),
            code: code.clone(),
            done: Default::default(),
        };
        let accept = op::Accept { handle: Handle::Code(code) };
        let answer = rig.run_with(Arc::new(faster), Some("acme"), second, accept).await.unwrap().answer;
        match expected {
            None => assert_eq!(answer, Err(InviteeRefusal::NotUsable), "a stranger learns nothing"),
            repeated => assert_eq!(answer.ok().map(|accepted| accepted.repeated), repeated),
        }
    }
}

#[tokio::test]
async fn an_accept_that_was_not_interrupted_closes_nothing() {
    let rig = Rig::new();
    let (_, code) = rig.invited("alice", &[group("g-help"), group("g-ops")]).await;
    rig.host
        .set_policy("acme", rules(r#"[{ "at": "accept", "narrow": { "without": ["g-ops"] } }]"#))
        .unwrap();
    let accepted = rig.accept(alice(), &code).await.unwrap();
    assert_eq!(accepted.outcomes.last().map(|result| result.outcome), Some(StepOutcome::Withheld));
    assert!(rig.host.audit().iter().all(|event| event.text() != "member.closed"));
}
