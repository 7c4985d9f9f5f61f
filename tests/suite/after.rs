//! What must hold after a race, by the names in `docs/guarantees.md`. It is read from the audit trail,
//! which has every change in order, and from the world as it is.

use std::{collections::BTreeMap, sync::Arc};

use guestlist_harness::{
    Limits,
    contract::types::{Grant, GrantKind, Principal, State, Step, StepOutcome, Subject},
    memory::{AuditEvent, MemoryHost, Snapshot, StoredInvitation},
};

use crate::{
    interleaving::{Outcome, Said},
    rig::PLUGIN,
};

const LEASE: u64 = 30_000;

/// What may follow a change in the audit trail (I-STATE).
fn may_follow(before: &str) -> &'static [&'static str] {
    match before {
        "created" => &["approved", "renewed", "claimed", "declined", "revoked", "expired"],
        "approved" | "renewed" => &["renewed", "claimed", "declined", "revoked", "expired"],
        "claimed" | "taken-over" => &["taken-over", "accepted", "failed"],
        _ => &[],
    }
}

fn state_after(change: &str, now: State) -> State {
    match change {
        "created" if now == State::AwaitingApproval => State::AwaitingApproval,
        "created" | "approved" | "renewed" => State::Pending,
        "claimed" | "taken-over" => State::Accepting,
        "accepted" => State::Accepted,
        "declined" => State::Declined,
        "revoked" => State::Revoked,
        "expired" => State::Expired,
        _ => State::Failed,
    }
}

/// The changes of an invitation in order, without the word before the dot.
pub fn changes<'a>(audit: &'a [AuditEvent], id: &str) -> Vec<&'a str> {
    events(audit, id).filter_map(|(_, event)| event.event.strip_prefix("invitation.")).collect()
}

/// The events about an invitation, with their places in the trail.
fn events<'a>(audit: &'a [AuditEvent], id: &str) -> impl Iterator<Item = (usize, &'a AuditEvent)> {
    let id = id.to_owned();
    audit.iter().enumerate().filter(move |(_, event)| event.invitation.as_ref() == Some(&id))
}

fn is_grant(event: &AuditEvent) -> bool {
    matches!(event.event.as_str(), "member.added" | "grant.added")
}

fn is_active(row: &StoredInvitation, now: u64) -> bool {
    let row = &row.invitation;
    match row.state {
        State::Accepting => true,
        State::Pending | State::AwaitingApproval => row.expires_at.is_none_or(|end| now < end),
        _ => false,
    }
}

/// At every instant.
pub fn always(host: &MemoryHost) {
    let world = host.snapshot();
    let mut active = BTreeMap::new();
    for row in &world.invitations {
        of_one(&world, row);
        if is_active(row, world.store_now) {
            let whose = (&row.invitation.key.organization, format!("{:?}", row.invitation.subject));
            let other = active.insert(whose, &row.invitation.key.id);
            assert_eq!(other, None, "I-UNIQ: two active invitations of one account");
        }
    }
    for (organization, place) in &world.organizations {
        for member in &place.members {
            let owed = member.invitation.iter().chain(member.groups.values().flatten());
            for id in owed.chain(member.roles.values().flatten()) {
                let row = world.invitations.iter().find(|row| row.invitation.key.id == *id).expect("the row");
                let row = &row.invitation;
                let right = matches!(row.state, State::Accepting | State::Accepted);
                assert!(right, "I-MEM: a grant is owed to an invitation that is {:?}", row.state);
                assert_eq!(row.key.organization, *organization, "I-TEN");
                assert_eq!(row.subject, Subject::User(member.account.clone()), "I-SUBJ");
            }
        }
        let accounts = place.members.iter().map(|member| (&member.account.organization, &member.account.id));
        let mut accounts: Vec<_> = accounts.collect();
        accounts.sort();
        accounts.dedup();
        assert_eq!(accounts.len(), place.members.len(), "I-ONE: somebody is a member twice");
    }
}

fn of_one(world: &Snapshot, row: &StoredInvitation) {
    let invitation = &row.invitation;
    let trail = changes(&world.audit, &invitation.key.id);
    assert_eq!(trail.first(), Some(&"created"), "I-AUD: {trail:?}");
    for pair in trail.windows(2) {
        assert!(may_follow(pair[0]).contains(&pair[1]), "I-STATE: {trail:?}");
    }
    let last = trail.last().expect("there is one");
    assert_eq!(state_after(last, invitation.state), invitation.state, "I-AUD: {trail:?}");
    assert_eq!(trail.len() as u64, invitation.version, "I-STATE, I-AUD: one event and one version a change");

    let mut added = Vec::new();
    let mut member = false;
    for (place, event) in events(&world.audit, &invitation.key.id) {
        match event.event.as_str() {
            "invitation.claimed" => {
                assert!(invitation.expires_at.is_none_or(|end| event.at < end), "I-TTL: claimed too late");
            }
            "member.added" => {
                assert!(!member, "I-ONE: made a member twice");
                member = true;
            }
            "grant.added" => {
                let id = event.reason.clone().expect("the grant");
                assert!(invitation.grants.iter().any(|grant| grant.id == id), "I-LEAST: {id}");
                let deleted = |event: &AuditEvent| {
                    event.event == "world.group-deleted" && event.reason.as_ref() == Some(&id)
                };
                assert!(!world.audit[..place].iter().any(deleted), "I-LEAST: {id} is gone");
                assert!(!added.contains(&id), "I-ONE: {id} was given twice");
                added.push(id);
            }
            "invitation.revoked" | "invitation.declined" | "invitation.failed" | "invitation.expired" => {
                let granted = events(&world.audit, &invitation.key.id).any(|(_, event)| is_grant(event));
                assert!(!granted, "I-REV, I-MEM: something was granted though it ended as {:?}", event.event);
            }
            _ => {}
        }
    }
    gone(world, row);
}

/// I-GONE and I-ORPHAN: whom an administrator has removed gets nothing more by the same invitation.
fn gone(world: &Snapshot, row: &StoredInvitation) {
    let Subject::User(subject) = &row.invitation.subject else { return };
    let of_him = |event: &AuditEvent| event.reason.as_ref() == Some(&subject.id);
    let mut removed = false;
    for event in &world.audit {
        let ours = event.invitation.as_ref() == Some(&row.invitation.key.id);
        removed = match event.event.as_str() {
            "world.member-removed" if of_him(event) => true,
            "invitation.created" if ours => false,
            _ => removed,
        };
        assert!(!(removed && ours && is_grant(event)), "I-GONE: {event:?}");
    }
}

/// What was answered stays true: I-REV, I-ACK.
pub fn told(outcome: &Outcome) {
    let audit = outcome.host.audit();
    for ending in &outcome.endings {
        let (id, word) = match &ending.said {
            Said::End(id, Ok(())) => (id, "revoked"),
            Said::Accept(Ok(accepted)) => (&accepted.key.id, "accepted"),
            _ => continue,
        };
        let now = changes(&audit, id);
        assert_eq!(now.last(), Some(&word), "I-ACK: {:?} was answered", ending.said);
        let later = events(&audit[ending.at..], id).any(|(_, event)| is_grant(event));
        assert!(!later, "I-REV, I-ACK: granted after {:?} was answered", ending.said);
    }
}

/// The place in the audit trail of a change that this actor made.
pub fn place_of(outcome: &Outcome, actor: usize, event: &str) -> Option<usize> {
    let requests = &outcome.endings[actor].requests;
    let made = |entry: &AuditEvent| entry.event == event && requests.contains(&entry.request_id);
    outcome.host.audit().iter().position(made)
}

/// Once everything is at rest: one lease and one sweep later (I-REST, I-LIVE).
pub async fn at_rest(host: &Arc<MemoryHost>) {
    host.advance(LEASE + 1);
    let session = PLUGIN.session(host.clone().host(), Limits::default());
    loop {
        let context = host.context(Some("acme"), Principal::System);
        let swept = session.sweep(context, 200).await.unwrap().unwrap();
        assert_eq!(swept.failed, 0, "I-LIVE: {swept:?}");
        if !swept.more {
            break;
        }
    }
    always(host);
    let world = host.snapshot();
    for row in &world.invitations {
        assert_ne!(row.invitation.state, State::Accepting, "I-REST, I-LIVE: {row:?}");
        if row.invitation.state == State::Accepted {
            all_is_there(&world, row);
        }
    }
}

fn all_is_there(world: &Snapshot, row: &StoredInvitation) {
    let row = &row.invitation;
    let place = &world.organizations[&row.key.organization];
    let happened = |event: &str, what: &str| {
        world.audit.iter().any(|entry| entry.event == event && entry.reason.as_deref() == Some(what))
    };
    let Subject::User(subject) = &row.subject else { panic!("a user") };
    let mut steps = vec![Step::Member];
    steps.extend(row.grants.iter().cloned().map(Step::Grant));
    assert_eq!(row.outcomes.len(), steps.len(), "I-REST: an outcome for each step: {row:?}");
    if happened("world.member-removed", &subject.id) {
        return;
    }
    let member = place.members.iter().find(|member| member.account == *subject);
    let member = member.unwrap_or_else(|| panic!("I-REST: accepted and no member: {row:?}"));
    for result in row.outcomes.iter().filter(|result| result.outcome == StepOutcome::Applied) {
        match &result.step {
            Step::Member => assert_eq!(member.invitation.as_ref(), Some(&row.key.id), "I-REST"),
            Step::Grant(Grant { kind: GrantKind::Group, id }) => {
                let owed = member.groups.get(id) == Some(&Some(row.key.id.clone()));
                assert!(owed || happened("world.group-deleted", id), "I-REST: {id} is missing: {row:?}");
            }
            Step::Grant(Grant { id, .. }) => assert!(member.roles.contains_key(id), "I-REST"),
        }
    }
}
