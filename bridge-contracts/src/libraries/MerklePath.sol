// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Paths through the memory tree (chapter 2)
/// @notice A node is keccak256(left || right). A path is folded for an old and a new leaf in one pass.
library MerklePath {
    /// @notice A sibling that equals the zero subtree of its height was spelt out instead of masked.
    error ZeroSiblingNotMasked(uint256 level);

    /// @notice Heights of which zero subtrees may be masked: below the region roots.
    uint256 internal constant CONTROL_HEIGHTS = 28;
    uint256 internal constant BULK_HEIGHTS = 24;
    /// @notice Levels from region roots to the root.
    uint256 internal constant REGION_LEVELS = 4;

    /// @dev BLAKE3 of 4096 zero bytes.
    bytes32 private constant ZERO_PAGE = 0xb6fb73fc46938c981e2b0b4b1ef282adcfc89854d01bfe3972fdc4785b41b2c7;

    /// @notice Hashes of the zero subtrees of heights 0, 1, ... above a control leaf: keccak256 of 256 zero bytes first.
    function zeroControl() internal pure returns (bytes32[] memory) {
        return zeroSubtrees(keccak256(new bytes(256)), CONTROL_HEIGHTS);
    }

    /// @notice Hashes of the zero subtrees of heights 0, 1, ... above a bulk page.
    function zeroBulk() internal pure returns (bytes32[] memory) {
        return zeroSubtrees(ZERO_PAGE, BULK_HEIGHTS);
    }

    /// @notice Old and new root over an old and a new leaf.
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
    ) internal pure returns (bytes32, bytes32) {
        uint256 maskable = zeros.length;
        for (uint256 level = 0; level < maskable + REGION_LEVELS; ++level) {
            bytes32 sibling;
            if ((mask >> level) & 1 == 1) {
                sibling = zeros[level];
            } else {
                assembly ("memory-safe") {
                    sibling := calldataload(siblings)
                }
                siblings += 32;
                if (level < maskable && sibling == zeros[level]) revert ZeroSiblingNotMasked(level);
            }
            bool changed = oldNode != newNode;
            bool isRight = (path >> level) & 1 == 1;
            oldNode = isRight ? parent(sibling, oldNode) : parent(oldNode, sibling);
            if (!changed) newNode = oldNode;
            else newNode = isRight ? parent(sibling, newNode) : parent(newNode, sibling);
        }
        return (oldNode, newNode);
    }

    /// @notice keccak256 of 64 bytes.
    function parent(bytes32 left, bytes32 right) internal pure returns (bytes32 node) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            node := keccak256(0x00, 0x40)
        }
    }

    function zeroSubtrees(bytes32 node, uint256 heights) private pure returns (bytes32[] memory zeros) {
        zeros = new bytes32[](heights);
        for (uint256 height = 0; height < heights; ++height) {
            zeros[height] = node;
            node = parent(node, node);
        }
    }
}
