// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlobRef} from "../../types/Objects.sol";
import {MerklePath} from "../MerklePath.sol";

/// @title Region roots and the memory root over them (chapter 2)
library RegionTree {
    error BlobTooLong(uint256 most, uint256 given);
    error RegionSiblings(uint256 expected, uint256 given);
    error NotInMemory(bytes32 expectedRoot, bytes32 givenRoot);

    uint256 internal constant REGIONS = 16;
    uint256 internal constant SYSTEM = 0;
    uint256 internal constant INPUT = 4;
    uint256 internal constant OUTPUT = 5;

    uint256 private constant CONTROL_REGIONS = 3;
    uint256 private constant PAGE_BYTES = 4096;
    uint256 private constant BLOB_BYTES_MAX = PAGE_BYTES << MerklePath.BULK_HEIGHTS;

    /// @notice Roots of sixteen regions of zero bytes.
    function zeroRegions() internal pure returns (bytes32[] memory roots) {
        bytes32[] memory control = MerklePath.zeroControl();
        bytes32[] memory bulk = MerklePath.zeroBulk();
        bytes32 controlLast = control[control.length - 1];
        bytes32 bulkLast = bulk[bulk.length - 1];
        roots = new bytes32[](REGIONS);
        for (uint256 region = 0; region < REGIONS; region++) {
            bytes32 half = region < CONTROL_REGIONS ? controlLast : bulkLast;
            roots[region] = node(half, half);
        }
    }

    /// @notice The memory root over sixteen region roots, which are overwritten.
    function rootOf(bytes32[] memory nodes) internal pure returns (bytes32) {
        for (uint256 width = REGIONS / 2; width > 0; width /= 2) {
            for (uint256 i = 0; i < width; i++) {
                nodes[i] = node(nodes[2 * i], nodes[2 * i + 1]);
            }
        }
        return nodes[0];
    }

    /// @notice The root of a region that a blob is mounted as.
    function mount(BlobRef memory blob) internal pure returns (bytes32 root) {
        if (blob.length > BLOB_BYTES_MAX) revert BlobTooLong(BLOB_BYTES_MAX, blob.length);
        bytes32[] memory zeros = MerklePath.zeroBulk();
        uint256 height = 0;
        while (PAGE_BYTES << height < blob.length) height++;
        root = blob.root;
        for (; height < MerklePath.BULK_HEIGHTS; height++) {
            root = node(root, zeros[height]);
        }
    }

    /// @notice Checks that `path[0]` is the root of OUTPUT in a memory; the other four are its siblings, bottom-up.
    function checkOutput(bytes32 memoryRoot, bytes32[] calldata path) internal pure {
        uint256 expected = 1 + MerklePath.REGION_LEVELS;
        if (path.length != expected) revert RegionSiblings(expected, path.length);
        bytes32 root = path[0];
        for (uint256 level = 0; level < MerklePath.REGION_LEVELS; level++) {
            bytes32 sibling = path[level + 1];
            root = (OUTPUT >> level) & 1 == 1 ? node(sibling, root) : node(root, sibling);
        }
        if (root != memoryRoot) revert NotInMemory(memoryRoot, root);
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            hash := keccak256(0x00, 0x40)
        }
    }
}
