//! What an administration changes.

use guestlist_harness::{
    AddressDomains,
    contract::types::{Permissions, Principal},
    memory::{EventError, NewUser, Rule, SettingsPatch, Target, default_settings},
};
use guestlist_storage::{AdministrationError, NewOrganization};

use super::both::{Both, alice, ann, group, role, user};

fn new_user(id: &str, name: &str, store: Option<&str>) -> NewUser {
    let email = Some(format!("{name}@Example.com"));
    NewUser { id: id.into(), name: name.into(), store: store.map(str::to_owned), email }
}

/// Does the same in both, and compares what they were told and all that they store.
macro_rules! both {
    ($both:expr, $function:ident ( $($argument:expr),* $(,)? )) => {{
        let in_memory = $both.memory.$function($($argument),*);
        let done = Both::same(in_memory, $both.administration().$function($($argument),*).await);
        $both.compare().await;
        done
    }};
}

#[tokio::test]
async fn users_come_and_go_as_in_memory() {
    let both = Both::new().await;
    assert!(both!(both, add_user("root", new_user("u-eve", "eve", None))));
    assert!(both!(both, add_user("root", new_user("u-eva", "eva", Some("THIRD")))));
    for wrong in
        [new_user("u-eve", "new", None), new_user("u-new", "EVA", None), new_user("u-new", "BOB", None)]
    {
        assert!(!both!(both, add_user("root", wrong.clone())));
    }
    assert!(!both!(both, add_user("nowhere", new_user("u-x", "x", None))));
    assert!(both!(both, rename_user("root", "u-eve", "EVE")));
    assert!(both!(both, rename_user("root", "u-eve", "eve.again")));
    assert!(!both!(both, rename_user("root", "u-eve", "Alice")));
    assert!(!both!(both, rename_user("root", "u-nobody", "alice")));
    assert!(!both!(both, rename_user("root", "u-nobody", "nobody")));
    assert!(both!(both, set_user_active("root", "u-eve", false)));
    assert!(both!(both, set_user_active("root", "u-eve", true)));
    assert!(!both!(both, set_user_active("root", "u-nobody", true)));
    assert!(both!(both, remove_user("root", "u-eve")));
    assert!(!both!(both, remove_user("root", "u-eve")));
    assert!(!both!(both, add_user("root", new_user("u-eve", "eve", None))), "an id is not used again");
    assert!(both!(both, add_user("root", new_user("u-eve2", "eve.again", None))), "a name is");
    assert!(both!(both, remove_user("acme", "u-ann")), "her groups go with her");
    assert!(both!(both, set_store_answers("root", "SECONDARY", false)));
    assert!(both!(both, set_store_answers("root", "SECONDARY", true)));
}

#[tokio::test]
async fn members_come_and_go_as_in_memory() {
    let both = Both::new().await;
    let gus = user("partner", "u-gus0");
    assert!(both!(both, add_member("acme", &alice())));
    assert!(!both!(both, add_member("acme", &alice())), "he is one");
    assert!(!both!(both, add_member("acme", &user("acme", "u-ann"))));
    assert!(!both!(both, add_member("acme", &user("root", "u-nobody"))));
    assert!(!both!(both, add_member("acme", &user("root", "u-gus"))), "that is no account of a resident");
    assert!(both!(both, add_user("acme", new_user("u-gus1", "GUS", Some("OTHER")))));
    assert!(!both!(both, add_member("acme", &gus)), "the name is taken");
    assert!(both!(both, remove_user("acme", "u-gus1")));
    assert!(both!(both, add_member("acme", &gus)));
    for _ in 0..3 {
        assert!(both!(both, add_grant("acme", &gus, &group("g-help"))));
        assert!(both!(both, add_grant("acme", &gus, &group("g-help"))), "he has it");
        assert!(both!(both, add_grant("acme", &gus, &role("r-admin"))));
        assert!(both!(both, remove_member("acme", &gus)));
        assert!(!both!(both, remove_member("acme", &gus)));
        assert!(both!(both, add_member("acme", &gus)), "he comes again, as somebody new");
    }
    assert!(!both!(both, remove_member("acme", &user("acme", "u-ann"))), "she is resident");
    assert!(!both!(both, add_grant("acme", &gus, &group("g-nothing"))));
    assert!(!both!(both, add_grant("acme", &user("root", "u-bob"), &group("g-help"))));
    assert!(both!(both, add_grant("acme", &gus, &group("g-help"))));
    assert!(both!(both, remove_grant("acme", &gus, &group("g-help"))));
    assert!(!both!(both, remove_grant("acme", &gus, &group("g-help"))));
    assert!(!both!(both, remove_grant("acme", &user("root", "u-bob"), &group("g-help"))));
    assert!(both!(both, delete_group("acme", "g-help")), "nobody is in it any more");
    assert!(!both!(both, delete_group("acme", "g-help")));
    assert!(!both!(both, delete_role("acme", "g-own")), "it is a group");
    assert!(both!(both, delete_role("acme", "r-admin")));
}

#[tokio::test]
async fn organizations_are_changed_as_in_memory() {
    let both = Both::new().await;
    assert!(both!(both, set_organization_active("acme", false)));
    assert!(both!(both, set_organization_active("acme", true)));
    assert!(both!(both, move_organization("acme", Some("partner"))));
    assert!(!both!(both, move_organization("partner", Some("acme"))), "no rings");
    assert!(!both!(both, move_organization("partner", Some("partner"))));
    assert!(!both!(both, move_organization("acme", Some("nowhere"))));
    assert!(both!(both, move_organization("acme", None)));
    assert!(both!(both, set_permissions("acme", ann(), Permissions::VIEW)));
    assert!(both!(both, set_permissions("acme", Principal::Client("new".into()), Permissions::all())));
    assert!(both!(both, set_permissions("acme", ann(), Permissions::empty())));
    let mut settings = default_settings();
    (settings.reminder_before, settings.ceiling) = (Some(1_000), Some(vec![group("g-help")]));
    assert!(both!(both, set_settings("acme", settings.clone())));
    let patch: SettingsPatch = serde_json::from_str(
        r#"{ "retention": "2d", "address-domains": ["*.example.org"], "reminder-before": null }"#,
    )
    .unwrap();
    assert!(both!(both, change_settings("acme", &patch)));
    let domains = both.database.dump().await.unwrap().organizations["acme"].address_domains.clone();
    assert_eq!(domains, Some(AddressDomains::new(["*.example.org"]).unwrap()));
    let any: SettingsPatch = serde_json::from_str(r#"{ "address-domains": null }"#).unwrap();
    assert!(both!(both, change_settings("acme", &any)));
    assert!(both!(both, set_policy("acme", vec![Rule { refuse: Some("no".into()), ..Rule::default() }])));
    assert!(!both!(both, set_policy("acme", vec![Rule::default()])));
    assert!(both!(both, delete_organization("acme")));
    assert!(!both!(both, delete_organization("acme")));
    for wrong in [Some("acme"), Some("root")] {
        assert!(!both!(both, move_organization("acme", wrong)), "it is gone");
    }
    assert!(!both!(both, move_organization("partner", Some("acme"))), "nothing is put below it");
}

#[tokio::test]
async fn a_host_makes_its_own_organizations_groups_and_roles() {
    let both = Both::new().await;
    let administration = both.administration();
    let new = |id: &str, parent: Option<&str>| NewOrganization {
        id: id.into(),
        name: "New Inc".into(),
        parent: parent.map(str::to_owned),
        utc_offset_minutes: -90,
    };
    administration.create_organization(new("new", Some("root"))).await.unwrap();
    let target =
        |name: &str| Target { name: name.into(), grantable_by: Some(vec![ann()]), receivable_by: None };
    administration.create_group("new", "g", target("Group")).await.unwrap();
    administration.create_role("new", "g", target("Role")).await.unwrap();
    administration.add_member("new", &alice()).await.unwrap();
    administration.add_grant("new", &alice(), &role("g")).await.unwrap();
    let realm = both.database.dump().await.unwrap();
    let made = &realm.organizations["new"];
    assert_eq!(
        (made.name.as_str(), made.parent.as_deref(), made.utc_offset_minutes),
        ("New Inc", Some("root"), -90)
    );
    assert_eq!(made.settings, default_settings());
    assert!(made.active && !made.deleted && made.stores.contains("PRIMARY"));
    assert_eq!((&made.groups["g"], &made.roles["g"]), (&target("Group"), &target("Role")));
    let events: Vec<_> = realm.audit.iter().map(|event| event.text()).collect();
    assert_eq!(
        events,
        [
            "world.organization-created",
            "world.group-created",
            "world.role-created",
            "world.member-added",
            "world.grant-added"
        ]
    );
    let impossible = |done: Result<(), AdministrationError>| match done {
        Err(AdministrationError::Impossible(EventError::Impossible(text))) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        impossible(administration.create_group("new", "g", target("x")).await),
        "group `g` is there already"
    );
    administration.delete_organization("new").await.unwrap();
    for wrong in [new("new", None), new("acme", None), new("", None), new(&"x".repeat(256), None)] {
        impossible(administration.create_organization(wrong).await);
    }
    let below = administration.create_organization(new("new2", Some("new"))).await.unwrap_err();
    assert_eq!(below, AdministrationError::Impossible(EventError::NoOrganization("new".into())));
    let unknown = administration.set_store_answers("root", "FOURTH", false).await;
    assert_eq!(impossible(unknown), "organization `root` has no user store `FOURTH`");
}

#[tokio::test]
async fn the_character_nul_is_in_nothing() {
    let both = Both::new().await;
    let administration = both.administration();
    let before = both.database.dump().await.unwrap();
    for done in [
        administration.add_user("root", new_user("u-n", "na\0me", None)).await,
        administration.add_user("root", new_user("u-\0", "name", None)).await,
        administration.rename_user("root", "u-alice", "al\0ice").await,
        administration.set_user_active("root", "u-\0", false).await,
        administration.add_member("acme", &user("root", "u-\0")).await,
        administration.remove_member("acme", &user("ro\0ot", "u")).await,
        administration.delete_group("acme", "g\0").await,
        administration.delete_organization("ac\0me").await,
    ] {
        assert!(matches!(done, Err(AdministrationError::Impossible(_))), "{done:?}");
    }
    super::both::compare(&both.database.dump().await.unwrap(), &before);
}
