//! The name of each way in which the plugin says no.

use guestlist_contract::{
    exports::{
        invitations::{Invited, ItemRefusal, Refusal, RevokedAll},
        invitee::{Accepted, Ended, InviteeRefusal, Obstacle, Preview, PreviewPage},
        maintenance::{SweepRefusal, Swept},
    },
    types::{Invitation, Page},
};

const UNUSED: &str = "for newer plugins; this one never answers it";
const CONTACT: &str = "for invitations of a `contact`, which nobody can make yet";
const JUDGED: &str = "for settings that contradict each other; a host that keeps the contract stores none";
const RECORDED: &str = "for what a newer plugin has recorded; this one never records it";

/// The reasons that this version of the plugin cannot answer on a host that keeps the contract.
pub(super) const RESERVED: &[(&str, &str)] = &[
    ("invitations.refusal/contradictory-settings", JUDGED),
    ("invitations.refusal/unsupported", CONTACT),
    ("invitations.refusal/other", UNUSED),
    ("invitations.item-refusal/unsupported", RECORDED),
    ("invitations.item-refusal/other", RECORDED),
    ("invitee.invitee-refusal/unsupported", UNUSED),
    ("invitee.invitee-refusal/other", UNUSED),
    ("invitee.obstacle/other", CONTACT),
    ("maintenance.sweep-refusal/other", UNUSED),
];

/// An answer of an export, or a part of one, that may hold refusals.
pub trait Reasons {
    /// Hands over the name of each.
    fn reasons(&self, to: &mut dyn FnMut(&'static str));
}

impl<T: Reasons, E: Reasons> Reasons for Result<T, E> {
    fn reasons(&self, to: &mut dyn FnMut(&'static str)) {
        match self {
            Ok(answer) => answer.reasons(to),
            Err(refusal) => refusal.reasons(to),
        }
    }
}

impl<T: Reasons> Reasons for Vec<T> {
    fn reasons(&self, to: &mut dyn FnMut(&'static str)) {
        self.iter().for_each(|item| item.reasons(to));
    }
}

macro_rules! without_reasons {
    ($($answer:ty),*) => {$(
        impl Reasons for $answer {
            fn reasons(&self, _: &mut dyn FnMut(&'static str)) {}
        }
    )*};
}
without_reasons!((), Invited, Page, Invitation, RevokedAll, PreviewPage, Preview, Accepted, Swept);

/// Something with cases that have names.
trait Named {
    const NAMES: &[&str];

    fn name(&self) -> &'static str;
}

macro_rules! named {
    ($refusal:ident $interface:literal { $($case:ident $name:literal,)* }) => {
        impl Named for $refusal {
            const NAMES: &[&str] = &[$(concat!($interface, "/", $name)),*];

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$case { .. } => concat!($interface, "/", $name),)*
                }
            }
        }
    };
}

named!(Refusal "invitations.refusal" {
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
    NotInvitable "not-invitable",
    MayNotSeeCode "may-not-see-code",
    ContradictorySettings "contradictory-settings",
    Unsupported "unsupported",
    Host "host",
    Other "other",
});

named!(ItemRefusal "invitations.item-refusal" {
    Invalid "invalid",
    Duplicate "duplicate",
    Ambiguous "ambiguous",
    NotAParentUser "not-a-parent-user",
    AlreadyMember "already-member",
    NameTaken "name-taken",
    NoEmail "no-email",
    AddressNotAllowed "address-not-allowed",
    MayNotGrant "may-not-grant",
    MayNotReceive "may-not-receive",
    Refused "refused",
    ActiveInvitation "active-invitation",
    NeedsApproval "needs-approval",
    Obstacle "obstacle",
    OverLimit "over-limit",
    Unsupported "unsupported",
    PolicyUnavailable "policy-unavailable",
    Unavailable "unavailable",
    Other "other",
});

named!(InviteeRefusal "invitee.invitee-refusal" {
    NotUsable "not-usable",
    Malformed "malformed",
    Ended "ended",
    Obstacle "obstacle",
    InProgress "in-progress",
    Invalid "invalid",
    Conflict "conflict",
    Unsupported "unsupported",
    Host "host",
    Other "other",
});

named!(Ended "invitee.ended" {
    Expired "expired",
    Revoked "revoked",
    Used "used",
    Declined "declined",
    Failed "failed",
});

named!(Obstacle "invitee.obstacle" {
    OrganizationNotActive "organization-not-active",
    OrganizationMoved "organization-moved",
    InviteeNotActive "invitee-not-active",
    InviterNotEntitled "inviter-not-entitled",
    GrantsNotAllowed "grants-not-allowed",
    AddressNotAllowed "address-not-allowed",
    NameTaken "name-taken",
    Policy "policy",
    PolicyUnavailable "policy-unavailable",
    CodeRequired "code-required",
    Other "other",
});

named!(SweepRefusal "maintenance.sweep-refusal" {
    NotPermitted "not-permitted",
    Invalid "invalid",
    Host "host",
    Other "other",
});

/// The cases of what they hold stand for them.
const GROUPS: [&str; 2] = ["invitee.invitee-refusal/ended", "invitee.invitee-refusal/obstacle"];

/// Every reason, in the order of the contract.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    let lists = [
        Refusal::NAMES,
        ItemRefusal::NAMES,
        InviteeRefusal::NAMES,
        Ended::NAMES,
        Obstacle::NAMES,
        SweepRefusal::NAMES,
    ];
    lists.into_iter().flatten().copied().filter(|name| !GROUPS.contains(name))
}

impl Reasons for Refusal {
    fn reasons(&self, to: &mut dyn FnMut(&'static str)) {
        to(self.name());
        if let Self::NotInvitable(why) = self {
            why.reasons(to);
        }
    }
}

impl Reasons for ItemRefusal {
    fn reasons(&self, to: &mut dyn FnMut(&'static str)) {
        to(self.name());
    }
}

impl Reasons for InviteeRefusal {
    fn reasons(&self, to: &mut dyn FnMut(&'static str)) {
        to(match self {
            Self::Ended(ended) => ended.name(),
            Self::Obstacle(obstacle) => obstacle.name(),
            refusal => refusal.name(),
        });
    }
}

impl Reasons for SweepRefusal {
    fn reasons(&self, to: &mut dyn FnMut(&'static str)) {
        to(self.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wit::Contract;

    #[test]
    fn the_reasons_are_those_of_the_contract() {
        let contract = Contract::read();
        let refusals = [
            ("invitations", "refusal"),
            ("invitations", "item-refusal"),
            ("invitee", "invitee-refusal"),
            ("invitee", "ended"),
            ("invitee", "obstacle"),
            ("maintenance", "sweep-refusal"),
        ];
        let cases = |(interface, refusal): (&str, &str)| {
            let ty = contract.named(&format!("guestlist:invitation/{interface}@0.1.0"), refusal);
            let prefix = format!("{interface}.{refusal}");
            contract
                .cases(ty)
                .into_iter()
                .map(move |(case, _)| format!("{prefix}/{case}"))
                .collect::<Vec<_>>()
        };
        let mut written: Vec<_> = refusals.into_iter().flat_map(cases).collect();
        written.retain(|name| !GROUPS.contains(&name.as_str()));
        assert_eq!(all().collect::<Vec<_>>(), written);
    }

    /// A new export with a refusal of its own must not be forgotten.
    #[test]
    fn no_export_answers_with_another_refusal() {
        let contract = Contract::read();
        let known = ["refusal", "item-refusal", "invitee-refusal", "sweep-refusal"];
        for interface in ["invitations", "invitee", "maintenance"] {
            let id = format!("guestlist:invitation/{interface}@0.1.0");
            for function in contract.functions(&id) {
                let (error, item) = contract.errors(&id, &function);
                for refusal in [error, item].into_iter().flatten().map(|ty| contract.name(ty)) {
                    assert!(known.contains(&refusal.as_str()), "{interface}.{function}: {refusal}");
                }
            }
        }
    }

    #[test]
    fn what_is_reserved_is_known() {
        for (name, _) in RESERVED {
            assert!(all().any(|known| known == *name), "{name}");
        }
    }
}
