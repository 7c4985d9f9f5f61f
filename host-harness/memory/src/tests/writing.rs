//! World files that are written.

use super::*;
use crate::{Realm, Unsayable};

fn organizations(realm: &Realm) -> String {
    serde_json::to_string_pretty(&realm.organizations).unwrap()
}

fn again(yaml: &str) -> Realm {
    MemoryHost::from_yaml(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}")).realm()
}

#[test]
fn every_world_is_written_as_it_was_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios/worlds");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut worlds: Vec<_> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    worlds.push(include_str!("../../../../tests/model/src/world.yaml").to_owned());
    worlds.push(WORLD.to_owned());
    for world in worlds {
        let realm = again(&world);
        let yaml = realm.to_yaml().unwrap();
        assert!(yaml.starts_with("clock: "), "nothing is left out:\n{yaml}");
        let read = again(&yaml);
        assert_eq!(organizations(&read), organizations(&realm), "{yaml}");
        assert_eq!(read.mails_per_day, realm.mails_per_day);
        assert_eq!(read.clock.wall(), realm.clock.wall());
    }
}

#[test]
fn names_that_look_like_something_else_stay_names() {
    let mut realm = again(WORLD);
    let root = realm.organizations.get_mut("root").unwrap();
    for (number, name) in
        ["yes", "~", "1e3", "- x", "a: b", "#", "\"", "'", "*a", " x ", "é\u{2028}\n", "{", "0x1"]
            .iter()
            .enumerate()
    {
        let id = format!("{number}");
        let account = user("root", &id);
        let person = root.people["u-alice"].clone();
        let roles = std::collections::BTreeMap::new();
        let email = Some(name.replace(char::is_control, ""));
        root.people
            .insert(id, super::super::Person { name: (*name).into(), email, account, roles, ..person });
    }
    root.name = "- [Root]: *".into();
    let settings = &mut root.settings;
    (settings.lifetime, settings.lifetime_max) = (61_001, 36_500 * 24 * HOUR);
    (settings.pending_limit, settings.reminder_before) = (Some(0), Some(1_001));
    (settings.ceiling, root.utc_offset_minutes) = (Some(vec![role("r-lead")]), -570);
    let yaml = realm.to_yaml().unwrap();
    assert_eq!(organizations(&again(&yaml)), organizations(&realm), "{yaml}");
}

#[tokio::test]
async fn what_a_world_file_cannot_say_is_listed_at_its_top() {
    let host = invited().await;
    go(&host, "inv-a", State::Accepting).await.unwrap();
    host.add_member("acme", &alice()).unwrap();
    host.add_member("acme", &user("partner", "u-gus0")).unwrap();
    host.create_role("acme", "r-lent", "Lent").unwrap();
    host.lease_roles("acme", &user("acme", "u-ann"), "sso", &["r-lent".to_owned()], u64::MAX).unwrap();
    host.set_permissions("acme", person(bob()), guestlist_contract::types::Permissions::VIEW).unwrap();
    for patch in
        [r#"{ "privileged": ["role:r-admin"] }"#, r#"{ "ceiling": ["role:r-admin", "group:g-help"] }"#]
    {
        host.change_settings("acme", &serde_json::from_str(patch).unwrap()).unwrap();
    }
    let rule = r#"[{ "narrow": { "without": ["g-help", "r-admin"] } }]"#;
    host.set_policy("acme", serde_json::from_str(rule).unwrap()).unwrap();
    host.remove_member("acme", &alice()).unwrap();
    host.remove_user("partner", "u-gus0").unwrap();
    host.remove_user("root", "u-bob").unwrap();
    host.remove_user("acme", "u-deputy").unwrap();
    host.delete_role("root", "r-lead").unwrap();
    host.delete_role("acme", "r-admin").unwrap();
    host.delete_organization("globex").unwrap();
    host.set_store_answers("root", "SECONDARY", false).unwrap();
    let yaml = host.realm().to_yaml().unwrap();
    let comments: Vec<_> = yaml.lines().take_while(|line| line.starts_with('#')).collect();
    assert_eq!(
        comments,
        [
            "# left out: organization `globex`, which was deleted",
            "# left out: of organization `acme`: that the user id `guest-1` is spent",
            "# left out: of organization `acme`: that the user id `guest-2` is spent",
            "# left out: of organization `acme`: that the user id `u-deputy` is spent",
            "# left out: of organization `acme`: the roles that `u-ann` has for a time",
            "# left out: of organization `acme`: the permissions of `acme/u-deputy`, which are without effect",
            "# left out: of organization `acme`: the permissions of `root/u-bob`, which are without effect",
            "# left out: of organization `acme`: that `acme/u-deputy` may give `g-own`",
            "# left out: of organization `acme`: a setting about `r-admin`, which is gone",
            "# left out: of organization `acme`: a setting about `r-admin`, which is gone",
            "# left out: of organization `partner`: that the user id `u-gus0` is spent",
            "# left out: of organization `root`: that the user id `u-bob` is spent",
            "# left out: of organization `root`: that the user id `u-gus` is spent",
            "# left out: of organization `root`: that the user store `SECONDARY` does not answer",
        ]
    );
    let read = again(&yaml);
    assert_eq!(read.organizations.keys().collect::<Vec<_>>(), ["acme", "partner", "root"]);
    assert_eq!(
        read.organizations["acme"].groups["g-own"].grantable_by,
        Some(vec![]),
        "nobody, and not everybody"
    );
    let rule = &read.organizations["acme"].policy[0];
    assert!(rule.later, "a rule about what is gone waits for it to come again");
    assert_eq!(rule.narrow.as_ref().unwrap().without, ["g-help", "r-admin"]);
}

#[test]
fn what_cannot_be_left_out_is_an_error_that_names_it() {
    let mut realm = again(WORLD);
    realm.organizations.get_mut("root").unwrap().deleted = true;
    let error = realm.to_yaml().unwrap_err();
    assert!(matches!(&error, Unsayable::World(_)) && error.to_string().contains("`root`"), "{error}");
}

#[test]
fn what_would_be_read_as_something_else_is_an_error_that_names_it() {
    let realm = again(
        "
organizations:
  - { id: a, users: [{ id: b/u, name: one }] }
  - { id: a/b, users: [{ id: u, name: two }], permissions: { u: [view] } }
  - { id: c, parent: a/b, permissions: { u: [view] } }
",
    );
    assert_eq!(realm.to_yaml(), Err(Unsayable::Organization("c".into())));
}

#[test]
fn ids_that_look_like_references_are_written_so_that_they_are_none() {
    let realm = again(
        "
organizations:
  - { id: a, users: [{ id: b/u, name: one }, { id: 'client:x', name: two }], permissions: { a/b/u: [view] } }
  - { id: b, users: [{ id: u, name: three }], permissions: { a/client:x: [all], 'client:x': [invite] } }
",
    );
    let yaml = realm.to_yaml().unwrap();
    assert_eq!(organizations(&again(&yaml)), organizations(&realm), "{yaml}");
}
