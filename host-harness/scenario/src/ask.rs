//! Calls of the plugin as values: what is asked, and what is answered.
//!
//! A step is turned into a [`Request`] first, then asked, and then heard. Between these a race lets
//! other calls go on.

use serde_json::Value;

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, Invited, Owner},
        invitee::Handle,
    },
    host::Operation,
    types::{Context, InvitationFilter, PageRequest, State},
};
use guestlist_harness::{CallError, Export as _, Reason, Reply, Session, Trace, operations};
use guestlist_rest::{self as rest, InvalidRequest, Named};
use guestlist_testkit::{coverage::Coverage, guarantees::invited};

/// A request to the plugin, as in its contract.
#[derive(Clone, Debug)]
pub enum Request {
    /// The people to invite, and what for.
    Invite(InviteRequest),
    /// The invitations to list, and their order.
    List(InvitationFilter, PageRequest),
    /// The id.
    Get(String),
    /// Ids, and what a scenario calls them.
    Resend(Vec<String>, Vec<String>),
    /// The id, and the reason.
    Revoke(String, Option<String>),
    /// The owner of the invitations, and the reason.
    RevokeAll(Owner, Option<String>),
    /// The id.
    Approve(String),
    /// The id, and the reason.
    Reject(String, Option<String>),
    /// The id.
    Dismiss(String),
    /// The states, the place behind which to begin, and the most of a page.
    ListMine(Vec<State>, Option<String>, u32),
    /// The code or id.
    Introspect(Handle),
    /// The code or id.
    Accept(Handle),
    /// The code or id, and the reason.
    Decline(Handle, Option<String>),
    /// The most items.
    Sweep(u32),
}

/// The call of the plugin for it.
impl From<Request> for guestlist_harness::Request {
    fn from(request: Request) -> Self {
        match request {
            Request::Invite(request) => operations::Invite { request }.into(),
            Request::List(filter, page) => operations::List { filter, page }.into(),
            Request::Get(id) => operations::Get { id }.into(),
            Request::Resend(ids, _) => operations::Resend { ids }.into(),
            Request::Revoke(id, reason) => operations::Revoke { id, reason }.into(),
            Request::RevokeAll(whose, reason) => operations::RevokeAll { whose, reason }.into(),
            Request::Approve(id) => operations::Approve { id }.into(),
            Request::Reject(id, reason) => operations::Reject { id, reason }.into(),
            Request::Dismiss(id) => operations::Dismiss { id }.into(),
            Request::ListMine(states, after, limit) => operations::ListMine { states, after, limit }.into(),
            Request::Introspect(handle) => operations::Introspect { handle }.into(),
            Request::Accept(handle) => operations::Accept { handle }.into(),
            Request::Decline(handle, reason) => operations::Decline { handle, reason }.into(),
            Request::Sweep(limit) => operations::Sweep { limit }.into(),
        }
    }
}

/// Makes requests from the types of [`operations`].
macro_rules! requests {
    ($($variant:ident { $($field:ident),* } => $($argument:expr),*;)*) => {
        $(
            impl From<operations::$variant> for Request {
                fn from(operations::$variant { $($field),* }: operations::$variant) -> Self {
                    Self::$variant($($argument),*)
                }
            }
        )*
    };
}

requests! {
    Invite { request } => request;
    List { filter, page } => filter, page;
    Get { id } => id;
    Resend { ids } => ids.clone(), ids;
    Revoke { id, reason } => id, reason;
    RevokeAll { whose, reason } => whose, reason;
    Approve { id } => id;
    Reject { id, reason } => id, reason;
    Dismiss { id } => id;
    ListMine { states, after, limit } => states, after, limit;
    Introspect { handle } => handle;
    Accept { handle } => handle;
    Decline { handle, reason } => handle, reason;
    Sweep { limit } => limit;
}

/// A call that has ended.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) request: Request,
    pub(super) context: Context,
    /// Or why there is no answer.
    pub(super) answer: Result<Reply, Box<Broken>>,
    pub(super) fuel: u64,
    pub(super) memory: usize,
    pub(super) host_calls: u32,
    pub(super) trace: Option<Trace>,
}

/// The reason why there is no answer.
#[derive(Debug)]
pub(super) struct Broken {
    /// A word for scenarios.
    pub(super) word: &'static str,
    /// All of it, for people.
    pub(super) text: String,
}

impl Request {
    /// Reads the request of an operation from JSON, in the shape of [`guestlist_rest`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(operation: Operation, json: &str) -> Result<Self, InvalidRequest> {
        Ok(match operation {
            Operation::Invite => Self::Invite(rest::Invite::read(json)?.into_request()?),
            Operation::List => {
                let (filter, page) = rest::List::read(json)?.into_request()?;
                Self::List(filter, page)
            }
            Operation::Get => Self::Get(rest::ById::read(json)?.id),
            Operation::Resend => {
                let ids = rest::ByIds::read(json)?.ids;
                Self::Resend(ids.clone(), ids)
            }
            Operation::Revoke => {
                let rest::ById { id, reason } = rest::ById::read(json)?;
                Self::Revoke(id, reason)
            }
            Operation::RevokeAll => {
                let mut request = rest::RevokeAll::read(json)?;
                Self::RevokeAll(request.owner()?, request.reason)
            }
            Operation::Approve => Self::Approve(rest::ById::read(json)?.id),
            Operation::Reject => {
                let rest::ById { id, reason } = rest::ById::read(json)?;
                Self::Reject(id, reason)
            }
            Operation::Dismiss => Self::Dismiss(rest::ById::read(json)?.id),
            Operation::ListMine => {
                let request = rest::ListMine::read(json)?;
                Self::ListMine(request.states()?, request.after.clone(), request.limit())
            }
            Operation::Introspect => Self::Introspect(rest::TakeHandle::read(json)?.handle()?),
            Operation::Accept => Self::Accept(rest::TakeHandle::read(json)?.handle()?),
            Operation::Decline => {
                let mut request = rest::Decline::read(json)?;
                let reason = request.reason.take();
                Self::Decline(request.handle()?, reason)
            }
            Operation::Sweep => Self::Sweep(rest::Sweep::read(json)?.limit()),
        })
    }

    /// The operation that it asks for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        guestlist_harness::Request::from(self.clone()).operation()
    }

    /// Calls the plugin.
    pub(super) async fn ask(self, session: &Session, context: Context) -> Spoken {
        let done = session.run(context.clone(), guestlist_harness::Request::from(self.clone())).await;
        match done {
            Ok(done) => Spoken {
                request: self,
                context,
                answer: Ok(done.answer),
                fuel: done.fuel.unwrap_or_default(),
                memory: done.memory,
                host_calls: done.host_calls,
                trace: done.trace,
            },
            Err(error) => Spoken::broken(self, context, error),
        }
    }
}

impl Spoken {
    fn broken(request: Request, context: Context, error: CallError) -> Self {
        let text = error.to_string();
        let (word, trace) = match error {
            CallError::Trapped(trapped) => (word(&trapped.reason), trapped.trace),
            _ => ("not-run", None),
        };
        let host_calls =
            trace.as_ref().map_or(0, |trace| u32::try_from(trace.entries.len()).unwrap_or(u32::MAX));
        let answer = Err(Box::new(Broken { word, text }));
        Self { request, context, answer, fuel: 0, memory: 0, host_calls, trace }
    }
}

/// The words that `broken` knows.
pub(super) const BROKEN: [&str; 9] =
    ["crash", "deadline", "fuel", "memory", "host-calls", "host-call-bytes", "stack", "panic", "other"];

fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Injected(_) => "crash",
        Reason::Deadline(_) => "deadline",
        Reason::OutOfFuel(_) => "fuel",
        Reason::Memory(_) => "memory",
        Reason::HostCalls(_) => "host-calls",
        Reason::HostCallBytes(_) => "host-call-bytes",
        Reason::StackOverflow => "stack",
        Reason::Panicked => "panic",
        _ => "other",
    }
}

/// Questions of a scenario to an answer.
pub(super) trait Answered {
    /// The whole answer as it is in the contract.
    fn json(&self) -> Value;

    /// Notes which refusals it has.
    fn cover(&self, coverage: &mut Coverage);

    /// Tells whether everything that was asked for was done.
    fn is_success(&self) -> bool;

    /// The codes that it shows, with the ids of their invitations.
    fn codes(&self) -> Vec<(String, String)>;
}

impl Answered for Reply {
    fn json(&self) -> Value {
        let Ok(Value::Object(named)) = serde_json::to_value(self) else { return Value::Null };
        named.into_values().next().unwrap_or_default()
    }

    fn cover(&self, coverage: &mut Coverage) {
        match self {
            Self::Invite(answer) => coverage.answer(answer),
            Self::List(answer) => coverage.answer(answer),
            Self::Get(answer) => coverage.answer(answer),
            Self::Resend(answer) => coverage.answer(answer),
            Self::Revoke(answer) | Self::Reject(answer) | Self::Dismiss(answer) => coverage.answer(answer),
            Self::RevokeAll(answer) => coverage.answer(answer),
            Self::Approve(answer) => coverage.answer(answer),
            Self::ListMine(answer) => coverage.answer(answer),
            Self::Introspect(answer) => coverage.answer(answer),
            Self::Accept(answer) => coverage.answer(answer),
            Self::Decline(answer) => coverage.answer(answer),
            Self::Sweep(answer) => coverage.answer(answer),
        }
    }

    fn is_success(&self) -> bool {
        match self {
            Self::Invite(Ok(items)) => items.iter().all(Result::is_ok),
            Self::Resend(Ok(items)) => items.iter().all(Result::is_ok),
            _ => self.refusal().is_none(),
        }
    }

    fn codes(&self) -> Vec<(String, String)> {
        let of = |invited: &Invited| Some((invited.id.clone(), invited.code.clone()?));
        invited(self).into_iter().filter_map(of).collect()
    }
}
