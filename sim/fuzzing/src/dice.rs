//! Random choices that a number decides.

/// Random choices (SplitMix64); the same seed and execution give the same ones.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of an execution.
    pub fn of(seed: u64, execution: u64) -> Self {
        let mut dice = Self(seed);
        dice.0 = dice.bits() ^ execution;
        dice
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound that is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// A place in something of that length, which is not 0.
    pub fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these, of which there is one at least.
    pub fn one_of<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.place(of.len())]
    }

    /// Digits, at least one and at most so many.
    pub fn digits(&mut self, most: u64) -> String {
        (0..=self.below(most)).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    /// Letters of many kinds, fewer than so many.
    pub fn noise(&mut self, most: u64) -> String {
        const LETTERS: [char; 16] =
            ['a', 'Z', '0', ' ', '\t', '"', '\'', ',', '{', '}', '\0', '\r', '\n', 'é', '\u{feff}', '\u{1f40b}'];
        (0..self.below(most)).map(|_| *self.one_of(&LETTERS)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_differ_and_repeat() {
        let drawn = |execution| Dice::of(7, execution).bits();
        assert_eq!(drawn(3), drawn(3));
        assert!(drawn(3) != drawn(4) && Dice::of(8, 3).bits() != drawn(3));
        let mut dice = Dice::of(1, 1);
        for _ in 0..1000 {
            assert!(dice.below(3) < 3 && (1..=4).contains(&dice.digits(4).len()));
        }
    }
}
