// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../types/Parameters.sol";

/// @title What the numbers of a deployment owe each other (chapter 15, "Relations")
/// @notice Checked when a deployment is made, so that no argument about safety rests on a table typed with care.
library Relations {
    /// @notice `larger` is below what it must at least be.
    error Below(string larger, uint256 least, uint256 given);
    error Above(string smaller, uint256 most, uint256 given);

    uint256 internal constant BASIS_POINTS = 10_000;
    /// @dev About 136 years: sums of a time and a few periods stay far below 2^64.
    uint256 private constant PERIOD_MAX = type(uint32).max;
    uint256 private constant STAKE_PER_BOND = 20;
    /// @dev The longest run has 2^40 steps, one more than its fuel (chapter 6).
    uint256 private constant FUEL_MAX = (1 << 40) - 1;
    /// @dev A region (chapter 2).
    uint256 private constant BLOB_BYTES_MAX = 1 << 36;

    function check(Parameters memory parameters) internal pure {
        period("window", parameters.window);
        period("clock", parameters.clock);
        period("noticePeriod", parameters.noticePeriod);
        period("withdrawalMargin", parameters.withdrawalMargin);
        period("asOfAgeMax", parameters.asOfAgeMax);
        // A batch may name a time in which an executor was registered for so long after: its window must end before the
        // stake can go.
        atLeast("withdrawalMargin", parameters.asOfAgeMax, parameters.withdrawalMargin);

        atLeast("challengeBond", 1, parameters.challengeBond);
        atLeast("executorStake", STAKE_PER_BOND * parameters.challengeBond, parameters.executorStake);
        atLeast("sequencerStake", parameters.executorStake, parameters.sequencerStake);
        // Deterrence is computed from the burned share alone: the rest may go to a friend of the convict.
        atLeast("burnShareBps", BASIS_POINTS / 2, parameters.burnShareBps);
        atMost("burnShareBps", BASIS_POINTS, parameters.burnShareBps);
        atLeast("gasMarginBps", BASIS_POINTS / 4, parameters.gasMarginBps);
        // With a cap of nothing nobody would be paid for gas.
        atLeast("baseFeeMax", 1, parameters.baseFeeMax);
        atLeast("treasury", 1, uint160(parameters.treasury));

        atLeast("fuelLimitMax", 1, parameters.fuelLimitMax);
        atMost("fuelLimitMax", FUEL_MAX, parameters.fuelLimitMax);
        atMost("outputLengthMax", BLOB_BYTES_MAX, parameters.outputLengthMax);
        atMost("inputLengthMax", BLOB_BYTES_MAX, parameters.inputLengthMax);
        atLeast("sourceHorizon", 1, parameters.sourceHorizon);
        atLeast("chainLengthMax", 1, parameters.chainLengthMax);
    }

    function period(string memory name, uint256 given) private pure {
        atLeast(name, 1, given);
        atMost(name, PERIOD_MAX, given);
    }

    function atLeast(string memory name, uint256 least, uint256 given) private pure {
        if (given < least) revert Below(name, least, given);
    }

    function atMost(string memory name, uint256 most, uint256 given) private pure {
        if (given > most) revert Above(name, most, given);
    }
}
