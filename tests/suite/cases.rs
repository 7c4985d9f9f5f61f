//! Every operation of the plugin, each in a world where it has something to do.

use std::sync::Arc;

use guestlist_contract::{
    Function,
    exports::{invitations::Owner, invitee::Handle},
    settings::{Codes, Notices, Values},
    types::{AcceptWith, Grant, InvitationKey, MailState, Principal, State},
};
use guestlist_harness::{Request, operations as op};
use guestlist_memory::{Moment, NewUser, Rule, default_settings};
use guestlist_testkit::{Fault, FaultPlan};

use crate::{
    asking::{self, Case, HOUR, MINUTE},
    guarantees::Word,
    rig::*,
};

/// Gives the name of every case to a macro, behind what else it is given.
macro_rules! every_case {
    ($with:ident! $($more:tt)*) => {
        $with! {
            $($more)*
            invite_internal
            invite_external
            invite_with_key
            invite_bulk_with_refusals
            invite_refused
            list
            get
            resend_pending
            resend_expired
            revoke
            revoke_all
            approve
            approve_ones_own
            reject
            resend_external
            resend_for_one_who_is_gone
            resend_what_cannot_be_accepted
            dismiss
            dismiss_what_ran_out_unseen
            list_mine
            introspect
            accept_by_code
            accept_by_id
            accept_by_bearer
            accept_by_a_stranger
            accept_where_the_name_is_taken
            decline
            sweep_nothing
            sweep_a_take_over
            sweep_a_take_over_half_way
            sweep_a_take_over_refused
            sweep_a_take_over_refused_half_way
            sweep_a_take_over_of_a_removed
            sweep_a_mail
            sweep_an_expiry
            sweep_a_purge
            sweep_a_reminder
            sweep_a_notice
            sweep_what_cannot_be_accepted
        }
    };
}
pub(crate) use every_case;

fn settings(change: impl FnOnce(&mut Values)) -> Rig {
    let rig = Rig::new();
    let mut settings = default_settings();
    settings.notices = Notices::all();
    change(&mut settings);
    rig.host.set_settings("acme", settings).unwrap();
    rig
}

fn help() -> Vec<Grant> {
    vec![group("g-help"), role("r-audit")]
}

fn by_ann(rig: Rig, ask: impl Into<Request>) -> Case {
    Case::new(rig, Some("acme"), ann(), ask)
}

fn swept(rig: Rig) -> Case {
    Case::new(rig, Some("acme"), Principal::System, asking::sweep())
}

/// Alice is invited.
async fn invited() -> (Rig, InvitationKey, String) {
    let rig = settings(|_| {});
    let (key, code) = rig.invited("alice", &help()).await;
    (rig, key, code)
}

/// Ann has asked for something that Ben has to approve.
async fn awaiting() -> (Rig, InvitationKey) {
    let rig = settings(|settings| settings.privileged = vec![group("g-ops")]);
    let invited = rig.invite(request(&["alice"], &[group("g-ops")])).await.unwrap().remove(0).unwrap();
    assert_eq!((invited.state, invited.mail), (State::AwaitingApproval, MailState::None));
    let key = InvitationKey { organization: "acme".into(), id: invited.id };
    (rig, key)
}

/// Alice's accept broke off at this host call, and its lease is over.
async fn interrupted(at: Function, fault: Fault) -> (Rig, InvitationKey) {
    let (rig, key, code) = invited().await;
    let plan = Arc::new(FaultPlan::once(at, 1, fault));
    let accept = op::Accept { handle: Handle::Code(code) };
    rig.run_with(plan, None, alice(), accept).await.expect_err("a crash");
    rig.host.advance(MINUTE);
    assert_eq!(rig.row(&key).state, State::Accepting);
    (rig, key)
}

pub async fn invite_internal() -> Case {
    by_ann(settings(|_| {}), asking::invite(request(&["alice"], &help())))
}

pub async fn invite_external() -> Case {
    by_ann(settings(seen_codes), asking::invite(externally(request(&["alice"], &help()))))
}

fn seen_codes(settings: &mut Values) {
    settings.codes = Codes::SeeCode;
}

pub async fn invite_with_key() -> Case {
    let mut request = request(&["alice", "bob"], &help());
    request.idempotency_key = Some("key".into());
    by_ann(settings(|_| {}), op::Invite { request })
}

/// Among those who are refused is one with an invitation that has run out unseen.
pub async fn invite_bulk_with_refusals() -> Case {
    let (rig, ..) = invited().await;
    rig.host.advance(HOURS_72);
    let mut request = request(&["alice", "nobody", "mia"], &help());
    request.idempotency_key = Some("key".into());
    by_ann(rig, op::Invite { request })
}

pub async fn invite_refused() -> Case {
    by_ann(settings(|_| {}), asking::invite(request(&["alice"], &[role("r-none")])))
}

pub async fn list() -> Case {
    by_ann(invited().await.0, asking::list())
}

pub async fn get() -> Case {
    let (rig, key, _) = invited().await;
    by_ann(rig, op::Get { id: key.id })
}

pub async fn resend_pending() -> Case {
    let (rig, key, _) = invited().await;
    by_ann(rig, asking::resend(key.id))
}

/// Its code is shown to whoever may see it, and the older one dies at once.
pub async fn resend_external() -> Case {
    let rig = settings(seen_codes);
    let id = rig.invite(externally(request(&["alice"], &help()))).await.unwrap().remove(0).unwrap().id;
    by_ann(rig, asking::resend(id))
}

/// Ben answers for it from now on.
pub async fn resend_for_one_who_is_gone() -> Case {
    let (rig, key, _) = invited().await;
    rig.host.remove_user("acme", "u-ann").unwrap();
    Case::new(rig, Some("acme"), ben(), asking::resend(key.id))
}

pub async fn resend_what_cannot_be_accepted() -> Case {
    let (rig, key, _) = invited().await;
    rig.host.set_user_active("root", "u-alice", false).unwrap();
    by_ann(rig, asking::resend(key.id))
}

pub async fn resend_expired() -> Case {
    let (rig, key, _) = invited().await;
    rig.host.advance(HOURS_72);
    by_ann(rig, asking::resend(key.id))
}

pub async fn revoke() -> Case {
    let (rig, key, _) = invited().await;
    by_ann(rig, asking::revoke(key.id))
}

pub async fn revoke_all() -> Case {
    let (rig, ..) = invited().await;
    rig.invited("bob", &[]).await;
    by_ann(rig, op::RevokeAll { whose: Owner::Inviter(ann()), reason: None })
}

pub async fn approve() -> Case {
    let (rig, key) = awaiting().await;
    Case::new(rig, Some("acme"), ben(), op::Approve { id: key.id })
}

pub async fn approve_ones_own() -> Case {
    let (rig, key) = awaiting().await;
    by_ann(rig, op::Approve { id: key.id })
}

pub async fn reject() -> Case {
    let (rig, key) = awaiting().await;
    Case::new(rig, Some("acme"), ben(), op::Reject { id: key.id, reason: None })
}

pub async fn dismiss() -> Case {
    let (rig, key, _) = invited().await;
    rig.run(Some("acme"), ann(), op::Revoke { id: key.id.clone(), reason: None })
        .await
        .unwrap()
        .answer
        .unwrap();
    by_ann(rig, op::Dismiss { id: key.id })
}

/// No sweep has written down yet that its time is over.
pub async fn dismiss_what_ran_out_unseen() -> Case {
    let (rig, key, _) = invited().await;
    rig.host.advance(HOURS_72);
    by_ann(rig, op::Dismiss { id: key.id })
}

pub async fn list_mine() -> Case {
    Case::new(invited().await.0, None, alice(), op::ListMine { states: vec![], after: None, limit: 200 })
}

pub async fn introspect() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, alice(), op::Introspect { handle: Handle::Code(code) })
}

pub async fn accept_by_code() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, alice(), asking::accept(code))
}

pub async fn accept_by_id() -> Case {
    let (rig, key, _) = invited().await;
    rig.host.delete_group("acme", "g-help").unwrap();
    Case::new(rig, None, alice(), op::Accept { handle: Handle::Id(key) })
}

/// Whoever has the mail may accept.
pub async fn accept_by_bearer() -> Case {
    let rig = settings(|settings| settings.accept_with = AcceptWith::Code);
    let (_, code) = rig.invited("alice", &help()).await;
    Case::new(rig, Some("acme"), Principal::Anonymous, asking::accept(code))
}

pub async fn accept_by_a_stranger() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, bob(), asking::accept(code))
}

/// Somebody else in Acme has the user name that Alice would get.
pub async fn accept_where_the_name_is_taken() -> Case {
    let (rig, _, code) = invited().await;
    let other = NewUser { id: "u-other".into(), name: "alice".into(), store: None, email: None };
    rig.host.add_user("acme", other).unwrap();
    Case::new(rig, None, alice(), asking::accept(code))
}

pub async fn decline() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, alice(), op::Decline { handle: Handle::Code(code), reason: None })
}

pub async fn sweep_nothing() -> Case {
    swept(invited().await.0)
}

pub async fn sweep_a_take_over() -> Case {
    swept(interrupted(Function::StorageTransition, Fault::CrashAfter).await.0)
}

pub async fn sweep_a_take_over_half_way() -> Case {
    swept(interrupted(Function::MembershipApply, Fault::CrashAfter).await.0)
}

/// Nothing was applied, and nothing may be any more.
pub async fn sweep_a_take_over_refused() -> Case {
    let (rig, _) = interrupted(Function::StorageTransition, Fault::CrashAfter).await;
    let never = Rule { at: Moment::Accept, refuse: Some("not any more".into()), ..Rule::default() };
    rig.host.set_policy("acme", vec![never]).unwrap();
    swept(rig)
}

/// She is a member with everything, and would not be allowed to become one any more.
pub async fn sweep_a_take_over_refused_half_way() -> Case {
    let (rig, _) = interrupted(Function::MembershipApply, Fault::CrashAfter).await;
    rig.host.set_user_active("root", "u-alice", false).unwrap();
    swept(rig)
}

/// An administrator has removed her while her accept was interrupted.
pub async fn sweep_a_take_over_of_a_removed() -> Case {
    let (rig, _) = interrupted(Function::MembershipApply, Fault::CrashAfter).await;
    let account = user("root", "u-alice");
    rig.host.remove_member("acme", &account).unwrap();
    let mut case = swept(rig);
    case.history.note(&case.rig.host, Word::Removed("acme".into(), account));
    case
}

/// A mail that was never sent.
pub async fn sweep_a_mail() -> Case {
    let rig = settings(|_| {});
    let plan = Arc::new(FaultPlan::once(Function::NotificationsSend, 1, Fault::CrashBefore));
    let invite = op::Invite { request: request(&["alice", "bob"], &help()) };
    rig.run_with(plan, Some("acme"), ann(), invite).await.expect_err("a crash");
    rig.host.advance(2 * MINUTE);
    swept(rig)
}

/// With a notice to the inviter.
pub async fn sweep_an_expiry() -> Case {
    let (rig, ..) = invited().await;
    rig.host.advance(HOURS_72);
    swept(rig)
}

pub async fn sweep_a_purge() -> Case {
    let (rig, key, _) = invited().await;
    rig.accept_by_id(alice(), &key).await.unwrap();
    rig.sweep("acme").await;
    rig.host.advance(31 * 24 * HOUR);
    swept(rig)
}

pub async fn sweep_a_reminder() -> Case {
    let rig = settings(|settings| settings.reminder_before = Some(HOUR));
    rig.invited("alice", &help()).await;
    rig.host.advance(HOURS_72 - HOUR);
    swept(rig)
}

/// The mail is held back: the invitee could do nothing with it.
pub async fn sweep_what_cannot_be_accepted() -> Case {
    let mut case = sweep_a_mail().await;
    case.rig.host.set_user_active("root", "u-alice", false).unwrap();
    for row in case.rig.host.snapshot().invitations {
        if row.invitation.name == "alice" {
            case.history.note(&case.rig.host, Word::Obstructed(row.invitation.key));
        }
    }
    case
}

pub async fn sweep_a_notice() -> Case {
    let (rig, key, _) = invited().await;
    rig.accept_by_id(alice(), &key).await.unwrap();
    swept(rig)
}
