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

use wasmtime::{Store, component::Component};

use super::Problem;
use crate::{
    Engine, HostCalls, Limits, Metering, Reason,
    contract::{Extension, ExtensionPre, types::Principal},
    host::Operation,
    memory::MemoryHost,
    sandbox::{HostState, MemoryMeter, link},
};

/// A call makes its instance within its own time and fuel: what needs more than this is of no use.
const TIME: Duration = Duration::from_secs(1);
/// What it may hand over meanwhile: nothing that an honest start has reason to.
const BYTES: usize = 1 << 20;
const FUEL: u64 = 100_000_000;

pub(super) fn run(engine: &Engine, component: &Component) -> Result<ExtensionPre<HostState>, Problem> {
    let mismatch = |error: wasmtime::Error| Problem::Mismatch(format!("{error:#}"));
    let linked = link(engine.wasmtime()).and_then(|linker| linker.instantiate_pre(component));
    let extension = linked.and_then(ExtensionPre::new).map_err(mismatch)?;

    let limits = Limits::default().time(TIME).fuel(Some(FUEL)).memory(engine.memory());
    let limits = limits.host_calls(0).host_call_bytes(BYTES);
    let calls = Arc::new(nobodys(&limits));
    let memory = MemoryMeter::new(limits.memory);
    let metered = engine.metering() == Metering::Fuel;
    let _turn = engine.trial();
    let mut store = Store::new(engine.wasmtime(), HostState { calls: calls.clone(), memory, metered });
    store.limiter(|state| &mut state.memory);
    engine.arm(&mut store, &limits).map_err(mismatch)?;
    let made = wait(TIME, extension.instance_pre().instantiate_async(&mut store));
    let reason = match made {
        Some(Ok(instance)) => {
            Extension::new(&mut store, &instance).map_err(mismatch)?;
            return Ok(extension);
        }
        Some(Err(error)) => Reason::of(&error, &limits, store.data().memory.refused),
        None => Reason::Deadline(TIME),
    };
    Err(Problem::Start(words(reason, &calls)))
}

fn nobodys(limits: &Limits) -> HostCalls {
    let host = Arc::new(MemoryHost::default());
    let call = host.call(Operation::Sweep, None, Principal::System);
    HostCalls::new(Arc::new(host.host()), call, limits)
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

fn words(reason: Reason, calls: &HostCalls) -> String {
    match reason {
        Reason::Deadline(time) => format!("it takes longer than {} ms", time.as_millis()),
        Reason::OutOfFuel(fuel) => format!("it uses more than {fuel} units of fuel"),
        Reason::Memory(bytes) => format!("it needs more than {bytes} bytes of memory"),
        Reason::HostCalls(_) => {
            let first = calls.tail().first().map(ToString::to_string).unwrap_or_default();
            format!("it calls `{first}` before anybody has called it")
        }
        Reason::StackOverflow => "its stack overflows".to_owned(),
        Reason::Panicked => "it panics".to_owned(),
        Reason::HostCallBytes(bytes) => format!("it hands over more than {bytes} bytes at once"),
        Reason::Injected(_) => reason.to_string(),
        Reason::Other(cause) => cause,
    }
}
