//! The audit trail: ids, times and words of the contract, and nothing that somebody wrote.

use guestlist_contract::{
    audit::{Event, EventKind, Word},
    exports::{
        invitations::{InviteRequest, Owner},
        invitee::Handle,
    },
    types::{InvitationKey, Permissions, Principal, Property},
};
use guestlist_harness::operations as op;
use guestlist_memory::NewUser;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

/// What people write. None of it is a word of the contract.
const WRITTEN: [&str; 9] = [
    "zanzibar-reason",
    "zanzibar-refusal",
    "zanzibar-approval",
    "zanzibar-template",
    "zanzibar-metadata",
    "zanzibar-key",
    "zanzibar-nobody",
    "zanzibar-landing",
    "carol@example.com",
];

fn reason() -> Option<String> {
    Some("zanzibar-reason".into())
}

/// Whatever can be refused, said or written, at once.
async fn lived() -> Rig {
    let rig = Rig::new();
    let told = r#"{ "notices": ["expired", "declined", "failed", "revoked"], "landings": ["https://a.example/zanzibar-landing"] }"#;
    rig.host.change_settings("acme", &patch(told)).unwrap();
    let written = InviteRequest {
        template: Some("zanzibar-template".into()),
        landing: Some("https://a.example/zanzibar-landing".into()),
        language: Some("de".into()),
        metadata: vec![Property { key: "zanzibar-metadata".into(), value: "zanzibar-metadata".into() }],
        idempotency_key: Some("zanzibar-key".into()),
        ..request(&["alice", "zanzibar-nobody", "carol@example.com", "", "gus"], &[group("g-help")])
    };
    let invited = rig.invite(written).await.unwrap();
    let id = |at: usize| invited[at].as_ref().unwrap().id.clone();
    rig.host.set_policy("acme", rules(r#"[{ "refuse": "zanzibar-refusal" }]"#)).unwrap();
    rig.invite(request(&["bob"], &[])).await.unwrap();
    assert!(rig.accept(alice(), &rig.code_of(&id(0))).await.is_err());
    let resend = op::Resend { ids: vec![id(0)] };
    rig.run(ACME, ann(), resend).await.unwrap().answer.unwrap();
    rig.host.set_policy("acme", rules(r#"[{ "require-approval": "zanzibar-approval" }]"#)).unwrap();
    let waiting = rig.invite(request(&["bob"], &[])).await.unwrap().remove(0).unwrap();
    let reject = op::Reject { id: waiting.id.clone(), reason: reason() };
    rig.run(ACME, ben(), reject).await.unwrap().answer.unwrap();
    rig.run(ACME, ann(), op::Dismiss { id: waiting.id }).await.unwrap().answer.unwrap();
    let decline = op::Decline { handle: Handle::Code(rig.code_of(&id(2))), reason: reason() };
    rig.run(None, Principal::User(user("root", "u-carol")), decline).await.unwrap().answer.unwrap();
    rig.host.set_policy("acme", vec![]).unwrap();
    rig.accept(alice(), &rig.code_of(&id(0))).await.unwrap();
    let revoke = op::RevokeAll { whose: Owner::Inviter(ann()), reason: reason() };
    rig.run(ACME, ann(), revoke).await.unwrap().answer.unwrap();
    rig.settle().await;
    rig
}

#[tokio::test]
async fn nothing_that_somebody_wrote_is_in_the_trail() {
    let rig = lived().await;
    let trail = serde_json::to_string(&rig.host.audit()).unwrap();
    let stored = rig.host.stored_text().unwrap();
    for text in WRITTEN {
        assert!(!trail.contains(text), "`{text}` is in the trail: {trail}");
    }
    for text in ["zanzibar-reason", "zanzibar-template", "zanzibar-metadata"] {
        assert!(stored.contains(text), "`{text}` was written, and stands on the invitation");
    }
}

#[tokio::test]
async fn each_event_of_an_invitation_names_whom_it_is_for() {
    let rig = lived().await;
    for event in rig.host.audit().iter().filter(|event| event.invitation.is_some()) {
        let id = event.invitation.clone().unwrap();
        let row = rig.row(&InvitationKey { organization: "acme".into(), id });
        let guestlist_contract::types::Subject::User(subject) = row.subject else { panic!("a user") };
        assert_eq!(event.subject.as_ref(), Some(&subject), "{event:?}");
    }
    let granted: Vec<_> =
        rig.host.audit().into_iter().filter(|event| event.kind == EventKind::GrantAdded).collect();
    assert_eq!(granted.iter().map(Event::detail).collect::<Vec<_>>(), [Some("group:g-help".into())]);
}

fn refused(rig: &Rig) -> Vec<Event> {
    rig.host.audit().into_iter().filter(|event| event.kind == EventKind::ItemRefused).collect()
}

/// A refused name is found by its digest, and its account where there is one.
#[tokio::test]
async fn a_refused_item_says_which_word_which_account_and_which_name_by_its_digest() {
    let rig = Rig::new();
    let asked = ["nobody", "mia", " ", "alice", "alice", "erin"];
    rig.invite(request(&asked, &[])).await.unwrap();
    let events = refused(&rig);
    let said: Vec<_> = events
        .iter()
        .map(|event| (event.word.unwrap(), event.subject.as_ref().map(|user| user.id.as_str())))
        .collect();
    let expected = [
        (Word::NotAParentUser, None),
        (Word::AlreadyMember, Some("u-mia")),
        (Word::Invalid, None),
        (Word::Duplicate, None),
        (Word::NoEmail, Some("u-erin")),
    ];
    assert_eq!(said, expected);
    assert!(events.iter().all(|event| event.name.as_ref().is_some_and(|digest| digest.len() == 32)));
    rig.invite(request(&["NOBODY "], &[])).await.unwrap();
    let again = refused(&rig).pop().unwrap();
    assert_eq!(again.name, events[0].name, "the same name, however it was typed");
    assert_ne!(events[0].name, events[1].name);
}

/// Shows that what is in the way of an invitee stands in the trail of the organization whose rule it is,
/// wherever they were.
#[tokio::test]
async fn an_obstacle_stands_in_the_trail_of_the_organization_whose_rule_it_is() {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[]).await;
    rig.host.set_policy("acme", rules(r#"[{ "at": "accept", "refuse": "closed" }]"#)).unwrap();
    for place in [None, Some("beta"), ACME] {
        let accept = op::Accept { handle: Handle::Code(code.clone()) };
        rig.run(place, alice(), accept).await.unwrap().answer.unwrap_err();
        let event = rig.host.audit().pop().unwrap();
        assert_eq!(event.organization.as_deref(), ACME, "asked in {place:?}");
        assert_eq!((event.word, event.invitation.as_ref()), (Some(Word::Policy), Some(&key.id)));
    }
}

/// Refused items have their events although the others could not be stored.
#[tokio::test]
async fn what_was_refused_is_told_where_nothing_could_be_stored() {
    use guestlist_contract::Function;
    use guestlist_testkit::{Fault, FaultPlan};
    let rig = Rig::new();
    for function in [Function::StorageInsert, Function::RandomGetRandomBytes] {
        let before = refused(&rig).len();
        let plan = std::sync::Arc::new(FaultPlan::always(function, Fault::FailBefore));
        let invite = op::Invite { request: request(&["alice", "nobody", "mia"], &[]) };
        let answers = rig.run_with(plan, ACME, ann(), invite).await.unwrap().answer.unwrap();
        assert!(answers.iter().all(Result::is_err), "{function}");
        let words: Vec<_> = refused(&rig)[before..].iter().map(|event| event.word.unwrap()).collect();
        assert_eq!(words, [Word::NotAParentUser, Word::AlreadyMember], "{function}: I-AUD");
    }
}

/// Why an accept was ended is one word, and the inviter is told.
#[tokio::test]
async fn an_accept_that_was_ended_says_why() {
    use guestlist_contract::Function;
    use guestlist_testkit::{Fault, FaultPlan};
    type Try = (Word, fn(&Rig));
    let tries: [Try; 5] = [
        (Word::InviteeNotActive, |rig| rig.host.set_user_active("root", "u-alice", false).unwrap()),
        (Word::InviterNotEntitled, |rig| rig.host.set_permissions("acme", ann(), Permissions::VIEW).unwrap()),
        (Word::Policy, |rig| rig.host.set_policy("acme", rules(r#"[{ "refuse": "x" }]"#)).unwrap()),
        (Word::NameTaken, |rig| {
            let other = NewUser { id: "u-o".into(), name: "alice".into(), store: None, email: None };
            rig.host.add_user("acme", other).unwrap();
        }),
        (Word::OrganizationMoved, |rig| rig.host.move_organization("acme", Some("partner")).unwrap()),
    ];
    for (word, happens) in tries {
        let rig = Rig::new();
        rig.host.change_settings("acme", &patch(r#"{ "notices": ["failed"] }"#)).unwrap();
        let (key, code) = rig.invited("alice", &[]).await;
        let plan = FaultPlan::once(Function::MembershipApply, 1, Fault::CrashBefore);
        let accept = op::Accept { handle: Handle::Code(code) };
        rig.run_with(std::sync::Arc::new(plan), None, alice(), accept).await.expect_err("a crash");
        happens(&rig);
        rig.host.advance(60_000);
        rig.sweep("acme").await;
        let event = rig.host.audit().into_iter().find(|event| event.kind == EventKind::InvitationFailed);
        assert_eq!(event.unwrap().word, Some(word));
        assert_eq!(rig.row(&key).reason.as_deref(), Some(word.text()));
    }
}
