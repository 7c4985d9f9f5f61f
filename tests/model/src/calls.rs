//! The fourteen calls, to the plugin as a library and to the component in its sandbox, with answers of one
//! type.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Duration,
};

use guestlist::{accept, approval, decline, dismiss, invite, list, resend, revoke, sweep};
use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, Invited, ItemRefusal, Owner, Refusal, RevokedAll},
        invitee::{Accepted, Handle, InviteeRefusal, Preview, PreviewPage},
        maintenance::{SweepRefusal, Swept},
    },
    host::{Call, Host, Operation},
    types::{Context, Invitation, InvitationFilter, Page, PageRequest, SortKey, State},
};
use guestlist_harness::{CallError, Export, Limits, Plugin, Reason, Stop, operations as op};
use guestlist_memory::MemoryHost;
use guestlist_testkit::FaultPlan;
use guestlist_testkit::Intercept as _;
use serde::Serialize;

use crate::native::{Native, cross, wait};

/// A call of an export, with its arguments. `H` is how somebody says which invitation they answer.
#[derive(Clone, Debug)]
pub enum Request<H = Handle> {
    Invite(InviteRequest),
    List(InvitationFilter),
    Get(String),
    Resend(Vec<String>),
    Revoke(String, Option<String>),
    RevokeAll(Owner),
    Approve(String),
    Reject(String, Option<String>),
    Dismiss(String),
    ListMine(Vec<State>),
    Introspect(H),
    Accept(H),
    Decline(H, Option<String>),
    Sweep,
}

/// Most items of one sweep here.
const ITEMS: u32 = 200;
/// The page of every list here.
const PAGE: PageRequest =
    PageRequest { sort: SortKey::CreatedAt, descending: false, after: None, limit: 200 };
/// Most of a caller's own invitations here.
const MINE: u32 = 200;

/// What an export answered.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Reply {
    Invite(Result<Vec<Result<Invited, ItemRefusal>>, Refusal>),
    List(Result<Page, Refusal>),
    Get(Box<Result<Invitation, Refusal>>),
    Resend(Result<Vec<Result<Invited, Refusal>>, Refusal>),
    Ended(Result<(), Refusal>),
    RevokeAll(Result<RevokedAll, Refusal>),
    Approve(Result<Invited, Refusal>),
    ListMine(Result<PreviewPage, InviteeRefusal>),
    Introspect(Result<Preview, InviteeRefusal>),
    Accept(Result<Accepted, InviteeRefusal>),
    Decline(Result<(), InviteeRefusal>),
    Sweep(Result<Swept, SweepRefusal>),
}

impl Request {
    pub fn operation(&self) -> Operation {
        match self {
            Self::Invite(_) => Operation::Invite,
            Self::List(_) => Operation::List,
            Self::Get(_) => Operation::Get,
            Self::Resend(_) => Operation::Resend,
            Self::Revoke(..) => Operation::Revoke,
            Self::RevokeAll(_) => Operation::RevokeAll,
            Self::Approve(_) => Operation::Approve,
            Self::Reject(..) => Operation::Reject,
            Self::Dismiss(_) => Operation::Dismiss,
            Self::ListMine(_) => Operation::ListMine,
            Self::Introspect(_) => Operation::Introspect,
            Self::Accept(_) => Operation::Accept,
            Self::Decline(..) => Operation::Decline,
            Self::Sweep => Operation::Sweep,
        }
    }
}

/// Something that answers calls. `None`: the instance was lost, by an injected crash.
pub trait Answers: Send + Sync {
    fn answer(
        &self,
        host: &Arc<MemoryHost>,
        context: Context,
        request: &Request,
        faults: Arc<FaultPlan>,
    ) -> Option<Reply>;
}

/// The plugin as a library.
pub struct Natively;

impl Answers for Natively {
    fn answer(
        &self,
        host: &Arc<MemoryHost>,
        context: Context,
        request: &Request,
        faults: Arc<FaultPlan>,
    ) -> Option<Reply> {
        let call = Call::new(request.operation(), context.clone());
        let host = Native::new(host.clone().host(), call).with_interceptor(faults);
        let context: guestlist::contract::imports::types::Context = cross(context);
        match catch_unwind(AssertUnwindSafe(|| natively(&host, &context, request))) {
            Ok(reply) => Some(reply),
            Err(stop) if matches!(stop.downcast_ref(), Some(Stop::Crash(_))) => None,
            Err(panic) => resume_unwind(panic),
        }
    }
}

fn natively(
    host: &Native,
    context: &guestlist::contract::imports::types::Context,
    request: &Request,
) -> Reply {
    match request {
        Request::Invite(request) => Reply::Invite(cross(invite::invite(host, context, &cross(request)))),
        Request::List(filter) => Reply::List(cross(list::list(host, context, &cross(filter), &cross(PAGE)))),
        Request::Get(id) => Reply::Get(Box::new(cross(list::get(host, context, id)))),
        Request::Resend(ids) => Reply::Resend(cross(resend::resend(host, context, ids))),
        Request::Revoke(id, reason) => {
            Reply::Ended(cross(revoke::revoke(host, context, id, reason.as_deref())))
        }
        Request::RevokeAll(whose) => {
            Reply::RevokeAll(cross(revoke::revoke_all(host, context, &cross(whose), None)))
        }
        Request::Approve(id) => Reply::Approve(cross(approval::approve(host, context, id))),
        Request::Reject(id, reason) => {
            Reply::Ended(cross(approval::reject(host, context, id, reason.as_deref())))
        }
        Request::Dismiss(id) => Reply::Ended(cross(dismiss::dismiss(host, context, id))),
        Request::ListMine(states) => {
            let states: Vec<_> = cross(states);
            Reply::ListMine(cross(list::list_mine(host, context, &states, None, MINE)))
        }
        Request::Introspect(handle) => {
            Reply::Introspect(cross(list::introspect(host, context, &cross(handle))))
        }
        Request::Accept(handle) => Reply::Accept(cross(accept::accept(host, context, &cross(handle)))),
        Request::Decline(handle, reason) => {
            Reply::Decline(cross(decline::decline(host, context, &cross(handle), reason.as_deref())))
        }
        Request::Sweep => Reply::Sweep(cross(sweep::sweep(host, context, ITEMS))),
    }
}

/// The component, a fresh instance for each call.
pub struct Sandboxed(pub Plugin);

impl Answers for Sandboxed {
    fn answer(
        &self,
        host: &Arc<MemoryHost>,
        context: Context,
        request: &Request,
        faults: Arc<FaultPlan>,
    ) -> Option<Reply> {
        // A host that does not answer stops the clock that all waiting is done by: it costs no time.
        let limits = Limits::default().time(Duration::from_secs(24 * 3600));
        let session = self.0.session(Host::of(host.clone()), limits).with_interceptor(faults);
        let run = Sandbox { session, context };
        match request.clone() {
            Request::Invite(request) => run.call(op::Invite { request }).map(Reply::Invite),
            Request::List(filter) => run.call(op::List { filter, page: PAGE }).map(Reply::List),
            Request::Get(id) => run.call(op::Get { id }).map(|answer| Reply::Get(Box::new(answer))),
            Request::Resend(ids) => run.call(op::Resend { ids }).map(Reply::Resend),
            Request::Revoke(id, reason) => run.call(op::Revoke { id, reason }).map(Reply::Ended),
            Request::RevokeAll(whose) => {
                run.call(op::RevokeAll { whose, reason: None }).map(Reply::RevokeAll)
            }
            Request::Approve(id) => run.call(op::Approve { id }).map(Reply::Approve),
            Request::Reject(id, reason) => run.call(op::Reject { id, reason }).map(Reply::Ended),
            Request::Dismiss(id) => run.call(op::Dismiss { id }).map(Reply::Ended),
            Request::ListMine(states) => {
                run.call(op::ListMine { states, after: None, limit: MINE }).map(Reply::ListMine)
            }
            Request::Introspect(handle) => run.call(op::Introspect { handle }).map(Reply::Introspect),
            Request::Accept(handle) => run.call(op::Accept { handle }).map(Reply::Accept),
            Request::Decline(handle, reason) => run.call(op::Decline { handle, reason }).map(Reply::Decline),
            Request::Sweep => run.call(op::Sweep { limit: ITEMS }).map(Reply::Sweep),
        }
    }
}

struct Sandbox {
    session: guestlist_harness::Session,
    context: Context,
}

impl Sandbox {
    fn call<E: Export>(&self, export: E) -> Option<E::Answer> {
        match wait(self.session.run(self.context.clone(), export)) {
            Ok(done) => Some(done.answer),
            Err(CallError::Trapped(trapped)) if matches!(trapped.reason, Reason::Injected(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }
}
