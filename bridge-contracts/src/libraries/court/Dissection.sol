// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Dissections of a segment of a run (chapter 13, "Moves")
/// @notice A segment of 2^n steps is cut into m = min(arity, 2^n) equal parts; d_k is the hash of the state at the end of
/// part k. L1 keeps the root of the binary tree over d_1..d_m, node = keccak256(left || right). m is a power of two and
/// follows from the segment's length, so that a proof of exact length can't take a node for a leaf.
library Dissection {
    error HashCount(uint256 expected, uint256 given);
    error IndexOutOfRange(uint256 most, uint256 given);
    error SiblingCount(uint256 expected, uint256 given);
    error NotInDissection(bytes32 expectedRoot, bytes32 givenRoot);

    /// @notice Parts of a segment that is long enough: 2^6 (decision record 10).
    uint8 internal constant ARITY_LOG2 = 6;

    /// @notice Logarithm of the number of parts.
    function partsLog2(uint8 lengthLog2, uint8 arityLog2) internal pure returns (uint8) {
        return lengthLog2 < arityLog2 ? lengthLog2 : arityLog2;
    }

    /// @notice Root over a power of two of hashes, one at least.
    /// @dev A fuzz test holds the assembly to its twin in plain loops.
    function rootOf(bytes32[] calldata hashes) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            // Level by level over a copy in free memory, which is not kept: parents are written over their children.
            let start := mload(0x40)
            let size := shl(5, hashes.length)
            calldatacopy(start, hashes.offset, size)
            for {} gt(size, 0x20) { size := shr(1, size) } {
                let parent := start
                let end := add(start, size)
                for { let child := start } lt(child, end) { child := add(child, 0x40) } {
                    mstore(parent, keccak256(child, 0x40))
                    parent := add(parent, 0x20)
                }
            }
            root := mload(start)
        }
    }

    /// @notice Checks that `hash` is d_(index + 1) of the dissection with this root and 2^depth parts.
    function check(bytes32 root, uint8 depth, uint256 index, bytes32 hash, bytes32[] calldata siblings) internal pure {
        if (siblings.length != depth) revert SiblingCount(depth, siblings.length);
        for (uint256 level = 0; level < depth; level++) {
            bool isRight = (index >> level) & 1 == 1;
            hash = isRight ? node(siblings[level], hash) : node(hash, siblings[level]);
        }
        if (hash != root) revert NotInDissection(root, hash);
    }

    function node(bytes32 left, bytes32 right) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            hash := keccak256(0x00, 0x40)
        }
    }
}
