//! Inviting: every check in its order, bulks, limits, and repeating a request.

use guestlist_contract::{
    exports::invitations::{InviteRequest, ItemRefusal, LifetimeChoice, Refusal},
    types::{GrantKind, InvitationKey, Notify, Permissions, Principal, Property, State},
};
use guestlist_harness::operations as op;
use guestlist_memory::NewUser;

use crate::rig::*;

/// Ways to be wrong as a whole, in the order in which they are named.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Permission,
    Shape,
    Lifetime,
    Organization,
    Parent,
    Role,
    Group,
    Userstore,
}

const ORDER: [Wrong; 8] = [
    Wrong::Permission,
    Wrong::Shape,
    Wrong::Lifetime,
    Wrong::Organization,
    Wrong::Parent,
    Wrong::Role,
    Wrong::Group,
    Wrong::Userstore,
];

/// What is answered to a request that is wrong in these ways.
async fn wrong_in(ways: &[Wrong]) -> Refusal {
    let rig = Rig::new();
    let mut request = request(&["alice"], &[]);
    for way in ways {
        match way {
            Wrong::Permission => rig.host.set_permissions("acme", ann(), Permissions::VIEW).unwrap(),
            Wrong::Shape => request.template = Some(String::new()),
            Wrong::Lifetime => request.lifetime = LifetimeChoice::Never,
            Wrong::Organization => rig.host.set_organization_active("acme", false).unwrap(),
            Wrong::Parent => rig.host.move_organization("acme", None).unwrap(),
            Wrong::Role => request.grants.push(role("r-none")),
            Wrong::Group => request.grants.push(group("g-none")),
            Wrong::Userstore => request.userstore_domain = Some("NOWHERE".into()),
        }
    }
    let before = rig.host.snapshot();
    let refusal = rig.invite(request).await.unwrap_err();
    let after = rig.host.snapshot();
    assert!(after.invitations.is_empty() && after.mails.is_empty(), "{ways:?}: nothing was stored");
    let events = &after.audit[before.audit.len()..];
    assert_eq!(events.len(), 1, "{ways:?}: one event");
    assert_eq!(events[0].text(), "refused");
    refusal
}

fn is_for(refusal: &Refusal, way: Wrong) -> bool {
    match way {
        Wrong::Permission => matches!(refusal, Refusal::NotPermitted),
        Wrong::Shape => matches!(refusal, Refusal::Invalid(_)),
        Wrong::Lifetime => matches!(refusal, Refusal::LifetimeOutOfBounds(_)),
        Wrong::Organization => matches!(refusal, Refusal::OrganizationNotActive),
        Wrong::Parent => matches!(refusal, Refusal::NoParent),
        Wrong::Role => matches!(refusal, Refusal::UnknownGrants(which) if which[0].kind == GrantKind::Role),
        Wrong::Group => matches!(refusal, Refusal::UnknownGrants(which) if which[0].kind == GrantKind::Group),
        Wrong::Userstore => matches!(refusal, Refusal::UnknownUserstore(name) if name == "NOWHERE"),
    }
}

#[tokio::test]
async fn of_all_that_is_wrong_with_a_request_the_first_is_named() {
    for (index, first) in ORDER.into_iter().enumerate() {
        let alone = wrong_in(&[first]).await;
        assert!(is_for(&alone, first), "{first:?}: {alone:?}");
        for second in ORDER.into_iter().skip(index + 1) {
            let both = wrong_in(&[second, first]).await;
            assert!(is_for(&both, first), "{first:?} and {second:?}: {both:?}");
        }
    }
}

/// What is wrong with one person, in the order in which it is named.
const PERSONAL: [&str; 12] = [
    "invalid",
    "duplicate",
    "not-a-parent-user",
    "already-member",
    "name-taken",
    "no-email",
    "address-not-allowed",
    "may-not-grant",
    "may-not-receive",
    "refused",
    "active-invitation",
    "over-limit",
];

/// Alice, wrong in these ways.
async fn wrong_person(ways: &[&str]) -> ItemRefusal {
    let rig = Rig::new();
    let mut request = request(&["alice"], &[]);
    let mut position = 0;
    // An invitation is made while that is still possible.
    if ways.contains(&"active-invitation") {
        rig.invited("alice", &[]).await;
    }
    for way in ways {
        match *way {
            "duplicate" => {
                request.names.push(request.names[0].clone());
                position = 1;
            }
            "not-a-parent-user" => rig.host.set_user_active("root", "u-alice", false).unwrap(),
            "already-member" => rig.host.add_member("acme", &user("root", "u-alice")).unwrap(),
            "name-taken" => {
                let other = NewUser { id: "u-other".into(), name: "Alice".into(), store: None, email: None };
                rig.host.add_user("acme", other).unwrap();
            }
            "invalid" => request.names[position] = format!(" \0{}", request.names[position]),
            "no-email" => request.names[0] = "erin".into(),
            "address-not-allowed" => {
                rig.host.change_settings("acme", &patch(r#"{ "address-domains": [] }"#)).unwrap();
            }
            "over-limit" => {
                rig.host.change_settings("acme", &patch(r#"{ "pending-limit": 0 }"#)).unwrap();
            }
            "may-not-grant" => request.grants.push(group("g-vault")),
            "may-not-receive" => request.grants.push(role("r-admin")),
            "refused" => rig.host.set_policy("acme", rules(r#"[{ "refuse": "closed" }]"#)).unwrap(),
            _ => {}
        }
    }
    let mut answers = rig.invite(request).await.unwrap();
    answers.swap_remove(position).unwrap_err()
}

fn named(refusal: &ItemRefusal) -> &'static str {
    match refusal {
        ItemRefusal::Invalid(_) => "invalid",
        ItemRefusal::NameTaken => "name-taken",
        ItemRefusal::Duplicate => "duplicate",
        ItemRefusal::NotAParentUser => "not-a-parent-user",
        ItemRefusal::AlreadyMember => "already-member",
        ItemRefusal::NoEmail => "no-email",
        ItemRefusal::AddressNotAllowed => "address-not-allowed",
        ItemRefusal::OverLimit(0) => "over-limit",
        ItemRefusal::MayNotGrant(_) => "may-not-grant",
        ItemRefusal::MayNotReceive(_) => "may-not-receive",
        ItemRefusal::Refused(_) => "refused",
        ItemRefusal::ActiveInvitation(_) => "active-invitation",
        _ => "something else",
    }
}

#[tokio::test]
async fn of_all_that_is_wrong_with_a_person_the_first_is_named() {
    for (index, first) in PERSONAL.into_iter().enumerate() {
        let alone = wrong_person(&[first]).await;
        assert_eq!(named(&alone), first);
        for second in PERSONAL.into_iter().skip(index + 1) {
            // Erin has no address and stands for Alice, who has the other troubles.
            if first == "no-email" && second == "active-invitation" || second == "no-email" && index < 5 {
                continue;
            }
            // A member has the name already.
            if (first, second) == ("already-member", "name-taken") {
                continue;
            }
            let both = wrong_person(&[first, second]).await;
            assert_eq!(named(&both), first, "{first} and {second}");
        }
    }
}

#[tokio::test]
async fn only_users_of_the_direct_parent_can_be_invited() {
    let rig = Rig::new();
    let deb = Principal::User(user("deep", "u-deb"));
    let answers = rig.invite_as("deep", deb, request(&["alice", "ann", "bea"], &[])).await.unwrap();
    assert_eq!(answers[0], Err(ItemRefusal::NotAParentUser), "of the grandparent");
    assert!(answers[1].is_ok(), "of the parent");
    assert_eq!(answers[2], Err(ItemRefusal::NotAParentUser), "of a sibling of the parent");
}

#[tokio::test]
async fn a_guest_of_the_parent_is_invited_as_the_account_where_he_is_resident() {
    let rig = Rig::new();
    let (_, code) = rig.invited("gus", &[group("g-help")]).await;
    let gus = user("partner", "p-gus");
    assert_eq!(rig.host.last_mail(&gus).unwrap().address, "gus@partner.example");
    rig.accept(Principal::User(gus.clone()), &code).await.unwrap();
    assert!(rig.host.members("acme").iter().any(|member| member.account == gus));
}

#[tokio::test]
async fn names_are_plain_addresses_or_qualified() {
    let rig = Rig::new();
    let answers = rig.invite(request(&["carol@example.com", "SECONDARY/dave", "dave"], &[])).await.unwrap();
    assert!(answers[0].is_ok() && answers[1].is_ok());
    assert_eq!(answers[2], Err(ItemRefusal::NotAParentUser), "the default store has no dave");
    let rig = Rig::new();
    let mut in_store = request(&["dave", "PRIMARY/alice"], &[]);
    in_store.userstore_domain = Some("SECONDARY".into());
    assert!(rig.invite(in_store).await.unwrap().iter().all(Result::is_ok));
}

/// A text that fits the user name of one and the address of another means nobody, in whatever case and however
/// disabled one of them is.
#[tokio::test]
async fn a_text_that_fits_two_accounts_means_neither() {
    for (name, active) in
        [("alice@example.com", true), ("ALICE@example.com", true), ("alice@example.com", false)]
    {
        let rig = Rig::new();
        let other = NewUser {
            id: "u-trick".into(),
            name: "alice@example.com".into(),
            store: None,
            email: Some("trick@example.com".into()),
        };
        rig.host.add_user("root", other).unwrap();
        rig.host.set_user_active("root", "u-trick", active).unwrap();
        let answers = rig.invite(request(&[name, "bob"], &[])).await.unwrap();
        assert_eq!(answers[0], Err(ItemRefusal::Ambiguous), "{name} {active}");
        assert!(answers[1].is_ok());
        assert!(rig.invite(request(&["trick@example.com"], &[])).await.unwrap()[0].is_ok() == active);
    }
}

#[tokio::test]
async fn two_names_of_one_account_are_a_duplicate() {
    let rig = Rig::new();
    let answers = rig.invite(request(&["alice", "PRIMARY/alice", "bob"], &[])).await.unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(answers[1], Err(ItemRefusal::Duplicate));
}

fn crowd(count: usize) -> (String, Vec<String>) {
    let people: Vec<_> =
        (0..count).map(|n| format!("{{ id: u{n}, name: p{n}, email: p{n}@x.example }}")).collect();
    let groups: Vec<_> = (0..60).map(|n| format!("{{ id: g{n} }}")).collect();
    let world = format!(
        "organizations:\n  - id: root\n    users: [{}]\n  - id: acme\n    parent: root\n    users: [{{ id: u-ann, name: ann }}]\n    groups: [{}]\n    permissions: {{ u-ann: [all] }}\n",
        people.join(", "),
        groups.join(", ")
    );
    (world, (0..count).map(|n| format!("p{n}")).collect())
}

#[tokio::test]
async fn limits_hold_at_n_minus_1_n_and_n_plus_1() {
    let (world, names) = crowd(101);
    let rig = Rig::of(&world);
    let asked = |change: &dyn Fn(&mut InviteRequest)| {
        let mut request = request(&["p0"], &[]);
        change(&mut request);
        let rig = rig.fork();
        async move { rig.invite(request).await }
    };
    for count in [99, 100, 101] {
        let answer = asked(&|request| request.names = names[..count].to_vec()).await;
        assert_eq!(answer.is_ok_and(|items| items.iter().all(Result::is_ok)), count <= 100, "{count} names");
    }
    for count in [49, 50, 51] {
        let answer =
            asked(&|request| request.grants = (0..count).map(|n| group(&format!("g{n}"))).collect()).await;
        assert_eq!(answer.is_ok(), count <= 50, "{count} grants");
    }
    for length in [253, 254, 255] {
        let answer = asked(&|request| request.names = vec!["x".repeat(length), "p0".into()]).await.unwrap();
        let too_long = matches!(&answer[0], Err(ItemRefusal::Invalid(why)) if why.contains("255"));
        assert_eq!(too_long, length > 254, "a name of {length} bytes");
        assert!(answer[1].is_ok(), "one bad row costs that row");
    }
    for length in [254, 255, 256] {
        let answer = asked(&|request| request.idempotency_key = Some("k".repeat(length))).await;
        assert_eq!(answer.is_ok(), length <= 255, "a key of {length} bytes");
    }
    for count in [19, 20, 21] {
        let pair = |n| Property { key: format!("k{n}"), value: "v".repeat(254) };
        let answer = asked(&|request| request.metadata = (0..count).map(pair).collect()).await;
        assert_eq!(answer.is_ok(), count <= 20, "{count} pairs");
    }
    for (key, value, fits) in
        [(63, 254, true), (64, 254, true), (65, 254, false), (64, 253, true), (64, 255, false)]
    {
        let pair = Property { key: "k".repeat(key), value: "v".repeat(value) };
        let answer = asked(&|request| request.metadata = vec![pair.clone()]).await;
        assert_eq!(answer.is_ok(), fits, "a pair of {key} and {value} bytes");
    }
    for length in [0, 1, 100, 101] {
        let answer = asked(&|request| request.template = Some("t".repeat(length))).await;
        assert_eq!(answer.is_ok(), (1..=100).contains(&length), "a template of {length} bytes");
    }
}

#[tokio::test]
async fn settings_lower_limits_and_never_raise_them() {
    let (world, names) = crowd(101);
    let rig = Rig::of(&world);
    rig.host.change_settings("acme", &patch(r#"{ "limits": { "users": 2 } }"#)).unwrap();
    let some = |count: usize| InviteRequest { names: names[..count].to_vec(), ..request(&["x"], &[]) };
    assert!(rig.invite(some(2)).await.is_ok());
    assert!(matches!(rig.invite(some(3)).await, Err(Refusal::TooMany(excess)) if excess.limit == 2));
    rig.host.change_settings("acme", &patch(r#"{ "limits": { "users": 1000 } }"#)).unwrap();
    assert!(matches!(rig.invite(some(101)).await, Err(Refusal::TooMany(excess)) if excess.limit == 100));
}

#[tokio::test]
async fn malformed_requests_are_refused_as_a_whole() {
    let rig = Rig::new();
    let mut wrong = vec![request(&[], &[])];
    wrong.push(request(&["alice"], &[group("g-help"), group("g-help")]));
    wrong.push(request(&["alice"], &[group("")]));
    let pair = Property { key: "k".into(), value: "v".into() };
    wrong.push(InviteRequest { metadata: vec![pair.clone(), pair], ..request(&["alice"], &[]) });
    let nul = || Some("a\0b".to_owned());
    wrong.push(InviteRequest { template: nul(), ..request(&["alice"], &[]) });
    wrong.push(InviteRequest { idempotency_key: nul(), ..request(&["alice"], &[]) });
    wrong.push(InviteRequest { userstore_domain: nul(), ..request(&["alice"], &[]) });
    for text in [nul(), Some(String::new()), Some("x".repeat(2049)), Some("no tag".into())] {
        wrong.push(InviteRequest { language: text, ..request(&["alice"], &[]) });
    }
    for text in [nul(), Some(String::new()), Some(format!("https://app.acme.example/{}", "x".repeat(2049)))] {
        wrong.push(InviteRequest { landing: text, ..request(&["alice"], &[]) });
    }
    let elsewhere = Some("https://elsewhere.example/".to_owned());
    wrong.push(InviteRequest { landing: elsewhere, ..request(&["alice"], &[]) });
    let pair = Property { key: "k".into(), value: "a\0b".into() };
    wrong.push(InviteRequest { metadata: vec![pair], ..request(&["alice"], &[]) });
    for request in wrong {
        let answer = rig.invite(request.clone()).await;
        assert!(matches!(answer, Err(Refusal::Invalid(_))), "{request:?}: {answer:?}");
        assert!(rig.host.snapshot().invitations.is_empty(), "{request:?}");
    }
}

/// Each is named, with what is wrong with it, and the others go on.
#[tokio::test]
async fn one_bad_row_costs_that_row() {
    let rig = Rig::new();
    let long = "é".repeat(128);
    let names = ["", "alice", "  ", "a\0b", &long, "bob"];
    let keyed = InviteRequest { idempotency_key: Some("k".into()), ..request(&names, &[]) };
    let answers = rig.invite(keyed.clone()).await.unwrap();
    for (position, words) in [(0, "empty"), (2, "empty"), (3, "NUL"), (4, "256 bytes")] {
        let named = matches!(&answers[position], Err(ItemRefusal::Invalid(why)) if why.contains(words));
        assert!(named, "{position}: {:?}", answers[position]);
    }
    assert!(answers[1].is_ok() && answers[5].is_ok());
    let refused = rig.host.audit().into_iter().filter(|event| event.text() == "item.refused");
    let words: Vec<_> = refused.map(|event| event.word.unwrap().text()).collect();
    assert_eq!(words, ["invalid"; 4], "I-AUD");
    let again = rig.invite(keyed).await.unwrap();
    assert_eq!((&again[0], &again[2..5]), (&answers[0], &answers[2..5]), "I-RETRY");
}

#[tokio::test]
async fn language_and_landing_place_are_kept_and_told_to_whom_they_concern() {
    let rig = Rig::new();
    let landing = Some("https://app.acme.example/welcome".to_owned());
    let asked = InviteRequest {
        language: Some("de-AT".into()),
        landing: landing.clone(),
        ..request(&["alice"], &[])
    };
    let id = rig.invite(asked).await.unwrap().remove(0).unwrap().id;
    let row = rig.row(&InvitationKey { organization: "acme".into(), id: id.clone() });
    assert_eq!((row.language.as_deref(), row.landing.as_ref()), (Some("de-AT"), landing.as_ref()));
    assert_eq!(rig.host.mails()[0].language.as_deref(), Some("de-AT"));
    rig.run(Some("acme"), ann(), op::Resend { ids: vec![id.clone()] }).await.unwrap().answer.unwrap();
    assert_eq!(rig.host.mails()[1].language.as_deref(), Some("de-AT"));
    let accepted = rig.accept(alice(), &rig.code_of(&id)).await.unwrap();
    assert_eq!((accepted.member, accepted.landing), (true, landing));
}

#[tokio::test]
async fn a_lifetime_is_within_the_bounds() {
    let rig = Rig::new();
    for (time, fits) in [(59_999, false), (60_000, true), (HOURS_72, true), (HOURS_72 + 1, false)] {
        let lifetime = LifetimeChoice::Lasting(time);
        let answer = rig.fork().invite(InviteRequest { lifetime, ..request(&["alice"], &[]) }).await;
        assert_eq!(answer.is_ok(), fits, "{time}");
        if let Ok(items) = answer {
            assert_eq!(items[0].as_ref().unwrap().expires_at, Some(rig.host.now() + time));
        }
    }
    rig.host.change_settings("acme", &patch(r#"{ "allow-never": true }"#)).unwrap();
    let lifetime = LifetimeChoice::Never;
    let answer = rig.invite(InviteRequest { lifetime, ..request(&["alice"], &[]) }).await.unwrap();
    assert_eq!(answer[0].as_ref().unwrap().expires_at, None);
}

#[tokio::test]
async fn a_hundred_cost_as_many_host_calls_as_one() {
    let (world, names) = crowd(100);
    let rig = Rig::of(&world);
    let mut counts = Vec::new();
    for count in [1, 100] {
        let request = InviteRequest { names: names[..count].to_vec(), ..request(&["x"], &[group("g1")]) };
        let done = rig.fork().run(Some("acme"), ann(), op::Invite { request }).await.unwrap();
        assert!(done.answer.unwrap().iter().all(Result::is_ok));
        let functions: Vec<_> =
            done.trace.unwrap().entries.iter().map(|entry| entry.function.to_string()).collect();
        let free = |name: &&String| name.starts_with("settings") || name.contains("random");
        assert!(functions.len() - functions.iter().filter(free).count() <= 8, "{functions:?}");
        counts.push(functions);
    }
    assert_eq!(counts[0], counts[1]);
}

/// Without ids and codes, which differ by necessity.
fn plain(answer: &Result<guestlist_contract::exports::invitations::Invited, ItemRefusal>) -> String {
    match answer {
        Ok(invited) => format!("{:?} {:?} {:?}", invited.state, invited.mail, invited.expires_at),
        Err(refusal) => format!("{refusal:?}"),
    }
}

#[tokio::test]
async fn a_bulk_is_its_items_one_by_one_in_any_order() {
    let rig = Rig::new();
    rig.host.set_policy("acme", rules(r#"[{ "names": ["bob"], "refuse": "not bob" }]"#)).unwrap();
    let names =
        ["gus", "nobody", "alice", "bob", "erin", "mia", "fred", "carol@example.com", "SECONDARY/dave"];
    let mut order: Vec<usize> = (0..names.len()).collect();
    let mut single = Vec::new();
    for name in names {
        single.push(plain(&rig.fork().invite(request(&[name], &[group("g-help")])).await.unwrap()[0]));
    }
    for _ in 0..names.len() {
        order.rotate_left(1);
        let asked: Vec<_> = order.iter().map(|index| names[*index]).collect();
        let answers = rig.fork().invite(request(&asked, &[group("g-help")])).await.unwrap();
        for (index, answer) in order.iter().zip(&answers) {
            assert_eq!(plain(answer), single[*index], "I-BULK: {}", names[*index]);
        }
    }
}

#[tokio::test]
async fn the_same_request_with_the_same_key_gives_the_same_answer_and_no_second_mail() {
    let rig = Rig::new();
    let request = InviteRequest {
        idempotency_key: Some("monday".into()),
        ..request(&["alice", "nobody", "alice", "mia"], &[group("g-help")])
    };
    let first = rig.invite(request.clone()).await.unwrap();
    let mails = rig.host.mails().len();
    rig.host.delete_group("acme", "g-help").unwrap();
    let second = rig.invite(request.clone()).await.unwrap();
    assert_eq!(first[0].as_ref().unwrap().id, second[0].as_ref().unwrap().id);
    assert!(second[0].as_ref().unwrap().existed);
    assert_eq!(first[1..], second[1..], "refusals too");
    assert_eq!(rig.host.mails().len(), mails);
    let other = InviteRequest { names: vec!["bob".into()], ..request.clone() };
    assert_eq!(rig.invite(other).await, Err(Refusal::OperationReused));
    rig.host.advance(1);
    let bens = rig.invite_as("acme", ben(), request).await;
    assert!(matches!(bens, Err(Refusal::UnknownGrants(_))), "another caller's key is another key: {bens:?}");
}

#[tokio::test]
async fn the_longest_words_of_a_policy_are_repeated_whole() {
    let rig = Rig::new();
    rig.host.set_policy("acme", rules(&format!(r#"[{{ "refuse": "{}" }}]"#, "é".repeat(300)))).unwrap();
    let keyed = InviteRequest { idempotency_key: Some("monday".into()), ..request(&["alice"], &[]) };
    let first = rig.invite(keyed.clone()).await.unwrap();
    assert_eq!(first, [Err(ItemRefusal::Refused("é".repeat(250)))], "at most 500 bytes");
    assert_eq!(rig.invite(keyed).await.unwrap(), first, "I-RETRY");
}

#[tokio::test]
async fn a_request_can_be_repeated_for_a_day_whatever_the_retention() {
    let rig = Rig::new();
    rig.host.change_settings("acme", &patch(r#"{ "retention": "1d" }"#)).unwrap();
    let keyed = InviteRequest { idempotency_key: Some("monday".into()), ..request(&["alice"], &[]) };
    let first = rig.invite(keyed.clone()).await.unwrap().remove(0).unwrap();
    let revoke = op::Revoke { id: first.id.clone(), reason: None };
    rig.run(Some("acme"), ann(), revoke).await.unwrap().answer.unwrap();
    rig.host.advance(24 * 3_600_000);
    rig.sweep("acme").await;
    let second = rig.invite(keyed).await.unwrap().remove(0).unwrap();
    assert_eq!((second.id, second.existed), (first.id, true), "I-RETRY");
    assert_eq!(rig.host.mails().len(), 1);
    rig.host.advance(1);
    assert_eq!(rig.sweep("acme").await.purged, 1);
}

#[tokio::test]
async fn what_a_fault_hit_is_tried_again_with_the_same_key() {
    let rig = Rig::new();
    rig.host.set_store_answers("root", "SECONDARY", false).unwrap();
    let request = InviteRequest {
        idempotency_key: Some("k".into()),
        ..request(&["alice", "SECONDARY/dave", "nobody"], &[])
    };
    let first = rig.invite(request.clone()).await.unwrap();
    assert!(matches!(first[1], Err(ItemRefusal::Unavailable(_))), "{first:?}");
    rig.host.set_store_answers("root", "SECONDARY", true).unwrap();
    let second = rig.invite(request).await.unwrap();
    assert!(second[0].as_ref().unwrap().existed && !second[1].as_ref().unwrap().existed);
    assert_eq!(second[2], Err(ItemRefusal::NotAParentUser));
    assert_eq!(rig.host.mails().len(), 2);
}

#[tokio::test]
async fn the_code_is_in_the_answer_once_where_others_notify() {
    let rig = Rig::new();
    let request = InviteRequest {
        notify: Some(Notify::External),
        idempotency_key: Some("k".into()),
        ..request(&["alice", "erin"], &[])
    };
    let first = rig.invite(request.clone()).await.unwrap();
    let code = first[0].as_ref().unwrap().code.clone().unwrap();
    assert!(first[1].is_ok(), "no address is needed");
    assert!(rig.host.mails().is_empty());
    let again = rig.invite(request).await.unwrap();
    assert_eq!(again[0].as_ref().unwrap().code, None);
    assert!(rig.accept(alice(), &code).await.is_ok());
}

#[tokio::test]
async fn somebody_can_be_invited_again_after_every_end() {
    let rig = Rig::new();
    let (first, _) = rig.invited("alice", &[]).await;
    let again = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0);
    assert_eq!(again, Err(ItemRefusal::ActiveInvitation(first.id.clone())));
    rig.host.advance(HOURS_72);
    let (second, code) = rig.invited("alice", &[]).await;
    assert_eq!(rig.row(&first).state, State::Expired);
    let handle = guestlist_contract::exports::invitee::Handle::Code(code);
    rig.run(None, alice(), op::Decline { handle, reason: None }).await.unwrap().answer.unwrap();
    let (third, _) = rig.invited("alice", &[]).await;
    rig.run(Some("acme"), ann(), op::Revoke { id: third.id.clone(), reason: None })
        .await
        .unwrap()
        .answer
        .unwrap();
    let (fourth, _) = rig.invited("alice", &[]).await;
    assert_eq!(rig.row(&second).state, State::Declined);
    assert_eq!(rig.row(&fourth).state, State::Pending);
}

#[tokio::test]
async fn a_policy_narrows_and_what_it_took_away_is_told() {
    let rig = Rig::new();
    let narrow = r#"[{ "narrow": { "without": ["g-ops"], "lifetime": "1h" } }]"#;
    rig.host.set_policy("acme", rules(narrow)).unwrap();
    let request = request(&["alice"], &[group("g-help"), group("g-ops")]);
    let invited = rig.invite(request).await.unwrap().remove(0).unwrap();
    assert_eq!(invited.withheld, [1]);
    assert_eq!(invited.expires_at, Some(rig.host.now() + 3_600_000));
    let row = rig.row(&InvitationKey { organization: "acme".into(), id: invited.id });
    assert_eq!(row.grants, [group("g-help")]);
}

#[tokio::test]
async fn ids_sort_by_the_time_when_they_were_made() {
    let (world, names) = crowd(100);
    let rig = Rig::of(&world);
    let mut ids = Vec::new();
    for names in names.chunks(50) {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let made = rig.invite(request(&names, &[])).await.unwrap();
        let mut made: Vec<_> = made.into_iter().map(|item| item.unwrap().id).collect();
        for id in &made {
            let id = uuid::Uuid::parse_str(id).unwrap();
            assert_eq!(id.get_version(), Some(uuid::Version::SortRand));
            let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
            assert_eq!(seconds * 1000 + u64::from(nanoseconds) / 1_000_000, rig.host.now(), "{id}");
        }
        assert!(made.is_sorted(), "in the order of the request: {made:?}");
        made.dedup();
        assert_eq!(made.len(), 50, "each is another");
        ids.extend(made);
        rig.host.advance(1);
    }
    assert!(ids.is_sorted(), "{ids:?}");
}
