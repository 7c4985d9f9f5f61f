//! The log of a server: on standard error, for people on a terminal, else as lines of JSON.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{filter::LevelFilter, fmt};

/// The variable that says from which level on: `error`, `warn`, `info`, `debug` or `trace`.
const VARIABLE: &str = "GUESTLIST_LOG";

/// Begins to write the log. Whoever has begun before goes on.
pub fn begin() {
    let said = std::env::var(VARIABLE).ok();
    let level = said.as_deref().map(str::parse::<LevelFilter>);
    if let Some(Err(_)) = level {
        eprintln!("note: {VARIABLE} is no level, so `info` is taken: say error, warn, info, debug or trace");
    }
    let level = level.and_then(Result::ok).unwrap_or(LevelFilter::INFO);
    let log = fmt().with_max_level(level).with_writer(io::stderr);
    let _ = match io::stderr().is_terminal() {
        true => log.try_init(),
        false => log.json().try_init(),
    };
}
