//! Equal treatment where a code alone is enough to accept, and codes that a host gives away itself.

use std::sync::Arc;

use guestlist_contract::{
    Function,
    exports::invitee::{Ended, Handle, InviteeRefusal},
    types::{InvitationKey, Permissions, Principal, State},
};
use guestlist_harness::{CallError, Export, Trace, operations as op};
use guestlist_memory::{MemoryHost, Moment, Rule, SettingsPatch};
use guestlist_testkit::{Fault, FaultPlan, Lie, log};
use serde_json::{Value, json};

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

/// A world in which codes alone are enough, and one dead code for each way in which a code can die.
struct Dead {
    rig: Rig,
    all: Vec<(&'static str, InvitationKey, String)>,
}

async fn dead() -> Dead {
    let rig = Rig::new();
    let patch: SettingsPatch = serde_json::from_value(json!({ "accept-with": "code" })).unwrap();
    for organization in ["acme", "beta"] {
        rig.host.change_settings(organization, &patch).unwrap();
    }
    let mut all = Vec::new();

    let (key, code) = rig.invited("alice", &[]).await;
    rig.host.advance(HOURS_72);
    all.push(("expired", key, code));

    let (key, code) = rig.invited("alice", &[]).await;
    rig.run(ACME, ann(), op::Revoke { id: key.id.clone(), reason: None }).await.unwrap().answer.unwrap();
    all.push(("revoked", key, code));

    let (key, code) = rig.invited("alice", &[]).await;
    let decline = op::Decline { handle: Handle::Id(key.clone()), reason: None };
    rig.run(None, alice(), decline).await.unwrap().answer.unwrap();
    all.push(("declined", key, code));

    // It breaks off after the claim; then the inviter has lost their right.
    let (key, code) = rig.invited("alice", &[]).await;
    let crash = Arc::new(FaultPlan::once(Function::StorageTransition, 1, Fault::CrashAfter));
    let accept = op::Accept { handle: Handle::Code(code.clone()) };
    assert!(rig.run_with(crash, None, alice(), accept).await.is_err());
    rig.host.set_permissions("acme", ann(), Permissions::empty()).unwrap();
    rig.host.advance(30_000);
    rig.sweep("acme").await;
    rig.host.set_permissions("acme", ann(), Permissions::all()).unwrap();
    assert_eq!(rig.row(&key).state, State::Failed);
    all.push(("failed", key, code));

    let (key, code) = rig.invited("carol@example.com", &[]).await;
    rig.run(ACME, ann(), op::Resend { ids: vec![key.id.clone()] }).await.unwrap().answer.unwrap();
    all.push(("superseded", key, code));

    let bea = Principal::User(user("beta", "u-bea"));
    let id = rig.invite_as("beta", bea, request(&["alice"], &[])).await.unwrap().remove(0).unwrap().id;
    let code = rig.code_of(&id);
    all.push(("pending in another organization", InvitationKey { organization: "beta".into(), id }, code));

    let (key, code) = rig.invited("alice", &[]).await;
    rig.accept(alice(), &code).await.unwrap();
    all.push(("accepted", key, code));

    // One that awaits approval has no code: it is tried by its id.
    let rule = Rule { at: Moment::Invite, require_approval: Some("a contractor".into()), ..Rule::default() };
    rig.host.set_policy("acme", vec![rule]).unwrap();
    let id = rig.invite(request(&["SECONDARY/dave"], &[])).await.unwrap().remove(0).unwrap().id;
    let code = guestlist::code::Code::new(std::array::from_fn(|index| index as u8)).reveal();
    all.push(("awaiting", InvitationKey { organization: "acme".into(), id }, code.clone()));

    let id = "00000000-0000-4000-8000-000000000000".into();
    all.push(("unknown", InvitationKey { organization: "acme".into(), id }, code));
    Dead { rig, all }
}

/// Host calls with their fuel, arguments but for what the stranger themselves has shown, and answers.
fn shape(trace: &Trace) -> Vec<(Function, Option<u64>, Value, Value)> {
    let shape = |entry: &guestlist_harness::Entry| {
        let mut arguments = entry.arguments.clone();
        match entry.function {
            Function::StorageByCode => {
                assert_eq!(arguments["code"].as_array().map(Vec::len), Some(32), "a digest");
                arguments["code"].take();
            }
            Function::StorageGet => _ = arguments["key"].take(),
            _ => {}
        }
        (entry.function, entry.fuel, arguments, entry.outcome.clone())
    };
    trace.entries.iter().map(shape).collect()
}

/// None of them was invited, and none acts in beta: there a pending code would be theirs to use.
fn strangers() -> [(Option<&'static str>, Principal); 7] {
    [
        (ACME, bob()),
        (ACME, ann()),
        (ACME, Principal::Anonymous),
        (ACME, Principal::Client("hr".into())),
        (None, Principal::Anonymous),
        (None, Principal::User(user("partner", "p-gus"))),
        (Some("deep"), Principal::User(user("deep", "u-deb"))),
    ]
}

async fn all_alike<E: Export>(dead: &Dead, export: impl Fn(Handle) -> E, operation: Option<&str>)
where
    E::Answer: std::fmt::Debug,
{
    for (place, stranger) in strangers() {
        for by_id in [false, true] {
            let mut first = None;
            for (case, key, code) in &dead.all {
                let world = dead.rig.fork();
                let handle = if by_id { Handle::Id(key.clone()) } else { Handle::Code(code.clone()) };
                let before = world.host.snapshot();
                let done = world.run(place, stranger.clone(), export(handle)).await.unwrap();
                let now = world.host.snapshot();
                assert_eq!(before.invitations, now.invitations, "{case}: a refusal changes nothing");
                let events = &now.audit[before.audit.len()..];
                let named: Vec<_> = events.iter().map(|event| (event.text(), &event.operation[..])).collect();
                let wanted: Vec<_> = operation.iter().map(|name| ("refused", *name)).collect();
                assert_eq!(named, wanted, "{case}: I-AUD");
                let seen = (format!("{:?}", done.answer), done.fuel, shape(&done.trace.unwrap()));
                assert!(seen.0.contains("NotUsable"), "{case}: {}", seen.0);
                let (of, first) = first.get_or_insert_with(|| (*case, seen.clone()));
                assert_eq!(*first, seen, "`{of}` and `{case}` differ for {stranger:?} (by id: {by_id})");
            }
        }
    }
}

#[tokio::test]
async fn where_a_code_is_enough_dead_codes_are_alike_inside_the_organization_too() {
    let dead = dead().await;
    all_alike(&dead, |handle| op::Accept { handle }, Some("invitee.accept")).await;
    all_alike(&dead, |handle| op::Decline { handle, reason: None }, Some("invitee.decline")).await;
    all_alike(&dead, |handle| op::Introspect { handle }, None).await;
    // The code that took the place of the superseded one is alive, in its organization alone.
    let (_, key, _) = dead.all.iter().find(|(case, ..)| *case == "superseded").unwrap();
    let handle = Handle::Code(dead.rig.code_of(&key.id));
    for (place, works) in [(ACME, true), (Some("beta"), false), (None, false)] {
        let world = dead.rig.fork();
        let answer = world.run(place, bob(), op::Accept { handle: handle.clone() }).await.unwrap().answer;
        assert_eq!(answer.is_ok(), works, "{place:?}: {answer:?}");
        let members = world.host.members("acme");
        let carol = members.iter().any(|member| member.account == user("root", "u-carol"));
        assert_eq!(carol, works, "I-SUBJ: it is she who becomes a member");
    }
}

#[tokio::test]
async fn the_invitee_is_told_what_became_of_each() {
    let dead = dead().await;
    for (case, key, code) in &dead.all {
        for by_id in [false, true] {
            let world = dead.rig.fork();
            let handle = if by_id { Handle::Id(key.clone()) } else { Handle::Code(code.clone()) };
            let answer = world.run(None, alice(), op::Accept { handle }).await.unwrap().answer;
            let ended = |ended| Err(InviteeRefusal::Ended(ended));
            let expected = match *case {
                "accepted" => answer.clone().map(|accepted| assert!(accepted.repeated)),
                "pending in another organization" => {
                    answer.clone().map(|accepted| assert!(!accepted.repeated))
                }
                "expired" => ended(Ended::Expired),
                "revoked" => ended(Ended::Revoked),
                "declined" => ended(Ended::Declined),
                "failed" => ended(Ended::Failed),
                _ => Err(InviteeRefusal::NotUsable),
            };
            assert_eq!(answer.map(drop), expected, "{case}, by id: {by_id}");
        }
    }
}

/// The cost of a wrong code does not depend on where it is wrong.
#[tokio::test]
async fn a_code_that_is_wrong_at_one_place_costs_the_same_at_every_place() {
    let rig = Rig::new();
    let bytes = |wrong_at: usize| -> [u8; 32] {
        std::array::from_fn(|index| (index * 37 + 11) as u8 ^ u8::from(index == wrong_at))
    };
    let mut costs = Vec::new();
    for position in 0..32 {
        let handle = Handle::Code(guestlist::code::Code::new(bytes(position)).reveal());
        let done = rig.fork().run(None, alice(), op::Accept { handle }).await.unwrap();
        costs.push((done.fuel, done.host_calls));
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

/// A host that puts the newest code of the mailbox into the text of a failure.
fn gives_away(host: &Arc<MemoryHost>, wrap: fn(String) -> Value) -> Lie {
    let host = host.clone();
    Arc::new(move |_| {
        let code = host.mails().iter().rev().find_map(|mail| mail.code.clone()).unwrap_or_default();
        wrap(format!("cannot deliver https://id.example/invitation#{code}, sorry"))
    })
}

/// I-SEC1, where the host itself writes a code into its words. The rig looks at traces, errors, rows and
/// events when it is dropped.
#[tokio::test]
async fn a_code_in_the_words_of_a_host_stays_out_of_traces_rows_and_events() {
    let wraps: [fn(String) -> Value; 3] = [
        |text| json!({ "Err": { "Denied": text } }),
        |text| json!({ "Ok": [{ "Err": { "Host": { "Other": text } } }] }),
        |text| json!({ "Ok": [{ "Err": { "Other": text } }] }),
    ];
    for wrap in wraps {
        let rig = Rig::new();
        let (key, code) = rig.invited("alice", &[group("g-help")]).await;
        let lie = Fault::Hostile(gives_away(&rig.host, wrap));
        let plan = Arc::new(FaultPlan::always(Function::NotificationsSend, lie));
        let resend = op::Resend { ids: vec![key.id.clone()] };
        let done = rig.run_with(plan.clone(), ACME, ann(), resend).await.unwrap();
        assert!(done.trace.unwrap().to_string().contains("invitation#inv1_<redacted>, sorry"));
        assert_ne!(rig.code_of(&key.id), code, "the mail went out before the host failed");
        let text = serde_json::to_string(&done.answer).unwrap();
        assert!(!text.contains("inv1_"), "{text}");
        let invite = op::Invite { request: request(&["bob"], &[]) };
        let done = rig.run_with(plan.clone(), ACME, ann(), invite).await.unwrap();
        assert!(!serde_json::to_string(&done.answer).unwrap().contains("inv1_"));
        rig.host.advance(120_000);
        let swept = rig.run_with(plan, ACME, Principal::System, op::Sweep { limit: 9 }).await.unwrap();
        assert!(swept.answer.unwrap().failed > 0);
    }
}

/// I-SEC1 in what operators read: neither the words of a host nor the arguments of a call are logged, whatever
/// fails.
#[tokio::test]
async fn a_code_stays_out_of_the_log_and_so_does_every_name_and_address() {
    let log = log();
    let base = Rig::new();
    let (key, code) = base.invited("alice", &[group("g-help")]).await;
    let mut codes = base.codes();
    for nth in 1..25 {
        macro_rules! given_away {
            ($($place:expr, $who:expr, $export:expr;)*) => {$(
                for fault in [
                    Fault::Hostile(gives_away(&base.host, |text| json!({ "Err": { "Denied": text } }))),
                    Fault::Hostile(gives_away(&base.host, |text| json!({ "Err": { "Host": { "Denied": text } } }))),
                    Fault::Hostile(gives_away(&base.host, |text| json!({ "Err": { "Other": text } }))),
                    Fault::CrashAfter,
                ] {
                    let rig = base.fork();
                    let plan = FaultPlan::at(nth, fault);
                    let _ = rig.run_with(Arc::new(plan), $place, $who, $export).await;
                    codes.extend(rig.codes());
                }
            )*};
        }
        given_away! {
            None, alice(), op::Accept { handle: Handle::Code(code.clone()) };
            ACME, ann(), op::Resend { ids: vec![key.id.clone()] };
            ACME, ann(), op::Invite { request: request(&["bob", "nobody-of-that-name"], &[]) };
        }
    }
    for line in [
        ["WARN", "a host call failed", "function=\"settings.get\"", "outcome=\"other\""],
        ["DEBUG", "a host call was refused", "function=\"storage.transition\"", "outcome=\"denied\""],
        ["WARN", "a call of the plugin has no answer", "reason=\"injected\"", "last=\"storage.insert\""],
        ["DEBUG", "span call", "operation=\"accept\"", "request_id="],
    ] {
        assert!(!log.with(&line).is_empty(), "{line:?} is not in the log");
    }
    for code in codes {
        assert!(!log.holds(&code[5..48]), "I-SEC1: a confirmation code is in the log");
    }
    for word in ["inv1_", "alice", "bob", "nobody-of-that-name", "@", "u-ann", "g-help"] {
        assert!(!log.holds(word), "`{word}` is in the log");
    }
}

/// The same at every host call of every operation, as `denied`, or as no answer of the function at all.
#[tokio::test]
async fn a_code_in_the_words_of_a_host_stays_out_wherever_it_is_said() {
    let base = Rig::new();
    let (key, code) = base.invited("alice", &[group("g-help")]).await;
    let handle = Handle::Code(code);
    let ids = vec![key.id.clone()];
    let wraps: [fn(String) -> Value; 3] = [
        |text| json!({ "Err": { "Denied": text } }),
        |text| json!({ "Err": { "Host": { "Denied": text } } }),
        |text| json!({ "no-such-answer": text }),
    ];
    for wrap in wraps {
        for nth in 1..25 {
            macro_rules! given_away {
                ($($place:expr, $who:expr, $export:expr;)*) => {$(
                    let rig = base.fork();
                    let plan = FaultPlan::at(nth, Fault::Hostile(gives_away(&rig.host, wrap)));
                    match rig.run_with(Arc::new(plan), $place, $who, $export).await {
                        Ok(_) | Err(CallError::Trapped(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                )*};
            }
            given_away! {
                None, alice(), op::Accept { handle: handle.clone() };
                None, bob(), op::Accept { handle: handle.clone() };
                None, alice(), op::Decline { handle: handle.clone(), reason: None };
                None, alice(), op::Introspect { handle: handle.clone() };
                ACME, ann(), op::Resend { ids: ids.clone() };
                ACME, ann(), op::Invite { request: request(&["bob"], &[]) };
                ACME, Principal::System, op::Sweep { limit: 9 };
            }
        }
    }
}
