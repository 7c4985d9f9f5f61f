//! `make soak`: random histories through the shipped component in its sandbox, on all cores, for as long as
//! asked. On a violation it stops, makes the history shorter, prints the line that replays it, and exits 1.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    reason = "a command that prints, and stops where something is wrong"
)]

use std::{
    env,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use guestlist_documents::HumanDuration;
use guestlist_harness::{Engine, EngineOptions, Plugin};
use guestlist_model::{calls::Sandboxed, run::Counts, trial::trial};

/// Histories that a thread plays before it looks at the clock.
const CHUNK: u32 = 20;

#[derive(Default)]
struct Progress {
    histories: AtomicU64,
    next_seed: AtomicU64,
    over: AtomicBool,
    counts: Mutex<Counts>,
    violation: Mutex<Option<String>>,
}

fn chunk(progress: &Progress, plugin: &Sandboxed) {
    let seed = progress.next_seed.fetch_add(1, Relaxed);
    match trial(seed, CHUNK, plugin, |_, _| {
        progress.histories.fetch_add(1, Relaxed);
        Ok(())
    }) {
        Ok(counts) => {
            let mut all = progress.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (what, count) in counts {
                *all.entry(what).or_default() += count;
            }
        }
        Err(why) => {
            progress.over.store(true, Relaxed);
            let mut violation = progress.violation.lock().unwrap_or_else(PoisonError::into_inner);
            violation.get_or_insert(format!("seed {seed}: {why}"));
        }
    }
}

fn variable<T>(name: &str, read: impl Fn(&str) -> Option<T>, default: T) -> T {
    match env::var(name).ok().filter(|text| !text.is_empty()) {
        Some(text) => {
            read(&text).unwrap_or_else(|| panic!("{name} is `{text}`, as in TIME=10m SEED=7 FORMAT=json"))
        }
        None => default,
    }
}

fn main() -> ExitCode {
    let time = variable("TIME", |text| text.parse::<HumanDuration>().ok().map(|time| time.0), 60_000);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Seeds of one run follow each other; those of two runs do not meet.
    let seed = variable("SEED", |text| text.parse().ok(), now * 1_000_000);
    let json = env::var("FORMAT").is_ok_and(|format| format == "json");
    let engine = Engine::new(&EngineOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let plugin = Plugin::bundled(&engine).unwrap_or_else(|error| panic!("{error}"));
    let digest = plugin.digest().to_owned();
    let plugin = Sandboxed(plugin);
    let progress = Progress { next_seed: AtomicU64::new(seed), ..Progress::default() };
    let (began, end) = (Instant::now(), Duration::from_millis(time));
    eprintln!("seed {seed}, plugin sha256 {digest}");
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !progress.over.load(Relaxed) {
                    chunk(&progress, &plugin);
                }
            });
        }
        let mut shown = Instant::now();
        while !progress.over.load(Relaxed) && began.elapsed() < end {
            thread::sleep(Duration::from_millis(50));
            if shown.elapsed() >= Duration::from_secs(5) {
                shown = Instant::now();
                let histories = progress.histories.load(Relaxed);
                eprintln!("{:>5} s {histories:>9} histories", began.elapsed().as_secs());
            }
        }
        progress.over.store(true, Relaxed);
    });
    report(&progress, seed, &digest, began.elapsed(), json)
}

fn report(progress: &Progress, seed: u64, digest: &str, time: Duration, json: bool) -> ExitCode {
    let counts = progress.counts.lock().unwrap_or_else(PoisonError::into_inner);
    let violation = progress.violation.lock().unwrap_or_else(PoisonError::into_inner);
    let histories = progress.histories.load(Relaxed);
    let of = |prefix: &str| {
        counts.iter().filter(|(what, _)| what.starts_with(prefix)).map(|(_, count)| count).sum::<u64>()
    };
    let (operations, faults) = (of("call: "), of("fault: "));
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let rate = histories as f64 / time.as_secs_f64().max(0.001);
    if json {
        let report = serde_json::json!({
            "seed": seed, "plugin": digest, "seconds": time.as_secs_f64(), "histories": histories,
            "histories-per-second": rate, "operations": operations, "faults": faults, "instances": operations,
            "reached": *counts, "violation": *violation,
        });
        println!("{report:#}");
    } else {
        for (what, count) in counts.iter().filter(|(what, _)| !what.starts_with("call: ")) {
            println!("{count:>9}  {what}");
        }
        println!(
            "\nseed        {seed}\nplugin      sha256 {digest}\ntime        {:.1} s",
            time.as_secs_f64()
        );
        println!(
            "histories   {histories}, {rate:.1} a second\noperations  {operations}\nfaults      {faults}"
        );
        println!(
            "instances   {operations}, a fresh one for each operation\nviolations  {}",
            u8::from(violation.is_some())
        );
        if let Some(why) = violation.as_ref() {
            println!("\n{why}");
        }
    }
    if violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
