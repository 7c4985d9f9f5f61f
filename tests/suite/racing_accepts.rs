//! Accepts that race with everything else, in every order that matters: [`schedule`](crate::schedule)
//! runs them and asks what must hold in any race; here stands who races and who wins.

use std::{cell::RefCell, collections::BTreeSet};

use guestlist_contract::{
    Function,
    exports::{
        invitations::Refusal,
        invitee::{Ended, Handle, InviteeRefusal},
    },
    types::{Obstacle, Permissions, State, StepOutcome},
};
use guestlist_harness::operations;

use crate::{
    actors::*,
    rig::*,
    schedule::{Actor, Outcome, Race, Said},
};

#[tokio::test]
async fn of_two_accepts_one_wins() {
    let Invited { rig, key, code } = invited().await;
    let race = Race { base: &rig, actors: vec![accept(&code), accept(&code)] };
    let check = |outcome: &Outcome| {
        assert_eq!((winners(outcome), state(outcome, &key)), (1, State::Accepted), "I-ONE");
        let fits = |said: &Said| matches!(said, Said::Accept(Ok(_))) || lost(said, &[]);
        assert!(outcome.endings.iter().all(|ending| fits(&ending.said)), "{:?}", outcome.endings);
    };
    let count = race.all(2, check).await;
    assert!(count > 300, "only {count} schedules");
    race.some(0..150, check).await;
    let race = Race { base: &rig, actors: vec![accept(&code), accept_by_id(&key)] };
    race.all(2, check).await;
}

#[tokio::test]
async fn of_eight_accepts_of_one_code_one_wins_and_a_strangers_never() {
    let Invited { rig, key, code } = invited().await;
    let mut actors = vec![accept(&code); 8];
    actors.push(accept_with(bob(), Handle::Code(code)));
    let race = Race { base: &rig, actors };
    race.some(0..100, |outcome| {
        assert_eq!((winners(outcome), state(outcome, &key)), (1, State::Accepted), "I-ONE");
        let fits = |said: &Said| matches!(said, Said::Accept(Ok(_))) || lost(said, &[]);
        assert!(outcome.endings[..8].iter().all(|ending| fits(&ending.said)), "{:?}", outcome.endings);
        let strangers = &outcome.endings[8].said;
        assert!(matches!(strangers, Said::Accept(Err(InviteeRefusal::NotUsable))), "{strangers:?}");
    })
    .await;
}

#[tokio::test]
async fn an_accept_and_a_revoke_cannot_both_succeed() {
    let Invited { rig, key, code } = invited().await;
    let seen = RefCell::new(BTreeSet::new());
    let race = Race { base: &rig, actors: vec![accept(&code), revoke(&key)] };
    let check = |outcome: &Outcome| {
        let (accepted, revoked) = (&outcome.endings[0].said, &outcome.endings[1].said);
        let fits = match (accepted, revoked) {
            (Said::Accept(Ok(_)), Said::End(Err(Refusal::InProgress(_) | Refusal::WrongState(_)))) => true,
            (accepted, Said::End(Ok(_))) => lost(accepted, &[Ended::Revoked]) && !is_member(outcome),
            _ => false,
        };
        assert!(fits, "I-REV: {accepted:?}, {revoked:?}");
        seen.borrow_mut().insert(format!("{:?}", state(outcome, &key)));
    };
    race.all(2, check).await;
    assert_eq!(seen.into_inner().len(), 2, "either may win");
}

#[tokio::test]
async fn an_accept_and_a_decline_cannot_both_succeed() {
    let Invited { rig, key, code } = invited().await;
    let check = |outcome: &Outcome| {
        let (accepted, declined) = (&outcome.endings[0].said, &outcome.endings[1].said);
        let fits = match (accepted, declined) {
            (
                Said::Accept(Ok(_)),
                Said::Decline(Err(InviteeRefusal::InProgress(_) | InviteeRefusal::Ended(Ended::Used))),
            ) => true,
            (accepted, Said::Decline(Ok(()))) => lost(accepted, &[Ended::Declined]) && !is_member(outcome),
            _ => false,
        };
        assert!(fits, "I-REV: {accepted:?}, {declined:?}");
    };
    for handle in [Handle::Id(key.clone()), Handle::Code(code.clone())] {
        let race = Race { base: &rig, actors: vec![accept(&code), decline(handle)] };
        race.all(2, check).await;
    }
}

#[tokio::test]
async fn a_decline_and_a_revoke_cannot_both_succeed() {
    let Invited { rig, key, .. } = invited().await;
    let race = Race { base: &rig, actors: vec![decline(Handle::Id(key.clone())), revoke(&key)] };
    race.all(3, |outcome| {
        let told = (&outcome.endings[0].said, &outcome.endings[1].said, state(outcome, &key));
        let fits = matches!(
            told,
            (Said::Decline(Ok(())), Said::End(Err(Refusal::WrongState(State::Declined))), State::Declined)
                | (
                    Said::Decline(Err(InviteeRefusal::Ended(Ended::Revoked))),
                    Said::End(Ok(())),
                    State::Revoked
                )
        );
        assert!(fits, "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn an_accept_that_is_claimed_in_time_succeeds_and_one_that_is_not_changes_nothing() {
    let Invited { rig, key, code } = invited().await;
    let seen = RefCell::new(BTreeSet::new());
    let expiry = Actor::event("expiry", |host| {
        host.advance(HOURS_72);
        true
    });
    // With a sweep that writes the expiry, too.
    for late in [expiry, sweep_after(HOURS_72)] {
        let race = Race { base: &rig, actors: vec![accept(&code), late] };
        race.all(2, |outcome| {
            let accepted = &outcome.endings[0].said;
            let claimed = outcome.place_of(0, "invitation.claimed").is_some();
            let fits = match accepted {
                Said::Accept(Ok(_)) => claimed,
                Said::Accept(Err(InviteeRefusal::Ended(Ended::Expired))) => !claimed && !is_member(outcome),
                // The sweep met it when its lease had run out, and has not come to its end.
                Said::Accept(Err(InviteeRefusal::InProgress(_))) => claimed,
                _ => false,
            };
            assert!(fits, "I-TTL: {accepted:?}");
            seen.borrow_mut().insert(format!("{:?}", state(outcome, &key)));
        })
        .await;
    }
    assert_eq!(seen.into_inner().len(), 2, "either may win");
}

#[tokio::test]
async fn an_accept_whose_lease_runs_out_under_it_ends_once_and_is_told_so() {
    let Invited { rig, key, code } = invited().await;
    let race = Race { base: &rig, actors: vec![accept(&code), sweep_after(LEASE)] };
    let taken = RefCell::new(0);
    let check = |outcome: &Outcome| {
        assert_eq!(state(outcome, &key), State::Accepted, "I-REST");
        let accepted = &outcome.endings[0].said;
        assert!(matches!(accepted, Said::Accept(Ok(_))) || lost(accepted, &[]), "{accepted:?}");
        assert!(matches!(outcome.endings[1].said, Said::Sweep(swept) if swept.failed == 0));
        *taken.borrow_mut() +=
            u32::from(outcome.changes(&key.id).iter().any(|change| change == "taken-over"));
    };
    race.all(2, check).await;
    assert!(taken.into_inner() > 10, "the sweep has taken over");
}

#[tokio::test]
async fn whom_an_administrator_removes_is_not_brought_back() {
    let Invited { rig, key, code } = invited().await;
    let removed = RefCell::new(0);
    let check = |outcome: &Outcome| {
        let Said::Removed(was_member) = outcome.endings[1].said else { panic!("a removal") };
        *removed.borrow_mut() += u32::from(was_member);
        assert_eq!(is_member(outcome), !was_member && state(outcome, &key) == State::Accepted, "I-GONE");
    };
    Race { base: &rig, actors: vec![accept(&code), remove_alice()] }.all(2, check).await;
    // The sweep goes on with an accept that is only slow.
    let race = Race { base: &rig, actors: vec![accept(&code), remove_alice(), sweep_after(LEASE)] };
    race.all(2, check).await;
    let actors = vec![accept(&code), remove_alice_when_seen(), sweep_after(LEASE)];
    Race { base: &rig, actors }.some(0..300, check).await;
    assert!(removed.into_inner() > 50, "she was removed in many of them");
}

#[tokio::test]
async fn an_accept_after_the_inviter_has_lost_his_right_grants_nothing() {
    let Invited { rig, key, code } = invited().await;
    let check = |outcome: &Outcome| {
        let audit = outcome.host.audit();
        let lost_at = audit.iter().position(|event| event.text() == "world.permissions-set").expect("it");
        let claimed = audit.iter().position(|event| event.text() == "invitation.claimed");
        let state = state(outcome, &key);
        if claimed.is_none_or(|claimed| lost_at < claimed) {
            assert!(!is_member(outcome), "I-LEAST: the right was lost before the claim");
        }
        let accepted = &outcome.endings[0].said;
        let fits = match accepted {
            Said::Accept(Ok(_)) => state == State::Accepted,
            Said::Accept(Err(InviteeRefusal::Obstacle(
                Obstacle::InviterNotEntitled | Obstacle::GrantsNotAllowed(_),
            ))) => state == State::Pending && !is_member(outcome),
            said => lost(said, &[Ended::Failed]),
        };
        assert!(fits, "{accepted:?}, {state:?}");
    };
    // A right that is lost before the check after the claim is noticed. From there on the loss counts as
    // later than the accept: no host could tell the two apart. What the inviter may give is the last that
    // is asked about them.
    let undisturbed = operations::Accept { handle: Handle::Code(code.clone()) };
    let trace = rig.fork().run(None, alice(), undisturbed).await.unwrap().trace.unwrap();
    let mut asked = trace.entries.iter().filter(|entry| entry.function == Function::MembershipResolve);
    let last_check = asked.next_back().unwrap().index as usize;
    let race = Race { base: &rig, actors: vec![accept(&code), ann_loses_her_right()] };
    race.all(2, |outcome| {
        check(outcome);
        // The first step of a call is its start.
        let in_time = outcome.steps_before(0, 1) > last_check;
        assert_eq!(winners(outcome), usize::from(in_time), "I-LEAST: {:?}", outcome.endings);
        assert_eq!(is_member(outcome), in_time, "I-LEAST");
    })
    .await;
    let actors = vec![accept(&code), ann_loses_her_right(), sweep_after(LEASE)];
    let race = Race { base: &rig, actors };
    race.all(2, check).await;
    race.some(0..300, check).await;
}

#[tokio::test]
async fn an_accept_ends_within_a_lease_and_a_sweep_even_if_the_right_comes_back() {
    let Invited { rig, code, .. } = invited().await;
    let all = rig.host.context(Some("acme"), ann()).permissions;
    let regain = Actor::new("demote-promote", move |stage| async move {
        for permissions in [Permissions::empty(), all] {
            stage.stop().await;
            entitle(permissions)(&stage.host);
        }
        Said::Happened
    });
    let race = Race { base: &rig, actors: vec![accept(&code), regain, sweep_after(LEASE)] };
    race.some(0..600, |_| {}).await;
}

#[tokio::test]
async fn a_group_that_vanishes_during_an_accept_is_recorded_and_not_granted() {
    let Invited { rig, key, code } = invited().await;
    let vanish = Actor::event("vanish", |host| host.delete_group("acme", "g-ops").is_ok());
    let race = Race { base: &rig, actors: vec![accept(&code), vanish] };
    race.all(2, |outcome| {
        let Said::Accept(Ok(accepted)) = &outcome.endings[0].said else { panic!("{:?}", outcome.endings) };
        let outcomes: Vec<_> = accepted.outcomes.iter().map(|result| result.outcome).collect();
        let gone = *outcomes.last().unwrap();
        assert_eq!(outcomes[..2], [StepOutcome::Applied; 2]);
        assert!(matches!(gone, StepOutcome::Applied | StepOutcome::NoSuchTarget), "{gone:?}");
        assert_eq!(state(outcome, &key), State::Accepted);
    })
    .await;
}

#[tokio::test]
async fn an_accept_while_its_invitee_or_the_organization_ends_is_whole_or_nothing() {
    let Invited { rig, key, code } = invited().await;
    let disabled = Actor::event("disable", |host| host.set_user_active("root", "u-alice", false).is_ok());
    let suspended = Actor::event("suspend", |host| host.set_organization_active("acme", false).is_ok());
    for end in [disabled, suspended] {
        let race = Race { base: &rig, actors: vec![accept(&code), end] };
        race.all(2, |outcome| {
            let accepted = &outcome.endings[0].said;
            let fits = match accepted {
                Said::Accept(Ok(_)) => is_member(outcome) && state(outcome, &key) == State::Accepted,
                Said::Accept(Err(InviteeRefusal::Obstacle(
                    Obstacle::InviteeNotActive | Obstacle::OrganizationNotActive,
                ))) => state(outcome, &key) == State::Pending && !is_member(outcome),
                said => lost(said, &[Ended::Failed]) && !is_member(outcome),
            };
            assert!(fits, "{accepted:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn an_older_code_is_dead_once_the_resend_is_answered() {
    let Invited { rig, key, code } = invited().await;
    let race = Race { base: &rig, actors: vec![accept(&code), resend(&key)] };
    let check = |outcome: &Outcome| {
        let renewed = outcome.place_of(1, "invitation.renewed");
        let claimed = outcome.place_of(0, "invitation.claimed");
        let told = (&outcome.endings[0].said, &outcome.endings[1].said);
        let fits = matches!(
            told,
            (Said::Accept(Ok(_)), Said::Resend(Err(Refusal::InProgress(_) | Refusal::WrongState(_))))
                | (Said::Accept(Err(InviteeRefusal::NotUsable)), Said::Resend(Ok(_)))
        );
        // Until the newer mail has arrived the older code works: whoever comes in between is let in.
        let between = matches!(told, (Said::Accept(Ok(_)), Said::Resend(Ok(_)))) && renewed < claimed;
        assert!(fits || between, "I-SEC2: {:?}", outcome.endings);
        assert!(between || renewed.is_none() != claimed.is_none(), "I-SEC2: {renewed:?}, {claimed:?}");
    };
    race.all(2, check).await;

    // The newer code and the older at once, while a third is made.
    rig.run(Some("acme"), ann(), operations::Resend { ids: vec![key.id.clone()] }).await.unwrap();
    let newer = rig.code_of(&key.id);
    let race = Race { base: &rig, actors: vec![accept(&code), accept(&newer), resend(&key)] };
    race.some(0..150, |outcome| {
        let old = &outcome.endings[0].said;
        assert!(matches!(old, Said::Accept(Err(InviteeRefusal::NotUsable))), "I-SEC2: {old:?}");
    })
    .await;
}
