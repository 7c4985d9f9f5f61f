//! The worlds that cases are played in.
//!
//! Most cases need only organizations and people. What not every host has stands in a world of its own, so
//! that a host without it loses those cases and no others.

use super::Trouble;
use guestlist_memory::{MemoryHost, Realm};

/// A world: as text for people, as [`Realm`] for a host.
#[derive(Clone, Debug)]
pub struct World {
    /// The name that it has in reports.
    pub name: &'static str,
    /// The part of it that others have not.
    pub about: &'static str,
    /// The world as it is written; see [`memory::World`](guestlist_memory::World).
    pub yaml: String,
}

impl World {
    /// The realm that a candidate is prepared with.
    ///
    /// # Errors
    /// The text is wrong, which the tests of the harness rule out.
    pub fn realm(&self) -> Result<Realm, Trouble> {
        let host = MemoryHost::from_yaml(&self.yaml);
        host.map(|host| host.realm()).map_err(|error| Trouble::Failed(error.to_string()))
    }
}

/// `acme`, of which `ann` is the administrator, between its parent `root`, its sibling `globex` and its child
/// `lab`. `gus` is resident in `partner` and a guest in `root`.
const COMPANY: &str = r#"
organizations:
  - id: root
    name: Root Inc
    users:
      - { id: u-alice, name: alice, email: alice@example.com }
      - { id: u-bob, name: bob, email: bob@example.com }
      - { id: u-carol, name: carol, email: carol@example.org }
      - { id: u-dave, name: dave, email: dave@example.org }
      - { id: u-erin, name: erin, email: erin@example.com }
      - { id: u-mute, name: mute }
      - { id: u-carl, name: carl, email: carl@example.com, active: false }
      - { id: u-rita, name: rita, email: rita@example.com }
      - { id: u-gus, name: gusguest, resident: partner/p-gus }
    groups: [{ id: g-root, name: Everybody }]
    roles: [{ id: r-lead, name: Lead, members: [u-alice] }]
    permissions: { u-rita: [all] }
  - id: acme
    name: Acme
    parent: root
    users:
      - { id: u-ann, name: ann, email: ann@acme.example }
      - { id: u-deputy, name: deputy, email: deputy@acme.example }
    groups: [{ id: g-help, name: Help desk }, { id: g-ops, name: Operations }]
    roles: [{ id: r-admin, name: Administrator }, { id: r-audit, name: Auditor }]
    permissions: { u-ann: [all], u-deputy: [view], "client:hr": [invite, view] }
  - id: globex
    name: Globex
    parent: root
    users: [{ id: u-gina, name: gina, email: gina@globex.example }]
    groups: [{ id: g-help, name: Help desk }]
    permissions: { u-gina: [all] }
  - id: lab
    name: Lab
    parent: acme
    users: [{ id: u-lee, name: lee, email: lee@lab.example }]
    permissions: { u-lee: [all] }
  - id: partner
    name: Partner
    users:
      - { id: p-gus, name: gus, email: gus@partner.example }
      - { id: u-alice, name: alice, email: alice@partner.example }
"#;

/// A group that only the deputy may give, a role for leads of the parent, and domains that addresses must be
/// in are each a line of [`COMPANY`] put in another way.
fn company_with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(COMPANY.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Addresses that are none, that two have, or that are somebody else's user name; a guest and people of
/// another store who have one; and an address with a slash. Names of stores are in whatever letters.
const ADDRESSES: &str = r#"
organizations:
  - id: root
    users:
      - { id: u-alice, name: alice, email: Alice@Example.com }
      - { id: u-empty, name: empty, email: "" }
      - { id: u-dash, name: dash, email: "-" }
      - { id: u-bare, name: bare, email: bare }
      - { id: u-twice, name: twice, email: twice@evil.example@example.com }
      - { id: u-angle, name: angle, email: "x@evil.example <angle@example.com" }
      - { id: u-dot, name: dot, email: dot@example.com. }
      - { id: u-wide, name: wide, email: wide@ｅｘａｍｐｌｅ.com }
      - { id: u-quote, name: quote, email: '"quote"@example.com' }
      - { id: u-list, name: list, email: "list@example.com,x@evil.example" }
      - { id: u-slash, name: slash, email: o/slash@example.com }
      - { id: u-dave, name: dave, store: second, email: dave@example.com }
      - { id: u-same1, name: same1, email: same@example.com }
      - { id: u-same2, name: same2, store: SECOND, email: SAME@example.com, active: false }
      - { id: u-vera, name: vera, email: vera@example.com }
      - { id: u-mallory, name: Vera@Example.com, email: mallory@example.com }
      - { id: u-own, name: own@example.com, email: own@example.com }
      - { id: u-guest, name: gusguest, resident: partner/p-gus }
      - { id: u-pia, name: pia, email: pia@partner.example }
      - { id: u-piaguest, name: piaguest, resident: partner/p-pia }
  - id: acme
    parent: root
    users: [{ id: u-ann, name: ann }]
    settings: { address-domains: [example.com] }
    permissions: { u-ann: [all] }
  - id: partner
    users:
      - { id: p-gus, name: gus, email: gus@partner.example }
      - { id: p-pia, name: pia, email: pia@partner.example }
      - { id: p-quinn, name: quinn, email: quinn@partner.example }
"#;

/// `root` with so many people, and `acme` below it.
fn crowd() -> String {
    let person = |number: usize| {
        format!("      - {{ id: u-{number:03}, name: person{number:03}, email: p{number}@example.com }}\n")
    };
    let people: String = (0..PEOPLE).map(person).collect();
    let group = |number: usize| format!("{{ id: g-{number:02} }}");
    let groups: Vec<String> = (0..GROUPS).map(group).collect();
    let groups = groups.join(", ");
    format!(
        "organizations:\n  - id: root\n    users:\n{people}  - id: acme\n    parent: root\n    users: \
         [{{ id: u-ann, name: ann }}]\n    groups: [{groups}]\n    permissions: {{ u-ann: [all] }}\n"
    )
}

/// The number of people in the crowd: more than are in one page.
pub(super) const PEOPLE: usize = 210;
/// The number of groups in it: as many as an invitation may carry.
pub(super) const GROUPS: usize = 51;

pub(super) fn company() -> World {
    World { name: "company", about: "organizations and people", yaml: COMPANY.to_owned() }
}

/// The world of this name.
pub(super) fn world(name: &str) -> Result<World, Trouble> {
    let found = worlds().into_iter().find(|world| world.name == name);
    found.ok_or_else(|| Trouble::Failed(format!("there is no world `{name}`")))
}

/// All worlds that a candidate may be prepared with.
#[must_use]
pub fn worlds() -> Vec<World> {
    let deputy_invites = ("u-deputy: [view]", "u-deputy: [invite]");
    let givers =
        ("{ id: g-ops, name: Operations }", "{ id: g-ops, name: Operations, grantable-by: [u-deputy] }");
    let receivers = (
        "{ id: r-admin, name: Administrator }",
        "{ id: r-admin, name: Administrator, receivable-by: [r-lead] }",
    );
    let domains = ("    name: Acme\n", "    name: Acme\n    settings: { address-domains: [example.com] }\n");
    let landings = (
        "    name: Acme\n",
        "    name: Acme\n    settings: { landings: [https://app.example/welcome, https://other.example] }\n",
    );
    let roles = (
        "{ id: r-admin, name: Administrator }, { id: r-audit, name: Auditor }",
        "{ id: r-admin, permissions: [approve], groups: [g-ops] }, \
         { id: r-audit, permissions: [view], members: [\"client:robot\", u-ida] }, \
         { id: r-people, permissions: [manage-people] }, { id: r-empty }",
    );
    let workers = (
        "      - { id: u-deputy, name: deputy, email: deputy@acme.example }\n",
        "      - { id: u-deputy, name: deputy, email: deputy@acme.example }\n      - { id: u-ida, name: ida }\n\
         \x20     - { id: u-ivo, name: ivo }\n",
    );
    let operations = ("{ id: g-ops, name: Operations }", "{ id: g-ops, name: Operations, members: [u-ivo] }");
    let stores = ("name: bob,", "name: bob, store: SECONDARY,");
    vec![
        company(),
        World {
            name: "givers",
            about: "`g-ops` of `acme` may be given by `deputy` alone",
            yaml: company_with(&[deputy_invites, givers]),
        },
        World {
            name: "receivers",
            about: "`r-admin` of `acme` may be received by those alone who have `r-lead` in `root`",
            yaml: company_with(&[receivers]),
        },
        World {
            name: "domains",
            about: "`acme` allows addresses of `example.com` alone",
            yaml: company_with(&[domains]),
        },
        World {
            name: "stores",
            about: "`bob` is in a user store of his own, `SECONDARY`",
            yaml: company_with(&[stores]),
        },
        World {
            name: "mails",
            about: "nobody gets more than two mails in a day",
            yaml: format!("mails-per-day: 2{COMPANY}"),
        },
        World {
            name: "one-mail",
            about: "nobody gets more than one mail in a day",
            yaml: format!("mails-per-day: 1{COMPANY}"),
        },
        World {
            name: "roles",
            about: "roles of `acme` give rights, to a group and to a client, too",
            yaml: company_with(&[deputy_invites, roles, workers, operations]),
        },
        World {
            name: "landings",
            about: "invitations to `acme` may lead to two places",
            yaml: company_with(&[landings]),
        },
        World {
            name: "addresses",
            about: "addresses that are none, or that two have; stores in small letters",
            yaml: ADDRESSES.to_owned(),
        },
        World { name: "crowd", about: "many people and groups", yaml: crowd() },
    ]
}
