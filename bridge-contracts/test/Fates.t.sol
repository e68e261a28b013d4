// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResultConsumer} from "../src/examples/ResultConsumer.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {Standing} from "../src/interfaces/ICourt.sol";
import {ClaimRecord} from "../src/libraries/ClaimRecord.sol";
import {Batch, BlobRef, Claim, Fate, LeafProof, Source, SourceKind} from "../src/types/Objects.sol";
import {Posting} from "./base/Posting.sol";

contract FatesTest is Posting {
    uint64 private constant OVER = START + 100 + WINDOW + 1;
    bytes32 private constant HIDDEN = keccak256("hidden");

    // One leaf.

    function test_fateOf_windowAndCourt() external {
        Claim[] memory claims = claimsOf(0, 3);
        Batch memory batch = post(claims);
        LeafProof[] memory chain = chainOf(proofOf(batch, claims, 1));
        bytes32 id = keccak256(abi.encode(region, uint64(0), uint32(1)));

        for (uint64 time = OVER - 2; time <= OVER; time++) {
            vm.warp(time);
            court.setStanding(id, Standing.Clear);
            assertFate(chain, time < OVER ? Fate.Pending : Fate.Final, "clear");
            court.setStanding(id, Standing.Held);
            assertFate(chain, Fate.Challenged, "held");
            court.setStanding(id, Standing.Void);
            assertFate(chain, Fate.Void, "convicted");
        }
        assertFate(chainOf(proofOf(batch, claims, 0)), Fate.Final, "its neighbour");
    }

    function test_fateOf_voidBatch() external {
        Claim[] memory claims = claimsOf(0, 1);
        Batch memory batch = post(claims);
        vm.prank(address(faults));
        batches.voidBatch(region, 0);
        assertFate(chainOf(proofOf(batch, claims, 0)), Fate.Void, "in its window");
        vm.warp(OVER);
        assertFate(chainOf(proofOf(batch, claims, 0)), Fate.Void, "for ever");
        court.setStanding(keccak256(abi.encode(region, uint64(0), uint32(0))), Standing.Held);
        assertFate(chainOf(proofOf(batch, claims, 0)), Fate.Void, "whatever is played on it");
    }

    function test_fateOf_sources() external {
        post(claimsOf(0, 1));
        Claim[] memory claims = claimsOf(1, 7);
        claims[0].wasm.kind = SourceKind.Absent;
        claims[1].input.kind = SourceKind.Absent;
        claims[2].input = Source(SourceKind.Earlier, 0, 9);
        claims[3].wasm = Source(SourceKind.Earlier, 0, 9);
        claims[4].input = Source(SourceKind.Earlier, 1, 0);
        claims[5].wasm = Source(SourceKind.Earlier, 2, 0);
        Batch memory batch = post(claims);
        vm.warp(OVER);
        Fate[7] memory wanted =
            [Fate.Attested, Fate.Attested, Fate.Final, Fate.Final, Fate.Attested, Fate.Attested, Fate.Final];
        for (uint32 i = 0; i < 7; i++) {
            assertFate(chainOf(proofOf(batch, claims, i)), wanted[i], "source");
        }
    }

    function test_fateOf_sourceInVoidBatchIsAbsent() external {
        post(claimsOf(0, 1));
        vm.prank(address(faults));
        batches.voidBatch(region, 0);
        Claim[] memory claims = claimsOf(1, 2);
        claims[0].input = Source(SourceKind.Earlier, 0, 0);
        claims[1].wasm = Source(SourceKind.Earlier, 0, 0);
        Batch memory batch = post(claims);
        vm.warp(OVER);
        assertFate(chainOf(proofOf(batch, claims, 0)), Fate.Attested, "input");
        assertFate(chainOf(proofOf(batch, claims, 1)), Fate.Attested, "wasm");
    }

    function test_fateOf_unknownSourceKind_reverts() external {
        Claim[] memory claims = claimsOf(0, 1);
        claims[0].wasm.kind = SourceKind.Output;
        Batch memory batch = post(claims);
        vm.warp(OVER);
        LeafProof[] memory chain = chainOf(proofOf(batch, claims, 0));
        vm.expectRevert(abi.encodeWithSelector(ClaimRecord.SourceKindUnknown.selector, 2, 3));
        batches.fateOf(chain, listOf(PROGRAM));
    }

    // Outputs that feed each other: 0 is input to 1, 1 to 2, 2 to 3, in batches 0, 0, 1, 1. The preset admits three.

    function outputs() private returns (LeafProof[] memory all) {
        Claim[] memory first = claimsOf(0, 2);
        feed(first[1], first[0], 0, 0);
        Claim[] memory second = claimsOf(2, 2);
        feed(second[0], first[1], 0, 1);
        feed(second[1], second[0], 1, 0);
        Batch memory batch0 = post(first);
        Batch memory batch1 = post(second);
        all = new LeafProof[](4);
        all[0] = proofOf(batch0, first, 0);
        all[1] = proofOf(batch0, first, 1);
        all[2] = proofOf(batch1, second, 0);
        all[3] = proofOf(batch1, second, 1);
    }

    function feed(Claim memory to, Claim memory from, uint64 batch, uint32 index) private pure {
        to.request.input = BlobRef(from.result.output.root, from.result.output.length);
        to.input = Source(SourceKind.Output, batch, index);
    }

    function test_fateOf_chain() external {
        LeafProof[] memory all = outputs();
        assertFate(chainOf(all[1], all[0]), Fate.Pending, "in the window");
        vm.warp(OVER);
        assertFate(chainOf(all[1], all[0]), Fate.Final, "two");
        assertFate(chainOf(all[2], all[1], all[0]), Fate.Final, "three, as many as may be");
        assertFate(chainOf(all[3], all[2], all[1]), Fate.Attested, "four");
    }

    function test_fateOf_chainFollowsItsLeaves() external {
        LeafProof[] memory all = outputs();
        vm.warp(OVER);
        bytes32 origin = keccak256(abi.encode(region, uint64(0), uint32(0)));
        court.setStanding(origin, Standing.Held);
        assertFate(chainOf(all[2], all[1], all[0]), Fate.Challenged, "origin held");
        court.setStanding(origin, Standing.Void);
        assertFate(chainOf(all[2], all[1], all[0]), Fate.Attested, "origin void");
        court.setStanding(origin, Standing.Clear);
        assertFate(chainOf(all[2], all[1], all[0]), Fate.Final, "origin clear");
    }

    function test_fateOf_sourceOfOtherOutput() external {
        Claim[] memory claims = claimsOf(0, 2);
        feed(claims[1], claims[0], 0, 0);
        claims[1].request.input.length += 1;
        Batch memory batch = post(claims);
        vm.warp(OVER);
        LeafProof[] memory chain = chainOf(proofOf(batch, claims, 1), proofOf(batch, claims, 0));
        assertFate(chain, Fate.Attested, "the output is another blob");
    }

    function test_fateOf_chain_reverts() external {
        LeafProof[] memory all = outputs();
        vm.warp(OVER);
        vm.expectRevert(abi.encodeWithSelector(IBatches.ChainIncomplete.selector, 0, 0));
        batches.fateOf(new LeafProof[](0), listOf(PROGRAM));
        vm.expectRevert(abi.encodeWithSelector(IBatches.ChainIncomplete.selector, 0, 1));
        batches.fateOf(chainOf(all[2]), listOf(PROGRAM));
        vm.expectRevert(abi.encodeWithSelector(IBatches.ChainTooLong.selector, 1, 2));
        batches.fateOf(chainOf(all[0], all[1]), listOf(PROGRAM));
        vm.expectRevert(abi.encodeWithSelector(IBatches.ChainLink.selector, 0, 1, 0, 0));
        batches.fateOf(chainOf(all[2], all[0]), listOf(PROGRAM));
        vm.expectRevert(abi.encodeWithSelector(IBatches.ChainLink.selector, 0, 0, 1, 0));
        batches.fateOf(chainOf(all[1], all[2]), listOf(PROGRAM));
        LeafProof[] memory chain = new LeafProof[](4);
        (chain[0], chain[1], chain[2], chain[3]) = (all[3], all[2], all[1], all[0]);
        vm.expectRevert(abi.encodeWithSelector(IBatches.ChainTooLong.selector, 3, 4));
        batches.fateOf(chain, listOf(PROGRAM));
        all[0].batch = abi.decode(abi.encode(all[0].batch), (Batch));
        all[0].batch.region = "other";
        vm.expectRevert(abi.encodeWithSelector(IBatches.ChainRegion.selector, region, bytes32("other")));
        batches.fateOf(chainOf(all[1], all[0]), listOf(PROGRAM));
    }

    // Programs that the caller relies on.

    function test_fateOf_programOfOneLeaf() external {
        Claim[] memory claims = claimsOf(0, 1);
        Batch memory batch = post(claims);
        LeafProof[] memory chain = chainOf(proofOf(batch, claims, 0));
        assertFate(chain, new bytes32[](0), Fate.Pending, "in the window, whatever it runs");
        vm.warp(OVER);
        assertFate(chain, new bytes32[](0), Fate.Attested, "none");
        assertFate(chain, listOf(HIDDEN), Fate.Attested, "another");
        assertFate(chain, listOf(PROGRAM), Fate.Final, "its own");
        assertFate(chain, listOf(HIDDEN, PROGRAM), Fate.Final, "its own as well");
        court.setStanding(keccak256(abi.encode(region, uint64(0), uint32(0))), Standing.Held);
        assertFate(chain, new bytes32[](0), Fate.Challenged, "held, whatever it runs");
        court.setStanding(keccak256(abi.encode(region, uint64(0), uint32(0))), Standing.Void);
        assertFate(chain, new bytes32[](0), Fate.Void, "void, whatever it runs");
    }

    /// @dev What the hidden program puts out only its maker has: nobody else can run the leaf again that takes it.
    function test_fateOf_chainThroughAnotherProgram() external {
        LeafProof[] memory chain = throughHidden();
        assertFate(chain, Fate.Pending, "in the window");
        vm.warp(OVER);
        assertFate(chain, listOf(PROGRAM), Fate.Attested, "the first leaf's alone");
        assertFate(chain, listOf(HIDDEN), Fate.Attested, "the second leaf's alone");
        assertFate(chain, listOf(PROGRAM, HIDDEN), Fate.Final, "both");
        bytes32 origin = keccak256(abi.encode(region, uint64(0), uint32(0)));
        court.setStanding(origin, Standing.Held);
        assertFate(chain, listOf(PROGRAM), Fate.Challenged, "origin held");
    }

    /// @dev A leaf of the program that takes the output of one of another program.
    function throughHidden() private returns (LeafProof[] memory chain) {
        Claim[] memory claims = claimsOf(0, 2);
        claims[0].request.program = HIDDEN;
        feed(claims[1], claims[0], 0, 0);
        Batch memory batch = post(claims);
        return chainOf(proofOf(batch, claims, 1), proofOf(batch, claims, 0));
    }

    // A contract that acts on results.

    function test_consumer_actsOnce() external {
        ResultConsumer consumer = new ResultConsumer(batches, PROGRAM);
        LeafProof[] memory all = outputs();
        LeafProof[] memory chain = chainOf(all[1], all[0]);
        vm.expectRevert(abi.encodeWithSelector(ResultConsumer.NotFinal.selector, Fate.Pending));
        consumer.act(chain);
        vm.warp(OVER);
        consumer.act(chain);
        Claim[] memory claims = claimsOf(0, 2);
        feed(claims[1], claims[0], 0, 0);
        leavesOf(claims);
        (bytes32 root, uint64 length) = consumer.outputOf(claims[1].result.task);
        assertEq(root, claims[1].result.output.root, "root");
        assertEq(length, 32, "length");
        vm.expectRevert(abi.encodeWithSelector(ResultConsumer.ActedUpon.selector, claims[1].result.task));
        consumer.act(chain);
    }

    function test_consumer_refuses() external {
        ResultConsumer consumer = new ResultConsumer(batches, PROGRAM);
        Claim[] memory claims = claimsOf(0, 5);
        claims[0].input.kind = SourceKind.Absent;
        claims[1].request.program = "other";
        claims[2].result.status = 2;
        claims[3].result.code = 4;
        Batch memory batch = post(claims);
        vm.warp(OVER);
        refuses(
            consumer, proofOf(batch, claims, 0), abi.encodeWithSelector(ResultConsumer.NotFinal.selector, Fate.Attested)
        );
        refuses(
            consumer,
            proofOf(batch, claims, 1),
            abi.encodeWithSelector(ResultConsumer.OtherProgram.selector, PROGRAM, bytes32("other"))
        );
        refuses(consumer, proofOf(batch, claims, 2), abi.encodeWithSelector(ResultConsumer.RunFailed.selector, 2, 0));
        refuses(consumer, proofOf(batch, claims, 3), abi.encodeWithSelector(ResultConsumer.RunFailed.selector, 1, 4));
        court.setStanding(keccak256(abi.encode(region, uint64(0), uint32(4))), Standing.Void);
        refuses(
            consumer, proofOf(batch, claims, 4), abi.encodeWithSelector(ResultConsumer.NotFinal.selector, Fate.Void)
        );
    }

    function test_consumer_refusesOutputsOfOtherPrograms() external {
        ResultConsumer consumer = new ResultConsumer(batches, PROGRAM);
        LeafProof[] memory chain = throughHidden();
        vm.warp(OVER);
        vm.expectRevert(abi.encodeWithSelector(ResultConsumer.NotFinal.selector, Fate.Attested));
        consumer.act(chain);
    }

    function refuses(ResultConsumer consumer, LeafProof memory proof, bytes memory error_) private {
        vm.expectRevert(error_);
        consumer.act(chainOf(proof));
    }

    function assertFate(LeafProof[] memory chain, Fate wanted, string memory what) private view {
        assertFate(chain, listOf(PROGRAM), wanted, what);
    }

    function assertFate(LeafProof[] memory chain, bytes32[] memory programs, Fate wanted, string memory what)
        private
        view
    {
        assertEq(uint8(batches.fateOf(chain, programs)), uint8(wanted), what);
    }

    function listOf(bytes32 a) private pure returns (bytes32[] memory programs) {
        programs = new bytes32[](1);
        programs[0] = a;
    }

    function listOf(bytes32 a, bytes32 b) private pure returns (bytes32[] memory programs) {
        programs = new bytes32[](2);
        (programs[0], programs[1]) = (a, b);
    }

    function chainOf(LeafProof memory a) private pure returns (LeafProof[] memory chain) {
        chain = new LeafProof[](1);
        chain[0] = a;
    }

    function chainOf(LeafProof memory a, LeafProof memory b) private pure returns (LeafProof[] memory chain) {
        chain = new LeafProof[](2);
        (chain[0], chain[1]) = (a, b);
    }

    function chainOf(LeafProof memory a, LeafProof memory b, LeafProof memory c)
        private
        pure
        returns (LeafProof[] memory chain)
    {
        chain = new LeafProof[](3);
        (chain[0], chain[1], chain[2]) = (a, b, c);
    }
}
