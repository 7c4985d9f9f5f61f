//! Saying no: how refusals are named in the audit trail, and how one export's errors become another's.

use crate::{
    Capabilities,
    contract::{
        exports::{
            invitations::{ItemRefusal, Refusal},
            invitee::{Ended, InviteeRefusal, Obstacle},
            maintenance::SweepRefusal,
        },
        imports::{
            audit,
            storage::StoreError,
            types::{Context, HostError, Permissions, State},
        },
    },
    moving::{Unmoved, failure},
};

/// The word for a policy that gave no answer.
pub const POLICY_UNAVAILABLE: &str = "policy-unavailable";

/// A refusal that may have to be audited.
pub trait Refused {
    /// The stable word for the audit trail, or `None` for a failure: that is not a decision.
    fn word(&self) -> Option<&'static str>;
}

impl Refused for Refusal {
    fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotPermitted => "not-permitted",
            Self::OrganizationNotActive => "organization-not-active",
            Self::NoParent => "no-parent",
            Self::UnknownGrants(_) => "unknown-grants",
            Self::UnknownUserstore(_) => "unknown-userstore",
            Self::TooMany(_) => "too-many",
            Self::Invalid(_) => "invalid",
            Self::LifetimeOutOfBounds(_) => "lifetime-out-of-bounds",
            Self::NotFound => "not-found",
            Self::InProgress(_) => "in-progress",
            Self::WrongState(_) => "wrong-state",
            Self::ResendLimit(_) => "resend-limit",
            Self::OperationReused => "operation-reused",
            Self::Conflict => "conflict",
            Self::OwnInvitation => "own-invitation",
            Self::Unsupported(_) => "unsupported",
            Self::NotInvitable(ItemRefusal::PolicyUnavailable(_)) => POLICY_UNAVAILABLE,
            // The batch has its event.
            Self::NotInvitable(_) => return None,
            Self::Host(_) | Self::Other(_) => return None,
        })
    }
}

impl Refused for InviteeRefusal {
    fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotUsable => "not-usable",
            Self::Ended(Ended::Expired) => "expired",
            Self::Ended(Ended::Revoked) => "revoked",
            Self::Ended(Ended::Used) => "used",
            Self::Ended(Ended::Declined) => "declined",
            Self::Ended(Ended::Failed) => "failed",
            Self::Obstacle(obstacle) => obstacle_word(obstacle),
            Self::InProgress(_) => "in-progress",
            Self::Invalid(_) => "invalid",
            Self::Conflict => "conflict",
            Self::Unsupported(_) => "unsupported",
            // What is not even a code is answered without asking the host anything.
            Self::Malformed | Self::Host(_) | Self::Other(_) => return None,
        })
    }
}

impl Refused for SweepRefusal {
    fn word(&self) -> Option<&'static str> {
        match self {
            Self::NotPermitted => Some("not-permitted"),
            Self::Invalid(_) => Some("invalid"),
            Self::Host(_) | Self::Other(_) => None,
        }
    }
}

/// The stable word for what is in the way of an accept.
#[must_use]
pub fn obstacle_word(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::OrganizationNotActive => "organization-not-active",
        Obstacle::OrganizationMoved => "organization-moved",
        Obstacle::InviteeNotActive => "invitee-not-active",
        Obstacle::InviterNotEntitled => "inviter-not-entitled",
        Obstacle::GrantsNotAllowed(_) => "grants-not-allowed",
        Obstacle::AddressNotAllowed => "address-not-allowed",
        Obstacle::Policy(_) => "policy",
        Obstacle::PolicyUnavailable(_) => POLICY_UNAVAILABLE,
        Obstacle::CodeRequired => "code-required",
        Obstacle::Other(_) => "other",
    }
}

/// Passes an answer on, and leaves one audit event where it is a refusal.
///
/// # Errors
/// The answer's own: a failure of the audit trail does not turn a refusal into anything else.
pub fn audited<T, R: Refused>(
    host: &impl Capabilities,
    context: &Context,
    operation: &str,
    invitation: Option<&str>,
    answer: Result<T, R>,
) -> Result<T, R> {
    if let Err(refusal) = &answer
        && let Some(word) = refusal.word()
    {
        record(host, context, operation, invitation, word);
    }
    answer
}

/// Leaves one audit event of a refusal, if it can be written.
pub fn record(
    host: &impl Capabilities,
    context: &Context,
    operation: &str,
    invitation: Option<&str>,
    reason: &str,
) {
    let event = audit::Refusal {
        operation: operation.to_owned(),
        invitation: invitation.map(str::to_owned),
        reason: reason.to_owned(),
    };
    let _ = host.record_refusals(context.organization.as_deref(), &[event]);
}

/// The organization that the caller may do this in. Nothing is allowed unless it is said.
///
/// # Errors
/// `not-permitted`, and `organization-not-active` where the context names no organization.
pub fn permitted(context: &Context, needed: Permissions) -> Result<&str, Refusal> {
    if !context.permissions.contains(needed) {
        return Err(Refusal::NotPermitted);
    }
    context.organization.as_deref().ok_or(Refusal::OrganizationNotActive)
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<HostError> for InviteeRefusal {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<HostError> for SweepRefusal {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::OperationReused => Self::OperationReused,
            StoreError::InvalidCursor => {
                Self::Invalid("`after` is not the `next` of a page with this filter and sort".into())
            }
            error => Self::Host(failure(error)),
        }
    }
}

impl From<StoreError> for InviteeRefusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotUsable,
            StoreError::InvalidCursor => {
                Self::Invalid("`after` is not the `next` of a page with these states".into())
            }
            error => Self::Host(failure(error)),
        }
    }
}

impl From<Unmoved> for Refusal {
    fn from(unmoved: Unmoved) -> Self {
        match unmoved {
            Unmoved::Lost(_) => Self::Conflict,
            Unmoved::Gone => Self::NotFound,
            Unmoved::Failed(error) => Self::Host(error),
        }
    }
}

impl From<Unmoved> for InviteeRefusal {
    fn from(unmoved: Unmoved) -> Self {
        match unmoved {
            Unmoved::Lost(_) => Self::Conflict,
            Unmoved::Gone => Self::NotUsable,
            Unmoved::Failed(error) => Self::Host(error),
        }
    }
}

/// What has become of an ended invitation, or `None` while it is active.
#[must_use]
pub fn ended(state: State) -> Option<Ended> {
    match state {
        State::Accepted => Some(Ended::Used),
        State::Declined => Some(Ended::Declined),
        State::Revoked => Some(Ended::Revoked),
        State::Expired => Some(Ended::Expired),
        State::Failed => Some(Ended::Failed),
        State::AwaitingApproval | State::Pending | State::Accepting => None,
    }
}

/// A refused item as one line: for the audit trail, and to give the same answer to a repeated request.
#[must_use]
pub fn item_to_text(refusal: &ItemRefusal) -> String {
    let indexes = |list: &[u32]| list.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    match refusal {
        ItemRefusal::Duplicate => "duplicate".into(),
        ItemRefusal::NotAParentUser => "not-a-parent-user".into(),
        ItemRefusal::AlreadyMember => "already-member".into(),
        ItemRefusal::NoEmail => "no-email".into(),
        ItemRefusal::AddressNotAllowed => "address-not-allowed".into(),
        ItemRefusal::MayNotGrant(list) => ["may-not-grant:", &indexes(list)].concat(),
        ItemRefusal::MayNotReceive(list) => ["may-not-receive:", &indexes(list)].concat(),
        ItemRefusal::Refused(why) => ["refused:", why].concat(),
        ItemRefusal::ActiveInvitation(id) => ["active-invitation:", id].concat(),
        ItemRefusal::OverLimit(limit) => ["over-limit:", &limit.to_string()].concat(),
        ItemRefusal::Unsupported(what) => ["unsupported:", what].concat(),
        ItemRefusal::PolicyUnavailable(_) => POLICY_UNAVAILABLE.into(),
        ItemRefusal::Unavailable(_) => "unavailable".into(),
        ItemRefusal::Other(what) => ["other:", what].concat(),
    }
}

/// The reverse of [`item_to_text`]; text that it did not write becomes `other`.
#[must_use]
pub fn item_from_text(text: &str) -> ItemRefusal {
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    let indexes = || rest.split(',').filter_map(|index| index.parse().ok()).collect();
    match word {
        "duplicate" => ItemRefusal::Duplicate,
        "not-a-parent-user" => ItemRefusal::NotAParentUser,
        "already-member" => ItemRefusal::AlreadyMember,
        "no-email" => ItemRefusal::NoEmail,
        "address-not-allowed" => ItemRefusal::AddressNotAllowed,
        "may-not-grant" => ItemRefusal::MayNotGrant(indexes()),
        "may-not-receive" => ItemRefusal::MayNotReceive(indexes()),
        "refused" => ItemRefusal::Refused(rest.to_owned()),
        "active-invitation" => ItemRefusal::ActiveInvitation(rest.to_owned()),
        "over-limit" => ItemRefusal::OverLimit(rest.parse().unwrap_or(0)),
        "unsupported" => ItemRefusal::Unsupported(rest.to_owned()),
        POLICY_UNAVAILABLE => ItemRefusal::PolicyUnavailable(None),
        "unavailable" => ItemRefusal::Unavailable(None),
        _ => ItemRefusal::Other(rest.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::exports::invitations as exports;

    /// The words are what people search the audit trail for: they do not change.
    #[test]
    fn each_refusal_has_its_word_and_a_failure_has_none() {
        let text = String::new;
        let excess = exports::Excess { what: text(), limit: 1, actual: 2 };
        let bounds = exports::Bounds { min: 1, max: 2, never: false };
        for (refusal, word) in [
            (Refusal::NotPermitted, Some("not-permitted")),
            (Refusal::OrganizationNotActive, Some("organization-not-active")),
            (Refusal::NoParent, Some("no-parent")),
            (Refusal::UnknownGrants(Vec::new()), Some("unknown-grants")),
            (Refusal::UnknownUserstore(text()), Some("unknown-userstore")),
            (Refusal::TooMany(excess), Some("too-many")),
            (Refusal::Invalid(text()), Some("invalid")),
            (Refusal::LifetimeOutOfBounds(bounds), Some("lifetime-out-of-bounds")),
            (Refusal::NotFound, Some("not-found")),
            (Refusal::InProgress(1), Some("in-progress")),
            (Refusal::WrongState(State::Expired), Some("wrong-state")),
            (Refusal::ResendLimit(1), Some("resend-limit")),
            (Refusal::OperationReused, Some("operation-reused")),
            (Refusal::Conflict, Some("conflict")),
            (Refusal::OwnInvitation, Some("own-invitation")),
            (Refusal::Unsupported(text()), Some("unsupported")),
            (Refusal::NotInvitable(ItemRefusal::NoEmail), None),
            (Refusal::Host(HostError::OutcomeUnknown), None),
            (Refusal::Other(text()), None),
        ] {
            assert_eq!(refusal.word(), word, "{refusal:?}");
        }
        for (refusal, word) in [
            (InviteeRefusal::NotUsable, Some("not-usable")),
            (InviteeRefusal::Ended(Ended::Expired), Some("expired")),
            (InviteeRefusal::Ended(Ended::Revoked), Some("revoked")),
            (InviteeRefusal::Ended(Ended::Used), Some("used")),
            (InviteeRefusal::Ended(Ended::Declined), Some("declined")),
            (InviteeRefusal::Ended(Ended::Failed), Some("failed")),
            (InviteeRefusal::InProgress(1), Some("in-progress")),
            (InviteeRefusal::Invalid(text()), Some("invalid")),
            (InviteeRefusal::Conflict, Some("conflict")),
            (InviteeRefusal::Unsupported(text()), Some("unsupported")),
            (InviteeRefusal::Malformed, None),
            (InviteeRefusal::Host(HostError::OutcomeUnknown), None),
            (InviteeRefusal::Other(text()), None),
        ] {
            assert_eq!(refusal.word(), word, "{refusal:?}");
        }
        for (obstacle, word) in [
            (Obstacle::OrganizationNotActive, "organization-not-active"),
            (Obstacle::OrganizationMoved, "organization-moved"),
            (Obstacle::InviteeNotActive, "invitee-not-active"),
            (Obstacle::InviterNotEntitled, "inviter-not-entitled"),
            (Obstacle::GrantsNotAllowed(Vec::new()), "grants-not-allowed"),
            (Obstacle::AddressNotAllowed, "address-not-allowed"),
            (Obstacle::Policy(text()), "policy"),
            (Obstacle::CodeRequired, "code-required"),
            (Obstacle::PolicyUnavailable(None), "policy-unavailable"),
            (Obstacle::Other(text()), "other"),
        ] {
            assert_eq!(InviteeRefusal::Obstacle(obstacle).word(), Some(word));
        }
        for (refusal, word) in [
            (SweepRefusal::NotPermitted, Some("not-permitted")),
            (SweepRefusal::Invalid(text()), Some("invalid")),
            (SweepRefusal::Host(HostError::OutcomeUnknown), None),
            (SweepRefusal::Other(text()), None),
        ] {
            assert_eq!(refusal.word(), word, "{refusal:?}");
        }
    }

    #[test]
    fn a_refused_item_reads_back_as_it_was_written() {
        let all = [
            ItemRefusal::Duplicate,
            ItemRefusal::NotAParentUser,
            ItemRefusal::AlreadyMember,
            ItemRefusal::NoEmail,
            ItemRefusal::AddressNotAllowed,
            ItemRefusal::MayNotGrant(vec![0, 49]),
            ItemRefusal::MayNotReceive(vec![7]),
            ItemRefusal::Refused("only: the help desk, please".into()),
            ItemRefusal::ActiveInvitation("8c8f0e3a-0000-4000-8000-000000000000".into()),
            ItemRefusal::OverLimit(500),
            ItemRefusal::Unsupported("contact".into()),
            ItemRefusal::PolicyUnavailable(None),
            ItemRefusal::Unavailable(None),
            ItemRefusal::Other("x".into()),
        ];
        for refusal in all {
            assert_eq!(item_from_text(&item_to_text(&refusal)), refusal);
        }
    }
}
