// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The tree over a batch's leaves (chapter 11, "Leaves")
/// @notice Depth ceil(log2(count)), padded with zero leaves; leaves and nodes are hashed under tags of their own, so that
/// neither is taken for the other.
library LeafTree {
    error LeafIndexOutOfRange(uint256 count, uint256 given);
    error LeafSiblings(uint256 expected, uint256 given);

    bytes32 private constant NODE_TAG = keccak256("assay.batch.node.v1");

    /// @notice The root that a leaf at an index and its siblings, bottom-up, lead to.
    function fold(bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata siblings)
        internal
        pure
        returns (bytes32 root)
    {
        if (index >= count) revert LeafIndexOutOfRange(count, index);
        uint256 depth = depthOf(count);
        if (siblings.length != depth) revert LeafSiblings(depth, siblings.length);
        root = leaf;
        for (uint256 level = 0; level < depth; level++) {
            bool isRight = (index >> level) & 1 == 1;
            root = isRight ? node(siblings[level], root) : node(root, siblings[level]);
        }
    }

    /// @notice Levels above the leaves of a batch of `count` >= 1.
    function depthOf(uint256 count) internal pure returns (uint256) {
        return Math.log2(count, Math.Rounding.Ceil);
    }

    /// @notice Bytes of the tree as a batch's data holds it: its levels without leaves and root, each padded to an even width.
    function postedBytes(uint256 count) internal pure returns (uint256 length) {
        for (uint256 width = (count + 1) / 2; width > 1; width = (width + 1) / 2) {
            width += width & 1;
            length += width * 32;
        }
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(abi.encode(NODE_TAG, left, right));
    }
}
