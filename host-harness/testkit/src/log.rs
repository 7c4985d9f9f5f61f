//! The log that an operator would read while tests run: spans and events of Guestlist's crates, as lines.

use std::{
    fmt::{self, Write as _},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// The lines of this process.
#[derive(Debug, Default)]
pub struct Log {
    lines: Mutex<Vec<String>>,
}

/// Keeps what is logged from now on, on all threads of this process.
pub fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    static HEARS: OnceLock<bool> = OnceLock::new();
    let log = LOG.get_or_init(Log::default);
    // Somebody else's subscriber hears instead of this one where there is one already; then it stays empty.
    HEARS.get_or_init(|| tracing::subscriber::set_global_default(Writer(log, AtomicU64::new(1))).is_ok());
    log
}

impl Log {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines that hold all of these, in order. Tests that run at the same time write to the same log.
    #[must_use]
    pub fn with(&self, parts: &[&str]) -> Vec<String> {
        let lines = self.lines();
        lines.iter().filter(|line| parts.iter().all(|part| line.contains(part))).cloned().collect()
    }

    /// Tells whether any line holds this.
    #[must_use]
    pub fn holds(&self, part: &str) -> bool {
        self.lines().iter().any(|line| line.contains(part))
    }
}

struct Writer(&'static Log, AtomicU64);

impl Writer {
    fn write(&self, metadata: &Metadata<'_>, what: &str, fields: &Line) {
        let line = format!("{} {} {what}{}", metadata.level(), metadata.target(), fields.0);
        self.0.lines().push(line);
    }
}

impl Subscriber for Writer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("guestlist")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line::default();
        span.record(&mut line);
        self.write(span.metadata(), &format!("span {}", span.metadata().name()), &line);
        Id::from_u64(self.1.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.write(event.metadata(), "event", &line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Fields as they are written one after the other.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A string takes all that is written to it.
        let _ = write!(self.0, " {field}={value:?}");
    }
}
