//! The rules that an organization sets without any policy: how many, how long, to whom, what.
//!
//! Each is tried where it bites: at invite, and again wherever time may have passed since.

use guestlist_contract::{
    exports::{
        invitations::{Bounds, InviteRequest, ItemRefusal, LifetimeChoice, Refusal},
        invitee::InviteeRefusal,
    },
    types::{HostError, InvitationKey, MailState, MessageKind, Obstacle, Permissions, Principal, State},
};
use guestlist_harness::operations as op;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");
const HOUR: u64 = 3_600_000;

fn with(settings: &str) -> Rig {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(settings)).unwrap();
    rig
}

async fn resend(rig: &Rig, who: Principal, ids: &[&InvitationKey]) -> Vec<Result<String, Refusal>> {
    let ids = ids.iter().map(|key| key.id.clone()).collect();
    let answer = rig.run(ACME, who, op::Resend { ids }).await.unwrap().answer.unwrap();
    answer.into_iter().map(|item| item.map(|invited| invited.id)).collect()
}

#[tokio::test]
async fn the_limit_on_active_invitations_is_kept_within_a_bulk_too() {
    let rig = with(r#"{ "pending-limit": 3 }"#);
    let names = ["alice", "nobody", "bob", "carol@example.com", "dave", "alice"];
    let keyed = InviteRequest {
        userstore_domain: None,
        idempotency_key: Some("bulk".into()),
        names: names
            .iter()
            .map(|name| if *name == "dave" { "SECONDARY/dave".into() } else { (*name).into() })
            .collect(),
        ..request(&[], &[])
    };
    let answers = rig.invite(keyed.clone()).await.unwrap();
    let refused: Vec<_> = answers.iter().map(|answer| answer.as_ref().err()).collect();
    assert_eq!(
        refused,
        [
            None,
            Some(&ItemRefusal::NotAParentUser),
            None,
            None,
            Some(&ItemRefusal::OverLimit(3)),
            Some(&ItemRefusal::Duplicate)
        ]
    );
    // Room does not change what was answered: the same request, the same answer (I-RETRY).
    let alices = answers[0].as_ref().unwrap().id.clone();
    rig.run(ACME, ann(), op::Revoke { id: alices, reason: None }).await.unwrap().answer.unwrap();
    let again = rig.invite(keyed).await.unwrap();
    assert_eq!(again[4], Err(ItemRefusal::OverLimit(3)));
    assert!(rig.invite(request(&["SECONDARY/dave"], &[])).await.unwrap()[0].is_ok(), "another request may");
}

#[tokio::test]
async fn what_ran_out_makes_room_before_anybody_sweeps() {
    let rig = with(r#"{ "pending-limit": 1 }"#);
    let (old, _) = rig.invited("alice", &[]).await;
    assert_eq!(resend(&rig, ann(), &[&old]).await, [Ok(old.id.clone())], "a resend needs no room");
    rig.host.advance(HOURS_72);
    let (bobs, _) = rig.invited("bob", &[]).await;
    let answer = resend(&rig, ann(), &[&old]).await;
    assert_eq!(answer, [Err(Refusal::NotInvitable(ItemRefusal::OverLimit(1)))], "inviting anew needs it");
    assert_eq!(rig.row(&bobs).state, State::Pending);
}

#[tokio::test]
async fn addresses_of_other_domains_are_not_invited_and_not_let_in_later() {
    let rig = with(r#"{ "address-domains": ["example.com"] }"#);
    let answers = rig.invite(request(&["alice", "gus"], &[])).await.unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(ItemRefusal::AddressNotAllowed), "gus@partner.example");
    let external = externally(request(&["erin"], &[]));
    let erin = rig.invite(external).await.unwrap().remove(0);
    assert_eq!(erin, Err(ItemRefusal::AddressNotAllowed), "no address is none of theirs");

    let code = rig.code_of(&answers[0].as_ref().unwrap().id);
    rig.host.change_settings("acme", &patch(r#"{ "address-domains": ["*.example.com"] }"#)).unwrap();
    let answer = rig.accept(alice(), &code).await;
    assert_eq!(answer, Err(InviteeRefusal::Obstacle(Obstacle::AddressNotAllowed)));
    rig.host.change_settings("acme", &patch(r#"{ "address-domains": null }"#)).unwrap();
    assert!(rig.accept(alice(), &code).await.is_ok());
}

#[tokio::test]
async fn nobody_gets_more_mails_in_a_day_than_the_host_allows_and_none_is_lost() {
    let rig = Rig::of(&format!("mails-per-day: 2\n{WORLD}"));
    let bea = Principal::User(user("beta", "u-bea"));
    rig.invite_as("beta", bea, request(&["alice"], &[])).await.unwrap().remove(0).unwrap();
    let (key, _) = rig.invited("alice", &[]).await;
    let answer = rig.run(ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer;
    assert_eq!(answer.unwrap()[0].as_ref().unwrap().mail, MailState::Queued, "it waits");
    // However often the sweep looks: this is no failed try, so it is not given up.
    for _ in 0..23 {
        rig.host.advance(HOUR);
        rig.sweep("acme").await;
    }
    assert_eq!((rig.host.mails().len(), rig.row(&key).mail), (2, MailState::Queued));
    rig.host.advance(HOUR);
    assert_eq!(rig.sweep("acme").await.sent, 1);
    assert_eq!(rig.row(&key).mail, MailState::Sent);
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok());
}

#[tokio::test]
async fn a_resend_is_for_those_who_may_and_inviting_anew_for_those_who_may_invite() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    rig.host.set_permissions("acme", ben(), Permissions::RESEND).unwrap();
    assert_eq!(resend(&rig, ben(), &[&key]).await, [Ok(key.id.clone())]);
    rig.host.advance(HOURS_72);
    assert_eq!(resend(&rig, ben(), &[&key]).await, [Err(Refusal::NotPermitted)]);
    assert_eq!(rig.host.snapshot().invitations.len(), 1, "nothing that nobody could ever accept");
}

#[tokio::test]
async fn several_are_resent_at_once_and_each_has_its_own_answer() {
    let rig = with(r#"{ "resend-limit": 1 }"#);
    let (expired, _) = rig.invited("bob", &[group("g-help")]).await;
    rig.host.advance(HOURS_72);
    let (often, _) = rig.invited("gus", &[]).await;
    resend(&rig, ann(), &[&often]).await;
    let (revoked, _) = rig.invited("carol@example.com", &[]).await;
    rig.run(ACME, ann(), op::Revoke { id: revoked.id.clone(), reason: None }).await.unwrap().answer.unwrap();
    let (pending, dead) = rig.invited("alice", &[]).await;
    let nowhere =
        InvitationKey { organization: "acme".into(), id: "00000000-0000-4000-8000-000000000000".into() };

    let before = rig.host.audit().len();
    let answer = resend(&rig, ann(), &[&pending, &nowhere, &expired, &revoked, &often]).await;
    let anew = answer[2].clone().unwrap();
    assert_eq!(
        answer,
        [
            Ok(pending.id.clone()),
            Err(Refusal::NotFound),
            Ok(anew.clone()),
            Err(Refusal::WrongState(State::Revoked)),
            Err(Refusal::ResendLimit(1)),
        ]
    );
    let row = rig.row(&InvitationKey { organization: "acme".into(), id: anew });
    assert_eq!((row.replaces, row.resends, row.grants), (Some(expired.id), 0, vec![group("g-help")]));
    assert_eq!((rig.row(&pending).resends, rig.row(&pending).expires_at), (1, rig.row(&often).expires_at));
    assert_eq!(rig.accept(alice(), &dead).await, Err(InviteeRefusal::NotUsable), "I-SEC2");
    let events: Vec<_> = rig.host.audit()[before..].iter().map(|event| event.text()).collect();
    assert_eq!(
        events,
        [
            "invitation.renewed",
            "invitation.expired",
            "invitation.created",
            "refused",
            "refused",
            "refused",
            "refused"
        ],
        "I-AUD: one for each, and one for the dead code"
    );
    for (count, fits) in [(0, false), (100, true), (101, false)] {
        let ids = (0..count).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
        let answer = rig.run(ACME, ann(), op::Resend { ids }).await.unwrap().answer;
        assert_eq!(answer.is_ok(), fits, "{count}");
    }
    let ids = vec![pending.id.clone(), pending.id.clone()];
    let answer = rig.run(ACME, ann(), op::Resend { ids }).await.unwrap().answer;
    assert!(matches!(answer, Err(Refusal::Invalid(_))), "the first code would be dead: {answer:?}");
}

#[tokio::test]
async fn a_hundred_are_resent_within_the_host_calls_of_one_run() {
    let (rig, names) = crowd(100);
    let some = |names: &[String], template: Option<String>| InviteRequest {
        names: names.to_vec(),
        template,
        ..request(&["x"], &[])
    };
    for own_templates in [false, true] {
        let world = rig.fork();
        for (n, chunk) in names.chunks(if own_templates { 1 } else { 100 }).enumerate() {
            let template = own_templates.then(|| format!("t{n}"));
            world.invite(some(chunk, template)).await.unwrap();
        }
        let all: Vec<_> =
            world.host.snapshot().invitations.into_iter().map(|row| row.invitation.key).collect();
        let expired = world.fork();
        expired.host.advance(HOURS_72);
        for (world, at_once) in [(world, !own_templates), (expired, false)] {
            let mut left = all.clone();
            let mut rounds = 0;
            while !left.is_empty() {
                let answers = resend(&world, ann(), &left.iter().collect::<Vec<_>>()).await;
                let later = |answer: &Result<String, Refusal>| match answer {
                    Ok(_) => false,
                    Err(Refusal::Host(HostError::Unavailable(None))) => true,
                    other => panic!("{other:?}"),
                };
                let before = left.len();
                left =
                    left.into_iter().zip(&answers).filter(|(_, it)| later(it)).map(|(key, _)| key).collect();
                assert!(left.len() < before, "each request gets some of them done");
                rounds += 1;
            }
            assert_eq!(rounds == 1, at_once, "{rounds} rounds");
            assert_eq!(world.host.mails().len(), 200, "one mail for each invite and each resend");
        }
    }
}

#[tokio::test]
async fn an_expired_one_is_invited_anew_only_under_the_rules_of_now() {
    type Try = (&'static str, fn(&Rig), fn(&Refusal) -> bool);
    let tries: [Try; 7] = [
        (
            "privileged by now",
            |rig| rig.host.change_settings("acme", &patch(r#"{ "privileged": ["group:g-help"] }"#)).unwrap(),
            |_| false,
        ),
        (
            "over the ceiling",
            |rig| rig.host.change_settings("acme", &patch(r#"{ "ceiling": [] }"#)).unwrap(),
            |refusal| matches!(refusal, Refusal::NotInvitable(ItemRefusal::MayNotGrant(which)) if *which == [0]),
        ),
        (
            "no group any more",
            |rig| rig.host.delete_group("acme", "g-help").unwrap(),
            |refusal| matches!(refusal, Refusal::UnknownGrants(which) if *which == [group("g-help")]),
        ),
        (
            "disabled",
            |rig| rig.host.set_user_active("root", "u-alice", false).unwrap(),
            |refusal| matches!(refusal, Refusal::NotInvitable(ItemRefusal::NotAParentUser)),
        ),
        (
            "suspended",
            |rig| rig.host.set_organization_active("acme", false).unwrap(),
            |_| unreachable!("the request as a whole is refused"),
        ),
        (
            "more than may be asked for at once",
            |rig| rig.host.change_settings("acme", &patch(r#"{ "limits": { "grants": 0 } }"#)).unwrap(),
            |refusal| matches!(refusal, Refusal::TooMany(excess) if excess.limit == 0),
        ),
        (
            "a member by now",
            |rig| rig.host.add_member("acme", &user("root", "u-alice")).unwrap(),
            |refusal| matches!(refusal, Refusal::NotInvitable(ItemRefusal::AlreadyMember)),
        ),
    ];
    for (what, change, expected) in tries {
        let rig = Rig::new();
        let (key, _) = rig.invited("alice", &[group("g-help")]).await;
        rig.host.advance(HOURS_72);
        change(&rig);
        let answer = rig.run(ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer;
        match answer {
            Err(refusal) => assert_eq!((what, refusal), ("suspended", Refusal::OrganizationNotActive)),
            Ok(mut items) => match items.remove(0) {
                Ok(invited) => {
                    assert_eq!((what, invited.state), ("privileged by now", State::AwaitingApproval));
                }
                Err(refusal) => assert!(expected(&refusal), "{what}: {refusal:?}"),
            },
        }
    }
}

#[tokio::test]
async fn an_expired_one_keeps_its_lifetime_where_that_is_still_allowed() {
    for (settings, expected) in [("{}", HOUR), (r#"{ "lifetime": "2h", "lifetime-min": "2h" }"#, 2 * HOUR)] {
        let rig = Rig::new();
        let lasting = InviteRequest { lifetime: LifetimeChoice::Lasting(HOUR), ..request(&["alice"], &[]) };
        let id = rig.invite(lasting).await.unwrap().remove(0).unwrap().id;
        rig.host.advance(HOUR);
        rig.host.change_settings("acme", &patch(settings)).unwrap();
        let key = InvitationKey { organization: "acme".into(), id };
        let anew = resend(&rig, ann(), &[&key]).await.remove(0).unwrap();
        let row = rig.row(&InvitationKey { organization: "acme".into(), id: anew });
        assert_eq!(row.lifetime, Some(expected), "{settings}");
    }
}

#[tokio::test]
async fn lifetimes_have_bounds_and_never_has_to_be_allowed() {
    let rig = with(r#"{ "lifetime-min": "1h", "lifetime-max": "4h", "lifetime": "2h" }"#);
    let bounds = Bounds { min: HOUR, max: 4 * HOUR, never: false };
    for (choice, lifetime) in [
        (LifetimeChoice::Default, Some(2 * HOUR)),
        (LifetimeChoice::Lasting(HOUR - 1), None),
        (LifetimeChoice::Lasting(HOUR), Some(HOUR)),
        (LifetimeChoice::Lasting(4 * HOUR), Some(4 * HOUR)),
        (LifetimeChoice::Lasting(4 * HOUR + 1), None),
        (LifetimeChoice::Lasting(u64::MAX), None),
        (LifetimeChoice::Never, None),
    ] {
        let world = rig.fork();
        let answer = world.invite(InviteRequest { lifetime: choice, ..request(&["alice"], &[]) }).await;
        match lifetime {
            None => assert_eq!(answer, Err(Refusal::LifetimeOutOfBounds(bounds))),
            Some(lifetime) => {
                let end = answer.unwrap()[0].as_ref().unwrap().expires_at;
                assert_eq!(end, Some(world.host.now() + lifetime));
            }
        }
    }
    let rig = with(r#"{ "allow-never": true }"#);
    let never = InviteRequest { lifetime: LifetimeChoice::Never, ..request(&["alice"], &[]) };
    let invited = rig.invite(never).await.unwrap().remove(0).unwrap();
    assert_eq!(invited.expires_at, None);
    rig.host.advance(1000 * 365 * 24 * HOUR);
    rig.sweep("acme").await;
    assert!(rig.accept(alice(), &rig.code_of(&invited.id)).await.is_ok());
}

#[tokio::test]
async fn a_suspended_organization_sends_nothing_until_it_is_active_again() {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "reminder-before": "71h" }"#)).unwrap();
    let (pending, _) = rig.invited("bob", &[]).await;
    rig.host.fail_mail(true);
    let id = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap().id;
    rig.host.fail_mail(false);
    rig.host.set_organization_active("acme", false).unwrap();
    assert_eq!(
        rig.run(ACME, ann(), op::Resend { ids: vec![pending.id.clone()] }).await.unwrap().answer,
        Err(Refusal::OrganizationNotActive)
    );
    // Until half of the time since their mail has passed, and the reminder would be due.
    for _ in 0..36 {
        rig.host.advance(HOUR);
        assert_eq!(rig.sweep("acme").await.sent, 0);
    }
    rig.host.set_organization_active("acme", true).unwrap();
    rig.host.advance(HOUR);
    rig.sweep("acme").await;
    let sent: Vec<_> =
        rig.host.mails().into_iter().skip(1).map(|mail| (mail.invitation, mail.kind)).collect();
    assert!(sent.contains(&(id, MessageKind::Invitation)), "held back is not given up: {sent:?}");
    assert!(sent.contains(&(pending.id, MessageKind::Reminder)));
}
