//! Races in which nobody accepts: inviting, sending again, ending, judging and sweeping at once.

use std::cell::RefCell;

use guestlist_contract::{
    Function,
    exports::{
        invitations::{InviteRequest, ItemRefusal, LifetimeChoice, Refusal},
        invitee::Handle,
    },
    types::{InvitationKey, MailState, MessageKind, State},
};
use guestlist_harness::{CallError, operations};
use guestlist_memory::Rule;
use guestlist_testkit::{Fault, FaultPlan};

use crate::{
    actors::*,
    rig::*,
    schedule::{Outcome, Race, Said},
};

#[tokio::test]
async fn two_invites_of_one_person_make_one_invitation() {
    let rig = Rig::new();
    let race = Race { base: &rig, actors: vec![invite_alice(ann()), invite_alice(ben())] };
    race.all(2, |outcome| {
        let made = |said: &Said| matches!(said, Said::Invite(Ok(_)));
        let stands = |said: &Said| matches!(said, Said::Invite(Err(ItemRefusal::ActiveInvitation(_))));
        let said: Vec<_> = outcome.endings.iter().map(|ending| &ending.said).collect();
        assert_eq!(said.iter().filter(|said| made(said)).count(), 1, "I-UNIQ: {said:?}");
        assert_eq!(said.iter().filter(|said| stands(said)).count(), 1, "I-UNIQ: {said:?}");
        assert_eq!(outcome.host.mails().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_revoke_ends_it_whatever_a_resend_does_meanwhile() {
    let Invited { rig, key, .. } = invited().await;
    let race = Race { base: &rig, actors: vec![revoke(&key), resend(&key)] };
    race.all(3, |outcome| {
        let (revoked, resent) = (&outcome.endings[0].said, &outcome.endings[1].said);
        assert!(matches!(revoked, Said::End(Ok(_))), "{revoked:?}");
        let fits = matches!(resent, Said::Resend(Ok(_) | Err(Refusal::WrongState(State::Revoked))));
        assert!(fits, "{resent:?}");
        assert_eq!(state(outcome, &key), State::Revoked);
    })
    .await;
    let race = Race { base: &rig, actors: vec![resend(&key), resend(&key)] };
    race.all(2, |outcome| {
        assert_eq!(outcome.host.invitation(&key).unwrap().resends, 2, "{:?}", outcome.endings);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_revoke_at_once_both_succeed_and_one_has_done_it() {
    let Invited { rig, key, .. } = invited().await;
    let race = Race { base: &rig, actors: vec![revoke(&key), revoke(&key)] };
    race.all(2, |outcome| {
        for ending in &outcome.endings {
            assert!(matches!(ending.said, Said::End(Ok(_))), "{:?}", ending.said);
        }
        let row = outcome.host.invitation(&key).unwrap();
        assert_eq!((row.state, row.version), (State::Revoked, 2), "it was ended once");
    })
    .await;
}

#[tokio::test]
async fn of_an_approval_and_a_rejection_one_counts_and_a_revoke_always_does() {
    let rig = Rig::new();
    let needs = [Rule { require_approval: Some("a contractor".into()), ..Default::default() }];
    rig.host.set_policy("acme", needs.into()).unwrap();
    let made = rig.invite(request(&["alice"], &[group("g-help")])).await.unwrap().remove(0).unwrap();
    let key = InvitationKey { organization: "acme".into(), id: made.id };
    let race = Race { base: &rig, actors: vec![approve(&key), reject(&key)] };
    race.all(3, |outcome| {
        let told = (&outcome.endings[0].said, &outcome.endings[1].said, state(outcome, &key));
        let fits = matches!(
            told,
            (Said::Approve(Ok(_)), Said::End(Err(Refusal::WrongState(State::Pending))), State::Pending)
                | (
                    Said::Approve(Err(Refusal::WrongState(State::Revoked))),
                    Said::End(Ok(())),
                    State::Revoked
                )
        );
        assert!(fits, "{told:?}");
    })
    .await;
    // Whoever revokes what has just been approved ends it all the same.
    let race = Race { base: &rig, actors: vec![approve(&key), revoke(&key)] };
    race.all(3, |outcome| {
        let told = (&outcome.endings[0].said, &outcome.endings[1].said, state(outcome, &key));
        let fits = matches!(
            told,
            (
                Said::Approve(Ok(_) | Err(Refusal::WrongState(State::Revoked))),
                Said::End(Ok(())),
                State::Revoked
            )
        );
        assert!(fits, "I-REV: {told:?}");
    })
    .await;
    let race = Race { base: &rig, actors: vec![approve(&key), approve(&key)] };
    race.all(2, |outcome| {
        let approved = |said: &Said| matches!(said, Said::Approve(Ok(_)));
        assert_eq!(outcome.endings.iter().filter(|ending| approved(&ending.said)).count(), 1);
        assert_eq!(outcome.host.mails().len(), 1, "one code is sent");
    })
    .await;
}

#[tokio::test]
async fn two_sweeps_do_everything_once() {
    let Invited { rig, key, code } = invited().await;
    // Carol's is over in a minute, Bob's mail is not sent, and Alice's accept breaks off after its claim.
    let short =
        InviteRequest { lifetime: LifetimeChoice::Lasting(60_000), ..request(&["carol@example.com"], &[]) };
    let carols = rig.invite(short).await.unwrap().remove(0).unwrap().id;
    rig.host.fail_mail(true);
    let bobs = rig.invite(request(&["bob"], &[])).await.unwrap().remove(0).unwrap().id;
    rig.host.fail_mail(false);
    let crash = std::sync::Arc::new(FaultPlan::once(Function::StorageTransition, 1, Fault::CrashAfter));
    let broken = operations::Accept { handle: Handle::Code(code) };
    let broken = rig.run_with(crash, None, alice(), broken).await;
    assert!(matches!(broken, Err(CallError::Trapped(_))));
    rig.host.advance(60_000);

    let check = |outcome: &Outcome| {
        let mut sums = [0; 4];
        for ending in &outcome.endings {
            let Said::Sweep(swept) = &ending.said else { panic!("a sweep") };
            let did = [swept.finished, swept.sent, swept.expired, swept.failed];
            sums.iter_mut().zip(did).for_each(|(sum, did)| *sum += did);
        }
        assert_eq!(sums, [1, 1, 1, 0]);
        assert_eq!(outcome.changes(&key.id), ["created", "claimed", "taken-over", "accepted"]);
        assert_eq!(outcome.changes(&carols), ["created", "expired"]);
        let to_bob =
            |mail: &&guestlist_memory::Mail| mail.invitation == bobs && mail.kind == MessageKind::Invitation;
        assert_eq!(outcome.host.mails().iter().filter(to_bob).count(), 1);
        let bobs = InvitationKey { organization: "acme".into(), id: bobs.clone() };
        assert_eq!(outcome.host.invitation(&bobs).unwrap().mail, MailState::Sent);
    };
    let race = Race { base: &rig, actors: vec![sweep_after(0), sweep_after(0)] };
    race.all(2, check).await;
    Race { base: &rig, actors: vec![sweep_after(0); 4] }.some(0..50, check).await;
}

#[tokio::test]
async fn a_revoke_of_everything_leaves_alone_what_is_being_accepted() {
    let Invited { rig, key, code } = invited().await;
    let race = Race { base: &rig, actors: vec![accept(&code), revoke_all_of_ann()] };
    race.all(2, |outcome| {
        let Said::RevokeAll(all) = &outcome.endings[1].said else { panic!("{:?}", outcome.endings) };
        let fits = match state(outcome, &key) {
            State::Revoked => all.revoked == [key.id.clone()] && winners(outcome) == 0,
            State::Accepted => all.revoked.is_empty() && all.failed.is_empty() && winners(outcome) == 1,
            _ => false,
        };
        assert!(fits, "I-REV: {all:?}, {:?}", outcome.endings[0].said);
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_is_run_again_makes_the_same_world() {
    let Invited { rig, key, code } = invited().await;
    let actors = vec![accept(&code), resend(&key), revoke(&key), sweep_after(LEASE)];
    let race = Race { base: &rig, actors };
    for seed in 0..20 {
        let worlds = RefCell::new(Vec::new());
        let keep = |outcome: &Outcome| {
            let mails = format!("{:?}", outcome.host.mails());
            worlds.borrow_mut().push((outcome.order.clone(), outcome.host.stored_text().unwrap(), mails));
        };
        race.some(seed..seed + 1, keep).await;
        let order = worlds.borrow()[0].0.clone();
        race.replay(&order, keep).await;
        let worlds = worlds.into_inner();
        assert!(worlds[0] == worlds[1], "seed {seed}");
    }
}
