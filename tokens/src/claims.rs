//! From claims to what the caller is in organizations.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

/// Path to a value inside claims, as of RFC 6901: `/realm_access/roles`.
///
/// A `/` in a name is written `~1` and a `~` is written `~0`, so that `https://x.example/roles` at the top is
/// `/https:~1~1x.example~1roles`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Pointer(String);

/// Names of roles that a token claims inside one organization. What they allow is the server's to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimedRoles {
    /// Key of the organization, as the issuer knows it: an alias, an id.
    pub organization: String,
    /// Names of roles as the issuer writes them, each once; perhaps none.
    pub roles: Vec<String>,
}

/// Where organizations and roles are in the claims of an issuer.
///
/// Claims that are missing give no roles. Claims of another type make the token refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RoleMapping {
    /// Nowhere.
    #[default]
    None,
    /// Keycloak's claim `organization`, with the alias as the key: an alias can be given to another organization
    /// after a deletion.
    Keycloak,
    /// Keycloak's claim `organization`, with the id as the key. Needs `addOrganizationId` in its mapper.
    KeycloakById,
    /// An object with a member for each organization.
    PerOrganization {
        /// Path to the object. A list of names there is taken as organizations without roles, if there is no
        /// `key`.
        organizations: Pointer,
        /// Path inside the member to the key of the organization, instead of the member's name.
        #[serde(default)]
        key: Option<Pointer>,
        /// Paths inside the member to a role or a list of roles.
        roles: Vec<Pointer>,
    },
    /// One organization, which a claim names.
    OneOrganization {
        /// Path to the key of the organization.
        organization: Pointer,
        /// Paths to a role or a list of roles: `/roles` unless said.
        #[serde(default = "roles")]
        roles: Vec<Pointer>,
    },
    /// One organization, which is always the same.
    Fixed {
        /// Key of the organization.
        organization: String,
        /// Paths to a role or a list of roles: `/roles` unless said.
        #[serde(default = "roles")]
        roles: Vec<Pointer>,
    },
}

impl Pointer {
    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        value.pointer(&self.0)
    }
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split('~').skip(1);
        if !text.starts_with('/') || !parts.into_iter().all(|part| part.starts_with(['0', '1'])) {
            return Err(format!("`{text}` is no path to a claim; write it as `/roles` or `/access/roles`"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

fn roles() -> Vec<Pointer> {
    vec![Pointer("/roles".to_owned())]
}

impl RoleMapping {
    /// Reads organizations and roles out of claims.
    ///
    /// # Errors
    ///
    /// The path of a claim that is of another type.
    pub fn read(&self, claims: &Value) -> Result<Vec<ClaimedRoles>, String> {
        let keycloak = |key: Option<&str>| Self::PerOrganization {
            organizations: Pointer("/organization".to_owned()),
            key: key.map(|key| Pointer(key.to_owned())),
            roles: vec![Pointer("/realm_access/roles".to_owned())],
        };
        match self {
            Self::None => Ok(Vec::new()),
            Self::Keycloak => keycloak(None).read(claims),
            Self::KeycloakById => keycloak(Some("/id")).read(claims),
            Self::PerOrganization { organizations, key, roles } => {
                let wrong = || organizations.0.clone();
                let Some(found) = organizations.of(claims) else { return Ok(Vec::new()) };
                match (found, key) {
                    (Value::Object(members), _) => members
                        .iter()
                        .map(|(name, member)| {
                            let organization = match key {
                                None => name.clone(),
                                Some(key) => text(key, member)?.ok_or_else(|| key.0.clone())?,
                            };
                            Ok(ClaimedRoles { organization, roles: all(roles, member)? })
                        })
                        .collect(),
                    (Value::Array(_), None) => Ok(names(found)
                        .ok_or_else(wrong)?
                        .into_iter()
                        .map(|organization| ClaimedRoles { organization, roles: Vec::new() })
                        .collect()),
                    _ => Err(wrong()),
                }
            }
            Self::OneOrganization { organization, roles } => match text(organization, claims)? {
                Some(organization) => Ok(vec![ClaimedRoles { organization, roles: all(roles, claims)? }]),
                None => Ok(Vec::new()),
            },
            Self::Fixed { organization, roles } => {
                let roles = all(roles, claims)?;
                let organization = organization.clone();
                Ok(if roles.is_empty() { Vec::new() } else { vec![ClaimedRoles { organization, roles }] })
            }
        }
    }
}

/// The text at a path, if there is something.
fn text(at: &Pointer, value: &Value) -> Result<Option<String>, String> {
    match at.of(value) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(at.0.clone()),
    }
}

/// The texts at all paths, each once.
fn all(paths: &[Pointer], value: &Value) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in paths {
        let Some(at) = path.of(value) else { continue };
        for name in names(at).ok_or_else(|| path.0.clone())? {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    Ok(found)
}

fn names(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(name) => Some(vec![name.clone()]),
        Value::Array(names) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
