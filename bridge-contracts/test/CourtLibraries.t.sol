// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LittleEndian} from "../src/libraries/LittleEndian.sol";
import {BootState} from "../src/libraries/court/BootState.sol";
import {Dissection} from "../src/libraries/court/Dissection.sol";
import {Ending} from "../src/libraries/court/Ending.sol";
import {RegionTree} from "../src/libraries/court/RegionTree.sol";
import {StateHash} from "../src/libraries/court/StateHash.sol";
import {Opening} from "../src/types/Games.sol";
import {BlobRef, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {Run, Runs} from "./base/Runs.sol";

contract CourtLibrariesHarness {
    function rootOf(bytes32[] calldata hashes) external pure returns (bytes32, uint256) {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        bytes32 root = Dissection.rootOf(hashes);
        // The free memory is where it was.
        assembly ("memory-safe") {
            free := sub(mload(0x40), free)
        }
        return (root, free);
    }

    function check(bytes32 root, uint8 depth, uint256 index, bytes32 hash, bytes32[] calldata siblings) external pure {
        Dissection.check(root, depth, index, hash, siblings);
    }

    function hashOf(Opening calldata opening, TaskRequest calldata request) external pure returns (bytes32) {
        return BootState.hashOf(opening, request);
    }

    function implies(
        bytes32 head,
        bytes32 root,
        bytes32[] calldata output,
        TaskResult calldata result,
        uint64 fuelLimit
    ) external pure returns (bool) {
        return Ending.implies(head, root, output, result, fuelLimit);
    }

    function mount(BlobRef calldata blob) external pure returns (bytes32) {
        return RegionTree.mount(blob);
    }
}

/// @title The court's libraries against runs of the machine and against their twins
contract CourtLibrariesTest is Runs {
    CourtLibrariesHarness private harness = new CourtLibrariesHarness();

    /// @dev The twin of the assembly: plain recursion.
    function twin(bytes32[] memory hashes, uint256 from, uint256 to) private pure returns (bytes32) {
        if (to - from == 1) return hashes[from];
        uint256 middle = (from + to) / 2;
        return keccak256(abi.encode(twin(hashes, from, middle), twin(hashes, middle, to)));
    }

    function testFuzz_rootOf_agreesWithTwin(bytes32 seed, uint8 depth) external view {
        bytes32[] memory hashes = new bytes32[](1 << (depth % 9));
        for (uint256 i = 0; i < hashes.length; i++) {
            hashes[i] = i % 7 == 3 ? bytes32(0) : keccak256(abi.encode(seed, i));
        }
        (bytes32 root, uint256 kept) = harness.rootOf(hashes);
        assertEq(root, twin(hashes, 0, hashes.length), "root");
        assertEq(kept, 0, "memory");
    }

    function testFuzz_check_acceptsEveryLeafAndNoOther(bytes32 seed, uint8 depth, uint8 place, bytes32 other) external {
        depth = depth % 9;
        uint256 index = place % (1 << depth);
        bytes32[] memory hashes = new bytes32[](1 << depth);
        for (uint256 i = 0; i < hashes.length; i++) {
            hashes[i] = keccak256(abi.encode(seed, i));
        }
        bytes32[] memory siblings = new bytes32[](depth);
        for (uint256 level = 0; level < depth; level++) {
            uint256 from = ((index >> level) ^ 1) << level;
            siblings[level] = twin(hashes, from, from + (1 << level));
        }
        bytes32 root = twin(hashes, 0, hashes.length);
        harness.check(root, depth, index, hashes[index], siblings);
        vm.assume(other != hashes[index]);
        vm.expectPartialRevert(Dissection.NotInDissection.selector);
        harness.check(root, depth, index, other, siblings);
    }

    function openingOf(Run memory run) private pure returns (Opening memory opening, TaskRequest memory request) {
        opening.descriptor = run.descriptor;
        opening.systemLeaf = run.systemLeaf;
        opening.systemMask = run.systemMask;
        opening.systemSiblings = run.systemSiblings;
        request.input = run.input;
        request.fuelLimit = run.fuelLimit;
        request.outputLengthMax = run.outputLengthMax;
    }

    function test_bootState_isTheMachines() external view {
        for (uint256 which = 0; which <= TRAP; which++) {
            Run memory run = readRun(which);
            (Opening memory opening, TaskRequest memory request) = openingOf(run);
            assertEq(harness.hashOf(opening, request), run.hashes[0], "state 0");
            for (uint256 i = 0; i < run.hashes.length; i++) {
                assertEq(StateHash.hashOf(run.heads[i], run.roots[i]), run.hashes[i], "state hash");
            }
            request.outputLengthMax += 1;
            assertTrue(harness.hashOf(opening, request) != run.hashes[0], "the output limit is in it");
        }
    }

    function resultOf(Run memory run) private pure returns (TaskResult memory result) {
        result.status = run.status;
        result.code = run.code;
        result.fuelUsed = run.fuelUsed;
        result.output = run.output;
    }

    function implied(Run memory run, TaskResult memory result) private view returns (bool) {
        uint256 last = run.heads.length - 1;
        return harness.implies(run.heads[last], run.roots[last], run.outputPath, result, run.fuelLimit);
    }

    function test_implies_theRunsOwnResultAlone() external view {
        for (uint256 which = 0; which <= TRAP; which++) {
            Run memory run = readRun(which);
            TaskResult memory result = resultOf(run);
            assertTrue(implied(run, result), "its own");
            result.status = result.status % 3 + 1;
            assertTrue(!implied(run, result), "status");
            result = resultOf(run);
            result.code += 1;
            assertTrue(!implied(run, result), "code");
            result = resultOf(run);
            result.fuelUsed += 1;
            assertTrue(!implied(run, result), "fuel");
            if (run.status == Ending.OUT_OF_FUEL) continue;
            result = resultOf(run);
            result.output.length += 1;
            assertTrue(!implied(run, result), "output length");
            result = resultOf(run);
            result.output.root = ~result.output.root;
            assertTrue(!implied(run, result), "output root");
        }
    }

    /// @dev No running state of a run implies its result, and every record has an answer.
    function test_implies_notWhileRunning() external view {
        Run memory run = readRun(EXIT);
        TaskResult memory result = resultOf(run);
        for (uint256 i = 0; i + 1 < run.heads.length; i++) {
            assertTrue(!harness.implies(run.heads[i], run.roots[i], new bytes32[](0), result, run.fuelLimit), "running");
        }
    }

    /// @dev Total: whatever the record, an exhausted result is implied or not, and nothing of OUTPUT is asked for.
    function testFuzz_implies_isTotal(bytes32 head, bytes32 root, uint64 fuelUsed) external view {
        TaskResult memory result;
        result.status = 3;
        result.fuelUsed = fuelUsed;
        uint256 fields = LittleEndian.reverse(uint256(head));
        bool wanted = uint8(fields) == 3 && uint32(fields >> 32) == 0 && uint64(fields >> 128) == 0;
        assertTrue(harness.implies(head, root, new bytes32[](0), result, fuelUsed) == wanted, "implied");
        bytes32 halted = bytes32(uint256(3) << 248);
        assertTrue(harness.implies(halted, root, new bytes32[](0), result, fuelUsed), "exhausted");
    }

    function test_mount_tooLong_reverts() external {
        harness.mount(BlobRef(0, 1 << 36));
        vm.expectRevert(abi.encodeWithSelector(RegionTree.BlobTooLong.selector, uint256(1 << 36), uint256(1 << 36) + 1));
        harness.mount(BlobRef(0, (1 << 36) + 1));
    }

    /// @dev A blob that fills its subtree has the same height as one that is a byte longer than half of it.
    function test_mount_heights() external view {
        uint64[6] memory lengths = [uint64(0), 4096, 4097, 8192, 8193, 1 << 36];
        uint8[6] memory heights = [0, 0, 1, 1, 2, 24];
        for (uint256 i = 0; i < 6; i++) {
            bytes32 root = bytes32(uint256(7));
            bytes32[] memory zeros =
                vm.parseJsonBytes32Array(vm.readFile("../specs/vectors/zero_subtrees.json"), ".zero_bulk");
            for (uint256 height = heights[i]; height < 24; height++) {
                root = keccak256(abi.encode(root, zeros[height]));
            }
            assertEq(harness.mount(BlobRef(bytes32(uint256(7)), lengths[i])), root, "mounted");
        }
    }
}
