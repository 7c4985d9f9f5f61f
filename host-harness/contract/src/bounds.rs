//! Limits on what a guest may send, for whoever implements the imports.
//!
//! The plugin is not trusted to respect the limits of the contract: each import measures its
//! arguments before it reads or writes anything, and refuses the call as a whole. The errors are
//! [`HostError::Invalid`] and say which argument is over which limit.

use crate::{
    audit::Refusal,
    storage::{Batch, Change, CodeChange, Delivery, DeliveryOutcome, Draft},
    types::{Grant, HostError, InvitationFilter, Property, State, Subject, UserRef},
};

/// Longest id of any kind.
const ID: usize = 255;
/// Longest user name.
pub const NAME: usize = 254;
/// Longest reason that somebody writes.
pub const REASON: usize = 1024;
/// Most grants in one invitation.
pub const GRANTS: usize = 50;

fn invalid(text: String) -> HostError {
    HostError::Invalid(text)
}

/// An id is 1 to 255 bytes.
pub fn id(what: &str, value: &str) -> Result<(), HostError> {
    if value.is_empty() {
        return Err(invalid(format!("{what} is empty")));
    }
    text(what, value, ID)
}

/// A text has at most `most` bytes.
pub fn text(what: &str, value: &str, most: usize) -> Result<(), HostError> {
    if value.len() > most {
        return Err(invalid(format!("{what} has {} bytes, at most {most} are allowed", value.len())));
    }
    Ok(())
}

/// A list has at most `most` items.
pub fn count(what: &str, actual: usize, most: usize) -> Result<(), HostError> {
    if actual > most {
        return Err(invalid(format!("{actual} {what}, at most {most} are allowed")));
    }
    Ok(())
}

/// Page sizes and the like: 1 to 200.
pub fn limit(limit: u32) -> Result<usize, HostError> {
    match usize::try_from(limit) {
        Ok(limit @ 1..=200) => Ok(limit),
        _ => Err(invalid(format!("limit is {limit}, 1 to 200 are allowed"))),
    }
}

/// A SHA-256 digest.
pub fn digest(what: &str, bytes: &[u8]) -> Result<[u8; 32], HostError> {
    let wrong = |_| invalid(format!("{what} has {} bytes instead of 32", bytes.len()));
    bytes.try_into().map_err(wrong)
}

/// Checks what an invitation carries.
pub fn grants(grants: &[Grant]) -> Result<(), HostError> {
    count("grants", grants.len(), GRANTS)?;
    grants.iter().try_for_each(|grant| id("the id of a grant", &grant.id))
}

/// Checks what an inviter attaches.
pub fn metadata(properties: &[Property]) -> Result<(), HostError> {
    count("properties", properties.len(), 20)?;
    for (index, property) in properties.iter().enumerate() {
        if property.key.is_empty() {
            return Err(invalid("the key of a property is empty".into()));
        }
        text("the key of a property", &property.key, 64)?;
        text("the value of a property", &property.value, 254)?;
        if properties.iter().take(index).any(|earlier| earlier.key == property.key) {
            return Err(invalid("two properties have the same key".into()));
        }
    }
    Ok(())
}

/// A language is a BCP 47 tag in its canonical case, as in `de`, `pt-BR` or `zh-Hant-TW`; at most 35 bytes.
pub fn language(tag: &str) -> Result<(), HostError> {
    text("the language", tag, 35)?;
    let subtags: Vec<&str> = tag.split('-').collect();
    let well_formed = subtags.iter().enumerate().all(|(index, subtag)| {
        let letters = subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
        let canonical = match (index, subtag.len()) {
            (0, length) => (2..=8).contains(&length) && letters && is_lower(subtag),
            (_, 2) if letters => subtag.bytes().all(|byte| byte.is_ascii_uppercase()),
            (_, 4) if letters => {
                subtag.chars().next().is_some_and(|first| first.is_ascii_uppercase())
                    && is_lower(subtag.get(1..).unwrap_or_default())
            }
            _ => is_lower(subtag),
        };
        (1..=8).contains(&subtag.len())
            && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && canonical
    });
    if well_formed {
        return Ok(());
    }
    Err(invalid("the language is no tag of BCP 47 in its canonical case, as in `de` or `pt-BR`".into()))
}

fn is_lower(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A landing place is an absolute `https` URL of at most 2048 bytes: a host name, no user, and only what a URL
/// may have (RFC 3986). Whether the organization allows it is another question ([`is_allowed_landing`]).
pub fn landing(url: &str) -> Result<(), HostError> {
    text("the landing place", url, 2048)?;
    let what = "the landing place is no absolute URL that begins with `https://` and a host name";
    let rest = url.strip_prefix("https://").ok_or_else(|| invalid(what.into()))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let is_name = !name.is_empty()
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
        });
    let of_a_url = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if is_name && port.parse::<u16>().is_ok() && rest.bytes().all(of_a_url) {
        return Ok(());
    }
    Err(invalid(what.into()))
}

/// Tells whether a landing place is one of those that an organization allows. Each allowed one is an absolute `https`
/// URL: the same host and port, and a path that is the allowed one or lies below it.
#[must_use]
pub fn is_allowed_landing(allowed: &[String], url: &str) -> bool {
    let split = |url: &str| {
        let rest = url.strip_prefix("https://").unwrap_or_default();
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        (host.to_ascii_lowercase(), path.trim_end_matches('/').to_owned())
    };
    let (host, path) = split(url);
    // What a browser resolves may lie elsewhere than it looks.
    let climbs = path.split('/').any(|part| {
        let part = part.to_ascii_lowercase().replace("%2e", ".");
        part == "." || part == ".." || part.contains("%2f") || part.contains("%5c")
    });
    landing(url).is_ok()
        && !climbs
        && allowed.iter().any(|allowed| {
            let (known_host, known) = split(allowed);
            let below = path
                .strip_prefix(&known)
                .is_some_and(|rest| known.is_empty() || rest.is_empty() || rest.starts_with('/'));
            landing(allowed).is_ok() && host == known_host && below
        })
}

/// Checks a batch as a whole; its drafts are for [`draft`].
pub fn batch(batch: &Batch) -> Result<(), HostError> {
    id("the operation id", &batch.operation)?;
    id("the parent", &batch.parent)?;
    grants(&batch.grants)?;
    text("the template", batch.template.as_deref().unwrap_or_default(), 100)?;
    batch.language.as_deref().map_or(Ok(()), language)?;
    batch.landing.as_deref().map_or(Ok(()), landing)?;
    metadata(&batch.metadata)?;
    count("drafts and refusals", batch.drafts.len() + batch.refused.len(), 100)?;
    let mut positions: Vec<u32> = batch.drafts.iter().map(|draft| draft.position).collect();
    positions.extend(batch.refused.iter().map(|item| item.position));
    positions.sort_unstable();
    if positions.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
        return Err(invalid("two items have the same position".into()));
    }
    for item in &batch.refused {
        text("the name of a refused item", &item.name, REASON)?;
        text("the reason of a refused item", &item.reason, REASON)?;
    }
    digest("the fingerprint", &batch.fingerprint).map(|_| ())
}

/// A draft whose form is right.
#[derive(Debug)]
pub struct CheckedDraft<'a> {
    /// The draft as it came.
    pub draft: &'a Draft,
    /// The user whom it is for.
    pub subject: &'a UserRef,
    /// The grants that it carries.
    pub grants: Vec<Grant>,
    /// The digest of its code; absent where it awaits approval.
    pub code: Option<[u8; 32]>,
}

/// Checks one draft of a batch.
pub fn draft<'a>(batch: &Batch, draft: &'a Draft) -> Result<CheckedDraft<'a>, HostError> {
    id("the id of a draft", &draft.id)?;
    text("the name of a draft", &draft.name, NAME)?;
    text("the reason of a draft", draft.approval.as_deref().unwrap_or_default(), REASON)?;
    draft.replaces.as_deref().map_or(Ok(()), |replaced| id("the replaced invitation", replaced))?;
    let subject = match &draft.subject {
        Subject::User(user) => user,
        Subject::Contact(_) => return Err(invalid("contacts are not supported".into())),
    };
    id("the organization of a subject", &subject.organization)?;
    id("the id of a subject", &subject.id)?;
    let code = match (&draft.code, &draft.approval) {
        (Some(code), None) => Some(digest("the digest of the code", code)?),
        (None, Some(_)) => None,
        _ => {
            let text = "a draft has a code or a reason why it needs approval, and not both";
            return Err(invalid(text.into()));
        }
    };
    Ok(CheckedDraft { draft, subject, grants: chosen_grants(batch, draft)?, code })
}

fn chosen_grants(batch: &Batch, draft: &Draft) -> Result<Vec<Grant>, HostError> {
    let Some(indexes) = &draft.grants else { return Ok(batch.grants.clone()) };
    count("grants of a draft", indexes.len(), GRANTS)?;
    let grant = |index: &u32| usize::try_from(*index).ok().and_then(|index| batch.grants.get(index)).cloned();
    let missing = || invalid("a draft names a grant that is not there".into());
    indexes.iter().map(|index| grant(index).ok_or_else(missing)).collect()
}

/// Checks a change; answers with the digest of its new code, where it has one.
pub fn change(change: &Change) -> Result<Option<[u8; 32]>, HostError> {
    id("the operation id", &change.operation)?;
    text("the reason", change.reason.as_deref().unwrap_or_default(), REASON)?;
    count("outcomes", change.outcomes.as_ref().map_or(0, Vec::len), GRANTS + 1)?;
    count("messages", change.messages.len(), 8)?;
    if (change.to == State::Accepting) != change.lease.is_some() {
        return Err(invalid("a lease belongs to a claim, and to nothing else".into()));
    }
    let code = match &change.code {
        CodeChange::Keep => None,
        CodeChange::Add(code) | CodeChange::Replace(code) => Some(digest("the digest of the code", code)?),
    };
    if code.is_some() && change.to != State::Pending {
        return Err(invalid("only a pending invitation gets a code".into()));
    }
    Ok(code)
}

/// Checks the conditions of a list.
pub fn filter(filter: &InvitationFilter) -> Result<(), HostError> {
    count("states", filter.states.len(), 8)?;
    text("the prefix", filter.name_prefix.as_deref().unwrap_or_default(), NAME)?;
    filter.grant.as_ref().map_or(Ok(()), |grant| id("the id of a grant", &grant.id))
}

/// Checks what is to be settled.
pub fn deliveries(deliveries: &[Delivery]) -> Result<(), HostError> {
    count("deliveries", deliveries.len(), 200)?;
    deliveries.iter().try_for_each(|delivery| {
        id("the invitation", &delivery.invitation)?;
        match &delivery.outcome {
            DeliveryOutcome::Undeliverable(reason) => text("the reason", reason, REASON),
            _ => Ok(()),
        }
    })
}

/// Checks what is to be written into the audit trail.
pub fn refusals(refusals: &[Refusal]) -> Result<(), HostError> {
    count("refusals", refusals.len(), 100)?;
    refusals.iter().try_for_each(|refusal| {
        text("the operation of a refusal", &refusal.operation, 255)?;
        text("the name of a refusal", refusal.name.as_deref().unwrap_or_default(), REASON)?;
        refusal.invitation.as_deref().map_or(Ok(()), |invitation| id("the invitation", invitation))
    })
}
