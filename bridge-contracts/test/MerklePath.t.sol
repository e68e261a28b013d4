// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerklePath} from "../src/libraries/MerklePath.sol";
import {Test} from "./base/Test.sol";

contract MerklePathHarness {
    function foldControl(bytes32 oldLeaf, bytes32 newLeaf, uint256 path, uint256 mask, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32, bytes32)
    {
        uint256 offset;
        assembly ("memory-safe") {
            offset := siblings.offset
        }
        return MerklePath.fold(oldLeaf, newLeaf, path, MerklePath.zeroControl(), mask, offset);
    }
}

contract MerklePathTest is Test {
    uint256 private constant LEVELS = MerklePath.CONTROL_HEIGHTS + MerklePath.REGION_LEVELS;
    MerklePathHarness private harness = new MerklePathHarness();

    function test_zeroSubtrees_vectors() external view {
        string memory json = vm.readFile("../specs/vectors/zero_subtrees.json");
        check(MerklePath.zeroControl(), vm.parseJsonBytes32Array(json, ".zero_control"));
        check(MerklePath.zeroBulk(), vm.parseJsonBytes32Array(json, ".zero_bulk"));
    }

    function check(bytes32[] memory got, bytes32[] memory wanted) private pure {
        // The last of the vectors is the region root itself, which is nobody's masked sibling.
        assertEq(got.length, wanted.length - 1, "heights");
        for (uint256 i = 0; i < got.length; i++) {
            assertEq(got[i], wanted[i], "zero subtree");
        }
    }

    function testFuzz_fold_agreesWithTwin(bytes32 oldLeaf, bytes32 newLeaf, uint32 path, uint32 mask) external view {
        mask &= uint32((1 << MerklePath.CONTROL_HEIGHTS) - 1);
        bytes32[] memory zeros = MerklePath.zeroControl();
        bytes32[] memory sent = new bytes32[](LEVELS);
        uint256 count;
        (bytes32 wantedOld, bytes32 wantedNew) = (oldLeaf, newLeaf);
        for (uint256 level = 0; level < LEVELS; level++) {
            bool masked = (mask >> level) & 1 == 1;
            bytes32 sibling = masked ? zeros[level] : keccak256(abi.encode(path, level));
            if (!masked) sent[count++] = sibling;
            bool isRight = (path >> level) & 1 == 1;
            wantedOld = keccak256(isRight ? abi.encode(sibling, wantedOld) : abi.encode(wantedOld, sibling));
            wantedNew = keccak256(isRight ? abi.encode(sibling, wantedNew) : abi.encode(wantedNew, sibling));
        }
        (bytes32 oldRoot, bytes32 newRoot) = harness.foldControl(oldLeaf, newLeaf, path, mask, sent);
        assertEq(oldRoot, wantedOld, "old root");
        assertEq(newRoot, wantedNew, "new root");
    }

    function test_fold_zeroSiblingSpeltOut_reverts() external {
        bytes32[] memory siblings = new bytes32[](LEVELS);
        siblings[3] = MerklePath.zeroControl()[3];
        vm.expectRevert(MerklePath.ZeroSiblingNotMasked.selector);
        harness.foldControl(0, 0, 0, 0, siblings);
    }
}
