// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Every number that a deployment fixes, from the one table of presets (chapter 15). Times are in seconds, money
/// is in wei, shares are in basis points.
struct Parameters {
    /// W: how long a batch can be challenged after posting.
    uint64 window;
    /// K: each side's chess clock for one game.
    uint64 clock;
    /// P: delay until the revocation of a key or an exit takes effect.
    uint64 noticePeriod;
    /// What a withdrawal waits beyond P + W + 2 K.
    uint64 withdrawalMargin;
    /// How far `asOf` may lie before posting.
    uint64 asOfAgeMax;
    /// Least stake of an executor; of a sequencer.
    uint256 executorStake;
    uint256 sequencerStake;
    /// Bond of a challenge.
    uint256 challengeBond;
    /// Share of a slashed stake that goes to the treasury.
    uint16 burnShareBps;
    /// Margin on the executor's scheduled gas that a losing challenger pays.
    uint16 gasMarginBps;
    /// Cap of the base fee in gas refunds.
    uint256 baseFeeMax;
    /// Largest fuel limit, output limit and input length of a request.
    uint64 fuelLimitMax;
    uint64 outputLengthMax;
    uint64 inputLengthMax;
    /// How many batches back a source may lie.
    uint64 sourceHorizon;
    /// Most leaves in a chain of outputs that feed each other.
    uint8 chainLengthMax;
    /// Receives the burned shares.
    address treasury;
}
