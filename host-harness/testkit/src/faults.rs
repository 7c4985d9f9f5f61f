//! Hosts that fail, on purpose and at an exact place.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use guestlist_contract::{ErrorCase, Function, host::Call, types::HostError};
use guestlist_harness::{HostCall, HostCalls, Layer, Session, Stop};

/// Stands around every host call: to inject faults, or to decide which of several running calls goes
/// on next.
///
/// Time that is spent here counts against the call as a whole, not against the host call.
#[async_trait]
pub trait Interceptor: Send + Sync {
    /// Before the host is asked. The answer, where there is one, says what happens instead. Of several
    /// interceptors each is asked and the first fault counts.
    async fn before(&self, call: &Call, function: Function) -> Option<Fault> {
        let _ = (call, function);
        None
    }

    /// After the host has answered, before the plugin learns the answer.
    async fn after(&self, call: &Call, function: Function) {
        let _ = (call, function);
    }
}

/// Puts interceptors around the host calls of a session, or of the plugin's logic that runs natively.
pub trait Intercept: Sized {
    /// The same with `interceptor` around each host call, inside those that are there.
    #[must_use]
    fn with_interceptor(self, interceptor: Arc<dyn Interceptor>) -> Self;
}

impl Intercept for Session {
    fn with_interceptor(self, interceptor: Arc<dyn Interceptor>) -> Self {
        let layer = Interceptors::and(self.layer(), interceptor);
        self.with_layer(layer)
    }
}

impl Intercept for HostCalls {
    fn with_interceptor(self, interceptor: Arc<dyn Interceptor>) -> Self {
        let layer = Interceptors::and(self.layer(), interceptor);
        self.with_layer(layer)
    }
}

/// All interceptors of a session, outermost first.
struct Interceptors(Vec<Arc<dyn Interceptor>>);

impl Interceptors {
    fn and(there: Option<&Arc<dyn Layer>>, interceptor: Arc<dyn Interceptor>) -> Arc<dyn Layer> {
        let there = there.and_then(|layer| {
            let any: &dyn Any = &**layer;
            any.downcast_ref::<Self>()
        });
        let mut all = there.map(|there| there.0.clone()).unwrap_or_default();
        all.push(interceptor);
        Arc::new(Self(all))
    }
}

#[async_trait]
impl Layer for Interceptors {
    async fn around(&self, call: &Call, function: Function, host: &mut dyn HostCall) -> Option<String> {
        let mut fault = None;
        for interceptor in &self.0 {
            let asked = interceptor.before(call, function).await;
            fault = fault.or(asked);
        }
        match &fault {
            None => host.ask().await,
            Some(fault) => fault.happen(call, function, host).await,
        }
        for interceptor in &self.0 {
            interceptor.after(call, function).await;
        }
        fault.map(|fault| format!("{fault:?}"))
    }
}

impl Fault {
    async fn happen(&self, call: &Call, function: Function, host: &mut dyn HostCall) {
        let here = call.context.organization.as_deref().unwrap_or("injected");
        match self {
            Self::Error(case) => made(host, function.failing(*case, here)),
            Self::ItemError(case) => {
                let items = host.items();
                made(host, function.failing_items(*case, here, items));
            }
            Self::FailBefore | Self::Full => host.fail(HostError::Unavailable(None)),
            Self::FailAfter => {
                host.ask().await;
                host.fail(HostError::OutcomeUnknown);
            }
            Self::Timeout => {
                sleep(host.time()).await;
                host.time_out();
            }
            Self::Late(time) => {
                host.ask().await;
                if timeout(host.time(), sleep(*time)).await.is_err() {
                    host.time_out();
                }
            }
            Self::Conflict => host.lose().await,
            Self::Throttled(time) => {
                let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                host.fail(HostError::Throttled(time));
            }
            Self::Denied => host.fail(HostError::Denied("injected".to_owned())),
            Self::CrashBefore => host.stop(Stop::Crash(function)),
            Self::CrashAfter => {
                host.ask().await;
                host.stop(Stop::Crash(function));
            }
            Self::Hostile(lie) => {
                host.ask().await;
                if let Err(error) = host.set_answer(lie(host.answer())) {
                    host.stop(Stop::Lie(function, error.to_string()));
                }
            }
        }
    }
}

fn made(host: &mut dyn HostCall, answer: Option<Value>) {
    if answer.is_none_or(|answer| host.set_answer(answer).is_err()) {
        host.fail(HostError::Unavailable(None));
    }
}

/// Changes an answer of the host, as JSON.
pub type Lie = Arc<dyn Fn(Value) -> Value + Send + Sync>;

/// What happens instead of an honest host call. `random`, which has no errors, answers with no bytes
/// where another function would answer with a failure.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is applied; the answer is `unavailable(none)`.
    FailBefore,
    /// It is applied; the answer is `outcome-unknown`.
    FailAfter,
    /// Nothing is applied and there is no answer: the time-out of host calls fires.
    Timeout,
    /// It is applied, and answered after this time. Past the time-out of host calls it is as if there
    /// had been no answer.
    Late(Duration),
    /// `storage.transition`: nothing is applied; the answer is the row as it is, as if somebody else had
    /// been faster. Others: as `FailBefore`.
    Conflict,
    /// Nothing is applied; the answer is `throttled` with this time.
    Throttled(Duration),
    /// Nothing is applied; the instance is lost.
    CrashBefore,
    /// It is applied; the instance is lost.
    CrashAfter,
    /// Nothing is applied; the answer is `denied`.
    Denied,
    /// Nothing is applied; the answer is this error of the function ([`Function::error`]), with
    /// `injected` for a text, 1000 for a time and 1 for a limit. Where the function has no such error: as
    /// `FailBefore`.
    Error(ErrorCase),
    /// Nothing is applied; each item of the answer is this error ([`Function::item_error`]). Where the
    /// items of the function have no such error: as `FailBefore`.
    ItemError(ErrorCase),
    /// The host is out of space: nothing is applied; the answer is `unavailable(none)`.
    Full,
    /// It is applied, and what the host answers is changed. A JSON that is no answer of the function
    /// any more ends the call.
    Hostile(Lie),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailBefore => f.write_str("fail-before"),
            Self::FailAfter => f.write_str("fail-after"),
            Self::Timeout => f.write_str("timeout"),
            Self::Late(time) => write!(f, "late({} ms)", time.as_millis()),
            Self::Conflict => f.write_str("conflict"),
            Self::Throttled(time) => write!(f, "throttled({} ms)", time.as_millis()),
            Self::CrashBefore => f.write_str("crash-before"),
            Self::CrashAfter => f.write_str("crash-after"),
            Self::Denied => f.write_str("denied"),
            Self::Error(case) => write!(f, "error({case})"),
            Self::ItemError(case) => write!(f, "item-error({case})"),
            Self::Full => f.write_str("full"),
            Self::Hostile(_) => f.write_str("hostile"),
        }
    }
}

/// Where a fault strikes.
#[derive(Clone, Debug)]
pub struct FaultAt {
    /// Only calls of this function; absent: of any.
    pub function: Option<Function>,
    /// Which of the matching calls, from 1.
    pub nth: u32,
    /// All later ones too.
    pub then_on: bool,
    /// What happens.
    pub fault: Fault,
}

/// Faults at counted places. It counts from its making on, over all calls that it stands around, so
/// that one plan can strike the second of two calls. Calls one after the other are struck the same way
/// in every run.
#[derive(Debug, Default)]
pub struct FaultPlan {
    places: Vec<(FaultAt, AtomicU32)>,
}

impl FaultPlan {
    /// A plan with these faults. Where several would strike the same call the first does.
    pub fn new(places: impl IntoIterator<Item = FaultAt>) -> Self {
        Self { places: places.into_iter().map(|place| (place, AtomicU32::new(0))).collect() }
    }

    /// A plan with one fault at the `nth` call (from 1) of `function`.
    #[must_use]
    pub fn once(function: Function, nth: u32, fault: Fault) -> Self {
        Self::new([FaultAt { function: Some(function), nth, then_on: false, fault }])
    }

    /// A plan with one fault at the `nth` host call (from 1), whichever it is: with all `nth` in turn
    /// one fails every host call of an operation.
    #[must_use]
    pub fn at(nth: u32, fault: Fault) -> Self {
        Self::new([FaultAt { function: None, nth, then_on: false, fault }])
    }

    /// A plan in which `function` never works.
    #[must_use]
    pub fn always(function: Function, fault: Fault) -> Self {
        Self::new([FaultAt { function: Some(function), nth: 1, then_on: true, fault }])
    }

    /// Whether every fault had its chance: a place that was never reached is often a mistake in a
    /// test.
    #[must_use]
    pub fn spent(&self) -> bool {
        self.places.iter().all(|(place, seen)| seen.load(Ordering::SeqCst) >= place.nth)
    }

    fn strike(&self, function: Function) -> Option<Fault> {
        let mut fault = None;
        for (place, seen) in &self.places {
            if place.function.is_some_and(|only| only != function) {
                continue;
            }
            let nth = seen.fetch_add(1, Ordering::SeqCst).saturating_add(1);
            if nth == place.nth || (place.then_on && nth > place.nth) {
                fault.get_or_insert_with(|| place.fault.clone());
            }
        }
        fault
    }
}

#[async_trait]
impl Interceptor for FaultPlan {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        self.strike(function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_counts_the_calls_that_match() {
        let plan = FaultPlan::new([
            FaultAt { function: Some(Function::StorageGet), nth: 2, then_on: true, fault: Fault::Full },
            FaultAt { function: None, nth: 4, then_on: false, fault: Fault::Denied },
        ]);
        let asked =
            [Function::StorageGet, Function::SettingsGet, Function::StorageGet, Function::SettingsGet];
        let struck: Vec<_> =
            asked.map(|function| plan.strike(function).map(|fault| format!("{fault:?}"))).into();
        assert_eq!(struck, [None, None, Some("full".to_owned()), Some("denied".to_owned())]);
        assert!(plan.spent());
    }
}
