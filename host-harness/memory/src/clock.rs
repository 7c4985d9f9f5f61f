//! The host's clocks.
//!
//! Time stands still until somebody moves it, so that a run can be repeated byte for byte and a test
//! can stand exactly on the instant of an expiry. There are two clocks because there are two in life:
//! the wall clock of the machine, which an operator may set back, and the store's, which judges
//! lifetimes and must not revive what had expired.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970, twice: as the machine says, and as the store believes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Clock {
    wall: u64,
    highest: u64,
}

impl Clock {
    pub(super) fn starting_at(instant: u64) -> Self {
        Self { wall: instant, highest: instant }
    }

    /// The time that the machine's clock shows; it may have been set back.
    pub(super) fn wall(&self) -> u64 {
        self.wall
    }

    /// The time that lifetimes and leases are judged by: the latest instant that was ever seen.
    pub(super) fn store(&self) -> u64 {
        self.highest
    }

    pub(super) fn advance(&mut self, by: u64) {
        self.set(self.wall.saturating_add(by));
    }

    pub(super) fn set(&mut self, instant: u64) {
        self.wall = instant;
        self.highest = self.highest.max(instant);
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn the_stores_clock_does_not_go_back_with_the_wall_clock() {
        let mut clock = Clock::starting_at(1_000);
        clock.advance(500);
        clock.set(200);
        assert_eq!((clock.wall(), clock.store()), (200, 1_500));
        clock.advance(1);
        assert_eq!((clock.wall(), clock.store()), (201, 1_500));
    }

    #[test]
    fn a_jump_to_the_end_of_time_does_not_overflow() {
        let mut clock = Clock::starting_at(u64::MAX - 1);
        clock.advance(10);
        assert_eq!(clock.store(), u64::MAX);
    }
}
