//! Says why a call of the plugin has no answer, in words that say what to do.

use std::{fmt, time::Duration};

use wasmtime::{Trap, WasmBacktrace};

use crate::{Limits, Trace, calls::Stop, symbols::Symbols};
use guestlist_contract::{Function, host::Operation};

/// The plugin gave no answer. (A refusal is an answer.)
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The instance was ended. What it had done through the host before that stays done.
    #[error(transparent)]
    Trapped(#[from] Box<Trapped>),
    /// No instance was free in time. Nothing was done.
    #[error(
        "no instance was free within {} ms; nothing was done, so call again, or make the engine for more \
         `instances`", .0.as_millis()
    )]
    Busy(Duration),
    /// No instance could be made. Nothing was done.
    #[error("the plugin could not be instantiated, nothing was done: {0}")]
    Instantiation(String),
}

impl CallError {
    /// The report, when the instance was ended.
    #[must_use]
    pub fn trapped(&self) -> Option<&Trapped> {
        match self {
            Self::Trapped(trapped) => Some(trapped),
            _ => None,
        }
    }

    /// The word of the log for it.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Trapped(trapped) => trapped.reason.word(),
            Self::Busy(_) => "busy",
            Self::Instantiation(_) => "instantiation",
        }
    }
}

/// The report on an instance that was ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Trapped {
    /// SHA-256 of the component, in hex.
    pub digest: String,
    /// The organization of the context.
    pub organization: Option<String>,
    /// The request id of the context.
    pub request_id: String,
    /// The export that was called.
    pub operation: Operation,
    /// The reason why it was ended.
    pub reason: Reason,
    /// The place where it was, innermost first: a readable line for each function.
    pub backtrace: Vec<String>,
    /// The last host calls (at most 16), oldest first; the last may have been cut off.
    pub trace_tail: Vec<Function>,
    /// All host calls, where the session records.
    pub trace: Option<Trace>,
}

impl std::error::Error for Trapped {}

impl fmt::Display for Trapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.operation.name())?;
        if let Some(organization) = &self.organization {
            write!(f, " for organization `{organization}`")?;
        }
        let plugin = self.digest.get(..12).unwrap_or(&self.digest);
        write!(f, " (request `{}`, plugin {plugin}) was ended: {}", self.request_id, self.reason)?;
        match self.trace_tail.last() {
            None => f.write_str("; it had not called the host, so nothing was changed"),
            Some(last) => write!(
                f,
                "; the last of its host calls was {last}, so it may be done in part: repeat it with the same \
                 request or read back, the sweep finishes an interrupted accept"
            ),
        }
    }
}

/// The reason why an instance was ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// [`Limits::time`] is over.
    #[error("it took longer than {} ms (raise `time`, or see what the host is waiting for)", .0.as_millis())]
    Deadline(Duration),
    /// [`Limits::fuel`] is used up.
    #[error("it used more than {0} units of fuel (raise `fuel`, or make the request smaller)")]
    OutOfFuel(u64),
    /// The instance wanted more than [`Limits::memory`] and gave up.
    #[error("it needed more than {0} bytes of memory (raise `memory`, or make the request smaller)")]
    Memory(usize),
    /// The instance made more than [`Limits::host_calls`].
    #[error("it made more than {0} host calls (raise `host_calls`, or report the plugin)")]
    HostCalls(u32),
    /// The instance handed over more than [`Limits::host_call_bytes`] at once.
    #[error(
        "it handed over more than {0} bytes at once (raise `host_call_bytes`, or make the request smaller)"
    )]
    HostCallBytes(usize),
    /// The instance recursed too deeply.
    #[error("its stack overflowed (report the plugin)")]
    StackOverflow,
    /// The instance panicked. The message cannot leave the sandbox; the backtrace says where.
    #[error("it panicked (report the plugin with the backtrace)")]
    Panicked,
    /// A crash that a test asked for.
    #[error("a crash was injected at {0}")]
    Injected(Function),
    /// Anything else, as in an answer that breaks the component model's rules.
    #[error("{0} (report the plugin)")]
    Other(String),
}

impl Reason {
    /// Names it in the log: of limits their names, as in [`Limits`].
    fn word(&self) -> &'static str {
        match self {
            Self::Deadline(_) => "time",
            Self::OutOfFuel(_) => "fuel",
            Self::Memory(_) => "memory",
            Self::HostCalls(_) => "host_calls",
            Self::HostCallBytes(_) => "host_call_bytes",
            Self::StackOverflow => "stack-overflow",
            Self::Panicked => "panicked",
            Self::Injected(_) => "injected",
            Self::Other(_) => "other",
        }
    }

    /// Says what happened, without what to do about it: "it takes longer than 50 ms".
    pub(crate) fn in_short(&self) -> String {
        match self {
            Self::Deadline(time) => format!("it takes longer than {} ms", time.as_millis()),
            Self::OutOfFuel(fuel) => format!("it uses more than {fuel} units of fuel"),
            Self::Memory(bytes) => format!("it needs more than {bytes} bytes of memory"),
            Self::HostCallBytes(bytes) => format!("it hands over more than {bytes} bytes at once"),
            Self::StackOverflow => "its stack overflows".to_owned(),
            Self::Panicked => "it panics".to_owned(),
            Self::HostCalls(_) | Self::Injected(_) => self.to_string(),
            Self::Other(cause) => cause.clone(),
        }
    }

    pub(crate) fn of(error: &wasmtime::Error, limits: &Limits, memory_refused: bool) -> Self {
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return match stop {
                Stop::Deadline => Self::Deadline(limits.time),
                Stop::HostCalls(limit) => Self::HostCalls(*limit),
                Stop::Crash(function) => Self::Injected(*function),
                Stop::Lie(..) => Self::Other(stop.to_string()),
            };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::OutOfFuel(limits.fuel.unwrap_or(u64::MAX)),
            Some(Trap::Interrupt) => Self::Deadline(limits.time),
            Some(Trap::StackOverflow) => Self::StackOverflow,
            // An allocator that gets no memory ends in `unreachable`, as a panic does.
            Some(Trap::UnreachableCodeReached) if memory_refused => Self::Memory(limits.memory),
            Some(Trap::UnreachableCodeReached) => Self::Panicked,
            _ => {
                let cause = error.root_cause().to_string();
                // The engine keeps the type of this one to itself.
                if cause.contains("fuel allocated for hostcalls") {
                    Self::HostCallBytes(limits.host_call_bytes)
                } else {
                    Self::Other(cause)
                }
            }
        }
    }
}

/// The longest name of a function in a backtrace, in bytes. The component chose it.
const NAME: usize = 256;

/// Writes as much of a text as fits; the rest is not even made.
fn cut(text: fmt::Arguments<'_>) -> String {
    struct Cut(String);

    impl fmt::Write for Cut {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for letter in text.chars() {
                if self.0.len().saturating_add(letter.len_utf8()) > NAME {
                    return Err(fmt::Error);
                }
                self.0.push(letter);
            }
            Ok(())
        }
    }

    let mut cut = Cut(String::new());
    // Its only failure is that it is full.
    let _ = fmt::write(&mut cut, text);
    cut.0
}

/// The functions on the guest's stack, innermost first.
pub(crate) fn backtrace(error: &wasmtime::Error, symbols: &Symbols) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let line = |frame: &wasmtime::FrameInfo| {
        // Of the modules in a component only the plugin's own has a memory; the others join it to its
        // imports.
        let own = frame.module().get_export("memory").is_some();
        let index = frame.func_index();
        let known = own.then(|| symbols.name(index)).flatten().map(str::to_owned);
        let named = || Some(cut(format_args!("{:#}", rustc_demangle::demangle(frame.func_name()?))));
        let name = known.or_else(named).unwrap_or_else(|| format!("function {index}"));
        match frame.module_offset() {
            Some(offset) => format!("{name} (at {offset:#x})"),
            None => name,
        }
    };
    backtrace.frames().iter().map(line).collect()
}
