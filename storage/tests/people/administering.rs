//! What an administration changes.

use guestlist_contract::{
    AddressDomains,
    audit::EventKind,
    host::Operation,
    storage::{Batch, Change, ClockGuard, CodeChange, Guard},
    types::{Permissions, Principal},
};
use guestlist_memory::{EventError, NewUser, Role, Rule, SettingsPatch, Target, default_settings};
use guestlist_storage::{AdministrationError, NewOrganization};

use super::both::{Both, alice, ann, batch, change, group, key, role, user};

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
    let made_role = Role { target: target("Role"), ..Role::default() };
    administration.create_role("new", "g", made_role.clone()).await.unwrap();
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
    assert_eq!((&made.groups["g"], &made.roles["g"]), (&target("Group"), &made_role));
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
    assert_eq!(
        impossible(unknown),
        "organization `root` has no user store `FOURTH`; there are `PRIMARY`, `SECONDARY`, `SILENT`"
    );
}

/// A code that was sent to an address which is somebody else's by now is nobody's.
#[tokio::test]
async fn with_an_address_the_codes_that_were_sent_there_die() {
    let both = Both::new().await;
    both.invite(alice()).await;
    both.administration().set_organization_active("globex", true).await.unwrap();
    let [_, host] = both.hosts();
    let gina = both.memory.call(Operation::Invite, Some("globex"), Principal::User(user("globex", "u-gina")));
    let elsewhere = Batch { grants: vec![], ..batch("inv-g", alice()) };
    host.storage.insert(&gina, "globex".into(), elsewhere).await.unwrap().remove(0).unwrap();
    let bob = batch("inv-b", user("root", "u-bob"));
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    host.storage.insert(&call, "acme".into(), bob).await.unwrap().remove(0).unwrap();
    let administration = both.administration();
    let hers = both.memory.call(Operation::Accept, None, Principal::User(alice()));
    let by_code = async |id: &str| {
        let code = batch(id, alice()).drafts[0].code.clone().unwrap();
        host.storage.by_code(&hers, code).await.unwrap().map(|row| row.key.id)
    };
    administration.set_user_email("root", "u-alice", Some("alice@example.com")).await.unwrap();
    assert_eq!(by_code("inv-a").await.as_deref(), Some("inv-a"), "it is the address that alice has");
    administration.set_user_email("root", "u-alice", Some("alice@example.org")).await.unwrap();
    for id in ["inv-a", "inv-g"] {
        assert_eq!(by_code(id).await, None, "{id}");
    }
    let mine = host.storage.mine(&hers, vec![], None, 10).await.unwrap().items;
    let mut ids: Vec<_> = mine.iter().map(|row| (row.key.id.as_str(), row.state, row.version)).collect();
    ids.sort_unstable_by_key(|(id, ..)| *id);
    let pending = guestlist_contract::types::State::Pending;
    assert_eq!(ids, [("inv-a", pending, 1), ("inv-g", pending, 1)], "alice still sees them");
    let realm = both.database.dump().await.unwrap();
    let codes = |organization: &str, id: &str| realm.tenants[organization].rows[id].codes.clone();
    let (one, other) = (codes("acme", "inv-a"), codes("globex", "inv-g"));
    assert!(one.len() == 1 && other.len() == 1 && one != other, "each has a digest of its own");
    let code = batch("inv-b", alice()).drafts[0].code.clone().unwrap();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(codes("acme", "inv-b"), [hex], "bob's code is bob's");
    let person = &realm.organizations["root"].people["u-alice"];
    assert_eq!(person.email.as_deref(), Some("alice@example.org"));
    let last = realm.audit.last().unwrap();
    assert_eq!((last.kind, last.subject.clone()), (EventKind::WorldEmailChanged, Some(alice())));
    // The new code of a resend is one like any other.
    let renewed = Change { code: CodeChange::Add(vec![9; 32]), ..change(pending) };
    let guard = Guard { version: 1, states: vec![pending], clock: ClockGuard::None };
    host.storage.transition(&call, key("inv-a"), guard, renewed).await.unwrap();
    let found = host.storage.by_code(&hers, vec![9; 32]).await.unwrap();
    assert_eq!(found.map(|row| row.version), Some(2));
    administration.set_user_email("root", "u-alice", None).await.unwrap();
    assert_eq!(host.storage.by_code(&hers, vec![9; 32]).await.unwrap(), None);
    let seen = host.directory.get_users(&call, "root".into(), vec![alice()]).await.unwrap();
    assert!(!seen[0].as_ref().unwrap().has_email);
    for (place, id) in [("root", "u-gus"), ("root", "u-nobody"), ("nowhere", "u-alice")] {
        let wrong = administration.set_user_email(place, id, Some("new@example.com")).await;
        assert!(matches!(wrong, Err(AdministrationError::Impossible(_))), "{place}/{id}: {wrong:?}");
    }
}

#[tokio::test]
async fn settings_are_judged_as_a_whole() {
    let both = Both::new().await;
    let administration = both.administration();
    let before = both.database.dump().await.unwrap();
    let patch = |json: &str| serde_json::from_str::<SettingsPatch>(json).unwrap();
    let mut settings = default_settings();
    settings.lifetime_min = settings.lifetime + 1;
    let mut told = vec![administration.set_settings("acme", settings).await];
    for wrong in [
        r#"{ "lifetime": "99d" }"#,
        r#"{ "reminder-before": "2h" }"#,
        r#"{ "accept-with": "code", "codes": "see-code" }"#,
        r#"{ "notify": "external", "codes": "invitee-only", "landings": ["https://new.example"] }"#,
    ] {
        told.push(administration.change_settings("acme", &patch(wrong)).await);
    }
    for told in told {
        assert!(matches!(told, Err(AdministrationError::Settings(_))), "{told:?}");
    }
    let nowhere = patch(r#"{ "landings": ["https://ok.example", "http://app.example"] }"#);
    let refused = administration.change_settings("acme", &nowhere).await.unwrap_err();
    assert!(refused.to_string().contains("`http://app.example`"), "{refused}");
    super::both::compare(&both.database.dump().await.unwrap(), &before);
    let good = patch(
        r#"{ "accept-with": "code", "codes": "see-code-even-alone", "notify": "external",
             "notices": ["failed", "revoked"], "landings": ["https://ok.example"] }"#,
    );
    assert!(both!(both, change_settings("acme", &good)));
    assert_eq!(both.database.dump().await.unwrap().organizations["acme"].landings, ["https://ok.example"]);
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
        administration.set_user_email("root", "u-alice", Some("al\0ice@example.com")).await,
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
