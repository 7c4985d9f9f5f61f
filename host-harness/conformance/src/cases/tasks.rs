//! Several of one thing at the same time, for the cases about that.

use tokio::task::JoinSet;

use super::prelude::*;

/// The number of tasks that do it.
pub(super) const TASKS: usize = 6;
/// The number of times that one that was `unavailable` is asked again.
pub(super) const PATIENCE: usize = 50;

/// An answer that a host may give to one that lost: ask again.
fn is_transient(error: &HostError) -> bool {
    matches!(error, HostError::Unavailable(_) | HostError::Throttled(_))
}

pub(super) trait Transient {
    fn is_transient(&self) -> bool;
}

impl<T> Transient for Result<T, HostError> {
    fn is_transient(&self) -> bool {
        self.as_ref().is_err_and(is_transient)
    }
}

impl<T> Transient for Result<T, StoreError> {
    fn is_transient(&self) -> bool {
        matches!(self, Err(StoreError::Host(error)) if is_transient(error))
    }
}

/// Asks until the host has an answer.
pub(super) async fn insist<A: Transient, F: Future<Output = A>>(
    t: &Trial,
    ask: impl Fn() -> F,
) -> Outcome<A> {
    for _ in 0..PATIENCE {
        let answer = ask().await;
        if !answer.is_transient() {
            return Ok(answer);
        }
        t.pass(1).await?;
    }
    Err(broken("a call that lost again and again", "an answer in the end", &"`unavailable`"))
}

/// Several of one thing at the same time; all have to succeed.
pub(super) async fn at_once<T: Send + 'static, F>(count: usize, what: impl Fn(usize) -> F) -> Outcome<Vec<T>>
where
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn(what(number));
    }
    let mut answers = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        answers
            .push(ended.map_err(|error| broken("one of several at once", "no panic", &error.to_string()))??);
    }
    Ok(answers)
}
