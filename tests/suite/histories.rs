//! The component and the native library on histories that get somewhere: people mostly answer their own
//! invitations, administrators mostly act where they may. A count at the end says that they did.

use std::collections::BTreeMap;

use guestlist_harness::{
    CallError, Fault, FaultPlan, Function,
    contract::{
        exports::{
            invitations::{LifetimeChoice, Owner},
            invitee::Handle,
        },
        types::{
            Grant, Invitation, InvitationFilter, InvitationKey, Notify, PageRequest, Permissions, Principal,
            SortKey, State, Subject,
        },
    },
    memory::{MemoryHost, Rule, SettingsPatch},
    operations as op,
};
use serde_json::Value;

use crate::{
    differential::{Step, outside, sandboxed},
    rig::*,
    schedule::Dice,
};

const HISTORIES: u64 = 200;
const STEPS: usize = 25;

type Asked = (Option<String>, Principal, Step);

/// Codes by invitation, oldest first.
type Codes = BTreeMap<String, Vec<String>>;

const PATCHES: [&str; 12] = [
    r#"{ "accept-with": "code" }"#,
    r#"{ "accept-with": "invitee" }"#,
    r#"{ "accept-with": "invitee-and-code" }"#,
    r#"{ "notices": ["expired", "accepted", "declined", "approval-requested"], "reminder-before": "1h" }"#,
    r#"{ "notices": [], "reminder-before": null }"#,
    r#"{ "privileged": ["group:g-ops"] }"#,
    r#"{ "privileged": [], "allow-never": true }"#,
    r#"{ "ceiling": ["group:g-help", "role:r-audit"] }"#,
    r#"{ "ceiling": null, "resend-limit": 1 }"#,
    r#"{ "notify": "external", "mail-tries": 1 }"#,
    r#"{ "notify": "internal", "limits": { "users": 2 } }"#,
    r#"{ "retention": "1h", "lease": "10s", "takeovers-max": 0 }"#,
];

const POLICIES: [&str; 7] = [
    "[]",
    "[]",
    r#"[{ "at": "invite", "require-approval": "always" }]"#,
    r#"[{ "names": ["bob"], "at": "accept", "refuse": "not any more" }]"#,
    r#"[{ "names": ["alice"], "at": "invite", "require-approval": "a contractor" }]"#,
    r#"[{ "narrow": { "without": ["g-ops"], "signed-in-only": true } }]"#,
    r#"[{ "names": ["bob"], "refuse": "no" }]"#,
];

fn administrator(organization: &str, dice: &mut Dice) -> Principal {
    match organization {
        "beta" => Principal::User(user("beta", "u-bea")),
        "deep" => Principal::User(user("deep", "u-deb")),
        _ => dice.pick(&[ann(), ann(), ben(), ben(), Principal::Client("hr".into()), bob()]).clone(),
    }
}

fn invite(dice: &mut Dice) -> Asked {
    let organization = *dice.pick(&["acme", "acme", "acme", "beta"]);
    let names =
        ["alice", "bob", "carol@example.com", "gus", "SECONDARY/dave", "Alice", "erin", "mia", "nobody"];
    let names: Vec<_> =
        (0..=dice.below(3)).map(|_| names[dice.below(names.len()).min(dice.below(9))]).collect();
    let grants: &[Grant] = match organization {
        "acme" => &[group("g-help"), group("g-ops"), role("r-audit"), group("g-vault"), role("r-admin")],
        _ => &[group("g-help")],
    };
    // The last two are not for everybody.
    let few = if dice.one_in(6) { grants.len() } else { grants.len().min(3) };
    let grants: Vec<_> = grants[..few].iter().filter(|_| dice.one_in(2)).cloned().collect();
    let mut request = request(&names, &grants);
    request.notify = *dice.pick(&[None, None, None, Some(Notify::External)]);
    let hour = LifetimeChoice::Lasting(3_600_000);
    request.lifetime =
        *dice.pick(&[LifetimeChoice::Default, LifetimeChoice::Default, hour, LifetimeChoice::Never]);
    request.idempotency_key = dice.one_in(3).then(|| format!("key-{}", dice.below(2)));
    (Some(organization.to_owned()), administrator(organization, dice), Step::Invite(request))
}

/// The invitation by a live or dead code of it, or by its id.
fn handle(dice: &mut Dice, key: &InvitationKey, codes: &Codes) -> Handle {
    match codes.get(&key.id) {
        Some(codes) if !dice.one_in(3) => {
            let newest = codes.len() - 1;
            Handle::Code(codes[if dice.one_in(5) { dice.below(codes.len()) } else { newest }].clone())
        }
        _ => Handle::Id(key.clone()),
    }
}

fn list(dice: &mut Dice, organization: &str) -> Asked {
    let states = [vec![], vec![State::Pending], vec![State::Accepted, State::Expired, State::Revoked]];
    let filter = InvitationFilter {
        states: dice.pick(&states).clone(),
        grant: dice.one_in(3).then(|| group("g-help")),
        inviter: dice.one_in(3).then(ann),
        invitee: dice.one_in(4).then(|| user("root", "u-alice")),
        name_prefix: dice.one_in(4).then(|| "a".into()),
    };
    let sort = *dice.pick(&[SortKey::CreatedAt, SortKey::ExpiresAt, SortKey::Name]);
    let page = PageRequest { sort, descending: dice.one_in(2), after: None, limit: 1 + dice.below(4) as u32 };
    (Some(organization.to_owned()), administrator(organization, dice), Step::List(filter, page))
}

fn asked(dice: &mut Dice, host: &MemoryHost, codes: &Codes) -> Asked {
    let rows: Vec<Invitation> = host
        .snapshot()
        .invitations
        .into_iter()
        .map(|row| host.invitation(&row.invitation.key).unwrap())
        .collect();
    if rows.is_empty() || dice.one_in(5) {
        return invite(dice);
    }
    let active =
        |row: &&Invitation| matches!(row.state, State::Pending | State::AwaitingApproval | State::Accepting);
    let open: Vec<_> = rows.iter().filter(active).collect();
    let row = if open.is_empty() || dice.one_in(4) { dice.pick(&rows) } else { *dice.pick(&open) };
    let (key, id) = (row.key.clone(), row.key.id.clone());
    let admins = Some(key.organization.clone());
    let admin = administrator(&key.organization, dice);
    let Subject::User(subject) = &row.subject else { panic!("a user") };
    let who = Principal::User(if dice.one_in(6) { user("root", "u-bob") } else { subject.clone() });
    let place = admins.clone().filter(|_| dice.one_in(3));
    let handle = handle(dice, &key, codes);
    if row.state == State::AwaitingApproval && !dice.one_in(3) {
        let step = if dice.one_in(4) { Step::Reject(id) } else { Step::Approve(id) };
        return (admins, dice.pick(&[ben(), ann()]).clone(), step);
    }
    match dice.below(16) {
        0..=5 => (place, who, Step::Accept(handle)),
        6 => (place, who, Step::Decline(handle)),
        7 => (place, who, Step::Introspect(handle)),
        8 => (None, who, Step::ListMine(vec![])),
        9 => (admins, admin, Step::Revoke(id)),
        10 => (admins, admin, Step::Resend(vec![id, dice.pick(&rows).key.id.clone()])),
        11 => (admins, admin, Step::Get(id)),
        12 => list(dice, &key.organization),
        13 if dice.one_in(3) => {
            let whose = if dice.one_in(2) { Owner::Inviter(ann()) } else { Owner::Invitee(subject.clone()) };
            (admins, admin, Step::RevokeAll(whose))
        }
        _ => (admins, Principal::System, Step::Sweep),
    }
}

/// The same happens to both worlds, or cannot happen to either.
fn happen(dice: &mut Dice, hosts: [&MemoryHost; 2]) {
    let (what, often) = (dice.below(11), dice.below(4));
    let time = *dice.pick(&[1_000, 30_000, 70_000, 3_600_000, HOURS_72]);
    let (patch, policy) = (*dice.pick(&PATCHES), *dice.pick(&POLICIES));
    for host in hosts {
        let _ = match what {
            0..=3 => {
                host.advance(time);
                Ok(())
            }
            4 => host.set_user_active("root", "u-bob", often > 0),
            5 if often == 0 => host.delete_group("acme", "g-ops"),
            6 => host.set_permissions(
                "acme",
                ann(),
                if often == 0 { Permissions::VIEW } else { Permissions::all() },
            ),
            7 => host.remove_member("acme", &user("root", "u-alice")),
            8 => host.set_policy("acme", serde_json::from_str::<Vec<Rule>>(policy).unwrap()),
            9 => host.change_settings("acme", &serde_json::from_str::<SettingsPatch>(patch).unwrap()),
            10 => host.set_organization_active("acme", often > 0),
            _ => {
                host.fail_mail(often == 1);
                Ok(())
            }
        };
    }
}

/// Codes that answers show on purpose.
fn shown(answer: &Value, codes: &mut Codes) {
    match answer {
        Value::Object(fields) => {
            if let (Some(Value::String(id)), Some(Value::String(code))) =
                (fields.get("id"), fields.get("code"))
            {
                codes.entry(id.clone()).or_default().push(code.clone());
            }
            fields.values().for_each(|value| shown(value, codes));
        }
        Value::Array(items) => items.iter().for_each(|value| shown(value, codes)),
        _ => {}
    }
}

/// Half of the histories begin with an accept that broke off after its claim, a third with approvals.
async fn beginning(dice: &mut Dice) -> Rig {
    let rig = Rig::new();
    let (_, code) = rig.invited("SECONDARY/dave", &[group("g-help"), role("r-audit")]).await;
    if dice.one_in(2) {
        let dave = Principal::User(user("root", "u-dave"));
        let at = *dice.pick(&[Function::StorageTransition, Function::MembershipApply]);
        let crash = std::sync::Arc::new(FaultPlan::once(at, 1, Fault::CrashAfter));
        let broken = rig.run_with(crash, None, dave, op::Accept { handle: Handle::Code(code) }).await;
        assert!(matches!(broken, Err(CallError::Trapped(_))));
    }
    if dice.one_in(3) {
        rig.host.set_policy("acme", serde_json::from_str(POLICIES[2]).unwrap()).unwrap();
    }
    rig
}

#[tokio::test]
async fn histories_that_get_somewhere_end_alike_inside_and_outside() {
    let mut changes: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let inside = beginning(&mut dice).await;
        let other = inside.fork();
        let mut codes = Codes::new();
        for number in 0..STEPS {
            if dice.one_in(3) {
                happen(&mut dice, [&inside.host, &other.host]);
            }
            let mut known = codes.clone();
            for mail in inside.host.mails() {
                known.entry(mail.invitation).or_default().extend(mail.code);
            }
            known.retain(|_, codes| !codes.is_empty());
            let (place, who, step) = asked(&mut dice, &inside.host, &known);
            let one = sandboxed(&inside, place.as_deref(), who.clone(), &step).await;
            let two = outside(&other, place.as_deref(), who.clone(), &step);
            assert_eq!(one, two, "seed {seed}, step {number}: {step:?} by {who:?} in {place:?}");
            shown(&one, &mut codes);
            for rig in [&inside, &other] {
                codes.values().flatten().for_each(|code| rig.shown_on_purpose(Some(code.clone())));
            }
        }
        assert_eq!(inside.host.stored_text().unwrap(), other.host.stored_text().unwrap(), "seed {seed}");
        assert_eq!(inside.host.mails(), other.host.mails(), "seed {seed}");
        for event in inside.host.audit() {
            *changes.entry(event.event).or_default() += 1;
        }
    }
    for change in
        ["created", "approved", "renewed", "claimed", "taken-over", "accepted", "declined", "revoked"]
    {
        let count = changes.get(&format!("invitation.{change}")).copied().unwrap_or_default();
        assert!(count >= 40, "only {count} are {change}: {changes:?}");
    }
    for change in ["expired", "failed", "purged"] {
        assert!(changes.contains_key(&format!("invitation.{change}")), "none is {change}: {changes:?}");
    }
}
