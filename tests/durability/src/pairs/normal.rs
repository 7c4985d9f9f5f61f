//! What two have done, in a form that is the same wherever and whenever they have done it.
//!
//! Ids, digests and codes are random, so each is named after the request that made it. What a database does
//! not promise to keep is left out: the local ids of members, and the order of what is not ordered.

use std::collections::BTreeMap;

use guestlist_contract::{
    audit::EventKind,
    code,
    exports::{
        invitations::{ItemRefusal, Refusal},
        invitee::InviteeRefusal,
    },
    types::Principal,
};
use guestlist_harness::Reply;
use guestlist_memory::{AuditEvent, Realm};
use serde_json::{Value, json};

use super::{ops::Op, scene::Cast};
use crate::act::{Answer, Letter};

/// What one of the two was answered, and what was mailed meanwhile.
pub type Part = Option<(Answer, Vec<Letter>)>;

/// The names of the two requests.
pub const REQUESTS: [&str; 2] = ["first", "second"];

/// Everything of one run.
#[derive(Clone, Debug)]
pub struct Run {
    pub cast: Cast,
    /// From before the two.
    pub letters: Vec<Letter>,
    pub parts: [Part; 2],
    /// Its organization and nothing else.
    pub realm: Realm,
}

impl Run {
    /// The same as if this one of the two had not asked: what its request left behind is a refusal.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let mut alone = self.clone();
        alone.parts[index] = None;
        alone.realm.audit.retain(|event| {
            let refusal = matches!(event.kind, EventKind::Refused | EventKind::ItemRefused);
            !(refusal && event.request_id == REQUESTS[index])
        });
        alone
    }

    /// In its normal form.
    #[must_use]
    pub fn normal(&self) -> Value {
        let mut text = serde_json::to_string(&self.shown()).unwrap();
        for (name, label) in self.labels() {
            text = text.replace(&name, &label);
        }
        sorted(serde_json::from_str(&anonymous(&text)).unwrap())
    }

    fn shown(&self) -> Value {
        let organization = &self.realm.organizations[&self.cast.organization];
        let mut place = json!(organization);
        // Local ids are the host's own.
        place["people"] = organization.people.values().map(|person| json!(person)).collect();
        place["spent"] = json!(organization.spent.len());
        let tenant = self.realm.tenants.get(&self.cast.organization).cloned().unwrap_or_default();
        let mut stored = json!(tenant);
        stored["rows"] = tenant.rows.values().map(|row| json!(row)).collect();
        let parts = self.parts.iter().map(|part| {
            part.as_ref().map(|(answer, letters)| json!({ "answer": answer, "letters": letters }))
        });
        let parts: Vec<_> = parts.collect();
        let mut audit = json!(self.realm.audit);
        for event in audit.as_array_mut().into_iter().flatten() {
            // A digest under a key that each database has of its own.
            event["name"] = json!(event["name"].is_array());
        }
        json!({ "parts": parts, "place": place, "stored": stored, "audit": audit })
    }

    /// What each random or own name is called instead.
    fn labels(&self) -> Vec<(String, String)> {
        let mut labels = vec![
            (self.cast.organization.clone(), "the-organization".to_owned()),
            (self.cast.alice_name.clone(), "alice".to_owned()),
        ];
        let mut made: BTreeMap<&str, usize> = BTreeMap::new();
        for event in self.realm.audit.iter().filter(|event| event.kind == EventKind::InvitationCreated) {
            let number = made.entry(&event.request_id).or_default();
            *number += 1;
            if let Some(id) = &event.invitation {
                labels.push((id.clone(), format!("invitation-{number}-of-{}", event.request_id)));
            }
        }
        let sent = self.parts.iter().zip(REQUESTS).flat_map(|(part, request)| {
            part.iter().flat_map(|(_, letters)| letters).map(move |letter| (request, letter))
        });
        let all = self.letters.iter().map(|letter| ("setup", letter)).chain(sent);
        let codes = all.filter_map(|(request, letter)| Some((request, letter.message.code.clone()?)));
        for (number, (request, code)) in codes.enumerate() {
            let digest = code::stored_digest(&code).unwrap_or_default();
            // By whom it was mailed is what counts; the number tells two of one request apart.
            labels.push((code, format!("code-of-{request}-{number}")));
            labels.push((digest, format!("digest-of-{request}-{number}")));
        }
        for request in REQUESTS {
            let digest: String =
                super::ops::digest(&self.cast, request).iter().map(|byte| format!("{byte:02x}")).collect();
            labels.push((digest, format!("digest-of-{request}")));
        }
        labels.retain(|(name, _)| !name.is_empty());
        labels
    }
}

/// What belongs to one run, out of what all have done.
#[must_use]
pub fn part_of(realm: &Realm, audit: &[&AuditEvent], cast: &Cast) -> Realm {
    let mut alone = Realm::default();
    let place = realm.organizations.get_key_value(&cast.organization);
    alone.organizations.extend(place.map(|(id, place)| (id.clone(), place.clone())));
    let tenant = realm.tenants.get_key_value(&cast.organization);
    alone.tenants.extend(tenant.map(|(id, tenant)| (id.clone(), tenant.clone())));
    alone.audit = audit.iter().map(|event| (*event).clone()).collect();
    alone
}

/// The events of each run. Some are in no organization, and then they are of the one who acted.
#[must_use]
pub fn by_run<'a>(audit: &'a [AuditEvent], casts: &[&Cast]) -> Vec<Vec<&'a AuditEvent>> {
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, cast) in casts.iter().enumerate() {
        place.insert(&cast.organization, index);
        place.insert(&cast.alice.id, index);
    }
    let mut events = vec![Vec::new(); casts.len()];
    for event in audit {
        let actor = if let Principal::User(user) = &event.actor { Some(&user.id) } else { None };
        let owner = event.organization.as_ref().or(actor).and_then(|owner| place.get(owner.as_str()));
        if let Some(index) = owner {
            events[*index].push(event);
        }
    }
    events
}

/// The same without ids and digests that nobody has named.
fn anonymous(text: &str) -> String {
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let is_id = |bytes: &[u8]| {
        let fits = |(at, byte): (usize, &u8)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => is_hex(byte),
        };
        bytes.iter().enumerate().all(fits)
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let bytes = rest.as_bytes();
        let (shown, length) = if bytes.get(..64).is_some_and(|digest| digest.iter().all(is_hex)) {
            ("some-digest", 64)
        } else if bytes.get(..36).is_some_and(is_id) {
            ("some-id", 36)
        } else {
            (&rest[..next.len_utf8()], next.len_utf8())
        };
        out.push_str(shown);
        rest = &rest[length..];
    }
    out
}

/// Lists whose order says nothing, in an order of their own.
fn sorted(mut value: Value) -> Value {
    for pointer in ["/place/people", "/stored/rows", "/stored/outbox", "/stored/operations", "/audit"] {
        if let Some(Value::Array(items)) = value.pointer_mut(pointer) {
            items.sort_by_cached_key(ToString::to_string);
        }
    }
    value
}

/// It was not done because somebody else was at it.
#[must_use]
pub fn is_not_now(answer: &Answer) -> bool {
    let refused = |refusal: &Refusal| matches!(refusal, Refusal::InProgress(_) | Refusal::Conflict);
    let turned_down = |refusal: &InviteeRefusal| {
        matches!(refusal, InviteeRefusal::InProgress(_) | InviteeRefusal::Conflict)
    };
    let Answer::Call(reply) = answer else { return false };
    match reply {
        Reply::Invite(Ok(items)) => items.iter().all(|item| matches!(item, Err(ItemRefusal::Unavailable(_)))),
        Reply::Revoke(Err(refusal)) | Reply::Reject(Err(refusal)) | Reply::Approve(Err(refusal)) => {
            refused(refusal)
        }
        Reply::Resend(Ok(items)) => items.iter().all(|item| item.as_ref().is_err_and(refused)),
        Reply::RevokeAll(Ok(done)) => {
            done.revoked.is_empty() && !(done.in_progress.is_empty() && done.failed.is_empty())
        }
        Reply::Accept(Err(refusal)) | Reply::Decline(Err(refusal)) => turned_down(refusal),
        Reply::Introspect(Err(refusal)) => turned_down(refusal),
        // What somebody else has locked is not due: the contract says so.
        Reply::Sweep(Ok(swept)) => swept.failed > 0 || swept.finished + swept.sent + swept.expired == 0,
        _ => false,
    }
}

/// A host call that left out what somebody else had locked, as the contract has it.
#[must_use]
pub fn is_left_out(op: Op, answer: &Answer) -> bool {
    match op {
        Op::Due => *answer == Answer::Import(json!({ "Ok": [] })),
        Op::Purge => *answer == Answer::Import(json!({ "Ok": 0 })),
        _ => false,
    }
}

/// Where two values differ, at most so many places.
#[must_use]
pub fn differences(one: &Value, other: &Value, most: usize) -> Vec<String> {
    let mut found = Vec::new();
    differ(one, other, "", &mut found);
    found.truncate(most);
    found
}

fn differ(one: &Value, other: &Value, path: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                let (left, right) = (left.get(key), right.get(key));
                let (left, right) = (left.unwrap_or(&Value::Null), right.unwrap_or(&Value::Null));
                differ(left, right, &format!("{path}/{key}"), found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differ(left, right, &format!("{path}/{index}"), found);
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            let only = |these: &[Value], those: &[Value], word: &str| -> Vec<String> {
                let lonely = these.iter().filter(|item| !those.contains(item));
                lonely.map(|item| format!("{path}: {word} {item}")).collect()
            };
            found.extend(only(left, right, "there is"));
            found.extend(only(right, left, "there is no"));
        }
        _ if one == other => {}
        _ => found.push(format!("{path}: {one} instead of {other}")),
    }
}
