//! The world file: organizations and people, in YAML.
//!
//! ```yaml
//! clock: 2026-03-02T09:00:00Z
//! seed: 7
//! mails-per-day: 20
//! organizations:
//!   - id: root
//!     name: Root Inc
//!     users:
//!       - { id: u-alice, name: alice, email: alice@example.com }
//!       - { id: u-bob, name: bob, store: SECONDARY, active: false }
//!       - { id: u-gus, name: gus, resident: partner/u-gus0 }
//!     roles:
//!       - { id: r-lead, name: Lead, members: [u-alice], permissions: [approve, view] }
//!   - id: acme
//!     parent: root
//!     utc-offset: +01:00
//!     users: [{ id: u-ann, name: ann, email: ann@acme.example }]
//!     groups: [{ id: g-help, name: Help desk, members: [u-ann] }]
//!     roles: [{ id: r-admin, grantable-by: [u-ann], receivable-by: [r-lead] }]
//!     members: [u-alice]
//!     permissions: { u-ann: [all], "client:hr": [invite, view] }
//!     settings: { lifetime: 24h, accept-with: invitee-and-code }
//!     policy: [{ names: [bob], refuse: "not bob" }]
//!   - id: partner
//!     users: [{ id: u-gus0, name: gus, email: gus@partner.example }]
//! ```
//!
//! A reference to a person is their id: of the organization itself or of its ancestors, the nearest
//! first. `ORGANIZATION/ID` names anybody, `client:ID` a machine.

mod build;
mod write;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

pub use build::{Dangling, LATER, dangling};
pub use write::Unsayable;

use guestlist_documents::WorldError;

use super::{rule::Rule, settings::SettingsPatch};

/// A text, and where it stands.
type Text = Spanned<String>;

/// A world, as it is written. Every key but `organizations` may be left out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct World {
    /// The time at which the host's clock starts, as in `2026-03-02T09:00:00Z`; the same instant by default.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    clock: Option<Text>,
    /// The number from which entropy starts; 1 by default. Whoever knows it knows all codes: for tests only.
    #[serde(default)]
    seed: Option<u64>,
    /// Most mails that one person gets in a day, from all organizations together; no limit by default.
    #[serde(default)]
    mails_per_day: Option<u32>,
    organizations: Vec<OrganizationEntry>,
}

/// An organization, as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct OrganizationEntry {
    #[schemars(with = "String")]
    id: Text,
    /// The id by default.
    #[serde(default)]
    name: Option<String>,
    /// Absent for a root organization.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    parent: Option<Text>,
    /// Offset to add to UTC for its local time, as in `+01:00`; nothing by default.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    utc_offset: Option<Text>,
    /// `active` by default.
    #[serde(default)]
    state: StateWord,
    /// User stores besides `PRIMARY` and those that its users name. Letter case does not count.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    stores: Vec<Text>,
    /// Residents, and guests with `resident`.
    #[serde(default)]
    users: Vec<UserEntry>,
    #[serde(default)]
    groups: Vec<TargetEntry>,
    #[serde(default)]
    #[schemars(with = "Vec<WrittenRole>")]
    roles: Vec<RoleEntry>,
    /// Guests who need no more than a reference: the user name comes from where they are resident.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    members: Vec<Text>,
    /// Lists of `invite`, `view`, `revoke`, `resend`, `approve` or `all`, by reference.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, Vec<String>>")]
    permissions: PermissionsEntry,
    /// Changes to the defaults.
    #[serde(default)]
    settings: SettingsPatch,
    /// The scripted policy; everybody is allowed by default.
    #[serde(default)]
    #[schemars(with = "Vec<Rule>")]
    policy: Vec<Spanned<Rule>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum StateWord {
    #[default]
    Active,
    Disabled,
}

/// A user, as they are written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct UserEntry {
    #[schemars(with = "String")]
    id: Text,
    #[schemars(with = "String")]
    name: Text,
    /// `PRIMARY` by default. Letter case does not count.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    store: Option<Text>,
    /// A verified address; absent, or no address: the person cannot be written to.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    email: Option<Text>,
    /// `true` by default.
    #[serde(default = "yes")]
    active: bool,
    /// The account that they have elsewhere, as `ORGANIZATION/ID`: they are a guest here.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    resident: Option<Text>,
}

/// A group or role, as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TargetEntry {
    #[schemars(with = "String")]
    id: Text,
    /// The id by default.
    #[serde(default)]
    name: Option<String>,
    /// Users of this organization who have it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    members: Vec<Text>,
    /// References to those who may give it; absent: everybody who may invite.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    grantable_by: Option<Vec<Text>>,
    /// Roles of the PARENT organization, one of which somebody needs to receive it; absent: everybody
    /// may.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    receivable_by: Option<Vec<Text>>,
}

/// A role, as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenRole {
    #[schemars(with = "String")]
    id: Text,
    /// The id by default.
    #[serde(default)]
    name: Option<String>,
    /// Users of this organization who have it, and clients: `client:ID`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    members: Vec<Text>,
    /// Groups of this organization that have it: whoever is in one has it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    groups: Vec<Text>,
    /// What those who have it may do: `invite`, `view`, `revoke`, `resend`, `approve`, `see-code`,
    /// `manage-people`, `manage-roles`, `manage-rules`, `manage-organizations`, `read-trail` or `all`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    permissions: Vec<Text>,
    /// One of the roles that a new organization begins with; not by default.
    #[serde(default)]
    standard: bool,
    /// References to those who may give it; absent: everybody who may invite.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    grantable_by: Option<Vec<Text>>,
    /// Roles of the PARENT organization, one of which somebody needs to receive it; absent: everybody
    /// may.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    receivable_by: Option<Vec<Text>>,
}

/// A role: what it has in common with a group, and the rest.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "WrittenRole")]
struct RoleEntry {
    /// Its members are people.
    target: TargetEntry,
    clients: Vec<Text>,
    groups: Vec<Text>,
    permissions: Vec<Text>,
    standard: bool,
}

impl From<WrittenRole> for RoleEntry {
    fn from(written: WrittenRole) -> Self {
        let WrittenRole { id, name, groups, permissions, standard, grantable_by, receivable_by, .. } =
            written;
        let is_client = |member: &Text| member.value.starts_with("client:");
        let (clients, members) = written.members.into_iter().partition(is_client);
        let target = TargetEntry { id, name, members, grantable_by, receivable_by };
        Self { target, clients, groups, permissions, standard }
    }
}

fn yes() -> bool {
    true
}

/// A mapping in its order, with the places of its keys.
#[derive(Clone, Debug, Default)]
struct PermissionsEntry(Vec<(Text, Vec<Text>)>);

impl<'de> Deserialize<'de> for PermissionsEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> de::Visitor<'de> for Entries {
            type Value = PermissionsEntry;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("a mapping from people to lists of permissions")
            }

            fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(PermissionsEntry(entries))
            }
        }

        from.deserialize_map(Entries)
    }
}

impl World {
    /// The same world, starting at another instant.
    pub fn set_clock(&mut self, clock: Text) {
        self.clock = Some(clock);
    }

    /// The same world with other entropy.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = Some(seed);
    }

    /// The rules of scripted policies, each with the organization that it is of.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &Spanned<Rule>)> {
        self.organizations
            .iter()
            .flat_map(|entry| entry.policy.iter().map(|rule| (entry.id.value.as_str(), rule)))
    }

    /// The rules of an organization, to be changed.
    pub fn rules_mut(&mut self) -> impl Iterator<Item = &mut Vec<Spanned<Rule>>> {
        self.organizations.iter_mut().map(|entry| &mut entry.policy)
    }

    /// Lists what organizations set, each with the organization's id where it stands.
    pub fn settings(&self) -> impl Iterator<Item = (&Text, &SettingsPatch)> {
        self.organizations.iter().map(|entry| (&entry.id, &entry.settings))
    }

    /// The same, to be changed.
    pub fn settings_mut(&mut self) -> impl Iterator<Item = (&str, &mut SettingsPatch)> {
        self.organizations.iter_mut().map(|entry| (entry.id.value.as_str(), &mut entry.settings))
    }

    /// Reads a world file. References are not followed yet.
    pub fn parse(yaml: &str) -> Result<Self, WorldError> {
        guestlist_documents::yaml::read(yaml)
    }
}
