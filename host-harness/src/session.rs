//! Calling the plugin.
//!
//! A call gets a fresh instance, which is dropped with everything in it when the call is over: nothing
//! can pass from one call, or one tenant, to the next. A session may keep its instance instead
//! ([`Session::reusing`]), which is faster and weaker; an instance that trapped is never used again.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tracing::Instrument as _;
use wasmtime::{
    Store,
    component::{ComponentExportIndex, Instance},
};

use crate::{
    CallError, HostCalls, Limits, Metering, Plugin, Trace,
    calls::{Hooks, Layer, within},
    engine::Parts,
    error::{Reason, Trapped, backtrace},
    sandbox::{HostState, MemoryMeter},
};
use guestlist_contract::{
    exports::{
        invitations::{InviteRequest, Invited, ItemRefusal, Owner, Refusal, RevokedAll},
        invitee::{Accepted, Handle, InviteeRefusal, Preview, PreviewPage},
        maintenance::{SweepRefusal, Swept},
    },
    host::{Call, Host, Operation},
    types::{Context, Invitation, InvitationFilter, Page, PageRequest, State},
};

/// Calls of one plugin on one host. Any number may run at the same time; they need a tokio runtime
/// with time. Dropping the future of a call ends its instance.
#[derive(Clone)]
pub struct Session {
    plugin: Plugin,
    host: Arc<Host>,
    limits: Limits,
    hooks: Hooks,
    kept: Option<Arc<Mutex<Option<Live>>>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.is_some();
        f.debug_struct("Session")
            .field("plugin", &self.plugin)
            .field("limits", &self.limits)
            .field("reusing", &kept)
            .finish_non_exhaustive()
    }
}

/// An instance and its place in the engine's count.
struct Live {
    store: Store<HostState>,
    instance: Instance,
    _slot: OwnedSemaphorePermit,
}

/// An answer and what it cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Completed<T> {
    /// The plugin's answer.
    pub answer: T,
    /// The work that the guest did, in units of fuel, making the instance included. Absent in an engine that
    /// does not meter by fuel.
    pub fuel: Option<u64>,
    /// The most linear memory that the instance ever had, in bytes.
    pub memory: usize,
    /// Host calls.
    pub host_calls: u32,
    /// Present in a session that is [`recording`](Session::recording).
    pub trace: Option<Trace>,
}

impl Session {
    pub(crate) fn new(plugin: Plugin, host: Arc<Host>, limits: Limits) -> Self {
        Self { plugin, host, limits, hooks: Hooks::default(), kept: None }
    }

    /// The same session, keeping one instance for all its calls, which then run one after the other.
    /// What a call leaves in the instance's memory lies there in the next one: use a session for each
    /// tenant.
    #[must_use]
    pub fn reusing(mut self) -> Self {
        self.kept = Some(Arc::default());
        self
    }

    /// The same with this layer around each host call. It holds for all calls of this session together.
    #[must_use]
    pub fn with_layer(mut self, layer: Arc<dyn Layer>) -> Self {
        self.hooks.layer = Some(layer);
        self
    }

    /// The layer around each host call.
    #[must_use]
    pub fn layer(&self) -> Option<&Arc<dyn Layer>> {
        self.hooks.layer.as_ref()
    }

    /// The same session, writing a trace of each call.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.hooks.recording = true;
        self
    }

    /// The plugin that is called.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The limits of what each call may cost.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Calls an export and tells what it cost. The methods named like the exports are shorter.
    ///
    /// # Errors
    ///
    /// When there is no answer; a refusal is one.
    pub async fn run<E: Export>(
        &self,
        context: Context,
        export: E,
    ) -> Result<Completed<E::Answer>, CallError> {
        let call = Call::new(export.operation(), context);
        let calls = Arc::new(HostCalls::new(self.host.clone(), call, &self.limits).hooked(&self.hooks));
        let attempt = async {
            match &self.kept {
                None => {
                    let mut live = self.instantiate(&calls).await?;
                    self.call(&mut live, &calls, &export).await
                }
                Some(kept) => {
                    // Taken out and put back only after an answer: whatever happens in between, also that
                    // this future is dropped, nobody meets a damaged instance.
                    let mut kept = kept.lock().await;
                    let mut live = match kept.take() {
                        Some(live) => self.prepare(live, &calls)?,
                        None => self.instantiate(&calls).await?,
                    };
                    let completed = self.call(&mut live, &calls, &export).await?;
                    *kept = Some(live);
                    Ok(completed)
                }
            }
        };
        let context = &calls.call().context;
        let span = tracing::debug_span!(
            "call",
            operation = calls.call().operation.name(),
            organization = context.organization.as_deref(),
            request_id = context.request_id.as_str(),
        );
        let attempt = async {
            let done = match within(self.limits.time, attempt).await {
                Some(done) => done,
                None => Err(self.trapped(&calls, Reason::Deadline(self.limits.time), Vec::new())),
            };
            done.inspect_err(|error| self.tell(&calls, error))
        };
        attempt.instrument(span).await
    }

    /// Writes to the log why a call has no answer. What the guest itself chose to say is in the report alone.
    fn tell(&self, calls: &HostCalls, error: &CallError) {
        let Call { context, operation, .. } = calls.call();
        tracing::warn!(
            operation = operation.name(),
            organization = context.organization.as_deref(),
            request_id = context.request_id.as_str(),
            plugin = self.plugin.digest(),
            reason = error.reason(),
            host_calls = calls.count(),
            last = calls.tail().last().map(|function| function.name()),
            "a call of the plugin has no answer"
        );
    }

    async fn instantiate(&self, calls: &Arc<HostCalls>) -> Result<Live, CallError> {
        let engine = self.plugin.engine();
        let state = HostState {
            calls: calls.clone(),
            memory: MemoryMeter::new(self.limits.memory, Parts::PLUGIN),
            metered: engine.metering() == Metering::Fuel,
        };
        // A little earlier than the call as a whole, so that the reason can be told.
        let slot = within(self.limits.time.mul_f32(0.95), engine.slot()).await.flatten();
        let slot = slot.ok_or(CallError::Busy(self.limits.time))?;
        let mut store = Store::new(engine.wasmtime(), state);
        store.limiter(|state| &mut state.memory);
        let failed = |error: wasmtime::Error| CallError::Instantiation(format!("{error:#}"));
        engine.arm(&mut store, &self.limits).map_err(failed)?;
        let instance = self.plugin.instance().instantiate_async(&mut store).await.map_err(failed)?;
        Ok(Live { store, instance, _slot: slot })
    }

    /// Makes a kept instance ready for another call.
    fn prepare(&self, mut live: Live, calls: &Arc<HostCalls>) -> Result<Live, CallError> {
        live.store.data_mut().calls = calls.clone();
        let armed = self.plugin.engine().arm(&mut live.store, &self.limits);
        armed.map_err(|error| CallError::Instantiation(format!("{error:#}")))?;
        Ok(live)
    }

    async fn call<E: Export>(
        &self,
        live: &mut Live,
        calls: &HostCalls,
        export: &E,
    ) -> Result<Completed<E::Answer>, CallError> {
        let metered = live.store.data().metered;
        if metered && let Ok(left) = live.store.get_fuel() {
            calls.meter(left);
        }
        let function = self.plugin.export(export.operation());
        let function =
            function.ok_or_else(|| CallError::Instantiation("the function is not there".into()))?;
        match export.call(&live.instance, function, &mut live.store, &calls.call().context).await {
            Ok(answer) => {
                let given = self.limits.fuel.unwrap_or(u64::MAX);
                let left = if metered { live.store.get_fuel().ok() } else { None };
                Ok(Completed {
                    answer,
                    fuel: left.map(|left| given.saturating_sub(left)),
                    memory: live.store.data().memory.peak,
                    host_calls: calls.count(),
                    trace: calls.take_trace(),
                })
            }
            Err(error) => {
                let reason = Reason::of(&error, &self.limits, live.store.data().memory.refused);
                Err(self.trapped(calls, reason, backtrace(&error, self.plugin.symbols())))
            }
        }
    }

    fn trapped(&self, calls: &HostCalls, reason: Reason, backtrace: Vec<String>) -> CallError {
        let context = &calls.call().context;
        CallError::Trapped(Box::new(Trapped {
            digest: self.plugin.digest().to_owned(),
            organization: context.organization.clone(),
            request_id: context.request_id.clone(),
            operation: calls.call().operation,
            reason,
            backtrace,
            trace_tail: calls.tail(),
            trace: calls.take_trace(),
        }))
    }
}

/// A call of one export, with its arguments. Implemented by the types of [`operations`], and by [`Request`] for
/// any of them.
#[async_trait]
pub trait Export: sealed::Sealed + Send + Sync {
    /// The answer of the export, as in the contract.
    type Answer: Send;

    /// The operation that it asks for.
    fn operation(&self) -> Operation;

    /// Wraps the answer as that of any export.
    fn reply(answer: Self::Answer) -> Reply;

    #[doc(hidden)]
    async fn call(
        &self,
        on: &Instance,
        function: &ComponentExportIndex,
        store: &mut Store<HostState>,
        context: &Context,
    ) -> wasmtime::Result<Self::Answer>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! pass {
    (borrowed $value:expr) => {
        &$value
    };
    (copied $value:expr) => {
        $value
    };
    (optional $value:expr) => {
        $value.as_deref()
    };
}

/// The type that an argument is passed as.
macro_rules! passed {
    (borrowed $ty:ty) => {
        &$ty
    };
    (copied $ty:ty) => {
        $ty
    };
    (optional $ty:ty) => {
        Option<&str>
    };
}

macro_rules! exports {
    ($($(#[$doc:meta])* $variant:ident $method:ident ( $($arg:ident: $ty:ty as $pass:ident),* ) -> $ret:ty;)*) => {
        /// The calls of the exports, for [`Session::run`]: a type for each, with its arguments.
        pub mod operations {
            use super::*;

            $(
                $(#[$doc])*
                #[derive(Clone, Debug, Serialize, Deserialize)]
                #[allow(missing_docs, reason = "the arguments of the contract")]
                pub struct $variant {
                    $(pub $arg: $ty,)*
                }

                impl sealed::Sealed for $variant {}

                #[async_trait]
                impl Export for $variant {
                    type Answer = $ret;

                    fn operation(&self) -> Operation {
                        Operation::$variant
                    }

                    fn reply(answer: $ret) -> Reply {
                        Reply::$variant(answer)
                    }

                    async fn call(&self, on: &Instance, function: &ComponentExportIndex, store: &mut Store<HostState>, context: &Context) -> wasmtime::Result<$ret> {
                        let function = on.get_typed_func::<(&Context, $(passed!($pass $ty)),*), ($ret,)>(&mut *store, function)?;
                        let (answer,) = function.call_async(store, (context, $(pass!($pass self.$arg)),*)).await?;
                        Ok(answer)
                    }
                }
            )*
        }

        /// A call of any export, as a value: to keep one, to choose one, to make one from what somebody wrote.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum Request {
            $($(#[$doc])* $variant(operations::$variant),)*
        }

        /// The answer of any export, as in the contract.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(clippy::large_enum_variant, reason = "it is moved once, to whoever asked")]
        pub enum Reply {
            $($(#[$doc])* $variant($ret),)*
        }

        impl Reply {
            /// The refusal, where it is one.
            #[must_use]
            pub fn refusal(&self) -> Option<&dyn fmt::Debug> {
                match self {
                    $(Self::$variant(answer) => answer.as_ref().err().map(|refusal| refusal as _),)*
                }
            }
        }

        impl sealed::Sealed for Request {}

        #[async_trait]
        impl Export for Request {
            type Answer = Reply;

            fn operation(&self) -> Operation {
                match self {
                    $(Self::$variant(export) => export.operation(),)*
                }
            }

            fn reply(answer: Reply) -> Reply {
                answer
            }

            async fn call(&self, on: &Instance, function: &ComponentExportIndex, store: &mut Store<HostState>, context: &Context) -> wasmtime::Result<Reply> {
                match self {
                    $(Self::$variant(export) => export.call(on, function, store, context).await.map(Reply::$variant),)*
                }
            }
        }

        $(
            impl From<operations::$variant> for Request {
                fn from(export: operations::$variant) -> Self {
                    Self::$variant(export)
                }
            }
        )*

        impl Session {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// When there is no answer; a refusal is one.
                pub async fn $method(&self, context: Context, $($arg: $ty),*) -> Result<$ret, CallError> {
                    Ok(self.run(context, operations::$variant { $($arg),* }).await?.answer)
                }
            )*
        }
    };
}

exports! {
    /// Invites users of the parent organization.
    Invite invite(request: InviteRequest as borrowed) -> Result<Vec<Result<Invited, ItemRefusal>>, Refusal>;
    /// Invitations of the organization.
    List list(filter: InvitationFilter as borrowed, page: PageRequest as borrowed) -> Result<Page, Refusal>;
    /// One invitation of the organization.
    Get get(id: String as borrowed) -> Result<Invitation, Refusal>;
    /// Sends again; an expired one is invited anew.
    Resend resend(ids: Vec<String> as borrowed) -> Result<Vec<Result<Invited, Refusal>>, Refusal>;
    /// Ends an awaiting or pending invitation.
    Revoke revoke(id: String as borrowed, reason: Option<String> as optional) -> Result<(), Refusal>;
    /// Ends all active invitations of an invitee or of an inviter.
    RevokeAll revoke_all(whose: Owner as borrowed, reason: Option<String> as optional) -> Result<RevokedAll, Refusal>;
    /// Lets an awaiting invitation become pending.
    Approve approve(id: String as borrowed) -> Result<Invited, Refusal>;
    /// Ends an awaiting invitation.
    Reject reject(id: String as borrowed, reason: Option<String> as optional) -> Result<(), Refusal>;
    /// Takes an ended invitation off the list.
    Dismiss dismiss(id: String as borrowed) -> Result<(), Refusal>;
    /// The caller's invitations in all organizations.
    ListMine list_mine(states: Vec<State> as borrowed, after: Option<String> as optional, limit: u32 as copied) -> Result<PreviewPage, InviteeRefusal>;
    /// Shows what the caller would accept.
    Introspect introspect(handle: Handle as borrowed) -> Result<Preview, InviteeRefusal>;
    /// Becomes a member and gets the grants, exactly once.
    Accept accept(handle: Handle as borrowed) -> Result<Accepted, InviteeRefusal>;
    /// Says no.
    Decline decline(handle: Handle as borrowed, reason: Option<String> as optional) -> Result<(), InviteeRefusal>;
    /// Handles due items of the context's organization.
    Sweep sweep(limit: u32 as copied) -> Result<Swept, SweepRefusal>;
}

impl Plugin {
    /// Calls of this plugin on `host`, each within `limits`. Cheap.
    #[must_use]
    pub fn session(&self, host: Host, limits: Limits) -> Session {
        Session::new(self.clone(), Arc::new(host), limits)
    }
}
