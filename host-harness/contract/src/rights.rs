//! What somebody may do in an organization: the permissions of the contract, which the plugin asks for, and
//! those of the host, which only its own administration asks for.
//!
//! Both are written as one list of words, as in `[invite, manage-people]`.

use std::{fmt, ops::BitOr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::types::Permissions;

bitflags::bitflags! {
    /// Permissions of the host's own administration. The plugin never sees them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct HostPermissions: u8 {
        /// `manage-people`: accounts, members, who is in which group and has which role.
        const MANAGE_PEOPLE = 1;
        /// `manage-roles`: groups, roles and their rights.
        const MANAGE_ROLES = 1 << 1;
        /// `manage-rules`: settings and policies.
        const MANAGE_RULES = 1 << 2;
        /// `manage-organizations`: organizations below this one.
        const MANAGE_ORGANIZATIONS = 1 << 3;
        /// `read-trail`: the audit trail.
        const READ_TRAIL = 1 << 4;
    }
}

/// Everything that somebody may do in an organization.
#[derive(Clone, Copy)]
pub struct Rights {
    /// The permissions of the contract: `directory.standing` answers these.
    pub permissions: Permissions,
    /// The permissions of the host.
    pub host: HostPermissions,
}

/// A text is no right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no right, there are {known}", known = Rights::known())]
pub struct UnknownRight(pub String);

const fn plugins(permissions: Permissions) -> Rights {
    Rights { permissions, host: HostPermissions::empty() }
}

impl Rights {
    /// The words of the contract's permissions.
    pub const PERMISSIONS: [(&str, Permissions); 7] = [
        ("invite", Permissions::INVITE),
        ("view", Permissions::VIEW),
        ("revoke", Permissions::REVOKE),
        ("resend", Permissions::RESEND),
        ("approve", Permissions::APPROVE),
        ("see-code", Permissions::SEE_CODE),
        ("onboard", Permissions::ONBOARD),
    ];

    /// The words of the host's permissions.
    pub const HOST: [(&str, HostPermissions); 5] = [
        ("manage-people", HostPermissions::MANAGE_PEOPLE),
        ("manage-roles", HostPermissions::MANAGE_ROLES),
        ("manage-rules", HostPermissions::MANAGE_RULES),
        ("manage-organizations", HostPermissions::MANAGE_ORGANIZATIONS),
        ("read-trail", HostPermissions::READ_TRAIL),
    ];

    /// The word for all of them.
    pub const ALL: &str = "all";

    /// No rights.
    #[must_use]
    pub fn empty() -> Self {
        plugins(Permissions::empty())
    }

    /// All rights, of both kinds.
    #[must_use]
    pub fn all() -> Self {
        Self::each().map(|(_, right)| right).collect()
    }

    /// Each right by its word, those of the contract first.
    pub fn each() -> impl Iterator<Item = (&'static str, Self)> {
        let permissions = Self::PERMISSIONS.into_iter().map(|(word, flag)| (word, plugins(flag)));
        permissions.chain(Self::HOST.into_iter().map(|(word, flag)| (word, Self::from(flag))))
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.words().next().is_none()
    }

    /// Tells whether all of `other` are among these.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        other.without(self).is_empty()
    }

    /// These and those of `other`.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { permissions: self.permissions | other.permissions, host: self.host | other.host }
    }

    /// Those that are not among `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        let kept = |right: &Self| self.has(*right) && !other.has(*right);
        Self::each().map(|(_, right)| right).filter(kept).collect()
    }

    /// Tells whether one right is among these.
    ///
    /// Rights are judged one by one: the generated `Permissions::all()` has bits which are no permission.
    fn has(self, one: Self) -> bool {
        self.permissions.contains(one.permissions) && self.host.contains(one.host)
    }

    /// The words of these rights, in the order of [`each`](Self::each).
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::each().filter(move |(_, right)| self.has(*right)).map(|(word, _)| word)
    }

    /// The rights of a list of words, each of which may be `all`.
    ///
    /// # Errors
    /// The first word that is none.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownRight> {
        words.into_iter().try_fold(Self::empty(), |all, word| Ok(all.union(word.parse()?)))
    }

    fn known() -> String {
        let words = Self::each().map(|(word, _)| word).chain([Self::ALL]);
        words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    }
}

impl PartialEq for Rights {
    fn eq(&self, other: &Self) -> bool {
        self.contains(*other) && other.contains(*self)
    }
}

impl Eq for Rights {}

impl Default for Rights {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Permissions> for Rights {
    fn from(permissions: Permissions) -> Self {
        plugins(permissions)
    }
}

impl From<HostPermissions> for Rights {
    fn from(host: HostPermissions) -> Self {
        Self { permissions: Permissions::empty(), host }
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl FromIterator<Rights> for Rights {
    fn from_iter<I: IntoIterator<Item = Self>>(rights: I) -> Self {
        rights.into_iter().fold(Self::empty(), Self::union)
    }
}

/// Reads one word; `all` is one.
impl FromStr for Rights {
    type Err = UnknownRight;

    fn from_str(word: &str) -> Result<Self, UnknownRight> {
        if word == Self::ALL {
            return Ok(Self::all());
        }
        let known = Self::each().find(|(known, _)| *known == word);
        known.map(|(_, right)| right).ok_or_else(|| UnknownRight(word.to_owned()))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

/// Shows the words, as in `invite, manage-people`.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.words().collect();
        f.write_str(&words.join(", "))
    }
}

impl Serialize for Rights {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.words())
    }
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Self::of_words(words.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::wit::Contract;

    fn some() -> Rights {
        Rights::of_words(["invite", "manage-people"]).unwrap()
    }

    #[test]
    fn the_words_of_the_plugins_permissions_are_those_of_the_contract() {
        let contract = Contract::read();
        let words: Vec<_> = Rights::PERMISSIONS.iter().map(|(word, _)| *word).collect();
        assert_eq!(words, contract.flags(contract.named("guestlist:invitation/types@0.1.0", "permissions")));
        assert_eq!(Rights::of_words(words).unwrap(), Rights::from(Permissions::all()));
        let hosts = Rights::of_words(Rights::HOST.iter().map(|(word, _)| *word)).unwrap();
        assert_eq!(hosts, Rights::from(HostPermissions::all()));
        assert_eq!(hosts.words().count(), Rights::HOST.len(), "no word is of both kinds");
    }

    #[test]
    fn rights_are_a_set() {
        let host = Rights::from(HostPermissions::MANAGE_PEOPLE);
        assert_eq!(some(), Rights::from(Permissions::INVITE) | host);
        assert!(some().contains(host) && !host.contains(some()));
        assert!(Rights::all().contains(some()) && some().contains(Rights::empty()));
        assert_eq!(some().without(host), Rights::from(Permissions::INVITE));
        assert_eq!(Rights::all().without(Rights::all()), Rights::empty());
        assert_eq!(Rights::each().map(|(_, right)| right).collect::<Rights>(), Rights::all());
        assert!(Rights::default().is_empty() && !some().is_empty());
    }

    #[test]
    fn rights_are_written_as_words_and_read_back() {
        assert_eq!(some().to_string(), "invite, manage-people");
        assert_eq!(serde_json::to_string(&some()).unwrap(), r#"["invite","manage-people"]"#);
        for rights in Rights::each().map(|(_, right)| right).chain([Rights::empty(), Rights::all(), some()]) {
            let text = serde_json::to_string(&rights).unwrap();
            assert_eq!(serde_json::from_str::<Rights>(&text).unwrap(), rights);
        }
        assert_eq!(serde_json::from_str::<Rights>(r#"["all"]"#).unwrap(), Rights::all());
        let told = serde_json::from_str::<Rights>(r#"["manage-everything"]"#).unwrap_err().to_string();
        assert!(told.contains("`manage-everything` is no right, there are `invite`, "), "{told}");
        assert!(told.contains("`read-trail`, `all`"), "{told}");
    }
}
