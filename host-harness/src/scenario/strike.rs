//! Failures of the host, as a scenario writes them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use serde_saphyr::Spanned;

use super::{failure::Failure, format::FaultEntry};
use crate::{Fault, Function, Interceptor, host::Call, memory::MemoryHost};

/// One failure, and how often its place was passed.
#[derive(Debug)]
pub(super) struct Strike {
    function: Option<Function>,
    nth: u32,
    then_on: bool,
    fault: Option<Fault>,
    /// The clock moves on by so much while the host is asked.
    takes: u64,
    seen: AtomicU32,
    host: Arc<MemoryHost>,
    /// Waits for the answer to be given.
    late: Mutex<bool>,
}

/// Words besides the errors of the contract.
const WORDS: [&str; 4] = ["conflict", "full", "timeout", "crash"];

impl Strike {
    pub(super) fn new(entry: &Spanned<FaultEntry>, host: &Arc<MemoryHost>) -> Result<Self, Failure> {
        let (function, fault) = understood(entry)?;
        let it = &entry.value;
        Ok(Self {
            function,
            nth: it.nth.unwrap_or(1),
            then_on: it.then_on,
            fault,
            takes: it.takes.map_or(0, |time| time.0),
            seen: AtomicU32::new(0),
            host: host.clone(),
            late: Mutex::new(false),
        })
    }

    /// Its place was reached.
    pub(super) fn struck(&self) -> bool {
        self.seen.load(Ordering::SeqCst) >= self.nth
    }
}

/// The function and the failure that an entry names.
pub(super) fn understood(entry: &Spanned<FaultEntry>) -> Result<(Option<Function>, Option<Fault>), Failure> {
    let it = &entry.value;
    let function = match &it.call {
        None => None,
        Some(text) => Some(text.value.parse::<Function>().map_err(|error| {
            let names = Function::ALL.iter().map(|function| function.name());
            let failure = Failure::at(text, error.to_string());
            match crate::memory::nearest(&text.value, names) {
                Some(name) => failure.helped(format!("did you mean `{name}`?")),
                None => failure,
            }
        })?),
    };
    let Some(outcome) = &it.outcome else {
        return if it.takes.is_some() {
            Ok((function, None))
        } else {
            Err(Failure::at(entry, "what fails?").helped("say so with `outcome`, or `takes` for a slow host"))
        };
    };
    let word = outcome.value.as_str();
    let fault = match (word, it.applied) {
        ("crash", false) => Fault::CrashBefore,
        ("crash", true) => Fault::CrashAfter,
        ("conflict", false) => Fault::Conflict,
        ("full", false) => Fault::Full,
        ("outcome-unknown", true) if !it.items => Fault::FailAfter,
        // The plugin is told the same as after a real time-out, without the wait.
        ("timeout", true) => Fault::FailAfter,
        ("timeout", false) if function.is_none_or(Function::is_effect) => {
            Fault::error("outcome-unknown", false)
        }
        ("timeout", false) => Fault::error("unavailable", false),
        (_, true) => {
            let message = format!("`{word}` says that nothing was applied");
            return Err(Failure::at(outcome, message).helped("`applied` goes with `outcome-unknown`, `timeout` and `crash`"));
        }
        (word, false) => {
            let known = function.map_or_else(|| Function::StorageGet.errors(), |function| {
                if it.items { function.item_errors() } else { function.errors() }
            });
            if !known.contains(&word) {
                let mut names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                if !it.items {
                    names.extend(WORDS.map(|name| format!("`{name}`")));
                }
                let failure = Failure::at(outcome, format!("`{word}` is no outcome of this call"));
                return Err(failure.helped(format!("there are {}", names.join(", "))));
            }
            Fault::error(word, it.items)
        }
    };
    Ok((function, Some(fault)))
}

#[async_trait]
impl Interceptor for Strike {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        if self.function.is_some_and(|only| only != function) {
            return None;
        }
        let nth = self.seen.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        if nth != self.nth && !(self.then_on && nth > self.nth) {
            return None;
        }
        *self.late.lock().unwrap_or_else(PoisonError::into_inner) = self.takes > 0;
        self.fault.clone()
    }

    async fn after(&self, _: &Call, _: Function) {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        if late {
            self.host.advance(self.takes);
        }
    }
}

/// Fails one host call of a whole scenario, by its number, and counts them all.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    seen: AtomicU32,
    strike: Option<(u32, Fault)>,
    struck: Mutex<Option<Function>>,
}

impl Numbered {
    pub(super) fn at(nth: u32, fault: Fault) -> Self {
        Self { strike: Some((nth, fault)), ..Self::default() }
    }

    pub(super) fn count(&self) -> u32 {
        self.seen.load(Ordering::SeqCst)
    }

    pub(super) fn struck(&self) -> Option<Function> {
        *self.struck.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Interceptor for Numbered {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        let nth = self.seen.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let (place, fault) = self.strike.as_ref()?;
        if nth != *place {
            return None;
        }
        *self.struck.lock().unwrap_or_else(PoisonError::into_inner) = Some(function);
        Some(fault.clone())
    }
}
