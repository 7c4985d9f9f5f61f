//! Somebody who asks for something in a prepared world, and what they are told.

use std::{sync::Arc, time::Duration};

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, Owner},
        invitee::Handle,
    },
    types::{InvitationKey, Principal, State},
};
use guestlist_harness::{CallError, Export, Limits, Trace, operations as op};
use guestlist_testkit::Interceptor;

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
    Dismiss(String),
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

/// The time-out of host calls. Tests that let it fire run on a clock that jumps.
pub const HOST_CALL: Duration = Duration::from_millis(10);

pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;

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
        let mut fork = self.quick_fork();
        fork.rig.session = fork.rig.session.clone().recording();
        fork.rig.unscanned = false;
        fork
    }

    /// The same without traces and without a look for codes: both cost more than the calls themselves.
    pub fn quick_fork(&self) -> Self {
        let mut rig = self.rig.fork();
        let limits = Limits::default().host_call_time(HOST_CALL);
        rig.session = PLUGIN.session(rig.host.clone().host(), limits);
        rig.unscanned = true;
        let (history, ask) = (self.history.clone(), self.ask.clone());
        Self { rig, history, organization: self.organization, caller: self.caller.clone(), ask }
    }

    /// The world and what was said in it, so that equal ones can be told.
    pub fn as_text(&self) -> String {
        let stored = self.rig.host.stored_text().expect("a world can be written");
        format!("{:?} {:?} {stored}", self.history, self.rig.host.mails())
    }

    async fn call<E: Export>(
        &self,
        with: Option<Arc<dyn Interceptor>>,
        export: E,
    ) -> Result<(E::Answer, Option<Trace>), CallError> {
        let (place, caller) = (self.organization, self.caller.clone());
        let done = match with {
            Some(with) => self.rig.run_with(with, place, caller, export).await,
            None => self.rig.run(place, caller, export).await,
        };
        done.map(|done| (done.answer, done.trace))
    }

    fn key(&self, id: &str) -> InvitationKey {
        let organization = self.organization.expect("an administrator's call").to_owned();
        InvitationKey { organization, id: id.to_owned() }
    }

    /// Asks, and writes down what was answered.
    pub async fn ask(&mut self, with: Option<Arc<dyn Interceptor>>) -> Reply {
        let reply = self.try_ask(with).await;
        match reply {
            Ok((words, trace)) => Reply { words: Ok(words), trace: trace.expect("a recording session") },
            Err(mut error) => {
                let trace = match &mut error {
                    CallError::Trapped(trapped) => trapped.trace.take(),
                    _ => None,
                };
                Reply { trace: trace.unwrap_or_else(|| panic!("{error}")), words: Err(error) }
            }
        }
    }

    /// The same without a trace.
    pub async fn ask_quickly(
        &mut self,
        with: Option<Arc<dyn Interceptor>>,
    ) -> Result<Vec<String>, CallError> {
        self.try_ask(with).await.map(|(words, _)| words)
    }

    async fn try_ask(
        &mut self,
        with: Option<Arc<dyn Interceptor>>,
    ) -> Result<(Vec<String>, Option<Trace>), CallError> {
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
            Ask::Dismiss(id) => {
                let (answer, trace) = self.call(with, op::Dismiss { id }).await?;
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
            self.history.note(&self.rig.host, word);
        }
        Ok(done)
    }

    /// Digests of the live codes.
    fn codes(&self, id: &str) -> Vec<String> {
        let rows = self.rig.host.snapshot().invitations;
        rows.into_iter().find(|row| row.invitation.key.id == id).map(|row| row.codes).unwrap_or_default()
    }
}
