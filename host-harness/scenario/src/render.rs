//! Answers and host calls as a scenario shows them.
//!
//! The contract's own words, in kebab case, with names for ids, `in 72h` for instants and no code
//! anywhere. One conversion for every type: what serde makes of a generated type has a regular shape.

use serde_json::{Map, Value};

use super::names::Names;
use guestlist_contract::types::State;
use guestlist_documents::HumanDuration;

pub(super) use guestlist_testkit::coverage::{STATES, state_name};

/// The things that a value is shown with.
pub(super) struct Showing<'a> {
    pub(super) names: &'a Names,
    /// Instants are shown relative to this one.
    pub(super) now: u64,
}

/// Fields whose text is a word of the contract, not somebody's.
const WORDS: [&str; 18] = [
    "state",
    "states",
    "mail",
    "accept_with",
    "notify",
    "kind",
    "outcome",
    "inviter",
    "approver",
    "sort",
    "clock",
    "caller",
    "to",
    "steps",
    "lifetime",
    "who",
    "code",
    "permissions",
];

/// Fields that are lengths of time.
const TIMES: [&str; 9] = [
    "lifetime",
    "lifetime_min",
    "lifetime_max",
    "lease",
    "mail_retry",
    "retention",
    "reminder_before",
    "hold",
    "InProgress",
];

/// Cases whose payload is a word of the contract.
const CASES_OF_WORDS: [&str; 9] =
    ["WrongState", "Ended", "Obstacle", "Host", "NotInvitable", "Err", "Ok", "Grant", "User"];

impl Showing<'_> {
    /// A value of the contract.
    pub(super) fn value(&self, value: Value) -> Value {
        self.convert(value, None)
    }

    fn convert(&self, value: Value, within: Option<&str>) -> Value {
        match value {
            Value::Object(fields) => self.object(fields),
            Value::Array(items) if is_digest(&items) => Value::from("<digest>"),
            Value::Array(items) => items.into_iter().map(|item| self.convert(item, within)).collect(),
            Value::Number(number) => match (within, number.as_u64()) {
                (Some(field), Some(at)) if is_instant(field) => Value::from(self.instant(at)),
                (Some(field), Some(time)) if TIMES.contains(&field) => Value::from(lasting(time)),
                _ => Value::Number(number),
            },
            Value::String(text) => self.text(text, within),
            other => other,
        }
    }

    fn text(&self, text: String, within: Option<&str>) -> Value {
        if within == Some("code") && text != "Keep" {
            return Value::from("<code>");
        }
        if let Some(name) = self.names.of(&text) {
            return Value::from(name);
        }
        let word = within.is_some_and(|within| WORDS.contains(&within) || CASES_OF_WORDS.contains(&within));
        Value::from(if word || within == Some("step") { kebab(&text) } else { text })
    }

    fn object(&self, fields: Map<String, Value>) -> Value {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        if fields.len() == 2 {
            if let (Some(kind), Some(id)) = (text("kind"), text("id")) {
                return Value::from(format!("{}:{id}", kebab(kind)));
            }
            if let (Some(organization), Some(id)) = (text("organization"), text("id")) {
                let name = self.names.of(id).map(str::to_owned);
                return Value::from(name.unwrap_or_else(|| format!("{organization}/{id}")));
            }
            if let (Some(step), Some(outcome)) = (fields.get("step"), text("outcome")) {
                let step = match self.convert(step.clone(), Some("step")) {
                    Value::String(step) => step,
                    other => other.to_string(),
                };
                return single(step, Value::from(kebab(outcome)));
            }
        }
        let mut only = fields.iter();
        if let (Some((case, payload)), None) = (only.next(), only.next())
            && case.starts_with(|letter: char| letter.is_ascii_uppercase())
        {
            let shown = self.convert(payload.clone(), Some(case));
            return match case.as_str() {
                "Ok" | "User" | "Grant" | "Id" => shown,
                "Err" => single("refused".into(), shown),
                "Client" => Value::from(format!("client:{}", shown.as_str().unwrap_or_default())),
                "Code" => single("code".into(), Value::from("<code>")),
                _ => single(kebab(case), shown),
            };
        }
        let shown = |(name, field): (String, Value)| {
            let is_record = field.is_object();
            let value = self.convert(field, Some(&name));
            // The key of an invitation, in whatever record, is its name.
            let is_key = (name == "key" && is_record)
                || (name == "id" && value.as_str().is_some_and(|name| self.names.key(name).is_some()));
            (if is_key { "invitation".into() } else { kebab(&name) }, value)
        };
        Value::Object(fields.into_iter().map(shown).collect())
    }

    /// An instant, as seen from now.
    pub(super) fn instant(&self, at: u64) -> String {
        match at.checked_sub(self.now) {
            Some(0) => "now".into(),
            Some(time) => format!("in {}", lasting(time)),
            None => format!("{} ago", lasting(self.now.saturating_sub(at))),
        }
    }
}

/// A length of time; in hours as long as people count in hours.
pub(super) fn lasting(milliseconds: u64) -> String {
    const HOUR: u64 = 3_600_000;
    let (hours, rest) = (milliseconds / HOUR, milliseconds % HOUR);
    match (hours, rest) {
        (24..=168, 0) => format!("{hours}h"),
        (24..=168, rest) => format!("{hours}h{}", HumanDuration(rest)),
        _ => HumanDuration(milliseconds).to_string(),
    }
}

/// The instant that a text like `in 72h` or `3d ago` names, in milliseconds from now.
pub(super) fn from_now(text: &str) -> Option<i128> {
    let time = |text: &str| text.parse::<HumanDuration>().ok().map(|time| i128::from(time.0));
    match (text.strip_prefix("in "), text.strip_suffix(" ago")) {
        _ if text == "now" => Some(0),
        (Some(ahead), None) => time(ahead),
        (None, Some(ago)) => time(ago).map(|time| -time),
        _ => None,
    }
}

pub(super) fn single(name: String, value: Value) -> Value {
    Value::Object(Map::from_iter([(name, value)]))
}

fn is_instant(field: &str) -> bool {
    field.ends_with("_at") || field.ends_with("_until") || field == "now"
}

fn is_digest(items: &[Value]) -> bool {
    items.len() == 32 && items.iter().all(Value::is_u64)
}

/// `AlreadyMember`, `already_member` and `ALREADY_MEMBER` as `already-member`.
pub(super) fn kebab(text: &str) -> String {
    if !text.contains(|letter: char| letter.is_ascii_lowercase()) {
        return text.to_ascii_lowercase().replace('_', "-");
    }
    let mut kebab = String::with_capacity(text.len() + 4);
    for (index, letter) in text.chars().enumerate() {
        match letter {
            '_' => kebab.push('-'),
            letter if letter.is_ascii_uppercase() => {
                if index > 0 {
                    kebab.push('-');
                }
                kebab.push(letter.to_ascii_lowercase());
            }
            letter => kebab.push(letter),
        }
    }
    kebab
}

/// A state by the name that scenarios use.
pub(super) fn state_named(name: &str) -> Option<State> {
    STATES.into_iter().find(|state| state_name(*state) == name)
}
