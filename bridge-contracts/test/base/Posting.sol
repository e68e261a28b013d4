// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../../src/interfaces/IBonds.sol";
import {Batch, Claim, LeafProof, Source, SourceKind} from "../../src/types/Objects.sol";
import {Records} from "../twins/Records.sol";
import {Ledger} from "./Ledger.sol";

/// @title A region and its sequencer, and batches made by other code than the contracts'
abstract contract Posting is Ledger {
    bytes32 internal constant NAME = "eu-west";
    bytes32 internal constant PROGRAM = keccak256("program");
    uint64 internal constant FAR = START + 1_000_000;

    bytes32 internal region;

    function setUp() public virtual override {
        super.setUp();
        register(Role.Sequencer, sequencer, SEQUENCER_STAKE);
        register(Role.Executor, executor, EXECUTOR_STAKE);
        vm.prank(sequencer);
        region = batches.openRegion(NAME);
        vm.warp(START + 100);
    }

    /// @dev A claim whose WASM and input are on L1.
    function claimOf(uint64 sequence) internal view returns (Claim memory claim) {
        claim.sequence = sequence;
        claim.request.client = STRANGER;
        claim.request.region = region;
        claim.request.program = PROGRAM;
        claim.request.input.root = keccak256(abi.encode("input", sequence));
        claim.request.input.length = 32;
        claim.request.fuelLimit = 1000;
        claim.request.deadline = FAR;
        claim.clientSignature = abi.encodePacked(keccak256(abi.encode(sequence)), bytes32(0), uint8(27));
        claim.result.executor = executor;
        claim.result.status = 1;
        claim.result.fuelUsed = 900;
        claim.result.output.root = keccak256(abi.encode("output", sequence));
        claim.result.output.length = 32;
        claim.executorSignature = abi.encodePacked(bytes32(0), keccak256(abi.encode(sequence)), uint8(28));
        claim.input = Source(SourceKind.Here, 0, 0);
        claim.wasm = Source(SourceKind.Here, 0, 0);
    }

    function claimsOf(uint64 firstSequence, uint32 count) internal view returns (Claim[] memory claims) {
        claims = new Claim[](count);
        for (uint32 i = 0; i < count; i++) {
            claims[i] = claimOf(firstSequence + i);
        }
    }

    /// @dev The region's next batch of these claims, of records and their tree alone.
    function batchOf(Claim[] memory claims) internal view returns (Batch memory batch, bytes memory data) {
        bytes32[] memory leaves = leavesOf(claims);
        data = abi.encodePacked(recordsOf(claims), Records.treeOf(leaves));
        uint64 number = batches.countOf(region);
        (bytes32 parent,,) = number == 0 ? (bytes32(0), uint64(0), uint64(0)) : batches.batchOf(region, number - 1);
        batch = Batch({
            region: region,
            number: number,
            parent: parent,
            firstSequence: claims[0].sequence,
            leafRoot: Records.rootOf(leaves, true),
            count: uint32(claims.length),
            dataRoot: Records.rootOf(Records.pageHashes(data), false),
            dataLength: uint32(data.length),
            blobCount: 0,
            asOf: uint64(block.timestamp) - 1,
            minDeadline: FAR
        });
    }

    function recordsOf(Claim[] memory claims) internal pure returns (bytes memory data) {
        data = new bytes(393 * claims.length);
        for (uint256 i = 0; i < claims.length; i++) {
            bytes memory record = Records.encode(claims[i]);
            assembly ("memory-safe") {
                mcopy(add(add(data, 0x20), mul(i, 393)), add(record, 0x20), 393)
            }
        }
    }

    function leavesOf(Claim[] memory claims) internal view returns (bytes32[] memory leaves) {
        bytes32 domain = batches.domainSeparator();
        leaves = new bytes32[](claims.length);
        for (uint256 i = 0; i < claims.length; i++) {
            claims[i].result.task = Records.taskOf(claims[i], domain);
            leaves[i] = Records.leafOf(claims[i], domain);
        }
    }

    function post(Claim[] memory claims) internal returns (Batch memory batch) {
        bytes memory data;
        (batch, data) = batchOf(claims);
        vm.prank(sequencer);
        batches.post(batch, data);
    }

    function proofOf(Batch memory batch, Claim[] memory claims, uint32 index) internal view returns (LeafProof memory) {
        return LeafProof({
            batch: batch,
            index: index,
            record: Records.encode(claims[index]),
            siblings: Records.siblingsOf(leavesOf(claims), index, index, true)
        });
    }
}
