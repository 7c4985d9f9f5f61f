//! The shape of requests: what can be refused by looking at the request and the settings alone.

use sha2::{Digest, Sha256};

use crate::contract::{
    exports::invitations::{Bounds, Excess, InviteRequest, LifetimeChoice, Refusal},
    imports::{
        settings::Values,
        types::{GrantKind, Notify, Property},
    },
};

/// Most users in one request, whatever the settings say.
pub const USERS: u32 = 100;
/// Most groups and roles in one request, whatever the settings say.
pub const GRANTS: u32 = 50;
/// Longest user name in bytes, whatever the settings say.
pub const NAME_BYTES: u32 = 254;
/// Largest page of a listing, and most items of one sweep.
pub const PAGE: u32 = 200;

/// Longest record of a refused item: its kind and, where there are some, its words.
pub const RECORDED_BYTES: usize = 1024;

const ID_BYTES: usize = 255;
const TEMPLATE_BYTES: usize = 100;
const LANGUAGE_BYTES: usize = 35;
const LANDING_BYTES: usize = 2048;
const REASON_BYTES: usize = 500;
const PROPERTIES: u32 = 20;
const PROPERTY_KEY_BYTES: usize = 64;
const PROPERTY_VALUE_BYTES: usize = 254;

/// Refuses a request that is malformed or over a limit.
///
/// # Errors
/// `too-many` or `invalid`, for the first field that is wrong.
pub fn check(request: &InviteRequest, settings: &Values) -> Result<(), Refusal> {
    let limits = &settings.limits;
    at_most("names", request.names.len(), limits.users.min(USERS))?;
    at_most("grants", request.grants.len(), limits.grants.min(GRANTS))?;
    if request.names.is_empty() {
        return Err(Refusal::Invalid("`names` is empty: name at least one user".into()));
    }
    optional_text("userstore-domain", request.userstore_domain.as_deref(), ID_BYTES)?;
    optional_text("template", request.template.as_deref(), TEMPLATE_BYTES)?;
    optional_text("language", request.language.as_deref(), LANGUAGE_BYTES)?;
    optional_text("landing", request.landing.as_deref(), LANDING_BYTES)?;
    optional_text("idempotency-key", request.idempotency_key.as_deref(), ID_BYTES)?;
    for (index, grant) in request.grants.iter().enumerate() {
        text("grants: id", &grant.id, ID_BYTES)?;
        if request.grants.iter().take(index).any(|earlier| earlier == grant) {
            return Err(Refusal::Invalid("`grants` names one group or role twice".into()));
        }
    }
    properties(&request.metadata)
}

/// Tells what is wrong with one name of a request; it costs that item and no other.
#[must_use]
pub fn name_problem(name: &str, settings: &Values) -> Option<String> {
    let most = settings.limits.name_bytes.min(NAME_BYTES) as usize;
    if name.trim().is_empty() {
        Some("the name is empty".into())
    } else if name.len() > most {
        Some(format!("the name has {} bytes: take at most {most}", name.len()))
    } else if name.contains('\0') {
        Some("the name has a NUL character".into())
    } else {
        None
    }
}

fn properties(pairs: &[Property]) -> Result<(), Refusal> {
    at_most("metadata", pairs.len(), PROPERTIES)?;
    for (index, pair) in pairs.iter().enumerate() {
        text("metadata: key", &pair.key, PROPERTY_KEY_BYTES)?;
        if !pair.value.is_empty() {
            text("metadata: value", &pair.value, PROPERTY_VALUE_BYTES)?;
        }
        if pairs.iter().take(index).any(|earlier| earlier.key == pair.key) {
            return Err(Refusal::Invalid("`metadata` has one key twice".into()));
        }
    }
    Ok(())
}

/// The time for which the invitations are to be valid; `None`: for ever.
///
/// # Errors
/// `lifetime-out-of-bounds`, with the bounds.
pub fn lifetime(choice: LifetimeChoice, settings: &Values) -> Result<Option<u64>, Refusal> {
    let bounds = settings.lifetime_min..=settings.lifetime_max;
    match choice {
        LifetimeChoice::Default => Ok(Some(settings.lifetime)),
        LifetimeChoice::Lasting(wanted) if bounds.contains(&wanted) => Ok(Some(wanted)),
        LifetimeChoice::Never if settings.allow_never => Ok(None),
        _ => Err(Refusal::LifetimeOutOfBounds(Bounds {
            min: settings.lifetime_min,
            max: settings.lifetime_max,
            never: settings.allow_never,
        })),
    }
}

/// A reason as somebody wrote it.
///
/// # Errors
/// What is wrong with it.
pub fn reason(reason: Option<&str>) -> Result<(), String> {
    match reason {
        Some(text) if text.contains('\0') => Err("`reason` has a NUL character".into()),
        Some(text) if text.len() > REASON_BYTES => {
            Err(format!("`reason` is longer than {REASON_BYTES} bytes"))
        }
        _ => Ok(()),
    }
}

/// A page size.
///
/// # Errors
/// What is wrong with it.
pub fn limit(limit: u32) -> Result<(), String> {
    if (1..=PAGE).contains(&limit) { Ok(()) } else { Err(format!("`limit` is {limit}: take 1 to {PAGE}")) }
}

/// Words that a policy or a person wrote, cut to what is stored.
#[must_use]
pub fn bounded(words: String) -> String {
    bounded_to(REASON_BYTES, words)
}

/// Words, cut to so many bytes.
#[must_use]
pub fn bounded_to(most: usize, mut words: String) -> String {
    words.truncate(words.floor_char_boundary(most));
    words
}

fn at_most(what: &str, actual: usize, limit: u32) -> Result<(), Refusal> {
    let actual = u32::try_from(actual).unwrap_or(u32::MAX);
    if actual <= limit { Ok(()) } else { Err(Refusal::TooMany(Excess { what: what.into(), limit, actual })) }
}

fn optional_text(what: &str, value: Option<&str>, most: usize) -> Result<(), Refusal> {
    value.map_or(Ok(()), |value| text(what, value, most))
}

fn text(what: &str, value: &str, most: usize) -> Result<(), Refusal> {
    if value.is_empty() {
        return Err(Refusal::Invalid(format!("`{what}` is empty")));
    }
    // Many stores cannot keep one, and would fail when all the work is done.
    if value.contains('\0') {
        return Err(Refusal::Invalid(format!("`{what}` has a NUL character")));
    }
    if value.len() > most { Err(too_long(what, most)) } else { Ok(()) }
}

fn too_long(what: &str, most: usize) -> Refusal {
    Refusal::Invalid(format!("`{what}` is longer than {most} bytes"))
}

/// The fingerprint of a request whose operation id was made for it and cannot be re-used.
#[must_use]
pub fn no_fingerprint() -> Vec<u8> {
    vec![0; 32]
}

/// SHA-256 over everything that a request says, so that a re-used idempotency key is noticed.
#[must_use]
pub fn fingerprint(request: &InviteRequest) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let optional =
        |text: &Option<String>| text.as_ref().map_or(vec![0], |text| [&[1], text.as_bytes()].concat());
    let count = |length: usize| (length as u64).to_le_bytes();

    field(&count(request.names.len()));
    request.names.iter().for_each(|name| field(name.as_bytes()));
    field(&optional(&request.userstore_domain));
    field(&count(request.grants.len()));
    for grant in &request.grants {
        field(&[u8::from(grant.kind == GrantKind::Role)]);
        field(grant.id.as_bytes());
    }
    match request.lifetime {
        LifetimeChoice::Default => field(b"default"),
        LifetimeChoice::Never => field(b"never"),
        LifetimeChoice::Lasting(time) => field(&time.to_le_bytes()),
    }
    field(match request.notify {
        None => b"default",
        Some(Notify::Internal) => b"internal",
        Some(Notify::External) => b"external",
    });
    field(&optional(&request.template));
    for pair in &request.metadata {
        field(pair.key.as_bytes());
        field(pair.value.as_bytes());
    }
    // Tagged, so that they change nothing where they are not used.
    for (tag, value) in [("language", &request.language), ("landing", &request.landing)] {
        if let Some(value) = value {
            field(tag.as_bytes());
            field(value.as_bytes());
        }
    }
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::imports::types::Grant;

    fn request() -> InviteRequest {
        InviteRequest {
            names: vec!["alice".into(), "bob".into()],
            userstore_domain: None,
            grants: vec![Grant { kind: GrantKind::Group, id: "g".into() }],
            lifetime: LifetimeChoice::Default,
            notify: None,
            template: None,
            language: None,
            landing: None,
            metadata: Vec::new(),
            idempotency_key: Some("k".into()),
        }
    }

    /// Pins the fingerprint. It is stored and compared with what a later version of the plugin makes of the
    /// same request: a client that repeats itself across an update must not be told that the key is in use.
    #[test]
    fn the_fingerprint_of_a_request_is_the_same_in_every_version() {
        let hex: String = fingerprint(&request()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0c8d5eb3a87ecd033e020954b5442d953aeb640801c01789b615a0a66ee70eed");
    }

    #[test]
    fn whatever_a_request_says_is_in_its_fingerprint() {
        let changes: [fn(&mut InviteRequest); 17] = [
            |request| request.names.swap(0, 1),
            |request| request.names = vec!["alicebob".into()],
            |request| request.userstore_domain = Some(String::new()),
            |request| request.userstore_domain = Some("LDAP".into()),
            |request| request.grants.clear(),
            |request| request.grants = vec![Grant { kind: GrantKind::Role, id: "g".into() }],
            |request| request.grants = vec![Grant { kind: GrantKind::Group, id: "h".into() }],
            |request| request.lifetime = LifetimeChoice::Never,
            |request| request.lifetime = LifetimeChoice::Lasting(1),
            |request| request.lifetime = LifetimeChoice::Lasting(2),
            |request| request.notify = Some(Notify::Internal),
            |request| request.notify = Some(Notify::External),
            |request| request.template = Some("t".into()),
            |request| request.language = Some("t".into()),
            |request| request.landing = Some("t".into()),
            |request| request.metadata = vec![Property { key: "a".into(), value: "b".into() }],
            |request| request.metadata = vec![Property { key: "ab".into(), value: String::new() }],
        ];
        let mut seen = vec![fingerprint(&request())];
        for change in changes {
            let mut request = request();
            change(&mut request);
            let other = fingerprint(&request);
            assert!(!seen.contains(&other), "{request:?}");
            seen.push(other);
        }
        let another_key = InviteRequest { idempotency_key: Some("other".into()), ..request() };
        assert_eq!(Some(&fingerprint(&another_key)), seen.first(), "the key names it, and is no part of it");
    }
}
