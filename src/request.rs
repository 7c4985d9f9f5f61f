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
    for name in &request.names {
        at_most("names: bytes of one name", name.len(), limits.name_bytes.min(NAME_BYTES))?;
        if name.trim().is_empty() || name.contains('\0') {
            return Err(Refusal::Invalid("`names` has an empty name or one with a NUL character".into()));
        }
    }
    optional_text("userstore-domain", request.userstore_domain.as_deref(), ID_BYTES)?;
    optional_text("template", request.template.as_deref(), TEMPLATE_BYTES)?;
    optional_text("idempotency-key", request.idempotency_key.as_deref(), ID_BYTES)?;
    for (index, grant) in request.grants.iter().enumerate() {
        text("grants: id", &grant.id, ID_BYTES)?;
        if request.grants.iter().take(index).any(|earlier| earlier == grant) {
            return Err(Refusal::Invalid("`grants` names one group or role twice".into()));
        }
    }
    properties(&request.metadata)
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

/// How long the invitations are to be valid; `None`: for ever.
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
    hash.finalize().to_vec()
}
