//! Lists, a page at a time.

use guestlist_contract::{
    audit::EventKind,
    types::{GrantKind, Principal},
};
use guestlist_storage::{
    AccountError, Listed, NewClient, OrganizationRow, Organizations, PageOf, PeopleFilter, PersonRow,
    TrailFilter,
};

use super::desk::{Desk, actor, ann, digest, group, role, user};

fn of(limit: u32, after: Option<String>) -> PageOf {
    PageOf { limit, after }
}

/// All rows of a list, by pages of this size; each but the last is full.
async fn walk<T, F: Future<Output = Result<Listed<T>, AccountError>>>(
    limit: u32,
    page: impl Fn(PageOf) -> F,
) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let listed = page(of(limit, after)).await.unwrap();
        let is_last = listed.next.is_none();
        assert!(is_last || listed.items.len() == limit as usize);
        all.extend(listed.items);
        if is_last {
            return all;
        }
        after = listed.next;
    }
}

fn ids(rows: &[OrganizationRow]) -> Vec<(&str, u32)> {
    rows.iter().map(|row| (row.organization.id.as_str(), row.depth)).collect()
}

fn names(rows: &[PersonRow]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

async fn organizations(desk: &Desk, which: &Organizations, limit: u32) -> Vec<OrganizationRow> {
    let reading = desk.reading();
    walk(limit, |page| {
        let reading = reading.clone();
        async move { reading.organizations(which, &page).await }
    })
    .await
}

async fn people(desk: &Desk, filter: &PeopleFilter, limit: u32) -> Vec<PersonRow> {
    let reading = desk.reading();
    walk(limit, |page| {
        let reading = reading.clone();
        async move { reading.people("acme", filter, &page).await }
    })
    .await
}

#[tokio::test]
async fn organizations_are_listed_beside_each_other_and_below_each_other() {
    let desk = Desk::new().await;
    for (id, parent) in [
        ("a1", "acme"),
        ("a2", "acme"),
        ("a2x", "a2"),
        ("a2y", "a2"),
        ("g1", "globex"),
        ("z", "root"),
        ("z1", "z"),
    ] {
        desk.create(id, Some(parent)).await;
    }
    desk.accounts().set_handle(&actor(), "a2", "second").await.unwrap();
    for limit in [1, 2, 3, 200] {
        let roots = organizations(&desk, &Organizations::Roots, limit).await;
        assert_eq!(ids(&roots), [("other", 0), ("root", 0)]);
        let children = organizations(&desk, &Organizations::Children("root".into()), limit).await;
        assert_eq!(ids(&children), [("acme", 1), ("globex", 1), ("z", 1)]);
        let below = organizations(&desk, &Organizations::Below("root".into()), limit).await;
        let all = [
            ("acme", 1),
            ("a1", 2),
            ("a2", 2),
            ("a2x", 3),
            ("a2y", 3),
            ("lab", 2),
            ("globex", 1),
            ("g1", 2),
            ("z", 1),
            ("z1", 2),
        ];
        assert_eq!(ids(&below), all, "pages of {limit}");
        assert_eq!(below[2].organization.handle.as_deref(), Some("second"));
        let below = organizations(&desk, &Organizations::Below("acme".into()), limit).await;
        assert_eq!(ids(&below), [("a1", 1), ("a2", 1), ("a2x", 2), ("a2y", 2), ("lab", 1)]);
        assert!(organizations(&desk, &Organizations::Below("lab".into()), limit).await.is_empty());
        assert!(organizations(&desk, &Organizations::Below("nowhere".into()), limit).await.is_empty());
    }
    // Whoever is deleted takes those below along.
    desk.administration().delete_organization("a2").await.unwrap();
    let below = organizations(&desk, &Organizations::Below("root".into()), 2).await;
    let left = [("acme", 1), ("a1", 2), ("lab", 2), ("globex", 1), ("g1", 2), ("z", 1), ("z1", 2)];
    assert_eq!(ids(&below), left);
}

#[tokio::test]
async fn a_walk_goes_on_from_what_was_deleted_and_not_from_what_has_left() {
    let desk = Desk::new().await;
    for (id, parent) in [("a1", "acme"), ("a1x", "a1"), ("a2", "acme")] {
        desk.create(id, Some(parent)).await;
    }
    let (reading, below) = (desk.reading(), Organizations::Below("root".into()));
    let first = reading.organizations(&below, &of(2, None)).await.unwrap();
    assert_eq!(ids(&first.items), [("acme", 1), ("a1", 2)]);
    desk.administration().delete_organization("a1").await.unwrap();
    let second = reading.organizations(&below, &of(2, first.next.clone())).await.unwrap();
    assert_eq!(ids(&second.items), [("a2", 2), ("lab", 2)], "those below it are gone, too");
    desk.administration().move_organization("lab", Some("other")).await.unwrap();
    let said = reading.organizations(&below, &of(2, second.next)).await.unwrap_err();
    assert_eq!(said, AccountError::InvalidCursor);
}

#[tokio::test]
async fn people_are_found_by_name_address_group_and_role() {
    let desk = Desk::new().await;
    for (id, name) in [("u-1", "Dora"), ("u-2", "dieter"), ("u-3", "eve"), ("u-4", "DORIS")] {
        desk.add_user("acme", id, name).await;
    }
    for grant in [group("g-1"), role("r-1"), role("r-2")] {
        desk.add_target("acme", &grant, &format!("Name of {}", grant.id)).await;
    }
    let give = async |id: &str, grant| {
        desk.administration().add_grant("acme", &user("acme", id), &grant).await.unwrap();
    };
    for id in ["u-1", "u-3", "u-4"] {
        give(id, group("g-1")).await;
    }
    give("u-3", role("r-1")).await;
    give("u-4", role("r-1")).await;
    desk.administration().add_grant("acme", &ann(), &role("r-2")).await.unwrap();
    let all = PeopleFilter::default();
    let some = |text: &str| Some(text.to_owned());
    for limit in [1, 2, 200] {
        let shown = people(&desk, &all, limit).await;
        assert_eq!(names(&shown), ["Ann", "cid", "dieter", "Dora", "DORIS", "eve"], "pages of {limit}");
        assert_eq!((shown[0].is_guest("acme"), &shown[0].account, &shown[0].email), (true, &ann(), &None));
        assert!(!shown[1].is_guest("acme") && shown[1].active && shown[1].store == "PRIMARY");
        assert_eq!(shown[3].email.as_deref(), Some("Dora@example.com"));
        for (filter, found) in [
            (PeopleFilter { name_prefix: some("DO"), ..all.clone() }, vec!["Dora", "DORIS"]),
            (PeopleFilter { name_prefix: some("x"), ..all.clone() }, vec![]),
            (PeopleFilter { name: some("DORA"), ..all.clone() }, vec!["Dora"]),
            (PeopleFilter { name: some("do"), ..all.clone() }, vec![]),
            (PeopleFilter { email: some("EVE@example.com"), ..all.clone() }, vec!["eve"]),
            (PeopleFilter { email: some("Ann@example.com"), ..all.clone() }, vec![]),
            (PeopleFilter { group: some("g-1"), ..all.clone() }, vec!["Dora", "eve", "DORIS"]),
            (PeopleFilter { role: some("r-1"), ..all.clone() }, vec!["eve", "DORIS"]),
            (PeopleFilter { role: some("r-2"), ..all.clone() }, vec!["Ann"]),
            (PeopleFilter { role: some("g-1"), ..all.clone() }, vec![]),
            (PeopleFilter { group: some("g-1"), role: some("r-1"), ..all.clone() }, vec!["eve", "DORIS"]),
            (PeopleFilter { name_prefix: some("do"), role: some("r-1"), ..all.clone() }, vec!["DORIS"]),
            (PeopleFilter { name_prefix: some("%"), ..all.clone() }, vec![]),
        ] {
            assert_eq!(names(&people(&desk, &filter, limit).await), found, "{filter:?} by {limit}");
        }
    }
    let members = desk.reading().members("acme", &group("g-1"), &PageOf::default()).await.unwrap();
    assert_eq!((names(&members.items), members.next), (vec!["Dora", "eve", "DORIS"], None));
}

#[tokio::test]
async fn a_person_is_shown_with_groups_and_roles() {
    let desk = Desk::new().await;
    for (grant, name) in [(group("g-2"), "Alpha"), (group("g-1"), "Beta"), (role("r-1"), "Aaa")] {
        desk.add_target("acme", &grant, name).await;
        desk.administration().add_grant("acme", &ann(), &grant).await.unwrap();
    }
    let reading = desk.reading();
    let guest = reading.person_of("acme", &ann()).await.unwrap().unwrap();
    let held: Vec<_> = guest.held.iter().map(|held| (held.grant.clone(), held.name.as_str())).collect();
    assert_eq!(held, [(group("g-2"), "Alpha"), (group("g-1"), "Beta"), (role("r-1"), "Aaa")]);
    assert_eq!((guest.person.name.as_str(), &guest.person.account), ("Ann", &ann()));
    let same = reading.person("acme", &guest.person.id).await.unwrap();
    assert_eq!(same, Some(guest));
    assert_eq!(reading.person("root", "u-ann").await.unwrap().unwrap().held, []);
    assert_eq!(reading.person("acme", "u-ann").await.unwrap(), None);
    assert_eq!(reading.person_of("other", &ann()).await.unwrap(), None);
}

#[tokio::test]
async fn groups_roles_and_clients_are_listed_by_name() {
    let desk = Desk::new().await;
    for number in [3, 1, 2, 5, 4] {
        desk.add_target("acme", &group(&format!("g-{number}")), &format!("Team {}", 9 - number)).await;
        let (id, name) = (format!("c-{number}"), format!("Client {}", 9 - number));
        let new = NewClient { id, name, secret: digest(1), lifetime: None };
        desk.accounts().create_client(&actor(), "acme", &new).await.unwrap();
    }
    desk.add_target("acme", &group("g-6"), "Office").await;
    desk.add_target("acme", &role("r-1"), "Team").await;
    desk.add_target("lab", &group("g-1"), "Team").await;
    desk.accounts().revoke_client(&actor(), "acme", "c-3").await.unwrap();
    let reading = desk.reading();
    for limit in [1, 2, 200] {
        let targets = async |kind, prefix: Option<&'static str>| {
            let rows = walk(limit, |page| {
                let reading = reading.clone();
                async move { reading.targets("acme", kind, prefix, &page).await }
            });
            rows.await.into_iter().map(|row| row.grant.id).collect::<Vec<_>>()
        };
        assert_eq!(targets(GrantKind::Group, None).await, ["g-6", "g-5", "g-4", "g-3", "g-2", "g-1"]);
        assert_eq!(targets(GrantKind::Group, Some("Team")).await, ["g-5", "g-4", "g-3", "g-2", "g-1"]);
        assert_eq!(targets(GrantKind::Group, Some("team")).await, [""; 0]);
        assert_eq!(targets(GrantKind::Role, Some("T")).await, ["r-1"]);
        let clients = walk(limit, |page| {
            let reading = reading.clone();
            async move { reading.clients("acme", &page).await }
        });
        let clients = clients.await;
        let shown: Vec<_> = clients.iter().map(|client| client.id.as_str()).collect();
        assert_eq!(shown, ["c-5", "c-4", "c-3", "c-2", "c-1"], "pages of {limit}");
        assert!(clients[2].revoked_at.is_some());
    }
    assert!(reading.clients("other", &PageOf::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn the_trail_is_read_from_its_end_and_by_what_is_looked_for() {
    let desk = Desk::new().await;
    let accounts = desk.accounts();
    let begun = desk.now();
    for number in 1..=5 {
        desk.pass(10);
        let (id, name) = (format!("c-{number}"), "A client".into());
        let new = NewClient { id, name, secret: digest(1), lifetime: None };
        accounts.create_client(&actor(), "acme", &new).await.unwrap();
        if number % 2 == 0 {
            accounts.revoke_client(&actor(), "acme", &format!("c-{number}")).await.unwrap();
        }
    }
    super::deliveries::invite(&desk, "i-1", ann()).await;
    let reading = desk.reading();
    let trail = async |filter: TrailFilter, limit| {
        let events = walk(limit, |page| {
            let (reading, filter) = (reading.clone(), filter.clone());
            async move { reading.trail("acme", &filter, &page).await }
        });
        let events = events.await;
        assert!(events.iter().all(|event| event.organization.as_deref() == Some("acme")));
        events.into_iter().map(|event| (event.kind, event.about)).collect::<Vec<_>>()
    };
    let all = TrailFilter::default();
    let bob = Some(Principal::User(user("root", "u-bob")));
    let (created, revoked) = (EventKind::ClientCreated, EventKind::ClientRevoked);
    let client = |kind, number: u8| (kind, Some(format!("c-{number}")));
    for limit in [1, 2, 3, 200] {
        let by_bob = vec![
            client(created, 5),
            client(revoked, 4),
            client(created, 4),
            client(created, 3),
            client(revoked, 2),
            client(created, 2),
            client(created, 1),
        ];
        let everything = trail(all.clone(), limit).await;
        assert_eq!(everything[0].0, EventKind::InvitationCreated);
        assert_eq!(everything[1..8], by_bob);
        assert_eq!(everything.last().unwrap().0, EventKind::WorldOrganizationCreated);
        assert_eq!(trail(TrailFilter { actor: bob.clone(), ..all.clone() }, limit).await, by_bob);
        let kind = TrailFilter { kind: Some(revoked), ..all.clone() };
        assert_eq!(trail(kind, limit).await, [client(revoked, 4), client(revoked, 2)]);
        let both = TrailFilter { kind: Some(created), actor: bob.clone(), ..all.clone() };
        assert_eq!(trail(both, limit).await.len(), 5);
        let neither = TrailFilter { kind: Some(created), actor: Some(Principal::System), ..all.clone() };
        assert_eq!(trail(neither, limit).await, []);
        let time = TrailFilter { from: Some(begun + 20), until: Some(begun + 40), ..all.clone() };
        let between = [client(created, 3), client(revoked, 2), client(created, 2)];
        assert_eq!(trail(time, limit).await, between);
        let invitation = TrailFilter { invitation: Some("i-1".into()), ..all.clone() };
        assert_eq!(trail(invitation, limit).await, [(EventKind::InvitationCreated, None)]);
    }
}

#[tokio::test]
async fn names_of_many_ids_are_told_at_once() {
    let desk = Desk::new().await;
    desk.add_target("acme", &group("x-1"), "A group").await;
    desk.add_target("acme", &role("x-1"), "A role").await;
    let reading = desk.reading();
    let accounts = [ann(), user("root", "u-nobody"), user("acme", "u-cid"), user("root", "\0"), ann()];
    let some = |text: &str| Some(text.to_owned());
    let named = reading.names_of_accounts(&accounts).await.unwrap();
    assert_eq!(named, [some("Ann"), None, some("cid"), None, some("Ann")]);
    let named = reading.names_of_grants("acme", &[role("x-1"), group("x-1"), group("x-2")]).await.unwrap();
    assert_eq!(named, [some("A role"), some("A group"), None]);
    let organizations = ["lab".to_owned(), "nowhere".to_owned(), "root".to_owned()];
    let named = reading.names_of_organizations(&organizations).await.unwrap();
    assert_eq!(named, [some("The lab"), None, some("The root")]);
    assert_eq!(reading.names_of_accounts(&[]).await.unwrap(), []);
    let said = reading.names_of_accounts(&vec![ann(); 201]).await.unwrap_err();
    assert!(matches!(said, AccountError::Invalid(_)), "{said}");
}

#[tokio::test]
async fn a_cursor_fits_its_list_and_filter_only() {
    let desk = Desk::new().await;
    desk.add_user("acme", "u-1", "dora").await;
    let reading = desk.reading();
    let all = PeopleFilter::default();
    let next = reading.people("acme", &all, &of(1, None)).await.unwrap().next;
    assert!(next.is_some());
    let filtered = PeopleFilter { name_prefix: Some("a".into()), ..all.clone() };
    for said in [
        reading.people("root", &all, &of(1, next.clone())).await.unwrap_err(),
        reading.people("acme", &filtered, &of(1, next.clone())).await.unwrap_err(),
        reading.people("acme", &all, &of(1, Some("nonsense".into()))).await.unwrap_err(),
        reading.targets("acme", GrantKind::Group, None, &of(1, next.clone())).await.map(drop).unwrap_err(),
        reading.organizations(&Organizations::Roots, &of(1, next.clone())).await.map(drop).unwrap_err(),
        reading.trail("acme", &TrailFilter::default(), &of(1, next.clone())).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(said, AccountError::InvalidCursor);
    }
    for limit in [0, 201] {
        let said = reading.people("acme", &all, &of(limit, None)).await.unwrap_err();
        assert!(matches!(said, AccountError::Invalid(_)), "{said}");
    }
    // What comes before the cursor's row changes nothing.
    desk.add_user("acme", "u-0", "aaron").await;
    let rest = reading.people("acme", &all, &of(10, next)).await.unwrap();
    assert_eq!(names(&rest.items), ["cid", "dora"]);
    // Another process knows the key, too.
    let page = reading.people("acme", &all, &of(2, None)).await.unwrap();
    let other = desk.open().await.reading();
    assert_eq!(names(&other.people("acme", &all, &of(2, page.next)).await.unwrap().items), ["cid", "dora"]);
}
