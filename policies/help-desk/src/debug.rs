//! What tests hear of the rules: what is printed, and the words of a panic. A host in production hears nothing.
//!
//! `println!`, `eprintln!` and `dbg!` of all modules below come here.

#![allow(dead_code, unused_macros, reason = "whoever looks for a mistake uses them")]

wit_bindgen::generate!({ path: "wit/deps/debug", world: "debug" });

use guestlist::debug::log;

/// Letters. More would be cut off, and a host takes no more than so much at once.
const LONGEST: usize = 5000;

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

pub fn print(text: &str) {
    log::print(cut(text));
}

/// Runs before the first judgement.
#[used]
#[unsafe(link_section = ".init_array")]
static HOOK: extern "C" fn() = hook;

extern "C" fn hook() {
    std::panic::set_hook(Box::new(|panic| log::fail(cut(&panic.to_string()))));
}

macro_rules! println {
    ($($text:tt)*) => { $crate::debug::print(&format!($($text)*)) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::debug::print(&format!($($text)*)) };
}

macro_rules! print {
    ($($text:tt)*) => { $crate::debug::print(&format!($($text)*)) };
}

macro_rules! eprint {
    ($($text:tt)*) => { $crate::debug::print(&format!($($text)*)) };
}

macro_rules! dbg {
    ($value:expr) => {{
        let value = $value;
        println!("[{}:{}] {} = {:#?}", file!(), line!(), stringify!($value), value);
        value
    }};
}
