//! Calls of the plugin as values: what is asked, and what is answered.
//!
//! A step is turned into a [`Request`] first, then asked, and then heard. Between these a race lets
//! other calls go on.

use serde_json::Value;

use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, Invited, ItemRefusal, Owner, Refusal, RevokedAll},
        invitee::{Accepted, Handle, InviteeRefusal, Preview, PreviewPage},
        maintenance::{SweepRefusal, Swept},
    },
    host::Operation,
    types::{Context, Invitation, InvitationFilter, Page, PageRequest, State},
};
use guestlist_harness::{CallError, Completed, Export, Reason, Session, Trace, operations};
use guestlist_rest::{self as reference, InvalidRequest, Named};
use guestlist_testkit::coverage::Coverage;

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

/// The answer to a request.
#[derive(Debug)]
pub(super) enum Answer {
    Invite(Result<Vec<Result<Invited, ItemRefusal>>, Refusal>),
    List(Result<Page, Refusal>),
    Get(Box<Result<Invitation, Refusal>>),
    Resend(Result<Vec<Result<Invited, Refusal>>, Refusal>),
    Revoke(Result<(), Refusal>),
    RevokeAll(Result<RevokedAll, Refusal>),
    Approve(Result<Invited, Refusal>),
    Reject(Result<(), Refusal>),
    Dismiss(Result<(), Refusal>),
    ListMine(Result<PreviewPage, InviteeRefusal>),
    Introspect(Result<Preview, InviteeRefusal>),
    Accept(Result<Accepted, InviteeRefusal>),
    Decline(Result<(), InviteeRefusal>),
    Sweep(Result<Swept, SweepRefusal>),
}

/// A call that has ended.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) request: Request,
    pub(super) context: Context,
    /// Or why there is no answer.
    pub(super) answer: Result<Answer, Box<Broken>>,
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
    /// Reads the request of an operation from JSON, in the shape of [`reference`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(operation: Operation, json: &str) -> Result<Self, InvalidRequest> {
        Ok(match operation {
            Operation::Invite => Self::Invite(reference::Invite::read(json)?.into_request()?),
            Operation::List => {
                let (filter, page) = reference::List::read(json)?.into_request()?;
                Self::List(filter, page)
            }
            Operation::Get => Self::Get(reference::ById::read(json)?.id),
            Operation::Resend => {
                let ids = reference::ByIds::read(json)?.ids;
                Self::Resend(ids.clone(), ids)
            }
            Operation::Revoke => {
                let reference::ById { id, reason } = reference::ById::read(json)?;
                Self::Revoke(id, reason)
            }
            Operation::RevokeAll => {
                let mut request = reference::RevokeAll::read(json)?;
                Self::RevokeAll(request.owner()?, request.reason)
            }
            Operation::Approve => Self::Approve(reference::ById::read(json)?.id),
            Operation::Reject => {
                let reference::ById { id, reason } = reference::ById::read(json)?;
                Self::Reject(id, reason)
            }
            Operation::Dismiss => Self::Dismiss(reference::ById::read(json)?.id),
            Operation::ListMine => {
                let request = reference::ListMine::read(json)?;
                Self::ListMine(request.states()?, request.after.clone(), request.limit())
            }
            Operation::Introspect => Self::Introspect(reference::TakeHandle::read(json)?.handle()?),
            Operation::Accept => Self::Accept(reference::TakeHandle::read(json)?.handle()?),
            Operation::Decline => {
                let mut request = reference::Decline::read(json)?;
                let reason = request.reason.take();
                Self::Decline(request.handle()?, reason)
            }
            Operation::Sweep => Self::Sweep(reference::Sweep::read(json)?.limit()),
        })
    }

    /// The operation that it asks for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::Invite(_) => Operation::Invite,
            Self::List(..) => Operation::List,
            Self::Get(_) => Operation::Get,
            Self::Resend(..) => Operation::Resend,
            Self::Revoke(..) => Operation::Revoke,
            Self::RevokeAll(..) => Operation::RevokeAll,
            Self::Approve(_) => Operation::Approve,
            Self::Reject(..) => Operation::Reject,
            Self::Dismiss(_) => Operation::Dismiss,
            Self::ListMine(..) => Operation::ListMine,
            Self::Introspect(_) => Operation::Introspect,
            Self::Accept(_) => Operation::Accept,
            Self::Decline(..) => Operation::Decline,
            Self::Sweep(_) => Operation::Sweep,
        }
    }

    /// Calls the plugin.
    pub(super) async fn ask(self, session: &Session, context: Context) -> Spoken {
        let done = match self.clone() {
            Self::Invite(request) => {
                run(session, &context, operations::Invite { request }, Answer::Invite).await
            }
            Self::List(filter, page) => {
                run(session, &context, operations::List { filter, page }, Answer::List).await
            }
            Self::Get(id) => {
                run(session, &context, operations::Get { id }, |answer| Answer::Get(Box::new(answer))).await
            }
            Self::Resend(ids, _) => run(session, &context, operations::Resend { ids }, Answer::Resend).await,
            Self::Revoke(id, reason) => {
                run(session, &context, operations::Revoke { id, reason }, Answer::Revoke).await
            }
            Self::RevokeAll(whose, reason) => {
                run(session, &context, operations::RevokeAll { whose, reason }, Answer::RevokeAll).await
            }
            Self::Approve(id) => run(session, &context, operations::Approve { id }, Answer::Approve).await,
            Self::Reject(id, reason) => {
                run(session, &context, operations::Reject { id, reason }, Answer::Reject).await
            }
            Self::Dismiss(id) => run(session, &context, operations::Dismiss { id }, Answer::Dismiss).await,
            Self::ListMine(states, after, limit) => {
                run(session, &context, operations::ListMine { states, after, limit }, Answer::ListMine).await
            }
            Self::Introspect(handle) => {
                run(session, &context, operations::Introspect { handle }, Answer::Introspect).await
            }
            Self::Accept(handle) => {
                run(session, &context, operations::Accept { handle }, Answer::Accept).await
            }
            Self::Decline(handle, reason) => {
                run(session, &context, operations::Decline { handle, reason }, Answer::Decline).await
            }
            Self::Sweep(limit) => run(session, &context, operations::Sweep { limit }, Answer::Sweep).await,
        };
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

async fn run<E: Export>(
    session: &Session,
    context: &Context,
    export: E,
    wrap: impl FnOnce(E::Answer) -> Answer,
) -> Result<Completed<Answer>, CallError> {
    Ok(session.run(context.clone(), export).await?.map(wrap))
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

impl Answer {
    /// The whole answer as it is in the contract.
    pub(super) fn json(&self) -> Value {
        let json = match self {
            Self::Invite(answer) => serde_json::to_value(answer),
            Self::List(answer) => serde_json::to_value(answer),
            Self::Get(answer) => serde_json::to_value(answer),
            Self::Resend(answer) => serde_json::to_value(answer),
            Self::Revoke(answer) | Self::Reject(answer) | Self::Dismiss(answer) => {
                serde_json::to_value(answer)
            }
            Self::RevokeAll(answer) => serde_json::to_value(answer),
            Self::Approve(answer) => serde_json::to_value(answer),
            Self::ListMine(answer) => serde_json::to_value(answer),
            Self::Introspect(answer) => serde_json::to_value(answer),
            Self::Accept(answer) => serde_json::to_value(answer),
            Self::Decline(answer) => serde_json::to_value(answer),
            Self::Sweep(answer) => serde_json::to_value(answer),
        };
        json.unwrap_or_default()
    }

    /// Notes which refusals it has.
    pub(super) fn cover(&self, coverage: &mut Coverage) {
        match self {
            Self::Invite(answer) => coverage.answer(answer),
            Self::List(answer) => coverage.answer(answer),
            Self::Get(answer) => coverage.answer(answer.as_ref()),
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

    /// Everything that was asked for was done.
    pub(super) fn is_success(&self) -> bool {
        match self {
            Self::Invite(answer) => answer.as_ref().is_ok_and(|items| items.iter().all(Result::is_ok)),
            Self::Resend(answer) => answer.as_ref().is_ok_and(|items| items.iter().all(Result::is_ok)),
            Self::List(answer) => answer.is_ok(),
            Self::Get(answer) => answer.is_ok(),
            Self::Revoke(answer) | Self::Reject(answer) | Self::Dismiss(answer) => answer.is_ok(),
            Self::RevokeAll(answer) => answer.is_ok(),
            Self::Approve(answer) => answer.is_ok(),
            Self::ListMine(answer) => answer.is_ok(),
            Self::Introspect(answer) => answer.is_ok(),
            Self::Accept(answer) => answer.is_ok(),
            Self::Decline(answer) => answer.is_ok(),
            Self::Sweep(answer) => answer.is_ok(),
        }
    }

    /// The codes that it shows, with the ids of their invitations.
    pub(super) fn codes(&self) -> Vec<(String, String)> {
        let of = |invited: &Invited| Some((invited.id.clone(), invited.code.clone()?));
        match self {
            Self::Invite(Ok(items)) => items.iter().flatten().filter_map(of).collect(),
            Self::Resend(Ok(items)) => items.iter().flatten().filter_map(of).collect(),
            Self::Approve(Ok(invited)) => of(invited).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}
