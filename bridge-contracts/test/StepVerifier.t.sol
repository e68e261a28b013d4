// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StepVerifier} from "../src/StepVerifier.sol";
import {IStepVerifier} from "../src/interfaces/IStepVerifier.sol";
import {MerklePath} from "../src/libraries/MerklePath.sol";
import {Witness} from "../src/libraries/Witness.sol";
import {Test} from "./base/Test.sol";

/// @dev Fields in alphabetical order, as the cheatcode sorts them.
struct Vector {
    bytes32 head;
    string name;
    bytes32 nextHead;
    bytes32 nextRoot;
    bytes32 root;
    bytes witness;
}

contract StepVerifierTest is Test {
    /// @dev Execution gas of any step.
    uint256 private constant GAS_MAX = 700_000;

    IStepVerifier private verifier = new StepVerifier();

    function vectors() private view returns (Vector[] memory) {
        string memory json = vm.readFile("../specs/vectors/steps.json");
        return abi.decode(vm.parseJson(json, ".steps"), (Vector[]));
    }

    function vector(string memory name) private view returns (Vector memory) {
        Vector[] memory steps = vectors();
        for (uint256 i = 0; i < steps.length; i++) {
            if (keccak256(bytes(steps[i].name)) == keccak256(bytes(name))) return steps[i];
        }
        revert NotTrue(name);
    }

    function attempt(Vector memory v)
        private
        view
        returns (bool success, bytes32 nextHead, bytes32 nextRoot, uint256 gasUsed)
    {
        bytes memory data = abi.encodeCall(IStepVerifier.step, (v.head, v.root, v.witness));
        address target = address(verifier);
        gasUsed = gasleft();
        assembly ("memory-safe") {
            success := staticcall(gas(), target, add(data, 32), mload(data), 0x00, 0x40)
            nextHead := mload(0x00)
            nextRoot := mload(0x20)
        }
        gasUsed -= gasleft();
    }

    function test_step_vectors() external view {
        Vector[] memory steps = vectors();
        assertTrue(steps.length > 1000, "vectors found");
        for (uint256 i = 0; i < steps.length; i++) {
            Vector memory v = steps[i];
            (bool success, bytes32 nextHead, bytes32 nextRoot, uint256 gasUsed) = attempt(v);
            assertTrue(success, v.name);
            assertEq(nextHead, v.nextHead, string.concat(v.name, ": head"));
            assertEq(nextRoot, v.nextRoot, string.concat(v.name, ": root"));
            assertTrue(gasUsed <= GAS_MAX, string.concat(v.name, ": gas"));
        }
    }

    /// @dev One byte of the witness changed, wherever: refused. Seven places of each vector.
    function test_step_witnessChanged_reverts() external view {
        Vector[] memory steps = vectors();
        for (uint256 i = 0; i < steps.length; i++) {
            Vector memory v = steps[i];
            if (v.witness.length == 0) continue;
            for (uint256 j = 0; j < 7; j++) {
                uint256 random = uint256(keccak256(abi.encode(i, j)));
                // The header, the end and places between them.
                uint256 place = j == 0 ? random % 12 : j == 1 ? v.witness.length - 1 : random % v.witness.length;
                bytes1 bit = bytes1(uint8(1 << ((random >> 128) % 8)));
                v.witness[place] ^= bit;
                (bool success,,,) = attempt(v);
                assertTrue(!success, string.concat(v.name, ": changed at ", vm.toString(place)));
                v.witness[place] ^= bit;
            }
        }
    }

    /// @dev Cut short or with more at the end, an entry twice, another root: refused.
    function test_step_witnessOfAnotherLength_reverts() external view {
        Vector[] memory steps = vectors();
        for (uint256 i = 0; i < steps.length; i++) {
            Vector memory v = steps[i];
            bytes memory witness = v.witness;
            v.witness = bytes.concat(witness, hex"00");
            refused(v, "one byte more");
            if (witness.length == 0) continue;
            v.witness = bytes.concat(witness, witness);
            refused(v, "twice");
            v.witness = cut(witness, witness.length - 1);
            refused(v, "one byte less");
            v.witness = cut(witness, witness.length - 32);
            refused(v, "one sibling less");
            v.witness = "";
            refused(v, "nothing opened");
            v.witness = witness;
            v.root = ~v.root;
            refused(v, "another root");
        }
    }

    function refused(Vector memory v, string memory how) private view {
        (bool success,,,) = attempt(v);
        assertTrue(!success, string.concat(v.name, ": ", how));
    }

    function cut(bytes memory data, uint256 length) private pure returns (bytes memory result) {
        result = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            result[i] = data[i];
        }
    }

    /// @dev A halted or non-canonical record touches nothing, whatever is in it, and has one successor.
    function testFuzz_step_recordWithoutFetch_isTotal(bytes32 head, bytes32 root) external view {
        bytes32 wanted = head;
        if (head[0] == 0) {
            // Version 2: halts ILLEGAL with code 0, the rest stays.
            head = (head & ~bytes32(uint256(0xff) << 240)) | bytes32(uint256(2) << 240);
            wanted = (head & ~bytes32((uint256(0xff) << 248) | (uint256(type(uint32).max) << 192)))
                | bytes32(uint256(4) << 248);
        }
        (bytes32 nextHead, bytes32 nextRoot) = verifier.step(head, root, "");
        assertEq(nextHead, wanted, "head");
        assertEq(nextRoot, root, "root");
    }

    function test_step_witnessTruncated_reverts() external {
        vm.expectRevert(abi.encodeWithSelector(Witness.WitnessTruncated.selector, uint256(12), uint256(11)));
        verifier.step(0, 0, new bytes(11));
        vm.expectRevert(
            abi.encodeWithSelector(Witness.WitnessTruncated.selector, uint256(12 + 256 + 1024), uint256(12))
        );
        verifier.step(0, 0, new bytes(12));
    }

    function test_step_addressBad_reverts() external {
        bytes memory unaligned = abi.encodePacked(uint64(1), uint32(0), new bytes(1280));
        vm.expectRevert(abi.encodeWithSelector(Witness.NotAChunkAddress.selector, uint256(1)));
        verifier.step(0, 0, unaligned);
        bytes memory beyond = abi.encodePacked(uint64(1 << 40), uint32(0), new bytes(2048));
        vm.expectRevert(abi.encodeWithSelector(Witness.NotAChunkAddress.selector, uint256(1 << 40)));
        verifier.step(0, 0, beyond);
        // In a bulk region a leaf's address is not enough.
        bytes memory leaf = abi.encodePacked(uint64((3 << 36) + 256), uint32(0), new bytes(2048));
        vm.expectRevert(abi.encodeWithSelector(Witness.NotAChunkAddress.selector, uint256((3 << 36) + 256)));
        verifier.step(0, 0, leaf);
    }

    function test_step_maskOutOfRange_reverts() external {
        bytes memory control = abi.encodePacked(uint64(0), uint32(1 << 28), new bytes(1280));
        vm.expectRevert(
            abi.encodeWithSelector(Witness.MaskOutOfRange.selector, uint256(0), uint256(1 << 28), uint256(28))
        );
        verifier.step(0, 0, control);
        bytes memory bulk = abi.encodePacked(uint64(3 << 36), uint32(1 << 24), new bytes(2048));
        vm.expectRevert(
            abi.encodeWithSelector(Witness.MaskOutOfRange.selector, uint256(3 << 36), uint256(1 << 24), uint256(24))
        );
        verifier.step(0, 0, bulk);
    }

    function test_step_chunksNotAscending_reverts() external {
        bytes memory entry = abi.encodePacked(uint64(256), uint32(0), new bytes(1280));
        vm.expectRevert(abi.encodeWithSelector(Witness.ChunksNotAscending.selector, uint256(256), uint256(256)));
        verifier.step(0, 0, bytes.concat(entry, entry));
    }

    function test_step_tooManyChunks_reverts() external {
        bytes memory witness;
        for (uint256 i = 0; i < 9; i++) {
            witness = bytes.concat(witness, abi.encodePacked(uint64(256 * i), uint32(0), new bytes(1280)));
        }
        vm.expectRevert(abi.encodeWithSelector(Witness.TooManyChunks.selector, uint256(8)));
        verifier.step(0, 0, witness);
    }

    function test_step_chunkNotOpened_reverts() external {
        // A running record of version 1 with pc 3: the instruction at CODE + 48 is wanted.
        bytes32 head = bytes32(uint256(0x0001_0000_03) << 216);
        vm.expectRevert(abi.encodeWithSelector(Witness.ChunkNotOpened.selector, uint256((1 << 36) + 48)));
        verifier.step(head, 0, "");
    }

    function test_step_chunkNotTouched_reverts() external {
        bytes32 halted = bytes32(uint256(1) << 248);
        bytes memory entry = abi.encodePacked(uint64(256), uint32(0), new bytes(1280));
        vm.expectRevert(abi.encodeWithSelector(Witness.ChunkNotTouched.selector, uint256(256)));
        verifier.step(halted, 0, entry);
    }

    function test_step_zeroSiblingSpeltOut_reverts() external {
        // All zero siblings of a zero leaf at pc 0 spelt out: the first of them is the leaf's own hash.
        bytes memory siblings = abi.encodePacked(keccak256(new bytes(256)), new bytes(31 * 32));
        bytes32 head = bytes32(uint256(0x0001) << 240);
        vm.expectRevert(MerklePath.ZeroSiblingNotMasked.selector);
        verifier.step(head, 0, abi.encodePacked(uint64(1 << 36), uint32(0), new bytes(256), siblings));
    }

    function test_step_wrongRoot_reverts() external {
        // A zero leaf in a memory of zeros but for the region roots, whose parents are spelt out here.
        bytes32 head = bytes32(uint256(0x0001) << 240);
        bytes32[] memory zeros = MerklePath.zeroControl();
        bytes32 region = keccak256(abi.encode(zeros[27], zeros[27]));
        bytes32 root = keccak256(abi.encode(bytes32(uint256(1)), region));
        for (uint256 i = 2; i <= 4; i++) {
            root = keccak256(abi.encode(root, bytes32(i)));
        }
        bytes memory siblings = abi.encode(uint256(1), uint256(2), uint256(3), uint256(4));
        bytes memory witness = abi.encodePacked(uint64(1 << 36), uint32((1 << 28) - 1), new bytes(256), siblings);
        // Opcode 0 is ILLEGAL.
        (bytes32 nextHead, bytes32 nextRoot) = verifier.step(head, root, witness);
        assertEq(nextHead, bytes32(uint256(0x0401) << 240), "head");
        assertEq(nextRoot, root, "root");

        vm.expectRevert(abi.encodeWithSelector(Witness.WrongRoot.selector, uint256(1 << 36), bytes32(0), root));
        verifier.step(head, 0, witness);
    }
}
