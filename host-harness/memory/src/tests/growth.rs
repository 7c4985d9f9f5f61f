//! Worlds of many people: what is done grows with their number, and no faster.

use super::*;
use crate::{NewUser, World, people::steps};
use guestlist_contract::{
    directory::Found,
    host::{Directory as _, Membership as _},
};

/// `root` has so many people, in two stores; a tenth of them are guests of `acme`, half of whom have a role
/// and half of whom may do something.
fn world(people: usize) -> String {
    let user = |number: usize| {
        let store = ["PRIMARY", "LDAP"][number % 2];
        format!(
            "      - {{ id: u-{number}, name: user{number}, store: {store}, email: user{number}@root.example }}\n"
        )
    };
    let users: String = (0..people).map(user).collect();
    let guests = || (0..people).step_by(10);
    let members: Vec<_> = guests().map(|number| format!("u-{number}")).collect();
    let half: Vec<_> = guests().step_by(2).map(|number| format!("u-{number}")).collect();
    let permissions: String = half.iter().map(|id| format!("      {id}: [view]\n")).collect();
    format!(
        "organizations:\n  - id: root\n    users:\n{users}  - id: acme\n    parent: root\n    \
         users: [{{ id: u-ann, name: ann }}]\n    groups: [{{ id: g }}]\n    \
         roles: [{{ id: r, members: [{}] }}]\n    members: [{}]\n    permissions:\n      u-ann: [all]\n{permissions}",
        half.join(", "),
        members.join(", ")
    )
}

fn host(people: usize) -> (MemoryHost, usize) {
    let world = World::parse(&world(people)).unwrap();
    steps::of(|| MemoryHost::from_world(&world).unwrap())
}

#[test]
fn ten_times_as_many_people_are_built_in_ten_times_as_many_steps() {
    let (few, many) = (host(300).1, host(3_000).1);
    assert!(few > 300, "each is looked at: {few}");
    assert!(many <= 11 * few, "{few} steps for 300 people, {many} for 3,000");
}

#[test]
fn so_are_they_written_and_read_again() {
    let written = |people| {
        let (host, _) = host(people);
        let ((), steps) = steps::of(|| {
            let yaml = host.realm().to_yaml().unwrap();
            MemoryHost::load(&MemoryHost::from_yaml(&yaml).unwrap().save().unwrap()).unwrap();
        });
        steps
    };
    let (few, many) = (written(300), written(3_000));
    assert!(few > 300 && many <= 11 * few, "{few} steps for 300 people, {many} for 3,000");
}

/// Counts what each operation takes, when everybody was looked for once.
async fn operations(people: usize) -> Vec<(&'static str, usize)> {
    let (host, _) = host(people);
    let call = admin(&host);
    let of_root = |id: &str| user("root", id);
    let accounts = || vec![of_root("u-1"), of_root("u-10"), of_root("u-none")];
    let names =
        || ["user1", "LDAP/user1", "USER20@root.example", "nobody", "no@root.example"].map(str::to_owned);
    let new = |id: &str| NewUser {
        id: id.into(),
        name: id.into(),
        store: None,
        email: Some(format!("{id}@root.example")),
    };
    let mut taken = Vec::new();
    for round in ["first", "second"] {
        taken.clear();
        macro_rules! take {
            ($what:literal, $work:expr) => {{
                let start = steps::total();
                let done = $work;
                taken.push(($what, steps::total() - start));
                done
            }};
        }
        let found = take!("find-users", host.find_users(&call, "root".into(), None, names().to_vec()).await);
        assert_eq!(found.unwrap().into_iter().filter(|one| matches!(one, Ok(Found::One(_)))).count(), 2);
        let users = take!("get-users", host.get_users(&call, "root".into(), accounts()).await);
        assert_eq!(users.unwrap().into_iter().flatten().count(), 2);
        take!("standing", host.standing(&call, "acme".into(), person(of_root("u-10"))).await).unwrap();
        let grants = vec![group("g"), role("r")];
        take!("eligible", host.eligible(&call, "acme".into(), accounts(), grants).await).unwrap();
        take!("add-user", host.add_user("root", new(round))).unwrap();
        take!("rename-user", host.rename_user("root", round, &format!("{round}-again"))).unwrap();
        take!("disable-user", host.set_user_active("root", round, false)).unwrap();
        take!("add-member", host.add_member("acme", &of_root(round))).unwrap();
        take!("add-grant", host.add_grant("acme", &of_root(round), &group("g"))).unwrap();
        take!("remove-grant", host.remove_grant("acme", &of_root(round), &group("g"))).unwrap();
        take!("remove-member", host.remove_member("acme", &of_root(round))).unwrap();
        take!("add-member", host.add_member("acme", &of_root(round))).unwrap();
        take!("remove-user", host.remove_user("root", round)).unwrap();
    }
    taken
}

#[tokio::test]
async fn an_operation_takes_no_more_steps_among_ten_times_as_many_people() {
    let (few, many) = (operations(300).await, operations(3_000).await);
    for ((what, few), (_, many)) in few.into_iter().zip(many) {
        assert!(few > 0 && many <= few + 8, "{what}: {few} steps among 300 people, {many} among 3,000");
    }
}
