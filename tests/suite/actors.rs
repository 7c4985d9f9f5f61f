//! Who takes part in the races, and how their parts can end.

use guestlist_contract::{
    exports::{
        invitations::Owner,
        invitee::{Ended, Handle, InviteeRefusal},
    },
    types::{InvitationKey, Permissions, Principal, State},
};
use guestlist_harness::operations;
use guestlist_memory::MemoryHost;

use crate::{
    rig::*,
    schedule::{Actor, Outcome, Said},
};

pub const LEASE: u64 = 30_000;

/// Alice is invited into two groups.
pub struct Invited {
    pub rig: Rig,
    pub key: InvitationKey,
    pub code: String,
}

pub async fn invited() -> Invited {
    let rig = Rig::new();
    let (key, code) = rig.invited("alice", &[group("g-help"), group("g-ops")]).await;
    Invited { rig, key, code }
}

pub fn accept(code: &str) -> Actor {
    accept_with(alice(), Handle::Code(code.to_owned()))
}

pub fn accept_by_id(key: &InvitationKey) -> Actor {
    accept_with(alice(), Handle::Id(key.clone()))
}

pub fn accept_with(who: Principal, handle: Handle) -> Actor {
    Actor::new("accept", move |stage| {
        let (who, accept) = (who.clone(), operations::Accept { handle: handle.clone() });
        async move { Said::Accept(stage.run(None, who, accept).await) }
    })
}

pub fn decline(handle: Handle) -> Actor {
    Actor::new("decline", move |stage| {
        let decline = operations::Decline { handle: handle.clone(), reason: None };
        async move { Said::Decline(stage.run(None, alice(), decline).await) }
    })
}

pub fn revoke(key: &InvitationKey) -> Actor {
    let id = key.id.clone();
    Actor::new("revoke", move |stage| {
        let revoke = operations::Revoke { id: id.clone(), reason: None };
        async move { Said::End(stage.run(Some("acme"), ann(), revoke).await) }
    })
}

pub fn revoke_all_of_ann() -> Actor {
    Actor::new("revoke-all", |stage| async move {
        let revoke = operations::RevokeAll { whose: Owner::Inviter(ann()), reason: None };
        Said::RevokeAll(stage.run(Some("acme"), ann(), revoke).await.unwrap())
    })
}

pub fn resend(key: &InvitationKey) -> Actor {
    let id = key.id.clone();
    Actor::new("resend", move |stage| {
        let resend = operations::Resend { ids: vec![id.clone()] };
        async move { Said::Resend(stage.run(Some("acme"), ann(), resend).await.unwrap().remove(0)) }
    })
}

pub fn approve(key: &InvitationKey) -> Actor {
    let id = key.id.clone();
    Actor::new("approve", move |stage| {
        let approve = operations::Approve { id: id.clone() };
        async move { Said::Approve(stage.run(Some("acme"), ben(), approve).await) }
    })
}

pub fn reject(key: &InvitationKey) -> Actor {
    let id = key.id.clone();
    Actor::new("reject", move |stage| {
        let reject = operations::Reject { id: id.clone(), reason: None };
        async move { Said::End(stage.run(Some("acme"), ben(), reject).await) }
    })
}

pub fn invite_alice(by: Principal) -> Actor {
    Actor::new("invite", move |stage| {
        let (by, request) = (by.clone(), request(&["alice"], &[group("g-help")]));
        async move {
            let answer = stage.run(Some("acme"), by, operations::Invite { request }).await;
            Said::Invite(answer.unwrap().remove(0))
        }
    })
}

/// A sweep, after so much time has passed in a step of its own.
pub fn sweep_after(time: u64) -> Actor {
    Actor::new("sweep", move |stage| async move {
        if time > 0 {
            stage.stop().await;
            stage.host.advance(time);
        }
        let swept = stage.run(Some("acme"), Principal::System, operations::Sweep { limit: 200 }).await;
        Said::Sweep(swept.unwrap())
    })
}

pub fn remove_alice() -> Actor {
    Actor::new("remove", |stage| async move {
        stage.stop().await;
        Said::Removed(stage.remove_alice())
    })
}

/// She is removed as soon as she is seen.
pub fn remove_alice_when_seen() -> Actor {
    Actor::new("remove", |stage| async move {
        for _ in 0..40 {
            stage.stop().await;
            if stage.remove_alice() {
                return Said::Removed(true);
            }
        }
        Said::Removed(false)
    })
}

pub fn entitle(permissions: Permissions) -> impl Fn(&MemoryHost) -> bool + Clone {
    move |host| host.set_permissions("acme", ann(), permissions).is_ok()
}

pub fn ann_loses_her_right() -> Actor {
    Actor::event("demote", entitle(Permissions::empty()))
}

pub fn state(outcome: &Outcome, key: &InvitationKey) -> State {
    outcome.host.invitation(key).expect("the invitation").state
}

pub fn is_member(outcome: &Outcome) -> bool {
    outcome.host.members("acme").iter().any(|member| member.account == user("root", "u-alice"))
}

/// The accepts that say that they did it.
pub fn winners(outcome: &Outcome) -> usize {
    let won = |said: &Said| matches!(said, Said::Accept(Ok(accepted)) if !accepted.repeated);
    outcome.endings.iter().filter(|ending| won(&ending.said)).count()
}

/// An answer that fits an accept that did not win.
pub fn lost(said: &Said, allowed: &[Ended]) -> bool {
    match said {
        Said::Accept(Ok(accepted)) => accepted.repeated,
        Said::Accept(Err(InviteeRefusal::InProgress(time))) => *time >= 1000,
        Said::Accept(Err(InviteeRefusal::Ended(ended))) => allowed.contains(ended),
        _ => false,
    }
}
