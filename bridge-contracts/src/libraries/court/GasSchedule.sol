// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The schedule of gas that the loser of a game pays for (chapter 14, "Gas")
/// @notice An executor is paid out of the bond of who challenged it in vain: its figures are what a call costs when none of
/// its bytes is zero. A challenger is paid out of a convict's pot, which whoever joins in could milk, by the hundred in one
/// transaction and with hashes of zeros: its figures are what a call costs at least, in the middle of such a batch and without
/// its calldata. Tests hold both to what the calls burn.
library GasSchedule {
    uint256 internal constant COMMIT = 180_000;
    uint256 internal constant REVEAL = 120_000;
    uint256 internal constant CHALLENGER_MOVE = 30_000;
    uint256 internal constant CHALLENGER_HASH = 380;

    uint256 internal constant EXECUTOR_MOVE = 70_000;
    uint256 internal constant EXECUTOR_HASH = 1_300;

    uint256 internal constant CHALLENGER_STEP = 150_000;
    uint256 internal constant CHALLENGER_STEP_BYTE = 10;
    uint256 internal constant EXECUTOR_STEP = 380_000;
    uint256 internal constant EXECUTOR_STEP_BYTE = 20;

    uint256 internal constant CHALLENGER_TIMEOUT = 60_000;
    /// @dev Of a stay between two others, by a key of the executor, when neither it nor the treasury has been credited yet.
    uint256 internal constant EXECUTOR_TIMEOUT = 140_000;

    /// @dev Bytes of a witness that are paid to an executor. The longest that a step has are of 9,160 (gas/steps.md).
    uint256 private constant WITNESS_BYTES_MAX = 10_240;

    /// @dev The longest run has 2^40 states (chapter 13).
    uint256 private constant RUN_LOG2 = 40;

    function reveal(uint256 hashes) internal pure returns (uint256) {
        return REVEAL + hashes * CHALLENGER_HASH;
    }

    function challengerMove(uint256 hashes) internal pure returns (uint256) {
        return CHALLENGER_MOVE + hashes * CHALLENGER_HASH;
    }

    function executorMove(uint256 hashes) internal pure returns (uint256) {
        return EXECUTOR_MOVE + hashes * EXECUTOR_HASH;
    }

    function challengerStep(uint256 witnessBytes) internal pure returns (uint256) {
        return CHALLENGER_STEP + CHALLENGER_STEP_BYTE * witnessBytes;
    }

    function executorStep(uint256 witnessBytes) internal pure returns (uint256) {
        uint256 paid = witnessBytes < WITNESS_BYTES_MAX ? witnessBytes : WITNESS_BYTES_MAX;
        return EXECUTOR_STEP + EXECUTOR_STEP_BYTE * paid;
    }

    /// @notice The most that an executor's moves in one game come to: every second dissection of the longest run, and a step,
    /// which is given more than a timeout.
    function executorWorst(uint8 arityLog2) internal pure returns (uint256) {
        uint256 dissections = (RUN_LOG2 + arityLog2 - 1) / arityLog2;
        return dissections / 2 * executorMove(1 << arityLog2) + executorStep(WITNESS_BYTES_MAX);
    }
}
