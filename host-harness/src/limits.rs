//! Limits what one call of the plugin may cost.

use std::time::Duration;

/// The bounds of one call. Where one is crossed the call ends with a
/// [`CallError`](crate::CallError) that names it; nothing else in the process notices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The whole call on the wall clock, with waiting for a free instance and with all host calls.
    /// Default: 5 s.
    pub time: Duration,
    /// One host call on the wall clock. A read that takes longer is answered with
    /// `unavailable(none)`, an effect with `outcome-unknown`. Default: 2 s.
    pub host_call_time: Duration,
    /// Linear memory of the instance, in bytes. At most what the engine was made for
    /// ([`EngineOptions::memory`](crate::EngineOptions::memory)). Default: 16 MiB.
    pub memory: usize,
    /// The most that the plugin may hand over in ONE host call, or as its answer, in bytes as they lie in
    /// memory. Default: 8 MiB: the largest page of a listing, 200 invitations with 50 grants, has about 7.
    pub host_call_bytes: usize,
    /// Host calls in one call of an export. Default: 256, twice what the largest bulk needs.
    pub host_calls: u32,
    /// Units of fuel (roughly instructions); absent: any. Counts only in an engine that meters by
    /// [`Metering::Fuel`](crate::Metering::Fuel). Default: absent.
    pub fuel: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(5),
            host_call_time: Duration::from_secs(2),
            memory: 16 << 20,
            host_call_bytes: 8 << 20,
            host_calls: 512,
            fuel: None,
        }
    }
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl Limits {
            $(
                #[doc = concat!("The same limits with another [`", stringify!($name), "`](Self::", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, value: $type) -> Self {
                    self.$name = value;
                    self
                }
            )*
        }
    };
}
setters!(
    time: Duration,
    host_call_time: Duration,
    memory: usize,
    host_call_bytes: usize,
    host_calls: u32,
    fuel: Option<u64>,
);
