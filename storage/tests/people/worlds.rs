//! Worlds, in and out.

use std::collections::BTreeMap;

use guestlist_contract::{
    audit::{EventKind, Refusal, Word},
    host::{Audit as _, Membership as _, Operation, Storage as _},
    storage::{Batch, Draft, RefusedItem},
    types::{Principal, State, Step},
};
use guestlist_memory::{Assignee, AuditEvent, MemoryHost, OutboxEntry, Person, Realm};
use guestlist_storage::{Clock, Database, StorageError};

use super::both::{Place, WORLD, alice, ann, batch, change, compare, group, key, role, user, world_files};
use super::somewhere;

async fn database() -> (Place, Database) {
    let place = Place::new(Clock::Machine).await;
    let database = place.open().await;
    (place, database)
}

#[tokio::test]
async fn every_world_comes_out_as_it_went_in() {
    let (_place, database) = database().await;
    let mut worlds: BTreeMap<_, _> = world_files();
    worlds.insert("the world of these tests".into(), WORLD.into());
    for (path, yaml) in worlds {
        let realm = MemoryHost::from_yaml(&yaml).unwrap().realm();
        database.load(&realm).await.unwrap();
        let dumped = database.dump().await.unwrap();
        let text = |realm: &Realm| serde_json::to_string_pretty(&realm.organizations).unwrap();
        assert_eq!(text(&dumped), text(&realm), "{}", path.display());
        compare(&dumped, &realm);
    }
}

/// A host in memory in which something of everything has happened.
async fn lived() -> MemoryHost {
    let host = MemoryHost::from_yaml(WORLD).unwrap();
    let call = host.call(Operation::Invite, Some("acme"), ann());
    let invite = |batch: Batch| host.insert(&call, "acme".into(), batch);
    invite(batch("inv-a", alice())).await.unwrap().remove(0).unwrap();
    let mut waiting = batch("inv-b", user("root", "u-bob"));
    let first = waiting.drafts.remove(0);
    waiting.drafts.push(Draft { code: None, approval: Some("privileged".into()), ..first });
    waiting.announce = true;
    waiting.refused = vec![RefusedItem {
        position: 1,
        name: "eve".into(),
        subject: Some(alice()),
        word: Word::NoEmail,
        reason: "no-email".into(),
    }];
    waiting.metadata =
        vec![guestlist_contract::types::Property { key: "ticket".into(), value: "7 'x' \"y\"".into() }];
    invite(waiting).await.unwrap().remove(0).unwrap();
    invite(batch("inv-c", user("root", "u-carl"))).await.unwrap().remove(0).unwrap();
    let sweep = host.call(Operation::Sweep, Some("acme"), Principal::System);
    let guard = |version, state| guestlist_contract::storage::Guard {
        version,
        states: vec![state],
        clock: guestlist_contract::storage::ClockGuard::None,
    };
    let go = |id: &'static str, version, from, to| {
        host.transition(&sweep, key(id), guard(version, from), change(to))
    };
    go("inv-a", 1, State::Pending, State::Accepting).await.unwrap();
    let steps = vec![Step::Member, Step::Grant(role("r-admin")), Step::Grant(group("g-help"))];
    host.apply(&sweep, "acme".into(), "inv-a".into(), alice(), steps).await.unwrap();
    host.close(&sweep, "acme".into(), "inv-a".into()).await.unwrap();
    go("inv-a", 2, State::Accepting, State::Accepted).await.unwrap();
    go("inv-c", 1, State::Pending, State::Declined).await.unwrap();
    host.remove_grant("acme", &alice(), &group("g-help")).unwrap();
    host.remove_user("root", "u-dora").unwrap();
    host.remove_member("acme", &alice()).unwrap();
    host.add_member("acme", &user("partner", "u-gus0")).unwrap();
    host.set_store_answers("root", "silent", false).unwrap();
    host.set_role_rights("acme", "r-admin", "manage-people".parse().unwrap()).unwrap();
    host.assign_role("acme", "r-admin", &Assignee::Group("g-help".into())).unwrap();
    host.assign_role("acme", "r-admin", &Assignee::Client("hr".into())).unwrap();
    let roles = ["r-admin".to_owned()];
    host.lease_roles("acme", &user("partner", "u-gus0"), "sso", &roles, host.store_now() + 1_000).unwrap();
    host.delete_organization("globex").unwrap();
    let refusal = Refusal {
        operation: "invitee.accept".into(),
        invitation: None,
        subject: None,
        name: None,
        word: Word::NotUsable,
    };
    let stranger = host.call(Operation::Accept, None, Principal::Anonymous);
    host.record_refusals(&stranger, None, vec![refusal]).await.unwrap();
    host
}

#[tokio::test]
async fn a_world_in_which_much_has_happened_comes_out_as_it_went_in() {
    let realm = lived().await.realm();
    let tenant = &realm.tenants["acme"];
    assert!(!tenant.outbox.is_empty() && !tenant.operations.is_empty() && !tenant.applied.is_empty());
    let (_place, database) = database().await;
    for _ in 0..2 {
        // What was there before is gone, the audit trail as well.
        database.load(&realm).await.unwrap();
        let dumped = database.dump().await.unwrap();
        compare(&dumped, &realm);
        assert_eq!(dumped.audit, realm.audit);
        assert_eq!(
            dumped.organizations["acme"].people, realm.organizations["acme"].people,
            "ids of guests stay"
        );
    }
    database.load(&Realm::default()).await.unwrap();
    compare(&database.dump().await.unwrap(), &Realm::default());
}

#[tokio::test]
async fn after_loading_the_rules_of_the_tables_hold_again() {
    let place = Place::new(Clock::Machine).await;
    place.open().await.load(&lived().await.realm()).await.unwrap();
    for (wrong, expected) in [
        ("delete from audit", "append-only"),
        ("delete from invitation where ended_at is null", "has not ended"),
        ("update invitation set state = 'pending' where id = 'inv-a'", "illegal"),
        ("update invitation set version = version + 1, state = 'pending' where id = 'inv-c'", "illegal"),
        (
            "insert into audit (at, actor, request_id, kind, operation) values (1, '', '', 'a word', '')",
            "no word of the audit trail",
        ),
        (
            "insert into audit (at, actor, request_id, kind, word, operation) \
             values (1, '', '', 'refused', 'because they left us', '')",
            "no word of the audit trail",
        ),
        (
            "insert into audit (at, actor, request_id, kind, subject_id, operation) \
             values (1, '', '', 'item.refused', 'u-x', '')",
            "check",
        ),
        (
            "insert into audit (at, actor, request_id, kind, grant_id, operation) \
             values (1, '', '', 'grant.added', 'g', '')",
            "check",
        ),
        ("update invitation set dismissed = 1 where id = 'inv-b'", "check"),
    ] {
        let refused = somewhere::refusal(&place.kept, wrong).await;
        assert!(refused.to_lowercase().contains(expected), "{wrong}: {refused}");
    }
}

/// The words of the tables are those of the contract.
#[tokio::test]
async fn every_word_of_the_trail_is_kept() {
    let (_place, database) = database().await;
    let mut realm = lived().await.realm();
    let event = realm.audit[0].clone();
    let kinds = EventKind::ALL.iter().map(|kind| AuditEvent { kind: *kind, ..event.clone() });
    let words = Word::ALL.iter().map(|word| AuditEvent { word: Some(*word), ..event.clone() });
    let full = AuditEvent {
        name: Some(vec![7; 32]),
        grant: Some(role("r-admin")),
        about: Some("about".into()),
        ..event.clone()
    };
    realm.audit = kinds.chain(words).chain([full]).collect();
    database.load(&realm).await.unwrap();
    assert_eq!(database.dump().await.unwrap().audit, realm.audit);
    realm.audit[0].name = Some(vec![7; 31]);
    assert!(matches!(database.load(&realm).await, Err(StorageError::Invalid(_))));
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_as_a_whole() {
    let (_place, database) = database().await;
    let realm = lived().await.realm();
    database.load(&realm).await.unwrap();
    let changed = |change: &dyn Fn(&mut Realm)| {
        let mut realm = realm.clone();
        change(&mut realm);
        realm
    };
    let person = |realm: &mut Realm, change: &dyn Fn(&mut Person)| {
        change(realm.organizations.get_mut("root").unwrap().people.get_mut("u-alice").unwrap());
    };
    let entry = || OutboxEntry { invitation: "inv-x".into(), ..realm.tenants["acme"].outbox[0].clone() };
    for (wrong, expected) in [
        (changed(&|realm| person(realm, &|alice| alice.name = "al\0ice".into())), "NUL"),
        (changed(&|realm| person(realm, &|alice| alice.name = "bob.THREE".into())), "person"),
        (
            changed(&|realm| person(realm, &|alice| drop(alice.groups.insert("g-x".into(), None)))),
            "group `g-x`",
        ),
        (
            changed(&|realm| realm.organizations.get_mut("acme").unwrap().parent = Some("gone".into())),
            "`gone`",
        ),
        (
            changed(&|realm| {
                realm.organizations.get_mut("acme").unwrap().silent_stores.insert("X".into());
            }),
            "`X`",
        ),
        (changed(&|realm| realm.tenants.get_mut("acme").unwrap().outbox.push(entry())), "`inv-x`"),
        (
            changed(&|realm| {
                let rows = &mut realm.tenants.get_mut("acme").unwrap().rows;
                rows.get_mut("inv-a").unwrap().codes[0].push('0');
            }),
            "64 hexadecimal digits",
        ),
        (
            changed(&|realm| {
                let rows = &mut realm.tenants.get_mut("acme").unwrap().rows;
                rows.get_mut("inv-a").unwrap().code_versions.clear();
            }),
            "without a version",
        ),
        (
            changed(&|realm| {
                let rows = &mut realm.tenants.get_mut("acme").unwrap().rows;
                rows.get_mut("inv-a").unwrap().invitation.key.id = "inv-z".into();
            }),
            "another key",
        ),
    ] {
        match database.load(&wrong).await {
            Err(StorageError::Invalid(text)) => assert!(text.contains(expected), "{text}"),
            other => panic!("{expected}: {other:?}"),
        }
        compare(&database.dump().await.unwrap(), &realm);
    }
}

#[tokio::test]
async fn numbers_beyond_those_of_a_database_become_its_last() {
    let (_place, database) = database().await;
    let mut realm = lived().await.realm();
    let rows = &mut realm.tenants.get_mut("acme").unwrap().rows;
    rows.get_mut("inv-b").unwrap().invitation.lifetime = Some(u64::MAX);
    realm.organizations.get_mut("acme").unwrap().settings.retention = u64::MAX;
    database.load(&realm).await.unwrap();
    let dumped = database.dump().await.unwrap();
    let last = u64::try_from(i64::MAX).unwrap();
    assert_eq!(dumped.tenants["acme"].rows["inv-b"].invitation.lifetime, Some(last));
    assert_eq!(dumped.organizations["acme"].settings.retention, u64::MAX, "settings are kept as they are");
}

#[tokio::test]
async fn a_hundred_thousand_people_are_loaded() {
    let mut realm = MemoryHost::from_yaml(WORLD).unwrap().realm();
    let root = realm.organizations.get_mut("root").unwrap();
    let somebody = root.people["u-alice"].clone();
    for number in 0..100_000 {
        let id = format!("u-{number}");
        let (name, account) = (format!("user{number}"), user("root", &id));
        root.people.insert(id, Person { name, account, ..somebody.clone() });
    }
    let (_place, database) = database().await;
    database.load(&realm).await.unwrap();
    assert_eq!(
        database.dump().await.unwrap().organizations["root"].people,
        realm.organizations["root"].people
    );
}
