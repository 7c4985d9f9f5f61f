//! What a scenario gives to calls of the plugin.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Text;
use crate::schema;

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
    /// Where plain names are looked up; the default store by default.
    #[serde(default)]
    pub userstore_domain: Option<String>,
    /// As in `24h`, or `never`; the organization's setting by default.
    #[serde(default)]
    #[schemars(with = "Option<schema::Lifetime>")]
    pub lifetime: Option<Text>,
    /// `internal` or `external`; the organization's setting by default.
    #[serde(default)]
    pub notify: Option<Notifying>,
    /// The mail template.
    #[serde(default)]
    pub template: Option<String>,
    /// In which language to write, as in `pt-BR`.
    #[serde(default)]
    pub language: Option<String>,
    /// Where to go after accepting; the organization's `landings` have to allow it.
    #[serde(default)]
    pub landing: Option<String>,
    /// Pairs that are stored with the invitation.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Makes repeating it harmless.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// Who brings the code.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Notifying {
    /// The plugin, by mail.
    Internal,
    /// The caller, who gets it in the answer.
    External,
}

/// `list`: all conditions that are given hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct List {
    /// As in `pending`; empty: any.
    #[schemars(with = "Vec<schema::State>")]
    pub states: Vec<Text>,
    /// Those that carry this group.
    pub group: Option<String>,
    /// Those that carry this role.
    pub role: Option<String>,
    /// Those by this person.
    #[schemars(with = "Option<String>")]
    pub inviter: Option<Text>,
    /// Those for this person.
    #[schemars(with = "Option<String>")]
    pub invitee: Option<Text>,
    /// Those whose user name starts like this.
    pub name_prefix: Option<String>,
    /// Those that were taken off the list, instead of those that were not.
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

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SortBy {
    /// When they were made.
    CreatedAt,
    /// When they run out.
    ExpiresAt,
    /// The user name.
    Name,
}

/// `list-mine`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ListMine {
    /// As in `pending`; empty: any.
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
    /// Whose invitations to the organization.
    #[schemars(with = "Option<String>")]
    pub invitee: Option<Text>,
    /// Who has sent them.
    #[schemars(with = "Option<String>")]
    pub inviter: Option<Text>,
}

/// Which invitation is meant by somebody who answers one: `code` or `invitation`, or a code that is
/// none (`text`, `never-issued`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Handle {
    /// The code that was handed out for this invitation, as in `alice's invitation`.
    #[schemars(with = "Option<String>")]
    pub code: Option<Text>,
    /// With `code`: the first, second .. that was handed out; the last by default.
    pub nth: Option<usize>,
    /// With `code`: only its first characters, as a link that a mail program has cut.
    pub cut: Option<usize>,
    /// By id, as from the invitee's own dashboard.
    #[schemars(with = "Option<String>")]
    pub invitation: Option<Text>,
    /// This text, whatever it is.
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
