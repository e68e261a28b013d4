//! Chance, from a seed: the same seed throws the same numbers.

use assay_protocol::keccak256;

/// Draws from a seed.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    count: u64,
}

impl Dice {
    /// The dice of bout `number` under a seed.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        let hash = keccak256([seed.to_be_bytes(), number.to_be_bytes()].concat());
        Self { seed: u64::from_be_bytes(*hash.first_chunk().expect("a hash has 32 bytes")), count: 0 }
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.count += 1;
        let hash = keccak256([self.seed.to_be_bytes(), self.count.to_be_bytes()].concat());
        u64::from_be_bytes(*hash.first_chunk().expect("a hash has 32 bytes")) % end
    }

    /// Whether something happens that happens once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Puts these into any order.
    pub fn shuffle<T>(&mut self, these: &mut [T]) {
        for last in (1..these.len()).rev() {
            these.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}
