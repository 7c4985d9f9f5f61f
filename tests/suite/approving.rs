//! Invitations that wait for somebody else's word.

use guestlist_contract::{
    exports::{
        invitations::{ItemRefusal, Refusal},
        invitee::{Handle, InviteeRefusal},
    },
    types::{
        Grant, InvitationKey, MailState, MessageKind, Obstacle, Permissions, Principal, State, StepOutcome,
    },
};
use guestlist_harness::operations as op;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

/// Ann has invited Alice to what Acme holds privileged.
async fn waiting() -> (Rig, InvitationKey) {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "privileged": ["group:g-ops", "role:r-audit"] }"#)).unwrap();
    let key = waits(&rig, &[group("g-help"), group("g-ops")]).await;
    (rig, key)
}

async fn waits(rig: &Rig, grants: &[Grant]) -> InvitationKey {
    let invited = rig.invite(request(&["alice"], grants)).await.unwrap().remove(0).unwrap();
    assert_eq!((invited.state, invited.mail), (State::AwaitingApproval, MailState::None));
    assert_eq!(invited.code, None);
    InvitationKey { organization: "acme".into(), id: invited.id }
}

fn approve(key: &InvitationKey) -> op::Approve {
    op::Approve { id: key.id.clone() }
}

fn reject(key: &InvitationKey) -> op::Reject {
    op::Reject { id: key.id.clone(), reason: Some("not now".into()) }
}

fn events(rig: &Rig, name: &str) -> Vec<Principal> {
    let found = rig.host.audit().into_iter().filter(|event| event.text() == name);
    found.map(|event| event.actor).collect()
}

#[tokio::test]
async fn nothing_is_sent_and_nobody_has_a_code_until_somebody_else_approves() {
    let (rig, key) = waiting().await;
    rig.host.advance(60_000);
    assert_eq!(rig.sweep("acme").await.sent, 0);
    assert!(rig.host.mails().is_empty());
    let row = rig.host.snapshot().invitations.remove(0);
    assert!(row.codes.is_empty());
    assert_eq!(row.invitation.reason.as_deref(), Some("a privileged group or role needs approval"));

    rig.host.advance(3_600_000);
    let approved = rig.run(ACME, ben(), approve(&key)).await.unwrap().answer.unwrap();
    assert_eq!((approved.state, approved.mail), (State::Pending, MailState::Sent));
    assert_eq!(approved.expires_at, Some(rig.host.now() + HOURS_72), "the lifetime starts now");
    let row = rig.row(&key);
    assert_eq!((row.state, row.approver, row.inviter), (State::Pending, Some(ben()), ann()));
    assert_eq!(events(&rig, "invitation.approved"), [ben()], "I-AUD");
    let accepted = rig.accept(alice(), &rig.code_of(&key.id)).await.unwrap();
    assert!(accepted.outcomes.iter().all(|result| result.outcome == StepOutcome::Applied));
}

#[tokio::test]
async fn its_invitee_knows_nothing_of_it_before_and_nothing_when_it_is_rejected() {
    let (rig, key) = waiting().await;
    let unknown = async |rig: &Rig| {
        let handle = || Handle::Id(key.clone());
        let mine = op::ListMine { states: vec![], after: None, limit: 10 };
        assert!(rig.run(None, alice(), mine).await.unwrap().answer.unwrap().items.is_empty());
        let seen = rig.run(None, alice(), op::Introspect { handle: handle() }).await.unwrap().answer;
        assert_eq!(seen, Err(InviteeRefusal::NotUsable));
        assert_eq!(rig.accept_by_id(alice(), &key).await, Err(InviteeRefusal::NotUsable));
        let decline = op::Decline { handle: handle(), reason: None };
        assert_eq!(rig.run(None, alice(), decline).await.unwrap().answer, Err(InviteeRefusal::NotUsable));
    };
    unknown(&rig).await;
    let expired = rig.fork();
    expired.host.advance(HOURS_72);
    unknown(&expired).await;
    assert_eq!(rig.run(ACME, ben(), reject(&key)).await.unwrap().answer, Ok(()));
    unknown(&rig).await;
    let row = rig.row(&key);
    assert_eq!((row.state, row.reason.as_deref()), (State::Revoked, Some("not now")));
    assert_eq!(rig.run(ACME, ben(), reject(&key)).await.unwrap().answer, Ok(()), "a second time");
    assert_eq!(events(&rig, "invitation.revoked"), [ben()], "I-AUD: once");
    assert!(rig.host.mails().is_empty());
}

#[tokio::test]
async fn neither_the_inviter_nor_the_invitee_judges_it() {
    let (rig, key) = waiting().await;
    // Alice administers Acme from the parent.
    rig.host.set_permissions("acme", alice(), Permissions::all()).unwrap();
    for who in [ann(), alice()] {
        let answer = rig.run(ACME, who.clone(), approve(&key)).await.unwrap().answer;
        assert_eq!(answer, Err(Refusal::OwnInvitation), "{who:?}");
        let answer = rig.run(ACME, who.clone(), reject(&key)).await.unwrap().answer;
        assert_eq!(answer, Err(Refusal::OwnInvitation), "{who:?}");
    }
    assert_eq!(events(&rig, "refused").len(), 4, "I-AUD");
    assert_eq!(rig.row(&key).version, 1);
    let machine = Principal::Client("hr".into());
    let answer = rig.run(ACME, machine, approve(&key)).await.unwrap().answer;
    assert_eq!(answer, Err(Refusal::NotPermitted));
}

#[tokio::test]
async fn it_expires_and_is_revoked_and_counts_like_any_other() {
    let (rig, key) = waiting().await;
    let again = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0);
    assert_eq!(again, Err(ItemRefusal::ActiveInvitation(key.id.clone())), "I-UNIQ");
    rig.host.change_settings("acme", &patch(r#"{ "pending-limit": 1 }"#)).unwrap();
    let bob = rig.invite(request(&["bob"], &[])).await.unwrap().remove(0);
    assert_eq!(bob, Err(ItemRefusal::OverLimit(1)));

    let revoked = rig.fork();
    let revoke = op::Revoke { id: key.id.clone(), reason: None };
    assert_eq!(revoked.run(ACME, ann(), revoke).await.unwrap().answer, Ok(()), "the inviter may");
    let answer = revoked.run(ACME, ben(), approve(&key)).await.unwrap().answer;
    assert_eq!(answer, Err(Refusal::WrongState(State::Revoked)));

    let resend = rig.run(ACME, ben(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer;
    assert_eq!(resend, Ok(vec![Err(Refusal::WrongState(State::AwaitingApproval))]));

    rig.host.advance(HOURS_72 - 1);
    assert_eq!(rig.row(&key).state, State::AwaitingApproval);
    rig.host.advance(1);
    for answer in [
        rig.run(ACME, ben(), approve(&key)).await.unwrap().answer.map(|_| ()),
        rig.run(ACME, ben(), reject(&key)).await.unwrap().answer,
    ] {
        assert_eq!(answer, Err(Refusal::WrongState(State::Expired)), "I-TTL: at the instant itself");
    }
    assert_eq!(rig.sweep("acme").await.expired, 1);
    assert!(rig.invite(request(&["bob"], &[])).await.unwrap()[0].is_ok(), "there is room again");
}

#[tokio::test]
async fn the_organizations_policy_can_ask_for_it_and_narrowing_can_spare_it() {
    let (rig, key) = waiting().await;
    rig.run(ACME, ann(), op::Revoke { id: key.id, reason: None }).await.unwrap().answer.unwrap();
    rig.host.set_policy("acme", rules(r#"[{ "narrow": { "without": ["g-ops"] } }]"#)).unwrap();
    let grants = [group("g-help"), group("g-ops")];
    let invited = rig.invite(request(&["alice"], &grants)).await.unwrap().remove(0).unwrap();
    assert_eq!((invited.state, invited.withheld), (State::Pending, vec![1]), "nothing privileged is left");

    rig.host
        .set_policy("acme", rules(r#"[{ "at": "invite", "require-approval": "a contractor" }]"#))
        .unwrap();
    let invited = rig.invite(request(&["bob"], &[])).await.unwrap().remove(0).unwrap();
    assert_eq!(invited.state, State::AwaitingApproval);
    let key = InvitationKey { organization: "acme".into(), id: invited.id };
    assert_eq!(rig.row(&key).reason.as_deref(), Some("a contractor"));
    assert!(rig.run(ACME, ben(), approve(&key)).await.unwrap().answer.is_ok());
}

#[tokio::test]
async fn a_policy_that_always_asks_for_approval_is_content_with_the_one_that_was_given() {
    let rig = Rig::new();
    let (_, unapproved) = rig.invited("bob", &[]).await;
    rig.host.set_policy("acme", rules(r#"[{ "require-approval": "always" }]"#)).unwrap();
    let key = waits(&rig, &[]).await;
    rig.run(ACME, ben(), approve(&key)).await.unwrap().answer.unwrap();
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok());
    let answer = rig.accept(bob(), &unapproved).await;
    assert!(matches!(answer, Err(InviteeRefusal::Obstacle(Obstacle::Policy(_)))), "{answer:?}");
}

#[tokio::test]
async fn what_became_privileged_since_needs_the_approval_that_it_never_had() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[group("g-help"), group("g-ops")]).await;
    rig.host.change_settings("acme", &patch(r#"{ "privileged": ["group:g-ops"] }"#)).unwrap();
    let answer = rig.accept(alice(), &code).await;
    let expected = Obstacle::GrantsNotAllowed(vec![group("g-ops")]);
    assert_eq!(answer, Err(InviteeRefusal::Obstacle(expected)), "I-LEAST");
    assert_eq!(rig.row(&key).state, State::Pending);
}

#[tokio::test]
async fn those_who_may_approve_are_told_once_where_the_organization_wants_that() {
    for wanted in [false, true] {
        let rig = Rig::new();
        let notices = if wanted { r#"["approval-requested"]"# } else { "[]" };
        let settings = format!(r#"{{ "privileged": ["group:g-ops"], "notices": {notices} }}"#);
        rig.host.change_settings("acme", &patch(&settings)).unwrap();
        let key = waits(&rig, &[group("g-ops")]).await;
        for _ in 0..3 {
            rig.sweep("acme").await;
            rig.host.advance(3_600_000);
        }
        let mails = rig.host.mails();
        let told: Vec<_> = mails.iter().map(|mail| (&mail.kind, mail.to.id.as_str())).collect();
        let expected = [(&MessageKind::ApprovalRequested, "u-ben")];
        assert_eq!(told, if wanted { expected.as_slice() } else { &[] }, "not the inviter himself");
        assert!(mails.iter().all(|mail| mail.code.is_none()), "I-SEC1");
        rig.run(ACME, ben(), approve(&key)).await.unwrap().answer.unwrap();
    }
}

#[tokio::test]
async fn nobody_is_asked_about_what_was_approved_meanwhile() {
    let rig = Rig::new();
    let settings = r#"{ "privileged": ["group:g-ops"], "notices": ["approval-requested"] }"#;
    rig.host.change_settings("acme", &patch(settings)).unwrap();
    let key = waits(&rig, &[group("g-ops")]).await;
    rig.run(ACME, ben(), approve(&key)).await.unwrap().answer.unwrap();
    rig.sweep("acme").await;
    assert!(rig.host.mails().iter().all(|mail| mail.kind == MessageKind::Invitation));
}
