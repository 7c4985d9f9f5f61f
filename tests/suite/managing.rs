//! Listing, revoking, resending, sweeping, and who may do what.

use std::sync::Arc;

use guestlist_contract::{
    Function,
    exports::{
        invitations::{InviteRequest, LifetimeChoice, Owner, Refusal},
        invitee::{Handle, InviteeRefusal},
        maintenance::SweepRefusal,
    },
    lifecycle,
    settings::Values,
    types::{
        InvitationFilter, InvitationKey, MailState, PageRequest, Permissions, Principal, SortKey, State,
        Subject, UserRef,
    },
};
use guestlist_harness::operations as op;
use guestlist_memory::{MailMode, default_settings};
use guestlist_testkit::{Fault, FaultPlan};

use guestlist_model::native::cross;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

#[test]
fn plugin_and_host_have_the_same_machine() {
    for from in guestlist::state::STATES {
        for to in guestlist::state::STATES {
            let legal = lifecycle::legal(cross(from), cross(to));
            assert_eq!(guestlist::state::legal(from, to), legal, "{from:?} -> {to:?}");
        }
    }
}

#[tokio::test]
async fn each_operation_needs_its_permission_and_no_other() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    let all = [
        Permissions::INVITE,
        Permissions::VIEW,
        Permissions::REVOKE,
        Permissions::RESEND,
        Permissions::APPROVE,
        Permissions::SEE_CODE,
        Permissions::ONBOARD,
    ];
    for given in all {
        let id = key.id.clone();
        let world = || {
            let world = rig.fork();
            world.host.set_permissions("acme", ben(), given).unwrap();
            world
        };
        let mut allowed = Vec::new();
        macro_rules! ask {
            ($needed:expr, $export:expr) => {
                let world = world();
                let before = world.host.snapshot();
                let answer = world.run(ACME, ben(), $export).await.unwrap().answer;
                let refused = matches!(answer, Err(Refusal::NotPermitted));
                assert_eq!(refused, given != $needed, "{} with {given:?}", stringify!($export));
                if refused {
                    let after = world.host.snapshot();
                    assert_eq!(after.audit.len(), before.audit.len() + 1, "one event");
                    assert_eq!(after.mails.len(), before.mails.len());
                } else {
                    allowed.push(stringify!($export));
                }
            };
        }
        ask!(Permissions::INVITE, op::Invite { request: request(&["bob"], &[]) });
        ask!(Permissions::VIEW, op::List { filter: everything(), page: first_page() });
        ask!(Permissions::VIEW, op::Get { id: id.clone() });
        ask!(Permissions::REVOKE, op::Revoke { id: id.clone(), reason: None });
        ask!(Permissions::REVOKE, op::RevokeAll { whose: Owner::Inviter(ann()), reason: None });
        ask!(Permissions::RESEND, op::Resend { ids: vec![id.clone()] });
        ask!(Permissions::APPROVE, op::Approve { id: id.clone() });
        ask!(Permissions::APPROVE, op::Reject { id: id.clone(), reason: None });
        ask!(Permissions::REVOKE, op::Dismiss { id: id.clone() });
        let alone = [Permissions::SEE_CODE, Permissions::ONBOARD].contains(&given);
        assert_eq!(allowed.is_empty(), alone, "{given:?}");
    }
    for who in [ann(), alice(), Principal::Client("hr".into()), Principal::Anonymous] {
        let answer = rig.run(ACME, who, op::Sweep { limit: 1 }).await.unwrap().answer;
        assert_eq!(answer, Err(SweepRefusal::NotPermitted));
    }
}

#[tokio::test]
async fn an_invitation_of_another_organization_does_not_exist() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    let bea = || Principal::User(user("beta", "u-bea"));
    let beta = Some("beta");
    let id = || key.id.clone();
    let before = rig.row(&key);
    assert_eq!(rig.run(beta, bea(), op::Get { id: id() }).await.unwrap().answer, Err(Refusal::NotFound));
    let revoke = op::Revoke { id: id(), reason: None };
    assert_eq!(rig.run(beta, bea(), revoke).await.unwrap().answer, Err(Refusal::NotFound));
    let resend = rig.run(beta, bea(), op::Resend { ids: vec![id()] }).await.unwrap().answer;
    assert_eq!(resend, Ok(vec![Err(Refusal::NotFound)]));
    let list = op::List { filter: everything(), page: first_page() };
    assert!(rig.run(beta, bea(), list).await.unwrap().answer.unwrap().items.is_empty());
    for wrong in ["", "x", "00000000-0000-4000-8000-000000000000", &key.id.to_uppercase()] {
        let answer = rig.run(ACME, ann(), op::Get { id: wrong.into() }).await.unwrap().answer;
        assert_eq!(answer, Err(Refusal::NotFound), "{wrong}");
    }
    assert_eq!(rig.row(&key), before, "I-TEN");
}

/// Invitations in every state that can be reached without a fault.
async fn gallery() -> Rig {
    let rig = Rig::new();
    let of = |names: &[&str], hours: u64| InviteRequest {
        lifetime: LifetimeChoice::Lasting(hours * 3_600_000),
        ..request(names, &[group("g-help")])
    };
    rig.invite(of(&["alice"], 1)).await.unwrap();
    rig.host.advance(3_600_000);
    let (_, code) = rig.invited("alice", &[]).await;
    rig.accept(alice(), &code).await.unwrap();
    let (_, code) = rig.invited("bob", &[]).await;
    let handle = Handle::Code(code);
    rig.run(None, bob(), op::Decline { handle, reason: Some("no".into()) }).await.unwrap().answer.unwrap();
    rig.host.advance(1);
    let (revoked, _) = rig.invited("bob", &[]).await;
    rig.run(ACME, ann(), op::Revoke { id: revoked.id, reason: None }).await.unwrap().answer.unwrap();
    rig.host.advance(1);
    rig.invite_as("acme", ben(), of(&["carol@example.com", "gus"], 2)).await.unwrap();
    rig
}

async fn ids(rig: &Rig, filter: InvitationFilter) -> Vec<(String, State)> {
    let list = op::List { filter, page: first_page() };
    let page = rig.run(ACME, ann(), list).await.unwrap().answer.unwrap();
    page.items.into_iter().map(|row| (row.name, row.state)).collect()
}

#[tokio::test]
async fn the_list_is_filtered_by_state_group_inviter_invitee_and_name() {
    let rig = gallery().await;
    assert_eq!(ids(&rig, everything()).await.len(), 6);
    for (state, count) in [
        (State::Expired, 1),
        (State::Accepted, 1),
        (State::Declined, 1),
        (State::Revoked, 1),
        (State::Pending, 2),
        (State::Failed, 0),
    ] {
        let found = ids(&rig, InvitationFilter { states: vec![state], ..everything() }).await;
        assert_eq!(found.len(), count, "{state:?}");
        assert!(found.iter().all(|(_, shown)| *shown == state));
    }
    let by_group = InvitationFilter { grant: Some(group("g-help")), ..everything() };
    assert_eq!(ids(&rig, by_group).await.len(), 3);
    assert_eq!(ids(&rig, InvitationFilter { inviter: Some(ben()), ..everything() }).await.len(), 2);
    let bobs = InvitationFilter { invitee: Some(user("root", "u-bob")), ..everything() };
    assert_eq!(ids(&rig, bobs).await.len(), 2);
    let prefix = InvitationFilter { name_prefix: Some("ca".into()), ..everything() };
    assert_eq!(ids(&rig, prefix).await[0].0, "carol@example.com");
}

#[tokio::test]
async fn pages_show_each_invitation_once_in_every_order() {
    let people: Vec<_> =
        (0..90).map(|n| format!("{{ id: u{n}, name: p{n:03}, email: p{n}@x.example }}")).collect();
    let rig = Rig::of(&format!(
        "organizations:\n  - id: root\n    users: [{}]\n  - id: acme\n    parent: root\n    users: [{{ id: u-ann, name: ann }}]\n    permissions: {{ u-ann: [all] }}\n",
        people.join(", ")
    ));
    for chunk in 0..3 {
        let names = (0..30).map(|n| format!("p{:03}", 30 * chunk + n)).collect();
        let lifetime = LifetimeChoice::Lasting(3_600_000 * (3 - chunk));
        rig.invite(InviteRequest { names, lifetime, ..request(&["x"], &[]) }).await.unwrap();
        rig.host.advance(60_000);
    }
    for sort in [SortKey::CreatedAt, SortKey::ExpiresAt, SortKey::Name] {
        for descending in [false, true] {
            let mut page = PageRequest { sort, descending, after: None, limit: 7 };
            let mut seen = Vec::new();
            loop {
                let list = op::List { filter: everything(), page: page.clone() };
                let answer = rig.run(ACME, ann(), list).await.unwrap().answer.unwrap();
                seen.extend(answer.items);
                match answer.next {
                    None => break,
                    next => page.after = next,
                }
            }
            assert_eq!(seen.len(), 90);
            let key = |row: &guestlist_contract::types::Invitation| match sort {
                SortKey::CreatedAt => (row.created_at, String::new()),
                SortKey::ExpiresAt => (row.expires_at.unwrap(), String::new()),
                SortKey::Name => (0, row.name.clone()),
            };
            assert!(
                seen.is_sorted_by(|one, two| if descending {
                    key(one) >= key(two)
                } else {
                    key(one) <= key(two)
                }),
                "{sort:?} {descending}"
            );
            let cursor = page.after.unwrap();
            for wrong in [cursor[1..].to_owned(), format!("{cursor}A"), "x".into()] {
                let page = PageRequest { sort, descending, after: Some(wrong), limit: 7 };
                let list = op::List { filter: everything(), page };
                let answer = rig.run(ACME, ann(), list).await.unwrap().answer;
                assert!(matches!(answer, Err(Refusal::Invalid(_))), "{answer:?}");
            }
            let filter = InvitationFilter { states: vec![State::Revoked], ..everything() };
            let page = PageRequest { sort, descending, after: Some(cursor), limit: 7 };
            let answer = rig.run(ACME, ann(), op::List { filter, page }).await.unwrap().answer;
            assert!(matches!(answer, Err(Refusal::Invalid(_))), "a cursor of another filter: {answer:?}");
        }
    }
    for limit in [0, 201] {
        let page = PageRequest { limit, ..first_page() };
        let answer = rig.run(ACME, ann(), op::List { filter: everything(), page }).await.unwrap().answer;
        assert!(matches!(answer, Err(Refusal::Invalid(_))), "{limit}");
    }
}

#[tokio::test]
async fn what_has_ended_cannot_be_revoked_and_revoking_twice_is_fine() {
    let rig = gallery().await;
    let rows = rig.host.snapshot().invitations;
    for row in rows {
        let key = row.invitation.key;
        let state = rig.row(&key).state;
        let world = rig.fork();
        let revoke = op::Revoke { id: key.id.clone(), reason: Some("over".into()) };
        let answer = world.run(ACME, ann(), revoke).await.unwrap().answer;
        match state {
            State::Pending | State::Revoked => assert_eq!(answer, Ok(())),
            state => assert_eq!(answer, Err(Refusal::WrongState(state))),
        }
        let expected = if state == State::Pending { State::Revoked } else { state };
        assert_eq!(world.row(&key).state, expected);
    }
    for length in [500, 501] {
        let reason = Some("x".repeat(length));
        let id = "00000000-0000-4000-8000-000000000000".into();
        let answer = rig.run(ACME, ann(), op::Revoke { id, reason }).await.unwrap().answer;
        assert_eq!(matches!(answer, Err(Refusal::Invalid(_))), length == 501);
    }
}

#[tokio::test]
async fn everything_of_an_inviter_or_of_an_invitee_is_revoked_at_once() {
    let rig = gallery().await;
    let whose = Owner::Inviter(ben());
    let all = rig.run(ACME, ann(), op::RevokeAll { whose, reason: None }).await.unwrap().answer.unwrap();
    assert_eq!((all.revoked.len(), all.more), (2, false));
    rig.invited("bob", &[]).await;
    let whose = Owner::Invitee(UserRef { organization: "root".into(), id: "u-bob".into() });
    let all = rig.run(ACME, ann(), op::RevokeAll { whose, reason: None }).await.unwrap().answer.unwrap();
    assert_eq!(all.revoked.len(), 1);
    assert!(ids(&rig, InvitationFilter { states: vec![State::Pending], ..everything() }).await.is_empty());
}

#[tokio::test]
async fn an_invitee_sees_his_invitations_of_all_organizations_and_nobody_elses() {
    let rig = Rig::new();
    rig.invited("alice", &[]).await;
    rig.invited("bob", &[]).await;
    rig.host.advance(1);
    rig.invite_as("beta", Principal::User(user("beta", "u-bea")), request(&["alice"], &[])).await.unwrap();
    let mine = op::ListMine { states: vec![], after: None, limit: 10 };
    let page = rig.run(None, alice(), mine.clone()).await.unwrap().answer.unwrap();
    let places: Vec<_> = page.items.iter().map(|item| item.key.organization.as_str()).collect();
    assert_eq!(places, ["beta", "acme"], "newest first");
    let nobody = rig.run(None, Principal::Anonymous, mine).await.unwrap().answer;
    assert!(matches!(nobody, Err(InviteeRefusal::Invalid(_))));
}

#[tokio::test]
async fn a_resend_makes_a_new_code_and_kills_the_older_ones() {
    let rig = Rig::new();
    let (key, first) = rig.invited("alice", &[]).await;
    let mut codes = vec![first];
    for _ in 0..5 {
        let answer =
            rig.run(ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer.unwrap();
        assert!(answer[0].is_ok(), "{answer:?}");
        codes.push(rig.code_of(&key.id));
    }
    let answer =
        rig.run(ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer.unwrap();
    assert_eq!(answer[0], Err(Refusal::ResendLimit(5)));
    let newest = codes.pop().unwrap();
    for dead in codes {
        assert_eq!(rig.accept(alice(), &dead).await, Err(InviteeRefusal::NotUsable), "I-SEC2");
    }
    assert!(rig.accept(alice(), &newest).await.is_ok());
}

#[tokio::test]
async fn an_expired_one_is_invited_anew() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[group("g-help")]).await;
    rig.host.advance(HOURS_72);
    let answer =
        rig.run(ACME, ben(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer.unwrap();
    let id = answer[0].as_ref().unwrap().id.clone();
    let row = rig.row(&InvitationKey { organization: "acme".into(), id: id.clone() });
    assert_eq!((row.replaces.as_ref(), row.inviter), (Some(&key.id), ben()));
    assert_eq!(rig.row(&key).state, State::Expired);
    assert!(rig.accept(alice(), &rig.code_of(&id)).await.is_ok());
}

#[tokio::test]
async fn a_mail_that_arrives_late_does_not_stand_for_the_one_that_was_asked_for_since() {
    let rig = Rig::new();
    rig.host.set_mail_mode(MailMode::Take);
    let key = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap().id;
    let key = InvitationKey { organization: "acme".into(), id: key };
    // The code is replaced, and the call is lost before the new mail goes out.
    let crash = FaultPlan::once(Function::StorageTransition, 1, Fault::CrashAfter);
    let resend = op::Resend { ids: vec![key.id.clone()] };
    assert!(rig.run_with(Arc::new(crash), ACME, ann(), resend).await.is_err());
    rig.host.settle_taken(true);
    assert_eq!(rig.row(&key).mail, MailState::Queued, "I-LIVE: the mail that has arrived holds a dead code");
    rig.host.set_mail_mode(MailMode::Deliver);
    rig.host.advance(120_000);
    assert_eq!(rig.sweep("acme").await.sent, 1);
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok());
}

#[tokio::test]
async fn what_could_not_be_mailed_is_sent_by_the_sweep_with_another_code() {
    let rig = Rig::new();
    rig.host.fail_mail(true);
    let invited = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap();
    assert_eq!(invited.mail, MailState::Queued);
    rig.host.advance(60_000);
    assert_eq!(rig.sweep("acme").await.sent, 0);
    rig.host.fail_mail(false);
    rig.host.advance(120_000);
    assert_eq!(rig.sweep("acme").await.sent, 1);
    let key = InvitationKey { organization: "acme".into(), id: invited.id.clone() };
    assert_eq!(rig.row(&key).mail, MailState::Sent);
    assert!(rig.accept(alice(), &rig.code_of(&invited.id)).await.is_ok());
}

#[tokio::test]
async fn a_mail_that_never_goes_out_is_given_up() {
    let rig = Rig::new();
    rig.host.fail_mail(true);
    let invited = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap();
    for _ in 0..12 {
        rig.host.advance(3_600_000);
        rig.sweep("acme").await;
    }
    let key = InvitationKey { organization: "acme".into(), id: invited.id };
    assert_eq!((rig.row(&key).mail, rig.row(&key).state), (MailState::Undeliverable, State::Pending));
}

#[tokio::test]
async fn the_sweep_marks_the_expired_with_one_event_and_purges_after_retention() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    rig.host.advance(HOURS_72);
    assert_eq!(rig.sweep("acme").await.expired, 1);
    assert_eq!(rig.sweep("acme").await.expired, 0);
    let events = rig.host.audit().iter().filter(|event| event.text() == "invitation.expired").count();
    assert_eq!(events, 1, "I-AUD");
    rig.host.advance(30 * 86_400_000);
    assert_eq!(rig.sweep("acme").await.purged, 0, "not longer ago than that");
    rig.host.advance(1);
    assert_eq!(rig.sweep("acme").await.purged, 1);
    assert!(rig.host.invitation(&key).is_none());
}

const DAY: u64 = 24 * 3_600_000;

/// At the ends of what the settings may be.
#[tokio::test]
async fn absurd_waits_neither_repeat_a_mail_nor_lose_it_nor_keep_a_sweep_busy() {
    for (lease, mail_retry) in [(1_000, 60_000), (DAY, 60_000), (30_000, 1_000), (30_000, DAY)] {
        let (rig, names) = crowd(40);
        let settings = Values { lease, mail_retry, ..default_settings() };
        rig.host.set_settings("acme", settings).unwrap();
        rig.host.fail_mail(true);
        rig.invite(InviteRequest { names, ..request(&["x"], &[]) }).await.unwrap();
        rig.host.fail_mail(false);
        rig.host.set_organization_active("acme", false).unwrap();
        rig.host.advance(60_000);
        assert!(!rig.sweep("acme").await.more, "{lease} {mail_retry}: what was put off is not due again");
        // A sweep that is lost after it was handed its work.
        let plan = Arc::new(FaultPlan::once(Function::StorageDue, 1, Fault::CrashAfter));
        rig.host.advance(24 * 3_600_000);
        rig.run_with(plan, ACME, Principal::System, op::Sweep { limit: 200 }).await.expect_err("a crash");
        rig.host.set_organization_active("acme", true).unwrap();
        rig.host.advance(24 * 3_600_000);
        while rig.sweep("acme").await.more {}
        assert_eq!(rig.host.mails().len(), 40, "{lease} {mail_retry}: each once");
        for row in rig.host.snapshot().invitations {
            let handle = Handle::Code(rig.code_of(&row.invitation.key.id));
            let Subject::User(invitee) = row.invitation.subject else { continue };
            let seen = rig.run(None, Principal::User(invitee), op::Introspect { handle }).await.unwrap();
            assert!(seen.answer.is_ok(), "{lease} {mail_retry}: its code works");
        }
    }
}

/// Whoever invites chooses the template, and each is handed over by itself.
#[tokio::test]
async fn a_sweep_of_many_templates_stays_within_its_host_calls() {
    let (rig, names) = crowd(150);
    rig.host.fail_mail(true);
    for name in &names {
        rig.invite(InviteRequest { template: Some(name.clone()), ..request(&[name], &[]) }).await.unwrap();
    }
    rig.host.fail_mail(false);
    rig.host.advance(60_000);
    let mut sent = 0;
    loop {
        let swept = rig.sweep("acme").await;
        sent += swept.sent;
        if !swept.more {
            break;
        }
        assert!(swept.sent > 0, "each sweep gets on");
    }
    assert_eq!((sent, rig.host.mails().len()), (150, 150));
}

#[tokio::test]
async fn a_sweep_is_bounded_and_says_when_there_is_more() {
    let people: Vec<_> =
        (0..100).map(|n| format!("{{ id: u{n}, name: p{n}, email: p{n}@x.example }}")).collect();
    let rig = Rig::of(&format!(
        "organizations:\n  - id: root\n    users: [{}]\n  - id: acme\n    parent: root\n    users: [{{ id: u-ann, name: ann }}]\n    permissions: {{ u-ann: [all] }}\n",
        people.join(", ")
    ));
    let names = (0..100).map(|n| format!("p{n}")).collect();
    rig.invite(InviteRequest { names, ..request(&["x"], &[]) }).await.unwrap();
    rig.host.advance(HOURS_72);
    let swept = rig.run(ACME, Principal::System, op::Sweep { limit: 10 }).await.unwrap().answer.unwrap();
    assert_eq!((swept.expired, swept.more), (10, true));
    let mut expired = swept.expired;
    let mut rounds = 0;
    loop {
        let swept = rig.sweep("acme").await;
        expired += swept.expired;
        rounds += 1;
        if !swept.more {
            break;
        }
        assert!(rounds < 10);
    }
    assert_eq!(expired, 100);
    for limit in [0, 201] {
        let answer = rig.run(ACME, Principal::System, op::Sweep { limit }).await.unwrap().answer;
        assert!(matches!(answer, Err(SweepRefusal::Invalid(_))), "{limit}");
    }
}
