//! Organizations and people to try things with.

use std::collections::{BTreeMap, BTreeSet};

use guestlist_contract::{
    settings::Values,
    types::{Grant, GrantKind, Permissions, Principal, UserRef},
};
use guestlist_memory::{Entitled, Organization, People, Person, Realm, Target, default_settings};

/// The organization that everybody is resident in.
pub const PARENT: &str = "root";

/// Somebody who lives in the parent.
#[must_use]
pub fn resident(number: usize) -> UserRef {
    UserRef { organization: PARENT.into(), id: format!("u-{number}") }
}

/// Their user name.
#[must_use]
pub fn name(number: usize) -> String {
    format!("person-{number}")
}

/// The id of a child.
#[must_use]
pub fn child(number: usize) -> String {
    format!("org-{number}")
}

/// Somebody who may do everything in an organization. Each has two, so that one can approve for the other.
#[must_use]
pub fn admin(organization: &str, number: usize) -> Principal {
    Principal::User(UserRef { organization: organization.into(), id: format!("u-admin-{number}") })
}

/// A group that each child has, as something to give.
#[must_use]
pub fn group(id: &str) -> Grant {
    Grant { kind: GrantKind::Group, id: id.into() }
}

/// The groups of each child.
pub const GROUPS: [&str; 2] = ["g-help", "g-ops"];

fn person(organization: &str, id: &str, name: String) -> Person {
    Person {
        email: Some(format!("{name}@{organization}.example")),
        name,
        store: "PRIMARY".into(),
        active: true,
        account: UserRef { organization: organization.into(), id: id.into() },
        groups: BTreeMap::new(),
        roles: BTreeMap::new(),
        leases: BTreeMap::new(),
        invitation: None,
    }
}

/// An organization with nobody in it.
#[must_use]
pub fn organization(id: &str, parent: Option<&str>, settings: Values) -> Organization {
    Organization {
        name: id.to_owned(),
        parent: parent.map(str::to_owned),
        active: true,
        deleted: false,
        stores: BTreeSet::from(["PRIMARY".to_owned()]),
        silent_stores: BTreeSet::new(),
        people: People::default(),
        spent: BTreeSet::new(),
        groups: BTreeMap::new(),
        roles: BTreeMap::new(),
        permissions: Vec::new(),
        settings,
        landings: Vec::new(),
        address_domains: None,
        policy: Vec::new(),
        utc_offset_minutes: 0,
    }
}

/// A parent with so many residents, and so many children with two administrators and two groups each.
#[must_use]
pub fn realm(residents: usize, children: usize, settings: &Values) -> Realm {
    let mut realm = Realm::default();
    let mut root = organization(PARENT, None, default_settings());
    for number in 0..residents {
        let UserRef { id, .. } = resident(number);
        root.people.insert(id.clone(), person(PARENT, &id, name(number)));
    }
    realm.organizations.insert(PARENT.into(), root);
    for number in 0..children {
        let id = child(number);
        let mut place = organization(&id, Some(PARENT), settings.clone());
        for who in [admin(&id, 1), admin(&id, 2)] {
            let Principal::User(user) = &who else { continue };
            place.people.insert(user.id.clone(), person(&id, &user.id, user.id.clone()));
            place.permissions.push(Entitled { who, permissions: Permissions::all() });
        }
        for group in GROUPS {
            let target = Target { name: group.to_owned(), grantable_by: None, receivable_by: None };
            place.groups.insert(group.to_owned(), target);
        }
        realm.organizations.insert(id, place);
    }
    realm
}
