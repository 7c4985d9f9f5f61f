//! Calls and answers as steps of a scenario: the other way round than playing.
//!
//! Ids and codes come from entropy and mean nothing to a reader, so a step says `alice's invitation`.
//! It keeps of an answer what decides: states, e-mails, outcomes, counts, and why something was refused.

use guestlist_documents::yaml::flow;
use serde_json::{Map, Value};

use super::{
    ask::Request,
    people::person,
    render::state_name,
    stage::{Kind, Stage, Told},
};
use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, LifetimeChoice, Owner},
        invitee::Handle,
    },
    types::{GrantKind, InvitationFilter, InvitationKey, Notify, PageRequest, Principal, SortKey, State},
};
use guestlist_documents::HumanDuration;

/// A flow mapping in the order of its fields; those without a value are left out.
struct Fields(Vec<String>);

impl Fields {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        self.0.extend(value.map(|value| format!("{name}: {}", flow(&value.into()))));
        self
    }

    fn with_all(self, name: &str, values: Vec<String>) -> Self {
        self.with(name, (!values.is_empty()).then_some(values))
    }
}

impl std::fmt::Display for Fields {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { to.write_str("{}") } else { write!(to, "{{ {} }}", self.0.join(", ")) }
    }
}

/// A step for this call, at the left margin and without what must come of it.
pub(super) fn step(
    stage: &Stage,
    request: &Request,
    organization: Option<&str>,
    caller: &Principal,
) -> Result<String, String> {
    let who = |who: &Principal| called(stage, organization, who);
    let (what, reason) = match request {
        Request::Invite(request) => (invite(request)?, &None),
        Request::List(filter, page) => (list(stage, filter, page, &who).to_string(), &None),
        Request::Get(id) => (flow(&named(stage, id)?.into()), &None),
        Request::Resend(ids, _) => {
            let names = ids.iter().map(|id| named(stage, id)).collect::<Result<Vec<_>, _>>()?;
            (flow(&names.into()), &None)
        }
        Request::Revoke(id, reason) | Request::Reject(id, reason) => {
            (flow(&named(stage, id)?.into()), reason)
        }
        Request::Approve(id) | Request::Dismiss(id) => (flow(&named(stage, id)?.into()), &None),
        Request::RevokeAll(whose, reason) => {
            let fields = match whose {
                Owner::Invitee(user) => {
                    Fields::new().with("invitee", Some(who(&Principal::User(user.clone()))))
                }
                Owner::Inviter(inviter) => Fields::new().with("inviter", Some(who(inviter))),
            };
            (fields.to_string(), reason)
        }
        Request::ListMine(states, after, limit) => {
            let fields = Fields::new().with_all("states", words(states));
            (
                fields
                    .with("after", next(stage, 1, after))
                    .with("limit", other_than(200, *limit))
                    .to_string(),
                &None,
            )
        }
        Request::Introspect(handle) | Request::Accept(handle) => (self::handle(stage, handle)?, &None),
        Request::Decline(handle, reason) => (self::handle(stage, handle)?, reason),
        Request::Sweep(limit) => (Fields::new().with("limit", other_than(100, *limit)).to_string(), &None),
    };
    let mut text = format!("- {}: {what}\n", request.operation().name());
    if !matches!((request, caller), (Request::Sweep(_), Principal::System)) {
        text += &format!("  as: {}\n", flow(&who(caller).into()));
    }
    if let Some(place) = organization {
        text += &format!("  in: {}\n", flow(&place.into()));
    }
    if let Some(reason) = reason {
        text += &format!("  reason: {}\n", flow(&reason.as_str().into()));
    }
    Ok(text)
}

/// Makes the expectation of what must come of a step: the part of the answer that decides. Empty where
/// success says it all.
pub(super) fn expectation(told: &Told) -> String {
    let of = |word: &str| told.shown.get(word).cloned().unwrap_or_default();
    let (word, value) = match told.kind {
        Kind::Broken => ("broken", of("broken")),
        Kind::Refused => ("refused", of("refused")),
        Kind::Answered if told.shown.is_string() => return String::new(),
        Kind::Answered => ("answer", decisive(&told.shown)),
    };
    let short = format!("  expect: {{ {word}: {} }}\n", flow(&value));
    let is_long = short.len() > 100 || matches!(&value, Value::Array(items) if !items.is_empty());
    if is_long { format!("  expect:\n    {word}:\n{}", in_lines(&value, "      ")) } else { short }
}

/// A line for each item and field.
fn in_lines(value: &Value, indent: &str) -> String {
    match value {
        Value::Array(items) => {
            let line = |item| match single(item) {
                Some((name, value)) => format!("{indent}- {}: {}\n", flow(&name.into()), flow(value)),
                None => format!("{indent}- {}\n", flow(item)),
            };
            items.iter().map(line).collect()
        }
        Value::Object(fields) => {
            let lines = |(name, value): (&String, &Value)| {
                let name = flow(&name.as_str().into());
                match value {
                    Value::Array(items) if !items.is_empty() => {
                        format!("{indent}{name}:\n{}", in_lines(value, &format!("{indent}  ")))
                    }
                    _ => format!("{indent}{name}: {}\n", flow(value)),
                }
            };
            fields.iter().map(lines).collect()
        }
        other => format!("{indent}{}\n", flow(other)),
    }
}

fn single(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.iter().next().map(|(name, value)| (name.as_str(), value))
}

/// Keeps what decides: of everything with a state, what it is and where its mail is.
fn decisive(value: &Value) -> Value {
    const KEPT: [&str; 4] = ["invitation", "key", "mail", "state"];
    match value {
        Value::Array(items) => items.iter().map(decisive).collect(),
        Value::Object(fields) if fields.contains_key("state") => {
            let kept =
                fields.iter().filter(|(name, value)| KEPT.contains(&name.as_str()) && !value.is_null());
            let mut kept: Map<_, _> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            if fields.get("code").is_some_and(|code| !code.is_null()) {
                kept.insert("code".into(), "*".into());
            }
            Value::Object(kept)
        }
        Value::Object(fields) => {
            // Of a cursor it matters whether there is one.
            let field = |(name, value): (&String, &Value)| {
                let kept = if name == "next" && value.is_string() { "*".into() } else { decisive(value) };
                (name.clone(), kept)
            };
            // What is not there is nothing to expect, but for a next page.
            let there = fields.iter().filter(|(name, value)| !value.is_null() || *name == "next");
            Value::Object(there.map(field).collect())
        }
        other => other.clone(),
    }
}

/// The shortest text that means this person in a step of this organization.
fn called(stage: &Stage, organization: Option<&str>, who: &Principal) -> String {
    let whole = super::names::principal(who);
    let Principal::User(user) = who else { return whole };
    let place = stage.place(organization);
    let world = stage.host.snapshot();
    let person_there =
        world.organizations.get(&user.organization).and_then(|home| home.residents.get(&user.id));
    let names = [person_there.map(|it| it.name.clone()), Some(user.id.clone())];
    let is_meant = |name: &String| person(&stage.host, place.as_deref(), name).is_ok_and(|it| it == *who);
    names.into_iter().flatten().find(is_meant).unwrap_or(whole)
}

fn named(stage: &Stage, id: &str) -> Result<String, String> {
    match stage.names.of(id) {
        Some(name) => Ok(name.to_owned()),
        None if uuid::Uuid::try_parse(id).is_ok() => Ok(id.to_owned()),
        None => Err(format!("`{id}` is no id of an invitation, and a scenario has no words for it")),
    }
}

fn handle(stage: &Stage, handle: &Handle) -> Result<String, String> {
    let code = match handle {
        Handle::Code(code) => code,
        Handle::Id(key) => {
            let name = stage.names.of(&key.id).filter(|name| stage.names.key(name) == Some(key));
            let unknown = || {
                format!(
                    "there is no invitation `{}/{}`, and a scenario has no words for it",
                    key.organization, key.id
                )
            };
            return Ok(Fields::new().with("invitation", Some(name.ok_or_else(unknown)?)).to_string());
        }
    };
    let world = stage.host.snapshot();
    for name in stage.names.all() {
        let codes = stage.names.key(name).map(|key| stage.names.codes(key, &world)).unwrap_or_default();
        if let Some(index) = codes.iter().rposition(|known| known == code) {
            let nth = (index + 1 != codes.len()).then_some(index + 1);
            return Ok(Fields::new().with("code", Some(name)).with("nth", nth).to_string());
        }
    }
    Ok(Fields::new().with("text", Some(code.as_str())).to_string())
}

/// The same request with ids and codes where it has names.
pub(super) fn by_name(stage: &Stage, request: Request) -> Request {
    let id = |id: String| stage.names.key(&id).map_or(id, |key| key.id.clone());
    let handle = |handle: Handle| match handle {
        Handle::Code(text) => {
            let codes = stage.names.key(&text).map(|key| stage.names.codes(key, &stage.host.snapshot()));
            Handle::Code(codes.and_then(|codes| codes.last().cloned()).unwrap_or(text))
        }
        Handle::Id(InvitationKey { organization, id: name }) => {
            Handle::Id(InvitationKey { organization, id: id(name) })
        }
    };
    match request {
        Request::Get(it) => Request::Get(id(it)),
        Request::Resend(ids, names) => Request::Resend(ids.into_iter().map(id).collect(), names),
        Request::Revoke(it, reason) => Request::Revoke(id(it), reason),
        Request::Approve(it) => Request::Approve(id(it)),
        Request::Reject(it, reason) => Request::Reject(id(it), reason),
        Request::Dismiss(it) => Request::Dismiss(id(it)),
        Request::Introspect(it) => Request::Introspect(handle(it)),
        Request::Accept(it) => Request::Accept(handle(it)),
        Request::Decline(it, reason) => Request::Decline(handle(it), reason),
        other => other,
    }
}

fn invite(request: &InviteRequest) -> Result<String, String> {
    let of = |kind| {
        let grants = request.grants.iter().filter(move |grant| grant.kind == kind);
        grants.map(|grant| grant.id.clone()).collect::<Vec<_>>()
    };
    if request.grants.is_sorted_by_key(|grant| grant.kind == GrantKind::Group) {
        let keys = request.metadata.iter().map(|pair| &pair.key);
        if !keys.is_sorted_by(|one, other| one < other) {
            return Err(
                "a scenario has the properties of an invitation once each, in the order of their keys".into(),
            );
        }
    } else {
        return Err("a scenario has roles before groups".into());
    }
    let pair =
        |pair: &guestlist_contract::types::Property| (pair.key.clone(), Value::from(pair.value.as_str()));
    let metadata: Map<_, _> = request.metadata.iter().map(pair).collect();
    let lifetime = match request.lifetime {
        LifetimeChoice::Default => None,
        LifetimeChoice::Never => Some("never".to_owned()),
        LifetimeChoice::Lasting(time) => Some(HumanDuration(time).to_string()),
    };
    let notify = request.notify.map(|notify| match notify {
        Notify::Internal => "internal",
        Notify::External => "external",
    });
    let fields = Fields::new()
        .with("users", Some(request.names.clone()))
        .with_all("groups", of(GrantKind::Group))
        .with_all("roles", of(GrantKind::Role))
        .with("userstore-domain", request.userstore_domain.clone())
        .with("lifetime", lifetime)
        .with("notify", notify)
        .with("template", request.template.clone())
        .with("metadata", (!metadata.is_empty()).then_some(metadata))
        .with("idempotency-key", request.idempotency_key.clone());
    Ok(fields.to_string())
}

fn list(
    stage: &Stage,
    filter: &InvitationFilter,
    page: &PageRequest,
    who: &dyn Fn(&Principal) -> String,
) -> Fields {
    let grant = |kind| filter.grant.as_ref().filter(|grant| grant.kind == kind).map(|grant| grant.id.clone());
    let sort = match page.sort {
        SortKey::CreatedAt => None,
        SortKey::ExpiresAt => Some("expires-at"),
        SortKey::Name => Some("name"),
    };
    Fields::new()
        .with_all("states", words(&filter.states))
        .with("group", grant(GrantKind::Group))
        .with("role", grant(GrantKind::Role))
        .with("inviter", filter.inviter.as_ref().map(who))
        .with("invitee", filter.invitee.clone().map(|user| who(&Principal::User(user))))
        .with("name-prefix", filter.name_prefix.clone())
        .with("sort", sort)
        .with("descending", page.descending.then_some(true))
        .with("after", next(stage, 0, &page.after))
        .with("limit", other_than(200, page.limit))
}

fn words(states: &[State]) -> Vec<String> {
    states.iter().map(|state| state_name(*state).to_owned()).collect()
}

fn next(stage: &Stage, kind: usize, after: &Option<String>) -> Option<String> {
    let after = after.as_ref()?;
    let is_last = stage.cursor(kind, Some("next")).as_ref() == Some(after);
    Some(if is_last { "next".into() } else { after.clone() })
}

fn other_than(usual: u32, number: u32) -> Option<u32> {
    (number != usual).then_some(number)
}
