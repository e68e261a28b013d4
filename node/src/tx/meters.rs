//! What a sender counts for operators: what L1 costs, and whether the account can pay for it.
//!
//! Owns the numbers. A transaction is counted when its nonce is settled, whatever it was for; one that a reorganisation takes back after
//! that stays counted. Costs are rounded up to a gwei.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::Shortage;
use crate::telemetry::Metrics;
use alloy_primitives::U256;

/// A unit of money that fits a gauge.
const GWEI: u64 = 1_000_000_000;

/// What a transaction took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// Gas that it used.
    pub gas: u64,
    /// Wei that a unit of it cost.
    pub price: u128,
    /// Whether the call succeeded.
    pub succeeded: bool,
}

/// What is counted.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    transactions: Counter,
    reverted: Counter,
    gas: Counter,
    cost_gwei: Counter,
    balance_gwei: Gauge,
    shortage_gwei: Gauge,
}

impl Meters {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        Meters {
            transactions: metrics.counter("sender_transactions", "Transactions of the account that are settled on L1"),
            reverted: metrics.counter("sender_reverted", "Of these, those whose calls failed"),
            gas: metrics.counter("sender_gas", "Gas that they used"),
            cost_gwei: metrics.counter("sender_cost_gwei", "What that gas cost, in gwei"),
            balance_gwei: metrics.gauge("sender_balance_gwei", "What the account has, in gwei"),
            shortage_gwei: metrics.gauge("sender_shortage_gwei", "What it lacks for the next transaction, in gwei"),
        }
    }

    /// Counts a transaction.
    pub(super) fn settled(&self, cost: Cost) {
        self.transactions.inc();
        if !cost.succeeded {
            self.reverted.inc();
        }
        self.gas.inc_by(cost.gas);
        let wei = U256::from(cost.gas) * U256::from(cost.price);
        self.cost_gwei.inc_by(wei.div_ceil(U256::from(GWEI)).saturating_to());
    }

    /// Takes the account's balance, in wei.
    pub(super) fn balance(&self, wei: U256) {
        self.balance_gwei.set(gwei(wei));
    }

    /// Takes what the account lacks, if anything.
    pub(super) fn shortage(&self, shortage: Option<Shortage>) {
        self.shortage_gwei.set(shortage.map_or(0, |shortage| gwei(shortage.missing()).max(1)));
    }
}

fn gwei(wei: U256) -> i64 {
    i64::try_from(wei / U256::from(GWEI)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_summed_and_money_fits() {
        let metrics = Metrics::new("test");
        let meters = Meters::new(&metrics);
        meters.settled(Cost { gas: 21_000, price: 1_000_000_007, succeeded: true });
        meters.settled(Cost { gas: 100_000, price: 20_000_000_000, succeeded: false });
        meters.balance(U256::MAX);
        meters.shortage(Some(Shortage { got: U256::from(5), wanted: U256::from(7), reserved: U256::ZERO }));
        let text = metrics.text();
        for line in [
            "test_sender_transactions_total 2\n",
            "test_sender_reverted_total 1\n",
            "test_sender_gas_total 121000\n",
            // 21,000.000147 gwei, rounded up, and 2,000,000.
            "test_sender_cost_gwei_total 2021001\n",
            "test_sender_balance_gwei 9223372036854775807\n",
            "test_sender_shortage_gwei 1\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        meters.shortage(None);
        assert!(metrics.text().contains("test_sender_shortage_gwei 0\n"));
    }
}
