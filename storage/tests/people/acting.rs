//! An administration that acts on behalf of somebody, and what nobody can lose.

use guestlist_contract::{
    audit::EventKind,
    rights::{HostPermissions, Rights},
    types::{Grant, Principal, UserRef},
};
use guestlist_memory::{Assignee, EventError, MemoryHost, NewUser, Role, Target};
use guestlist_storage::{
    ADMINISTRATOR, Administration, AdministrationError, Clock, Database, NewOrganization, standard_roles,
};

use super::both::{Place, group, role, user};

/// `clerk` looks after people in `acme`, and `boss` is its administrator. `abroad` is weak there and strong elsewhere.
const WORLD: &str = r#"
organizations:
  - id: home
    users:
      - { id: u-boss, name: boss }
      - { id: u-clerk, name: clerk }
      - { id: u-friend, name: friend }
      - { id: u-stranger, name: stranger }
  - id: acme
    parent: home
    users: [{ id: u-ann, name: ann }, { id: u-abroad, name: abroad }, { id: u-plain, name: plain }]
    members: [u-boss, u-clerk, u-friend]
    groups: [{ id: g-plain }, { id: g-chiefs }]
    roles:
      - { id: administrator, permissions: [all], standard: true, members: [u-boss] }
      - { id: r-clerk, permissions: [manage-people, view], members: [u-clerk] }
      - { id: r-view, permissions: [view] }
      - { id: r-approve, permissions: [approve], groups: [g-chiefs], members: [u-ann] }
  - id: other
    parent: home
    users: [{ id: o-abroad, name: abroad, resident: acme/u-abroad }]
    roles: [{ id: r-other, permissions: [invite], members: [o-abroad] }]
  - id: child
    parent: acme
    users: [{ id: u-kid, name: kid }]
"#;

struct Scene {
    database: Database,
    place: Place,
}

impl Scene {
    async fn new() -> Self {
        let place = Place::new(Clock::default()).await;
        let database = place.open().await;
        database.load(&MemoryHost::from_yaml(WORLD).unwrap().realm()).await.unwrap();
        Self { database, place }
    }

    fn host(&self) -> Administration {
        self.database.administration()
    }

    fn clerk(&self) -> Administration {
        self.host().acting_as(Principal::User(clerk()), HostPermissions::MANAGE_PEOPLE, "request-7")
    }

    fn boss(&self) -> Administration {
        self.host().acting_as(Principal::User(boss()), HostPermissions::MANAGE_PEOPLE, "request-8")
    }

    /// The boss and Ann are administrators.
    async fn with_two() -> Self {
        let scene = Self::new().await;
        scene.host().add_grant("acme", &ann(), &administrators()).await.unwrap();
        scene
    }
}

fn boss() -> UserRef {
    user("home", "u-boss")
}

fn clerk() -> UserRef {
    user("home", "u-clerk")
}

fn friend() -> UserRef {
    user("home", "u-friend")
}

fn ann() -> UserRef {
    user("acme", "u-ann")
}

fn administrators() -> Grant {
    role(ADMINISTRATOR)
}

fn rights(words: &[&str]) -> Rights {
    Rights::of_words(words.iter().copied()).unwrap()
}

fn new_user(id: &str) -> NewUser {
    NewUser { id: id.into(), name: id.into(), store: None, email: None }
}

fn new(id: &str, parent: Option<&str>) -> NewOrganization {
    NewOrganization {
        id: id.into(),
        name: id.into(),
        parent: parent.map(str::to_owned),
        utc_offset_minutes: 0,
    }
}

/// What the actor is told to lack in `acme`.
#[track_caller]
fn lacks(done: Result<(), AdministrationError>, words: &[&str]) {
    let lacking = rights(words);
    assert_eq!(done, Err(AdministrationError::NotPermitted { organization: "acme".into(), lacking }));
}

#[track_caller]
fn last(done: Result<(), AdministrationError>) {
    assert_eq!(done, Err(AdministrationError::LastAdministrator("acme".into())));
}

#[tokio::test]
async fn what_the_operation_needs_is_asked_in_the_commit_and_the_trail_names_the_actor() {
    let scene = Scene::new().await;
    scene.clerk().add_user("acme", new_user("u-new")).await.unwrap();
    let event = scene.database.dump().await.unwrap().audit.pop().unwrap();
    assert_eq!((event.kind, event.request_id.as_str()), (EventKind::WorldUserAdded, "request-7"));
    assert_eq!(event.actor, Principal::User(clerk()));
    let roles = scene.host().acting_as(Principal::User(clerk()), HostPermissions::MANAGE_ROLES, "r");
    lacks(roles.create_group("acme", "g", Target::default()).await, &["manage-roles"]);
    // By now they may no longer.
    let acting = scene.clerk();
    scene.host().remove_grant("acme", &clerk(), &role("r-clerk")).await.unwrap();
    lacks(acting.add_user("acme", new_user("u-newer")).await, &["manage-people"]);
    for nobody in [Principal::Anonymous, Principal::System, Principal::Client("x".into())] {
        let acting = scene.host().acting_as(nobody, HostPermissions::MANAGE_PEOPLE, "r");
        lacks(acting.add_user("acme", new_user("u-newer")).await, &["manage-people"]);
    }
    let gone = scene.clerk().add_user("nowhere", new_user("u")).await;
    assert_eq!(gone, Err(EventError::NoOrganization("nowhere".into()).into()));
    let before = scene.database.dump().await.unwrap().audit.len();
    assert_eq!(before, 2, "what was refused left nothing");
}

#[tokio::test]
async fn nobody_gives_a_right_that_they_lack() {
    let scene = Scene::new().await;
    let clerk_ = scene.clerk();
    clerk_.add_grant("acme", &friend(), &role("r-view")).await.unwrap();
    clerk_.add_grant("acme", &friend(), &group("g-plain")).await.unwrap();
    lacks(clerk_.add_grant("acme", &friend(), &role("r-approve")).await, &["approve"]);
    lacks(clerk_.add_grant("acme", &clerk(), &group("g-chiefs")).await, &["approve"]);
    lacks(clerk_.assign_role("acme", "r-approve", &Assignee::Group("g-plain".into())).await, &["approve"]);
    lacks(clerk_.assign_role("acme", "r-approve", &Assignee::Client("c".into())).await, &["approve"]);
    clerk_.assign_role("acme", "r-view", &Assignee::Group("g-plain".into())).await.unwrap();
    lacks(clerk_.set_role_rights("acme", "r-view", rights(&["view", "invite"])).await, &["invite"]);
    clerk_.set_role_rights("acme", "r-view", rights(&["view", "manage-people"])).await.unwrap();
    let all = Role { rights: Rights::all(), ..Role::default() };
    let without_own = Rights::all().without(rights(&["view", "manage-people"]));
    let refused = AdministrationError::NotPermitted { organization: "acme".into(), lacking: without_own };
    assert_eq!(clerk_.create_role("acme", "r-new", all).await, Err(refused));
    let stranger = user("home", "u-stranger");
    lacks(clerk_.add_member_with("acme", &stranger, &[group("g-chiefs")]).await, &["approve"]);
    clerk_.add_member_with("acme", &stranger, &[group("g-plain")]).await.unwrap();
    let roles = ["r-approve".to_owned()];
    lacks(clerk_.lease_roles("acme", &friend(), "sso", &roles, u64::MAX >> 1).await, &["approve"]);
    let who = Principal::User(friend());
    lacks(clerk_.set_permissions("acme", who, rights(&["resend"]).permissions).await, &["resend"]);
    let events: Vec<_> =
        scene.database.dump().await.unwrap().audit.into_iter().map(|event| event.kind).collect();
    let ends = [EventKind::WorldMemberAdded, EventKind::WorldGrantAdded];
    assert!(events.ends_with(&ends), "{events:?}");
}

/// What somebody could not give they do not take away either: it would make them stronger than others.
#[tokio::test]
async fn nobody_takes_a_right_that_they_lack() {
    let scene = Scene::new().await;
    let clerk_ = scene.clerk();
    lacks(clerk_.remove_grant("acme", &ann(), &role("r-approve")).await, &["approve"]);
    lacks(clerk_.unassign_role("acme", "r-approve", &Assignee::Group("g-chiefs".into())).await, &["approve"]);
    lacks(clerk_.set_role_rights("acme", "r-approve", Rights::empty()).await, &["approve"]);
    lacks(clerk_.delete_role("acme", "r-approve").await, &["approve"]);
    lacks(clerk_.delete_group("acme", "g-chiefs").await, &["approve"]);
    clerk_.delete_group("acme", "g-plain").await.unwrap();
    scene.boss().delete_group("acme", "g-chiefs").await.unwrap();
}

#[tokio::test]
async fn nobody_lays_hands_on_somebody_who_is_stronger() {
    let scene = Scene::new().await;
    let clerk_ = scene.clerk();
    for (who, stronger) in [("u-ann", "approve"), ("u-abroad", "invite")] {
        lacks(clerk_.set_user_email("acme", who, Some("me@example.com")).await, &[stronger]);
        lacks(clerk_.rename_user("acme", who, "mine").await, &[stronger]);
        lacks(clerk_.set_user_active("acme", who, false).await, &[stronger]);
        lacks(clerk_.remove_user("acme", who).await, &[stronger]);
    }
    assert!(matches!(
        clerk_.remove_member("acme", &boss()).await,
        Err(AdministrationError::NotPermitted { .. })
    ));
    clerk_.set_user_email("acme", "u-plain", Some("plain@example.com")).await.unwrap();
    clerk_.set_user_active("acme", "u-plain", false).await.unwrap();
    clerk_.remove_user("acme", "u-plain").await.unwrap();
    clerk_.remove_member("acme", &friend()).await.unwrap();
    // Who does not work at present is no weaker: they are enabled again.
    scene.host().set_user_active("acme", "u-ann", false).await.unwrap();
    lacks(clerk_.set_user_email("acme", "u-ann", Some("me@example.com")).await, &["approve"]);
    lacks(clerk_.set_user_active("acme", "u-ann", true).await, &["approve"]);
    // Nor is somebody with a direct permission in an organization where they are no member.
    let kid = Principal::User(user("child", "u-kid"));
    scene.host().set_permissions("other", kid, rights(&["invite"]).permissions).await.unwrap();
    scene
        .host()
        .set_permissions("child", Principal::User(clerk()), rights(&["view"]).permissions)
        .await
        .unwrap();
    let in_child = scene.host().acting_as(Principal::User(clerk()), HostPermissions::empty(), "r");
    let refused = in_child.rename_user("child", "u-kid", "mine").await;
    let lacking = rights(&["invite"]);
    assert_eq!(refused, Err(AdministrationError::NotPermitted { organization: "child".into(), lacking }));
    scene.boss().set_user_email("acme", "u-ann", Some("ann@example.com")).await.unwrap();
}

#[tokio::test]
async fn organizations_are_made_moved_and_deleted_by_who_may_above_them() {
    let scene = Scene::new().await;
    let by = |who: UserRef| {
        scene.host().acting_as(Principal::User(who), HostPermissions::MANAGE_ORGANIZATIONS, "request-9")
    };
    lacks(by(clerk()).create_organization(new("deep", Some("acme"))).await, &["manage-organizations"]);
    by(boss()).create_standard_organization(new("deep", Some("acme")), Some(&friend())).await.unwrap();
    let who = Principal::User(friend());
    assert_eq!(scene.database.people().rights("deep", &who).await.unwrap(), Some(Rights::all()));
    let impossible = |done: Result<(), AdministrationError>| {
        assert!(matches!(done, Err(AdministrationError::Impossible(_))), "{done:?}");
    };
    impossible(by(boss()).create_organization(new("root-too", None)).await);
    impossible(by(boss()).move_organization("deep", None).await);
    impossible(by(boss()).delete_organization("deep").await);
    let elsewhere = by(boss()).move_organization("deep", Some("other")).await;
    let lacking = rights(&["manage-organizations"]);
    assert_eq!(elsewhere, Err(AdministrationError::NotPermitted { organization: "other".into(), lacking }));
    by(boss()).move_organization("deep", Some("acme")).await.unwrap();
    by(boss()).set_organization_active("deep", false).await.unwrap();
    by(boss()).delete_organization("deep").await.unwrap();
    // Who may make organizations, and no more, makes nobody an administrator of one.
    let above = Role { rights: lacking, ..Role::default() };
    scene.host().create_role("acme", "r-above", above).await.unwrap();
    scene.host().add_grant("acme", &friend(), &role("r-above")).await.unwrap();
    let refused =
        by(friend()).create_standard_organization(new("deeper", Some("acme")), Some(&friend())).await;
    assert!(matches!(refused, Err(AdministrationError::NotPermitted { .. })), "{refused:?}");
    by(friend()).create_standard_organization(new("deeper", Some("acme")), None).await.unwrap();
    by(friend()).set_organization_active("child", false).await.unwrap();
    by(friend()).delete_organization("child").await.unwrap();
}

/// With an organization go the people who are in it.
#[tokio::test]
async fn nobody_deletes_an_organization_of_people_who_are_stronger() {
    let scene = Scene::new().await;
    let lacking = rights(&["manage-organizations"]);
    scene.host().create_role("acme", "r-above", Role { rights: lacking, ..Role::default() }).await.unwrap();
    scene.host().add_grant("acme", &friend(), &role("r-above")).await.unwrap();
    scene.host().set_organization_active("child", false).await.unwrap();
    let acting =
        scene.host().acting_as(Principal::User(friend()), HostPermissions::MANAGE_ORGANIZATIONS, "r");
    let kid = user("child", "u-kid");
    // As a guest elsewhere; by a group there; by a lease; directly, there and at home.
    scene.host().add_member_with("other", &kid, &[role("r-other")]).await.unwrap();
    lacks(acting.delete_organization("child").await, &["invite"]);
    scene.host().remove_grant("other", &kid, &role("r-other")).await.unwrap();
    scene.host().create_group("other", "g", Target::default()).await.unwrap();
    scene.host().assign_role("other", "r-other", &Assignee::Group("g".into())).await.unwrap();
    scene.host().add_grant("other", &kid, &group("g")).await.unwrap();
    lacks(acting.delete_organization("child").await, &["invite"]);
    scene.host().remove_grant("other", &kid, &group("g")).await.unwrap();
    scene.host().lease_roles("other", &kid, "sso", &["r-other".into()], u64::MAX >> 1).await.unwrap();
    lacks(acting.delete_organization("child").await, &["invite"]);
    scene.host().end_leases("other", &kid, "sso").await.unwrap();
    for place in ["other", "child"] {
        let who = Principal::User(kid.clone());
        scene.host().set_permissions(place, who.clone(), rights(&["revoke"]).permissions).await.unwrap();
        lacks(acting.delete_organization("child").await, &["revoke"]);
        scene.host().set_permissions(place, who, Rights::empty().permissions).await.unwrap();
    }
    acting.delete_organization("child").await.unwrap();
}

#[tokio::test]
async fn a_standard_organization_has_its_roles_and_an_administrator() {
    let scene = Scene::new().await;
    scene.host().create_standard_organization(new("new", None), Some(&friend())).await.unwrap();
    let realm = scene.database.dump().await.unwrap();
    let mut roles = realm.organizations["new"].roles.clone();
    for (id, standard) in standard_roles() {
        assert_eq!(roles.remove(id), Some(standard));
    }
    assert!(roles.is_empty());
    let events: Vec<_> = realm.audit.iter().map(|event| event.text()).collect();
    let roles = ["world.role-created"; 4];
    let expected =
        [&["world.organization-created"], &roles[..], &["world.member-added", "world.grant-added"]].concat();
    assert_eq!(events, expected);
    let own = scene.host().create_standard_organization(new("newer", None), Some(&user("newer", "u"))).await;
    assert!(matches!(own, Err(AdministrationError::Impossible(EventError::NoUser { .. }))), "{own:?}");
    let missing =
        scene.host().create_standard_organization(new("newest", None), Some(&user("home", "u"))).await;
    assert!(
        matches!(missing, Err(AdministrationError::Impossible(EventError::NoUser { .. }))),
        "{missing:?}"
    );
    let left = scene.database.dump().await.unwrap().organizations;
    assert!(!left.contains_key("newer") && !left.contains_key("newest"), "nothing of it was made");
}

#[tokio::test]
async fn the_last_administrator_is_not_lost_by_any_way() {
    let scene = Scene::new().await;
    let host = scene.host();
    let lost = async || {
        last(host.remove_grant("acme", &boss(), &administrators()).await);
        last(host.remove_member("acme", &boss()).await);
        last(host.delete_role("acme", ADMINISTRATOR).await);
        last(host.set_role_rights("acme", ADMINISTRATOR, rights(&["invite"])).await);
        last(host.remove_user("home", "u-boss").await);
        last(host.set_user_active("home", "u-boss", false).await);
        last(host.delete_organization("home").await);
        let local = scene.database.dump().await.unwrap().organizations["acme"]
            .people
            .iter()
            .find_map(|(id, person)| (person.account == boss()).then(|| id.clone()));
        let local = local.unwrap();
        last(host.set_user_active("acme", &local, false).await);
        last(host.remove_user("acme", &local).await);
    };
    lost().await;
    // What an issuer says, and who is disabled, do not count.
    host.lease_roles("acme", &ann(), "sso", &[ADMINISTRATOR.into()], u64::MAX >> 1).await.unwrap();
    host.add_grant("acme", &user("acme", "u-plain"), &administrators()).await.unwrap();
    host.set_user_active("acme", "u-plain", false).await.unwrap();
    lost().await;
    // By a group they do.
    host.assign_role("acme", ADMINISTRATOR, &Assignee::Group("g-chiefs".into())).await.unwrap();
    host.add_grant("acme", &ann(), &group("g-chiefs")).await.unwrap();
    host.remove_grant("acme", &boss(), &administrators()).await.unwrap();
    last(host.remove_grant("acme", &ann(), &group("g-chiefs")).await);
    last(host.delete_group("acme", "g-chiefs").await);
    last(host.unassign_role("acme", ADMINISTRATOR, &Assignee::Group("g-chiefs".into())).await);
    last(host.remove_user("acme", "u-ann").await);
    last(host.delete_role("acme", ADMINISTRATOR).await);
    // The organization itself may go.
    host.delete_organization("acme").await.unwrap();
}

#[tokio::test]
async fn an_administrator_goes_where_another_stays() {
    let scene = Scene::with_two().await;
    let host = scene.host();
    host.remove_member("acme", &boss()).await.unwrap();
    last(host.remove_user("acme", "u-ann").await);
    // Nobody else is kept, and no other organization has one to lose.
    host.remove_user("acme", "u-plain").await.unwrap();
    host.delete_role("other", "r-other").await.unwrap();
    let told = host.remove_user("acme", "u-ann").await.unwrap_err().to_string();
    assert_eq!(told, "organization `acme` would lose its last administrator; make somebody else one first");
}

/// Each sees the other one stay.
#[tokio::test]
async fn of_two_who_take_the_last_two_administrators_away_one_is_refused() {
    for round in 0..8 {
        let scene = Scene::with_two().await;
        let (one, other) = (scene.place.open().await.administration(), scene.host());
        let (boss, ann) = (boss(), administrators());
        let first = one.remove_grant("acme", &boss, &ann);
        let second = async {
            match round % 4 {
                0 => other.remove_user("acme", "u-ann").await,
                1 => other.set_user_active("acme", "u-ann", false).await,
                2 => other.remove_grant("acme", &user("acme", "u-ann"), &administrators()).await,
                _ => other.delete_role("acme", ADMINISTRATOR).await,
            }
        };
        let (first, second) = tokio::join!(first, second);
        let refused = [first.clone(), second.clone()]
            .into_iter()
            .filter(|done| matches!(done, Err(AdministrationError::LastAdministrator(_))))
            .count();
        assert_eq!(refused, 1, "{round}: {first:?}, {second:?}");
    }
}
