// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Face faults (chapter 12, "On its face")
/// @notice What one transaction proves of a batch, by its bytes alone. A proven fault voids the batch and slashes the
/// sequencer of its region; the prover is credited with what is not burned.
interface IFaults {
    event FaultProven(
        bytes32 indexed region, uint64 indexed number, address indexed prover, string kind, uint256 reward
    );
}
