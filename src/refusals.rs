//! Saying no: how refusals are named in the audit trail, and how one export's errors become another's.

use crate::{
    Capabilities,
    contract::{
        exports::{
            invitations::{ItemRefusal, Refusal},
            invitee::{Ended, InviteeRefusal},
            maintenance::SweepRefusal,
        },
        imports::{
            audit::{self, Word},
            storage::StoreError,
            types::{Context, HostError, Invitation, Obstacle, Permissions, State, Subject, UserRef},
        },
    },
    transition::{Unmoved, failure},
};

/// A refusal that may have to be audited.
pub trait Refused {
    /// The word for the audit trail, or `None` for a failure: that is not a decision.
    fn word(&self) -> Option<Word>;
}

impl Refused for Refusal {
    fn word(&self) -> Option<Word> {
        Some(match self {
            Self::NotPermitted => Word::NotPermitted,
            Self::OrganizationNotActive => Word::OrganizationNotActive,
            Self::NoParent => Word::NoParent,
            Self::UnknownGrants(_) => Word::UnknownGrants,
            Self::UnknownUserstore(_) => Word::UnknownUserstore,
            Self::TooMany(_) => Word::TooMany,
            Self::Invalid(_) => Word::Invalid,
            Self::LifetimeOutOfBounds(_) => Word::LifetimeOutOfBounds,
            Self::NotFound => Word::NotFound,
            Self::InProgress(_) => Word::InProgress,
            Self::WrongState(_) => Word::WrongState,
            Self::ResendLimit(_) => Word::ResendLimit,
            Self::OperationReused => Word::OperationReused,
            Self::Conflict => Word::Conflict,
            Self::OwnInvitation => Word::OwnInvitation,
            Self::MayNotSeeCode => Word::MayNotSeeCode,
            Self::ContradictorySettings(_) => Word::ContradictorySettings,
            Self::Unsupported(_) => Word::Unsupported,
            Self::NotInvitable(item) => return item.word(),
            Self::Host(_) | Self::Other(_) => return None,
        })
    }
}

impl Refused for ItemRefusal {
    fn word(&self) -> Option<Word> {
        Some(match self {
            Self::Invalid(_) => Word::Invalid,
            Self::Duplicate => Word::Duplicate,
            Self::Ambiguous => Word::Ambiguous,
            Self::NotAParentUser => Word::NotAParentUser,
            Self::AlreadyMember => Word::AlreadyMember,
            Self::NameTaken => Word::NameTaken,
            Self::NoEmail => Word::NoEmail,
            Self::AddressNotAllowed => Word::AddressNotAllowed,
            Self::MayNotGrant(_) => Word::MayNotGrant,
            Self::MayNotReceive(_) => Word::MayNotReceive,
            Self::Refused(_) => Word::Refused,
            Self::ActiveInvitation(_) => Word::ActiveInvitation,
            Self::OverLimit(_) => Word::OverLimit,
            Self::NeedsApproval => Word::NeedsApproval,
            Self::Obstacle(obstacle) => obstacle_word(obstacle),
            Self::Unsupported(_) => Word::Unsupported,
            Self::PolicyUnavailable(_) => Word::PolicyUnavailable,
            Self::Unavailable(_) | Self::Other(_) => return None,
        })
    }
}

impl Refused for InviteeRefusal {
    fn word(&self) -> Option<Word> {
        Some(match self {
            Self::NotUsable => Word::NotUsable,
            Self::Ended(Ended::Expired) => Word::Expired,
            Self::Ended(Ended::Revoked) => Word::Revoked,
            Self::Ended(Ended::Used) => Word::Used,
            Self::Ended(Ended::Declined) => Word::Declined,
            Self::Ended(Ended::Failed) => Word::Failed,
            Self::Obstacle(obstacle) => obstacle_word(obstacle),
            Self::InProgress(_) => Word::InProgress,
            Self::Invalid(_) => Word::Invalid,
            Self::Conflict => Word::Conflict,
            Self::Unsupported(_) => Word::Unsupported,
            // What is not even a code is answered without asking the host anything.
            Self::Malformed | Self::Host(_) | Self::Other(_) => return None,
        })
    }
}

impl Refused for SweepRefusal {
    fn word(&self) -> Option<Word> {
        match self {
            Self::NotPermitted => Some(Word::NotPermitted),
            Self::Invalid(_) => Some(Word::Invalid),
            Self::Host(_) | Self::Other(_) => None,
        }
    }
}

/// The word for what is in the way of an accept.
#[must_use]
pub fn obstacle_word(obstacle: &Obstacle) -> Word {
    match obstacle {
        Obstacle::OrganizationNotActive => Word::OrganizationNotActive,
        Obstacle::OrganizationMoved => Word::OrganizationMoved,
        Obstacle::InviteeNotActive => Word::InviteeNotActive,
        Obstacle::InviterNotEntitled => Word::InviterNotEntitled,
        Obstacle::GrantsNotAllowed(_) => Word::GrantsNotAllowed,
        Obstacle::AddressNotAllowed => Word::AddressNotAllowed,
        Obstacle::NameTaken => Word::NameTaken,
        Obstacle::Policy(_) => Word::Policy,
        Obstacle::PolicyUnavailable(_) => Word::PolicyUnavailable,
        Obstacle::CodeRequired => Word::CodeRequired,
        Obstacle::Other(_) => Word::Other,
    }
}

/// The subject of a refusal, as far as the caller may know it. Empty while nothing was found.
#[derive(Clone, Default)]
pub struct About {
    organization: Option<String>,
    invitation: Option<String>,
    subject: Option<UserRef>,
}

impl About {
    /// The invitation that was found.
    #[must_use]
    pub fn row(row: &Invitation) -> Self {
        Self {
            organization: Some(row.key.organization.clone()),
            invitation: Some(row.key.id.clone()),
            subject: account(&row.subject).cloned(),
        }
    }

    /// The event of a refusal, for this reason.
    #[must_use]
    pub fn event(&self, operation: &str, word: Word) -> audit::Refusal {
        audit::Refusal {
            operation: operation.to_owned(),
            invitation: self.invitation.clone(),
            subject: self.subject.clone(),
            name: None,
            word,
        }
    }
}

/// The account that a subject is.
#[must_use]
pub const fn account(subject: &Subject) -> Option<&UserRef> {
    match subject {
        Subject::User(user) => Some(user),
        Subject::Contact(_) => None,
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
    about: &About,
    answer: Result<T, R>,
) -> Result<T, R> {
    if let Err(refusal) = &answer
        && let Some(word) = refusal.word()
    {
        record(host, context, about, &[about.event(operation, word)]);
    }
    answer
}

/// Leaves audit events of refusals, if they can be written: in the trail of the organization whose invitation
/// it is or, while none was found, of the one that the caller acts in.
pub fn record(host: &impl Capabilities, context: &Context, about: &About, refusals: &[audit::Refusal]) {
    if !refusals.is_empty() {
        let organization = about.organization.as_deref().or(context.organization.as_deref());
        let _ = host.record_refusals(organization, refusals);
    }
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

/// Tells what has become of an ended invitation, or `None` while it is active.
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
        ItemRefusal::Invalid(what) => ["invalid:", what].concat(),
        ItemRefusal::Duplicate => "duplicate".into(),
        ItemRefusal::Ambiguous => "ambiguous".into(),
        ItemRefusal::NotAParentUser => "not-a-parent-user".into(),
        ItemRefusal::AlreadyMember => "already-member".into(),
        ItemRefusal::NameTaken => "name-taken".into(),
        ItemRefusal::NoEmail => "no-email".into(),
        ItemRefusal::AddressNotAllowed => "address-not-allowed".into(),
        ItemRefusal::MayNotGrant(list) => ["may-not-grant:", &indexes(list)].concat(),
        ItemRefusal::MayNotReceive(list) => ["may-not-receive:", &indexes(list)].concat(),
        ItemRefusal::Refused(why) => ["refused:", why].concat(),
        ItemRefusal::ActiveInvitation(id) => ["active-invitation:", id].concat(),
        ItemRefusal::OverLimit(limit) => ["over-limit:", &limit.to_string()].concat(),
        ItemRefusal::NeedsApproval => "needs-approval".into(),
        ItemRefusal::Unsupported(what) => ["unsupported:", what].concat(),
        ItemRefusal::PolicyUnavailable(_) => "policy-unavailable".into(),
        // Only invites are recorded, and what an accept would meet is no answer to one.
        ItemRefusal::Obstacle(_) | ItemRefusal::Unavailable(_) => "unavailable".into(),
        ItemRefusal::Other(what) => ["other:", what].concat(),
    }
}

/// The reverse of [`item_to_text`]; text that it did not write becomes `other`.
#[must_use]
pub fn item_from_text(text: &str) -> ItemRefusal {
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    let indexes = || rest.split(',').filter_map(|index| index.parse().ok()).collect();
    match word {
        "invalid" => ItemRefusal::Invalid(rest.to_owned()),
        "duplicate" => ItemRefusal::Duplicate,
        "ambiguous" => ItemRefusal::Ambiguous,
        "not-a-parent-user" => ItemRefusal::NotAParentUser,
        "already-member" => ItemRefusal::AlreadyMember,
        "name-taken" => ItemRefusal::NameTaken,
        "no-email" => ItemRefusal::NoEmail,
        "address-not-allowed" => ItemRefusal::AddressNotAllowed,
        "may-not-grant" => ItemRefusal::MayNotGrant(indexes()),
        "may-not-receive" => ItemRefusal::MayNotReceive(indexes()),
        "refused" => ItemRefusal::Refused(rest.to_owned()),
        "active-invitation" => ItemRefusal::ActiveInvitation(rest.to_owned()),
        "over-limit" => ItemRefusal::OverLimit(rest.parse().unwrap_or(0)),
        "needs-approval" => ItemRefusal::NeedsApproval,
        "unsupported" => ItemRefusal::Unsupported(rest.to_owned()),
        "policy-unavailable" => ItemRefusal::PolicyUnavailable(None),
        "unavailable" => ItemRefusal::Unavailable(None),
        _ => ItemRefusal::Other(rest.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_no_decision_and_has_no_word_in_the_audit_trail() {
        let down = || HostError::Unavailable(None);
        assert_eq!(Refusal::Host(down()).word(), None);
        assert_eq!(Refusal::Other("x".into()).word(), None);
        assert_eq!(Refusal::NotInvitable(ItemRefusal::Unavailable(None)).word(), None);
        assert_eq!(Refusal::NotInvitable(ItemRefusal::NoEmail).word(), Some(Word::NoEmail));
        assert_eq!(InviteeRefusal::Malformed.word(), None);
        assert_eq!(InviteeRefusal::Host(down()).word(), None);
        assert_eq!(InviteeRefusal::Ended(Ended::Used).word(), Some(Word::Used));
        assert_eq!(SweepRefusal::Host(down()).word(), None);
        assert_eq!(SweepRefusal::NotPermitted.word(), Some(Word::NotPermitted));
    }

    #[test]
    fn a_refused_item_reads_back_as_it_was_written() {
        let all = [
            ItemRefusal::Invalid("the name is empty".into()),
            ItemRefusal::Duplicate,
            ItemRefusal::Ambiguous,
            ItemRefusal::NameTaken,
            ItemRefusal::NeedsApproval,
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
