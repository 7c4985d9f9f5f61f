//! What could not be accepted is not sent: every obstacle, in the way of every mail that asks somebody to
//! accept. Nothing is used up meanwhile, and once the obstacle is gone all goes on.

use std::sync::Arc;

use guestlist_contract::{
    Function,
    exports::{
        invitations::{ItemRefusal, Refusal},
        invitee::Handle,
    },
    types::{InvitationKey, MailState, MessageKind, Obstacle, Permissions, Principal, State},
};
use guestlist_harness::{Export, operations as op};
use guestlist_memory::{NewUser, StoredInvitation};
use guestlist_testkit::{Fault, FaultPlan};

use crate::rig::*;

const ACME: Option<&str> = Some("acme");
const HOUR: u64 = 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    OrganizationSuspended,
    OrganizationMoved,
    InviteeDisabled,
    InviterWithoutRight,
    AddressNotAllowed,
    NameTaken,
    OverTheCeiling,
    PolicySaysNo,
    PolicySilent,
}

const WAYS: [Way; 9] = [
    Way::OrganizationSuspended,
    Way::OrganizationMoved,
    Way::InviteeDisabled,
    Way::InviterWithoutRight,
    Way::AddressNotAllowed,
    Way::NameTaken,
    Way::OverTheCeiling,
    Way::PolicySaysNo,
    Way::PolicySilent,
];

impl Way {
    fn set(self, rig: &Rig, on: bool) {
        let host = &rig.host;
        let settings = |json: &str| host.change_settings("acme", &patch(json));
        let namesake = NewUser { id: "u-other".into(), name: "ALICE".into(), store: None, email: None };
        let ann_may = if on { Permissions::VIEW } else { Permissions::all() };
        match self {
            Self::OrganizationSuspended => host.set_organization_active("acme", !on),
            Self::OrganizationMoved => {
                host.move_organization("acme", Some(if on { "partner" } else { "root" }))
            }
            Self::InviteeDisabled => host.set_user_active("root", "u-alice", !on),
            Self::InviterWithoutRight => host.set_permissions("acme", ann(), ann_may),
            Self::AddressNotAllowed if on => settings(r#"{ "address-domains": ["other.example"] }"#),
            Self::AddressNotAllowed => settings(r#"{ "address-domains": null }"#),
            Self::NameTaken if on => host.add_user("acme", namesake),
            Self::NameTaken => host.remove_user("acme", "u-other"),
            Self::OverTheCeiling if on => settings(r#"{ "ceiling": [] }"#),
            Self::OverTheCeiling => settings(r#"{ "ceiling": null }"#),
            Self::PolicySaysNo if on => {
                host.set_policy("acme", rules(r#"[{ "at": "accept", "refuse": "closed" }]"#))
            }
            Self::PolicySaysNo => host.set_policy("acme", vec![]),
            Self::PolicySilent => Ok(()),
        }
        .unwrap();
    }

    /// What is answered to whoever sends or approves.
    fn is_named(self, refusal: &Refusal) -> bool {
        let Refusal::NotInvitable(ItemRefusal::Obstacle(obstacle)) = refusal else {
            return self == Self::OrganizationSuspended && *refusal == Refusal::OrganizationNotActive;
        };
        match self {
            Self::OrganizationSuspended => false,
            Self::OrganizationMoved => *obstacle == Obstacle::OrganizationMoved,
            Self::InviteeDisabled => *obstacle == Obstacle::InviteeNotActive,
            Self::InviterWithoutRight => *obstacle == Obstacle::InviterNotEntitled,
            Self::AddressNotAllowed => *obstacle == Obstacle::AddressNotAllowed,
            Self::NameTaken => *obstacle == Obstacle::NameTaken,
            Self::OverTheCeiling => *obstacle == Obstacle::GrantsNotAllowed(vec![group("g-ops")]),
            Self::PolicySaysNo => matches!(obstacle, Obstacle::Policy(why) if why == "closed"),
            Self::PolicySilent => *obstacle == Obstacle::PolicyUnavailable(None),
        }
    }

    /// Calls an export while it is in the way.
    async fn met<E: Export>(self, rig: &Rig, who: Principal, export: E) -> E::Answer {
        if self != Self::PolicySilent {
            return rig.run(ACME, who, export).await.unwrap().answer;
        }
        let silent = Function::PolicyDecideAccept.error("silent").unwrap();
        let plan = FaultPlan::always(Function::PolicyDecideAccept, Fault::Error(silent));
        rig.run_with(Arc::new(plan), ACME, who, export).await.unwrap().answer
    }

    async fn swept(self, rig: &Rig) -> u32 {
        self.met(rig, Principal::System, op::Sweep { limit: 200 }).await.unwrap().sent
    }
}

fn stored(rig: &Rig) -> StoredInvitation {
    rig.host.snapshot().invitations.remove(0)
}

/// Ben may send again, and not invite: they cannot take anything over.
fn world() -> Rig {
    let rig = Rig::new();
    let may = Permissions::RESEND | Permissions::APPROVE;
    rig.host.set_permissions("acme", ben(), may).unwrap();
    rig
}

#[tokio::test]
async fn a_resend_names_what_is_in_the_way_and_uses_nothing_up() {
    for way in WAYS {
        let rig = world();
        let (key, code) = rig.invited("alice", &[group("g-ops")]).await;
        way.set(&rig, true);
        let (before, mails, events) = (stored(&rig), rig.host.mails().len(), rig.host.audit().len());
        let ids = || vec![key.id.clone()];
        let answer = way.met(&rig, ben(), op::Resend { ids: ids() }).await;
        let refusal = answer.and_then(|mut items| items.remove(0)).unwrap_err();
        assert!(way.is_named(&refusal), "{way:?}: {refusal:?}");
        assert_eq!(stored(&rig), before, "{way:?}: neither a code nor a count has changed");
        assert_eq!(rig.host.mails().len(), mails, "{way:?}: nothing was sent");
        assert_eq!(rig.host.audit().len(), events + 1, "{way:?}: I-AUD");
        way.set(&rig, false);
        let handle = Handle::Code(code);
        assert!(rig.run(None, alice(), op::Introspect { handle }).await.unwrap().answer.is_ok(), "{way:?}");
        let again = rig.run(ACME, ben(), op::Resend { ids: ids() }).await.unwrap().answer.unwrap().remove(0);
        assert_eq!(again.unwrap().mail, MailState::Sent, "{way:?}");
        assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok(), "{way:?}");
    }
}

#[tokio::test]
async fn an_approval_names_what_is_in_the_way_and_may_be_given_later() {
    for way in WAYS {
        let rig = world();
        let contractor = r#"[{ "at": "invite", "require-approval": "a contractor" }]"#;
        rig.host.set_policy("acme", rules(contractor)).unwrap();
        let id = rig.invite(request(&["alice"], &[group("g-ops")])).await.unwrap().remove(0).unwrap().id;
        way.set(&rig, true);
        let (before, events) = (stored(&rig), rig.host.audit().len());
        let refusal = way.met(&rig, ben(), op::Approve { id: id.clone() }).await.unwrap_err();
        assert!(way.is_named(&refusal), "{way:?}: {refusal:?}");
        assert_eq!((stored(&rig), rig.host.mails().len()), (before, 0), "{way:?}");
        assert_eq!(rig.host.audit().len(), events + 1, "{way:?}: I-AUD");
        way.set(&rig, false);
        let approved = rig.run(ACME, ben(), op::Approve { id: id.clone() }).await.unwrap().answer.unwrap();
        assert_eq!((approved.state, approved.mail), (State::Pending, MailState::Sent), "{way:?}");
        assert!(rig.accept(alice(), &rig.code_of(&id)).await.is_ok(), "{way:?}");
    }
}

#[tokio::test]
async fn nobody_is_reminded_of_what_he_could_not_accept_until_he_can() {
    for way in WAYS {
        let rig = world();
        rig.host.change_settings("acme", &patch(r#"{ "reminder-before": "24h" }"#)).unwrap();
        let (key, code) = rig.invited("alice", &[group("g-ops")]).await;
        way.set(&rig, true);
        rig.host.advance(47 * HOUR);
        for _ in 0..12 {
            rig.host.advance(HOUR);
            assert_eq!(way.swept(&rig).await, 0, "{way:?}");
        }
        assert_eq!(rig.host.mails().len(), 1, "{way:?}: the invitation itself");
        way.set(&rig, false);
        rig.host.advance(HOUR);
        assert_eq!(rig.sweep("acme").await.sent, 1, "{way:?}");
        rig.host.advance(HOUR);
        assert_eq!(rig.sweep("acme").await.sent, 0, "{way:?}: once");
        let mail = rig.host.mails().pop().unwrap();
        assert_eq!((mail.kind, mail.invitation), (MessageKind::Reminder, key.id), "{way:?}");
        assert!(rig.accept(alice(), &code).await.is_ok(), "{way:?}");
    }
}

#[tokio::test]
async fn a_mail_that_waits_goes_on_waiting_and_is_not_given_up() {
    for way in WAYS {
        let rig = world();
        rig.host.fail_mail(true);
        let id = rig.invite(request(&["alice"], &[group("g-ops")])).await.unwrap().remove(0).unwrap().id;
        rig.host.fail_mail(false);
        way.set(&rig, true);
        let before = stored(&rig);
        // More often than a mail is tried.
        for _ in 0..12 {
            rig.host.advance(HOUR);
            assert_eq!(way.swept(&rig).await, 0, "{way:?}");
        }
        assert_eq!(stored(&rig), before, "{way:?}: no code was made");
        way.set(&rig, false);
        rig.host.advance(HOUR);
        assert_eq!(rig.sweep("acme").await.sent, 1, "{way:?}");
        let key = InvitationKey { organization: "acme".into(), id };
        assert_eq!(rig.row(&key).mail, MailState::Sent, "{way:?}");
        assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok(), "{way:?}");
    }
}

/// Of several each has its own answer, and what is in the way of one is not in the way of another.
#[tokio::test]
async fn of_several_only_those_are_sent_that_can_be_accepted() {
    let rig = Rig::new();
    let mut ids = Vec::new();
    for name in ["alice", "bob", "gus"] {
        ids.push(rig.invited(name, &[group("g-help")]).await.0.id);
    }
    rig.host.set_user_active("root", "u-bob", false).unwrap();
    let answer = rig.run(ACME, ann(), op::Resend { ids }).await.unwrap().answer.unwrap();
    let disabled = Refusal::NotInvitable(ItemRefusal::Obstacle(Obstacle::InviteeNotActive));
    assert_eq!(answer[1], Err(disabled));
    assert!(answer[0].is_ok() && answer[2].is_ok());
    assert_eq!(rig.host.mails().len(), 5);
}

#[tokio::test]
async fn who_has_no_address_any_more_is_sent_nothing() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    rig.host.set_email("root", "u-alice", None).unwrap();
    let before = stored(&rig);
    let answer = rig.run(ACME, ann(), op::Resend { ids: vec![key.id] }).await.unwrap().answer.unwrap();
    assert_eq!(answer, [Err(Refusal::NotInvitable(ItemRefusal::NoEmail))]);
    assert_eq!(stored(&rig), before);
}
