//! Looking: an administrator at their organization's invitations, an invitee at their own.

use crate::{
    Capabilities, answers,
    contract::{
        exports::{
            invitations::Refusal,
            invitee::{Handle, InviteeRefusal, Preview, PreviewPage},
        },
        imports::types::{
            Context, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, Permissions,
            Principal, State,
        },
    },
    managed,
    refusals::{About, audited, permitted},
    request,
    resolve_handle::{is_subject, resolve_handle},
};

/// `invitations.list`
///
/// # Errors
/// Not permitted, malformed, or the host failed.
pub fn list(
    host: &impl Capabilities,
    context: &Context,
    filter: &InvitationFilter,
    page: &PageRequest,
) -> Result<Page, Refusal> {
    audited(host, context, "invitations.list", &About::default(), try_list(host, context, filter, page))
}

fn try_list(
    host: &impl Capabilities,
    context: &Context,
    filter: &InvitationFilter,
    page: &PageRequest,
) -> Result<Page, Refusal> {
    let organization = permitted(context, Permissions::VIEW)?;
    request::limit(page.limit).map_err(Refusal::Invalid)?;
    let mut found = at_most(page.limit, host.list(organization, filter, page)?)?;
    // What a store lets slip from another organization is not passed on.
    found.items.retain(|row| row.key.organization == organization);
    Ok(found)
}

/// A page that is no longer than was asked for and shows nothing twice. Of a longer one nobody knows where
/// the next begins.
fn at_most(limit: u32, mut page: Page) -> Result<Page, HostError> {
    if page.items.len() > limit as usize {
        return Err(answers::out_of_step());
    }
    let mut shown: Vec<InvitationKey> = Vec::with_capacity(page.items.len());
    page.items.retain(|row| {
        let is_new = !shown.contains(&row.key);
        if is_new {
            shown.push(row.key.clone());
        }
        is_new
    });
    Ok(page)
}

/// `invitations.get`
///
/// # Errors
/// Not permitted, not found, or the host failed.
pub fn get(host: &impl Capabilities, context: &Context, id: &str) -> Result<Invitation, Refusal> {
    managed::about(host, context, "invitations.get", Permissions::VIEW, id, None, Ok)
}

/// `invitee.list-mine`
///
/// # Errors
/// Nobody is signed in, malformed, or the host failed.
pub fn list_mine(
    host: &impl Capabilities,
    context: &Context,
    states: &[State],
    after: Option<&str>,
    limit: u32,
) -> Result<PreviewPage, InviteeRefusal> {
    request::limit(limit).map_err(InviteeRefusal::Invalid)?;
    if !matches!(context.caller, Principal::User(_)) {
        return Err(InviteeRefusal::Invalid("there is no signed-in user: sign in first".into()));
    }
    let page = at_most(limit, host.mine(states, after, limit)?)?;
    let mine =
        |row: &Invitation| is_subject(&context.caller, &row.subject) && row.state != State::AwaitingApproval;
    Ok(PreviewPage { items: page.items.into_iter().filter(mine).map(preview).collect(), next: page.next })
}

/// `invitee.introspect`
///
/// # Errors
/// `not-usable` for what does not concern the caller; `malformed` for what is not a code.
pub fn introspect(
    host: &impl Capabilities,
    context: &Context,
    handle: &Handle,
) -> Result<Preview, InviteeRefusal> {
    let found = resolve_handle(host, context, handle)?;
    Ok(Preview { accept_with: found.accept_with, ..preview(found.row) })
}

fn preview(row: Invitation) -> Preview {
    Preview {
        key: row.key,
        parent: row.parent,
        name: row.name,
        inviter: row.inviter,
        grants: row.grants,
        outcomes: row.outcomes,
        state: row.state,
        accept_with: row.accept_with,
        created_at: row.created_at,
        expires_at: row.expires_at,
        language: row.language,
        landing: row.landing,
    }
}
