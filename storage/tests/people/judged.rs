//! Passwords, identities and clients that somebody looks after on behalf of others.

use guestlist_contract::{
    rights::{HostPermissions, Rights},
    types::{Principal, UserRef},
};
use guestlist_memory::{Assignee, MemoryHost};
use guestlist_storage::{
    AccountError, Accounts, Actor, AdministrationError, Clock, Database, Identity, NewClient, NewOrganization,
};

use super::both::{Place, user};

/// `clerk` looks after people and roles. `weak` may do less than they, `chief` more, and `abroad` elsewhere.
const WORLD: &str = r#"
organizations:
  - id: home
    users: [{ id: u-x, name: x }]
  - id: acme
    parent: home
    users:
      - { id: u-clerk, name: clerk }
      - { id: u-weak, name: weak }
      - { id: u-chief, name: chief }
      - { id: u-abroad, name: abroad }
    roles:
      - { id: r-clerk, permissions: [manage-people, manage-roles, view], members: [u-clerk] }
      - { id: r-view, permissions: [view], members: [u-weak] }
      - { id: r-chief, permissions: [invite], members: [u-chief] }
  - id: other
    parent: acme
    users: [{ id: o-abroad, name: abroad, resident: acme/u-abroad }]
    roles: [{ id: r-other, permissions: [invite], members: [o-abroad] }]
"#;

const PHC: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA";

struct Scene {
    database: Database,
    _place: Place,
}

impl Scene {
    async fn new() -> Self {
        let place = Place::new(Clock::default()).await;
        let database = place.open().await;
        database.load(&MemoryHost::from_yaml(WORLD).unwrap().realm()).await.unwrap();
        Self { database, _place: place }
    }

    fn people(&self) -> Accounts {
        self.database.accounts().judged(HostPermissions::MANAGE_PEOPLE, Rights::all())
    }

    fn clients(&self) -> Accounts {
        self.database.accounts().judged(HostPermissions::MANAGE_ROLES, Rights::all())
    }
}

fn clerk() -> Actor {
    let who = Principal::User(user("acme", "u-clerk"));
    Actor { who, request_id: "r-1".into(), operation: "manage-people".into() }
}

fn new_client(id: &str) -> NewClient {
    NewClient { id: id.into(), name: id.into(), secret: [1; 32], lifetime: None }
}

#[track_caller]
fn lacks<T: std::fmt::Debug + PartialEq>(done: Result<T, AccountError>, words: &[&str]) {
    let lacking = Rights::of_words(words.iter().copied()).unwrap();
    assert_eq!(done, Err(AccountError::NotPermitted { organization: "acme".into(), lacking }));
}

#[tokio::test]
async fn nobody_signs_in_as_somebody_stronger() {
    let scene = Scene::new().await;
    let identity = Identity { issuer: "https://id.example".into(), subject: "s".into() };
    let (people, actor) = (scene.people(), clerk());
    for (account, lacking) in [(user("acme", "u-chief"), "invite"), (user("acme", "u-abroad"), "invite")] {
        lacks(people.set_password(&actor, &account, PHC).await, &[lacking]);
        lacks(people.remove_password(&actor, &account).await, &[lacking]);
        lacks(people.link_identity(&actor, &account, &identity).await, &[lacking]);
        lacks(people.unlink_identity(&actor, &account, &identity).await, &[lacking]);
        assert!(scene.database.accounts().identities_of(&account).await.unwrap().is_empty());
    }
    let weak = user("acme", "u-weak");
    people.set_password(&actor, &weak, PHC).await.unwrap();
    people.link_identity(&actor, &weak, &identity).await.unwrap();
    assert!(people.unlink_identity(&actor, &weak, &identity).await.unwrap());
    assert!(people.remove_password(&actor, &weak).await.unwrap());
    // A token that lets through less than its holder has.
    let narrow = scene
        .database
        .accounts()
        .judged(HostPermissions::MANAGE_PEOPLE, HostPermissions::MANAGE_PEOPLE.into());
    lacks(narrow.set_password(&actor, &weak, PHC).await, &["view"]);
    let nobody = Actor { who: Principal::User(weak.clone()), ..actor };
    lacks(people.set_password(&nobody, &weak, PHC).await, &["manage-people"]);
    // The server itself is not asked.
    let chief = user("acme", "u-chief");
    scene.database.accounts().set_password(&nobody, &chief, PHC).await.unwrap();
}

#[tokio::test]
async fn nobody_gets_the_secret_of_a_stronger_client() {
    let scene = Scene::new().await;
    let (clients, actor) = (scene.clients(), clerk());
    clients.create_client(&actor, "acme", &new_client("c-weak")).await.unwrap();
    clients.create_client(&actor, "acme", &new_client("c-strong")).await.unwrap();
    let assignee = Assignee::Client("c-strong".into());
    scene.database.administration().assign_role("other", "r-other", &assignee).await.unwrap();
    lacks(clients.rotate_client_secret(&actor, "acme", "c-strong", &[2; 32], None).await, &["invite"]);
    lacks(clients.revoke_client(&actor, "acme", "c-strong").await, &["invite"]);
    // Nor makes one of an id that was given rights before.
    let early = Assignee::Client("c-early".into());
    scene.database.administration().assign_role("acme", "r-chief", &early).await.unwrap();
    lacks(clients.create_client(&actor, "acme", &new_client("c-early")).await, &["invite"]);
    clients.rotate_client_secret(&actor, "acme", "c-weak", &[2; 32], None).await.unwrap();
    clients.revoke_client(&actor, "acme", "c-weak").await.unwrap();
}

#[tokio::test]
async fn an_organization_has_its_handle_from_the_beginning_or_is_not_made() {
    let scene = Scene::new().await;
    let host = scene.database.administration();
    let new = |id: &str| NewOrganization {
        id: id.into(),
        name: id.into(),
        parent: Some("acme".into()),
        utc_offset_minutes: 0,
    };
    let chief: UserRef = user("acme", "u-chief");
    host.create_standard_organization_with_handle(new("one"), "shop", Some(&chief)).await.unwrap();
    let accounts = scene.database.accounts();
    let found = accounts.organization_by_handle("home", "shop").await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.handle.as_deref()), ("one", Some("shop")));
    for handle in ["shop", "No Handle"] {
        let error = host.create_standard_organization_with_handle(new("two"), handle, Some(&chief)).await;
        assert!(matches!(error, Err(AdministrationError::Impossible(_))), "{error:?}");
    }
    assert_eq!(accounts.organization_by_handle("home", "two").await.unwrap(), None);
    let page = guestlist_storage::PageOf::default();
    let places = scene.database.reading().memberships("home", &chief, &page).await.unwrap().items;
    let places: Vec<_> = places.iter().map(|row| row.organization.id.as_str()).collect();
    assert_eq!(places, ["acme", "one"]);
}
