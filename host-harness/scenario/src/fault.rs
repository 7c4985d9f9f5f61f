//! Failures of the host, as a scenario writes them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use async_trait::async_trait;
use serde_saphyr::{Location, Spanned};

use super::{failure::Failure, format::FaultEntry};
use guestlist_contract::{Function, host::Call};
use guestlist_documents::Problem;
use guestlist_memory::MemoryHost;
use guestlist_testkit::{Fault, Interceptor};

/// One failure, and how often its place was passed.
#[derive(Debug)]
pub(super) struct Strike {
    asked_at: Location,
    function: Option<Function>,
    nth: u32,
    then_on: bool,
    fault: Option<Fault>,
    /// The clock moves on by so much while the host is asked.
    takes: u64,
    host: Arc<MemoryHost>,
    seen: AtomicU32,
    /// Waits for the answer to be given.
    late: Mutex<bool>,
    /// Its place was reached, on this host or on another that the story goes on with.
    struck: Arc<AtomicBool>,
}

/// Words besides the errors of the contract.
const WORDS: [&str; 4] = ["conflict", "full", "timeout", "crash"];

impl Strike {
    pub(super) fn new(entry: &Spanned<FaultEntry>, host: &Arc<MemoryHost>) -> Result<Self, Failure> {
        let (function, fault) = understood(entry)?;
        let it = &entry.value;
        Ok(Self {
            asked_at: entry.referenced,
            function,
            nth: it.nth.unwrap_or(1),
            then_on: it.then_on,
            fault,
            takes: it.takes.map_or(0, |time| time.0),
            host: host.clone(),
            seen: AtomicU32::new(0),
            late: Mutex::new(false),
            struck: Arc::default(),
        })
    }

    /// The same failure on another host, where it counts on from here by itself.
    pub(super) fn fork(&self, host: &Arc<MemoryHost>) -> Self {
        Self {
            asked_at: self.asked_at,
            function: self.function,
            nth: self.nth,
            then_on: self.then_on,
            fault: self.fault.clone(),
            takes: self.takes,
            host: host.clone(),
            seen: AtomicU32::new(self.seen.load(Ordering::SeqCst)),
            late: Mutex::new(false),
            struck: self.struck.clone(),
        }
    }

    /// Tells whether it is the failure that this entry asks for.
    pub(super) fn is_of(&self, entry: &Spanned<FaultEntry>) -> bool {
        self.asked_at == entry.referenced
    }

    /// The failure that nothing has come of it, on no host.
    pub(super) fn idle(&self) -> Option<Failure> {
        let failure = || Failure::at_location(self.asked_at, "no host call came to the place of this fault");
        (!self.struck.load(Ordering::SeqCst)).then(failure)
    }
}

/// The function and the failure that an entry names.
pub(super) fn understood(entry: &Spanned<FaultEntry>) -> Result<(Option<Function>, Option<Fault>), Problem> {
    let it = &entry.value;
    if it.nth == Some(0) {
        let problem = Problem::with(entry, "this fault never happens".into());
        return Err(problem.helped("`nth` counts from 1".into()));
    }
    let function = match &it.call {
        None => None,
        Some(text) => Some(text.value.parse::<Function>().map_err(|error| {
            let names = Function::ALL.iter().map(|function| function.name());
            Problem::with(text, error.to_string()).suggest(&text.value, names)
        })?),
    };
    let Some(outcome) = &it.outcome else {
        return if it.takes.is_some() {
            Ok((function, None))
        } else {
            let problem = Problem::with(entry, "what fails?".into());
            Err(problem.helped("say so with `outcome`, or `takes` for a slow host".into()))
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
            error_of(function, "outcome-unknown", false).unwrap_or(Fault::FailBefore)
        }
        ("timeout", false) => error_of(function, "unavailable", false).unwrap_or(Fault::FailBefore),
        (_, true) => {
            let message = format!("`{word}` says that nothing was applied");
            return Err(Problem::with(outcome, message)
                .helped("`applied` goes with `outcome-unknown`, `timeout` and `crash`".into()));
        }
        (word, false) => match error_of(function, word, it.items) {
            Ok(fault) => fault,
            Err(known) => {
                let words = WORDS.iter().filter(|_| !it.items);
                let names: Vec<_> = known.iter().chain(words).map(|name| format!("`{name}`")).collect();
                let problem = Problem::with(outcome, format!("`{word}` is no outcome of this call"));
                return Err(problem.helped(format!("there are {}", names.join(", "))));
            }
        },
    };
    Ok((function, Some(fault)))
}

/// An error of the contract, or the names of those that there are.
fn error_of(function: Option<Function>, word: &str, items: bool) -> Result<Fault, &'static [&'static str]> {
    // Without a function it is one of those that all functions have.
    let function = function.unwrap_or(Function::SettingsGet);
    if function.errors().is_empty() && word == "unavailable" && !items {
        // Entropy has no errors: there is none.
        return Ok(Fault::FailBefore);
    }
    if items {
        function.item_error(word).map(Fault::ItemError).map_err(|_| function.item_errors())
    } else {
        function.error(word).map(Fault::Error).map_err(|_| function.errors())
    }
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
        self.struck.store(true, Ordering::SeqCst);
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

/// Fails one host call of a whole scenario, by its number, and writes down what was called.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    strike: Option<(usize, Fault)>,
    called: Mutex<Vec<Function>>,
}

impl Numbered {
    /// A strike at the call of this number, from 1.
    pub(super) fn at(nth: usize, fault: Fault) -> Self {
        Self { strike: Some((nth, fault)), ..Self::default() }
    }

    /// Every host call, in order.
    pub(super) fn called(&self) -> Vec<Function> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Interceptor for Numbered {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        let mut called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        called.push(function);
        let (place, fault) = self.strike.as_ref()?;
        (called.len() == *place).then(|| fault.clone())
    }
}

/// Every way in which a host call can fail, in words: each error of the contract, the effects that are
/// in doubt, and the loss of the instance.
pub(super) fn ways(function: Function) -> Vec<(String, Fault)> {
    let errors =
        function.errors().iter().filter_map(|name| Some((*name, Fault::Error(function.error(name).ok()?))));
    let items = function.item_errors().iter().filter_map(|name| {
        Some((format!("each item {name}"), Fault::ItemError(function.item_error(name).ok()?)))
    });
    let mut ways: Vec<_> = errors.map(|(name, fault)| (name.to_owned(), fault)).chain(items).collect();
    ways.push(("crash before".into(), Fault::CrashBefore));
    if function.is_effect() {
        ways.push(("outcome-unknown, applied".into(), Fault::FailAfter));
        ways.push(("crash after".into(), Fault::CrashAfter));
    }
    if function == Function::StorageTransition {
        ways.push(("conflict".into(), Fault::Conflict));
    }
    ways
}
