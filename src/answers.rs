//! Answers of the host, checked against the questions: one for each that was asked, and about what was asked.

use crate::{
    Capabilities,
    contract::{
        exports::invitations::Refusal,
        imports::{
            directory::{Organization, OrganizationState},
            membership::Resolved,
            types::{Grant, HostError, Principal},
        },
    },
};

/// The organization, if people can work in it now: it exists and is not suspended.
///
/// # Errors
/// The host's.
pub fn active(host: &impl Capabilities, organization: &str) -> Result<Option<Organization>, HostError> {
    let found = host.get_organization(organization)?;
    Ok(found.filter(|found| found.id == organization && found.state == OrganizationState::Active))
}

/// Refuses what would be sent on behalf of an organization that is suspended.
///
/// # Errors
/// `organization-not-active`, or the failure of the host.
pub fn must_be_active(host: &impl Capabilities, organization: &str) -> Result<(), Refusal> {
    active(host, organization)?.map(|_| ()).ok_or(Refusal::OrganizationNotActive)
}

/// The parent of an organization that is active.
///
/// # Errors
/// `organization-not-active`, `no-parent`, or the failure of the host.
pub fn parent_of(host: &impl Capabilities, organization: &str) -> Result<String, Refusal> {
    active(host, organization)?.ok_or(Refusal::OrganizationNotActive)?.parent.ok_or(Refusal::NoParent)
}

/// One answer for each grant.
///
/// # Errors
/// The host's, or `other` when the answers do not match the questions.
pub fn resolve(
    host: &impl Capabilities,
    organization: &str,
    inviter: &Principal,
    grants: &[Grant],
) -> Result<Vec<Option<Resolved>>, HostError> {
    let resolved = host.resolve(organization, inviter, grants)?;
    if resolved.len() == grants.len() { Ok(resolved) } else { Err(out_of_step()) }
}

/// The failure of a host whose answers do not match the questions.
#[must_use]
pub fn out_of_step() -> HostError {
    HostError::Other("the host answered with another number of entries".into())
}

/// The one entry of an answer to one question.
///
/// # Errors
/// `other` when there is another number of them.
pub fn one<T>(list: Vec<T>) -> Result<T, HostError> {
    let [entry] = <[T; 1]>::try_from(list).map_err(|_| out_of_step())?;
    Ok(entry)
}
