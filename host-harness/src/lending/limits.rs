//! What one judgement of a policy may cost.

use std::time::Duration;

use crate::{Engine, Limits};

/// The bounds of one judgement, the making of its instance included. A policy that crosses one is
/// [unavailable](crate::policy::PolicyUnavailable) for that request.
///
/// They leave room for a script engine with its heap, and are far below what a host call may take
/// ([`Limits::host_call_time`], 2 s): an inviter waits for one judgement, an invitee for two.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyLimits {
    /// On the wall clock, without waiting for a free place in the engine. Default: 200 ms. Compiled rules
    /// need a few microseconds and script engines some milliseconds; the rest is for a machine under load,
    /// where a thread may be away for a while.
    pub time: Duration,
    /// Units of fuel (roughly instructions); absent: any. Counts only in an engine that meters by
    /// [`Metering::Fuel`](crate::Metering::Fuel), where it stops a loop at the same place every time.
    /// Default: 1,000 million, about as much as fits into the time; the largest request, with
    /// 100 candidates and 50 grants, takes half of it in JavaScript.
    pub fuel: Option<u64>,
    /// Linear memory of all modules of the component together, in bytes. What the engine was made for
    /// ([`EngineOptions::memory`](crate::EngineOptions::memory)) bounds it
    /// as well: the smaller counts. Default: 64 MiB, which script engines start in.
    pub memory: usize,
    /// The verdicts, in bytes as they lie in memory. Default: 256 KiB; 100 verdicts with 500 bytes of
    /// words have about 54.
    pub answer_bytes: usize,
}

impl Default for PolicyLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_millis(200),
            fuel: Some(1_000_000_000),
            memory: 64 << 20,
            answer_bytes: 256 << 10,
        }
    }
}

impl PolicyLimits {
    /// As the engine takes them.
    pub(crate) fn on(&self, engine: &Engine) -> Limits {
        let memory = self.memory.min(engine.memory());
        Limits::default().time(self.time).fuel(self.fuel).memory(memory).host_call_bytes(self.answer_bytes)
    }
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl PolicyLimits {
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
setters!(time: Duration, fuel: Option<u64>, memory: usize, answer_bytes: usize);
