//! What all benches share: what a block of work takes, and how it is told.

use std::{
    fs,
    time::{Duration, Instant},
};

pub fn row(what: &str, value: &str, note: &str) {
    println!("{what:<44} {value:>10}   {note}");
}

/// Resident memory of this process in KiB.
pub fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

pub fn block(repeats: u32, work: impl Fn()) -> Duration {
    let start = Instant::now();
    for _ in 0..repeats {
        work();
    }
    start.elapsed() / repeats
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
