//! The arguments that a scenario gives to calls of the plugin.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Text;
use crate::schema_parts as schema;

/// `invite`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Invite {
    /// User names of the parent organization.
    pub users: Vec<String>,
    /// Ids of groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Ids of roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The store in which plain names are looked up; the default store by default.
    #[serde(default)]
    pub userstore_domain: Option<String>,
    /// The lifetime, as in `24h`, or `never`; the organization's setting by default.
    #[serde(default)]
    #[schemars(with = "Option<schema::Lifetime>")]
    pub lifetime: Option<Text>,
    /// `internal` or `external`; the organization's setting by default.
    #[serde(default)]
    pub notify: Option<Notifying>,
    /// The e-mail template.
    #[serde(default)]
    pub template: Option<String>,
    /// The language to write in, as in `pt-BR`.
    #[serde(default)]
    pub language: Option<String>,
    /// The place to go to after accepting; the organization's `landings` have to allow it.
    #[serde(default)]
    pub landing: Option<String>,
    /// Pairs that are stored with the invitation.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Makes repeating it harmless.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// The one who brings the code.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Notifying {
    /// The plugin, by e-mail.
    Internal,
    /// The caller, who gets it in the answer.
    External,
}

/// `list`: all conditions that are given hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct List {
    /// States, as in `pending`; empty: any.
    #[schemars(with = "Vec<schema::State>")]
    pub states: Vec<Text>,
    /// Only invitations that carry this group.
    pub group: Option<String>,
    /// Only invitations that carry this role.
    pub role: Option<String>,
    /// Only invitations by this person.
    #[schemars(with = "Option<String>")]
    pub inviter: Option<Text>,
    /// Only invitations for this person.
    #[schemars(with = "Option<String>")]
    pub invitee: Option<Text>,
    /// Only invitations whose user name starts like this.
    pub name_prefix: Option<String>,
    /// Lists those that were taken off the list, instead of those that were not.
    pub dismissed: bool,
    /// `created-at`, `expires-at` or `name`.
    pub sort: Option<SortBy>,
    /// The greatest first.
    pub descending: bool,
    /// `next` of the `list` before, or a text that is no cursor.
    pub after: Option<String>,
    /// Most invitations of a page; 200 by default.
    pub limit: Option<u32>,
}

/// The key that a list is sorted by.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SortBy {
    /// The time at which they were made.
    CreatedAt,
    /// The time at which they run out.
    ExpiresAt,
    /// The user name.
    Name,
}

/// `list-mine`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ListMine {
    /// States, as in `pending`; empty: any.
    #[schemars(with = "Vec<schema::State>")]
    pub states: Vec<Text>,
    /// `next` of the `list-mine` before, or a text that is no cursor.
    pub after: Option<String>,
    /// Most invitations of a page; 200 by default.
    pub limit: Option<u32>,
}

/// `revoke-all`: of an invitee or of an inviter.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RevokeAll {
    /// The person whose invitations to the organization are ended.
    #[schemars(with = "Option<String>")]
    pub invitee: Option<Text>,
    /// The person who has sent them.
    #[schemars(with = "Option<String>")]
    pub inviter: Option<Text>,
}

/// The invitation that is meant by somebody who answers one: `code` or `invitation`, or a code that is none
/// (`text`, `never-issued`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Handle {
    /// The code that was handed out for this invitation, as in `alice's invitation`.
    #[schemars(with = "Option<String>")]
    pub code: Option<Text>,
    /// The number of the code among those that were handed out, from 1, with `code`; the last by default.
    pub nth: Option<usize>,
    /// The number of first characters that are left of it, with `code`, as in a link that an e-mail program
    /// has cut.
    pub cut: Option<usize>,
    /// The id, as from the invitee's own dashboard.
    #[schemars(with = "Option<String>")]
    pub invitation: Option<Text>,
    /// A text to answer with instead, whatever it is.
    pub text: Option<String>,
    /// `true`: a whole code that nobody was ever given.
    pub never_issued: bool,
}

/// `sweep`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Sweep {
    /// Most items; 100 by default.
    pub limit: Option<u32>,
}
