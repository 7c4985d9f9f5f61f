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
        invitations::{InviteRequest, Owner},
        invitee::Handle,
    },
    host::{Call, Host, Operation},
    types::{Context, InvitationFilter, PageRequest, SortKey, State},
};
pub use guestlist_harness::Reply;
use guestlist_harness::{CallError, Export as _, Limits, Plugin, Reason, Stop, operations as op};
use guestlist_memory::MemoryHost;
use guestlist_testkit::FaultPlan;
use guestlist_testkit::Intercept as _;

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

impl Request {
    pub fn operation(&self) -> Operation {
        guestlist_harness::Request::from(self.clone()).operation()
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
        Request::Get(id) => Reply::Get(cross(list::get(host, context, id))),
        Request::Resend(ids) => Reply::Resend(cross(resend::resend(host, context, ids))),
        Request::Revoke(id, reason) => {
            Reply::Revoke(cross(revoke::revoke(host, context, id, reason.as_deref())))
        }
        Request::RevokeAll(whose) => {
            Reply::RevokeAll(cross(revoke::revoke_all(host, context, &cross(whose), None)))
        }
        Request::Approve(id) => Reply::Approve(cross(approval::approve(host, context, id))),
        Request::Reject(id, reason) => {
            Reply::Reject(cross(approval::reject(host, context, id, reason.as_deref())))
        }
        Request::Dismiss(id) => Reply::Dismiss(cross(dismiss::dismiss(host, context, id))),
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
        match wait(session.run(context, guestlist_harness::Request::from(request.clone()))) {
            Ok(done) => Some(done.answer),
            Err(CallError::Trapped(trapped)) if matches!(trapped.reason, Reason::Injected(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

impl From<Request> for guestlist_harness::Request {
    fn from(request: Request) -> Self {
        match request {
            Request::Invite(request) => op::Invite { request }.into(),
            Request::List(filter) => op::List { filter, page: PAGE }.into(),
            Request::Get(id) => op::Get { id }.into(),
            Request::Resend(ids) => op::Resend { ids }.into(),
            Request::Revoke(id, reason) => op::Revoke { id, reason }.into(),
            Request::RevokeAll(whose) => op::RevokeAll { whose, reason: None }.into(),
            Request::Approve(id) => op::Approve { id }.into(),
            Request::Reject(id, reason) => op::Reject { id, reason }.into(),
            Request::Dismiss(id) => op::Dismiss { id }.into(),
            Request::ListMine(states) => op::ListMine { states, after: None, limit: MINE }.into(),
            Request::Introspect(handle) => op::Introspect { handle }.into(),
            Request::Accept(handle) => op::Accept { handle }.into(),
            Request::Decline(handle, reason) => op::Decline { handle, reason }.into(),
            Request::Sweep => op::Sweep { limit: ITEMS }.into(),
        }
    }
}
