//! Every administrative write, under every single right: nobody ends up with a right that the actor lacked.
//!
//! The operations need nothing here, so that what stands in the way is the rule alone and not a table of
//! permissions in front of it.

use std::collections::BTreeMap;

use guestlist_contract::{
    rights::{HostPermissions, Rights},
    types::{Principal, UserRef},
};
use guestlist_memory::{Assignee, MemoryHost, NewUser, Role, SettingsPatch, Target, default_settings};
use guestlist_storage::{Administration, AdministrationError, Clock, Database, NewOrganization};

use super::both::{Place, group, role, user};

/// `clerk` is the actor, and has the right in question in `acme` by `r-one`. Everybody stronger is somewhere a write
/// might forget to look: disabled, a guest elsewhere, with a direct permission where they are no member.
const WORLD: &str = r#"
organizations:
  - id: home
    users:
      - { id: u-clerk, name: clerk }
      - { id: u-friend, name: friend }
      - { id: u-boss, name: boss }
      - { id: u-lost, name: lost }
      - { id: u-stranger, name: stranger }
  - id: acme
    parent: home
    users:
      - { id: u-ann, name: ann }
      - { id: u-sleeper, name: sleeper, active: false }
      - { id: u-abroad, name: abroad }
      - { id: u-direct, name: direct }
      - { id: u-plain, name: plain }
      - { id: l-lost, name: lost, resident: home/u-lost, active: false }
    members: [u-clerk, u-friend, u-boss]
    groups: [{ id: g-plain, members: [u-friend] }, { id: g-strong }]
    roles:
      - { id: administrator, permissions: [all], standard: true, members: [u-ann, u-boss] }
      - { id: r-one, members: [u-clerk] }
      - { id: r-strong, permissions: [all], groups: [g-strong], members: ["client:robot"] }
      - { id: r-empty, groups: [g-plain], members: [u-plain] }
    permissions: { u-sleeper: [all], home/u-lost: [all], home/u-stranger: [all], "client:hr": [all] }
  - id: other
    parent: home
    users: [{ id: o-abroad, name: abroad, resident: acme/u-abroad }]
    roles: [{ id: r-other, permissions: [all], members: [o-abroad] }]
    permissions: { acme/u-direct: [all] }
  - id: child
    parent: acme
    state: disabled
    users: [{ id: u-kid, name: kid }]
  - id: stronghold
    parent: acme
    state: disabled
    users: [{ id: u-lord, name: lord }]
    permissions: { u-lord: [all] }
"#;

fn home(id: &str) -> UserRef {
    user("home", id)
}

fn new_user(id: &str) -> NewUser {
    NewUser { id: id.into(), name: id.into(), store: None, email: None }
}

fn below(parent: &str) -> NewOrganization {
    NewOrganization {
        id: "new".into(),
        name: "new".into(),
        parent: Some(parent.into()),
        utc_offset_minutes: 0,
    }
}

fn strong(rights: Rights) -> Role {
    Role {
        rights,
        groups: ["g-plain".to_owned()].into(),
        clients: ["bot".to_owned()].into(),
        ..Role::default()
    }
}

type Done = Result<(), AdministrationError>;

/// One of the writes, by number; `None` beyond the last. Where several are one way, each is done, whatever became of
/// the one before.
async fn write(by: &Administration, number: usize, right: Rights) -> Option<(&'static str, Done)> {
    const AT: &str = "acme";
    const LONG: u64 = u64::MAX >> 1;
    let g_plain = Assignee::Group("g-plain".into());
    let (friend, who) = (home("u-friend"), Principal::User(home("u-friend")));
    let all = Rights::all().permissions;
    let strong_role = ["r-strong".to_owned()];
    Some(match number {
        0 => ("make an organization", by.create_organization(below(AT)).await),
        1 => ("make a standard one", by.create_standard_organization(below(AT), None).await),
        2 => ("with an administrator", by.create_standard_organization(below(AT), Some(&friend)).await),
        3 => ("resume", by.set_organization_active("child", true).await),
        4 => ("suspend", by.set_organization_active("child", false).await),
        5 => ("move", by.move_organization("child", Some("other")).await),
        6 => ("delete", by.delete_organization("child").await),
        7 => ("delete a stronghold", by.delete_organization("stronghold").await),
        8 => ("add a user", by.add_user(AT, new_user("u-new")).await),
        9 => ("rename", by.rename_user(AT, "u-plain", "plainer").await),
        10 => ("address", by.set_user_email(AT, "u-plain", Some("p@example.com")).await),
        11 => ("disable", by.set_user_active(AT, "u-plain", false).await),
        12 => ("enable a sleeper", by.set_user_active(AT, "u-sleeper", true).await),
        13 => ("enable who is lost", by.set_user_active(AT, "l-lost", true).await),
        14 => ("remove who is lost", by.remove_member(AT, &home("u-lost")).await),
        15 => ("delete who is lost here", by.remove_user(AT, "l-lost").await),
        16 => ("delete who is strong abroad", by.remove_user(AT, "u-abroad").await),
        17 => ("disable who is strong abroad", by.set_user_active(AT, "u-abroad", false).await),
        18 => {
            ("address of who is strong abroad", by.set_user_email(AT, "u-direct", Some("me@x.example")).await)
        }
        19 => ("delete a user", by.remove_user(AT, "u-plain").await),
        20 => ("silence a store", by.set_store_answers(AT, "PRIMARY", false).await),
        21 => ("add a member", by.add_member(AT, &home("u-stranger")).await),
        22 => ("with a role", by.add_member_with(AT, &home("u-stranger"), &[role("r-strong")]).await),
        23 => ("with a group", by.add_member_with(AT, &home("u-stranger"), &[group("g-strong")]).await),
        24 => ("with what is empty", by.add_member_with(AT, &home("u-stranger"), &[group("g-plain")]).await),
        25 => ("remove a member", by.remove_member(AT, &friend).await),
        26 => ("remove the boss", by.remove_member(AT, &home("u-boss")).await),
        27 => ("make a group", by.create_group(AT, "g-new", Target::default()).await),
        28 => ("make a strong role", by.create_role(AT, "r-new", strong(Rights::all())).await),
        29 => ("make a role", by.create_role(AT, "r-new", strong(right)).await),
        30 => ("rename a role", by.rename_target(AT, &role("r-strong"), "Harmless").await),
        31 => ("delete a strong role", by.delete_role(AT, "r-strong").await),
        32 => ("delete a role", by.delete_role(AT, "r-empty").await),
        33 => ("delete a strong group", by.delete_group(AT, "g-strong").await),
        34 => ("delete a group", by.delete_group(AT, "g-plain").await),
        35 => ("give a strong role", by.add_grant(AT, &friend, &role("r-strong")).await),
        36 => ("give it to oneself", by.add_grant(AT, &home("u-clerk"), &role("administrator")).await),
        37 => ("give a strong group", by.add_grant(AT, &friend, &group("g-strong")).await),
        38 => ("give one's own role", by.add_grant(AT, &friend, &role("r-one")).await),
        39 => ("take one's own role", by.remove_grant(AT, &home("u-clerk"), &role("r-one")).await),
        40 => ("take a strong role", by.remove_grant(AT, &home("u-boss"), &role("administrator")).await),
        41 => ("widen one's own role", by.set_role_rights(AT, "r-one", Rights::all()).await),
        42 => ("widen another", by.set_role_rights(AT, "r-empty", Rights::all()).await),
        43 => ("widen by one's own", by.set_role_rights(AT, "r-empty", right).await),
        44 => ("narrow a strong role", by.set_role_rights(AT, "r-strong", right).await),
        45 => ("assign a strong role", by.assign_role(AT, "r-strong", &g_plain).await),
        46 => ("assign one's own", by.assign_role(AT, "r-one", &g_plain).await),
        47 => ("to a client", by.assign_role(AT, "r-strong", &Assignee::Client("bot".into())).await),
        48 => ("unassign", by.unassign_role(AT, "r-empty", &g_plain).await),
        49 => (
            "unassign a strong role",
            by.unassign_role(AT, "r-strong", &Assignee::Client("robot".into())).await,
        ),
        50 => ("lease a strong role", by.lease_roles(AT, &friend, "sso", &strong_role, LONG).await),
        51 => ("lease one's own", by.lease_roles(AT, &friend, "sso", &["r-one".to_owned()], LONG).await),
        52 => ("end leases", by.end_leases(AT, &home("u-boss"), "sso").await),
        53 => ("permit everything", by.set_permissions(AT, who, all).await),
        54 => ("permit one's own", by.set_permissions(AT, who, right.permissions).await),
        55 => ("permit a client", by.set_permissions(AT, Principal::Client("bot".into()), all).await),
        56 => (
            "take a client's",
            by.set_permissions(AT, Principal::Client("hr".into()), right.permissions).await,
        ),
        57 => ("settings", by.set_settings(AT, default_settings()).await),
        58 => ("some settings", by.change_settings(AT, &SettingsPatch::default()).await),
        59 => ("policy", by.set_policy(AT, Vec::new()).await),
        60 => {
            let _ = by.delete_role(AT, "r-strong").await;
            ("delete and make a role", by.create_role(AT, "r-strong", strong(Rights::all())).await)
        }
        61 => {
            let _ = by.delete_group(AT, "g-strong").await;
            let _ = by.create_group(AT, "g-strong", Target::default()).await;
            ("delete, make and give a group", by.add_grant(AT, &friend, &group("g-strong")).await)
        }
        62 => {
            let _ = by.remove_member(AT, &home("u-boss")).await;
            ("remove and add", by.add_member_with(AT, &home("u-boss"), &[role("administrator")]).await)
        }
        63 => {
            let _ = by.assign_role(AT, "r-empty", &Assignee::Client("bot".into())).await;
            ("assign, then widen", by.set_role_rights(AT, "r-empty", Rights::all()).await)
        }
        64 => {
            let _ = by.add_grant(AT, &friend, &role("r-empty")).await;
            let _ = by.assign_role(AT, "r-strong", &g_plain).await;
            ("through what is empty", by.set_role_rights(AT, "r-empty", Rights::all()).await)
        }
        _ => return None,
    })
}

const WRITES: usize = 65;

type Everybody = BTreeMap<(String, String), Rights>;

/// What everybody may do everywhere.
async fn everybody(database: &Database) -> Everybody {
    let people = [
        home("u-clerk"),
        home("u-friend"),
        home("u-boss"),
        home("u-lost"),
        home("u-stranger"),
        user("acme", "u-ann"),
        user("acme", "u-sleeper"),
        user("acme", "u-abroad"),
        user("acme", "u-direct"),
        user("acme", "u-plain"),
        user("acme", "u-new"),
        user("child", "u-kid"),
        user("stronghold", "u-lord"),
    ];
    let clients = ["robot", "hr", "bot"].map(|id| Principal::Client(id.into()));
    let mut all = Everybody::new();
    for who in people.map(Principal::User).into_iter().chain(clients) {
        for place in ["home", "acme", "other", "child", "stronghold", "new"] {
            let rights = database.people().rights(place, &who).await.unwrap();
            all.insert((place.to_owned(), format!("{who:?}")), rights.unwrap_or_default());
        }
    }
    all
}

#[tokio::test]
async fn no_write_under_any_single_right_leads_up() {
    let place = Place::new(Clock::default()).await;
    let database = place.open().await;
    let world = MemoryHost::from_yaml(WORLD).unwrap().realm();
    let clerk = Principal::User(home("u-clerk"));
    let single = Rights::each().map(|(_, right)| right);
    let mut tried = BTreeMap::<&str, (usize, usize)>::new();
    for right in single.chain([Rights::empty(), Rights::all()]) {
        let mut world = world.clone();
        let roles = &mut world.organizations.get_mut("acme").unwrap().roles;
        roles.get_mut("r-one").unwrap().rights = right;
        let mut before = None;
        for number in 0..WRITES {
            let before = match &before {
                Some(known) => known,
                None => {
                    database.load(&world).await.unwrap();
                    before.insert(everybody(&database).await)
                }
            };
            assert_eq!(before[&("acme".to_owned(), format!("{clerk:?}"))], right);
            let by = database.administration().acting_as(clerk.clone(), HostPermissions::empty(), "request");
            let events = database.dump().await.unwrap().audit.len();
            let (name, done) = write(&by, number, right).await.expect("there are so many");
            let known = tried.entry(name).or_default();
            if done.is_ok() {
                known.0 += 1
            } else {
                known.1 += 1
            }
            let realm = database.dump().await.unwrap();
            if realm.audit.len() == events {
                continue;
            }
            let after = everybody(&database).await;
            for (of, now) in &after {
                let was = before[of];
                let gained = now.without(was);
                assert!(right.contains(gained), "{name} with `{right}`: {of:?} has got `{gained}`");
                // Nor does anybody fall: who is weaker than the actor is no harder to get at.
                let lost = was.without(*now);
                assert!(right.contains(lost), "{name} with `{right}`: {of:?} has lost `{lost}`");
            }
            database.load(&world).await.unwrap();
        }
    }
    assert!(write(&database.administration(), WRITES, Rights::empty()).await.is_none(), "none is left out");
    // Whoever may everything could do each of them, and whoever may nothing could not do what is about rights.
    let never: Vec<_> = tried.iter().filter(|(_, (done, _))| *done == 0).map(|(name, _)| *name).collect();
    assert!(never.is_empty(), "never done: {never:?}");
    let refused = tried.values().filter(|(_, refused)| *refused > 0).count();
    assert!(refused > 30, "{tried:?}");
}
