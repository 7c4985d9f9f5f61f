//! What answers show, in one taste.

use guestlist_contract::{
    audit::Event,
    settings::{Codes, Notices, Values},
    types::{AcceptWith, Grant, GrantKind, MessageKind, Notify, Principal, UserRef},
};
use guestlist_documents::HumanDuration;
use guestlist_rest::time;
use guestlist_storage::{
    Client, DeliveryRecord, Handled, Identity, Listed, MembershipRow, OrganizationRow, OrganizationSettings,
    PersonDetail, PersonRow, TargetDetail, TargetRow,
};
use serde_json::{Map, Value, json};

use crate::problem::Problem;

/// An object without the members that have no value.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let known = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(known.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// A page of a list.
pub fn page(items: Vec<Value>, next: Option<String>) -> Value {
    object([("items", Value::Array(items)), ("next", json!(next))])
}

/// A page of rows, each shown.
pub fn listed<T>(rows: Listed<T>, shown: impl Fn(&T) -> Value) -> Value {
    page(rows.items.iter().map(shown).collect(), rows.next)
}

fn at(instant: Option<u64>) -> Value {
    instant.map_or(Value::Null, |instant| time(instant).into())
}

/// An account where it is resident.
pub fn account(account: &UserRef) -> Value {
    json!({ "organization": account.organization, "id": account.id })
}

/// A person or machine.
pub fn principal(who: &Principal) -> Value {
    match who {
        Principal::User(user) => account(user),
        Principal::Client(id) => json!({ "client": id }),
        Principal::Anonymous => json!("anonymous"),
        Principal::System => json!("system"),
    }
}

/// A person in a list.
pub fn person(row: &PersonRow, organization: &str) -> Value {
    object([
        ("id", json!(row.id)),
        ("username", json!(row.name)),
        ("userDomain", json!(row.store)),
        ("email", json!(row.email)),
        ("active", json!(row.active)),
        ("account", account(&row.account)),
        ("guest", json!(row.is_guest(organization))),
    ])
}

/// A person with groups, roles and identities.
pub fn person_detail(detail: &PersonDetail, identities: &[Identity], organization: &str) -> Value {
    let held = |kind| -> Value {
        let of_kind = detail.held.iter().filter(|held| held.grant.kind == kind);
        of_kind
            .map(|held| {
                object([
                    ("id", json!(held.grant.id)),
                    ("name", json!(held.name)),
                    ("invitation", json!(held.invitation)),
                ])
            })
            .collect()
    };
    let mut shown = person(&detail.person, organization);
    if let Value::Object(fields) = &mut shown {
        if let Some(invitation) = &detail.invitation {
            fields.insert("invitation".into(), json!(invitation));
        }
        fields.insert("groups".into(), held(GrantKind::Group));
        fields.insert("roles".into(), held(GrantKind::Role));
        fields.insert("identities".into(), identities.iter().map(identity).collect());
    }
    shown
}

/// An identity of another system.
pub fn identity(identity: &Identity) -> Value {
    json!({ "issuer": identity.issuer, "subject": identity.subject })
}

/// A group or role in a list.
pub fn target(row: &TargetRow) -> Value {
    json!({ "id": row.grant.id, "name": row.name })
}

/// A group.
pub fn group(detail: &TargetDetail) -> Value {
    json!({ "id": detail.target.grant.id, "name": detail.target.name, "roles": ids(&detail.assigned) })
}

/// A role.
pub fn role(detail: &TargetDetail) -> Value {
    json!({
        "id": detail.target.grant.id,
        "name": detail.target.name,
        "rights": detail.rights,
        "standard": detail.standard,
        "groups": ids(&detail.assigned),
        "clients": detail.clients,
    })
}

fn ids(grants: &[Grant]) -> Vec<&str> {
    grants.iter().map(|grant| grant.id.as_str()).collect()
}

/// A client. Its secret is shown where it is made.
pub fn client(client: &Client) -> Value {
    object([
        ("id", json!(client.id)),
        ("name", json!(client.name)),
        ("createdAt", at(Some(client.made_at))),
        ("expiredAt", at(client.expires_at)),
        ("revokedAt", at(client.revoked_at)),
        ("usedAt", at(client.used_at)),
    ])
}

/// An organization.
pub fn organization(found: &Handled) -> Value {
    object([
        ("id", json!(found.id)),
        ("name", json!(found.name)),
        ("handle", json!(found.handle)),
        ("parent", json!(found.parent)),
        ("active", json!(found.active)),
    ])
}

/// An organization in a list of those below another.
pub fn organization_row(row: &OrganizationRow) -> Value {
    let mut shown = organization(&row.organization);
    if let Value::Object(fields) = &mut shown {
        fields.insert("depth".into(), json!(row.depth));
    }
    shown
}

/// An organization that somebody is in.
pub fn membership(row: &MembershipRow) -> Value {
    json!({ "organization": organization(&row.organization), "person": row.person, "active": row.active })
}

/// What became of an e-mail.
pub fn delivery(record: &DeliveryRecord) -> Value {
    object([
        ("kind", json!(message(&record.kind))),
        ("state", json!(record.state.text().to_ascii_uppercase().replace('-', "_"))),
        ("at", at(Some(record.at))),
        ("nextAt", at(record.next_at)),
        ("words", json!(record.words)),
    ])
}

fn message(kind: &MessageKind) -> String {
    match kind {
        MessageKind::Invitation => "INVITATION".into(),
        MessageKind::Reminder => "REMINDER".into(),
        MessageKind::Expired => "EXPIRED".into(),
        MessageKind::Accepted => "ACCEPTED".into(),
        MessageKind::Declined => "DECLINED".into(),
        MessageKind::ApprovalRequested => "APPROVAL_REQUESTED".into(),
        MessageKind::Failed => "FAILED".into(),
        MessageKind::Revoked => "REVOKED".into(),
        MessageKind::Other(other) => other.clone(),
    }
}

/// An event of the trail.
pub fn event(event: &Event) -> Value {
    let grant = event.grant.as_ref().map(|grant| format!("{}:{}", grant.kind.text(), grant.id));
    object([
        ("at", at(Some(event.at))),
        ("kind", json!(event.text())),
        ("actor", principal(&event.actor)),
        ("organization", json!(event.organization)),
        ("invitation", json!(event.invitation)),
        ("subject", event.subject.as_ref().map_or(Value::Null, account)),
        ("grant", json!(grant)),
        ("about", json!(event.about)),
        ("word", json!(event.word.map(|word| word.text()))),
        ("operation", json!(event.operation)),
        ("requestId", json!(event.request_id)),
    ])
}

fn duration(milliseconds: u64) -> String {
    HumanDuration(milliseconds).to_string()
}

fn grant_names(grants: &[Grant]) -> Vec<String> {
    grants.iter().map(|grant| format!("{}:{}", grant.kind.text(), grant.id)).collect()
}

/// What an organization has set, each value as a change of it is written.
pub fn settings(set: &OrganizationSettings) -> Result<Value, Problem> {
    let Values { limits, notices, .. } = &set.values;
    let values = &set.values;
    let notices = [
        ("expired", Notices::EXPIRED),
        ("accepted", Notices::ACCEPTED),
        ("declined", Notices::DECLINED),
        ("approval-requested", Notices::APPROVAL_REQUESTED),
        ("failed", Notices::FAILED),
        ("revoked", Notices::REVOKED),
    ]
    .into_iter()
    .filter(|(_, flag)| notices.contains(*flag))
    .map(|(word, _)| word)
    .collect::<Vec<_>>();
    let domains = serde_json::to_value(&set.address_domains).map_err(|_| Problem::unavailable())?;
    Ok(json!({
        "lifetime": duration(values.lifetime),
        "lifetimeMin": duration(values.lifetime_min),
        "lifetimeMax": duration(values.lifetime_max),
        "allowNever": values.allow_never,
        "acceptWith": match values.accept_with {
            AcceptWith::Invitee => "invitee",
            AcceptWith::InviteeAndCode => "invitee-and-code",
            AcceptWith::Code => "code",
        },
        "notify": match values.notify {
            Notify::Internal => "internal",
            Notify::External => "external",
        },
        "codes": match values.codes {
            Codes::InviteeOnly => "invitee-only",
            Codes::SeeCode => "see-code",
            Codes::SeeCodeEvenAlone => "see-code-even-alone",
        },
        "limits": { "users": limits.users, "grants": limits.grants, "nameBytes": limits.name_bytes },
        "lease": duration(values.lease),
        "takeoversMax": values.takeovers_max,
        "mailTries": values.mail_tries,
        "mailRetry": duration(values.mail_retry),
        "retention": duration(values.retention),
        "resendLimit": values.resend_limit,
        "pendingLimit": values.pending_limit,
        "reminderBefore": values.reminder_before.map(duration),
        "notices": notices,
        "ceiling": values.ceiling.as_deref().map(grant_names),
        "privileged": grant_names(&values.privileged),
        "landings": set.landings,
        "addressDomains": domains,
    }))
}
