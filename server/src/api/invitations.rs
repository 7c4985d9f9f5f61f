//! Invitations, for those who look after them.

use guestlist_contract::{
    exports::invitations::{Invited, Refusal},
    host,
    types::Invitation,
};
use guestlist_rest::{Invite, List, Named as _, RevokeAll};
use guestlist_storage::TrailFilter;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    asked::{Answer, Asked, Nothing, Reply},
    shown,
};
use crate::problem::Problem;

/// The parameters of the list.
pub const FILTERS: &[&str] = &[
    "status",
    "group",
    "role",
    "inviter",
    "invitee",
    "usernamePrefix",
    "dismissed",
    "sortBy",
    "sortOrder",
    "limit",
    "after",
];

fn refused(operation: host::Operation) -> impl Fn(Refusal) -> Problem {
    move |refusal| Problem::of_refusal(operation, &refusal)
}

fn not_understood(error: impl std::fmt::Display) -> Problem {
    Problem::invalid(error.to_string())
}

/// Invites; each name has its own answer.
pub async fn invite(asked: Asked) -> Answer {
    let mut fields: Map<String, Value> = asked.body()?;
    if let Some(key) = asked.idempotency_key()? {
        let known = fields.insert("idempotencyKey".into(), key.clone().into());
        if known.is_some_and(|known| known.as_str() != Some(key.as_str())) {
            return Err(Problem::invalid(
                "The header `Idempotency-Key` and the member `idempotencyKey` differ: give one.",
            ));
        }
    }
    let names: Vec<String> = match fields.get("usernames") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if fields.get("template").is_some_and(|template| !template.is_null()) {
        return Err(Problem::invalid("This server has no templates to choose from: leave `template` out."));
    }
    let request = Invite::read(&Value::Object(fields).to_string()).map_err(not_understood)?;
    let request = request.into_request().map_err(not_understood)?;
    let context = asked.granted.context(&asked.app);
    let answer = asked.app.session.invite(context, request).await?;
    let items = answer.map_err(refused(host::Operation::Invite))?;
    let made: Vec<&Invited> = items.iter().flatten().filter(|made| !made.existed).collect();
    let location = match made.as_slice() {
        [one] if items.len() == 1 => Some(asked.at(&format!("/invitations/{}", one.id))),
        _ => None,
    };
    let shown = names.iter().zip(&items).map(|(name, item)| {
        let mut shown = match item {
            Ok(invited) => guestlist_rest::invited(invited),
            Err(refusal) => json!({ "problem": Problem::of_item(refusal).body() }),
        };
        if let Value::Object(fields) = &mut shown {
            fields.insert("username".into(), json!(name));
        }
        shown
    });
    let body = shown::page(shown.collect(), None);
    let reply = if made.is_empty() { Reply::ok(body) } else { Reply::created(body) };
    Ok(match location {
        Some(location) => reply.at(location),
        None => reply,
    })
}

/// Lists.
pub async fn list(asked: Asked) -> Answer {
    let mut fields = Map::new();
    fields.insert("status".into(), json!(asked.parameters("status")));
    fields.insert("limit".into(), json!(asked.limit()?));
    for name in ["group", "role", "inviter", "usernamePrefix", "sortBy", "sortOrder", "after"] {
        if let Some(value) = asked.parameter(name) {
            fields.insert(name.into(), json!(value));
        }
    }
    if let Some(invitee) = asked.parameter("invitee") {
        let (organization, id) = invitee.split_once('/').ok_or_else(|| {
            Problem::invalid(format!("`invitee` is `{invitee}`: say `ORGANIZATION/ID`, their account."))
        })?;
        fields.insert("invitee".into(), json!({ "organization": organization, "id": id }));
    }
    if let Some(dismissed) = asked.flag("dismissed")? {
        fields.insert("dismissed".into(), json!(dismissed));
    }
    let list: List = serde_json::from_value(Value::Object(fields)).map_err(not_understood)?;
    let (filter, page) = list.into_request().map_err(not_understood)?;
    let answer = asked.app.session.list(asked.granted.context(&asked.app), filter, page).await?;
    let page = answer.map_err(refused(host::Operation::List))?;
    Ok(Reply::ok(shown::page(page.items.iter().map(guestlist_rest::invitation).collect(), page.next)))
}

/// The invitation of the path, which the plugin shows to whoever may view it.
async fn found(asked: &Asked) -> Result<Invitation, Problem> {
    let answer = asked.app.session.get(asked.granted.context(&asked.app), asked.named("id")).await?;
    answer.map_err(refused(host::Operation::Get))
}

/// Shows one, with what became of each e-mail.
pub async fn one(asked: Asked) -> Answer {
    let row = found(&asked).await?;
    let deliveries = asked.app.accounts.deliveries_of(asked.organization()?, &row.key.id).await?;
    let mut shown = guestlist_rest::invitation(&row);
    if let Value::Object(fields) = &mut shown {
        fields.insert("deliveries".into(), deliveries.iter().map(shown::delivery).collect());
    }
    Ok(Reply::ok(shown))
}

/// Its events, newest first.
pub async fn history(asked: Asked) -> Answer {
    let row = found(&asked).await?;
    let filter = TrailFilter { invitation: Some(row.key.id), ..TrailFilter::default() };
    let reading = asked.app.database.reading();
    let events = reading.trail(asked.organization()?, &filter, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(events, shown::event)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    ids: Vec<String>,
}

async fn resent(asked: &Asked, ids: Vec<String>) -> Result<Vec<Result<Invited, Refusal>>, Problem> {
    let answer = asked.app.session.resend(asked.granted.context(&asked.app), ids).await?;
    answer.map_err(refused(host::Operation::Resend))
}

/// Sends several again.
pub async fn resend_many(asked: Asked) -> Answer {
    let Ids { ids } = asked.body()?;
    let items = resent(&asked, ids.clone()).await?;
    let shown = ids.iter().zip(&items).map(|(id, item)| match item {
        Ok(invited) if invited.id == *id => guestlist_rest::invited(invited),
        Ok(invited) => with(guestlist_rest::invited(invited), "replaces", json!(id)),
        Err(refusal) => {
            json!({ "id": id, "problem": Problem::of_refusal(host::Operation::Resend, refusal).body() })
        }
    });
    Ok(Reply::ok(shown::page(shown.collect(), None)))
}

/// Sends one again. An expired one is invited anew.
pub async fn resend(asked: Asked) -> Answer {
    asked.body::<Nothing>()?;
    let id = asked.named("id");
    let item = resent(&asked, vec![id.clone()]).await?.pop().ok_or_else(Problem::unavailable)?;
    let invited = item.map_err(refused(host::Operation::Resend))?;
    let shown = guestlist_rest::invited(&invited);
    if invited.id == id {
        return Ok(Reply::ok(shown));
    }
    let place = asked.at(&format!("/invitations/{}", invited.id));
    Ok(Reply::created(with(shown, "replaces", json!(id))).at(place))
}

fn with(mut shown: Value, name: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut shown {
        fields.insert(name.into(), value);
    }
    shown
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: Option<String>,
}

/// Ends one.
pub async fn revoke(asked: Asked) -> Answer {
    let Why { reason } = asked.body()?;
    let context = asked.granted.context(&asked.app);
    asked
        .app
        .session
        .revoke(context, asked.named("id"), reason)
        .await?
        .map_err(refused(host::Operation::Revoke))?;
    Ok(Reply::done())
}

/// Ends those of an invitee or an inviter.
pub async fn revoke_all(asked: Asked) -> Answer {
    let mut request = RevokeAll::read(asked.text()?).map_err(not_understood)?;
    let whose = request.owner().map_err(not_understood)?;
    let context = asked.granted.context(&asked.app);
    let answer = asked.app.session.revoke_all(context, whose, request.reason).await?;
    let done = answer.map_err(refused(host::Operation::RevokeAll))?;
    Ok(Reply::ok(json!({
        "revoked": done.revoked,
        "inProgress": done.in_progress,
        "failed": done.failed,
        "more": done.more,
    })))
}

/// Approves one.
pub async fn approve(asked: Asked) -> Answer {
    asked.body::<Nothing>()?;
    let answer = asked.app.session.approve(asked.granted.context(&asked.app), asked.named("id")).await?;
    Ok(Reply::ok(guestlist_rest::invited(&answer.map_err(refused(host::Operation::Approve))?)))
}

/// Rejects one.
pub async fn reject(asked: Asked) -> Answer {
    let Why { reason } = asked.body()?;
    let context = asked.granted.context(&asked.app);
    asked
        .app
        .session
        .reject(context, asked.named("id"), reason)
        .await?
        .map_err(refused(host::Operation::Reject))?;
    Ok(Reply::done())
}

/// Takes one off the list.
pub async fn dismiss(asked: Asked) -> Answer {
    asked.body::<Nothing>()?;
    let context = asked.granted.context(&asked.app);
    asked
        .app
        .session
        .dismiss(context, asked.named("id"))
        .await?
        .map_err(refused(host::Operation::Dismiss))?;
    Ok(Reply::done())
}
