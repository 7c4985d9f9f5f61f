//! Random histories on the plugin as a library, a sample of them in the sandbox too, and the ones that
//! once failed.
//!
//! `GUESTLIST_HISTORIES` is how many each test plays, `GUESTLIST_SEED` where its dice begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests fail by panicking"
)]

use std::{
    env,
    sync::{LazyLock, Mutex},
};

use guestlist_harness::{Engine, EngineOptions, Plugin};
use guestlist_model::{
    calls::{Natively, Sandboxed},
    history::{FAULTS, History, history},
    run::{Counts, Played, play},
    trial::{report, trial},
};
use proptest::strategy::Strategy;
use proptest::{strategy::ValueTree, test_runner::TestRunner};

static SANDBOXED: LazyLock<Sandboxed> = LazyLock::new(|| {
    let engine = Engine::new(&EngineOptions::default()).expect("this machine runs WebAssembly");
    Sandboxed(Plugin::bundled(&engine).expect("the component that was built with this test"))
});

/// One of so many histories runs in the sandbox as well.
const SAMPLE: u64 = 15;

/// What all four tests together reach.
const REACHED: &str = include_str!("reached.txt");

/// How many of the tests are done, and what they have reached.
static REACHED_NOW: Mutex<(u32, Counts)> = Mutex::new((0, Counts::new()));
const TESTS: u32 = 4;

fn number(name: &str, default: u64) -> u64 {
    env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// The component gives the same answers, and leaves the same world behind, byte for byte.
fn alike(history: &History, natively: &Played) -> Result<(), String> {
    let sandboxed = play(history, &*SANDBOXED)?;
    let differs = natively.transcript.iter().zip(&sandboxed.transcript).find(|(one, other)| one != other);
    differs.map_or(Ok(()), |(one, other)| Err(format!("the library: {one}\nthe component: {other}")))
}

/// Answers, changes of state, outcomes of steps and kinds of faults that never were.
fn missing(counts: &Counts) -> Vec<String> {
    let wanted = REACHED.lines().filter(|line| !line.is_empty()).map(str::to_owned);
    let faults =
        FAULTS.iter().flat_map(|fault| [format!("fault: {fault}"), format!("fault: {fault}, then on")]);
    wanted.chain(faults).filter(|what| !counts.contains_key(what)).collect()
}

fn histories(number_of_test: u64) {
    let histories = number("GUESTLIST_HISTORIES", 2_500);
    let seed = number("GUESTLIST_SEED", 1) * 1_000 + number_of_test;
    let (mut count, mut differs) = (0, false);
    let counts = trial(seed, u32::try_from(histories).unwrap(), &Natively, |history, played| {
        count += 1;
        // Once one differs, each is asked for that is tried to make it shorter.
        if !differs && count % SAMPLE != 0 {
            return Ok(());
        }
        let same = alike(history, played);
        differs |= same.is_err();
        same
    });
    let counts = counts.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    let mut all = REACHED_NOW.lock().unwrap();
    all.0 += 1;
    for (what, count) in counts {
        *all.1.entry(what).or_default() += count;
    }
    if all.0 == TESTS && histories >= 2_500 {
        assert_eq!(missing(&all.1), Vec::<String>::new(), "never reached, of {:#?}", all.1);
    }
}

#[test]
fn histories_one() {
    histories(1);
}

#[test]
fn histories_two() {
    histories(2);
}

#[test]
fn histories_three() {
    histories(3);
}

#[test]
fn histories_four() {
    histories(4);
}

/// Those that once failed, or the one of `GUESTLIST_REPLAY`.
#[test]
fn replay() {
    let shipped = include_str!("regressions.txt");
    let text = env::var("GUESTLIST_REPLAY").unwrap_or_else(|_| shipped.to_owned());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let history: History = line.parse().unwrap_or_else(|why| panic!("{line}: {why}"));
        let played = play(&history, &Natively).and_then(|played| alike(&history, &played));
        played.unwrap_or_else(|why| panic!("{}", report(&history, &why)));
    }
}

#[test]
fn a_history_reads_back_as_it_was_written() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..2_000 {
        let history = history().new_tree(&mut runner).unwrap().current();
        assert_eq!(history.to_string().parse(), Ok(history));
    }
}
