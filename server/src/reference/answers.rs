//! What clients of the reference get.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use guestlist_contract::{
    exports::{
        invitations::{Invited, ItemRefusal, Refusal},
        invitee::InviteeRefusal,
    },
    host::Operation,
    types::{Grant, GrantKind, Invitation, Subject},
};
use serde_json::{Map, Value, json};

use crate::{app::App, problem::Problem};

/// The names that are asked for at once.
const AT_ONCE: usize = 200;

/// The entries of an invite: the reference's members, and no other.
pub fn invited(names: &[String], items: &[Result<Invited, ItemRefusal>]) -> Value {
    let kept = |entry: Value| match entry {
        Value::Object(fields) => {
            let known = |name: &String| matches!(name.as_str(), "username" | "result" | "confirmationCode");
            Value::Object(fields.into_iter().filter(|(name, _)| known(name)).collect())
        }
        other => other,
    };
    match guestlist_rest::invite_answer(names, items) {
        Value::Array(entries) => entries.into_iter().map(kept).collect(),
        other => other,
    }
}

fn with(problem: Problem, status: StatusCode, code: &str) -> Problem {
    Problem { status, code: code.into(), ..problem }
}

/// Why nobody was invited.
pub fn invite_refused(refusal: &Refusal, wso2: bool) -> Problem {
    let problem = Problem::of_refusal(Operation::Invite, refusal);
    match refusal {
        // The reference has no code of its own for these, and says that it failed.
        Refusal::NoParent | Refusal::UnknownUserstore(_) if wso2 => Problem {
            title: "Unable to create the invitation.".into(),
            ..with(problem, StatusCode::INTERNAL_SERVER_ERROR, "OUI-65001")
        },
        _ => problem,
    }
}

/// What the reference writes for a text of the request: a blank one leaves its placeholder.
fn quoted(text: &str) -> &str {
    if text.trim().is_empty() { "%s" } else { text }
}

/// One answer for every code that the caller cannot look at.
pub fn unknown_code(code: &str, wso2: bool) -> Problem {
    let what = match wso2 {
        true => format!("the confirmation code {}", quoted(code)),
        false => "this confirmation code".into(),
    };
    Problem::new(
        StatusCode::BAD_REQUEST,
        "OUI-60002",
        "Invalid confirmation code.",
        format!("Could not validate {what}."),
    )
}

/// Why an invitation was not accepted.
pub fn accept_refused(refusal: &InviteeRefusal, code: &str, wso2: bool) -> Problem {
    let problem = Problem::of_invitee(Operation::Accept, refusal);
    match refusal {
        // One answer for every code that is not of the caller's own invitation, whether or not it is one at all.
        InviteeRefusal::NotUsable | InviteeRefusal::Malformed => not_accepted(code, wso2),
        InviteeRefusal::Ended(_) => with(problem, StatusCode::BAD_REQUEST, "OUI-60010"),
        InviteeRefusal::Obstacle(_) if wso2 => with(problem, StatusCode::BAD_REQUEST, "OUI-60010"),
        InviteeRefusal::InProgress(_) | InviteeRefusal::Conflict if wso2 => {
            with(problem, StatusCode::INTERNAL_SERVER_ERROR, "OUI-65005")
        }
        _ => problem,
    }
}

/// The one answer for every code that leads the caller nowhere.
pub fn not_accepted(code: &str, wso2: bool) -> Problem {
    let detail = match wso2 {
        true => format!(
            "Could not accept the invitation since the confirmation code {} is not valid.",
            quoted(code)
        ),
        false => "Could not accept the invitation: the confirmation code is incomplete or not valid for this caller. \
                  Where the organization's setting `accept-with` is not `code`, only the invitee can accept, with a \
                  token of their own."
            .into(),
    };
    Problem::new(StatusCode::BAD_REQUEST, "OUI-60010", "Invalid confirmation code.", detail)
}

/// Why an invitation was not taken away.
pub fn delete_refused(refusal: &Refusal, id: &str, wso2: bool) -> Problem {
    let problem = Problem::of_refusal(Operation::Revoke, refusal);
    match refusal {
        Refusal::NotFound if wso2 => not_there(id),
        _ => problem,
    }
}

/// What the reference says of an id that is on no list of the organization.
pub fn not_there(id: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "OUI-60001",
        "Invalid invitation.",
        format!("Provided invitation with the id {} is invalid.", quoted(id)),
    )
}

/// The rows of a list, with the names of roles and groups and the address of the invitee, as the directory has
/// them now. Roles and groups that are gone are left out.
pub async fn listed(
    app: &App,
    organization: &str,
    rows: &[Invitation],
    wso2: bool,
) -> Result<Value, Problem> {
    let reading = app.database.reading();
    let mut grants: Vec<Grant> = rows.iter().flat_map(|row| row.grants.iter().cloned()).collect();
    grants.sort_by(|one, other| (one.kind as u8, &one.id).cmp(&(other.kind as u8, &other.id)));
    grants.dedup();
    let mut grant_names = Vec::with_capacity(grants.len());
    for some in grants.chunks(AT_ONCE) {
        grant_names.extend(reading.names_of_grants(organization, some).await?);
    }
    let accounts: Vec<_> = rows
        .iter()
        .filter_map(|row| if let Subject::User(user) = &row.subject { Some(user.clone()) } else { None })
        .collect();
    let mut people = Vec::with_capacity(accounts.len());
    for some in accounts.chunks(AT_ONCE) {
        people.extend(reading.contacts(some).await?);
    }
    let organization_name = reading
        .names_of_organizations(&[organization.to_owned()])
        .await?
        .into_iter()
        .next()
        .flatten()
        .unwrap_or_else(|| organization.to_owned());
    let name_of = |grant: &Grant| {
        grants.iter().zip(&grant_names).find(|(known, _)| *known == grant).and_then(|(_, name)| name.clone())
    };
    let of_kind = |row: &Invitation, kind| -> Vec<Value> {
        let named = |grant: &Grant| {
            let mut shown = json!({ "displayName": name_of(grant)?, "id": grant.id });
            if kind == GrantKind::Role
                && let Value::Object(fields) = &mut shown
            {
                let audience =
                    json!([{ "value": organization, "display": organization_name, "type": "organization" }]);
                fields.insert("audience".into(), audience);
            }
            Some(shown)
        };
        row.grants.iter().filter(|grant| grant.kind == kind).filter_map(named).collect()
    };
    let mut emails = people.into_iter().map(|person| person.and_then(|person| person.email));
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let email = match &row.subject {
            Subject::User(_) => emails.next().flatten(),
            Subject::Contact(_) => None,
        };
        let mut fields = Map::new();
        fields.insert("id".into(), json!(row.key.id));
        fields.insert("username".into(), json!(row.name));
        fields.insert("email".into(), json!(email.unwrap_or_default()));
        for (name, kind) in [("roles", GrantKind::Role), ("groups", GrantKind::Group)] {
            let all = of_kind(row, kind);
            if !all.is_empty() {
                fields.insert(name.into(), Value::Array(all));
            }
        }
        fields.insert("status".into(), json!(guestlist_rest::status(row.state)));
        if let Some(at) = row.expires_at {
            fields.insert(
                "expiredAt".into(),
                json!(if wso2 { timestamp(at) } else { guestlist_rest::time(at) }),
            );
        }
        shown.push(Value::Object(fields));
    }
    Ok(Value::Array(shown))
}

/// An instant as Java's `Timestamp` writes it, in UTC: no zone, and a fraction without zeros at its end.
fn timestamp(at: u64) -> String {
    let instant = i64::try_from(at).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    instant.map_or_else(
        || at.to_string(),
        |instant| {
            let text = instant.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
            let shorter = text.trim_end_matches('0');
            if shorter.ends_with('.') { format!("{shorter}0") } else { shorter.to_owned() }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn a_timestamp_is_written_as_java_does() {
        assert_eq!(timestamp(1_705_928_981_702), "2024-01-22 13:09:41.702");
        assert_eq!(timestamp(1_705_928_981_700), "2024-01-22 13:09:41.7");
        assert_eq!(timestamp(1_705_928_981_000), "2024-01-22 13:09:41.0");
    }
}
