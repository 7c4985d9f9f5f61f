//! Chance that is the same in every run.

/// Draws numbers from a seed, which is its whole state (SplitMix64): whoever knows the seed draws the same.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A generator that starts at this seed. Neighbouring seeds draw unrelated numbers, except where seeds are
    /// multiples of the generator's own step.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator for one of many seeds in a row: none goes on where the one before it began.
    #[must_use]
    pub fn spread(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// Draws any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number from 0 up to and without `end`; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// Tells yes once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Picks one of these; `None` of nothing.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Picks one of at least one.
    pub fn of<T, const N: usize>(&mut self, first: T, others: [T; N]) -> T {
        match self.below(N + 1).checked_sub(1) {
            Some(chosen) => others.into_iter().nth(chosen).unwrap_or(first),
            None => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_draws_what_the_generator_is_known_to_draw() {
        // The first numbers of SplitMix64 from seed 1234567, as published with it.
        let mut dice = Dice::new(1_234_567);
        let drawn: Vec<_> = (0..3).map(|_| dice.roll()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        assert_eq!((dice.below(0), dice.pick::<u8>(&[])), (0, None));
    }
}
