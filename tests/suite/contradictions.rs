//! Settings at 0, at their end and against every other: the plugin does no work with what contradicts
//! itself, says what is wrong, and takes back all the same what was given out.

use guestlist_contract::{
    exports::{
        invitations::Refusal,
        invitee::{Handle, InviteeRefusal},
        maintenance::SweepRefusal,
    },
    settings::{Codes, Values},
    types::{AcceptWith, HostError, InvitationKey, Notify, Principal, State},
};
use guestlist_harness::operations as op;
use guestlist_memory::{default_settings, judge};

use crate::rig::*;

/// A number among the settings, and how it is set.
type Count = (&'static str, fn(&mut Values, u32));

const ACME: Option<&str> = Some("acme");
const SECOND: u64 = 1_000;
const DAY: u64 = 24 * 3_600 * SECOND;
const LONGEST: u64 = 36_500 * DAY;

/// Past everything that judges settings: a host that keeps what it should have refused.
fn keep(rig: &Rig, settings: Values) {
    let mut realm = rig.host.realm();
    realm.organizations.get_mut("acme").unwrap().settings = settings;
    rig.host.set_realm(realm);
}

type Change = Box<dyn Fn(&mut Values)>;

/// Every setting that is judged, at each place where it could be wrong.
fn changes() -> Vec<(String, Change)> {
    type Set = fn(&mut Values, u64);
    let times: [(&str, Set); 7] = [
        ("lifetime", |it, to| it.lifetime = to),
        ("lifetime-min", |it, to| it.lifetime_min = to),
        ("lifetime-max", |it, to| it.lifetime_max = to),
        ("lease", |it, to| it.lease = to),
        ("mail-retry", |it, to| it.mail_retry = to),
        ("retention", |it, to| it.retention = to),
        ("reminder-before", |it, to| it.reminder_before = Some(to)),
    ];
    let mut all: Vec<(String, Change)> = Vec::new();
    for (name, set) in times {
        for to in [0, SECOND - 1, SECOND, DAY, DAY + 1, 3 * DAY, LONGEST, LONGEST + 1, u64::MAX] {
            all.push((format!("{name}: {to}"), Box::new(move |it| set(it, to))));
        }
    }
    let counts: [Count; 3] = [
        ("mail-tries", |it, to| it.mail_tries = to),
        ("limits.users", |it, to| it.limits.users = to),
        ("limits.name-bytes", |it, to| it.limits.name_bytes = to),
    ];
    for (name, set) in counts {
        for to in [0, 1, 30, 31, u32::MAX] {
            all.push((format!("{name}: {to}"), Box::new(move |it| set(it, to))));
        }
    }
    for codes in [Codes::InviteeOnly, Codes::SeeCode, Codes::SeeCodeEvenAlone] {
        all.push((format!("codes: {codes:?}"), Box::new(move |it| it.codes = codes)));
    }
    all.push(("accept-with: code".into(), Box::new(|it| it.accept_with = AcceptWith::Code)));
    all.push(("notify: external".into(), Box::new(|it| it.notify = Notify::External)));
    all
}

#[tokio::test]
async fn every_pair_of_settings_is_worked_with_or_refused_as_the_rules_say() {
    let rig = Rig::new();
    let changes = changes();
    let (mut sound, mut unsound) = (0, 0);
    for (index, (first, one)) in changes.iter().enumerate() {
        for (second, other) in changes.iter().skip(index) {
            let mut settings = default_settings();
            one(&mut settings);
            other(&mut settings);
            let expected = judge(&settings);
            keep(&rig, settings);
            let resend = op::Resend { ids: vec!["00000000-0000-4000-8000-000000000000".into()] };
            let answer = rig.session.run(rig.host.context(ACME, ann()), resend).await.unwrap().answer;
            match expected {
                Ok(()) => {
                    assert_eq!(answer, Ok(vec![Err(Refusal::NotFound)]), "{first}, {second}");
                    sound += 1;
                }
                Err(why) => {
                    assert_eq!(answer, Err(Refusal::ContradictorySettings(why)), "{first}, {second}");
                    unsound += 1;
                }
            }
        }
    }
    assert!(sound > 300 && unsound > 300, "{sound} and {unsound}");
}

#[tokio::test]
async fn nothing_is_given_out_under_settings_that_contradict_each_other_and_what_was_is_taken_back() {
    let rig = Rig::new();
    let pending = rig.invited("alice", &[]).await;
    let (kept, code) = rig.invited("bob", &[]).await;
    let contractor = r#"[{ "at": "invite", "require-approval": "a contractor" }]"#;
    rig.host.set_policy("acme", rules(contractor)).unwrap();
    let mut waiting = rig.invite(request(&["gus", "carol@example.com"], &[])).await.unwrap();
    let waiting = [waiting.remove(0).unwrap().id, waiting.remove(0).unwrap().id];
    let settings = Values { lifetime: 0, ..default_settings() };
    let why = judge(&settings).unwrap_err();
    assert!(why.contains("`lifetime`"), "{why}");
    keep(&rig, settings);
    let before = rig.host.snapshot();

    let refused = || Refusal::ContradictorySettings(why.clone());
    assert_eq!(rig.invite(request(&["SECONDARY/dave"], &[])).await, Err(refused()));
    let resend = op::Resend { ids: vec![pending.0.id.clone()] };
    assert_eq!(rig.run(ACME, ann(), resend).await.unwrap().answer, Err(refused()));
    let approve = op::Approve { id: waiting[0].clone() };
    assert_eq!(rig.run(ACME, ben(), approve).await.unwrap().answer, Err(refused()));
    let sweep = op::Sweep { limit: 9 };
    let swept = rig.run(ACME, Principal::System, sweep).await.unwrap().answer;
    assert_eq!(swept, Err(SweepRefusal::Invalid(why.clone())));
    // It is for the administrators to read, and not for whoever was invited.
    let accepted = rig.accept(alice(), &pending.1).await.unwrap_err();
    let told =
        matches!(&accepted, InviteeRefusal::Host(HostError::Invalid(text)) if !text.contains("lifetime"));
    assert!(told, "{accepted:?}");
    let after = rig.host.snapshot();
    assert_eq!((after.invitations, after.mails.len()), (before.invitations, before.mails.len()));
    let events: Vec<_> =
        after.audit[before.audit.len()..].iter().filter_map(|event| event.detail()).collect();
    assert_eq!(
        events,
        ["contradictory-settings", "contradictory-settings", "contradictory-settings", "invalid"]
    );

    let list = op::List { filter: everything(), page: first_page() };
    assert_eq!(rig.run(ACME, ann(), list).await.unwrap().answer.unwrap().items.len(), 4);
    let revoke = op::Revoke { id: pending.0.id.clone(), reason: None };
    assert_eq!(rig.run(ACME, ann(), revoke).await.unwrap().answer, Ok(()));
    let reject = op::Reject { id: waiting[0].clone(), reason: None };
    assert_eq!(rig.run(ACME, ben(), reject).await.unwrap().answer, Ok(()));
    let decline = op::Decline { handle: Handle::Code(code), reason: None };
    assert_eq!(rig.run(None, bob(), decline).await.unwrap().answer, Ok(()));
    let dismiss = op::Dismiss { id: pending.0.id.clone() };
    assert_eq!(rig.run(ACME, ann(), dismiss).await.unwrap().answer, Ok(()));
    let state = |key: &InvitationKey| rig.row(key).state;
    assert_eq!((state(&pending.0), state(&kept)), (State::Revoked, State::Declined));
}
