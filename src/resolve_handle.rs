//! Finding the invitation that an invitee means, and telling nobody else that it exists.

use crate::{
    Capabilities,
    code::Code,
    contract::{
        exports::invitee::{Handle, InviteeRefusal},
        imports::{
            settings::Values,
            types::{AcceptWith, Context, Invitation, Principal, State, Subject},
        },
    },
    eligibility, transition,
};

/// An invitation that concerns the caller.
pub struct Found {
    /// The invitation as it reads now.
    pub row: Invitation,
    /// The organization's settings.
    pub settings: Values,
    /// The proof that the invitee must show.
    pub accept_with: AcceptWith,
    /// The caller is the invitee, signed in.
    pub is_invitee: bool,
    /// The caller showed a code of this invitation.
    pub by_code: bool,
}

/// Finds by code or id.
///
/// # Errors
/// `not-usable` for everything that does not concern the caller, in one and the same way; `malformed`
/// for what is not even a code.
pub fn resolve_handle(
    host: &impl Capabilities,
    context: &Context,
    handle: &Handle,
) -> Result<Found, InviteeRefusal> {
    let (row, by_code) = match handle {
        Handle::Code(text) => {
            let code = Code::parse(text).ok_or(InviteeRefusal::Malformed)?;
            let row = host.by_code(&code.digest())?.ok_or(InviteeRefusal::NotUsable)?;
            (transition::readable(row)?, true)
        }
        Handle::Id(key) => (transition::read(host, key)?, false),
    };
    let is_invitee = is_subject(&context.caller, &row.subject);
    // The store has judged this already. It is not believed: a wrong row here would let a stranger in.
    let is_open_to_bearer = by_code && row.accept_with == AcceptWith::Code && row.state == State::Pending;
    if row.state == State::AwaitingApproval || !(is_invitee || is_open_to_bearer) {
        return Err(InviteeRefusal::NotUsable);
    }
    let settings = host.settings(&row.key.organization)?;
    let accept_with = eligibility::strictest(row.accept_with, settings.accept_with);
    let by_code_alone =
        accept_with == AcceptWith::Code && context.organization.as_ref() == Some(&row.key.organization);
    if !(is_invitee || by_code_alone) {
        return Err(InviteeRefusal::NotUsable);
    }
    Ok(Found { row, settings, accept_with, is_invitee, by_code })
}

/// Tells whether this caller is the person whom the invitation is for: the same account, not the same name.
#[must_use]
pub fn is_subject(caller: &Principal, subject: &Subject) -> bool {
    matches!((caller, subject), (Principal::User(user), Subject::User(invited)) if user == invited)
}
