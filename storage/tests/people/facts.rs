//! Facts for policies: each from the database is what the in-memory host has.

use guestlist_contract::{
    facts::FactSource,
    host::{Call, Operation},
    policy,
    rules::{AcceptFacts, InviteFacts},
    types::{HostError, InvitationKey, Notify, Principal, Property, State, UserRef},
};

use super::both::{Both, alice, ann, group, key, role, user};

/// Each host knows of its own mails.
fn of_invite(mut facts: InviteFacts) -> InviteFacts {
    facts.candidates.iter_mut().for_each(|one| one.sent_lately = 0);
    facts
}

fn of_accept(mut facts: AcceptFacts) -> AcceptFacts {
    facts.invitee.sent_lately = 0;
    facts
}

fn asked(inviter: Principal, accounts: &[UserRef]) -> policy::InviteFacts {
    let candidate = |account: &UserRef| policy::Candidate {
        account: account.clone(),
        via: None,
        name: format!("as {} was written", account.id),
    };
    policy::InviteFacts {
        organization: "acme".into(),
        parent: "root".into(),
        inviter,
        grants: vec![group("g-help"), role("r-admin"), group("g-gone"), group("g\0")],
        lifetime: Some(3_600_000),
        notify: Notify::Internal,
        metadata: vec![Property { key: "ticket".into(), value: "7".into() }],
        candidates: accounts.iter().map(candidate).collect(),
    }
}

async fn invited(both: &Both, call: &Call, asked: policy::InviteFacts) -> Result<InviteFacts, HostError> {
    let memory = both.memory.invite_facts(call, asked.clone()).await.map(of_invite);
    let database = both.database.people().invite_facts(call, asked).await.map(of_invite);
    assert_eq!(memory, database, "in memory first, then from the database");
    database
}

async fn accepted(both: &Both, call: &Call, key: InvitationKey) -> Option<AcceptFacts> {
    let sweep = both.memory.call(Operation::Sweep, Some("acme"), Principal::System);
    let storage = both.memory.clone().host().storage;
    let mut invitation = storage.get(&sweep, super::both::key("inv-a")).await.unwrap();
    invitation.key = key;
    let asked = policy::AcceptFacts { invitation };
    let memory = both.memory.accept_facts(call, asked.clone()).await.map(of_accept);
    let database = both.database.people().accept_facts(call, asked).await.map(of_accept);
    assert_eq!(memory.as_ref().ok(), database.as_ref().ok(), "in memory first, then from the database");
    if let Err(error) = &database {
        assert!(matches!(error, HostError::Denied(_)), "{error:?}");
    }
    database.ok()
}

#[tokio::test]
async fn an_invite_is_judged_by_the_same_facts() {
    let both = Both::new().await;
    let people = ["u-alice", "u-bob", "u-carl", "u-dora", "u-nobody", "u-al\0ice"];
    let mut accounts: Vec<_> = people.iter().map(|id| user("root", id)).collect();
    accounts.extend([user("partner", "u-gus0"), user("acme", "u-ann"), user("globex", "u-gina")]);
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let facts = invited(&both, &call, asked(ann(), &accounts)).await.unwrap();
    assert_eq!(facts.surroundings.organization_name, "Acme");
    assert_eq!(facts.inviter.groups[0].display_name, "Help desk");
    assert_eq!(facts.grants[2].display_name, "g-gone");
    let alice = &facts.candidates[0];
    assert_eq!((alice.name.as_str(), alice.address_domain.as_deref()), ("alice", Some("example.com")));
    assert_eq!(alice.roles[0].display_name, "Lead");
    let gus = &facts.candidates[6];
    assert_eq!((gus.name.as_str(), gus.roles.len()), ("gus.guest", 1));
    assert!(!facts.candidates[2].active && facts.candidates[8].name.is_empty());

    // What counts as pending, and what has run out does not.
    both.invite(super::both::alice()).await;
    assert_eq!(invited(&both, &call, asked(ann(), &accounts)).await.unwrap().surroundings.pending, 1);
    both.memory.advance(3_600_000);
    assert_eq!(invited(&both, &call, asked(ann(), &accounts)).await.unwrap().surroundings.pending, 0);
}

#[tokio::test]
async fn facts_are_for_the_call_that_they_are_of() {
    let both = Both::new().await;
    let hr = || Principal::Client("hr".into());
    let here = both.memory.call(Operation::Invite, Some("acme"), hr());
    assert!(invited(&both, &here, asked(hr(), &[alice()])).await.unwrap().inviter.groups.is_empty());
    for (call, asked) in [
        (both.memory.call(Operation::Invite, Some("globex"), hr()), asked(hr(), &[alice()])),
        (both.memory.call(Operation::Invite, Some("acme"), hr()), asked(ann(), &[alice()])),
        (
            both.memory.call(Operation::Invite, Some("acme"), hr()),
            policy::InviteFacts { parent: "partner".into(), ..asked(hr(), &[alice()]) },
        ),
        (both.memory.call(Operation::Invite, Some("acme"), hr()), asked(hr(), &vec![alice(); 101])),
    ] {
        assert!(invited(&both, &call, asked).await.is_err());
    }
}

#[tokio::test]
async fn an_accept_is_judged_by_the_same_facts_of_what_the_caller_may_see() {
    let both = Both::new().await;
    both.invite(user("partner", "u-gus0")).await;
    let gus = || Principal::User(user("partner", "u-gus0"));
    let call = |operation, place, who| both.memory.call(operation, place, who);
    let facts = accepted(&both, &call(Operation::Accept, None, gus()), key("inv-a")).await.unwrap();
    assert_eq!(facts.invitee.via, Some(user("root", "u-gus")));
    assert_eq!((facts.invitee.as_written.as_str(), facts.grants.len()), ("name-inv-a", 2));
    both.go(1, State::Pending, State::Accepting).await;
    accepted(&both, &call(Operation::Sweep, Some("acme"), Principal::System), key("inv-a")).await.unwrap();

    for (call, key) in [
        (call(Operation::Accept, None, Principal::User(alice())), key("inv-a")),
        (call(Operation::Accept, None, Principal::Anonymous), key("inv-a")),
        (call(Operation::Sweep, Some("globex"), Principal::System), key("inv-a")),
        (call(Operation::Accept, None, gus()), key("inv-b")),
    ] {
        assert_eq!(accepted(&both, &call, key).await, None);
    }
    let found = call(Operation::Accept, None, Principal::Anonymous);
    found.admit(&key("inv-a"));
    assert!(accepted(&both, &found, key("inv-a")).await.is_some());
}

#[tokio::test]
async fn what_was_sent_lately_is_what_waits_and_what_has_arrived_within_a_day() {
    let both = Both::new().await;
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let count = async || {
        let people = both.database.people();
        let facts =
            people.invite_facts(&call, asked(ann(), &[alice(), user("root", "u-bob")])).await.unwrap();
        [facts.candidates[0].sent_lately, facts.candidates[1].sent_lately]
    };
    assert_eq!(count().await, [0, 0]);
    both.invite(alice()).await;
    assert_eq!(count().await, [1, 0]);
}
