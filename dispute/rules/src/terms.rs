//! The numbers of a deployment: window, clock, bonds, shares, gas. A preset of the protocol is one value of [`Terms`].
//!
//! Times are block times in a unit of their own; amounts are in one unit, gas already priced at the capped base fee.

/// A block time, or a span of it.
pub type Time = i64;

/// An amount. Balances of players may be negative: they count from zero.
pub type Amount = i64;

/// A player, by index. Executors, challengers and strangers are players alike.
pub type Player = usize;

/// What each action costs its sender at the base fee, which is also what the schedule pays back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gas {
    /// A commitment.
    pub commit: Amount,
    /// A reveal, with its dissection.
    pub reveal: Amount,
    /// A dissection.
    pub dissection: Amount,
    /// A step.
    pub step: Amount,
    /// A timeout called by the winner.
    pub timeout: Amount,
}

/// The numbers of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Most hashes of a dissection, at least 2.
    pub arity: u32,
    /// W: a claim posted at t may be challenged in t..=t + W.
    pub window: Time,
    /// K: what each side may spend in one game.
    pub clock: Time,
    /// An executor's stake.
    pub stake: Amount,
    /// A challenger's bond.
    pub bond: Amount,
    /// Share of a slashed stake that is burned.
    pub burned_percent: Amount,
    /// What a losing challenger pays of the executor's gas: 125 is a quarter more than the schedule.
    pub margin_percent: Amount,
    /// The gas schedule.
    pub gas: Gas,
}

impl Terms {
    /// Parts of a segment: min(arity, length).
    #[must_use]
    pub const fn parts(&self, length: u32) -> u32 {
        if length < self.arity { length } else { self.arity }
    }

    /// Dissections from the opening to parts of length one, the opening's own included.
    #[must_use]
    pub const fn dissections(&self, length: u64) -> u32 {
        let (mut left, mut count) = (length, 1);
        while left > self.arity as u64 {
            left = left.div_ceil(self.arity as u64);
            count += 1;
        }
        count
    }

    /// What is burned of a slashed stake; rounding burns.
    #[must_use]
    pub const fn burned(&self, stake: Amount) -> Amount {
        stake - stake * (100 - self.burned_percent) / 100
    }
}
