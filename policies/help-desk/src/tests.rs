//! The rules at their edges. What comes of them for people is told by `scenarios/`.

use super::*;
use exports::guestlist::invitation::rules::{Held, Inviter};
use guestlist::invitation::types::{AcceptWith, Grant, Notify, Principal, UserRef};

/// Monday, 2 March 2026, 00:00 UTC.
const MONDAY: u64 = 1_772_409_600_000;
const TEN: u64 = MONDAY + 10 * HOUR;

fn surroundings(now: u64, utc_offset_minutes: i32) -> Surroundings {
    Surroundings {
        organization: "production".into(),
        organization_name: "Production".into(),
        parent: "company".into(),
        pending: 0,
        now,
        utc_offset_minutes,
    }
}

fn candidate(group: &str) -> Candidate {
    Candidate {
        account: UserRef { organization: "company".into(), id: "u-1".into() },
        via: None,
        as_written: "hana".into(),
        name: "hana".into(),
        userstore: "PRIMARY".into(),
        active: true,
        address_domain: None,
        groups: vec![Held { id: "g-1".into(), display_name: group.into() }],
        roles: vec![],
        sent_lately: 0,
    }
}

fn group(display_name: &str) -> NamedGrant {
    let grant = Grant { kind: GrantKind::Group, id: "g-2".into() };
    NamedGrant { grant, display_name: display_name.into() }
}

fn nobody() -> Inviter {
    Inviter { who: Principal::System, groups: vec![], roles: vec![] }
}

fn asked(
    now: u64,
    grants: Vec<NamedGrant>,
    lifetime: Option<u64>,
    candidates: Vec<Candidate>,
) -> Vec<Verdict> {
    Policy::judge_invite(InviteFacts {
        surroundings: surroundings(now, 0),
        inviter: nobody(),
        grants,
        lifetime,
        notify: Notify::Internal,
        metadata: vec![],
        candidates,
    })
}

fn accepted(now: u64, invitee: Candidate) -> Verdict {
    Policy::judge_accept(AcceptFacts {
        surroundings: surroundings(now, 0),
        inviter: nobody(),
        invitee,
        grants: vec![group("prod-web")],
        accept_with: AcceptWith::Invitee,
        created_at: MONDAY,
        expires_at: None,
        metadata: vec![],
    })
}

/// The lifetime that remains; absent where all is as asked.
fn lifetime_of(grants: Vec<NamedGrant>, lifetime: Option<u64>) -> Option<u64> {
    match asked(TEN, grants, lifetime, vec![candidate(HELP_DESK)]).remove(0) {
        Verdict::Allow => None,
        Verdict::AllowWith(narrowed) => narrowed.lifetime,
        other => panic!("{other:?}"),
    }
}

#[test]
fn office_hours_are_from_8_to_before_18() {
    let is_open = |now| is_office_hour(&surroundings(MONDAY + now, 0));
    assert!(!is_open(8 * HOUR - 1));
    assert!(is_open(8 * HOUR));
    assert!(is_open(18 * HOUR - 1));
    assert!(!is_open(18 * HOUR));
    assert!(!is_open(0));
}

#[test]
fn the_week_ends_on_friday() {
    let days = (0..7).map(|day| is_office_hour(&surroundings(TEN + day * DAY, 0)));
    assert_eq!(days.collect::<Vec<_>>(), [true, true, true, true, true, false, false]);
}

#[test]
fn hours_and_days_are_local() {
    let sunday_evening = MONDAY - HOUR;
    // 23:00 in UTC is 09:00 of the next day where clocks are 10 hours ahead.
    assert!(is_office_hour(&surroundings(sunday_evening, 10 * 60)));
    // Monday, 03:00 in UTC, is still Sunday evening where they are 9:30 hours behind.
    assert!(!is_office_hour(&surroundings(MONDAY + 3 * HOUR, -(9 * 60 + 30))));
    // Half hours count: 02:15 in UTC is 07:45 or 08:00.
    assert!(!is_office_hour(&surroundings(MONDAY + 2 * HOUR + 15 * 60_000, 5 * 60 + 30)));
    assert!(is_office_hour(&surroundings(MONDAY + 2 * HOUR + 15 * 60_000, 5 * 60 + 45)));
}

#[test]
fn each_candidate_is_judged_for_himself() {
    let verdicts =
        asked(TEN, vec![], None, vec![candidate(HELP_DESK), candidate("Sales"), candidate("help desk")]);
    assert!(matches!(*verdicts, [Verdict::Allow, Verdict::Refuse(_), Verdict::Refuse(_)]));
}

#[test]
fn nobody_is_invited_at_night() {
    let verdicts = asked(MONDAY, vec![], None, vec![candidate(HELP_DESK)]);
    assert!(matches!(&*verdicts, [Verdict::Refuse(_)]));
}

#[test]
fn production_is_for_a_day_at_most() {
    let production = || vec![group("desk"), group("prod-web")];
    assert_eq!(lifetime_of(production(), Some(DAY - 1)), None);
    assert_eq!(lifetime_of(production(), Some(DAY)), None);
    assert_eq!(lifetime_of(production(), Some(DAY + 1)), Some(DAY));
    assert_eq!(lifetime_of(production(), None), Some(DAY), "for ever is longer than a day");
    assert_eq!(lifetime_of(vec![group("desk")], None), None);
}

#[test]
fn only_groups_are_production() {
    let mut role = group("prod-reader");
    role.grant.kind = GrantKind::Role;
    assert!(!is_production(&role));
}

#[test]
fn nothing_but_the_lifetime_is_taken_away() {
    let verdicts = asked(TEN, vec![group("desk"), group("prod-web")], None, vec![candidate(HELP_DESK)]);
    let [Verdict::AllowWith(narrowed)] = &*verdicts else { panic!("{verdicts:?}") };
    assert_eq!(narrowed.grants, [0, 1]);
    assert!(!narrowed.signed_in_only);
}

#[test]
fn whoever_is_still_of_the_help_desk_accepts_at_any_hour() {
    assert!(matches!(accepted(MONDAY, candidate(HELP_DESK)), Verdict::Allow));
    assert!(matches!(accepted(TEN, candidate("Sales")), Verdict::Refuse(_)));
}
