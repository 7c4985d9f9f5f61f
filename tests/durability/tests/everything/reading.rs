//! Lists of somebody who looks after organizations. Each page is full, however few there are.

use guestlist_contract::{
    audit::EventKind,
    types::{Grant, GrantKind, Principal},
};
use guestlist_durability::world;
use guestlist_storage::{
    AccountError, Database, Listed, NewOrganization, Organizations, PageOf, PeopleFilter, TrailFilter,
};

/// A page of so many, and the one after it, where there is one.
async fn two<T, F: Future<Output = Result<Listed<T>, AccountError>>>(limit: u32, page: impl Fn(PageOf) -> F) {
    let first = page(PageOf { limit, after: None }).await.unwrap();
    assert_eq!(first.items.len(), limit as usize);
    if first.next.is_some() {
        page(PageOf { limit, after: first.next }).await.unwrap();
    }
}

/// Does it, and tells `was` after each list what it was.
pub async fn done(database: &Database, was: &impl Fn(&'static str)) {
    let (reading, organization) = (&database.reading(), &world::child(0));
    // Two pages of each list of organizations, in a database with one as well.
    for (id, parent) in
        [("a", None), ("b", None), ("c", None), ("d", Some("root")), ("e", Some("d")), ("f", Some("d"))]
    {
        let (id, name, parent) = (id.to_owned(), id.to_owned(), parent.map(str::to_owned));
        let new = NewOrganization { id, name, parent, utc_offset_minutes: 0 };
        database.administration().create_organization(new).await.unwrap();
    }
    // Cursors have a key, which is read once.
    reading.clients(organization, &PageOf::default()).await.unwrap();
    was("the beginning of lists");
    for which in [
        Organizations::Roots,
        Organizations::Children(world::PARENT.into()),
        Organizations::Below(world::PARENT.into()),
    ] {
        let which = &which;
        two(1, |page| async move { reading.organizations(which, &page).await }).await;
    }
    was("organizations");
    let all = PeopleFilter::default();
    let some = |text: &str| Some(text.to_owned());
    for (limit, filter) in [
        (50, all.clone()),
        (5, PeopleFilter { name_prefix: some("person-1"), ..all.clone() }),
        (1, PeopleFilter { name: some("person-17"), ..all.clone() }),
        (1, PeopleFilter { email: some("person-17@root.example"), ..all.clone() }),
        (50, PeopleFilter { group: some("g-all"), ..all.clone() }),
        (1, PeopleFilter { name: some("person-17"), group: some("g-all"), ..all.clone() }),
    ] {
        let filter = &filter;
        two(limit, |page| async move { reading.people(world::PARENT, filter, &page).await }).await;
    }
    was("people");
    let account = world::resident(17);
    assert_eq!(reading.person(world::PARENT, &account.id).await.unwrap().unwrap().held.len(), 1);
    assert!(reading.person_of(world::PARENT, &account).await.unwrap().is_some());
    was("person");
    let kind = GrantKind::Group;
    two(1, |page| async move { reading.targets(organization, kind, None, &page).await }).await;
    two(1, |page| async move { reading.targets(organization, kind, Some("g-"), &page).await }).await;
    two(2, |page| async move { reading.clients(organization, &page).await }).await;
    was("targets");
    let all = TrailFilter::default();
    let created = Some(EventKind::InvitationCreated);
    for filter in [
        all.clone(),
        TrailFilter { kind: created, ..all.clone() },
        TrailFilter { actor: Some(world::admin(organization, 1)), ..all.clone() },
        TrailFilter { from: Some(1), until: Some(9_000_000_000_000_000), ..all.clone() },
        TrailFilter { kind: created, from: Some(1), ..all.clone() },
    ] {
        let filter = &filter;
        two(20, |page| async move { reading.trail(organization, filter, &page).await }).await;
    }
    was("trail");
    let accounts: Vec<_> = (0..50).map(world::resident).collect();
    assert!(reading.names_of_accounts(&accounts).await.unwrap().iter().all(Option::is_some));
    let grants = world::GROUPS.map(|id| Grant { kind, id: id.into() });
    assert!(reading.names_of_grants(organization, &grants).await.unwrap().iter().all(Option::is_some));
    let organizations = [organization.clone(), world::PARENT.to_owned()];
    assert!(reading.names_of_organizations(&organizations).await.unwrap().iter().all(Option::is_some));
    was("names");
    let invitation = TrailFilter { invitation: Some("none".into()), ..all };
    reading.trail(organization, &invitation, &PageOf::default()).await.unwrap();
    let nobody = TrailFilter { actor: Some(Principal::Anonymous), ..TrailFilter::default() };
    reading.trail(organization, &nobody, &PageOf::default()).await.unwrap();
    was("trail of nothing");
}
