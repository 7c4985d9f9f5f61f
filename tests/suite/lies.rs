//! What a host can say that is not so, and the one who says it at exact places.
//!
//! A lie is a change of an honest answer; where it changes nothing it is none, and is not told. Only one
//! is more than that: the host says that it has done what it has not.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use guestlist_contract::{Function, host::Call};
use guestlist_harness::Entry;
use guestlist_memory::MemoryHost;
use guestlist_testkit::{Fault, Interceptor};
use serde_json::{Value, json};

use crate::asking::Case;

/// Changes every field of that name, however deep.
pub fn fields(value: &mut Value, change: &dyn Fn(&str, &mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fields(item, change)),
        Value::Object(named) => {
            for (name, value) in named {
                change(name, value);
                fields(value, change);
            }
        }
        _ => {}
    }
}

/// Every text that is `from` is `to`.
pub fn instead(mut value: Value, from: &str, to: &str) -> Value {
    fields(&mut value, &|_, field| {
        if field == from {
            *field = to.into();
        }
    });
    value
}

pub fn set(mut value: Value, names: &[&str], to: Value) -> Value {
    fields(&mut value, &|name, field| {
        if names.contains(&name) {
            field.clone_from(&to);
        }
    });
    value
}

/// Changes the outermost list.
pub fn entries(mut value: Value, change: impl Fn(&mut Vec<Value>)) -> Value {
    let place = if value["Ok"]["items"].is_array() { "/Ok/items" } else { "/Ok" };
    if let Some(Value::Array(items)) = value.pointer_mut(place) {
        change(items);
    }
    value
}

fn each(value: Value, to: Value) -> Value {
    entries(value, |items| items.fill(to.clone()))
}

fn numbers(mut value: Value, names: &[&str], change: fn(u64) -> u64) -> Value {
    fields(&mut value, &|name, field| {
        if let Some(number) = field.as_u64().filter(|_| names.contains(&name)) {
            *field = change(number).into();
        }
    });
    value
}

/// Every invitation in an answer is this one.
fn rows(value: &mut Value, row: &Value) {
    match value {
        Value::Object(named) if named.contains_key("last_operation") => value.clone_from(row),
        Value::Object(named) => named.values_mut().for_each(|value| rows(value, row)),
        Value::Array(items) => items.iter_mut().for_each(|item| rows(item, row)),
        _ => {}
    }
}

pub const OTHER_ID: &str = "00000000-0000-4000-8000-000000000000";
const TIMES: [&str; 8] =
    ["created_at", "expires_at", "lease_until", "version", "lifetime", "lease", "mail_retry", "retention"];
const INSTANTS: [&str; 4] = ["created_at", "expires_at", "lease_until", "ended_at"];
const TEXTS: [&str; 4] = ["name", "display_name", "reason", "template"];
const COUNTS: [&str; 7] =
    ["claims", "resends", "tries", "mail_tries", "takeovers_max", "resend_limit", "users"];
const HOUR: u64 = 3_600_000;

/// The knowledge of the liar when they change an answer.
pub struct Asked<'a> {
    function: Function,
    /// The first invitation as it was before anybody asked.
    before: &'a Value,
}

pub type Lie = fn(&Asked<'_>, Value) -> Value;

/// Only an answer of this function is changed.
fn only(asked: &Asked<'_>, function: Function, answer: Value, to: Value) -> Value {
    if asked.function == function { json!({ "Ok": to }) } else { answer }
}

fn applied(asked: &Asked<'_>, answer: Value, outcome: &str) -> Value {
    if asked.function == Function::MembershipApply { each(answer, outcome.into()) } else { answer }
}

fn kind(asked: &Asked<'_>, answer: Value, kind: &str) -> Value {
    if asked.function == Function::StorageDue { set(answer, &["kind"], kind.into()) } else { answer }
}

/// Lies that cost much time, and whose size is all that there is to them.
const HUGE: [&str; 2] = ["ten thousand", "a mebibyte"];

pub const LIES: &[(&str, Lie)] = &[
    // Whose, and which.
    ("another user", |_, answer| instead(answer, "u-alice", "u-bob")),
    ("another organization", |_, answer| instead(answer, "acme", "beta")),
    ("another row", |_, mut answer| {
        fields(&mut answer, &|name, field| {
            if name == "id" && field.as_str().is_some_and(|id| id.len() == 36) {
                *field = OTHER_ID.into();
            }
        });
        answer
    }),
    ("an older row", |asked, mut answer| {
        rows(&mut answer, asked.before);
        answer
    }),
    ("another operation", |_, answer| set(answer, &["last_operation"], "another".into())),
    ("a contact", |_, answer| set(answer, &["subject"], json!({ "Contact": "somebody" }))),
    ("other grants", |_, answer| set(answer, &["grants"], json!([{ "kind": "Group", "id": "g-vault" }]))),
    ("code is enough", |_, answer| set(answer, &["accept_with"], "Code".into())),
    // How many.
    ("one less", |_, answer| entries(answer, |items| drop(items.pop()))),
    ("one more", |_, answer| entries(answer, |items| items.extend(items.first().cloned()))),
    ("in another order", |_, answer| entries(answer, |items| items.reverse())),
    ("always the same", |_, answer| {
        let first = answer["Ok"][0].clone();
        if first.is_null() { answer } else { each(answer, first) }
    }),
    ("ten thousand", |_, answer| {
        entries(answer, |items| {
            let first = items.first().cloned();
            items.extend(std::iter::repeat_n(first, 10_000).flatten());
        })
    }),
    ("nothing", |_, _| json!({ "Ok": null })),
    ("an empty list", |_, _| json!({ "Ok": [] })),
    ("a mebibyte", |_, answer| set(answer, &TEXTS, "x".repeat(1 << 20).into())),
    // When, and how often.
    ("schema 2", |_, answer| set(answer, &["schema"], 2.into())),
    ("version 0", |_, answer| set(answer, &["version"], 0.into())),
    ("one version less", |_, answer| numbers(answer, &["version"], |version| version.saturating_sub(1))),
    ("one version more", |_, answer| numbers(answer, &["version"], |version| version + 1)),
    ("an hour earlier", |_, answer| numbers(answer, &INSTANTS, |time| time - HOUR)),
    ("a year later", |_, answer| numbers(answer, &INSTANTS, |time| time + 365 * 24 * HOUR)),
    ("the end of time", |_, answer| set(answer, &TIMES, u64::MAX.into())),
    ("the beginning of time", |_, answer| set(answer, &TIMES, 0.into())),
    ("no end", |_, answer| set(answer, &["expires_at", "lease_until"], Value::Null)),
    ("often", |_, answer| set(answer, &COUNTS, u32::MAX.into())),
    // In which state.
    ("awaiting approval", |_, answer| set(answer, &["state"], "AwaitingApproval".into())),
    ("pending", |_, answer| set(answer, &["state"], "Pending".into())),
    ("accepting", |_, answer| set(answer, &["state"], "Accepting".into())),
    ("accepted", |_, answer| set(answer, &["state"], "Accepted".into())),
    ("failed", |_, answer| set(answer, &["state"], "Failed".into())),
    ("expired", |_, answer| set(answer, &["state"], "Expired".into())),
    ("it was applied", |_, answer| set(answer, &["applied"], true.into())),
    ("it was not applied", |_, answer| set(answer, &["applied"], false.into())),
    ("it existed", |_, answer| set(answer, &["existed"], true.into())),
    // What was done.
    ("every step applied", |asked, answer| applied(asked, answer, "Applied")),
    ("every step already applied", |asked, answer| applied(asked, answer, "AlreadyApplied")),
    ("every step closed", |asked, answer| applied(asked, answer, "Closed")),
    ("every step removed", |asked, answer| applied(asked, answer, "WasRemoved")),
    ("no member", |asked, answer| applied(asked, answer, "NotAMember")),
    ("a step that was never applied", |asked, answer| {
        let steps = json!([{ "step": "Member", "outcome": "Applied" }]);
        only(asked, Function::MembershipClose, answer, steps)
    }),
    ("a step that was never asked for", |asked, answer| {
        let vault = json!({ "Grant": { "kind": "Group", "id": "g-vault" } });
        let steps = json!([{ "step": vault, "outcome": "Applied" }]);
        only(asked, Function::MembershipClose, answer, steps)
    }),
    ("a step that is closed", |asked, answer| {
        let steps = json!([{ "step": "Member", "outcome": "Closed" }]);
        only(asked, Function::MembershipClose, answer, steps)
    }),
    ("more was purged than there is", |asked, answer| {
        only(asked, Function::StoragePurge, answer, u32::MAX.into())
    }),
    ("a lease is over", |asked, answer| kind(asked, answer, "Lease")),
    ("it runs out", |asked, answer| kind(asked, answer, "Expiry")),
    ("a mail is due", |asked, answer| kind(asked, answer, "Mail")),
    ("a reminder is due", |asked, answer| kind(asked, answer, "Reminder")),
    ("a code is due", |_, answer| set(answer, &["message"], "Invitation".into())),
    ("a notice is due", |_, answer| set(answer, &["message"], "Accepted".into())),
    ("a request is due", |_, answer| set(answer, &["message"], "ApprovalRequested".into())),
    // What is allowed.
    ("everything may be given", |asked, answer| match asked.function {
        Function::MembershipResolve => each(answer, json!({ "display_name": "x", "grantable": true })),
        _ => answer,
    }),
    ("nothing exists", |asked, answer| match asked.function {
        Function::MembershipResolve | Function::DirectoryGetUsers => each(answer, Value::Null),
        _ => answer,
    }),
    ("nothing may be received", |_, answer| set(answer, &["withheld"], json!([0, 1, 99]))),
    ("a wider verdict", |asked, answer| {
        let wide =
            json!({ "AllowWith": { "grants": [0, 1, 2, 99], "lifetime": null, "signed_in_only": false } });
        verdict(asked, answer, wide)
    }),
    ("an unknown verdict", |asked, answer| verdict(asked, answer, json!({ "Other": "perhaps" }))),
    // Failures.
    ("an unknown failure", |_, _| json!({ "Err": { "Other": "a new one" } })),
    ("an unknown failure of the host", |_, _| json!({ "Err": { "Host": { "Other": "a new one" } } })),
    ("a stale nothing", |_, _| json!({ "Err": "NotFound" })),
    ("another's active one", |asked, answer| {
        let exists = json!({ "Exists": { "organization": "beta", "id": OTHER_ID } });
        only(asked, Function::StorageInsert, answer, json!([{ "Err": exists }]))
    }),
];

fn verdict(asked: &Asked<'_>, answer: Value, verdict: Value) -> Value {
    match asked.function {
        Function::PolicyDecideAccept => json!({ "Ok": verdict }),
        Function::PolicyDecideInvite => json!({ "Ok": [verdict] }),
        _ => answer,
    }
}

/// What happens at a host call.
#[derive(Clone)]
pub enum Strike {
    Fault(Fault),
    Lie(&'static str, Lie),
    /// It is answered, and nothing was done.
    Undone,
}

impl fmt::Debug for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "{fault:?}"),
            Self::Lie(name, _) => write!(f, "\"{name}\""),
            Self::Undone => f.write_str("\"it was done\""),
        }
    }
}

/// The first invitation as it is before anybody asks.
pub fn row_before(case: &Case) -> Value {
    let first = case.rig.host.snapshot().invitations.into_iter().next();
    serde_json::to_value(first.map(|row| row.invitation)).expect("a row can be written")
}

/// Everything that can be said at this host call and is not so.
pub fn lies_at(entry: &Entry, before: &Value) -> Vec<Strike> {
    let function = entry.function;
    if function == Function::RandomGetRandomBytes || entry.outcome.is_null() {
        return Vec::new();
    }
    let is_lie = |(_, lie): &&(&str, Lie)| {
        let told = lie(&Asked { function, before }, entry.outcome.clone());
        // That something had been applied before the close only the host knows: were it silent about
        // it, nobody could find out.
        let hides_all = function == Function::MembershipClose && told["Ok"] == json!([]);
        told != entry.outcome && !hides_all
    };
    let mut lies: Vec<_> = LIES.iter().filter(is_lie).map(|(name, lie)| Strike::Lie(name, *lie)).collect();
    lies.extend(function.is_effect().then_some(Strike::Undone));
    lies
}

impl Strike {
    pub fn is_huge(&self) -> bool {
        matches!(self, Self::Lie(name, _) if HUGE.contains(name))
    }
}

/// Strikes at exact host calls, numbered from 1.
pub struct Liar {
    host: Arc<MemoryHost>,
    before: Value,
    places: Vec<(usize, Strike)>,
    calls: AtomicUsize,
}

impl Liar {
    pub fn new(case: &Case, places: &[(usize, Strike)]) -> Self {
        let (host, before) = (case.rig.host.clone(), row_before(case));
        Self { host, before, places: places.to_vec(), calls: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Interceptor for Liar {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let (_, strike) = self.places.iter().find(|(place, _)| *place == nth)?;
        Some(match strike.clone() {
            Strike::Fault(fault) => fault,
            Strike::Lie(_, lie) => {
                let before = self.before.clone();
                Fault::Hostile(Arc::new(move |honest| lie(&Asked { function, before: &before }, honest)))
            }
            Strike::Undone => {
                let (host, before) = (self.host.clone(), self.host.fork());
                Fault::Hostile(Arc::new(move |honest| {
                    host.restore(&before);
                    honest
                }))
            }
        })
    }
}
