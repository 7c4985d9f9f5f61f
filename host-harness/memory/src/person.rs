//! Local accounts.

use std::collections::BTreeMap;

use guestlist_contract::{
    address_domain,
    types::{GrantKind, UserRef},
};
use serde::{Deserialize, Serialize};

use super::store::canonical;

/// A local account: of a resident, or of a guest whose account is elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The user name.
    pub name: String,
    /// The user store that has it, in capital letters.
    #[serde(deserialize_with = "canonical")]
    pub store: String,
    /// A verified address. That of a guest is where they are resident. What is no address
    /// ([`address_domain`]) is as none.
    pub email: Option<String>,
    /// Tells whether it works, that is, was not disabled.
    pub active: bool,
    /// The account where it is resident: in the organization itself for its residents.
    pub account: UserRef,
    /// Their groups, and the invitation that each is owed to.
    pub groups: BTreeMap<String, Option<String>>,
    /// Their roles, and the invitation that each is owed to.
    pub roles: BTreeMap<String, Option<String>>,
    /// Roles that they have by the word of an outside issuer: by issuer and role, the instant at which that
    /// ends.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leases: BTreeMap<String, BTreeMap<String, u64>>,
    /// The invitation that made them a member.
    pub invitation: Option<String>,
}

impl Person {
    /// The address that the person can be written to, where they are resident.
    pub(super) fn address(&self) -> Option<&str> {
        self.email.as_deref().filter(|email| address_domain(email).is_some())
    }

    /// Their grants of one kind, each with the invitation that it is owed to.
    pub(super) fn grants(&self, kind: GrantKind) -> &BTreeMap<String, Option<String>> {
        match kind {
            GrantKind::Group => &self.groups,
            GrantKind::Role => &self.roles,
        }
    }

    pub(super) fn grants_mut(&mut self, kind: GrantKind) -> &mut BTreeMap<String, Option<String>> {
        match kind {
            GrantKind::Group => &mut self.groups,
            GrantKind::Role => &mut self.roles,
        }
    }
}

/// Tells whether two user names are the same to this directory: ASCII case does not count, nothing else is
/// folded. A wider folding makes strangers equal, as the Kelvin sign and the letter k.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
