//! What a transaction offers for its place in a block.
//!
//! Owns the arithmetic of EIP-1559 fees: the first offer, the next one, and where to stop. Assumes a base fee and a tip as L1 has them
//! now. All amounts are wei a gas. Pure.
//!
//! A node takes a replacement only when *both* fields are at least 10 % above what it has. So an offer is raised in both, by at least
//! the policy's per cent, rounded up, and to what a fresh offer would be if that is more. Base fees rise by at most an eighth a block:
//! a fee cap of twice the base fee holds for five full blocks.

use serde::{Deserialize, Serialize};

/// The least that nodes want above the fees of the transaction that is to be replaced.
pub const BUMP_PERCENT_MIN: u32 = 10;

/// What is offered: the two fields of EIP-1559.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// `maxPriorityFeePerGas`: what the block's proposer gets at most.
    pub tip: u128,
    /// `maxFeePerGas`: what is paid at most, base fee and tip together.
    pub cap: u128,
}

/// Limits of what is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeePolicy {
    /// The least tip, where L1 suggests less.
    pub tip_min: u128,
    /// The highest fee cap for work that can wait.
    pub routine_cap: u128,
    /// The highest fee cap for work that can't.
    pub urgent_cap: u128,
    /// By how much an offer is raised, at least [`BUMP_PERCENT_MIN`].
    pub bump_percent: u32,
    /// Seconds before its time is over from which on urgent work is worth the urgent cap. Before that it offers what the market asks
    /// for, within the routine cap: half an hour of silence is no reason to pay a proposer for days that are left.
    pub hurry_seconds: u64,
}

impl Default for FeePolicy {
    /// A tip of 0.01 gwei at least; 200 gwei for routine work, ten times that for urgent work on its last day; 15 % a bump.
    fn default() -> Self {
        const GWEI: u128 = 1_000_000_000;
        FeePolicy {
            tip_min: GWEI / 100,
            routine_cap: 200 * GWEI,
            urgent_cap: 2_000 * GWEI,
            bump_percent: 15,
            hurry_seconds: 86_400,
        }
    }
}

/// What L1 asks for at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// Base fee of the newest block.
    pub base_fee: u128,
    /// The tip that the node suggests.
    pub tip: u128,
}

impl FeePolicy {
    /// The first offer. `None` when the limit lies below what a block asks for now: such an offer would only block its nonce.
    pub fn first(&self, market: Market, limit: u128) -> Option<Fees> {
        let tip = market.tip.max(self.tip_min);
        let least = market.base_fee.saturating_add(self.tip_min);
        let cap = market.base_fee.saturating_mul(2).saturating_add(tip).min(limit);
        (least <= limit).then(|| Fees { tip: tip.min(cap), cap })
    }

    /// The offer after `previous`, acceptable as its replacement. `None` when it would pass the limit.
    pub fn raised(&self, previous: Fees, market: Market, limit: u128) -> Option<Fees> {
        let least = Fees { tip: self.bumped(previous.tip), cap: self.bumped(previous.cap) };
        let tip = market.tip.max(self.tip_min).max(least.tip);
        let cap = market.base_fee.saturating_mul(2).saturating_add(tip).max(least.cap).min(limit);
        // The limit may cut what the market asks for, never what the replacement must reach.
        let tip = tip.min(cap);
        (cap >= least.cap && tip >= least.tip).then_some(Fees { tip, cap })
    }

    /// Whether an offer is what a block asks for, now and after the steepest rise of the base fee in the next one.
    pub fn suffices(&self, offer: Fees, market: Market) -> bool {
        let next = market.base_fee.saturating_add(market.base_fee.div_ceil(8));
        let tip = market.tip.max(self.tip_min);
        offer.tip >= tip && offer.cap >= next.saturating_add(tip)
    }

    fn bumped(&self, fee: u128) -> u128 {
        let percent = 100 + u128::from(self.bump_percent.max(BUMP_PERCENT_MIN));
        fee.saturating_mul(percent).div_ceil(100).max(fee.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: FeePolicy =
        FeePolicy { tip_min: 10, routine_cap: 1_000, urgent_cap: 10_000, bump_percent: 10, hurry_seconds: 100 };

    fn market(base_fee: u128, tip: u128) -> Market {
        Market { base_fee, tip }
    }

    #[test]
    fn first_offer_is_twice_the_base_fee_and_a_tip() {
        assert_eq!(POLICY.first(market(100, 20), 1_000), Some(Fees { tip: 20, cap: 220 }));
        assert_eq!(POLICY.first(market(100, 1), 1_000), Some(Fees { tip: 10, cap: 210 }), "the least tip");
        assert_eq!(POLICY.first(market(600, 20), 1_000), Some(Fees { tip: 20, cap: 1_000 }), "cut by the limit");
        assert_eq!(POLICY.first(market(991, 20), 1_000), None, "no block would take it");
        assert_eq!(POLICY.first(market(u128::MAX, u128::MAX), 1_000), None);
        assert_eq!(POLICY.first(market(0, 5_000), 1_000), Some(Fees { tip: 1_000, cap: 1_000 }));
    }

    #[test]
    fn raised_offers_follow_the_market_or_the_ten_per_cent() {
        let previous = Fees { tip: 101, cap: 303 };
        // A calm market: 10 % rounded up, in both fields. The cap also grows with the tip.
        assert_eq!(POLICY.raised(previous, market(0, 0), 1_000), Some(Fees { tip: 112, cap: 334 }));
        assert_eq!(POLICY.raised(previous, market(300, 0), 1_000), Some(Fees { tip: 112, cap: 712 }));
        assert_eq!(POLICY.raised(previous, market(100, 200), 1_000), Some(Fees { tip: 200, cap: 400 }));
        // At the limit.
        assert_eq!(
            POLICY.raised(Fees { tip: 100, cap: 900 }, market(900, 0), 1_000),
            Some(Fees { tip: 110, cap: 1_000 })
        );
        assert_eq!(POLICY.raised(Fees { tip: 100, cap: 910 }, market(900, 0), 1_000), None, "1001 passes it");
        assert_eq!(POLICY.raised(Fees { tip: 0, cap: 0 }, market(0, 0), 1_000), Some(Fees { tip: 10, cap: 10 }));
    }

    #[test]
    fn an_offer_suffices_while_the_market_asks_for_no_more() {
        let offer = Fees { tip: 20, cap: 220 };
        assert!(POLICY.suffices(offer, market(100, 20)));
        assert!(POLICY.suffices(offer, market(177, 20)), "the next block may want 200");
        assert!(!POLICY.suffices(offer, market(178, 20)));
        assert!(!POLICY.suffices(offer, market(100, 21)));
        assert!(!POLICY.suffices(Fees { tip: 9, cap: 220 }, market(1, 1)), "less than the least tip");
    }

    /// Every replacement is one that a node takes: geth wants both fields at `old * 110 / 100` or above.
    #[test]
    fn replacements_satisfy_the_rule_of_nodes() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |bound: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            u128::from(seed % bound)
        };
        let mut raised = 0;
        for _ in 0..100_000 {
            let cap = random(12_000);
            let previous = Fees { tip: random(12_000).min(cap), cap };
            let limit = if random(2) == 0 { POLICY.routine_cap } else { POLICY.urgent_cap };
            if let Some(next) = POLICY.raised(previous, market(random(3_000), random(500)), limit) {
                raised += 1;
                assert!(
                    next.tip * 100 >= previous.tip * 110 && next.cap * 100 >= previous.cap * 110,
                    "{previous:?} {next:?}"
                );
                assert!(next.tip <= next.cap && next.cap <= limit, "{next:?} over {limit}");
                assert!(next.tip > previous.tip && next.cap > previous.cap);
            }
        }
        assert!(raised > 10_000);
    }
}
