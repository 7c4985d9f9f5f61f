//! What an organization has set, and what happened in it.

use guestlist_contract::{
    audit::EventKind,
    types::{Principal, UserRef},
};
use guestlist_documents::yaml;
use guestlist_memory::SettingsPatch;
use guestlist_storage::TrailFilter;
use serde_json::{Map, Value};

use super::{
    asked::{Answer, Asked, Reply},
    shown,
};
use crate::problem::Problem;

/// The parameters of the trail.
pub const FILTERS: &[&str] = &["kind", "actor", "invitation", "from", "until", "limit", "after"];

/// The keys of the settings, as they are written here.
const KEYS: [&str; 21] = [
    "lifetime",
    "lifetimeMin",
    "lifetimeMax",
    "allowNever",
    "acceptWith",
    "notify",
    "codes",
    "limits",
    "lease",
    "takeoversMax",
    "mailTries",
    "mailRetry",
    "retention",
    "resendLimit",
    "pendingLimit",
    "reminderBefore",
    "notices",
    "ceiling",
    "privileged",
    "landings",
    "addressDomains",
];

/// The keys within `limits`.
const LIMITS: [&str; 3] = ["users", "grants", "nameBytes"];

async fn shown_settings(asked: &Asked) -> Result<Value, Problem> {
    let found = asked.app.database.reading().settings(asked.organization()?).await?;
    shown::settings(&found.ok_or_else(|| Problem::not_found("organization"))?)
}

/// Shows the settings.
pub async fn settings(asked: Asked) -> Answer {
    Ok(Reply::ok(shown_settings(&asked).await?))
}

/// A key as files have it.
fn kebab(key: &str) -> String {
    let mut text = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// A text with the keys as they are written here.
fn in_our_words(text: &str) -> String {
    KEYS.iter()
        .chain(&LIMITS)
        .fold(text.to_owned(), |text, key| text.replace(&format!("`{}`", kebab(key)), &format!("`{key}`")))
}

fn renamed(fields: Map<String, Value>, known: &[&str]) -> Result<Map<String, Value>, Problem> {
    let mut all = Map::new();
    for (key, value) in fields {
        if !known.contains(&key.as_str()) {
            let known = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            return Err(Problem::invalid(format!("`{key}` is no setting: there are {known}.")));
        }
        let value = match (key.as_str(), value) {
            ("limits", Value::Object(fields)) => Value::Object(renamed(fields, &LIMITS)?),
            (_, value) => value,
        };
        all.insert(kebab(&key), value);
    }
    Ok(all)
}

/// Reads a change of settings. Files have the same, so that it is read as they are, key by key: so an error names
/// its own.
fn patch(fields: Map<String, Value>) -> Result<SettingsPatch, Problem> {
    let fields = renamed(fields, &KEYS)?;
    for (key, value) in &fields {
        let alone = Value::Object(Map::from_iter([(key.clone(), value.clone())])).to_string();
        if let Err(error) = yaml::read::<SettingsPatch>(&alone) {
            let detail = format!("`{key}` is not understood: {error}");
            return Err(Problem::invalid(in_our_words(&detail)));
        }
    }
    yaml::read::<SettingsPatch>(&Value::Object(fields).to_string())
        .map_err(|error| Problem::invalid(in_our_words(&error.to_string())))
}

/// Changes some. They are judged as a whole.
pub async fn change_settings(asked: Asked) -> Answer {
    let patch = patch(asked.body()?)?;
    let changed = asked.administration().change_settings(asked.organization()?, &patch).await;
    changed.map_err(|error| {
        let problem = Problem::from(error);
        Problem { detail: in_our_words(&problem.detail), ..problem }
    })?;
    Ok(Reply::ok(shown_settings(&asked).await?))
}

fn actor(text: &str) -> Result<Principal, Problem> {
    if let Some(id) = text.strip_prefix("client:") {
        return Ok(Principal::Client(id.to_owned()));
    }
    match (text, text.split_once('/')) {
        ("system", _) => Ok(Principal::System),
        ("anonymous", _) => Ok(Principal::Anonymous),
        (_, Some((organization, id))) => {
            Ok(Principal::User(UserRef { organization: organization.to_owned(), id: id.to_owned() }))
        }
        _ => Err(Problem::invalid(format!(
            "`actor` is `{text}`: say `ORGANIZATION/ID`, `client:ID`, `system` or `anonymous`."
        ))),
    }
}

/// What happened, newest first.
pub async fn trail(asked: Asked) -> Answer {
    let unknown = |text: &str| {
        Problem::invalid(format!("`kind` is `{text}`: there is no such event. See `docs/api.md`."))
    };
    let kind = asked.parameter("kind").map(|text| EventKind::of_text(text).ok_or_else(|| unknown(text)));
    let filter = TrailFilter {
        kind: kind.transpose()?,
        actor: asked.parameter("actor").map(actor).transpose()?,
        invitation: asked.parameter("invitation").map(str::to_owned),
        from: asked.instant("from")?,
        until: asked.instant("until")?,
    };
    let rows = asked.app.database.reading().trail(asked.organization()?, &filter, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(rows, shown::event)))
}
