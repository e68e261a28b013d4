// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Paths through the memory tree (chapter 2)
/// @notice A node is keccak256(left || right). A path is folded for an old and a new leaf in one pass.
library MerklePath {
    /// @notice A sibling that equals the zero subtree of its height was spelt out instead of masked.
    error ZeroSiblingNotMasked();

    /// @notice Heights of which zero subtrees may be masked: below the region roots.
    uint256 internal constant CONTROL_HEIGHTS = 28;
    uint256 internal constant BULK_HEIGHTS = 24;
    /// @notice Levels from region roots to the root.
    uint256 internal constant REGION_LEVELS = 4;

    /// @dev Where the mask stands above a path of at most 32 bits, when it is shifted with it.
    uint256 private constant MASK_AT = 128;

    /// @dev keccak256 of 256 zero bytes.
    bytes32 private constant ZERO_LEAF = 0xd397b3b043d87fcd6fad1291ff0bfd16401c274896d8c63a923727f077b8e0b5;
    /// @notice BLAKE3 of 4096 zero bytes: the zero subtree of height 0 above a bulk page, and the root of the empty blob.
    bytes32 internal constant ZERO_PAGE = 0xb6fb73fc46938c981e2b0b4b1ef282adcfc89854d01bfe3972fdc4785b41b2c7;

    /// @notice Hashes of the zero subtrees of heights 0, 1, ... above a control leaf: keccak256 of 256 zero bytes first.
    function zeroControl() internal pure returns (bytes32[] memory) {
        return zeroSubtrees(ZERO_LEAF, CONTROL_HEIGHTS);
    }

    /// @notice Hashes of the zero subtrees of heights 0, 1, ... above a bulk page.
    function zeroBulk() internal pure returns (bytes32[] memory) {
        return zeroSubtrees(ZERO_PAGE, BULK_HEIGHTS);
    }

    /// @notice Old and new root over an old and a new leaf.
    /// @dev The mask has no bit at or above `zeros.length`. A fuzz test holds the assembly to its twin in plain loops.
    /// @param oldNode Leaf before, `newNode` after. If they are equal, so are the roots.
    /// @param path Index of the leaf: bit i is set if the node at level i is a right child.
    /// @param zeros Zero subtrees of the maskable levels, which come first; {REGION_LEVELS} others follow.
    /// @param mask Bit i: the sibling at level i is zeros[i], and is left out.
    /// @param siblings Where in calldata the siblings that are not left out are, bottom-up.
    function fold(
        bytes32 oldNode,
        bytes32 newNode,
        uint256 path,
        bytes32[] memory zeros,
        uint256 mask,
        uint256 siblings
    ) internal pure returns (bytes32 oldRoot, bytes32 newRoot) {
        bool notMasked;
        (oldRoot, newRoot) = (oldNode, newNode);
        assembly ("memory-safe") {
            let changed := iszero(eq(oldRoot, newRoot))
            let maskableEnd := add(zeros, shl(5, mload(zeros)))
            let end := add(maskableEnd, shl(5, REGION_LEVELS))
            // Path and mask are shifted as one: the bits that leave the mask stay above the path.
            let bits := or(shl(5, path), shl(MASK_AT, mask))
            for {} lt(zeros, end) {} {
                // zeros[level]. Above the maskable levels no bit of the mask is set, and what lies there is not used.
                zeros := add(zeros, 0x20)
                let sibling := mload(zeros)
                if iszero(and(bits, shl(MASK_AT, 1))) {
                    let spelt := calldataload(siblings)
                    if eq(sibling, spelt) { if iszero(gt(zeros, maskableEnd)) { notMasked := 1 } }
                    sibling := spelt
                    siblings := add(siblings, 0x20)
                }
                // A left child's hash comes first, a right child's second.
                let place := and(bits, 0x20)
                mstore(xor(place, 0x20), sibling)
                mstore(place, oldRoot)
                oldRoot := keccak256(0x00, 0x40)
                if changed {
                    mstore(place, newRoot)
                    newRoot := keccak256(0x00, 0x40)
                }
                bits := shr(1, bits)
            }
            if iszero(changed) { newRoot := oldRoot }
        }
        if (notMasked) revert ZeroSiblingNotMasked();
    }

    function zeroSubtrees(bytes32 node, uint256 heights) private pure returns (bytes32[] memory zeros) {
        assembly ("memory-safe") {
            zeros := mload(0x40)
            mstore(0x40, add(zeros, shl(5, add(heights, 1))))
            mstore(zeros, heights)
            // Each node is written twice, so that its parent is the hash of where it stands; the second is overwritten.
            let pointer := add(zeros, 0x20)
            for { let end := add(pointer, shl(5, sub(heights, 1))) } lt(pointer, end) {} {
                mstore(pointer, node)
                mstore(add(pointer, 0x20), node)
                node := keccak256(pointer, 0x40)
                pointer := add(pointer, 0x20)
            }
            mstore(pointer, node)
        }
    }
}
