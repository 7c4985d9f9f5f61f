//! Entropy that can be repeated.
//!
//! Tests and demonstrations only: whoever knows the seed knows every confirmation code. It is a
//! SHA-256 counter stream, so two runs of one world make the same ids and codes, and a state that was
//! saved goes on where it stopped.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Entropy {
    seed: u64,
    blocks: u64,
}

impl Entropy {
    pub(super) fn seeded(seed: u64) -> Self {
        Self { seed, blocks: 0 }
    }

    /// The next `length` bytes. What is left of a block is thrown away, so that each request starts at
    /// a block and the state is two numbers.
    pub(super) fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length.next_multiple_of(32));
        while bytes.len() < length {
            bytes.extend_from_slice(&self.block("entropy", self.blocks));
            self.blocks = self.blocks.wrapping_add(1);
        }
        bytes.truncate(length);
        bytes
    }

    /// A key of this world for another purpose than entropy, the same at any time.
    pub(super) fn key(&self, purpose: &str) -> [u8; 32] {
        self.block(purpose, 0)
    }

    fn block(&self, purpose: &str, number: u64) -> [u8; 32] {
        Sha256::new()
            .chain_update(purpose.as_bytes())
            .chain_update([0])
            .chain_update(self.seed.to_be_bytes())
            .chain_update(number.to_be_bytes())
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::Entropy;

    #[test]
    fn one_seed_gives_one_stream_and_two_seeds_give_two() {
        let (mut one, mut same, mut other) = (Entropy::seeded(7), Entropy::seeded(7), Entropy::seeded(8));
        let first = one.take(48);
        assert_eq!(first.len(), 48);
        assert_eq!(first, same.take(48));
        assert_ne!(first, other.take(48));
        assert_ne!(first, one.take(48), "nothing is given out twice");
    }

    #[test]
    fn a_saved_stream_goes_on_where_it_stopped() {
        let mut one = Entropy::seeded(7);
        one.take(5);
        let saved = serde_json::to_string(&one).unwrap_or_default();
        let mut again: Entropy = serde_json::from_str(&saved).unwrap_or_default();
        assert_eq!(one.take(64), again.take(64));
    }
}
