//! Many random histories, the shortest one that fails, and what was reached.

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::{
    calls::Answers,
    history::{History, history},
    run::{Counts, Played, play},
};

/// Tries this many histories, and `each` on what was played. The error is a whole report with the shortest history that fails.
pub fn trial(
    seed: u64,
    histories: u32,
    plugin: &dyn Answers,
    mut each: impl FnMut(&History, &Played) -> Result<(), String>,
) -> Result<Counts, String> {
    let config =
        Config { cases: histories, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let counts = RefCell::new(Counts::new());
    let each = RefCell::new(&mut each);
    let tried = runner.run(&history(), |history| {
        let played = play(&history, plugin).map_err(TestCaseError::fail)?;
        each.borrow_mut()(&history, &played).map_err(TestCaseError::fail)?;
        for (what, count) in played.counts {
            *counts.borrow_mut().entry(what).or_default() += count;
        }
        Ok(())
    });
    match tried {
        Ok(()) => Ok(counts.into_inner()),
        Err(TestError::Fail(why, history)) => Err(report(&history, why.message())),
        Err(TestError::Abort(why)) => Err(format!("given up: {why}")),
    }
}

/// A history that fails, to read and to replay.
pub fn report(history: &History, why: &str) -> String {
    let steps: Vec<_> =
        history.0.iter().enumerate().map(|(number, step)| format!("{:>3}. {step}", number + 1)).collect();
    format!(
        "{why}\n\nthe history:\n{}\n\nto replay it:\nGUESTLIST_REPLAY='{history}' cargo test -p guestlist-model replay\n",
        steps.join("\n")
    )
}
