//! Reduces two hosts to what of them can be compared: all that the contract says, and nothing that it leaves
//! to the host.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde_json::{Map, Value, json};

use crate::{ClockKind, Profile, make::code};
use guestlist_contract::types::Step;
use guestlist_memory::{AuditEvent, Organization, Realm, Tenant};

/// No history has more rows or codes.
const MOST_CODES: usize = 999;
/// The instant from which on an instant never comes.
const NEVER: u64 = 1 << 52;

/// Names under which there are instants.
const INSTANTS: [&str; 7] =
    ["created_at", "expires_at", "ended_at", "lease_until", "at", "due_at", "hidden_until"];

/// Rules by which instants are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) clock: ClockKind,
    /// The time at which the first row was made.
    pub(super) base: u64,
}

impl Times {
    fn instant(self, instant: &Value) -> Value {
        match (instant.as_u64(), self.clock) {
            (None, _) => Value::Null,
            (Some(_), ClockKind::Real) => json!("some time"),
            (Some(instant), ClockKind::Moved) => {
                json!(i128::from(instant).saturating_sub(i128::from(self.base)) as i64)
            }
        }
    }

    /// Instants as time since the first row, errors without their words, guests without their local ids.
    pub(super) fn normal(self, value: Value) -> Value {
        match value {
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.normal(item)).collect()),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(name, value)| self.field(name, value)).collect())
            }
            plain => plain,
        }
    }

    fn field(self, name: String, value: Value) -> (String, Value) {
        let value = match name.as_str() {
            name if INSTANTS.contains(&name) => self.instant(&value),
            "Denied" | "Invalid" | "Unavailable" => Value::Null,
            // The key of a digest is the host's own.
            "name" if value.is_array() => json!("a digest"),
            "via" => value.get("organization").cloned().unwrap_or(Value::Null),
            _ => self.normal(value),
        };
        (name, value)
    }

    /// The trail, without what may be there or not.
    pub(super) fn trail(self, trail: &[AuditEvent], profile: Profile) -> Value {
        let left_out = |word: &str| match word {
            "member.added" | "grant.added" | "member.closed" => profile == Profile::External,
            _ => word.starts_with("world."),
        };
        let kept = trail.iter().filter(|event| !left_out(event.text()));
        Value::Array(kept.map(|event| self.normal(json!(event))).collect())
    }

    /// All that is stored. `now` is the store's time.
    pub(super) fn realm(self, realm: &Realm, profile: Profile, now: u64) -> Value {
        let organizations: Map<_, _> = realm
            .organizations
            .iter()
            .map(|(id, place)| (id.clone(), organization(id, place, profile)))
            .collect();
        let used = |tenant: &Tenant| !(tenant.rows.is_empty() && tenant.operations.is_empty());
        let tenants = realm.tenants.iter().filter(|(_, tenant)| used(tenant));
        let tenants: Map<_, _> =
            tenants.map(|(id, tenant)| (id.clone(), self.tenant(tenant, profile, now))).collect();
        json!({ "organizations": organizations, "tenants": tenants })
    }

    fn tenant(self, tenant: &Tenant, profile: Profile, now: u64) -> Value {
        let rows = tenant.rows.iter().map(|(id, row)| {
            let open = !guestlist_contract::lifecycle::is_terminal(row.invitation.state);
            // Hidden until an instant that has passed is not hidden.
            let hidden = open && row.hidden_until > now;
            let row = json!({
                "invitation": row.invitation,
                "codes": known_codes(&row.codes),
                "reminded": open && row.reminded,
                "hidden_until": hidden.then_some(row.hidden_until),
            });
            (id.clone(), self.normal(row))
        });
        let mut outbox: Vec<_> = tenant
            .outbox
            .iter()
            .map(|entry| {
                // What is taken or being sent is not due by itself.
                let due = (!entry.taken && entry.due_at < NEVER).then_some(entry.due_at);
                self.normal(json!({ "entry": entry, "due_at": due, "at": Value::Null }))
            })
            .collect();
        for entry in &mut outbox {
            if let Some(fields) = entry.get_mut("entry").and_then(Value::as_object_mut) {
                fields.remove("due_at");
                fields.remove("taken");
            }
        }
        sort(&mut outbox);
        let remembered = |at: u64| now.saturating_sub(at) <= 24 * 3_600_000;
        let recorded = tenant.operations.iter().filter(|operation| remembered(operation.at));
        let mut operations: Vec<_> = recorded.map(|operation| self.normal(json!(operation))).collect();
        sort(&mut operations);
        let mut told = json!({
            "rows": rows.collect::<Map<_, _>>(), "outbox": outbox, "operations": operations,
        });
        if let (Profile::Transactional, Some(told)) = (profile, told.as_object_mut()) {
            let used = tenant.applied.iter().filter(|(_, log)| log.closed || !log.steps.is_empty());
            let log = |steps: &[Step]| json!(steps);
            let applied: BTreeMap<_, _> =
                used.map(|(id, entry)| (id.clone(), json!([entry.closed, log(&entry.steps)]))).collect();
            told.insert("applied".into(), json!(applied));
        }
        told
    }
}

/// Finds the codes that histories have made: what stands for the codes of a mailbox that was left is the
/// host's own.
fn known_codes(codes: &[String]) -> Vec<&String> {
    static KNOWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let row = |number: usize| ["a", "g"].map(|letter| format!("{letter}{number:03}"));
        let numbers = 1..=MOST_CODES;
        let names = numbers.flat_map(|number| row(number).into_iter().chain([format!("code-{number}")]));
        names.map(|name| code(&name).iter().map(|byte| format!("{byte:02x}")).collect()).collect()
    });
    codes.iter().filter(|code| KNOWN.contains(*code)).collect()
}

fn sort(values: &mut [Value]) {
    values.sort_by_key(Value::to_string);
}

/// Tells who is there and what they have; by account, because local ids are the host's own.
fn organization(id: &str, place: &Organization, profile: Profile) -> Value {
    let mut people: Vec<_> = place
        .people
        .values()
        .map(|person| {
            let held = |held: &BTreeMap<String, Option<String>>| match profile {
                Profile::Transactional => json!(held),
                Profile::External => json!(held.keys().collect::<Vec<_>>()),
            };
            let resident = person.account.organization == id;
            json!({
                "account": person.account,
                "name": person.name,
                "active": person.active,
                "email": person.email.as_ref().filter(|_| resident),
                "groups": held(&person.groups),
                "roles": held(&person.roles),
                "invitation": person.invitation.as_ref().filter(|_| profile == Profile::Transactional),
            })
        })
        .collect();
    sort(&mut people);
    json!({
        "name": place.name,
        "parent": place.parent,
        "active": place.active,
        "deleted": place.deleted,
        "people": if place.deleted { vec![] } else { people },
        "groups": place.groups.keys().collect::<Vec<_>>(),
        "roles": place.roles.keys().collect::<Vec<_>>(),
        "settings": place.settings,
    })
}

/// The first place where two values differ: where, what is in the one, and what is in the other.
pub(super) fn difference(one: &Value, other: &Value) -> Option<(String, String, String)> {
    if one == other {
        return None;
    }
    let deeper = match (one, other) {
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(place, (one, other))| in_place(place.to_string(), one, other))
        }
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            let mut pairs = one.iter().filter_map(|(name, value)| Some((name, value, other.get(name)?)));
            pairs.find_map(|(name, one, other)| in_place(name.clone(), one, other))
        }
        _ => None,
    };
    deeper.or_else(|| Some((String::new(), one.to_string(), other.to_string())))
}

fn in_place(name: String, one: &Value, other: &Value) -> Option<(String, String, String)> {
    let (path, one, other) = difference(one, other)?;
    let path = if path.is_empty() { name } else { format!("{name}.{path}") };
    Some((path, one, other))
}
