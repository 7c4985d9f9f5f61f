//! Keeps what stands beside a running instance, and leads its imports to [`HostCalls`].

use std::sync::Arc;

use wasmtime::{
    ResourceLimiter, StoreContextMut,
    component::{HasData, Linker},
};

use crate::{HostCalls, engine::Parts};
use guestlist_contract::{
    audit::Refusal,
    directory::{Found, LookupError, Organization, User},
    membership::{Eligibility, Resolved},
    notifications::{Message, SendError, Sent},
    policy::{AcceptFacts, InviteFacts, PolicyError},
    settings::Values,
    storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
    types::{
        self, Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, Permissions,
        Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
    },
    with_imports,
};

/// The data of a store: who is calling, and what they may use.
pub struct HostState {
    pub(crate) calls: Arc<HostCalls>,
    pub(crate) memory: MemoryMeter,
    /// The engine counts fuel.
    pub(crate) metered: bool,
}

impl types::Host for HostState {}

struct Itself;

impl HasData for Itself {
    type Data<'a> = &'a mut HostState;
}

/// Bounds the memory of all modules of an instance together, and how many there are, and remembers how it
/// went.
pub(crate) struct MemoryMeter {
    limit: usize,
    parts: Parts,
    /// The memory that there is, in bytes. It never shrinks; what was allowed and then was not to be had
    /// counts.
    pub(crate) peak: usize,
    /// The instance wanted more than it may have.
    pub(crate) refused: bool,
}

impl MemoryMeter {
    pub(crate) fn new(limit: usize, parts: Parts) -> Self {
        Self { limit, parts, peak: 0, refused: false }
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let all = self.peak.saturating_add(desired.saturating_sub(current));
        let fits = all <= self.limit && maximum.is_none_or(|maximum| desired <= maximum);
        if fits {
            self.peak = all;
        } else {
            self.refused = true;
        }
        Ok(fits)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // Functions are all that is ever in a table, and the plugin adds none while it runs.
        Ok(desired <= 10_000)
    }

    fn instances(&self) -> usize {
        self.parts.modules as usize
    }

    fn tables(&self) -> usize {
        self.parts.modules as usize
    }

    fn memories(&self) -> usize {
        self.parts.memories as usize
    }
}

/// The linker is written from the list of imports rather than through the generated traits: those do
/// not show the store, and the fuel that the guest has used stands there.
macro_rules! link {
    ($($interface:ident $id:literal { $($how:tt $kind:ident $variant:ident $name:ident $method:ident $wit:literal ( $($arg:ident: $ty:ty),* ) -> $ret:ty;)* })*) => {
        /// Everything that the plugin may import, and nothing else.
        pub(crate) fn link(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<HostState>> {
            let mut linker = Linker::new(engine);
            types::add_to_linker::<_, Itself>(&mut linker, |state| state)?;
            $(
                let mut interface = linker.instance($id)?;
                $(
                    interface.func_wrap_async(
                        $wit,
                        |store: StoreContextMut<'_, HostState>, ($($arg,)*): ($($ty,)*)| {
                            Box::new(async move {
                                let answer: $ret = calls(&store).$name($($arg),*).await?;
                                Ok((answer,))
                            })
                        },
                    )?;
                )*
            )*
            Ok(linker)
        }
    };
}
with_imports!(link);

fn calls<'a>(store: &'a StoreContextMut<'_, HostState>) -> &'a HostCalls {
    let state = store.data();
    if state.metered
        && let Ok(left) = store.get_fuel()
    {
        state.calls.meter(left);
    }
    &state.calls
}
