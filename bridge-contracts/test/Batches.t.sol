// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "../src/interfaces/IBatches.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {ClaimRecord} from "../src/libraries/ClaimRecord.sol";
import {LeafTree} from "../src/libraries/LeafTree.sol";
import {Batch, Claim, LeafProof} from "../src/types/Objects.sol";
import {Posting} from "./base/Posting.sol";
import {Records} from "./twins/Records.sol";

contract BatchesTest is Posting {
    uint256 private constant PART = 65_536;

    event BatchPosted(bytes32 indexed region, uint64 indexed number, bytes32 batchHash, Batch batch);
    event DataPosted(bytes32 indexed region, uint64 indexed number, uint32 part, bytes data);

    // Regions.

    function test_openRegion_id() external view {
        assertEq(region, keccak256(abi.encode(block.chainid, batches, sequencer, NAME)), "region");
        assertEq(batches.sequencerOf(region), sequencer, "sequencer");
        assertEq(batches.sequencerOf(0), address(0), "no region");
    }

    function test_openRegion_twice_reverts() external {
        vm.expectRevert(abi.encodeWithSelector(IBatches.RegionExists.selector, region));
        vm.prank(sequencer);
        batches.openRegion(NAME);
    }

    function test_openRegion_notRegistered_reverts() external {
        vm.expectRevert(abi.encodeWithSelector(IBatches.SequencerNotRegistered.selector, executor));
        vm.prank(executor);
        batches.openRegion(NAME);
    }

    // Who posts.

    function test_post_sender_reverts() external {
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        vm.expectRevert(abi.encodeWithSelector(IBatches.NotSequencer.selector, sequencer, executor));
        vm.prank(executor);
        batches.post(batch, data);
        batch.region = "other";
        vm.expectRevert(abi.encodeWithSelector(IBatches.RegionUnknown.selector, bytes32("other")));
        vm.prank(sequencer);
        batches.post(batch, data);
    }

    function test_post_byKey() external {
        authorise(Role.Sequencer, sequencer, KEY_SECRET);
        vm.prank(sequencer);
        bonds.revoke(Role.Sequencer, key);
        vm.warp(START + 100 + NOTICE - 1);
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        vm.prank(key);
        batches.post(batch, data);
        vm.warp(START + 100 + NOTICE);
        (batch, data) = batchOf(claimsOf(1, 1));
        vm.expectRevert(abi.encodeWithSelector(IBatches.NotSequencer.selector, sequencer, key));
        vm.prank(key);
        batches.post(batch, data);
    }

    function test_post_afterExit_reverts() external {
        vm.prank(sequencer);
        bonds.exit(Role.Sequencer);
        vm.warp(START + 100 + NOTICE - 1);
        post(claimsOf(0, 1));
        vm.warp(START + 100 + NOTICE);
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(1, 1));
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.SequencerNotRegistered.selector, sequencer));
    }

    function test_post_afterSlash_reverts() external {
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        faults.slash(bonds, Role.Sequencer, sequencer);
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.SequencerNotRegistered.selector, sequencer));
        vm.expectRevert(abi.encodeWithSelector(IBatches.SequencerNotRegistered.selector, sequencer));
        vm.prank(sequencer);
        batches.stage(region, 0, 0, new bytes(PART));
    }

    // Headers.

    function test_post_stores() external {
        Claim[] memory claims = claimsOf(7, 5);
        (Batch memory batch, bytes memory data) = batchOf(claims);
        bytes32 batchHash = keccak256(abi.encode(BATCH_TYPE, batch));
        vm.expectEmit(true, true, true, true, address(batches));
        emit DataPosted(region, 0, 0, data);
        vm.expectEmit(true, true, true, true, address(batches));
        emit BatchPosted(region, 0, batchHash, batch);
        vm.prank(sequencer);
        batches.post(batch, data);
        (bytes32 stored, uint64 postedAt, uint64 voidedAt) = batches.batchOf(region, 0);
        assertEq(stored, batchHash, "hash");
        assertEq(postedAt, block.timestamp, "posted at");
        assertEq(voidedAt, 0, "not void");
        assertEq(batches.countOf(region), 1, "count");
        for (uint32 i = 0; i < 5; i++) {
            (bytes32 leaf, uint64 time,) = batches.checkLeaf(proofOf(batch, claims, i));
            assertEq(leaf, leavesOf(claims)[i], "leaf");
            assertEq(time, postedAt, "posted at");
        }
    }

    bytes32 private constant BATCH_TYPE = keccak256(
        "Batch(bytes32 region,uint64 number,bytes32 parent,uint64 firstSequence,bytes32 leafRoot,uint32 count,bytes32 dataRoot,uint32 dataLength,uint32 blobCount,uint64 asOf,uint64 minDeadline)"
    );

    function test_post_number_reverts() external {
        post(claimsOf(0, 1));
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(1, 1));
        uint64[3] memory wrong = [uint64(0), 2, type(uint64).max];
        for (uint256 i = 0; i < wrong.length; i++) {
            batch.number = wrong[i];
            expectRefused(batch, data, abi.encodeWithSelector(IBatches.NumberNotNext.selector, 1, wrong[i]));
        }
    }

    function test_post_parent_reverts() external {
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        batch.parent = "parent";
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.ParentWrong.selector, bytes32(0), bytes32("parent")));
        post(claimsOf(0, 1));
        (batch, data) = batchOf(claimsOf(1, 1));
        bytes32 parent = batch.parent;
        batch.parent = 0;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.ParentWrong.selector, parent, bytes32(0)));
    }

    /// @dev Sequence numbers of intake: what was taken in first may be posted later.
    function test_post_firstSequence_any() external {
        post(claimsOf(10, 3));
        post(claimsOf(4, 2));
        post(claimsOf(type(uint64).max, 1));
        post(claimsOf(0, 1));
    }

    function test_post_count_boundaries() external {
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        batch.count = 0;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.CountOutOfRange.selector, 8192, 0));
        batch.count = 8193;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.CountOutOfRange.selector, 8192, 8193));
        // The most is refused for its data only; its tree has levels of 4096, 2048, ... 2 nodes.
        batch.count = 8192;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.DataTooShort.selector, 8192 * 393 + 262_080, 393));
    }

    function test_post_asOf_boundaries() external {
        uint64 time = uint64(block.timestamp);
        uint64 least = time - AS_OF_AGE_MAX;
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        uint64[3] memory wrong = [least - 1, time, time + 1];
        for (uint256 i = 0; i < wrong.length; i++) {
            batch.asOf = wrong[i];
            expectRefused(batch, data, abi.encodeWithSelector(IBatches.AsOf.selector, least, time - 1, wrong[i]));
        }
        batch.asOf = least;
        vm.prank(sequencer);
        batches.post(batch, data);
        (batch, data) = batchOf(claimsOf(1, 1));
        batch.asOf = time - 1;
        vm.prank(sequencer);
        batches.post(batch, data);
    }

    function test_post_minDeadline_boundaries() external {
        uint64 time = uint64(block.timestamp);
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        batch.minDeadline = time - 1;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.DeadlinePassed.selector, time - 1, time));
        batch.minDeadline = time;
        vm.prank(sequencer);
        batches.post(batch, data);
        (batch, data) = batchOf(claimsOf(1, 1));
        batch.minDeadline = time + 1;
        vm.prank(sequencer);
        batches.post(batch, data);
    }

    // Data.

    function test_post_dataLength_reverts() external {
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 2));
        batch.dataLength = 785;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.DataLength.selector, 786, 785));
        (batch,) = batchOf(claimsOf(0, 2));
        batch.count = 1;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.DataTooLong.selector, 393, 786));
        batch.count = 3;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.DataTooShort.selector, 1179 + 64, 786));
        batch.count = 2;
        batch.blobCount = 1;
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.DataTooShort.selector, 834, 786));
        batch.blobCount = type(uint32).max;
        expectRefused(
            batch,
            data,
            abi.encodeWithSelector(IBatches.DataTooShort.selector, 786 + 48 * uint256(type(uint32).max), 786)
        );
        expectRefused(batch, new bytes(PART + 1), abi.encodeWithSelector(IBatches.PartLength.selector, PART, PART + 1));
    }

    function test_post_dataRoot_reverts() external {
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 1));
        bytes32 root = batch.dataRoot;
        batch.dataRoot = "root";
        expectRefused(batch, data, abi.encodeWithSelector(IBatches.DataRoot.selector, root, bytes32("root")));
        batch.dataRoot = root;
        data[17] = ~data[17];
        vm.expectPartialRevert(IBatches.DataRoot.selector);
        vm.prank(sequencer);
        batches.post(batch, data);
    }

    function test_stage_wholeBatch() external {
        Claim[] memory claims = claimsOf(0, 400);
        (Batch memory batch, bytes memory data) = batchOf(claims);
        stageParts(0, data, 2);
        vm.expectEmit(true, true, true, true, address(batches));
        emit DataPosted(region, 0, 2, Records.cut(data, 2 * PART, data.length - 2 * PART));
        vm.prank(sequencer);
        batches.post(batch, Records.cut(data, 2 * PART, data.length - 2 * PART));
        batches.checkLeaf(proofOf(batch, claims, 399));
    }

    function test_stage_partsReplacedAndDropped() external {
        (Batch memory batch, bytes memory data) = batchOf(claimsOf(0, 400));
        bytes memory last = Records.cut(data, 2 * PART, data.length - 2 * PART);
        bytes memory other = new bytes(PART);
        stageParts(0, other, 1);
        stage(0, 1, Records.cut(data, PART, PART));
        // Part 0 again drops part 1, good as it was.
        stage(0, 0, Records.cut(data, 0, PART));
        expectRefused(
            batch, last, abi.encodeWithSelector(IBatches.DataLength.selector, data.length - PART, data.length)
        );
        stage(0, 1, other);
        vm.expectPartialRevert(IBatches.DataRoot.selector);
        vm.prank(sequencer);
        batches.post(batch, last);
        stage(0, 1, Records.cut(data, PART, PART));
        vm.prank(sequencer);
        batches.post(batch, last);
    }

    function test_stage_partsOfAnEarlierNumberDoNotCount() external {
        (, bytes memory data) = batchOf(claimsOf(0, 400));
        stageParts(0, data, 2);
        post(claimsOf(0, 1));
        vm.expectRevert(abi.encodeWithSelector(IBatches.PartOutOfOrder.selector, 0, 1));
        vm.prank(sequencer);
        batches.stage(region, 1, 1, new bytes(PART));
        post(claimsOf(1, 1));
    }

    /// A batch that was given up leaves parts behind, and a shorter one takes its number: with none of them, with some, and with as
    /// many as end with a part that is full.
    function test_post_fewerPartsThanAreStaged() external {
        (Batch memory long, bytes memory data) = batchOf(claimsOf(0, 400));
        uint256 rest = data.length - 2 * PART;
        stageParts(0, data, 2);
        stage(0, 2, new bytes(PART));
        stage(0, 3, new bytes(PART));
        uint256 before = vm.snapshotState();
        vm.expectEmit(true, true, true, true, address(batches));
        emit DataPosted(region, 0, 2, Records.cut(data, 2 * PART, rest));
        vm.prank(sequencer);
        batches.post(long, Records.cut(data, 2 * PART, rest));
        vm.revertToState(before);

        post(claimsOf(0, 1));
        vm.revertToState(before);

        (Batch memory whole,) = batchOf(claimsOf(0, 1));
        whole.blobCount = 1;
        whole.dataLength = uint32(2 * PART);
        bytes memory full = Records.cut(data, 0, 2 * PART);
        whole.dataRoot = Records.rootOf(Records.pageHashes(full), false);
        vm.prank(sequencer);
        batches.post(whole, "");
        vm.revertToState(before);
        vm.prank(sequencer);
        batches.post(whole, Records.cut(data, PART, PART));
        vm.revertToState(before);

        // One byte that the parts and the last do not have.
        long.dataLength = uint32(data.length + 1);
        bytes memory last = Records.cut(data, 2 * PART, rest);
        expectRefused(long, last, abi.encodeWithSelector(IBatches.DataLength.selector, data.length, data.length + 1));
        long.dataLength = uint32(rest - 1);
        expectRefused(long, last, abi.encodeWithSelector(IBatches.DataLength.selector, rest, rest - 1));
    }

    function test_stage_number_reverts() external {
        post(claimsOf(0, 1));
        uint64[2] memory wrong = [uint64(0), 2];
        for (uint256 i = 0; i < 2; i++) {
            vm.expectRevert(abi.encodeWithSelector(IBatches.NumberNotNext.selector, 1, wrong[i]));
            vm.prank(sequencer);
            batches.stage(region, wrong[i], 0, new bytes(PART));
        }
    }

    function test_stage_orderAndLength_reverts() external {
        vm.expectRevert(abi.encodeWithSelector(IBatches.PartOutOfOrder.selector, 0, 1));
        vm.prank(sequencer);
        batches.stage(region, 0, 1, new bytes(PART));
        uint256[3] memory lengths = [uint256(0), PART - 1, PART + 1];
        for (uint256 i = 0; i < 3; i++) {
            vm.expectRevert(abi.encodeWithSelector(IBatches.PartLength.selector, PART, lengths[i]));
            vm.prank(sequencer);
            batches.stage(region, 0, 0, new bytes(lengths[i]));
        }
        vm.expectRevert(abi.encodeWithSelector(IBatches.NotSequencer.selector, sequencer, STRANGER));
        vm.prank(STRANGER);
        batches.stage(region, 0, 0, new bytes(PART));
    }

    function test_stage_sixtyFourParts() external {
        bytes memory part = new bytes(PART);
        for (uint32 i = 0; i < 64; i++) {
            stage(0, i, part);
        }
        vm.expectRevert(abi.encodeWithSelector(IBatches.TooManyParts.selector, 64, 65));
        vm.prank(sequencer);
        batches.stage(region, 0, 64, part);
        (Batch memory batch,) = batchOf(claimsOf(0, 1));
        batch.blobCount = 1;
        batch.dataLength = 64 * 65_536 + 1;
        expectRefused(batch, new bytes(1), abi.encodeWithSelector(IBatches.TooManyParts.selector, 64, 65));
        batch.dataLength = 64 * 65_536;
        bytes32 node = keccak256(new bytes(4096));
        for (uint256 i = 0; i < 10; i++) {
            node = keccak256(abi.encodePacked(node, node));
        }
        batch.dataRoot = node;
        uint256 before = gasleft();
        vm.prank(sequencer);
        batches.post(batch, "");
        assertTrue(before - gasleft() < 500_000, "gas of the most parts is bounded");
    }

    // Leaves.

    function test_checkLeaf_wrong_reverts() external {
        Claim[] memory claims = claimsOf(0, 5);
        Batch memory batch = post(claims);
        LeafProof memory proof = proofOf(batch, claims, 3);
        proof.batch.number = 1;
        vm.expectRevert(abi.encodeWithSelector(IBatches.BatchUnknown.selector, region, 1));
        batches.checkLeaf(proof);
        proof.batch.number = 0;
        proof.batch.asOf -= 1;
        vm.expectPartialRevert(IBatches.BatchMismatch.selector);
        batches.checkLeaf(proof);
        proof.batch.asOf += 1;

        proof.index = 2;
        vm.expectPartialRevert(IBatches.LeafNotInBatch.selector);
        batches.checkLeaf(proof);
        proof.index = 5;
        vm.expectRevert(abi.encodeWithSelector(LeafTree.LeafIndexOutOfRange.selector, 5, 5));
        batches.checkLeaf(proof);
        proof.index = 3;
        bytes memory record = proof.record;
        record[0] = 0x01;
        vm.expectPartialRevert(IBatches.LeafNotInBatch.selector);
        batches.checkLeaf(proof);
        record[0] = 0x00;
        proof.record = Records.cut(record, 0, 392);
        vm.expectRevert(abi.encodeWithSelector(ClaimRecord.RecordLength.selector, 393, 392));
        batches.checkLeaf(proof);
        proof.record = record;
        proof.siblings = new bytes32[](4);
        vm.expectRevert(abi.encodeWithSelector(LeafTree.LeafSiblings.selector, 3, 4));
        batches.checkLeaf(proof);
    }

    // Voiding.

    function test_voidBatch_boundaries() external {
        post(claimsOf(0, 1));
        post(claimsOf(1, 1));
        uint64 last = uint64(block.timestamp) + WINDOW;
        vm.warp(last);
        vm.prank(address(faults));
        batches.voidBatch(region, 0);
        (,, uint64 voidedAt) = batches.batchOf(region, 0);
        assertEq(voidedAt, last, "voided at");
        vm.expectRevert(abi.encodeWithSelector(IBatches.AlreadyVoid.selector, region, 0));
        vm.prank(address(faults));
        batches.voidBatch(region, 0);
        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(IBatches.WindowOver.selector, last, last + 1));
        vm.prank(address(faults));
        batches.voidBatch(region, 1);
    }

    function test_voidBatch_reverts() external {
        post(claimsOf(0, 1));
        vm.expectRevert(abi.encodeWithSelector(IBatches.NotFaultProver.selector, address(faults), sequencer));
        vm.prank(sequencer);
        batches.voidBatch(region, 0);
        vm.expectRevert(abi.encodeWithSelector(IBatches.BatchUnknown.selector, region, 1));
        vm.prank(address(faults));
        batches.voidBatch(region, 1);
    }

    function stageParts(uint64 number, bytes memory data, uint32 parts) private {
        for (uint32 i = 0; i < parts; i++) {
            stage(number, i, Records.cut(data, i * PART, PART));
        }
    }

    function stage(uint64 number, uint32 part, bytes memory data) private {
        vm.prank(sequencer);
        batches.stage(region, number, part, data);
    }

    function expectRefused(Batch memory batch, bytes memory data, bytes memory error_) private {
        vm.expectRevert(error_);
        vm.prank(sequencer);
        batches.post(batch, data);
    }
}
