// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The hash of a state of the machine (chapter 3)
library StateHash {
    bytes32 private constant TAG = keccak256("assay.machine.state.v1");

    function hashOf(bytes32 head, bytes32 memoryRoot) internal pure returns (bytes32) {
        return keccak256(abi.encode(TAG, head, memoryRoot));
    }
}
