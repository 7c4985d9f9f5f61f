//! One instance of a component, made for nobody, before it is let in.
//!
//! The engine compares the types of imports when it links, but those of exports only on an instance;
//! and what a component does at its start cannot be read off its types. So one is made as a call would
//! make it, with the same linker, under limits of its own, and without a host: the first host call ends
//! it. Nothing of it is kept.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use wasmtime::{
    Store,
    component::{Component, Instance, InstancePre},
};

use super::AdmissionProblem;
use crate::{
    Engine, HostCalls, Limits, Metering, Reason,
    engine::Parts,
    lending::{Loans, PolicyLimits, PolicyState},
    sandbox::{HostState, MemoryMeter, link},
};
use guestlist_contract::{Extension, ExtensionPre, TenantPolicy, TenantPolicyPre};

/// A call makes its instance within its own time and fuel: what needs more than this is of no use.
const TIME: Duration = Duration::from_secs(1);
/// The most bytes that it may hand over meanwhile: nothing that an honest start has reason to.
const BYTES: usize = 1 << 20;
const FUEL: u64 = 100_000_000;

pub(super) fn extension(
    engine: &Engine,
    component: &Component,
) -> Result<ExtensionPre<HostState>, AdmissionProblem> {
    let linked = link(engine.wasmtime()).and_then(|linker| linker.instantiate_pre(component));
    let extension = linked.and_then(ExtensionPre::new).map_err(mismatch)?;
    let limits = limits(engine, Limits::default().memory);
    let calls = Arc::new(HostCalls::of_nobody());
    let memory = MemoryMeter::new(limits.memory, Parts::PLUGIN);
    let metered = engine.metering() == Metering::Fuel;
    let mut store = Store::new(engine.wasmtime(), HostState { calls: calls.clone(), memory, metered });
    store.limiter(|state| &mut state.memory);
    let made = make(engine, &limits, &mut store, extension.instance_pre())?;
    let instance = made.map_err(|error| start(error, &limits, &store.data().memory, Some(&calls)))?;
    Extension::new(&mut store, &instance).map_err(mismatch)?;
    Ok(extension)
}

pub(super) fn policy(
    engine: &Engine,
    component: &Component,
    loans: &Loans,
    limits: &PolicyLimits,
) -> Result<TenantPolicyPre<PolicyState>, AdmissionProblem> {
    let linked = loans.link(engine.wasmtime()).and_then(|linker| linker.instantiate_pre(component));
    let policy = linked.and_then(TenantPolicyPre::new).map_err(mismatch)?;
    let limits = self::limits(engine, limits.memory);
    let mut store = Store::new(engine.wasmtime(), PolicyState::new(limits.memory, None));
    store.limiter(|state| &mut state.memory);
    let made = make(engine, &limits, &mut store, policy.instance_pre())?;
    let instance = made.map_err(|error| start(error, &limits, &store.data().memory, None))?;
    TenantPolicy::new(&mut store, &instance).map_err(mismatch)?;
    Ok(policy)
}

fn mismatch(error: wasmtime::Error) -> AdmissionProblem {
    AdmissionProblem::Mismatch(format!("{error:#}"))
}

/// `memory` is what a call has, unless it is told otherwise.
fn limits(engine: &Engine, memory: usize) -> Limits {
    let limits = Limits::default().time(TIME).fuel(Some(FUEL)).memory(memory.min(engine.memory()));
    limits.host_calls(0).host_call_bytes(BYTES)
}

/// The error of the instance is absent where it takes too long.
fn make<T: Send>(
    engine: &Engine,
    limits: &Limits,
    store: &mut Store<T>,
    instance: &InstancePre<T>,
) -> Result<Result<Instance, Option<wasmtime::Error>>, AdmissionProblem> {
    let _turn = engine.trial();
    engine.arm(store, limits).map_err(mismatch)?;
    Ok(wait(TIME, instance.instantiate_async(store)).ok_or(None).and_then(|made| made.map_err(Some)))
}

fn start(
    error: Option<wasmtime::Error>,
    limits: &Limits,
    memory: &MemoryMeter,
    calls: Option<&HostCalls>,
) -> AdmissionProblem {
    let reason = error.map_or(Reason::Deadline(TIME), |error| Reason::of(&error, limits, memory.refused));
    let called = calls.and_then(|calls| calls.tail().first().copied());
    AdmissionProblem::Start(match (reason, called) {
        (Reason::HostCalls(_), Some(first)) => {
            format!("it calls `{first}` before anybody has called it")
        }
        (reason, _) => reason.in_short(),
    })
}

/// Waits without a runtime: with the host out of reach nothing but the guest itself is ever waited
/// for, which gives the thread back from time to time.
fn wait<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    let started = Instant::now();
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if started.elapsed() >= time {
            return None;
        }
    }
}
