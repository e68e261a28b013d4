//! The numbers of deployments: one table for all processes, contracts and scripts (specs/15-presets.md).
//!
//! Owns `protocol/presets.json`, the assumptions behind it and the relations that the numbers owe each other. Whose numbers
//! they are, and where the treasury is, a deployment says.

use alloc::string::String;
use core::str::FromStr;

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::BLOB_LENGTH_MAX;
use crate::faults::Limits;

/// The table, as forge reads it too.
const TABLE: &str = include_str!("../presets.json");

/// Steps that the interpreter makes in a second on the slowest host that plays, hashing included.
pub const STEPS_PER_SECOND: u64 = 100_000_000;
/// Passes over the whole run that one side makes in a game, the first re-execution included.
pub const PASSES: u64 = 3;
/// Moves that one side makes in a game, commitment and settlement included.
pub const MOVES: u64 = 6;
/// Most gas that an executor spends in one game, three dissections and a step, and that the court's schedule gives it.
pub const EXECUTOR_GAS_MAX: u64 = 1_100_000;
/// Most gas that a challenger spends in one game: commitment, opening, two dissections and a step.
pub const CHALLENGER_GAS_MAX: u64 = 1_600_000;
/// What the executor's passes over the longest run cost it in wei: 0.01 ether.
pub const COMPUTE_COST: u64 = 10_000_000_000_000_000;
/// Stakes in a bond: what a liar risks against what a challenger risks.
pub const BONDS_PER_STAKE: u64 = 20;
/// The longest run there can be has 2^40 steps, one more than its fuel (specs/06-fuel.md).
pub const FUEL_LIMIT_BOUND: u64 = (1 << 40) - 1;
/// The longest period: about 136 years, so that no sum of times and periods comes near 2^64.
pub const PERIOD_MAX: u64 = u32::MAX as u64;
/// All of a share.
pub const BASIS_POINTS: u64 = 10_000;

/// A set of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Preset {
    /// One machine, seconds.
    Devnet,
    /// A public test network, hours.
    Testnet,
    /// Ethereum, days.
    Mainnet,
}

/// No preset of this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no preset \"{got}\", there are devnet, testnet and mainnet")]
pub struct UnknownPreset {
    /// The name.
    pub got: String,
}

/// Every number that a deployment fixes. Times are in seconds, money is in wei, shares are in basis points, lengths in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// W: how long a batch can be challenged after posting.
    pub window: u64,
    /// K: each side's chess clock for one game.
    pub clock: u64,
    /// P: delay until the revocation of a key or an exit takes effect.
    pub notice_period: u64,
    /// What a withdrawal waits beyond P + W + 2 K.
    pub withdrawal_margin: u64,
    /// How far `as_of` may lie before posting.
    pub as_of_age_max: u64,
    /// Least stake of an executor.
    #[serde(deserialize_with = "wei")]
    pub executor_stake: U256,
    /// Least stake of a sequencer.
    #[serde(deserialize_with = "wei")]
    pub sequencer_stake: U256,
    /// Bond of a challenge.
    #[serde(deserialize_with = "wei")]
    pub challenge_bond: U256,
    /// Share of a slashed stake that goes to the treasury.
    pub burn_share_bps: u16,
    /// Margin on the executor's scheduled gas that a losing challenger pays.
    pub gas_margin_bps: u16,
    /// Cap of the base fee in gas refunds.
    #[serde(deserialize_with = "wei")]
    pub base_fee_max: U256,
    /// Largest fuel limit of a request.
    pub fuel_limit_max: u64,
    /// Largest output limit of a request.
    pub output_length_max: u64,
    /// Longest input of a request.
    pub input_length_max: u64,
    /// How many batches back a source may lie.
    pub source_horizon: u64,
    /// Most leaves in a chain of outputs that feed each other.
    pub chain_length_max: u8,
    /// Receives the burned shares; a deployment says who.
    #[serde(skip)]
    pub treasury: Address,
}

/// What a preset assumes of its network, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumptions {
    /// How long an honest side may be kept from L1 in one game, all in all.
    pub censorship: u64,
    /// How long a transaction takes to be included when nobody is in its way.
    pub inclusion: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    devnet: Parameters,
    testnet: Parameters,
    mainnet: Parameters,
    assumptions: AssumptionsTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssumptionsTable {
    devnet: Assumptions,
    testnet: Assumptions,
    mainnet: Assumptions,
}

/// A relation between the numbers that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RelationError {
    /// Too small.
    #[error("{what}: {got}, at least {least}")]
    Below {
        /// What it is, as specs/15-presets.md lists it.
        what: &'static str,
        /// The number.
        got: U256,
        /// Its least value.
        least: U256,
    },
    /// Too large.
    #[error("{what}: {got}, at most {most}")]
    Above {
        /// What it is, as specs/15-presets.md lists it.
        what: &'static str,
        /// The number.
        got: U256,
        /// Its largest value.
        most: U256,
    },
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::Devnet, Self::Testnet, Self::Mainnet];

    /// The name in the table and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Devnet => "devnet",
            Self::Testnet => "testnet",
            Self::Mainnet => "mainnet",
        }
    }

    /// The numbers, for a deployment with this treasury.
    #[must_use]
    pub fn parameters(self, treasury: Address) -> Parameters {
        let table = table();
        let parameters = match self {
            Self::Devnet => table.devnet,
            Self::Testnet => table.testnet,
            Self::Mainnet => table.mainnet,
        };
        Parameters { treasury, ..parameters }
    }

    /// What the numbers assume of the network.
    #[must_use]
    pub fn assumptions(self) -> Assumptions {
        let table = table().assumptions;
        match self {
            Self::Devnet => table.devnet,
            Self::Testnet => table.testnet,
            Self::Mainnet => table.mainnet,
        }
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == name);
        found.ok_or_else(|| UnknownPreset { got: name.into() })
    }
}

impl core::fmt::Display for Preset {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl Parameters {
    /// Seconds from a batch's posting after which no game on its claims can be open: its window, and both clocks of a game begun at the end.
    #[must_use]
    pub fn dispute_span(&self) -> u64 {
        self.window + 2 * self.clock
    }

    /// From the announcement of an exit to the withdrawal: P + W + 2 K + margin.
    #[must_use]
    pub fn withdrawal_delay(&self) -> u64 {
        self.notice_period + self.dispute_span() + self.withdrawal_margin
    }

    /// Most steps of runs that so many workers can defend at once: they make each run [`PASSES`] times within what K leaves beside the
    /// assumed censorship and the inclusion of a side's moves (specs/19-executor.md, "What it can defend"). At most what 64 bits hold.
    #[must_use]
    pub fn defensible_steps(&self, assumptions: &Assumptions, workers: u64) -> u64 {
        let waits = MOVES.saturating_mul(assumptions.inclusion).saturating_add(assumptions.censorship);
        let seconds = u128::from(workers).saturating_mul(u128::from(self.clock.saturating_sub(waits)));
        let steps = seconds.saturating_mul(u128::from(STEPS_PER_SECOND)) / u128::from(PASSES);
        u64::try_from(steps).unwrap_or(u64::MAX)
    }

    /// What requests and sources are held to.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            fuel_limit_max: self.fuel_limit_max,
            output_length_max: self.output_length_max,
            input_length_max: self.input_length_max,
            source_horizon: self.source_horizon,
        }
    }

    /// Checks every relation of specs/15-presets.md, in its order.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check(&self, assumptions: &Assumptions) -> Result<(), RelationError> {
        let periods = [
            ("window", self.window),
            ("clock", self.clock),
            ("notice period", self.notice_period),
            ("withdrawal margin", self.withdrawal_margin),
            ("age of as_of", self.as_of_age_max),
        ];
        for (what, got) in periods {
            at_least(what, got, 1)?;
            at_most(what, got, PERIOD_MAX)?;
        }
        at_least("withdrawal margin", self.withdrawal_margin, self.as_of_age_max + 2 * assumptions.inclusion)?;
        let passes = PASSES * self.fuel_limit_max.div_ceil(STEPS_PER_SECOND);
        at_least("clock", self.clock, assumptions.censorship + passes + MOVES * assumptions.inclusion)?;
        at_least("window", self.window, assumptions.censorship + passes + assumptions.inclusion)?;

        at_most("burn share", u64::from(self.burn_share_bps), BASIS_POINTS)?;
        at_least("burn share", u64::from(self.burn_share_bps), BASIS_POINTS / 2)?;
        at_least("gas margin", u64::from(self.gas_margin_bps), BASIS_POINTS / 4)?;
        at_least("base fee cap", self.base_fee_max, 1)?;
        let gas_cost = |gas: u64| U256::from(gas).saturating_mul(self.base_fee_max);
        let margin = U256::from(BASIS_POINTS + u64::from(self.gas_margin_bps));
        let owed = gas_cost(EXECUTOR_GAS_MAX).saturating_mul(margin) / U256::from(BASIS_POINTS);
        at_least("challenge bond", self.challenge_bond, owed.saturating_add(U256::from(COMPUTE_COST)))?;
        let stake = self.challenge_bond.saturating_mul(U256::from(BONDS_PER_STAKE));
        at_least("executor stake", self.executor_stake, stake)?;
        at_least("sequencer stake", self.sequencer_stake, self.executor_stake)?;
        let unburned = U256::from(BASIS_POINTS - u64::from(self.burn_share_bps));
        let pot = self.executor_stake.saturating_mul(unburned) / U256::from(BASIS_POINTS);
        at_least("pot of a conviction", pot, gas_cost(CHALLENGER_GAS_MAX))?;

        at_least("fuel limit", self.fuel_limit_max, 1)?;
        at_most("fuel limit", self.fuel_limit_max, FUEL_LIMIT_BOUND)?;
        at_most("output limit", self.output_length_max, BLOB_LENGTH_MAX)?;
        at_most("input length", self.input_length_max, BLOB_LENGTH_MAX)?;
        at_least("source horizon", self.source_horizon, 1)?;
        at_least("chain length", u64::from(self.chain_length_max), 1)
    }
}

/// The parsed table.
fn table() -> Table {
    serde_json::from_str(TABLE).expect("the table is part of the program, and a test parses it")
}

fn at_least(what: &'static str, got: impl Wide, least: impl Wide) -> Result<(), RelationError> {
    let (got, least) = (got.wide(), least.wide());
    if got < least { Err(RelationError::Below { what, got, least }) } else { Ok(()) }
}

fn at_most(what: &'static str, got: impl Wide, most: impl Wide) -> Result<(), RelationError> {
    let (got, most) = (got.wide(), most.wide());
    if got > most { Err(RelationError::Above { what, got, most }) } else { Ok(()) }
}

/// Numbers of every width, compared in the widest.
trait Wide {
    fn wide(self) -> U256;
}

impl Wide for U256 {
    fn wide(self) -> U256 {
        self
    }
}

impl Wide for u64 {
    fn wide(self) -> U256 {
        U256::from(self)
    }
}

/// Wei as a decimal string: no JSON reader keeps such numbers whole otherwise.
fn wei<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let text = String::deserialize(deserializer)?;
    U256::from_str_radix(&text, 10).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
