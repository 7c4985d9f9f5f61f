//! A host that lies. The plugin believes what it cannot check, and nothing else: it never panics, and
//! where an answer does not fit the question it does nothing more.

use std::sync::Arc;

use guestlist_harness::{
    Fault, FaultPlan, Function, Reason,
    contract::{
        exports::invitee::Handle,
        types::{State, Subject},
    },
};
use serde_json::{Value, json};

use crate::{
    asking::{Ask, Case, Reply},
    cases,
    guarantees::{Word, always},
    rig::*,
};

/// Changes every field of that name, however deep.
fn fields(value: &mut Value, change: &dyn Fn(&str, &mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fields(item, change)),
        Value::Object(named) => {
            for (name, value) in named {
                change(name, value);
                fields(value, change);
            }
        }
        _ => {}
    }
}

/// Every text that is `from` is `to`.
fn instead(mut value: Value, from: &str, to: &str) -> Value {
    fields(&mut value, &|_, field| {
        if field == from {
            *field = to.into();
        }
    });
    value
}

fn set(mut value: Value, names: &[&str], to: Value) -> Value {
    fields(&mut value, &|name, field| {
        if names.contains(&name) {
            field.clone_from(&to);
        }
    });
    value
}

/// Changes the outermost list.
fn entries(mut value: Value, change: fn(&mut Vec<Value>)) -> Value {
    let place = if value["Ok"]["items"].is_array() { "/Ok/items" } else { "/Ok" };
    if let Some(Value::Array(items)) = value.pointer_mut(place) {
        change(items);
    }
    value
}

const OTHER_ID: &str = "00000000-0000-4000-8000-000000000000";
const TIMES: [&str; 8] =
    ["created_at", "expires_at", "lease_until", "version", "lifetime", "lease", "mail_retry", "retention"];
const TEXTS: [&str; 4] = ["name", "display_name", "reason", "template"];

type Lie = fn(Value) -> Value;

const LIES: &[(&str, Lie)] = &[
    ("another user", |answer| instead(answer, "u-alice", "u-bob")),
    ("another organization", |answer| instead(answer, "acme", "beta")),
    ("another row", |mut answer| {
        fields(&mut answer, &|name, field| {
            if name == "id" && field.as_str().is_some_and(|id| id.len() == 36) {
                *field = OTHER_ID.into();
            }
        });
        answer
    }),
    ("one less", |answer| entries(answer, |items| drop(items.pop()))),
    ("one more", |answer| entries(answer, |items| items.extend(items.first().cloned()))),
    ("always the same", |answer| {
        entries(answer, |items| {
            let first = items.first().cloned();
            items.iter_mut().for_each(|item| item.clone_from(first.as_ref().unwrap()));
        })
    }),
    ("ten thousand", |answer| {
        entries(answer, |items| {
            let first = items.first().cloned();
            items.extend(std::iter::repeat_n(first, 10_000).flatten());
        })
    }),
    ("nothing", |_| json!({ "Ok": null })),
    ("an empty list", |_| json!({ "Ok": [] })),
    ("a mebibyte", |answer| set(answer, &TEXTS, "x".repeat(1 << 20).into())),
    ("schema 2", |answer| set(answer, &["schema"], 2.into())),
    ("version 0", |answer| set(answer, &["version"], 0.into())),
    ("the end of time", |answer| set(answer, &TIMES, u64::MAX.into())),
    ("the beginning of time", |answer| set(answer, &TIMES, 0.into())),
    ("no end", |answer| set(answer, &["expires_at", "lease_until"], Value::Null)),
    ("often", |answer| {
        set(
            answer,
            &[
                "claims",
                "resends",
                "tries",
                "mail_tries",
                "takeovers_max",
                "resend_limit",
                "users",
                "grants_max",
            ],
            u32::MAX.into(),
        )
    }),
    ("pending", |answer| set(answer, &["state"], "Pending".into())),
    ("accepting", |answer| set(answer, &["state"], "Accepting".into())),
    ("accepted", |answer| set(answer, &["state"], "Accepted".into())),
    ("expired", |answer| set(answer, &["state"], "Expired".into())),
    ("code is enough", |answer| set(answer, &["accept_with"], "Code".into())),
    ("a contact", |answer| set(answer, &["subject"], json!({ "Contact": "somebody" }))),
    ("other grants", |answer| set(answer, &["grants"], json!([{ "kind": "Group", "id": "g-vault" }]))),
    ("a wider verdict", |answer| {
        let wide =
            json!({ "AllowWith": { "grants": [0, 1, 2, 99], "lifetime": null, "signed_in_only": false } });
        match answer["Ok"].as_str() {
            Some("Allow") => json!({ "Ok": wide }),
            _ => json!({ "Ok": [wide] }),
        }
    }),
    ("an unknown verdict", |answer| match answer["Ok"].as_str() {
        Some("Allow") => json!({ "Ok": { "Other": "perhaps" } }),
        _ => json!({ "Ok": [{ "Other": "perhaps" }] }),
    }),
    ("an unknown failure", |_| json!({ "Err": { "Other": "a new one" } })),
    ("an unknown failure of the host", |_| json!({ "Err": { "Host": { "Other": "a new one" } } })),
    ("a stale nothing", |_| json!({ "Err": "NotFound" })),
    (
        "another's active one",
        |_| json!({ "Ok": [{ "Err": { "Exists": { "organization": "beta", "id": OTHER_ID } } }] }),
    ),
];

/// Nobody but Alice became a member, with nothing but what she was invited to.
fn nothing_more(case: &Case, place: &str) {
    let world = case.rig.host.snapshot();
    for member in &world.organizations["acme"].members {
        let invited = member.account == user("root", "u-alice")
            && member.groups.keys().all(|id| id == "g-help")
            && member.roles.keys().all(|id| id == "r-audit");
        assert!(invited || member.invitation.is_none(), "I-LEAST: {member:?}\n{place}");
    }
    for row in &world.invitations {
        let invited = matches!(&row.invitation.subject, Subject::User(user) if ["u-alice", "u-bob", "u-mia"].contains(&user.id.as_str()));
        assert!(invited && row.invitation.key.organization == "acme", "I-TEN: {row:?}\n{place}");
    }
}

/// Each lie at each host call. What the plugin repeats of a lie is not held against it.
async fn everywhere(case: Case) -> usize {
    let calls = case.fork().ask(None).await.trace.entries.len();
    let mut count = 0;
    for (name, lie) in LIES {
        for nth in 1..=calls {
            let mut case = case.fork();
            let told = case.history.0.len();
            let plan = FaultPlan::at(u32::try_from(nth).unwrap(), Fault::Hostile(Arc::new(lie)));
            let reply = case.ask(Some(Arc::new(plan))).await;
            let place = format!("{name} at host call {nth} of {:?}", case.ask);
            if let Err(error) = &reply.words {
                let reason = &error.trapped().expect("an instance").reason;
                let contained = matches!(reason, Reason::Other(why) if why.contains("none of its answers"));
                let bounded = matches!(reason, Reason::Memory(_) | Reason::HostCallBytes(_));
                assert!(contained || bounded, "I-BOX: {error}\n{place}");
                if contained {
                    continue;
                }
            }
            let repeated = case.history.0.split_off(told);
            case.history.0.extend(repeated.into_iter().filter(|told| matches!(told.word, Word::Shown(..))));
            always(&case.rig, &case.history);
            nothing_more(&case, &place);
            case.settle().await;
            always(&case.rig, &case.history);
            nothing_more(&case, &place);
            count += 1;
        }
    }
    count
}

macro_rules! everywhere {
    ($($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let count = everywhere(cases::$case().await).await;
                println!("{}: {count} lies", stringify!($case));
                assert!(count > 0);
            }
        )*
    };
}

everywhere! {
    invite_internal
    invite_bulk_with_refusals
    list
    get
    resend_pending
    resend_expired
    revoke
    revoke_all
    reject
    list_mine
    introspect
    accept_by_code
    accept_by_bearer
    accept_by_a_stranger
    decline
    sweep_a_take_over
    sweep_a_mail
    sweep_an_expiry
    sweep_a_reminder
}

/// One answer is changed; what was asked after it is counted.
async fn lied(
    case: &mut Case,
    function: Function,
    lie: impl Fn(Value) -> Value + Send + Sync + 'static,
) -> Reply {
    let plan = FaultPlan::always(function, Fault::Hostile(Arc::new(lie)));
    let reply = case.ask(Some(Arc::new(plan))).await;
    assert!(asked(&reply, function) > 0, "the lie was told: {}", reply.trace);
    reply
}

fn asked(reply: &Reply, function: Function) -> usize {
    reply.trace.entries.iter().filter(|entry| entry.function == function).count()
}

const EFFECTS: [Function; 4] = [
    Function::StorageTransition,
    Function::StorageInsert,
    Function::MembershipApply,
    Function::NotificationsSend,
];

/// The answer is this word, and none of these was asked for.
fn closed(reply: &Reply, words: &[&str], without: &[Function]) {
    assert_eq!(reply.words.as_ref().unwrap(), words, "{}", reply.trace);
    for function in without {
        assert_eq!(asked(reply, *function), 0, "{}", reply.trace);
    }
}

#[tokio::test]
async fn a_row_of_somebody_else_is_not_accepted() {
    let mut case = cases::accept_by_code().await;
    let reply = lied(&mut case, Function::StorageByCode, |row| instead(row, "u-alice", "u-bob")).await;
    closed(&reply, &["NotUsable"], &EFFECTS);
    let mut case = cases::accept_by_id().await;
    let reply = lied(&mut case, Function::StorageGet, |row| {
        set(row, &["key"], json!({ "organization": "beta", "id": OTHER_ID }))
    })
    .await;
    closed(&reply, &["Host"], &EFFECTS);
    let mut case = cases::accept_by_a_stranger().await;
    let stolen = case.rig.row(&case.rig.host.snapshot().invitations[0].invitation.key);
    let reply = lied(&mut case, Function::StorageByCode, move |_| json!({ "Ok": stolen })).await;
    closed(&reply, &["NotUsable"], &EFFECTS);
}

#[tokio::test]
async fn a_row_that_a_newer_plugin_wrote_is_left_alone() {
    for (mut case, function, word) in [
        (cases::accept_by_code().await, Function::StorageByCode, "Host"),
        (cases::decline().await, Function::StorageByCode, "Host"),
        (cases::revoke().await, Function::StorageGet, "Host"),
        (cases::resend_pending().await, Function::StorageGet, "Host"),
        (cases::approve().await, Function::StorageGet, "Host"),
        (cases::sweep_a_take_over().await, Function::StorageDue, "ok"),
        (cases::sweep_an_expiry().await, Function::StorageDue, "ok"),
        (cases::sweep_a_mail().await, Function::StorageDue, "ok"),
    ] {
        let reply = lied(&mut case, function, |answer| set(answer, &["schema"], 2.into())).await;
        closed(&reply, &[word], &EFFECTS);
    }
}

#[tokio::test]
async fn work_of_another_organization_is_not_done() {
    for mut case in
        [cases::sweep_a_take_over().await, cases::sweep_an_expiry().await, cases::sweep_a_mail().await]
    {
        let reply = lied(&mut case, Function::StorageDue, |due| instead(due, "acme", "beta")).await;
        closed(&reply, &["ok"], &EFFECTS);
    }
    let mut case = cases::revoke_all().await;
    let reply = lied(&mut case, Function::StorageList, |page| instead(page, "acme", "beta")).await;
    closed(&reply, &["ok"], &EFFECTS);
}

#[tokio::test]
async fn a_claim_that_is_another_is_not_believed() {
    let lies: [Lie; 3] = [
        |row| set(row, &["version"], 7.into()),
        |row| set(row, &["last_operation"], "another".into()),
        |row| set(row, &["key"], json!({ "organization": "acme", "id": OTHER_ID })),
    ];
    for lie in lies {
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, Function::StorageTransition, lie).await;
        closed(&reply, &["Host"], &[Function::MembershipApply]);
        // The claim was made; the sweep brings it to its end.
        case.settle().await;
        assert_eq!(case.rig.host.snapshot().invitations[0].invitation.state, State::Accepted);
    }
}

#[tokio::test]
async fn another_number_of_answers_than_questions_is_none() {
    let lies: [Lie; 3] = [
        |answer| entries(answer, |items| drop(items.pop())),
        |answer| entries(answer, |items| items.extend(items.first().cloned())),
        |_| json!({ "Ok": [] }),
    ];
    for lie in lies {
        for function in
            [Function::DirectoryFindUsers, Function::MembershipEligible, Function::PolicyDecideInvite]
        {
            let mut case = cases::invite_internal().await;
            let reply = lied(&mut case, function, lie).await;
            closed(&reply, &["Unavailable"], &EFFECTS);
        }
        let mut case = cases::invite_internal().await;
        let reply = lied(&mut case, Function::MembershipResolve, lie).await;
        closed(&reply, &["Host"], &EFFECTS);
        let mut case = cases::invite_internal().await;
        let reply = lied(&mut case, Function::StorageInsert, lie).await;
        closed(&reply, &["Unavailable"], &[Function::NotificationsSend]);
        for function in
            [Function::DirectoryGetUsers, Function::MembershipResolve, Function::MembershipEligible]
        {
            let mut case = cases::accept_by_code().await;
            let reply = lied(&mut case, function, lie).await;
            closed(&reply, &["Host"], &EFFECTS);
        }
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, Function::MembershipApply, lie).await;
        closed(&reply, &["Host"], &[]);
        assert_eq!(asked(&reply, Function::StorageTransition), 1, "claimed and not ended");
    }
}

#[tokio::test]
async fn a_verdict_that_widens_or_is_unknown_is_a_no() {
    let wide = json!({ "AllowWith": { "grants": [0, 1, 2], "lifetime": null, "signed_in_only": false } });
    let twice = json!({ "AllowWith": { "grants": [0, 0], "lifetime": null, "signed_in_only": false } });
    let longer = json!({ "AllowWith": { "grants": [0], "lifetime": u64::MAX, "signed_in_only": false } });
    let unknown = json!({ "Other": "perhaps" });
    for verdict in [wide.clone(), twice.clone(), longer, unknown.clone()] {
        let mut case = cases::invite_internal().await;
        lied(&mut case, Function::PolicyDecideInvite, move |_| json!({ "Ok": [verdict] })).await;
        assert!(case.rig.host.snapshot().invitations.is_empty());
    }
    for verdict in [wide, twice, unknown, json!({ "RequireApproval": "why" })] {
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, Function::PolicyDecideAccept, move |_| json!({ "Ok": verdict })).await;
        closed(&reply, &["Obstacle"], &EFFECTS);
    }
}

#[tokio::test]
async fn people_and_places_that_are_others_are_no_answer() {
    for (function, from, to, word) in [
        (Function::DirectoryGetOrganization, "acme", "beta", "Obstacle"),
        (Function::DirectoryGetOrganization, "root", "partner", "Obstacle"),
        (Function::DirectoryGetUsers, "u-alice", "u-bob", "Obstacle"),
    ] {
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, function, move |answer| instead(answer, from, to)).await;
        closed(&reply, &[word], &EFFECTS);
    }
    let mut case = cases::invite_with_key().await;
    let reply =
        lied(&mut case, Function::DirectoryFindUsers, |users| instead(users, "u-bob", "u-alice")).await;
    closed(&reply, &["ok", "Duplicate"], &[]);
    let mut case = cases::invite_internal().await;
    let other = |answer| set(answer, &["id"], OTHER_ID.into());
    let reply = lied(&mut case, Function::StorageInsert, other).await;
    closed(&reply, &["ok"], &[Function::NotificationsSend]);
}

#[tokio::test]
async fn what_expired_stays_expired_when_the_clock_goes_back() {
    let mut case = cases::accept_by_code().await;
    let start = case.rig.host.now();
    case.rig.host.advance(HOURS_72);
    case.rig.host.set_clock(start);
    assert_eq!(case.ask(None).await.words.unwrap(), ["Ended"]);
    case.ask = Ask::Introspect(Handle::Id(case.rig.host.snapshot().invitations[0].invitation.key.clone()));
    case.ask(None).await.words.unwrap();
    always(&case.rig, &case.history);
    case.settle().await;
    assert_eq!(case.rig.host.snapshot().invitations[0].invitation.state, State::Expired);
    for instant in [0, u64::MAX] {
        let mut case = cases::accept_by_code().await;
        case.rig.host.set_clock(instant);
        case.ask(None).await.words.unwrap();
        always(&case.rig, &case.history);
    }
}
