//! How far a run has come, in one line that is painted over: on a terminal alone.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use guestlist_contract::text;
use guestlist_scenario::{Ending, Progress};

const PAINTED: Duration = Duration::from_millis(200);
/// The line must not be wrapped, or it is not painted over.
const WIDTH: usize = 79;

#[derive(Default)]
struct State {
    total: usize,
    ended: usize,
    failed: usize,
    running: BTreeMap<(PathBuf, Option<usize>), Instant>,
}

/// Does `work` and shows what it tells of `total` scenarios.
pub fn shown<T>(total: usize, work: impl FnOnce(&(dyn Fn(Progress<'_>) + Sync)) -> T) -> T {
    shown_of(|told| work(&|progress| told(total, progress)))
}

/// The same, of a work that knows itself how much it is.
pub fn shown_of<T>(work: impl FnOnce(&(dyn Fn(usize, Progress<'_>) + Sync)) -> T) -> T {
    let mut to = io::stderr();
    if !to.is_terminal() {
        return work(&|_, _| {});
    }
    let state = Mutex::new(State::default());
    let state = &state;
    let told = |total: usize, progress: Progress<'_>| locked(state).hear(total, &progress);
    let (end, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            // Until `end` is dropped.
            while ended.recv_timeout(PAINTED) == Err(mpsc::RecvTimeoutError::Timeout) {
                let line = locked(state).line(Instant::now());
                // A terminal that is gone is no reason to stop.
                let _ = write!(to, "\r\x1b[K{line}").and_then(|()| to.flush());
            }
            let _ = write!(to, "\r\x1b[K").and_then(|()| to.flush());
        });
        let done = work(&told);
        drop(end);
        done
    })
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn hear(&mut self, total: usize, progress: &Progress<'_>) {
        self.total = total;
        match progress {
            Progress::Begun(case) => {
                self.running.insert((case.path.clone(), case.row()), Instant::now());
            }
            Progress::Ended(report) => {
                self.running.remove(&(report.path.clone(), report.row));
                self.ended += 1;
                self.failed += usize::from(report.ending == Ending::Failed);
            }
        }
    }

    /// How many have ended and failed, and which one has been running the longest.
    fn line(&self, now: Instant) -> String {
        let mut line = format!("{} of {}", self.ended, self.total);
        if self.failed > 0 {
            line += &format!(", {} failed", self.failed);
        }
        if let Some(((path, _), begun)) = self.running.iter().min_by_key(|(_, begun)| **begun) {
            let seconds = now.saturating_duration_since(*begun).as_secs();
            line += &format!(", {seconds} s in {}", text::line(&path.display().to_string()));
        }
        line.chars().take(WIDTH).collect()
    }
}
