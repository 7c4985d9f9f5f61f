//! The one place through which every host call passes.
//!
//! Whoever calls the host, the sandboxed plugin or the same logic running natively in a test, goes
//! through [`HostCalls`]. It counts against the budget, keeps the time-out and
//! writes the trace; then the host answers, or the [`Layer`] that a test has put around it.

use std::{
    any::Any,
    future::{Future, poll_fn, ready},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::{
    Limits, Trace,
    trace::{Entry, redact},
};
use guestlist_contract::{
    ErrorCase, Failed, Function,
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
    /// A [`Layer`] has let the instance be lost.
    #[error("an injected crash at {0}")]
    Crash(Function),
    /// A [`Layer`] has made an answer that the function cannot give.
    #[error("the changed answer of {0} is none of its answers: {1}")]
    Lie(Function, String),
}

/// Stands around every host call of a session: to let the host fail on purpose, to decide which of several
/// running calls goes on next. Production has none, and its calls go straight to the host.
///
/// Time that is spent here counts against the call as a whole, not against the host call.
#[async_trait]
pub trait Layer: Any + Send + Sync {
    /// Lets a host call happen, or something else. The result names for the trace what was done instead of an
    /// honest call. A layer that neither asks nor answers leaves the guest without an answer in time.
    async fn around(&self, call: &Call, function: Function, host: &mut dyn HostCall) -> Option<String>;
}

/// A host call in the hands of a [`Layer`].
#[async_trait]
pub trait HostCall: Send {
    /// Asks the host, within the time of a host call, and keeps its answer. A second time does nothing.
    async fn ask(&mut self);

    /// Leaves everything as it is, and answers as where somebody else was faster; `unavailable` where the
    /// function has no such answer.
    async fn lose(&mut self);

    /// Answers with a failure of the host; `random`, which has none, with no bytes.
    fn fail(&mut self, error: HostError);

    /// Answers as where the host did not within its time.
    fn time_out(&mut self);

    /// Ends the guest.
    fn stop(&mut self, stop: Stop);

    /// The answer so far as JSON; null where there is none.
    fn answer(&self) -> Value;

    /// Answers with this.
    ///
    /// # Errors
    /// It is no answer of the function; the one before stays.
    fn set_answer(&mut self, answer: Value) -> Result<(), serde_json::Error>;

    /// The number of items in the answer, where they can fail by themselves.
    fn items(&self) -> usize;

    /// The time of a host call.
    fn time(&self) -> Duration;
}

/// What stands around the host calls of a session.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) layer: Option<Arc<dyn Layer>>,
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

    /// The same with this layer around each host call.
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

    fn finish(&self, entry: usize, fault: Option<String>, outcome: Option<Value>) {
        if let Some(entry) = self.record().entries.get_mut(entry) {
            entry.fault = fault;
            if let Some(mut outcome) = outcome {
                redact(&mut outcome);
                entry.bytes = entry.bytes.saturating_add(outcome.to_string().len());
                entry.outcome = outcome;
            }
        }
    }

    /// One host call with everything that stands around it. `items` is how many the answer has, where
    /// they can fail by themselves. `conflict` is the answer where somebody else was faster, where the
    /// function has one of its own.
    async fn ask<R: Answer>(
        &self,
        function: Function,
        arguments: Option<Value>,
        items: usize,
        host: impl Future<Output = R> + Send,
        conflict: impl Future<Output = Option<R>> + Send,
        failed_items: impl Fn(&R) -> Vec<ErrorCase> + Send,
    ) -> Result<R, Stop> {
        let entry = self.begin(function, arguments)?;
        let mut answered = true;
        let (answer, fault) = match &self.hooks.layer {
            None => {
                let answer = within(self.time, host).await;
                answered = answer.is_some();
                if !answered {
                    self.tell(function, Heard::Nothing);
                }
                (Ok(answer.unwrap_or_else(|| silent(function))), None)
            }
            Some(layer) => {
                let time = self.time;
                let (host, conflict) = (pin!(host), pin!(conflict));
                let mut held = Held { function, time, items, host: Some(host), conflict, answer: None };
                let fault = layer.around(&self.call, function, &mut held).await;
                (held.answer.unwrap_or_else(|| Ok(silent(function))), fault)
            }
        };
        if let (Ok(answer), true) = (&answer, answered) {
            if let Some(case) = answer.failure() {
                self.tell(function, Heard::Failure(case));
            }
            let items = failed_items(answer);
            // The worst of them speaks for all.
            if let Some(case) = items.iter().max_by_key(|case| case.is_trouble()) {
                self.tell(function, Heard::Items(*case, items.len()));
            }
        }
        if self.hooks.recording {
            self.finish(entry, fault, answer.as_ref().ok().map(Answer::shown));
        }
        answer
    }

    /// Writes to the log that a host call failed: what it was, and no word of what was asked or answered.
    fn tell(&self, function: Function, heard: Heard) {
        let context = &self.call.context;
        macro_rules! event {
            ($level:ident, $outcome:expr, $items:expr, $text:literal) => {
                tracing::$level!(
                    operation = self.call.operation.name(),
                    organization = context.organization.as_deref(),
                    request_id = context.request_id.as_str(),
                    function = function.name(),
                    outcome = $outcome,
                    items = $items,
                    $text
                )
            };
        }
        let none: Option<u64> = None;
        match heard {
            Heard::Nothing => {
                event!(warn, silence(function).case().name(), none, "the host did not answer in time")
            }
            Heard::Failure(case) if case.is_trouble() => {
                event!(warn, case.name(), none, "a host call failed")
            }
            Heard::Failure(case) => event!(debug, case.name(), none, "a host call was refused"),
            Heard::Items(case, count) if case.is_trouble() => {
                event!(warn, case.name(), count, "items of a host call failed");
            }
            Heard::Items(case, count) => {
                event!(debug, case.name(), count, "items of a host call were refused")
            }
        }
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
        self.ask(Function::StorageTransition, arguments, 0, host, conflict, |_| Vec::new()).await
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
        self.ask(Function::RandomGetRandomBytes, arguments, 0, host, ready(None), |_| Vec::new()).await
    }
}

macro_rules! methods {
    (@one plain $($function:tt)*) => {
        methods!(@with (0) (|_| Vec::new()) $($function)*);
    };
    (@one [$($list:tt)*] $($function:tt)*) => {
        methods!(@with ($($list)*.len()) (failed_items) $($function)*);
    };
    (@one special $($rest:tt)*) => {};
    (@with ($items:expr) ($failed:expr) $interface:ident $variant:ident $name:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty) => {
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
            self.ask(Function::$variant, arguments, items, host, ready(None), $failed).await
        }
    };
    ($($interface:ident $id:literal { $($how:tt $kind:ident $variant:ident $name:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty;)* })*) => {
        impl HostCalls {
            $($(methods!(@one $how $interface $variant $name $method $wit ( $($arg: $ty),* ) -> $ret);)*)*
        }
    };
}
with_imports!(methods);

/// The items of an answer that failed by themselves.
fn failed_items<T, I: Failed, E>(answer: &Result<Vec<Result<T, I>>, E>) -> Vec<ErrorCase> {
    answer.iter().flatten().filter_map(|item| item.as_ref().err()).map(Failed::case).collect()
}

/// Failure of a host call.
enum Heard {
    /// No answer in time.
    Nothing,
    Failure(ErrorCase),
    /// Items of its answer, so many of them.
    Items(ErrorCase, usize),
}

/// Waits for `future` at most this long. One that is ready at once, as most host calls in tests and
/// many in production are, needs no timer (and no runtime).
pub(crate) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(value) => Some(value),
        Poll::Pending => timeout(time, future).await.ok(),
    }
}

/// A host call that waits for what its layer makes of it.
struct Held<'a, R, H, C> {
    function: Function,
    time: Duration,
    items: usize,
    host: Option<Pin<&'a mut H>>,
    conflict: Pin<&'a mut C>,
    answer: Option<Result<R, Stop>>,
}

#[async_trait]
impl<R, H, C> HostCall for Held<'_, R, H, C>
where
    R: Answer,
    H: Future<Output = R> + Send,
    C: Future<Output = Option<R>> + Send,
{
    async fn ask(&mut self) {
        if let Some(host) = self.host.take() {
            let answer = within(self.time, host).await;
            self.answer = Some(Ok(answer.unwrap_or_else(|| silent(self.function))));
        }
    }

    async fn lose(&mut self) {
        let lost = within(self.time, self.conflict.as_mut()).await.flatten();
        self.answer = Some(Ok(lost.unwrap_or_else(|| R::failed(HostError::Unavailable(None)))));
    }

    fn fail(&mut self, error: HostError) {
        self.answer = Some(Ok(R::failed(error)));
    }

    fn time_out(&mut self) {
        self.answer = Some(Ok(silent(self.function)));
    }

    fn stop(&mut self, stop: Stop) {
        self.answer = Some(Err(stop));
    }

    fn answer(&self) -> Value {
        let answer = self.answer.as_ref().and_then(|answer| answer.as_ref().ok());
        answer.and_then(|answer| serde_json::to_value(answer).ok()).unwrap_or_default()
    }

    fn set_answer(&mut self, answer: Value) -> Result<(), serde_json::Error> {
        self.answer = Some(Ok(serde_json::from_value(answer)?));
        Ok(())
    }

    fn items(&self) -> usize {
        self.items
    }

    fn time(&self) -> Duration {
        self.time
    }
}

/// The answer where there was none in time.
fn silent<R: Answer>(function: Function) -> R {
    R::failed(silence(function))
}

/// What is known when there was no answer in time.
fn silence(function: Function) -> HostError {
    if function.is_effect() { HostError::OutcomeUnknown } else { HostError::Unavailable(None) }
}

/// An answer of a host function, which can also say that the host failed.
trait Answer: Serialize + DeserializeOwned + Send {
    fn failed(error: HostError) -> Self;

    /// The failure that it is.
    fn failure(&self) -> Option<ErrorCase>;

    /// As the trace shows it.
    fn shown(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl<
    T: Serialize + DeserializeOwned + Send,
    E: Failed + From<HostError> + Serialize + DeserializeOwned + Send,
> Answer for Result<T, E>
{
    fn failed(error: HostError) -> Self {
        Err(E::from(error))
    }

    fn failure(&self) -> Option<ErrorCase> {
        self.as_ref().err().map(Failed::case)
    }
}

/// Entropy: another length than asked for is its only failure, and its content is nobody's business.
impl Answer for Vec<u8> {
    fn failed(_: HostError) -> Self {
        Self::new()
    }

    fn failure(&self) -> Option<ErrorCase> {
        None
    }

    fn shown(&self) -> Value {
        json!({ "length": self.len() })
    }
}
