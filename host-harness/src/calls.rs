//! The one place through which every host call passes.
//!
//! Whoever calls the host, the sandboxed plugin or the same logic running natively in a test, goes
//! through [`HostCalls`]. It counts against the budget, asks the interceptors, keeps the time-out and
//! writes the trace; then the host answers.

use std::{
    future::{Future, poll_fn, ready},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    Fault, Interceptor, Limits, Trace,
    trace::{Entry, redact},
};
use guestlist_contract::{
    Function,
    audit::Refusal,
    directory::{Found, LookupError, Organization, User},
    host::{Call, Host, Operation},
    membership::{Eligibility, Resolved},
    notifications::{Message, SendError, Sent},
    policy::{AcceptFacts, InviteFacts, PolicyError},
    settings::Values,
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{
        Context, Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest,
        Permissions, Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
    },
    with_imports,
};

/// The most entropy that one call hands out, in bytes.
const RANDOM_MAX: u64 = 64 << 10;

/// How many host calls are remembered for the report of a trap.
const TAIL: usize = 16;

/// Why a call of the plugin cannot go on. The guest sees none of these: it is ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// The time for the whole call is over.
    #[error("the time for the call is over")]
    Deadline,
    /// More host calls than [`Limits::host_calls`](crate::Limits::host_calls).
    #[error("more than {0} host calls")]
    HostCalls(u32),
    /// [`Fault::CrashBefore`] or [`Fault::CrashAfter`].
    #[error("an injected crash at {0}")]
    Crash(Function),
    /// [`Fault::Hostile`] made an answer that the function cannot give.
    #[error("the changed answer of {0} is none of its answers: {1}")]
    Lie(Function, String),
}

/// What stands around the host calls of a session.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) interceptors: Vec<Arc<dyn Interceptor>>,
    pub(crate) recording: bool,
}

/// The host as one running call sees it: one method for each import, in the order of the contract.
///
/// The sandbox reaches the host only through this. Tests that run the plugin's logic natively do the
/// same, so that budget, faults and trace are equal in both worlds. Where the host does not answer at
/// once, or a fault waits, they need a tokio runtime with time.
pub struct HostCalls {
    /// Absent where the first host call ends the guest.
    host: Option<Arc<Host>>,
    call: Call,
    time: Duration,
    budget: u32,
    hooks: Hooks,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    count: u32,
    /// A ring: call number `n` (from 0) is at `n % TAIL`.
    tail: [Option<Function>; TAIL],
    entries: Vec<Entry>,
    /// Fuel left when the entry before began, and now.
    fuel: Option<(u64, u64)>,
}

impl HostCalls {
    /// The host calls of `call`, within `limits`.
    #[must_use]
    pub fn new(host: Arc<Host>, call: Call, limits: &Limits) -> Self {
        Self {
            host: Some(host),
            call,
            time: limits.host_call_time,
            budget: limits.host_calls,
            hooks: Hooks::default(),
            record: Mutex::default(),
        }
    }

    /// Those of a guest that runs for nobody: the first one ends it, whichever it is.
    pub(crate) fn of_nobody() -> Self {
        let context = Context {
            organization: None,
            caller: Principal::System,
            permissions: Permissions::empty(),
            request_id: String::new(),
            now: 0,
        };
        Self {
            host: None,
            call: Call::new(Operation::Sweep, context),
            time: Duration::ZERO,
            budget: 0,
            hooks: Hooks::default(),
            record: Mutex::default(),
        }
    }

    /// The host that is asked, or why nobody is.
    fn host(&self, function: Function) -> Result<&Host, Stop> {
        let nobody = || self.begin(function, None).err().unwrap_or(Stop::HostCalls(self.budget));
        self.host.as_deref().ok_or_else(nobody)
    }

    /// The same with `interceptor` around each host call, inside those that are there.
    #[must_use]
    pub fn with_interceptor(mut self, interceptor: Arc<dyn Interceptor>) -> Self {
        self.hooks.interceptors.push(interceptor);
        self
    }

    /// The same, keeping a trace.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.hooks.recording = true;
        self
    }

    pub(crate) fn hooked(mut self, hooks: &Hooks) -> Self {
        self.hooks = hooks.clone();
        self
    }

    /// The call that these belong to.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Host calls so far, refused and cut off ones included.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.record().count
    }

    /// Takes the trace out; absent unless [`recording`](Self::recording).
    #[must_use]
    pub fn take_trace(&self) -> Option<Trace> {
        let entries = || std::mem::take(&mut self.record().entries);
        self.hooks.recording.then(|| Trace { operation: self.call.operation, entries: entries() })
    }

    /// The names of the last 16 host calls, oldest first. They are kept in any case.
    #[must_use]
    pub fn tail(&self) -> Vec<Function> {
        let record = self.record();
        let oldest = record.count as usize % TAIL;
        let (later, earlier) = record.tail.split_at(oldest);
        earlier.iter().chain(later).copied().flatten().collect()
    }

    /// Tells how much fuel the guest has left, right before it calls the host.
    pub(crate) fn meter(&self, left: u64) {
        let mut record = self.record();
        let before = record.fuel.map_or(left, |(_, now)| now);
        record.fuel = Some((before, left));
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a host call and opens its entry; the answer is the entry's place.
    fn begin(&self, function: Function, arguments: Option<Value>) -> Result<usize, Stop> {
        let mut record = self.record();
        let newest = record.count as usize % TAIL;
        if let Some(place) = record.tail.get_mut(newest) {
            *place = Some(function);
        }
        record.count = record.count.saturating_add(1);
        if record.count > self.budget {
            return Err(Stop::HostCalls(self.budget));
        }
        if let Some(mut arguments) = arguments {
            redact(&mut arguments);
            let bytes = arguments.to_string().len();
            let (index, fuel) = (record.count, record.fuel.map(|(before, now)| before.saturating_sub(now)));
            let outcome = Value::Null;
            record.entries.push(Entry { index, function, arguments, outcome, fuel, bytes, fault: None });
        }
        Ok(record.entries.len().saturating_sub(1))
    }

    fn finish(&self, entry: usize, fault: Option<&Fault>, outcome: Option<Value>) {
        if let Some(entry) = self.record().entries.get_mut(entry) {
            entry.fault = fault.map(|fault| format!("{fault:?}"));
            if let Some(mut outcome) = outcome {
                redact(&mut outcome);
                entry.bytes = entry.bytes.saturating_add(outcome.to_string().len());
                entry.outcome = outcome;
            }
        }
    }

    /// One host call with everything that stands around it. `items` is how many the answer has, where
    /// they can fail by themselves. `conflict` is the answer to [`Fault::Conflict`], where the function has
    /// one of its own.
    async fn ask<R: Answer>(
        &self,
        function: Function,
        arguments: Option<Value>,
        items: usize,
        host: impl Future<Output = R> + Send,
        conflict: impl Future<Output = Option<R>> + Send,
    ) -> Result<R, Stop> {
        let entry = self.begin(function, arguments)?;
        let mut fault = None;
        for interceptor in &self.hooks.interceptors {
            let asked = interceptor.before(&self.call, function).await;
            fault = fault.or(asked);
        }
        let answer = self.answer(function, fault.as_ref(), items, host, conflict).await;
        for interceptor in &self.hooks.interceptors {
            interceptor.after(&self.call, function).await;
        }
        if self.hooks.recording {
            self.finish(entry, fault.as_ref(), answer.as_ref().ok().map(Answer::shown));
        }
        answer
    }

    async fn answer<R: Answer>(
        &self,
        function: Function,
        fault: Option<&Fault>,
        items: usize,
        host: impl Future<Output = R> + Send,
        conflict: impl Future<Output = Option<R>> + Send,
    ) -> Result<R, Stop> {
        let unavailable = || R::failed(HostError::Unavailable(None));
        let here = self.call.context.organization.as_deref().unwrap_or("injected");
        let made = |answer: Option<Value>| {
            answer.and_then(|answer| serde_json::from_value(answer).ok()).unwrap_or_else(unavailable)
        };
        let honest = async {
            let answer = within(self.time, host).await;
            answer.unwrap_or_else(|| R::failed(silence(function)))
        };
        Ok(match fault {
            None => honest.await,
            Some(Fault::FailBefore | Fault::Full) => unavailable(),
            Some(Fault::FailAfter) => {
                honest.await;
                R::failed(HostError::OutcomeUnknown)
            }
            Some(Fault::Timeout) => {
                sleep(self.time).await;
                R::failed(silence(function))
            }
            Some(Fault::Late(time)) => {
                let answer = honest.await;
                let on_time = within(self.time, sleep(*time)).await.is_some();
                if on_time { answer } else { R::failed(silence(function)) }
            }
            Some(Fault::Conflict) => within(self.time, conflict).await.flatten().unwrap_or_else(unavailable),
            Some(Fault::Throttled(time)) => R::failed(HostError::Throttled(milliseconds(*time))),
            Some(Fault::Denied) => R::failed(HostError::Denied("injected".to_owned())),
            Some(Fault::Error(case)) => made(function.failing(*case, here)),
            Some(Fault::ItemError(case)) => made(function.failing_items(*case, here, items)),
            Some(Fault::CrashBefore) => return Err(Stop::Crash(function)),
            Some(Fault::CrashAfter) => {
                honest.await;
                return Err(Stop::Crash(function));
            }
            Some(Fault::Hostile(lie)) => {
                let answer = serde_json::to_value(honest.await).unwrap_or_default();
                serde_json::from_value(lie(answer)).map_err(|error| Stop::Lie(function, error.to_string()))?
            }
        })
    }

    /// `storage.transition`
    ///
    /// # Errors
    ///
    /// See [`Stop`].
    pub async fn storage_transition(
        &self,
        key: InvitationKey,
        guard: Guard,
        change: Change,
    ) -> Result<Result<Transitioned, StoreError>, Stop> {
        let arguments = self.hooks.recording.then(|| json!({ "key": key, "guard": guard, "change": change }));
        let wanted = key.clone();
        let asked = self.host(Function::StorageTransition)?;
        let conflict = async {
            let row = asked.storage.get(&self.call, wanted).await;
            row.ok().map(|row| Ok(Transitioned { applied: false, row }))
        };
        let host = asked.storage.transition(&self.call, key, guard, change);
        self.ask(Function::StorageTransition, arguments, 0, host, conflict).await
    }

    /// `random.get-random-bytes`. More than 64 KiB is answered with no bytes at all.
    ///
    /// # Errors
    ///
    /// See [`Stop`].
    pub async fn random_get_random_bytes(&self, len: u64) -> Result<Vec<u8>, Stop> {
        let arguments = self.hooks.recording.then(|| json!({ "len": len }));
        let asked = self.host(Function::RandomGetRandomBytes)?;
        let length = usize::try_from(len).ok().filter(|_| len <= RANDOM_MAX);
        let host = async { length.map_or_else(Vec::new, |length| asked.random.bytes(length)) };
        self.ask(Function::RandomGetRandomBytes, arguments, 0, host, ready(None)).await
    }
}

macro_rules! methods {
    (@one plain $($function:tt)*) => {
        methods!(@with (0) $($function)*);
    };
    (@one [$($list:tt)*] $($function:tt)*) => {
        methods!(@with ($($list)*.len()) $($function)*);
    };
    (@one special $($rest:tt)*) => {};
    (@with ($items:expr) $interface:ident $variant:ident $name:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty) => {
        #[doc = concat!("`", stringify!($interface), ".", $wit, "`")]
        ///
        /// # Errors
        ///
        /// See [`Stop`].
        #[allow(clippy::too_many_arguments, reason = "the contract's")]
        pub async fn $name(&self, $($arg: $ty),*) -> Result<$ret, Stop> {
            let arguments = self.hooks.recording.then(|| {
                let named = [$((stringify!($arg).to_owned(), serde_json::to_value(&$arg).unwrap_or_default())),*];
                Value::Object(Map::from_iter(named))
            });
            let items = $items;
            let host = self.host(Function::$variant)?.$interface.$method(&self.call, $($arg),*);
            self.ask(Function::$variant, arguments, items, host, ready(None)).await
        }
    };
    ($($interface:ident $id:literal { $($how:tt $kind:ident $variant:ident $name:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty;)* })*) => {
        impl HostCalls {
            $($(methods!(@one $how $interface $variant $name $method $wit ( $($arg: $ty),* ) -> $ret);)*)*
        }
    };
}
with_imports!(methods);

/// Waits for `future` at most this long. One that is ready at once, as most host calls in tests and
/// many in production are, needs no timer (and no runtime).
pub(crate) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(value) => Some(value),
        Poll::Pending => timeout(time, future).await.ok(),
    }
}

/// What is known when there was no answer in time.
fn silence(function: Function) -> HostError {
    if function.is_effect() { HostError::OutcomeUnknown } else { HostError::Unavailable(None) }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An answer of a host function, which can also say that the host failed.
trait Answer: Serialize + DeserializeOwned + Send {
    fn failed(error: HostError) -> Self;

    /// As the trace shows it.
    fn shown(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// An error of the contract that has a place for failures of the host.
trait HostFailure: Serialize + DeserializeOwned + Send {
    fn host(error: HostError) -> Self;
}

impl HostFailure for HostError {
    fn host(error: HostError) -> Self {
        error
    }
}

impl HostFailure for PolicyError {
    fn host(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl HostFailure for LookupError {
    fn host(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl HostFailure for StoreError {
    fn host(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl<T: Serialize + DeserializeOwned + Send, E: HostFailure> Answer for Result<T, E> {
    fn failed(error: HostError) -> Self {
        Err(E::host(error))
    }
}

/// Entropy: another length than asked for is its only failure, and its content is nobody's business.
impl Answer for Vec<u8> {
    fn failed(_: HostError) -> Self {
        Self::new()
    }

    fn shown(&self) -> Value {
        json!({ "length": self.len() })
    }
}
