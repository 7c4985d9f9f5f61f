//! Sending again for an inviter who is gone: whoever does it answers for it from then on, with all that an
//! invite by them would be asked.

use guestlist_contract::{
    exports::invitations::{Invited, ItemRefusal, Refusal},
    types::{Grant, InvitationKey, Obstacle, Permissions, Principal, State},
};
use guestlist_harness::operations as op;

use crate::rig::*;

const ACME: Option<&str> = Some("acme");

async fn resend(rig: &Rig, who: Principal, key: &InvitationKey) -> Result<Invited, Refusal> {
    let resend = op::Resend { ids: vec![key.id.clone()] };
    rig.run(ACME, who, resend).await.unwrap().answer.unwrap().remove(0)
}

/// Ann has invited Alice, and is gone.
async fn orphaned(grants: &[Grant]) -> (Rig, InvitationKey, String) {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", grants).await;
    rig.host.remove_user("acme", "u-ann").unwrap();
    (rig, key, code)
}

fn carol() -> Principal {
    Principal::User(user("root", "u-carol"))
}

#[tokio::test]
async fn whoever_sends_it_again_becomes_its_inviter_and_the_trail_says_so() {
    let (rig, key, old) = orphaned(&[group("g-help")]).await;
    let answer = rig.accept(alice(), &old).await;
    assert!(answer.is_err(), "nobody answers for it: {answer:?}");
    resend(&rig, ben(), &key).await.unwrap();
    let row = rig.row(&key);
    assert_eq!((row.inviter, row.approver, row.resends, row.version), (ben(), None, 1, 2));
    assert_eq!(rig.host.mails().pop().unwrap().inviter, ben());
    let changes: Vec<_> = rig.host.audit().into_iter().filter(|event| event.kind.is_change()).collect();
    let last = changes.last().unwrap();
    assert_eq!((last.text(), &last.actor, changes.len()), ("invitation.adopted", &ben(), 2), "I-AUD");
    assert_eq!(last.subject, Some(user("root", "u-alice")));
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok());
}

#[tokio::test]
async fn from_then_on_it_is_the_new_inviter_whose_rights_count() {
    let (rig, key, _) = orphaned(&[]).await;
    resend(&rig, ben(), &key).await.unwrap();
    rig.host.set_permissions("acme", ben(), Permissions::VIEW).unwrap();
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_err(), "I-LEAST");
    rig.host.set_permissions("acme", carol(), Permissions::all()).unwrap();
    resend(&rig, carol(), &key).await.unwrap();
    assert_eq!(rig.row(&key).inviter, carol());
    assert!(rig.accept(alice(), &rig.code_of(&key.id)).await.is_ok());
}

/// An inviter who may still invite stays the inviter, whoever sends it again.
#[tokio::test]
async fn nobody_takes_over_what_somebody_answers_for() {
    let rig = Rig::new();
    let (key, _) = rig.invited("alice", &[]).await;
    resend(&rig, ben(), &key).await.unwrap();
    assert_eq!(rig.row(&key).inviter, ann());
}

#[tokio::test]
async fn it_is_refused_like_an_invite_by_them_and_then_nothing_is_changed() {
    type Try = (&'static str, &'static str, fn(&Rig), fn() -> Refusal);
    let tries: [Try; 9] = [
        (
            "without the right to invite",
            "g-help",
            |rig| rig.host.set_permissions("acme", ben(), Permissions::RESEND).unwrap(),
            || Refusal::NotInvitable(ItemRefusal::Obstacle(Obstacle::InviterNotEntitled)),
        ),
        (
            "what they may not give",
            "g-help",
            |rig| rig.host.change_settings("acme", &patch(r#"{ "ceiling": [] }"#)).unwrap(),
            || {
                let grants = vec![group("g-help")];
                Refusal::NotInvitable(ItemRefusal::Obstacle(Obstacle::GrantsNotAllowed(grants)))
            },
        ),
        (
            "what is privileged",
            "g-help",
            |rig| rig.host.change_settings("acme", &patch(r#"{ "privileged": ["group:g-help"] }"#)).unwrap(),
            || Refusal::NotInvitable(ItemRefusal::NeedsApproval),
        ),
        (
            "what the policy wants approved",
            "g-help",
            |rig| {
                rig.host
                    .set_policy("acme", rules(r#"[{ "at": "invite", "require-approval": "why" }]"#))
                    .unwrap();
            },
            || Refusal::NotInvitable(ItemRefusal::NeedsApproval),
        ),
        (
            "whom the policy refuses at invite",
            "g-help",
            |rig| rig.host.set_policy("acme", rules(r#"[{ "at": "invite", "refuse": "no" }]"#)).unwrap(),
            || Refusal::NotInvitable(ItemRefusal::Refused("no".into())),
        ),
        (
            "whom the policy refuses at accept",
            "g-help",
            |rig| rig.host.set_policy("acme", rules(r#"[{ "at": "accept", "refuse": "no" }]"#)).unwrap(),
            || Refusal::NotInvitable(ItemRefusal::Obstacle(Obstacle::Policy("no".into()))),
        ),
        (
            "where the policy allows less",
            "g-help",
            |rig| {
                let less = r#"[{ "at": "invite", "narrow": { "without": ["g-help"] } }]"#;
                rig.host.set_policy("acme", rules(less)).unwrap();
            },
            less,
        ),
        (
            "where the policy allows less time",
            "g-help",
            |rig| {
                let less = r#"[{ "at": "invite", "narrow": { "lifetime": "1h" } }]"#;
                rig.host.set_policy("acme", rules(less)).unwrap();
            },
            less,
        ),
        (
            "whose address is not allowed",
            "g-help",
            |rig| rig.host.change_settings("acme", &patch(r#"{ "address-domains": [] }"#)).unwrap(),
            || Refusal::NotInvitable(ItemRefusal::Obstacle(Obstacle::AddressNotAllowed)),
        ),
    ];
    for (what, grant, change, expected) in tries {
        let (rig, key, _) = orphaned(&[group(grant)]).await;
        change(&rig);
        let before = rig.host.snapshot();
        assert_eq!(resend(&rig, ben(), &key).await, Err(expected()), "{what}");
        let after = rig.host.snapshot();
        assert_eq!(after.invitations, before.invitations, "{what}");
        assert_eq!((after.mails.len(), after.audit.len()), (1, before.audit.len() + 1), "{what}: I-AUD");
    }
}

fn less() -> Refusal {
    let words = "the policy allows less than this invitation gives: invite anew";
    Refusal::NotInvitable(ItemRefusal::Refused(words.into()))
}

/// The vault is Ben's to give: Ann cannot answer for it.
#[tokio::test]
async fn nobody_answers_for_a_group_that_they_may_not_give() {
    let rig = Rig::new();
    let invited = rig.invite_as("acme", ben(), request(&["alice"], &[group("g-vault")])).await;
    let key = InvitationKey { organization: "acme".into(), id: invited.unwrap().remove(0).unwrap().id };
    rig.host.remove_user("acme", "u-ben").unwrap();
    let grants = Obstacle::GrantsNotAllowed(vec![group("g-vault")]);
    let expected = Refusal::NotInvitable(ItemRefusal::Obstacle(grants));
    assert_eq!(resend(&rig, ann(), &key).await, Err(expected), "I-LEAST");
}

#[tokio::test]
async fn neither_its_invitee_nor_its_approver_becomes_its_inviter() {
    let (rig, key, _) = orphaned(&[]).await;
    rig.host.set_permissions("acme", alice(), Permissions::all()).unwrap();
    assert_eq!(resend(&rig, alice(), &key).await, Err(Refusal::OwnInvitation));

    let rig = Rig::new();
    rig.host.set_policy("acme", rules(r#"[{ "at": "invite", "require-approval": "why" }]"#)).unwrap();
    let id = rig.invite(request(&["alice"], &[])).await.unwrap().remove(0).unwrap().id;
    let key = InvitationKey { organization: "acme".into(), id };
    rig.run(ACME, ben(), op::Approve { id: key.id.clone() }).await.unwrap().answer.unwrap();
    rig.host.set_policy("acme", vec![]).unwrap();
    rig.host.remove_user("acme", "u-ann").unwrap();
    assert_eq!(resend(&rig, ben(), &key).await, Err(Refusal::OwnInvitation), "two were needed");
    assert_eq!(rig.row(&key).approver, Some(ben()));
    rig.host.set_permissions("acme", carol(), Permissions::all()).unwrap();
    resend(&rig, carol(), &key).await.unwrap();
    let row = rig.row(&key);
    assert_eq!((row.state, row.inviter, row.approver), (State::Pending, carol(), None));
}

/// An external one is taken over in the same way, and its new code is shown.
#[tokio::test]
async fn what_others_notify_of_is_taken_over_too() {
    let rig = Rig::new();
    let asked = externally(request(&["alice"], &[]));
    let first = rig.invite(asked).await.unwrap().remove(0).unwrap();
    rig.host.remove_user("acme", "u-ann").unwrap();
    let key = InvitationKey { organization: "acme".into(), id: first.id };
    let again = resend(&rig, ben(), &key).await.unwrap();
    rig.shown_on_purpose(again.code.clone());
    assert_eq!((rig.row(&key).inviter, rig.host.mails().len()), (ben(), 0));
    assert!(rig.accept(alice(), &first.code.unwrap()).await.is_err(), "I-SEC2: at once");
    assert!(rig.accept(alice(), &again.code.unwrap()).await.is_ok());
}
