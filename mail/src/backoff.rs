//! Waiting between tries.

use std::time::Duration;

/// How long to wait before the next try, and how often.
///
/// Each wait is up to twice as long as the one before, and half of each is left to chance, so that messages that
/// failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first try.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// Tries in all, the first included.
    pub tries: u32,
}

impl Default for Backoff {
    /// From half a minute to an hour, twelve tries: about six hours.
    fn default() -> Self {
        Self { first: Duration::from_secs(30), longest: Duration::from_hours(1), tries: 12 }
    }
}

impl Backoff {
    /// The wait after so many failed tries, between half of it and all of it as `random` says: any number, each
    /// equally likely. `None`: there is no further try.
    #[must_use]
    pub fn wait(&self, failed: u32, random: u64) -> Option<Duration> {
        if failed >= self.tries {
            return None;
        }
        let doubled = 1_u32.checked_shl(failed.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        let half = whole / 2;
        // A random number below 2^32 is a part of 2^32.
        let nanos = half.as_nanos().saturating_mul(u128::from(random >> 32)) >> 32;
        Some(half + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::Backoff;

    proptest! {
        #[test]
        fn waits_grow_to_the_longest_and_half_of_each_is_chance(
            first in 0..u64::MAX,
            longest in 0..u64::MAX,
            tries in 0..100_u32,
            failed in 0..120_u32,
            random: u64,
        ) {
            let (first, longest) = (Duration::from_nanos(first), Duration::from_nanos(longest));
            let backoff = Backoff { first, longest, tries };
            let wait = backoff.wait(failed, random);
            prop_assert_eq!(wait.is_none(), failed >= tries);
            let (Some(wait), Some(least), Some(most)) =
                (wait, backoff.wait(failed, 0), backoff.wait(failed, u64::MAX))
            else {
                return Ok(());
            };
            prop_assert!(least <= wait && wait <= most && most <= longest);
            let whole = if failed < 2 { first } else { first.saturating_mul(2) }.min(longest);
            prop_assert!(least >= whole / 2);
        }
    }

    #[test]
    fn the_default_gives_up_after_some_hours() {
        let backoff = Backoff::default();
        let waits: Vec<_> = (1..).map_while(|failed| backoff.wait(failed, u64::MAX)).collect();
        assert_eq!(waits.len(), 11);
        assert_eq!(waits.first().map(|wait| wait.as_millis()), Some(29_999));
        let all: Duration = waits.iter().sum();
        assert!(all > Duration::from_hours(4) && all < Duration::from_hours(8), "{all:?}");
    }
}
