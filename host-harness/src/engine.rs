//! The compiler and the pool of instances that all plugins of a process share.
//!
//! One engine serves every tenant: what keeps them apart is that each call has a store of its own,
//! with that call's host and context beside it. Two things stop a guest that does not end. Production
//! meters by epoch, a counter that a background thread moves on: cheap, and as exact as the thread's
//! tick. Tests and budgets meter by fuel, which is the same number on every machine.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline,
    component::Component,
};

use crate::{CompileCache, Limits, calls::Stop};

/// Interval at which the background thread moves the epoch. A deadline is at most one tick late, and one
/// instruction: one that fills or copies a whole memory takes some milliseconds for each 16 MiB.
const TICK: Duration = Duration::from_millis(5);

/// A guest that computes gives the thread back after so many ticks, so that other calls go on; and only
/// then its deadline is looked at.
const YIELD_AFTER_TICKS: u64 = 1;

/// The same for metering by fuel: about a millisecond of work.
const YIELD_AFTER_FUEL: u64 = 1_000_000;

/// Policies at work at the same time. They only compute, so a few times the number of processors is
/// plenty; and their places are their own, because a call of the plugin keeps its place while it waits
/// for a policy.
const POLICIES: u32 = 64;

/// The most of these that one organization has: its loops leave places for the others.
const POLICIES_OF_ONE: usize = 8;

/// The share that the instances of one component may have of what the pool offers to all. Without it a single
/// component could take the places of many calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// Core instances; and tables.
    pub(crate) modules: u32,
    /// Linear memories, which [`Limits::memory`] bounds together.
    pub(crate) memories: u32,
}

impl Parts {
    /// Beside the plugin's own module there are a few tiny ones that join it to its imports.
    pub(crate) const PLUGIN: Self = Self { modules: 8, memories: 1 };
    /// A Python interpreter with its standard library has 38 modules, and what gives it its surroundings
    /// may have a memory of its own.
    pub(crate) const POLICY: Self = Self { modules: 64, memories: 4 };
}

/// Handles of resources at the same time. The contract lends none; those that a guest makes for itself lie
/// in the host's memory.
const HANDLES: usize = 10_000;

/// The way in which a guest that does not end is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metering {
    /// Stops by the wall clock only. For production.
    #[default]
    Epoch,
    /// Stops by counting what the guest executes, and by the wall clock. Deterministic, and somewhat slower.
    /// For tests, budgets and traces.
    Fuel,
}

/// Decides whether instances are taken from a pool that is reserved in advance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// Takes them from a pool where the address space allows it; else memory is mapped for each instance.
    #[default]
    Auto,
    /// Memory is mapped for each instance.
    Never,
}

/// Options to make an [`Engine`] with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Default: [`Metering::Epoch`].
    pub metering: Metering,
    /// Default: [`Pooling::Auto`].
    pub pooling: Pooling,
    /// Instances at the same time, kept ones included. Further calls wait, within their
    /// [`Limits::time`]. At most 64 policies have places beside these. Default: 1000, at most 4 GiB of
    /// ADDRESS space each.
    pub instances: u32,
    /// The largest linear memory of one instance, in bytes; [`Limits::memory`] and
    /// [`PolicyLimits::memory`](crate::policy::PolicyLimits::memory) can only lower it. It is reserved as
    /// ADDRESS space alone. Default: 64 MiB, which script engines in policies start in.
    pub memory: usize,
    /// The place where compiled components are kept, for programs that start often. Default: none; a host
    /// that loads its policies once has no use for it.
    pub cache: Option<CompileCache>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let (metering, pooling, cache) = (Metering::Epoch, Pooling::Auto, None);
        Self { metering, pooling, instances: 1000, memory: 64 << 20, cache }
    }
}

impl EngineOptions {
    /// The defaults with [`Metering::Fuel`].
    #[must_use]
    pub fn fuel() -> Self {
        Self { metering: Metering::Fuel, ..Self::default() }
    }

    /// The same options with another pooling.
    #[must_use]
    pub fn pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = pooling;
        self
    }

    /// The same options for another number of instances at the same time; at least 1.
    #[must_use]
    pub fn instances(mut self, instances: u32) -> Self {
        self.instances = instances.max(1);
        self
    }

    /// The same options with another largest memory, in bytes.
    #[must_use]
    pub fn memory(mut self, memory: usize) -> Self {
        self.memory = memory;
        self
    }

    /// The same options with a cache of compiled components, or without.
    #[must_use]
    pub fn cache(mut self, cache: Option<CompileCache>) -> Self {
        self.cache = cache;
        self
    }
}

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine does not start on this machine: {0}; try `Pooling::Never`")]
pub struct EngineError(String);

/// Compiles plugins and runs them. Cloning it shares it.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: wasmtime::Engine,
    metering: Metering,
    pooled: bool,
    slots: Arc<Semaphore>,
    policy_slots: Arc<Semaphore>,
    /// Places by organization, while somebody has one or waits for one.
    own_slots: Arc<Mutex<HashMap<String, Weak<Semaphore>>>>,
    memory: usize,
    trial: Arc<Mutex<()>>,
    cache: Option<CompileCache>,
}

impl Engine {
    /// An engine with `options`. Make one for each process: it owns the pool and, when it meters by
    /// epoch, a thread that ends with it.
    ///
    /// # Errors
    ///
    /// When the machine cannot run WebAssembly at all (no executable memory, an unknown processor).
    pub fn new(options: &EngineOptions) -> Result<Self, EngineError> {
        let started = match options.pooling {
            // Whether the reservation fits is known only by trying: it depends on limits of the process.
            Pooling::Auto => match wasmtime::Engine::new(&config(options, true)) {
                Ok(engine) => Ok((engine, true)),
                Err(_) => wasmtime::Engine::new(&config(options, false)).map(|engine| (engine, false)),
            },
            Pooling::Never => wasmtime::Engine::new(&config(options, false)).map(|engine| (engine, false)),
        };
        let (inner, pooled) = started.map_err(|error| EngineError(format!("{error:#}")))?;
        if options.metering == Metering::Epoch {
            tick(&inner)?;
        }
        let slots = Arc::new(Semaphore::new(options.instances.max(1) as usize));
        let policy_slots = Arc::new(Semaphore::new(POLICIES as usize));
        let (metering, memory) = (options.metering, options.memory);
        let (own_slots, trial, cache) = (Arc::default(), Arc::default(), options.cache.clone());
        Ok(Self { inner, metering, pooled, slots, policy_slots, own_slots, memory, trial, cache })
    }

    /// Tells whether instances come from a pool: [`Pooling::Auto`] may have found that none fits.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// The way in which guests are stopped.
    #[must_use]
    pub fn metering(&self) -> Metering {
        self.metering
    }

    /// The engine underneath, to run other components from the same pool. Their stores need a deadline,
    /// or they trap at once.
    #[must_use]
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Tells whether to load a component takes long, because it has to be compiled: some seconds for each 4
    /// MB.
    #[must_use]
    pub fn has_to_compile(&self, bytes: &[u8]) -> bool {
        match &self.cache {
            Some(cache) => !cache.is_fast(&self.inner, bytes),
            None => true,
        }
    }

    /// Compiles a component, or reads what it was compiled to before.
    pub(crate) fn compile(&self, bytes: &[u8]) -> wasmtime::Result<Component> {
        match &self.cache {
            Some(cache) => cache.component(&self.inner, bytes),
            None => Component::from_binary(&self.inner, bytes),
        }
    }

    /// Waits until one more instance fits.
    pub(crate) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().acquire_owned().await.ok()
    }

    /// Waits until one more instance of a policy fits.
    pub(crate) async fn policy_slot(&self) -> Option<OwnedSemaphorePermit> {
        self.policy_slots.clone().acquire_owned().await.ok()
    }

    /// Waits until one more fits among those of its organization.
    pub(crate) async fn own_policy_slot(&self, organization: &str) -> Option<OwnedSemaphorePermit> {
        self.own_slots(organization).acquire_owned().await.ok()
    }

    fn own_slots(&self, organization: &str) -> Arc<Semaphore> {
        let mut all = self.own_slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = all.get(organization).and_then(Weak::upgrade) {
            return slots;
        }
        all.retain(|_, slots| slots.strong_count() > 0);
        let slots = Arc::new(Semaphore::new(POLICIES_OF_ONE));
        all.insert(organization.to_owned(), Arc::downgrade(&slots));
        slots
    }

    /// The largest linear memory that an instance can have.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// The turn to make an instance that serves no call: one at a time, beside those that are counted.
    pub(crate) fn trial(&self) -> MutexGuard<'_, ()> {
        self.trial.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a store what one call may use, counted from now.
    pub(crate) fn arm<T: 'static>(&self, store: &mut Store<T>, limits: &Limits) -> wasmtime::Result<()> {
        store.set_hostcall_fuel(limits.host_call_bytes);
        store.set_max_component_handles(HANDLES);
        match self.metering {
            Metering::Fuel => {
                store.set_fuel(limits.fuel.unwrap_or(u64::MAX))?;
                store.fuel_async_yield_interval(Some(YIELD_AFTER_FUEL))?;
            }
            Metering::Epoch => {
                let time = limits.time;
                let started = Instant::now();
                store.set_epoch_deadline(YIELD_AFTER_TICKS);
                store.epoch_deadline_callback(move |_| {
                    if started.elapsed() >= time {
                        return Err(Stop::Deadline.into());
                    }
                    Ok(UpdateDeadline::Yield(YIELD_AFTER_TICKS))
                });
            }
        }
        Ok(())
    }
}

fn config(options: &EngineOptions, pooled: bool) -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true).concurrency_support(false);
    // What no guest of ours needs is refused when it is loaded: less to trust in the compiler.
    config.wasm_relaxed_simd(false).wasm_simd(false).wasm_memory64(false).wasm_multi_memory(false);
    config.wasm_tail_call(false).wasm_wide_arithmetic(false);
    // Half a MiB for the guest, the rest of the stack for host functions that run on it.
    config.max_wasm_stack(512 << 10).async_stack_size(2 << 20);
    match options.metering {
        Metering::Fuel => config.consume_fuel(true),
        Metering::Epoch => config.epoch_interruption(true),
    };
    if pooled {
        // One more, so that a component can be loaded while all others are at work.
        let (plugins, policies) = (options.instances.max(1), POLICIES + 1);
        let count = plugins.saturating_add(policies);
        let all = |plugin: u32, policy: u32| plugins.saturating_mul(plugin).saturating_add(policies * policy);
        let modules = all(Parts::PLUGIN.modules, Parts::POLICY.modules);
        let memories = all(Parts::PLUGIN.memories, Parts::POLICY.memories);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(count).total_stacks(count).total_memories(memories);
        pool.max_core_instances_per_component(Parts::POLICY.modules).total_core_instances(modules);
        pool.max_tables_per_component(Parts::POLICY.modules).total_tables(modules);
        pool.max_memories_per_component(Parts::POLICY.memories);
        pool.max_memory_size(options.memory);
        // Pages that the last call touched are wiped in place, which is cheaper than to give them back.
        pool.linear_memory_keep_resident(512 << 10).table_keep_resident(16 << 10).pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Starts the thread that moves the epoch. It holds the engine weakly and ends with it.
fn tick(engine: &wasmtime::Engine) -> Result<(), EngineError> {
    let engine = engine.weak();
    let ticker = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    let started = thread::Builder::new().name("guestlist-epoch".into()).spawn(ticker);
    started.map(drop).map_err(|error| EngineError(format!("no thread for the epoch: {error}")))
}
