//! The whole story, as its people would tell it.

use guestlist_contract::{
    exports::{invitations::ItemRefusal, invitee::InviteeRefusal},
    types::{MailState, State, StepOutcome},
};

use crate::rig::*;

#[tokio::test]
async fn alice_is_invited_mailed_accepts_and_lands_in_her_groups() {
    let rig = Rig::new();
    let answers =
        rig.invite(request(&["alice", "bob", "nobody"], &[group("g-help"), group("g-ops")])).await.unwrap();
    let alices = answers[0].as_ref().unwrap();
    assert_eq!((alices.state, alices.mail, alices.code.clone()), (State::Pending, MailState::Sent, None));
    assert_eq!(alices.expires_at, Some(rig.host.now() + HOURS_72));
    assert!(answers[1].is_ok());
    assert_eq!(answers[2], Err(ItemRefusal::NotAParentUser));

    let code = rig.code_of(&alices.id);
    assert_eq!(rig.accept(bob(), &code).await, Err(InviteeRefusal::NotUsable), "another's code");
    let accepted = rig.accept(alice(), &code).await.unwrap();
    assert!(accepted.outcomes.iter().all(|step| step.outcome == StepOutcome::Applied) && !accepted.repeated);
    assert!(rig.accept(alice(), &code).await.unwrap().repeated);

    let members = rig.host.members("acme");
    let member = members.iter().find(|member| member.account == user("root", "u-alice")).unwrap();
    assert_eq!(member.groups.keys().collect::<Vec<_>>(), ["g-help", "g-ops"]);
    assert_eq!(member.invitation.as_ref(), Some(&alices.id));
}
