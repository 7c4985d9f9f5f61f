//! Requests that callers send.

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, LifetimeChoice, Owner},
        invitee::Handle,
    },
    types::{
        Grant, GrantKind, InvitationFilter, InvitationKey, Notify, PageRequest, Principal, Property, SortKey,
        State, UserRef,
    },
};
use guestlist_documents::{HumanDuration, files::without_mark};

/// A request that is not what the operation takes.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRequest {
    /// The request is not JSON, or not of the operation's shape; the text says where and what was expected.
    #[error("the request is not understood: {0}")]
    Json(#[from] serde_json::Error),
    /// A value that no field can have.
    #[error("{0}")]
    Value(String),
}

fn invalid<T>(text: impl Into<String>) -> Result<T, InvalidRequest> {
    Err(InvalidRequest::Value(text.into()))
}

/// A request type with a name, so that mistakes are explained.
pub trait Named: DeserializeOwned {
    /// Reads one from JSON text. Blank text is an empty object, and a byte order mark before it is skipped.
    ///
    /// # Errors
    /// [`InvalidRequest::Json`] with line and column.
    fn read(text: &str) -> Result<Self, InvalidRequest> {
        let text = without_mark(text);
        let text = if text.trim().is_empty() { "{}" } else { text };
        Ok(serde_json::from_str(text)?)
    }
}

/// `null` is how some programs write an empty list.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// `invite`. The fields of the reference, and six more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invite {
    #[serde(deserialize_with = "list")]
    usernames: Vec<String>,
    user_domain: Option<String>,
    #[serde(default, deserialize_with = "list")]
    roles: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    groups: Vec<String>,
    /// `manageNotificationsInternally` is understood; every other pair is stored with the invitation.
    #[serde(default, deserialize_with = "list")]
    properties: Vec<Pair>,
    /// The lifetime, as in `24h`, `90m`, or `never`.
    lifetime: Option<String>,
    template: Option<String>,
    /// The language, as in `de` or `pt-BR`.
    language: Option<String>,
    /// The place to go to after accepting: one of those that the organization allows.
    landing: Option<String>,
    idempotency_key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    key: String,
    value: String,
}

impl Named for Invite {}

const INTERNALLY: &str = "manageNotificationsInternally";

impl Invite {
    /// The request of the contract.
    ///
    /// # Errors
    /// A lifetime that is not a time, `manageNotificationsInternally` twice, or a value of it other than `true`
    /// and `false`. (The reference takes every other text for `false` and sends no e-mail.)
    pub fn into_request(self) -> Result<InviteRequest, InvalidRequest> {
        let mut notify = None;
        let mut metadata = Vec::new();
        for Pair { key, value } in self.properties {
            match (key.as_str(), value.to_ascii_lowercase().as_str()) {
                (INTERNALLY, _) if notify.is_some() => {
                    return invalid(format!("`{INTERNALLY}` is there twice"));
                }
                (INTERNALLY, "true") => notify = Some(Notify::Internal),
                (INTERNALLY, "false") => notify = Some(Notify::External),
                (INTERNALLY, _) => return invalid(format!("`{INTERNALLY}` is `{value}`: say true or false")),
                _ => metadata.push(Property { key, value }),
            }
        }
        let lifetime = match self.lifetime.as_deref() {
            None => LifetimeChoice::Default,
            Some("never") => LifetimeChoice::Never,
            Some(text) => LifetimeChoice::Lasting(duration(text)?),
        };
        let of = |kind, ids: Vec<String>| ids.into_iter().map(move |id| Grant { kind, id });
        Ok(InviteRequest {
            names: self.usernames,
            userstore_domain: self.user_domain,
            grants: of(GrantKind::Role, self.roles).chain(of(GrantKind::Group, self.groups)).collect(),
            lifetime,
            notify,
            template: self.template,
            language: self.language,
            landing: self.landing,
            metadata,
            idempotency_key: self.idempotency_key,
        })
    }
}

/// A time as people write it, as in `71h59m`, in milliseconds.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<u64, InvalidRequest> {
    let time = text.parse::<HumanDuration>().map_err(|error| InvalidRequest::Value(error.to_string()))?;
    Ok(time.0)
}

/// `list`: all fields are optional.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct List {
    /// States, as in `PENDING`.
    #[serde(deserialize_with = "list")]
    status: Vec<String>,
    group: Option<String>,
    role: Option<String>,
    inviter: Option<Asker>,
    invitee: Option<Account>,
    username_prefix: Option<String>,
    /// Asks for those that were taken off the list, instead of those that were not.
    dismissed: bool,
    /// `createdAt`, `expiredAt` or `username`.
    sort_by: Option<String>,
    /// `ASC` or `DESC`.
    sort_order: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

impl Named for List {}

/// An account, by organization and id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    organization: String,
    id: String,
}

impl From<Account> for UserRef {
    fn from(account: Account) -> Self {
        Self { organization: account.organization, id: account.id }
    }
}

/// The inviter, as answers show them: `{"organization": .., "id": ..}`, or `{"client": ..}` for a machine;
/// also as the command writes them, `ORGANIZATION/ID` and `client:ID`.
#[derive(Debug)]
pub struct Asker(Principal);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskerFields {
    organization: Option<String>,
    id: Option<String>,
    client: Option<String>,
}

impl<'de> Deserialize<'de> for Asker {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = Asker;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str(
                    r#"{"organization": .., "id": ..}, {"client": ..}, "ORGANIZATION/ID" or "client:ID""#,
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Asker, E> {
                let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
                if let Some(id) = text.strip_prefix("client:") {
                    return Ok(Asker(Principal::Client(id.to_owned())));
                }
                let (organization, id) = text.split_once('/').ok_or_else(wrong)?;
                Ok(Asker(Principal::User(UserRef {
                    organization: organization.to_owned(),
                    id: id.to_owned(),
                })))
            }

            fn visit_map<M: de::MapAccess<'de>>(self, map: M) -> Result<Asker, M::Error> {
                match AskerFields::deserialize(de::value::MapAccessDeserializer::new(map))? {
                    AskerFields { organization: Some(organization), id: Some(id), client: None } => {
                        Ok(Asker(Principal::User(UserRef { organization, id })))
                    }
                    AskerFields { organization: None, id: None, client: Some(id) } => {
                        Ok(Asker(Principal::Client(id)))
                    }
                    _ => Err(de::Error::invalid_value(de::Unexpected::Map, &self)),
                }
            }
        }

        from.deserialize_any(Either)
    }
}

impl List {
    /// The filter and page of the contract.
    ///
    /// # Errors
    /// A status or sort key that does not exist, or both a group and a role.
    pub fn into_request(self) -> Result<(InvitationFilter, PageRequest), InvalidRequest> {
        let grant = match (self.group, self.role) {
            (Some(_), Some(_)) => return invalid("filter by `group` or by `role`, not by both"),
            (Some(id), None) => Some(Grant { kind: GrantKind::Group, id }),
            (None, Some(id)) => Some(Grant { kind: GrantKind::Role, id }),
            (None, None) => None,
        };
        let filter = InvitationFilter {
            states: states(&self.status)?,
            grant,
            inviter: self.inviter.map(|asker| asker.0),
            invitee: self.invitee.map(UserRef::from),
            name_prefix: self.username_prefix,
            dismissed: Some(self.dismissed),
        };
        let sort = match self.sort_by.as_deref() {
            None | Some("createdAt") => SortKey::CreatedAt,
            Some("expiredAt") => SortKey::ExpiresAt,
            Some("username") => SortKey::Name,
            Some(other) => {
                return invalid(format!("`sortBy` is `{other}`: say createdAt, expiredAt or username"));
            }
        };
        let descending = match self.sort_order.as_deref() {
            None | Some("ASC") => false,
            Some("DESC") => true,
            Some(other) => return invalid(format!("`sortOrder` is `{other}`: say ASC or DESC")),
        };
        Ok((filter, PageRequest { sort, descending, after: self.after, limit: self.limit.unwrap_or(50) }))
    }
}

/// `list-mine`: all fields are optional.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ListMine {
    #[serde(deserialize_with = "list")]
    status: Vec<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    limit: Option<u32>,
}

impl Named for ListMine {}

impl ListMine {
    /// The states asked for.
    ///
    /// # Errors
    /// A status that does not exist.
    pub fn states(&self) -> Result<Vec<State>, InvalidRequest> {
        states(&self.status)
    }

    /// The page size.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(50)
    }
}

fn states(names: &[String]) -> Result<Vec<State>, InvalidRequest> {
    let state = |name: &String| match name.to_ascii_uppercase().replace('-', "_").as_str() {
        "AWAITING_APPROVAL" => Ok(State::AwaitingApproval),
        "PENDING" => Ok(State::Pending),
        "ACCEPTING" => Ok(State::Accepting),
        "ACCEPTED" => Ok(State::Accepted),
        "DECLINED" => Ok(State::Declined),
        "REVOKED" => Ok(State::Revoked),
        "EXPIRED" => Ok(State::Expired),
        "FAILED" => Ok(State::Failed),
        _ => invalid(format!(
            "`{name}` is not a status: say AWAITING_APPROVAL, PENDING, ACCEPTING, ACCEPTED, DECLINED, REVOKED, \
             EXPIRED or FAILED"
        )),
    };
    names.iter().map(state).collect()
}

/// `get`, `revoke`, `approve`, `reject`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ById {
    /// The id of the invitation.
    pub id: String,
    /// The reason, for `revoke` and `reject`.
    pub reason: Option<String>,
}

impl Named for ById {}

/// `resend`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByIds {
    /// The ids of the invitations.
    #[serde(deserialize_with = "list")]
    pub ids: Vec<String>,
}

impl Named for ByIds {}

/// `revoke-all`: of an invitee or of an inviter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeAll {
    invitee: Option<Account>,
    inviter: Option<Asker>,
    /// Stored with each.
    pub reason: Option<String>,
}

impl Named for RevokeAll {}

impl RevokeAll {
    /// Tells whose invitations are meant.
    ///
    /// # Errors
    /// Neither or both are named.
    pub fn owner(&mut self) -> Result<Owner, InvalidRequest> {
        match (self.invitee.take(), self.inviter.take()) {
            (Some(invitee), None) => Ok(Owner::Invitee(invitee.into())),
            (None, Some(inviter)) => Ok(Owner::Inviter(inviter.0)),
            _ => invalid("name either an `invitee` or an `inviter`, as {\"organization\": .., \"id\": ..}"),
        }
    }
}

/// `introspect`, `accept`: by code, or by organization and id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakeHandle {
    confirmation_code: Option<String>,
    organization: Option<String>,
    id: Option<String>,
}

impl Named for TakeHandle {}

impl TakeHandle {
    /// Tells which invitation is meant.
    ///
    /// # Errors
    /// Neither a code nor an organization and id, or both.
    pub fn handle(self) -> Result<Handle, InvalidRequest> {
        match (self.confirmation_code, self.organization, self.id) {
            (Some(code), None, None) => Ok(Handle::Code(code)),
            (None, Some(organization), Some(id)) => Ok(Handle::Id(InvitationKey { organization, id })),
            _ => invalid("name either a `confirmationCode`, or an `organization` and an `id`"),
        }
    }
}

/// `decline`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decline {
    confirmation_code: Option<String>,
    organization: Option<String>,
    id: Option<String>,
    /// Shown to the inviter.
    pub reason: Option<String>,
}

impl Named for Decline {}

impl Decline {
    /// Does the same as [`TakeHandle::handle`].
    ///
    /// # Errors
    /// As there.
    pub fn handle(self) -> Result<Handle, InvalidRequest> {
        let Self { confirmation_code, organization, id, reason: _ } = self;
        TakeHandle { confirmation_code, organization, id }.handle()
    }
}

/// `sweep`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sweep {
    limit: Option<u32>,
}

impl Named for Sweep {}

impl Sweep {
    /// Most items of one run.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(100)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_documented_request_of_the_reference_is_understood() {
        let text = r#"{ "usernames": ["xyz@gmail.com", "abc@gmail.com"], "userDomain": "DEFAULT",
            "roles": ["f5b761ca"], "groups": ["48badf", "fd2341"],
            "properties": [{ "key": "manageNotificationsInternally", "value": "false" }, { "key": "ticket", "value": "7" }] }"#;
        let request = Invite::read(text).unwrap().into_request().unwrap();
        assert_eq!(request.names, ["xyz@gmail.com", "abc@gmail.com"]);
        assert_eq!(request.grants.len(), 3);
        assert_eq!(request.grants[0].kind, GrantKind::Role);
        assert_eq!(request.notify, Some(Notify::External));
        assert_eq!(request.metadata, [Property { key: "ticket".into(), value: "7".into() }]);
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_place() {
        let error = Invite::read("{\n \"usernames\": [],\n \"group\": []\n}").unwrap_err().to_string();
        assert!(error.contains("unknown field `group`") && error.contains("line 3"), "{error}");
        let error = Invite::read("{}").unwrap_err().to_string();
        assert!(error.contains("missing field `usernames`"), "{error}");
    }

    #[test]
    fn whoever_has_invited_is_named_as_answers_show_them_or_as_the_command_does() {
        let ann = Principal::User(UserRef { organization: "acme".into(), id: "u-ann".into() });
        for (written, who) in [
            (r#"{ "organization": "acme", "id": "u-ann" }"#, ann.clone()),
            (r#""acme/u-ann""#, ann),
            (r#"{ "client": "hr" }"#, Principal::Client("hr".into())),
            (r#""client:hr""#, Principal::Client("hr".into())),
        ] {
            let text = format!(r#"{{ "inviter": {written} }}"#);
            assert_eq!(List::read(&text).unwrap().into_request().unwrap().0.inviter, Some(who.clone()));
            let Owner::Inviter(owner) = RevokeAll::read(&text).unwrap().owner().unwrap() else {
                unreachable!("an inviter was named")
            };
            assert_eq!(owner, who);
        }
        for wrong in [r#""ann""#, r#"{ "id": "u-ann" }"#, r#"{ "client": "hr", "id": "u-ann" }"#, "7"] {
            let error = List::read(&format!(r#"{{ "inviter": {wrong} }}"#)).unwrap_err().to_string();
            assert!(error.contains(r#""client:ID""#), "{error}");
        }
    }

    #[test]
    fn a_list_that_is_null_is_empty_and_a_byte_order_mark_is_skipped() {
        let text =
            "\u{feff}{ \"usernames\": [\"a\"], \"groups\": null, \"roles\": null, \"properties\": null }";
        let request = Invite::read(text).unwrap().into_request().unwrap();
        assert_eq!((request.names.len(), request.grants.len(), request.metadata.len()), (1, 0, 0));
        assert!(Invite::read(r#"{ "usernames": null }"#).unwrap().into_request().unwrap().names.is_empty());
        assert!(List::read(r#"{ "status": null }"#).unwrap().into_request().unwrap().0.states.is_empty());
        assert!(ListMine::read("\u{feff}{ \"status\": null }").unwrap().states().unwrap().is_empty());
        assert!(ByIds::read(r#"{ "ids": null }"#).unwrap().ids.is_empty());
        assert!(ListMine::read("\u{feff}").unwrap().states().unwrap().is_empty(), "nothing but the mark");
    }

    #[test]
    fn a_text_that_is_neither_true_nor_false_is_refused() {
        let text = r#"{ "usernames": ["a"], "properties": [{ "key": "manageNotificationsInternally", "value": "yes" }] }"#;
        assert!(Invite::read(text).unwrap().into_request().is_err());
    }
}
