//! Entropy for codes and ids.

use guestlist_contract::host::Random;

/// Draws entropy from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    /// Fewer bytes than were asked for make the plugin refuse, which is right where the system has none.
    fn bytes(&self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        getrandom::fill(&mut bytes).map_or_else(|_| Vec::new(), |()| bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_has_the_length_that_was_asked_for_and_is_never_the_same() {
        let (one, other) = (OsRandom.bytes(32), OsRandom.bytes(32));
        assert_eq!((one.len(), other.len(), OsRandom.bytes(0).len()), (32, 32, 0));
        assert_ne!(one, other);
    }
}
