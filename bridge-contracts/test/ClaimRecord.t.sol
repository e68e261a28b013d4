// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClaimRecord} from "../src/libraries/ClaimRecord.sol";
import {LeafTree} from "../src/libraries/LeafTree.sol";
import {Claim, Place, Source, SourceKind, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {Test} from "./base/Test.sol";
import {Records} from "./twins/Records.sol";

contract ClaimRecordHarness {
    function decode(bytes calldata record, bytes32 region, bytes32 domain) external pure returns (Claim memory) {
        return ClaimRecord.decode(record, region, domain);
    }

    function leaf(bytes calldata record, bytes32 region, bytes32 domain) external pure returns (bytes32) {
        return ClaimRecord.leaf(record, region, domain);
    }

    function resultHash(Claim calldata claim, bytes32 domain) external pure returns (bytes32) {
        return ClaimRecord.resultHash(claim.result, domain);
    }

    function fold(bytes32 leaf_, uint256 index, uint256 count, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return LeafTree.fold(leaf_, index, count, siblings);
    }
}

contract ClaimRecordTest is Test {
    /// @dev Of a claim, what any value is good for.
    struct Numbers {
        uint64 sequence;
        TaskRequest request;
        TaskResult result;
        uint8 inputKind;
        uint64 inputBatch;
        uint32 inputIndex;
        uint8 wasmKind;
        uint64 wasmBatch;
        uint32 wasmIndex;
        Place predecessor;
    }

    ClaimRecordHarness private harness = new ClaimRecordHarness();

    function testFuzz_decode_undoesEncode(Numbers memory n, bytes32 domain, bytes32[5] memory seed) external view {
        Claim memory claim = Claim({
            sequence: n.sequence,
            request: n.request,
            clientSignature: "",
            result: n.result,
            executorSignature: "",
            input: Source(SourceKind(n.inputKind % 4), n.inputBatch, n.inputIndex),
            wasm: Source(SourceKind(n.wasmKind % 3), n.wasmBatch, n.wasmIndex),
            predecessor: n.predecessor
        });
        claim.clientSignature = abi.encodePacked(seed[0], seed[1], uint8(uint256(seed[4])));
        claim.executorSignature = abi.encodePacked(seed[2], seed[3], uint8(uint256(seed[4]) >> 8));
        claim.result.task = Records.taskOf(claim, domain);
        bytes memory record = Records.encode(claim);
        assertEq(record.length, 393, "length");
        Claim memory got = harness.decode(record, claim.request.region, domain);
        assertEq(keccak256(abi.encode(got)), keccak256(abi.encode(claim)), "claim");
        bytes32 leaf = harness.leaf(record, claim.request.region, domain);
        assertEq(leaf, Records.leafOf(claim, domain), "leaf");
    }

    function testFuzz_leaf_hangsOnEveryByte(bytes32[13] memory seed, uint16 place, uint8 flip) external view {
        vm.assume(flip != 0);
        bytes memory record = Records.cut(abi.encodePacked(seed), 0, 393);
        bytes32 before = harness.leaf(record, 0, 0);
        place %= 393;
        record[place] = bytes1(uint8(record[place]) ^ flip);
        assertTrue(before != harness.leaf(record, 0, 0), "another leaf");
        assertTrue(before != harness.leaf(record, bytes32(uint256(1)), 0), "another region");
    }

    function test_length_reverts() external {
        uint256[3] memory lengths = [uint256(0), 392, 394];
        for (uint256 i = 0; i < lengths.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(ClaimRecord.RecordLength.selector, 393, lengths[i]));
            harness.decode(new bytes(lengths[i]), 0, 0);
            vm.expectRevert(abi.encodeWithSelector(ClaimRecord.RecordLength.selector, 393, lengths[i]));
            harness.leaf(new bytes(lengths[i]), 0, 0);
        }
    }

    function test_decode_sourceKinds_reverts() external {
        for (uint256 kind = 0; kind < 256; kind++) {
            bytes memory record = new bytes(393);
            record[355] = bytes1(uint8(kind));
            if (kind > 3) vm.expectRevert(abi.encodeWithSelector(ClaimRecord.SourceKindUnknown.selector, 3, kind));
            harness.decode(record, 0, 0);
            harness.leaf(record, 0, 0);
            record = new bytes(393);
            record[368] = bytes1(uint8(kind));
            if (kind > 2) vm.expectRevert(abi.encodeWithSelector(ClaimRecord.SourceKindUnknown.selector, 2, kind));
            harness.decode(record, 0, 0);
        }
    }

    function test_vectors() external view {
        string memory json = vm.readFile("../specs/vectors/batch.json");
        bytes32 domain = domainOf(vm.parseJsonUint(json, ".chainId"), vm.parseJsonAddress(json, ".batches"));
        for (uint256 i = 0; vm.keyExistsJson(json, field(i, "")); i++) {
            checkCase(json, i, domain);
        }
    }

    function checkCase(string memory json, uint256 i, bytes32 domain) private view {
        bytes32 region = vm.parseJsonBytes32(json, ".region");
        bytes[] memory records = vm.parseJsonBytesArray(json, field(i, ".records"));
        bytes32[] memory tasks = vm.parseJsonBytes32Array(json, field(i, ".tasks"));
        bytes32[] memory results = vm.parseJsonBytes32Array(json, field(i, ".results"));
        bytes32[] memory leaves = vm.parseJsonBytes32Array(json, field(i, ".leaves"));
        for (uint256 k = 0; k < records.length; k++) {
            Claim memory claim = harness.decode(records[k], region, domain);
            assertEq(claim.result.task, tasks[k], "task");
            assertEq(harness.resultHash(claim, domain), results[k], "result");
            assertEq(harness.leaf(records[k], region, domain), leaves[k], "leaf");
            assertEq(keccak256(Records.encode(claim)), keccak256(records[k]), "record");
        }
        bytes32[] memory siblings = vm.parseJsonBytes32Array(json, field(i, ".lastLeafSiblings"));
        uint256 last = leaves.length - 1;
        bytes32 root = harness.fold(leaves[last], last, leaves.length, siblings);
        assertEq(root, vm.parseJsonBytes32(json, field(i, ".header.leafRoot")), "leaf root");
    }

    function domainOf(uint256 chain, address batches) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Assay"),
                keccak256("1"),
                chain,
                batches
            )
        );
    }

    function field(uint256 i, string memory name) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]", name);
    }

    // The tree of leaves.

    function testFuzz_fold_agreesWithTwin(uint16 count, uint16 index, bytes32 seed) external view {
        count = count % 70 + 1;
        index %= count;
        bytes32[] memory leaves = leavesOf(count, seed);
        bytes32[] memory siblings = Records.siblingsOf(leaves, index, index, true);
        bytes32 root = harness.fold(leaves[index], index, count, siblings);
        assertEq(root, Records.rootOf(leaves, true), "root");
    }

    function test_fold_index_reverts() external {
        bytes32[] memory leaves = leavesOf(5, 0);
        bytes32[] memory siblings = Records.siblingsOf(leaves, 4, 4, true);
        for (uint256 index = 5; index < 9; index++) {
            vm.expectRevert(abi.encodeWithSelector(LeafTree.LeafIndexOutOfRange.selector, 5, index));
            harness.fold(leaves[4], index, 5, siblings);
        }
        vm.expectRevert(abi.encodeWithSelector(LeafTree.LeafIndexOutOfRange.selector, 0, 0));
        harness.fold(leaves[4], 0, 0, siblings);
    }

    function test_fold_siblings_reverts() external {
        for (uint256 count = 1; count < 20; count++) {
            uint256 depth;
            while ((1 << depth) < count) depth++;
            for (uint256 given = 0; given < 7; given++) {
                if (given == depth) continue;
                vm.expectRevert(abi.encodeWithSelector(LeafTree.LeafSiblings.selector, depth, given));
                harness.fold(0, 0, count, new bytes32[](given));
            }
        }
    }

    function leavesOf(uint256 count, bytes32 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }
}
