//! The component and the native library give the same answers on the same histories, and leave the
//! same world behind, byte for byte.

use guestlist::{accept, approval, decline, dismiss, invite, list, resend, revoke, sweep};
use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, LifetimeChoice, Owner},
        invitee::Handle,
    },
    host::{Call, Host, Operation},
    types::{
        InvitationFilter, InvitationKey, Notify, PageRequest, Permissions, Principal, Property, SortKey,
        State,
    },
};
use guestlist_harness::operations as op;
use guestlist_memory::{MailMode, Rule, SettingsPatch};
use serde_json::Value;

use guestlist_model::native::{Native, cross};

use crate::{rig::*, schedule::Dice};

const HISTORIES: u64 = 60;
const STEPS: usize = 30;

#[derive(Debug)]
enum Step {
    Invite(InviteRequest),
    List(InvitationFilter, PageRequest),
    Get(String),
    Resend(Vec<String>),
    Revoke(String),
    RevokeAll(Owner),
    Approve(String),
    Reject(String),
    Dismiss(String),
    ListMine(Vec<State>),
    Introspect(Handle),
    Accept(Handle),
    Decline(Handle),
    Sweep,
}

fn operation(step: &Step) -> Operation {
    match step {
        Step::Invite(_) => Operation::Invite,
        Step::List(..) => Operation::List,
        Step::Get(_) => Operation::Get,
        Step::Resend(_) => Operation::Resend,
        Step::Revoke(_) => Operation::Revoke,
        Step::RevokeAll(_) => Operation::RevokeAll,
        Step::Approve(_) => Operation::Approve,
        Step::Reject(_) => Operation::Reject,
        Step::Dismiss(_) => Operation::Dismiss,
        Step::ListMine(_) => Operation::ListMine,
        Step::Introspect(_) => Operation::Introspect,
        Step::Accept(_) => Operation::Accept,
        Step::Decline(_) => Operation::Decline,
        Step::Sweep => Operation::Sweep,
    }
}

async fn sandboxed(rig: &Rig, place: Option<&str>, who: Principal, step: &Step) -> Value {
    macro_rules! run {
        ($export:expr) => {
            serde_json::to_value(rig.run(place, who, $export).await.unwrap().answer).unwrap()
        };
    }
    match step {
        Step::Invite(request) => run!(op::Invite { request: request.clone() }),
        Step::List(filter, page) => run!(op::List { filter: filter.clone(), page: page.clone() }),
        Step::Get(id) => run!(op::Get { id: id.clone() }),
        Step::Resend(ids) => run!(op::Resend { ids: ids.clone() }),
        Step::Revoke(id) => run!(op::Revoke { id: id.clone(), reason: Some("r".into()) }),
        Step::RevokeAll(whose) => run!(op::RevokeAll { whose: whose.clone(), reason: None }),
        Step::Approve(id) => run!(op::Approve { id: id.clone() }),
        Step::Reject(id) => run!(op::Reject { id: id.clone(), reason: None }),
        Step::Dismiss(id) => run!(op::Dismiss { id: id.clone() }),
        Step::ListMine(states) => run!(op::ListMine { states: states.clone(), after: None, limit: 50 }),
        Step::Introspect(handle) => run!(op::Introspect { handle: handle.clone() }),
        Step::Accept(handle) => run!(op::Accept { handle: handle.clone() }),
        Step::Decline(handle) => run!(op::Decline { handle: handle.clone(), reason: None }),
        Step::Sweep => run!(op::Sweep { limit: 100 }),
    }
}

fn outside(rig: &Rig, place: Option<&str>, who: Principal, step: &Step) -> Value {
    let context = rig.host.context(place, who);
    let call = Call::new(operation(step), context.clone());
    let host = Native::new(Host::of(rig.host.clone()), call);
    let context = cross(context);
    macro_rules! shown {
        ($answer:expr) => {
            serde_json::to_value($answer).unwrap()
        };
    }
    match step {
        Step::Invite(request) => shown!(invite::invite(&host, &context, &cross(request))),
        Step::List(filter, page) => shown!(list::list(&host, &context, &cross(filter), &cross(page))),
        Step::Get(id) => shown!(list::get(&host, &context, id)),
        Step::Resend(ids) => shown!(resend::resend(&host, &context, ids)),
        Step::Revoke(id) => shown!(revoke::revoke(&host, &context, id, Some("r"))),
        Step::RevokeAll(whose) => shown!(revoke::revoke_all(&host, &context, &cross(whose), None)),
        Step::Approve(id) => shown!(approval::approve(&host, &context, id)),
        Step::Reject(id) => shown!(approval::reject(&host, &context, id, None)),
        Step::Dismiss(id) => shown!(dismiss::dismiss(&host, &context, id)),
        Step::ListMine(states) => {
            let states: Vec<_> = cross(states);
            shown!(list::list_mine(&host, &context, &states, None, 50))
        }
        Step::Introspect(handle) => shown!(list::introspect(&host, &context, &cross(handle))),
        Step::Accept(handle) => shown!(accept::accept(&host, &context, &cross(handle))),
        Step::Decline(handle) => shown!(decline::decline(&host, &context, &cross(handle), None)),
        Step::Sweep => shown!(sweep::sweep(&host, &context, 100)),
    }
}

const NAMES: [&str; 9] =
    ["alice", "bob", "carol@example.com", "SECONDARY/dave", "erin", "fred", "gus", "nobody", "mia"];

fn invitees() -> [Principal; 4] {
    [alice(), bob(), Principal::User(user("root", "u-carol")), Principal::User(user("partner", "p-gus"))]
}

fn random_invite(dice: &mut Dice) -> InviteRequest {
    let names: Vec<_> = (0..=dice.below(4)).map(|_| *dice.pick(&NAMES)).collect();
    let all = [
        group("g-help"),
        group("g-ops"),
        group("g-vault"),
        role("r-admin"),
        role("r-audit"),
        group("g-none"),
    ];
    let mut grants: Vec<_> = all.into_iter().filter(|_| dice.one_in(3)).collect();
    if !dice.one_in(6) {
        grants.retain(|grant| grant.id != "g-none");
    }
    let mut request = request(&names, &grants);
    request.notify = *dice.pick(&[None, None, Some(Notify::External), Some(Notify::Internal)]);
    request.lifetime =
        *dice.pick(&[LifetimeChoice::Default, LifetimeChoice::Lasting(3_600_000), LifetimeChoice::Never]);
    if dice.one_in(4) {
        request.idempotency_key = Some(format!("key-{}", dice.below(3)));
    }
    if dice.one_in(4) {
        request.metadata = vec![Property { key: "ticket".into(), value: "7".into() }];
    }
    request
}

fn random_step(dice: &mut Dice, rig: &Rig) -> (Option<&'static str>, Principal, Step) {
    let rows = rig.host.snapshot().invitations;
    let key = match rows.len() {
        0 => InvitationKey { organization: "acme".into(), id: "00000000-0000-4000-8000-000000000000".into() },
        count => rows[dice.below(count)].invitation.key.clone(),
    };
    let codes = rig.codes();
    let handle = if codes.is_empty() || dice.one_in(3) {
        Handle::Id(key.clone())
    } else {
        Handle::Code(dice.pick(&codes).clone())
    };
    let admin = dice.pick(&[ann(), ben(), ann(), Principal::Client("hr".into()), bob()]).clone();
    let invitee = dice.pick(&invitees()).clone();
    let states = if dice.one_in(2) {
        vec![]
    } else {
        vec![*dice.pick(&[State::Pending, State::Expired, State::Accepted])]
    };
    let acme = Some("acme");
    match dice.below(21) {
        0..=5 => (acme, admin, Step::Invite(random_invite(dice))),
        6 => {
            let filter = InvitationFilter {
                states,
                grant: dice.one_in(3).then(|| group("g-help")),
                name_prefix: dice.one_in(3).then(|| "a".into()),
                ..everything()
            };
            let sort = *dice.pick(&[SortKey::CreatedAt, SortKey::ExpiresAt, SortKey::Name]);
            let page = PageRequest {
                sort,
                descending: dice.one_in(2),
                after: None,
                limit: 1 + dice.below(5) as u32,
            };
            (acme, admin, Step::List(filter, page))
        }
        7 => (acme, admin, Step::Get(key.id)),
        8 => (acme, admin, Step::Resend(vec![key.id])),
        9 => (acme, admin, Step::Revoke(key.id)),
        10 => {
            let owner =
                if dice.one_in(2) { Owner::Inviter(ann()) } else { Owner::Invitee(user("root", "u-bob")) };
            (acme, admin, Step::RevokeAll(owner))
        }
        11 => (acme, ben(), Step::Approve(key.id)),
        12 => (acme, ben(), Step::Reject(key.id)),
        20 => (acme, admin, Step::Dismiss(key.id)),
        13 => (None, invitee, Step::ListMine(states)),
        14 => (None, invitee, Step::Introspect(handle)),
        15..=17 => (None, invitee, Step::Accept(handle)),
        18 => (None, invitee, Step::Decline(handle)),
        _ => (acme, Principal::System, Step::Sweep),
    }
}

/// Codes that an answer shows on purpose.
fn codes_in(answer: &Value) -> Vec<String> {
    match answer {
        Value::String(text) if text.starts_with("inv1_") => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(codes_in).collect(),
        Value::Object(fields) => fields.values().flat_map(codes_in).collect(),
        _ => Vec::new(),
    }
}

/// Something happens to both worlds.
fn random_event(dice: &mut Dice, rigs: [&Rig; 2]) {
    let event = dice.below(9);
    let time = *dice.pick(&[1, 30_000, 3_600_000, HOURS_72, 40 * 86_400_000]);
    let rule =
        dice.pick(&[r#"{ "require-approval": "x" }"#, r#"{ "names": ["bob"], "refuse": "no" }"#]).to_string();
    let accept_with = dice.pick(&["invitee", "code", "invitee-and-code"]).to_string();
    for rig in rigs {
        let host = &rig.host;
        // Some cannot happen twice: then neither world changes.
        let _ = match event {
            0..=2 => {
                host.advance(time);
                Ok(())
            }
            3 => host.set_user_active("root", "u-bob", time > 30_000),
            4 => host.delete_group("acme", "g-ops"),
            5 => host.set_permissions(
                "acme",
                ann(),
                if time == 1 { Permissions::VIEW } else { Permissions::all() },
            ),
            6 => host.set_policy("acme", vec![serde_json::from_str::<Rule>(&rule).unwrap()]),
            7 => {
                let patch = format!(r#"{{ "accept-with": "{accept_with}" }}"#);
                host.change_settings("acme", &serde_json::from_str::<SettingsPatch>(&patch).unwrap())
            }
            _ => {
                host.set_mail_mode(if time == 1 { MailMode::Fail } else { MailMode::Deliver });
                Ok(())
            }
        };
    }
}

#[tokio::test]
async fn random_histories_end_alike_inside_and_outside() {
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let inside = Rig::new();
        let other = inside.fork();
        for number in 0..STEPS {
            if dice.one_in(4) {
                random_event(&mut dice, [&inside, &other]);
            }
            let (place, who, step) = random_step(&mut dice, &inside);
            let one = sandboxed(&inside, place, who.clone(), &step).await;
            let two = outside(&other, place, who.clone(), &step);
            assert_eq!(one, two, "seed {seed}, step {number}: {step:?} by {who:?}");
            if let Step::Invite(_) | Step::Resend(_) | Step::Approve(_) = step {
                for rig in [&inside, &other] {
                    codes_in(&one).into_iter().for_each(|code| rig.shown_on_purpose(Some(code)));
                }
            }
        }
        assert_eq!(inside.host.stored_text().unwrap(), other.host.stored_text().unwrap(), "seed {seed}");
        assert_eq!(inside.host.mails(), other.host.mails(), "seed {seed}");
    }
}
