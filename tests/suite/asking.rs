//! Somebody who asks for something in a prepared world, and what they are told.

use std::{fmt::Debug, sync::Arc, time::Duration};

use guestlist_contract::{
    exports::{invitations::InviteRequest, invitee::Handle},
    types::Principal,
};
use guestlist_harness::{CallError, Limits, Reply, Request, Trace, operations as op};
use guestlist_testkit::Interceptor;

use crate::{
    guarantees::{History, Word, codes, invited},
    rig::*,
};

/// A prepared world, and somebody who asks for something in it.
pub struct Case {
    pub rig: Rig,
    pub history: History,
    pub organization: Option<&'static str>,
    pub caller: Principal,
    pub ask: Request,
}

/// A word for each thing that was asked for, or why there is no answer.
pub struct Asked {
    pub words: Result<Vec<String>, CallError>,
    pub trace: Trace,
}

/// The time-out of host calls. Tests that let it fire run on a clock that jumps.
pub const HOST_CALL: Duration = Duration::from_millis(10);

pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;

/// `Refusal::Host(HostError::Unavailable(None))` as `Host`.
fn word<T, E: Debug>(answer: Result<T, E>) -> String {
    let Err(refusal) = answer else { return "ok".into() };
    let text = format!("{refusal:?}");
    let name = text.split(['(', '{', ' ']).next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or_default().to_owned()
}

fn words(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Invite(Ok(items)) => items.iter().map(|item| word(item.as_ref())).collect(),
        Reply::Resend(Ok(items)) => items.iter().map(|item| word(item.as_ref())).collect(),
        _ => vec![word(reply.refusal().map_or(Ok(()), Err))],
    }
}

pub fn invite(request: InviteRequest) -> Request {
    op::Invite { request }.into()
}

pub fn list() -> Request {
    op::List { filter: everything(), page: first_page() }.into()
}

pub fn resend(id: String) -> Request {
    op::Resend { ids: vec![id] }.into()
}

pub fn revoke(id: String) -> Request {
    op::Revoke { id, reason: None }.into()
}

pub fn accept(code: String) -> Request {
    op::Accept { handle: Handle::Code(code) }.into()
}

pub fn sweep() -> Request {
    op::Sweep { limit: 200 }.into()
}

impl Case {
    pub fn new(
        rig: Rig,
        organization: Option<&'static str>,
        caller: Principal,
        ask: impl Into<Request>,
    ) -> Self {
        Self { rig, history: History::default(), organization, caller, ask: ask.into() }
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

    /// Asks, and writes down what was answered.
    pub async fn ask(&mut self, with: Option<Arc<dyn Interceptor>>) -> Asked {
        let reply = self.try_ask(with).await;
        match reply {
            Ok((words, trace)) => Asked { words: Ok(words), trace: trace.expect("a recording session") },
            Err(mut error) => {
                let trace = match &mut error {
                    CallError::Trapped(trapped) => trapped.trace.take(),
                    _ => None,
                };
                Asked { trace: trace.unwrap_or_else(|| panic!("{error}")), words: Err(error) }
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
        let (place, caller, ask) = (self.organization, self.caller.clone(), self.ask.clone());
        let before = codes(&self.rig.host.snapshot());
        let done = match with {
            Some(with) => self.rig.run_with(with, place, caller, ask).await?,
            None => self.rig.run(place, caller, ask).await?,
        };
        match (&self.ask, &done.answer) {
            (Request::Invite(asked), Reply::Invite(Ok(items))) => {
                assert_eq!(items.len(), asked.request.names.len(), "I-BULK: n names get n answers");
            }
            (Request::Resend(asked), Reply::Resend(Ok(items))) => {
                assert_eq!(items.len(), asked.ids.len(), "I-BULK: n ids get n answers");
            }
            _ => {}
        }
        for invited in invited(&done.answer) {
            self.rig.shown_on_purpose(invited.code.clone());
        }
        for word in Word::of(place.unwrap_or_default(), &self.ask, &done.answer, &before) {
            self.history.note(&self.rig.host, word);
        }
        Ok((words(&done.answer), done.trace))
    }
}
