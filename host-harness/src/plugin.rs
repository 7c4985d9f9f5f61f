//! A compiled plugin, checked against the contract and ready to be instantiated by anybody.

use std::{fmt, sync::Arc};

use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::{
    Engine, LoadError, admission,
    artifacts::{BUNDLED, BUNDLED_DIGEST, BUNDLED_SYMBOLS, digest},
    sandbox::HostState,
    symbols::Symbols,
};
use guestlist_contract::host::Operation;

/// A plugin that was admitted. Cloning it shares the compiled code; instances of all tenants are made
/// from it.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    instance: InstancePre<HostState>,
    /// The place of each operation's function: a call looks up its own, and no other.
    exports: Vec<(Operation, ComponentExportIndex)>,
    digest: String,
    symbols: Symbols,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("digest", &self.inner.digest).finish_non_exhaustive()
    }
}

impl Plugin {
    /// Compiles a component and checks that it is a plugin: its imports, its exports, and that an
    /// instance can be made. Takes a few hundred milliseconds, and a second more where what runs at its
    /// start does not end: load once, not for each call, and not on a thread that others wait for.
    ///
    /// # Errors
    ///
    /// See [`LoadError`]; the message names the cause.
    pub fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        Self::load_with_symbols(engine, bytes, String::new())
    }

    /// Does the same as [`load`](Self::load), for a component that was stripped: `symbols` (a line `index
    /// name` for each function of its own module) make its backtraces readable. The build writes them as
    /// `guestlist.symbols`.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_with_symbols(engine: &Engine, bytes: &[u8], symbols: String) -> Result<Self, LoadError> {
        Self::admit(engine, bytes, digest(bytes), Symbols::new(symbols))
    }

    /// The plugin of the same version as the harness ([`BUNDLED`]).
    ///
    /// # Errors
    ///
    /// Only where it does not compile for this machine.
    pub fn bundled(engine: &Engine) -> Result<Self, LoadError> {
        Self::admit(engine, BUNDLED, BUNDLED_DIGEST.clone(), Symbols::new(BUNDLED_SYMBOLS))
    }

    fn admit(engine: &Engine, bytes: &[u8], digest: String, symbols: Symbols) -> Result<Self, LoadError> {
        let component = admission::compile(engine, bytes)?;
        let instance = admission::admit(engine, &component)?.instance_pre().clone();
        let exports: Vec<_> = Operation::ALL
            .into_iter()
            .filter_map(|operation| {
                let (interface, function) = admission::export_of(operation);
                let interface = component.get_export_index(None, &interface)?;
                Some((operation, component.get_export_index(Some(&interface), function)?))
            })
            .collect();
        Ok(Self { inner: Arc::new(Inner { engine: engine.clone(), instance, exports, digest, symbols }) })
    }

    /// SHA-256 of the component's bytes, in lower-case hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// The engine that it was compiled by.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(crate) fn instance(&self) -> &InstancePre<HostState> {
        &self.inner.instance
    }

    pub(crate) fn export(&self, operation: Operation) -> Option<&ComponentExportIndex> {
        self.inner.exports.iter().find(|(known, _)| *known == operation).map(|(_, export)| export)
    }

    pub(crate) fn symbols(&self) -> &Symbols {
        &self.inner.symbols
    }
}
