// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The shape of a tree that a batch's data holds (chapter 12, "Trees")
/// @notice Levels bottom-up without the root, each padded to an even number of nodes. A tree over none is as one over one.
library PostedTree {
    /// @notice Levels below the root.
    function depthOf(uint256 count) internal pure returns (uint256) {
        return Math.log2(count, Math.Rounding.Ceil);
    }

    /// @notice Nodes of a level that stand over something; those behind them are padding.
    function widthOf(uint256 count, uint256 level) internal pure returns (uint256) {
        return count == 0 ? 1 : ((count - 1) >> level) + 1;
    }

    /// @notice Nodes of a level as it is posted: an even number, but for the root.
    function paddedWidthOf(uint256 count, uint256 level) internal pure returns (uint256) {
        uint256 width = widthOf(count, level);
        return width == 1 ? 1 : width + (width & 1);
    }

    /// @notice Number of a level's first node among all nodes below the root.
    function firstOf(uint256 count, uint256 level) internal pure returns (uint256 first) {
        for (uint256 below = 0; below < level; below++) {
            first += paddedWidthOf(count, below);
        }
    }
}
