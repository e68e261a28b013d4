// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Opening} from "../../types/Games.sol";
import {TaskRequest} from "../../types/Objects.sol";
import {LittleEndian} from "../LittleEndian.sol";
import {MerklePath} from "../MerklePath.sol";
import {RegionTree} from "./RegionTree.sol";
import {StateHash} from "./StateHash.sol";

/// @title State 0 of a job (chapter 5, "Programs"), which nobody claims: L1 computes it
/// @notice The regions are the descriptor's mounts, the request's input as INPUT, and SYSTEM with its first leaf replaced by
/// the boot leaf. The opening shows the leaf that is replaced and its path: whatever the descriptor has there, somebody who
/// knows its image can show it, so that no image makes a claim unchallengeable.
library BootState {
    error SystemSiblings(uint256 expected, uint256 given);
    error SystemMask(uint256 levels, uint32 given);
    error NotSystemRoot(bytes32 expected, bytes32 given);

    // Positions in bits of a head's fields before its 32 bytes are reversed (chapter 3).
    uint256 private constant VERSION_AT = 8;
    uint256 private constant PC_AT = 32;
    uint256 private constant MEMORY_PAGES_AT = 96;
    uint256 private constant FUEL_AT = 128;

    /// @notice Hash of state 0. The descriptor is a registered one, so its mounts are of sixteen regions.
    function hashOf(Opening calldata opening, TaskRequest memory request) internal pure returns (bytes32) {
        bytes32[] memory roots = RegionTree.zeroRegions();
        for (uint256 i = 0; i < opening.descriptor.mounts.length; i++) {
            roots[opening.descriptor.mounts[i].region] = opening.descriptor.mounts[i].root;
        }
        roots[RegionTree.INPUT] = RegionTree.mount(request.input);
        roots[RegionTree.SYSTEM] = boot(roots[RegionTree.SYSTEM], opening, request);
        return StateHash.hashOf(headOf(opening, request), RegionTree.rootOf(roots));
    }

    /// @dev SYSTEM with the boot leaf: all siblings are right children, since the leaf is the first one.
    function boot(bytes32 system, Opening calldata opening, TaskRequest memory request)
        private
        pure
        returns (bytes32 root)
    {
        uint256 mask = opening.systemMask;
        if (mask >> MerklePath.CONTROL_HEIGHTS != 0) {
            revert SystemMask(MerklePath.CONTROL_HEIGHTS, opening.systemMask);
        }
        bytes32[] memory zeros = MerklePath.zeroControl();
        bytes32 oldRoot = opening.systemLeaf;
        root = bootLeaf(request.input.length, request.outputLengthMax);
        uint256 count = 0;
        for (uint256 level = 0; level < MerklePath.CONTROL_HEIGHTS; level++) {
            bytes32 sibling = zeros[level];
            if ((mask >> level) & 1 == 0) {
                if (count == opening.systemSiblings.length) revert SystemSiblings(count + 1, count);
                sibling = opening.systemSiblings[count++];
            }
            oldRoot = RegionTree.node(oldRoot, sibling);
            root = RegionTree.node(root, sibling);
        }
        if (count != opening.systemSiblings.length) revert SystemSiblings(count, opening.systemSiblings.length);
        if (oldRoot != system) revert NotSystemRoot(system, oldRoot);
    }

    /// @dev Hash of the boot leaf (chapter 2): two little-endian words, and thirty zero words.
    function bootLeaf(uint64 inputLength, uint64 outputLengthMax) private pure returns (bytes32) {
        uint256 words = LittleEndian.reverse(uint256(inputLength) | (uint256(outputLengthMax) << 64));
        return keccak256(abi.encode(words, 0, 0, 0, 0, 0, 0, 0));
    }

    function headOf(Opening calldata opening, TaskRequest memory request) private pure returns (bytes32) {
        uint256 head = (uint256(opening.descriptor.version) << VERSION_AT)
            | (uint256(opening.descriptor.entryPc) << PC_AT)
            | (uint256(opening.descriptor.memoryPages) << MEMORY_PAGES_AT) | (uint256(request.fuelLimit) << FUEL_AT);
        return bytes32(LittleEndian.reverse(head));
    }
}
