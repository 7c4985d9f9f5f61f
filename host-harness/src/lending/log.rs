//! What a policy says to whoever tests it: what it prints, and the words of an exception.
//!
//! Policies may import `guestlist:debug/log`, whose two functions take a text and answer nothing. Where nobody
//! listens, which is so wherever [`PolicyComponent::judge_invite`] and [`judge_accept`] ask, the text is not
//! even read from the policy's memory: nothing comes out, nothing goes in, and no call fails. Tests ask with
//! [`watch_invite`] and [`watch_accept`], which keep it.
//!
//! [`PolicyComponent::judge_invite`]: crate::policy::PolicyComponent::judge_invite
//! [`judge_accept`]: crate::policy::PolicyComponent::judge_accept
//! [`watch_invite`]: crate::policy::PolicyComponent::watch_invite
//! [`watch_accept`]: crate::policy::PolicyComponent::watch_accept

use serde::Serialize;
use wasmtime::{
    StoreContextMut, WasmBacktrace,
    component::{Linker, WasmStr},
};

use super::imports::PolicyState;
use guestlist_contract::text;

/// The interface of a policy's log, in full.
pub const LOG: &str = "guestlist:debug/log@0.1.0";

/// Its functions.
pub(crate) const FUNCTIONS: [&str; 2] = [PRINT, FAIL];

const PRINT: &str = "print";
const FAIL: &str = "fail";

/// The most of one text that is kept, in letters.
const TEXT: usize = 4 << 10;

/// The most texts that are kept of one judgement.
const TEXTS: usize = 100;

/// The most functions that are named where a policy broke off without a word.
const PLACES: usize = 8;

/// What a policy said in one judgement, and where it broke off. Texts are cut after 4096 letters; what
/// would steer a terminal is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Log {
    /// What it printed, in order; of more than 100 texts the first ones.
    pub printed: Vec<String>,
    /// Texts that were printed beyond those.
    pub dropped: u64,
    /// Why it broke off, in its own words: type, words and place of an exception.
    pub failed: Option<String>,
    /// Where it broke off without a word: functions, innermost first.
    pub place: Vec<String>,
}

impl Log {
    /// Nothing was said, and nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Why it broke off: its own words, or else the functions that it was in.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        let place = || (!self.place.is_empty()).then(|| format!("in {}", self.place.join("\nby ")));
        self.failed.clone().or_else(place)
    }

    fn print(&mut self, text: &str) {
        if self.printed.len() < TEXTS { self.printed.push(kept(text)) } else { self.dropped += 1 }
    }

    /// The first cause counts.
    fn fail(&mut self, text: &str) {
        self.failed.get_or_insert_with(|| kept(text));
    }

    /// Notes where the guest was, where it did not say anything itself.
    pub(crate) fn ended(&mut self, error: &wasmtime::Error) {
        if self.failed.is_none()
            && let Some(backtrace) = error.downcast_ref::<WasmBacktrace>()
        {
            let names = backtrace.frames().iter().filter_map(called);
            self.place = names.take(PLACES).map(|name| kept(&name)).collect();
        }
    }
}

/// What a function on the guest's stack is called: by its module, or by what it stands in for.
fn called(frame: &wasmtime::FrameInfo) -> Option<String> {
    if let Some(name) = frame.func_name() {
        return Some(format!("{:#}", rustc_demangle::demangle(name)));
    }
    // Compilers put a module without a memory, and with one function for each export, in the place of what a
    // component may not have.
    let module = frame.module();
    let stands_in = module.imports().len() == 0 && module.get_export("memory").is_none();
    let name = module.exports().nth(usize::try_from(frame.func_index()).ok()?)?.name();
    // What joins modules to each other is called by numbers.
    let is_named = name.contains(|letter: char| !letter.is_ascii_digit());
    (stands_in && is_named).then(|| format!("`{name}`, which a policy does not have"))
}

/// As much as fits of a text, and nothing that steers a terminal.
fn kept(said: &str) -> String {
    text::cut(&text::lines(said.trim_end_matches(['\n', '\r'])), TEXT).into_owned()
}

/// Gives every policy the two functions.
pub(super) fn link(linker: &mut Linker<PolicyState>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(LOG)?;
    interface.func_wrap(PRINT, |store, (text,)| said(store, &text, Log::print))?;
    interface.func_wrap(FAIL, |store, (text,)| said(store, &text, Log::fail))
}

fn said(
    mut store: StoreContextMut<'_, PolicyState>,
    text: &WasmStr,
    heard: fn(&mut Log, &str),
) -> wasmtime::Result<()> {
    if store.data().log.is_some() {
        // One letter more than is kept shows that there were more.
        let said: String = text.to_str(&store)?.chars().take(TEXT + 1).collect();
        if let Some(log) = &mut store.data_mut().log {
            heard(log, &said);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_harmless() {
        let mut log = Log::default();
        log.print("a\u{1b}[2J\u{202e}b\n\tc\r\n");
        assert_eq!(log.printed, ["a\\u{1b}[2J\\u{202e}b\n\tc"]);
        for _ in 0..150 {
            log.print("more");
        }
        assert_eq!((log.printed.len(), log.dropped), (100, 51));
        log.fail(&"x".repeat(10_000));
        log.fail("another");
        assert_eq!(log.why().map(|why| why.len()), Some(TEXT + 2));
    }
}
