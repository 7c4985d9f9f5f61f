//! Every operation of the plugin, each in a world where it has something to do.

use std::{sync::Arc, time::Duration};

use guestlist_harness::{
    CallError, Export, Fault, FaultPlan, Function, Interceptor, Limits, Trace,
    contract::{
        exports::{
            invitations::{InviteRequest, Owner},
            invitee::Handle,
        },
        settings::{Notices, Values},
        types::{AcceptWith, Grant, InvitationKey, MailState, Principal, State},
    },
    memory::{Moment, NewUser, Rule, default_settings},
    operations as op,
};

use crate::{
    guarantees::{History, Word},
    rig::*,
};

/// What somebody asks for.
#[derive(Clone, Debug)]
pub enum Ask {
    Invite(InviteRequest),
    List,
    Get(String),
    Resend(String),
    Revoke(String),
    RevokeAll,
    Approve(String),
    Reject(String),
    ListMine,
    Introspect(Handle),
    Accept(Handle),
    Decline(Handle),
    Sweep,
}

/// A prepared world, and somebody who asks for something in it.
pub struct Case {
    pub rig: Rig,
    pub history: History,
    pub organization: Option<&'static str>,
    pub caller: Principal,
    pub ask: Ask,
}

/// A word for each thing that was asked for, or why there is no answer.
pub struct Reply {
    pub words: Result<Vec<String>, CallError>,
    pub trace: Trace,
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// `Refusal::Host(HostError::Unavailable(None))` as `Host`.
fn word<T, E: std::fmt::Debug>(answer: &Result<T, E>) -> String {
    let Err(refusal) = answer else { return "ok".into() };
    let text = format!("{refusal:?}");
    let name = text.split(['(', '{', ' ']).next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or_default().to_owned()
}

impl Case {
    pub fn new(rig: Rig, organization: Option<&'static str>, caller: Principal, ask: Ask) -> Self {
        Self { rig, history: History::default(), organization, caller, ask }
    }

    /// The same on a copy of the world. A host that is silent is given up at once.
    pub fn fork(&self) -> Self {
        let mut rig = self.rig.fork();
        let limits = Limits::default().host_call_time(Duration::from_millis(1));
        rig.session = PLUGIN.session(rig.host.clone().host(), limits).recording();
        let (history, ask) = (self.history.clone(), self.ask.clone());
        Self { rig, history, organization: self.organization, caller: self.caller.clone(), ask }
    }

    async fn call<E: Export>(
        &self,
        with: Option<Arc<dyn Interceptor>>,
        export: E,
    ) -> Result<(E::Answer, Trace), CallError> {
        let (place, caller) = (self.organization, self.caller.clone());
        let done = match with {
            Some(with) => self.rig.run_with(with, place, caller, export).await,
            None => self.rig.run(place, caller, export).await,
        };
        done.map(|done| (done.answer, done.trace.expect("a recording session")))
    }

    fn key(&self, id: &str) -> InvitationKey {
        let organization = self.organization.expect("an administrator's call").to_owned();
        InvitationKey { organization, id: id.to_owned() }
    }

    /// Asks, and writes down what was answered.
    pub async fn ask(&mut self, with: Option<Arc<dyn Interceptor>>) -> Reply {
        let reply = self.try_ask(with).await;
        match reply {
            Ok((words, trace)) => Reply { words: Ok(words), trace },
            Err(mut error) => {
                let trace = match &mut error {
                    CallError::Trapped(trapped) => trapped.trace.take(),
                    _ => None,
                };
                Reply { trace: trace.unwrap_or_else(|| panic!("{error}")), words: Err(error) }
            }
        }
    }

    async fn try_ask(
        &mut self,
        with: Option<Arc<dyn Interceptor>>,
    ) -> Result<(Vec<String>, Trace), CallError> {
        let mut told = Vec::new();
        let done = match self.ask.clone() {
            Ask::Invite(request) => {
                let names = request.names.len();
                let (answer, trace) = self.call(with, op::Invite { request }).await?;
                let words = match &answer {
                    Ok(items) => {
                        assert_eq!(items.len(), names, "I-BULK: n names get n answers");
                        for invited in items.iter().flatten() {
                            self.rig.shown_on_purpose(invited.code.clone());
                            told.push(Word::Invited(self.key(&invited.id), invited.mail));
                        }
                        items.iter().map(word).collect()
                    }
                    Err(_) => vec![word(&answer)],
                };
                (words, trace)
            }
            Ask::List => {
                let (answer, trace) =
                    self.call(with, op::List { filter: everything(), page: first_page() }).await?;
                if let Ok(page) = &answer {
                    let keys = page.items.iter().map(|row| row.key.clone()).collect();
                    told.push(Word::Shown(self.key("").organization, keys));
                }
                (vec![word(&answer)], trace)
            }
            Ask::Get(id) => {
                let (answer, trace) = self.call(with, op::Get { id }).await?;
                let shown = |keys| Word::Shown(self.key("").organization, keys);
                told.extend(answer.as_ref().ok().map(|row| shown(vec![row.key.clone()])));
                (vec![word(&answer)], trace)
            }
            Ask::Resend(id) => {
                let before = self.codes(&id);
                let (answer, trace) = self.call(with, op::Resend { ids: vec![id.clone()] }).await?;
                let one = answer.and_then(|mut answers| {
                    assert_eq!(answers.len(), 1, "I-BULK: one id gets one answer");
                    answers.remove(0)
                });
                if let Ok(invited) = &one {
                    self.rig.shown_on_purpose(invited.code.clone());
                    told.push(Word::Invited(self.key(&invited.id), invited.mail));
                    if invited.id == id {
                        told.push(Word::Resent(self.key(&id), before));
                    }
                }
                (vec![word(&one)], trace)
            }
            Ask::Revoke(id) => {
                let (answer, trace) = self.call(with, op::Revoke { id: id.clone(), reason: None }).await?;
                told.extend(answer.as_ref().ok().map(|_| Word::Ended(self.key(&id), State::Revoked)));
                (vec![word(&answer)], trace)
            }
            Ask::RevokeAll => {
                let whose = Owner::Inviter(ann());
                let (answer, trace) = self.call(with, op::RevokeAll { whose, reason: None }).await?;
                for id in answer.iter().flat_map(|all| &all.revoked) {
                    told.push(Word::Ended(self.key(id), State::Revoked));
                }
                (vec![word(&answer)], trace)
            }
            Ask::Approve(id) => {
                let (answer, trace) = self.call(with, op::Approve { id: id.clone() }).await?;
                told.extend(answer.as_ref().ok().map(|invited| Word::Invited(self.key(&id), invited.mail)));
                (vec![word(&answer)], trace)
            }
            Ask::Reject(id) => {
                let (answer, trace) = self.call(with, op::Reject { id: id.clone(), reason: None }).await?;
                told.extend(answer.as_ref().ok().map(|_| Word::Ended(self.key(&id), State::Revoked)));
                (vec![word(&answer)], trace)
            }
            Ask::ListMine => {
                let (answer, trace) =
                    self.call(with, op::ListMine { states: vec![], after: None, limit: 200 }).await?;
                (vec![word(&answer)], trace)
            }
            Ask::Introspect(handle) => {
                let (answer, trace) = self.call(with, op::Introspect { handle }).await?;
                (vec![word(&answer)], trace)
            }
            Ask::Accept(handle) => {
                let (answer, trace) = self.call(with, op::Accept { handle }).await?;
                let accepted = answer.as_ref().ok();
                told.extend(accepted.map(|done| Word::Accepted(done.key.clone(), done.outcomes.clone())));
                (vec![word(&answer)], trace)
            }
            Ask::Decline(handle) => {
                let (answer, trace) = self.call(with, op::Decline { handle, reason: None }).await?;
                if answer.is_ok() {
                    let rows = self.rig.host.snapshot().invitations;
                    let key = rows[0].invitation.key.clone();
                    told.push(Word::Ended(key, State::Declined));
                }
                (vec![word(&answer)], trace)
            }
            Ask::Sweep => {
                let (answer, trace) = self.call(with, op::Sweep { limit: 200 }).await?;
                (vec![word(&answer)], trace)
            }
        };
        for word in told {
            self.history.note(&self.rig, word);
        }
        Ok(done)
    }

    /// Digests of the live codes.
    fn codes(&self, id: &str) -> Vec<String> {
        let rows = self.rig.host.snapshot().invitations;
        rows.into_iter().find(|row| row.invitation.key.id == id).map(|row| row.codes).unwrap_or_default()
    }

    /// Lets time pass and sweeps until nothing is left to do, for as long as mails are tried.
    pub async fn settle(&mut self) {
        for round in 0..8 {
            self.rig.host.advance(2 * MINUTE);
            while self.rig.sweep("acme").await.more {}
            let world = self.rig.host.snapshot();
            let accepting = world.invitations.iter().any(|row| row.invitation.state == State::Accepting);
            assert!(!accepting, "I-LIVE: an interrupted accept outlives its lease and one sweep");
            if round > 0 && world.outbox.is_empty() {
                return;
            }
        }
    }
}

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

fn by_ann(rig: Rig, ask: Ask) -> Case {
    Case::new(rig, Some("acme"), ann(), ask)
}

fn swept(rig: Rig) -> Case {
    Case::new(rig, Some("acme"), Principal::System, Ask::Sweep)
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
    by_ann(settings(|_| {}), Ask::Invite(request(&["alice"], &help())))
}

pub async fn invite_external() -> Case {
    by_ann(settings(|_| {}), Ask::Invite(externally(request(&["alice"], &help()))))
}

pub async fn invite_with_key() -> Case {
    let mut request = request(&["alice", "bob"], &help());
    request.idempotency_key = Some("key".into());
    by_ann(settings(|_| {}), Ask::Invite(request))
}

/// Among those who are refused is one with an invitation that has run out unseen.
pub async fn invite_bulk_with_refusals() -> Case {
    let (rig, ..) = invited().await;
    rig.host.advance(HOURS_72);
    let mut request = request(&["alice", "nobody", "mia"], &help());
    request.idempotency_key = Some("key".into());
    by_ann(rig, Ask::Invite(request))
}

pub async fn invite_refused() -> Case {
    by_ann(settings(|_| {}), Ask::Invite(request(&["alice"], &[role("r-none")])))
}

pub async fn list() -> Case {
    by_ann(invited().await.0, Ask::List)
}

pub async fn get() -> Case {
    let (rig, key, _) = invited().await;
    by_ann(rig, Ask::Get(key.id))
}

pub async fn resend_pending() -> Case {
    let (rig, key, _) = invited().await;
    by_ann(rig, Ask::Resend(key.id))
}

pub async fn resend_expired() -> Case {
    let (rig, key, _) = invited().await;
    rig.host.advance(HOURS_72);
    by_ann(rig, Ask::Resend(key.id))
}

pub async fn revoke() -> Case {
    let (rig, key, _) = invited().await;
    by_ann(rig, Ask::Revoke(key.id))
}

pub async fn revoke_all() -> Case {
    let (rig, ..) = invited().await;
    rig.invited("bob", &[]).await;
    by_ann(rig, Ask::RevokeAll)
}

pub async fn approve() -> Case {
    let (rig, key) = awaiting().await;
    Case::new(rig, Some("acme"), ben(), Ask::Approve(key.id))
}

pub async fn approve_ones_own() -> Case {
    let (rig, key) = awaiting().await;
    by_ann(rig, Ask::Approve(key.id))
}

pub async fn reject() -> Case {
    let (rig, key) = awaiting().await;
    Case::new(rig, Some("acme"), ben(), Ask::Reject(key.id))
}

pub async fn list_mine() -> Case {
    Case::new(invited().await.0, None, alice(), Ask::ListMine)
}

pub async fn introspect() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, alice(), Ask::Introspect(Handle::Code(code)))
}

pub async fn accept_by_code() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, alice(), Ask::Accept(Handle::Code(code)))
}

pub async fn accept_by_id() -> Case {
    let (rig, key, _) = invited().await;
    rig.host.delete_group("acme", "g-help").unwrap();
    Case::new(rig, None, alice(), Ask::Accept(Handle::Id(key)))
}

/// Whoever has the mail may accept.
pub async fn accept_by_bearer() -> Case {
    let rig = settings(|settings| settings.accept_with = AcceptWith::Code);
    let (_, code) = rig.invited("alice", &help()).await;
    Case::new(rig, Some("acme"), Principal::Anonymous, Ask::Accept(Handle::Code(code)))
}

pub async fn accept_by_a_stranger() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, bob(), Ask::Accept(Handle::Code(code)))
}

/// Somebody else in Acme has the user name that Alice would get.
pub async fn accept_where_the_name_is_taken() -> Case {
    let (rig, _, code) = invited().await;
    let other = NewUser { id: "u-other".into(), name: "alice".into(), store: None, email: None };
    rig.host.add_user("acme", other).unwrap();
    Case::new(rig, None, alice(), Ask::Accept(Handle::Code(code)))
}

pub async fn decline() -> Case {
    let (rig, _, code) = invited().await;
    Case::new(rig, None, alice(), Ask::Decline(Handle::Code(code)))
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
    case.history.note(&case.rig, Word::Removed("acme".into(), account));
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

pub async fn sweep_a_notice() -> Case {
    let (rig, key, _) = invited().await;
    rig.accept_by_id(alice(), &key).await.unwrap();
    swept(rig)
}
