//! Where and of what a measurement was made.

use std::process::Command;

/// The processor, how many cores, the system.
#[must_use]
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|line| line.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores, {}", model.unwrap_or("unknown processor"), std::env::consts::OS)
}

/// How many others wanted a processor in the last minute, where the system says so.
#[must_use]
pub fn load() -> Option<String> {
    Some(std::fs::read_to_string("/proc/loadavg").ok()?.split_once(' ')?.0.to_owned())
}

/// The commit that is checked out, and whether anything was changed since.
#[must_use]
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain"]).is_some_and(|status| !status.is_empty());
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".into());
    if changed { format!("{commit} with uncommitted changes") } else { commit }
}
