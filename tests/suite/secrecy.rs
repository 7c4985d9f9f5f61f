//! What strangers learn about an invitation: nothing, and always in the same way.

use guestlist_contract::{
    exports::{
        invitations::LifetimeChoice,
        invitee::{Ended, Handle, InviteeRefusal},
    },
    types::{InvitationKey, Permissions, Principal, State},
};
use guestlist_harness::{Export, Trace, operations as op};
use guestlist_memory::SettingsPatch;

use crate::rig::*;

/// Codes that a stranger may try, each with its invitation, if there is one.
struct Cases {
    rig: Rig,
    all: Vec<(&'static str, String, Option<InvitationKey>)>,
}

/// Alice's invitation in each of the states that it can have, each in its own copy of the world would
/// not be comparable, so they follow each other in one.
async fn cases() -> Cases {
    let rig = Rig::new();
    let acme = Some("acme");
    let mut all = Vec::new();

    let short = guestlist_contract::exports::invitations::InviteRequest {
        lifetime: LifetimeChoice::Lasting(60_000),
        ..request(&["alice"], &[])
    };
    let expired = rig.invite(short).await.unwrap().remove(0).unwrap();
    let key = |id: &str| InvitationKey { organization: "acme".into(), id: id.into() };
    all.push(("expired", rig.code_of(&expired.id), Some(key(&expired.id))));
    rig.host.advance(60_000);

    let (revoked, code) = rig.invited("alice", &[]).await;
    rig.run(acme, ann(), op::Revoke { id: revoked.id.clone(), reason: None }).await.unwrap().answer.unwrap();
    all.push(("revoked", code, Some(revoked)));

    let (declined, code) = rig.invited("alice", &[]).await;
    let handle = Handle::Code(code.clone());
    rig.run(None, alice(), op::Decline { handle, reason: None }).await.unwrap().answer.unwrap();
    all.push(("declined", code, Some(declined)));

    let (failed, code) = rig.invited("SECONDARY/dave", &[]).await;
    all.push(("of somebody else", code, Some(failed)));

    let (resent, old) = rig.invited("carol@example.com", &[]).await;
    rig.run(acme, ann(), op::Resend { ids: vec![resent.id.clone()] }).await.unwrap().answer.unwrap();
    all.push(("superseded", old, Some(resent)));

    let foreign =
        rig.invite_as("beta", Principal::User(user("beta", "u-bea")), request(&["alice"], &[])).await;
    let foreign = foreign.unwrap().remove(0).unwrap();
    let beta = InvitationKey { organization: "beta".into(), id: foreign.id.clone() };
    all.push(("of another organization", rig.code_of(&foreign.id), Some(beta)));

    let (used, code) = rig.invited("alice", &[group("g-help")]).await;
    rig.accept(alice(), &code).await.unwrap();
    all.push(("used", code, Some(used)));

    let unknown = guestlist::code::Code::new(std::array::from_fn(|index| index as u8)).reveal();
    all.push(("unknown", unknown, None));
    Cases { rig, all }
}

/// Everybody but Alice, Dave and Carol.
fn strangers() -> Vec<(Option<&'static str>, Principal)> {
    vec![
        (None, Principal::Anonymous),
        (None, bob()),
        (Some("acme"), ann()),
        (Some("acme"), Principal::Client("hr".into())),
        (Some("acme"), Principal::Anonymous),
        (Some("beta"), Principal::User(user("beta", "u-bea"))),
        (None, Principal::User(user("partner", "p-gus"))),
    ]
}

/// What the host was asked and answered, without what differs by necessity: the digest that is looked
/// for and the id that the stranger named themselves.
fn shape(trace: &Trace) -> Vec<(String, serde_json::Value, Option<u64>, Option<String>)> {
    let entry = |entry: &guestlist_harness::Entry| {
        let answer = entry.outcome.clone();
        (entry.function.to_string(), answer, entry.fuel, entry.fault.clone())
    };
    trace.entries.iter().map(entry).collect()
}

/// Tries one operation on each case as one stranger, in copies of one world.
async fn all_alike<E: Export>(cases: &Cases, as_asked: impl Fn(Handle) -> E, audited: usize)
where
    E::Answer: std::fmt::Debug,
{
    for (place, stranger) in strangers() {
        for by_id in [false, true] {
            let mut first = None;
            for (case, code, key) in &cases.all {
                let world = cases.rig.fork();
                let handle = match (by_id, key) {
                    (false, _) => Handle::Code(code.clone()),
                    (true, Some(key)) => Handle::Id(key.clone()),
                    (true, None) => {
                        let id = "00000000-0000-4000-8000-000000000000".into();
                        Handle::Id(InvitationKey { organization: "acme".into(), id })
                    }
                };
                let before = world.host.snapshot();
                let done = world.run(place, stranger.clone(), as_asked(handle)).await.unwrap();
                let after = world.host.snapshot();
                assert_eq!(
                    serde_json::to_value(&before.invitations).unwrap(),
                    serde_json::to_value(&after.invitations).unwrap(),
                    "{case}: a refusal changes nothing"
                );
                let events = &after.audit[before.audit.len()..];
                assert_eq!(events.len(), audited, "{case}: one event for each refusal");
                assert!(events.iter().all(|event| event.invitation.is_none()), "{case}: {events:?}");
                let seen = (format!("{:?}", done.answer), shape(done.trace.as_ref().unwrap()), done.fuel);
                assert!(seen.0.contains("NotUsable"), "{case}: {seen:?}");
                // `beta` is a shorter name than `acme` in no byte, so ids cost the same as well.
                let first = first.get_or_insert_with(|| seen.clone());
                assert_eq!(*first, seen, "{case} (by id: {by_id}) differs for {stranger:?}");
            }
        }
    }
}

#[tokio::test]
async fn strangers_get_one_answer_at_one_cost() {
    let cases = cases().await;
    all_alike(&cases, |handle| op::Accept { handle }, 1).await;
    all_alike(&cases, |handle| op::Decline { handle, reason: None }, 1).await;
    all_alike(&cases, |handle| op::Introspect { handle }, 0).await;
}

#[tokio::test]
async fn strangers_get_one_answer_at_one_cost_where_a_code_alone_is_enough() {
    let cases = cases().await;
    let patch: SettingsPatch = serde_json::from_str(r#"{ "accept-with": "code" }"#).unwrap();
    cases.rig.host.change_settings("acme", &patch).unwrap();
    cases.rig.host.change_settings("beta", &patch).unwrap();
    all_alike(&cases, |handle| op::Accept { handle }, 1).await;
    all_alike(&cases, |handle| op::Introspect { handle }, 0).await;
}

#[tokio::test]
async fn the_invitee_is_told_which_it_is() {
    let cases = cases().await;
    for (case, code, _) in &cases.all {
        let world = cases.rig.fork();
        let answer = world.accept(alice(), code).await;
        let expected = match *case {
            "expired" => Err(InviteeRefusal::Ended(Ended::Expired)),
            "revoked" => Err(InviteeRefusal::Ended(Ended::Revoked)),
            "declined" => Err(InviteeRefusal::Ended(Ended::Declined)),
            "used" => {
                assert!(answer.is_ok_and(|accepted| accepted.repeated), "{case}");
                continue;
            }
            "of another organization" => {
                assert!(answer.is_ok_and(|accepted| !accepted.repeated), "{case}");
                continue;
            }
            _ => Err(InviteeRefusal::NotUsable),
        };
        assert_eq!(answer, expected, "{case}");
    }
}

#[tokio::test]
async fn the_cost_does_not_tell_how_much_of_a_code_is_right() {
    let rig = Rig::new();
    let (_, code) = rig.invited("alice", &[]).await;
    let right = guestlist::code::Code::parse(&code).unwrap();
    assert!(right.reveal() == code);
    let mut costs = Vec::new();
    for position in 0..32 {
        let bytes: [u8; 32] = std::array::from_fn(|index| if index < position { 1 } else { 2 });
        let wrong = guestlist::code::Code::new(bytes).reveal();
        let handle = Handle::Code(wrong);
        costs.push(rig.run(None, bob(), op::Accept { handle }).await.unwrap().fuel.unwrap());
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

#[tokio::test]
async fn what_is_no_code_asks_the_host_nothing() {
    let rig = Rig::new();
    let (_, code) = rig.invited("alice", &[]).await;
    let mut slip = code.clone();
    slip.replace_range(10..11, if &code[10..11] == "A" { "B" } else { "A" });
    for text in ["", "inv1_", "hello", &code[..50], &format!("{code}x"), &slip, &"x".repeat(10_000)] {
        let handle = Handle::Code(text.to_owned());
        let done = rig.run(None, alice(), op::Accept { handle }).await.unwrap();
        assert_eq!(done.answer, Err(InviteeRefusal::Malformed));
        assert_eq!(done.host_calls, 0);
    }
}

#[tokio::test]
async fn answers_of_administrators_and_invitees_hold_no_code() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[group("g-help")]).await;
    rig.run(Some("acme"), ann(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap();
    let list = op::List { filter: everything(), page: first_page() };
    let shown = [
        serde_json::to_string(&rig.run(Some("acme"), ann(), list).await.unwrap().answer),
        serde_json::to_string(
            &rig.run(Some("acme"), ann(), op::Get { id: key.id.clone() }).await.unwrap().answer,
        ),
        serde_json::to_string(
            &rig.run(None, alice(), op::ListMine { states: vec![], after: None, limit: 9 })
                .await
                .unwrap()
                .answer,
        ),
        serde_json::to_string(
            &rig.run(None, alice(), op::Introspect { handle: Handle::Id(key.clone()) }).await.unwrap().answer,
        ),
        serde_json::to_string(&rig.accept(alice(), &code).await),
        serde_json::to_string(&rig.accept(alice(), &rig.code_of(&key.id)).await),
        serde_json::to_string(&rig.host.audit()),
    ];
    for text in shown.map(Result::unwrap) {
        assert!(!text.contains("inv1_"), "{text}");
    }
    assert_eq!(rig.row(&key).state, State::Accepted);
    rig.host.set_permissions("acme", ann(), Permissions::empty()).unwrap();
}
