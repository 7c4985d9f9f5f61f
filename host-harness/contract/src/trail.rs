//! The audit trail: its words as text, and the digest that stands for a name.
//!
//! The vocabulary itself is in the contract (`wit/audit.wit`). Hosts write the words as they are written here,
//! so that one search finds an event in every store.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::audit::{Event, EventKind, Word};

/// Writes an enum of the contract as text and reads it back.
macro_rules! texts {
    ($name:ident { $($case:ident $text:literal,)* }) => {
        impl $name {
            /// All of them, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$case,)*];

            /// The word as text.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$case => $text,)*
                }
            }

            /// The word of this text.
            #[must_use]
            pub fn of_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.text() == text)
            }
        }
    };
}

texts!(EventKind {
    InvitationCreated "invitation.created",
    InvitationApproved "invitation.approved",
    InvitationRenewed "invitation.renewed",
    InvitationAdopted "invitation.adopted",
    InvitationClaimed "invitation.claimed",
    InvitationTakenOver "invitation.taken-over",
    InvitationAccepted "invitation.accepted",
    InvitationDeclined "invitation.declined",
    InvitationRevoked "invitation.revoked",
    InvitationExpired "invitation.expired",
    InvitationFailed "invitation.failed",
    InvitationDismissed "invitation.dismissed",
    InvitationPurged "invitation.purged",
    ItemRefused "item.refused",
    Refused "refused",
    MemberAdded "member.added",
    GrantAdded "grant.added",
    MemberClosed "member.closed",
    AccountPasswordSet "account.password-set",
    AccountPasswordRemoved "account.password-removed",
    AccountSignedIn "account.signed-in",
    AccountSignInRefused "account.sign-in-refused",
    AccountSignedOut "account.signed-out",
    AccountIdentityLinked "account.identity-linked",
    AccountIdentityUnlinked "account.identity-unlinked",
    ClientCreated "client.created",
    ClientSecretRotated "client.secret-rotated",
    ClientRevoked "client.revoked",
    TokenIssued "token.issued",
    TokenRevoked "token.revoked",
    LinkMade "link.made",
    LinkUsed "link.used",
    OrganizationHandleSet "organization.handle-set",
    WorldOrganizationCreated "world.organization-created",
    WorldOrganizationEnabled "world.organization-enabled",
    WorldOrganizationDisabled "world.organization-disabled",
    WorldOrganizationMoved "world.organization-moved",
    WorldOrganizationDeleted "world.organization-deleted",
    WorldUserAdded "world.user-added",
    WorldUserEnabled "world.user-enabled",
    WorldUserDisabled "world.user-disabled",
    WorldUserRenamed "world.user-renamed",
    WorldUserMoved "world.user-moved",
    WorldUserRemoved "world.user-removed",
    WorldEmailChanged "world.email-changed",
    WorldMemberAdded "world.member-added",
    WorldMemberRemoved "world.member-removed",
    WorldGroupCreated "world.group-created",
    WorldGroupRenamed "world.group-renamed",
    WorldGroupDeleted "world.group-deleted",
    WorldRoleCreated "world.role-created",
    WorldRoleRenamed "world.role-renamed",
    WorldRoleDeleted "world.role-deleted",
    WorldGrantAdded "world.grant-added",
    WorldGrantRemoved "world.grant-removed",
    WorldPermissionsSet "world.permissions-set",
    WorldRoleRightsSet "world.role-rights-set",
    WorldRoleAssigned "world.role-assigned",
    WorldRoleUnassigned "world.role-unassigned",
    WorldRolesLeased "world.roles-leased",
    WorldLeasesEnded "world.leases-ended",
    WorldSettingsChanged "world.settings-changed",
    WorldPolicySet "world.policy-set",
    WorldStoreAnswers "world.store-answers",
    WorldStoreSilent "world.store-silent",
    WorldOther "world.other",
});

texts!(Word {
    NotPermitted "not-permitted",
    OrganizationNotActive "organization-not-active",
    NoParent "no-parent",
    UnknownGrants "unknown-grants",
    UnknownUserstore "unknown-userstore",
    TooMany "too-many",
    Invalid "invalid",
    LifetimeOutOfBounds "lifetime-out-of-bounds",
    NotFound "not-found",
    InProgress "in-progress",
    WrongState "wrong-state",
    ResendLimit "resend-limit",
    OperationReused "operation-reused",
    Conflict "conflict",
    OwnInvitation "own-invitation",
    MayNotSeeCode "may-not-see-code",
    ContradictorySettings "contradictory-settings",
    Unsupported "unsupported",
    NotUsable "not-usable",
    Expired "expired",
    Revoked "revoked",
    Used "used",
    Declined "declined",
    Failed "failed",
    OrganizationMoved "organization-moved",
    InviteeNotActive "invitee-not-active",
    InviterNotEntitled "inviter-not-entitled",
    GrantsNotAllowed "grants-not-allowed",
    AddressNotAllowed "address-not-allowed",
    NameTaken "name-taken",
    Policy "policy",
    PolicyUnavailable "policy-unavailable",
    CodeRequired "code-required",
    Duplicate "duplicate",
    Ambiguous "ambiguous",
    NotAParentUser "not-a-parent-user",
    AlreadyMember "already-member",
    NoEmail "no-email",
    MayNotGrant "may-not-grant",
    MayNotReceive "may-not-receive",
    Refused "refused",
    ActiveInvitation "active-invitation",
    OverLimit "over-limit",
    NeedsApproval "needs-approval",
    Unavailable "unavailable",
    GivenUp "given-up",
    Closed "closed",
    NotActive "not-active",
    WrongSecret "wrong-secret",
    Other "other",
});

impl EventKind {
    /// A change of an invitation by one of the moves of its life.
    #[must_use]
    pub fn is_change(self) -> bool {
        self.text().starts_with("invitation.")
            && !matches!(self, Self::InvitationPurged | Self::InvitationDismissed)
    }

    /// Tells whether something was given for an invitation.
    #[must_use]
    pub const fn is_grant(self) -> bool {
        matches!(self, Self::MemberAdded | Self::GrantAdded)
    }

    /// Tells whether administration did it, outside of any call.
    #[must_use]
    pub fn is_worldly(self) -> bool {
        self.text().starts_with("world.")
    }
}

impl Event {
    /// The event as text: `invitation.created`.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.kind.text()
    }

    /// The details beside the kind: the word, the group or role, or another id. As in `role:r-admin`.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        let word = self.word.map(|word| word.text().to_owned());
        let grant = || self.grant.as_ref().map(|grant| format!("{}:{}", grant.kind.text(), grant.id));
        let subject = || self.subject.as_ref().filter(|_| self.kind.is_worldly()).map(|user| user.id.clone());
        word.or_else(grant).or_else(|| self.about.clone()).or_else(subject)
    }
}

impl crate::types::GrantKind {
    /// `group` or `role`.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

/// The digest that stands for a refused name in the trail: HMAC-SHA-256 of the name without outer white
/// space and in lower case. Who has the key finds the events of a name; nobody else can try names out.
#[must_use]
pub fn name_digest(key: &[u8; 32], name: &str) -> Vec<u8> {
    // A key of HMAC may have any length, so there is no error.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(name.trim().to_lowercase().as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of an enum of `wit/audit.wit`.
    fn cases(name: &str) -> Vec<&'static str> {
        let file = include_str!("../../../wit/audit.wit");
        let lines = file.lines().skip_while(|line| line.trim() != format!("enum {name} {{")).skip(1);
        let lines = lines.map(str::trim).take_while(|line| *line != "}");
        lines.filter(|line| !line.starts_with("//")).map(|line| line.trim_end_matches(',')).collect()
    }

    #[test]
    fn the_words_are_those_of_the_contract_and_are_read_back() {
        let dotted: Vec<_> = cases("event-kind").iter().map(|case| case.replacen('-', ".", 1)).collect();
        let texts: Vec<_> = EventKind::ALL.iter().map(|kind| kind.text()).collect();
        assert_eq!(texts, dotted);
        let texts: Vec<_> = Word::ALL.iter().map(|word| word.text()).collect();
        assert_eq!(texts, cases("word"));
        assert!(EventKind::ALL.iter().all(|kind| EventKind::of_text(kind.text()) == Some(*kind)));
        assert!(Word::ALL.iter().all(|word| Word::of_text(word.text()) == Some(*word)));
        assert_eq!(Word::of_text("no such word"), None);
    }

    #[test]
    fn a_name_has_one_digest_however_it_was_typed_and_another_under_another_key() {
        let digest = |key: u8, name: &str| name_digest(&[key; 32], name);
        assert_eq!(digest(1, "Zoe@Else.example "), digest(1, "zoe@else.example"));
        assert_ne!(digest(1, "zoe"), digest(1, "zoey"));
        assert_ne!(digest(1, "zoe"), digest(2, "zoe"));
        assert_eq!(digest(1, "zoe").len(), 32);
    }
}
