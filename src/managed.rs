//! One invitation that an administrator does something with: read for whoever may, and named in the audit
//! trail.

use crate::{
    Capabilities,
    contract::{
        exports::invitations::Refusal,
        imports::types::{Context, Invitation, InvitationKey, Permissions},
    },
    entropy::is_id,
    refusals::{About, audited, permitted},
    request, transition,
};

/// Does something with one invitation of the organization: it is read for whoever may do so, and `act` says
/// what comes of it. A refusal names the invitation in the audit trail only after it was read; until then the
/// id is no more than what the caller says.
///
/// # Errors
/// `not-permitted`, `invalid` for a reason that is too long, `not-found`, what `act` says, or the host failed.
pub fn about<T>(
    host: &impl Capabilities,
    context: &Context,
    operation: &str,
    needed: Permissions,
    id: &str,
    reason: Option<&str>,
    act: impl FnOnce(Invitation) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let row = permitted(context, needed).and_then(|organization| {
        request::reason(reason).map_err(Refusal::Invalid)?;
        of(host, organization, id)
    });
    let about = row.as_ref().map(About::row).unwrap_or_default();
    audited(host, context, operation, &about, row.and_then(act))
}

/// One invitation of an organization.
///
/// # Errors
/// `not-found`, or the host failed.
pub fn of(host: &impl Capabilities, organization: &str, id: &str) -> Result<Invitation, Refusal> {
    if !is_id(id) {
        return Err(Refusal::NotFound);
    }
    let key = InvitationKey { organization: organization.to_owned(), id: id.to_owned() };
    Ok(transition::read(host, &key)?)
}
