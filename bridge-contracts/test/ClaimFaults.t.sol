// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../src/interfaces/IBonds.sol";
import {Standing} from "../src/interfaces/ICourt.sol";
import {ClaimFaults} from "../src/libraries/faults/ClaimFaults.sol";
import {SourceFaults} from "../src/libraries/faults/SourceFaults.sol";
import {Evidence} from "../src/types/Evidence.sol";
import {Batch, BlobRef, Claim, Descriptor, Place, Source, SourceKind} from "../src/types/Objects.sol";
import {Accusing} from "./base/Accusing.sol";
import {Records} from "./twins/Records.sol";

/// @notice Each fault of what records claim, proven in one transaction, and what stands just beside it, which is none.
contract ClaimFaultsTest is Accusing {
    uint256 private constant HIGHEST = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    // F1

    function test_proveClientSignature_honest_reverts() external {
        Evidence memory shown = accuse(claimOf(0));
        expectNoFault(1);
        prover.proveClientSignature(shown, 0);
    }

    function test_proveClientSignature_another() external {
        Claim memory claim = claimOf(0);
        sign(claim, 0xbad, EXECUTOR_SECRET);
        clientSignatureFault(claim);
    }

    function test_proveClientSignature_anotherRegion() external {
        Claim memory claim = claimOf(0);
        claim.request.region = keccak256("another");
        sign(claim);
        clientSignatureFault(claim);
    }

    /// @dev The other signature of the same key over the same request.
    function test_proveClientSignature_highS() external {
        Claim memory claim = claimOf(0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(CLIENT_SECRET, claim.result.task);
        claim.clientSignature = abi.encodePacked(r, bytes32(HIGHEST - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        clientSignatureFault(claim);
    }

    /// @dev What is no signature is by the zero address, which is named as the client.
    function test_proveClientSignature_nobodysClient() external {
        Claim memory claim = claimOf(0);
        claim.request.client = address(0);
        sign(claim);
        claim.clientSignature = new bytes(65);
        clientSignatureFault(claim);
    }

    function clientSignatureFault(Claim memory claim) private {
        Evidence memory shown = accuse(claim);
        prover.proveClientSignature(shown, 0);
        assertConvicted(shown);
    }

    // F2

    function test_proveExecutorSignature_byOwnerOrKey_reverts() external {
        vm.warp(AS_OF);
        authorise(Role.Executor, executor, KEY_SECRET);
        vm.warp(POSTED);
        Claim[] memory claims = new Claim[](2);
        (claims[0], claims[1]) = (claimOf(0), claimOf(1));
        sign(claims[1], CLIENT_SECRET, KEY_SECRET);
        (Batch memory batch, bytes memory data) = post(claims);
        Evidence memory shown = whole(batch, data);
        for (uint32 i = 0; i < 2; i++) {
            expectNoFault(2);
            prover.proveExecutorSignature(shown, i);
        }
    }

    /// @dev Registered in the very second of `asOf`, and slashed, its key revoked, in the second of the posting.
    function test_proveExecutorSignature_boundaries_reverts() external {
        address late = vm.addr(0x1a7e);
        vm.warp(AS_OF);
        register(Role.Executor, late, EXECUTOR_STAKE);
        vm.warp(POSTED);
        Claim memory claim = claimOf(0);
        claim.result.executor = late;
        sign(claim, CLIENT_SECRET, 0x1a7e);
        vm.prank(address(convictions));
        bonds.slash(Role.Executor, late);
        Evidence memory shown = accuse(claim);
        expectNoFault(2);
        prover.proveExecutorSignature(shown, 0);
    }

    function test_proveExecutorSignature_another() external {
        Claim memory claim = claimOf(0);
        sign(claim, CLIENT_SECRET, KEY_SECRET);
        executorSignatureFault(claim);
    }

    function test_proveExecutorSignature_none() external {
        Claim memory claim = claimOf(0);
        claim.executorSignature = new bytes(65);
        executorSignatureFault(claim);
    }

    function test_proveExecutorSignature_keyOfLater() external {
        vm.warp(AS_OF + 1);
        authorise(Role.Executor, executor, KEY_SECRET);
        vm.warp(POSTED);
        Claim memory claim = claimOf(0);
        sign(claim, CLIENT_SECRET, KEY_SECRET);
        executorSignatureFault(claim);
    }

    function test_proveExecutorSignature_registeredLater() external {
        address late = vm.addr(0x1a7e);
        vm.warp(AS_OF + 1);
        register(Role.Executor, late, EXECUTOR_STAKE);
        vm.warp(POSTED);
        Claim memory claim = claimOf(0);
        claim.result.executor = late;
        sign(claim, CLIENT_SECRET, 0x1a7e);
        executorSignatureFault(claim);
    }

    /// @dev An owner is its own key for ever, and registered no more from the second of its slashing on.
    function test_proveExecutorSignature_gone() external {
        vm.warp(AS_OF);
        vm.prank(address(convictions));
        bonds.slash(Role.Executor, executor);
        vm.warp(POSTED);
        executorSignatureFault(claimOf(0));
    }

    function executorSignatureFault(Claim memory claim) private {
        Evidence memory shown = accuse(claim);
        prover.proveExecutorSignature(shown, 0);
        assertConvicted(shown);
    }

    // F3 is compared with the court's reading of the same bounds in FaultBounds.t.sol.

    function test_proveBound_atTheBound_reverts() external {
        Claim memory claim = claimOf(0);
        claim.request.fuelLimit = 1 << 36;
        claim.request.outputLengthMax = 1 << 28;
        claim.request.input.length = 1 << 32;
        claim.result.fuelUsed = 1 << 36;
        claim.result.output.length = 1 << 28;
        claim.result.status = 2;
        sign(claim);
        Evidence memory shown = accuse(claim);
        expectNoFault(3);
        prover.proveBound(shown, 0);
    }

    function test_proveBound_above() external {
        Claim memory claim = claimOf(0);
        claim.request.fuelLimit = (1 << 36) + 1;
        sign(claim);
        Evidence memory shown = accuse(claim);
        prover.proveBound(shown, 0);
        assertConvicted(shown);
    }

    // F4

    function test_proveProgram_registeredAsOf_reverts() external {
        vm.warp(AS_OF);
        Evidence memory shown = ofProgram(1);
        expectNoFault(4);
        prover.proveProgram(shown, 0);
    }

    function test_proveProgram_registeredLater() external {
        vm.warp(AS_OF + 1);
        Evidence memory shown = ofProgram(1);
        prover.proveProgram(shown, 0);
        assertConvicted(shown);
    }

    function test_proveProgram_unknown() external {
        Claim memory claim = claimOf(0);
        claim.request.program = keccak256("unknown");
        sign(claim);
        Evidence memory shown = accuse(claim);
        prover.proveProgram(shown, 0);
        assertConvicted(shown);
    }

    /// @dev A claim of a program that is registered now.
    function ofProgram(uint32 entryPc) private returns (Evidence memory) {
        Descriptor memory another = descriptor();
        another.entryPc = entryPc;
        bytes32 id = programs.register(another);
        vm.warp(POSTED);
        Claim memory claim = claimOf(0);
        claim.request.program = id;
        sign(claim);
        return accuse(claim);
    }

    // F5

    function test_proveRepeated_inOneBatch() external {
        Evidence memory shown = pair(0, 0);
        prover.proveRepeated(shown, 1, shown, 0);
        assertConvicted(shown);
    }

    function test_proveRepeated_anotherAttempt_reverts() external {
        Evidence memory shown = pair(0, 1);
        expectNoFault(5);
        prover.proveRepeated(shown, 1, shown, 0);
    }

    function test_proveRepeated_ofItselfOrTheFirst_reverts() external {
        Evidence memory shown = pair(0, 0);
        for (uint32 leaf = 0; leaf < 2; leaf++) {
            vm.expectRevert(abi.encodeWithSelector(ClaimFaults.NotBefore.selector, 0, leaf, 0, 1));
            prover.proveRepeated(shown, leaf, shown, 1);
        }
    }

    function test_proveRepeated_inAnEarlierBatch() external {
        Evidence memory first = accuse(claimOf(0));
        Evidence memory second = accuse(claimOf(0));
        // The earlier one is innocent of what came after it.
        vm.expectRevert(abi.encodeWithSelector(ClaimFaults.NotBefore.selector, 0, 0, 1, 0));
        prover.proveRepeated(first, 0, second, 0);
        prover.proveRepeated(second, 0, first, 0);
        assertConvicted(second);
    }

    function test_proveRepeated_anotherTask_reverts() external {
        Evidence memory first = accuse(claimOf(0));
        Evidence memory second = accuse(claimOf(1));
        expectNoFault(5);
        prover.proveRepeated(second, 0, first, 0);
    }

    /// @dev The same bytes in another region of the sequencer are other tasks, which nobody signed.
    function test_proveRepeated_inAnotherRegion_reverts() external {
        Claim memory claim = claimOf(0);
        Evidence memory shown = accuse(claim);
        bytes32 first = region;
        vm.prank(sequencer);
        region = batches.openRegion("eu-east");
        Evidence memory other = accuse(claim);
        vm.expectRevert(abi.encodeWithSelector(ClaimFaults.OtherBatch.selector, first, 0, region, 0));
        prover.proveRepeated(shown, 0, other, 0);
    }

    /// @dev Two claims of one task, of these attempts.
    function pair(uint32 one, uint32 other) private returns (Evidence memory) {
        Claim[] memory claims = new Claim[](2);
        (claims[0], claims[1]) = (claimOf(0), claimOf(0));
        claims[1].sequence = 1;
        (claims[0].result.attempt, claims[1].result.attempt) = (one, other);
        sign(claims[0]);
        sign(claims[1]);
        (Batch memory batch, bytes memory data) = post(claims);
        return whole(batch, data);
    }

    // F6

    function test_provePredecessor_firstAttempt_reverts() external {
        Evidence memory shown = accuse(claimOf(0));
        expectNoFault(6);
        prover.provePredecessor(shown, 0, none());
    }

    function test_provePredecessor_ofFirstAttempt() external {
        accuse(claimOf(0));
        Claim memory claim = claimOf(1);
        claim.predecessor = Place(0, 1);
        Evidence memory shown = accuse(claim);
        prover.provePredecessor(shown, 0, none());
        assertConvicted(shown);
    }

    function test_provePredecessor_batchVoidAtPosting_reverts() external {
        Evidence memory before = accuse(claimOf(0));
        vm.prank(address(prover));
        batches.voidBatch(region, 0);
        // In the same second: the order of the two is not asked.
        Evidence memory shown = accuse(attempt(1, Place(0, 0)));
        expectNoFault(6);
        prover.provePredecessor(shown, 0, before);
    }

    function test_provePredecessor_batchVoidLater() external {
        Evidence memory before = accuse(claimOf(0));
        Evidence memory shown = accuse(attempt(1, Place(0, 0)));
        vm.warp(POSTED + 1);
        vm.prank(address(prover));
        batches.voidBatch(region, 0);
        prover.provePredecessor(shown, 0, before);
        assertConvicted(shown);
    }

    function test_provePredecessor_executorConvictedAtPosting_reverts() external {
        Evidence memory before = accuse(claimOf(0));
        verdict(Standing.Void, POSTED);
        Evidence memory shown = accuse(attempt(1, Place(0, 0)));
        expectNoFault(6);
        prover.provePredecessor(shown, 0, before);
    }

    function test_provePredecessor_executorConvictedLater() external {
        Evidence memory before = accuse(claimOf(0));
        verdict(Standing.Void, POSTED + 1);
        predecessorFault(attempt(1, Place(0, 0)), before);
    }

    function test_provePredecessor_held() external {
        Evidence memory before = accuse(claimOf(0));
        verdict(Standing.Held, 0);
        predecessorFault(attempt(1, Place(0, 0)), before);
    }

    function test_provePredecessor_anotherTask() external {
        Evidence memory before = accuse(claimOf(5));
        verdict(Standing.Void, POSTED);
        predecessorFault(attempt(1, Place(0, 0)), before);
    }

    function test_provePredecessor_notTheAttemptBefore() external {
        Evidence memory before = accuse(claimOf(0));
        verdict(Standing.Void, POSTED);
        predecessorFault(attempt(2, Place(0, 0)), before);
    }

    function test_provePredecessor_notThere() external {
        Evidence memory before = accuse(claimOf(0));
        verdict(Standing.Void, POSTED);
        predecessorFault(attempt(1, Place(0, 1)), before);
    }

    function test_provePredecessor_sameBatch() external {
        predecessorFault(attempt(1, Place(0, 0)), none());
    }

    function test_provePredecessor_otherEvidence_reverts() external {
        Evidence memory before = accuse(claimOf(0));
        accuse(claimOf(1));
        Evidence memory shown = accuse(attempt(1, Place(1, 0)));
        vm.expectRevert(abi.encodeWithSelector(ClaimFaults.OtherBatch.selector, region, 1, region, 0));
        prover.provePredecessor(shown, 0, before);
    }

    /// @dev Another attempt at the task of `claimOf(0)`.
    function attempt(uint32 number, Place memory before) private view returns (Claim memory claim) {
        claim = claimOf(0);
        claim.sequence = 7;
        claim.result.attempt = number;
        claim.predecessor = before;
        sign(claim);
    }

    /// @dev What the court says of leaf 0 of batch 0.
    function verdict(Standing standing, uint64 since) private {
        convictions.set(keccak256(abi.encode(region, uint64(0), uint32(0))), executor, POSTED, standing, since);
    }

    function predecessorFault(Claim memory claim, Evidence memory before) private {
        Evidence memory shown = accuse(claim);
        prover.provePredecessor(shown, 0, before);
        assertConvicted(shown);
    }

    // F7

    function test_proveDeadline_atTheHeaders_reverts() external {
        Evidence memory shown = accuse(claimOf(0));
        expectNoFault(7);
        prover.proveDeadline(shown, 0);
    }

    function test_proveDeadline_before() external {
        Claim memory claim = claimOf(0);
        claim.request.deadline = FAR - 1;
        sign(claim);
        Evidence memory shown = accuse(claim);
        prover.proveDeadline(shown, 0);
        assertConvicted(shown);
    }

    // F9: by the vectors too.

    function test_proveSequence_notAscending() external {
        Claim[] memory claims = new Claim[](3);
        (claims[0], claims[1], claims[2]) = (claimOf(4), claimOf(9), claimOf(9));
        claims[2].request.nonce = 10;
        sign(claims[2]);
        (Batch memory batch, bytes memory data) = post(claims);
        Evidence memory shown = whole(batch, data);
        for (uint32 i = 0; i < 2; i++) {
            expectNoFault(9);
            prover.proveSequence(shown, i);
        }
        prover.proveSequence(shown, 2);
        assertConvicted(shown);
    }

    /// @dev Sequence numbers are those of intake, and say nothing from batch to batch.
    function test_proveSequence_belowAnEarlierBatch_reverts() external {
        accuse(claimOf(100));
        Evidence memory shown = accuse(claimOf(0));
        expectNoFault(9);
        prover.proveSequence(shown, 0);
    }

    // F10

    function test_proveInputSource_earlier() external {
        Evidence memory named = accuse(claimOf(0));
        Claim memory claim = claimOf(1);
        claim.input = Source(SourceKind.Earlier, 0, 0);
        // The claim's input is not the WASM, which is there.
        inputSourceFault(claim, named);
    }

    /// @dev An entry of a batch that is void makes nothing final, and no fault.
    function test_proveInputSource_earlierAndVoid_reverts() external {
        Evidence memory named = accuse(claimOf(0));
        vm.prank(address(prover));
        batches.voidBatch(region, 0);
        Claim memory claim = claimOf(1);
        claim.request.input = Records.blobOf(WASM);
        claim.input = Source(SourceKind.Earlier, 0, 0);
        sign(claim);
        Evidence memory shown = accuse(claim);
        expectNoFault(10);
        prover.proveInputSource(shown, 0, named);
    }

    function test_proveInputSource_earlierWithoutEntry() external {
        Evidence memory named = accuse(claimOf(0));
        Claim memory claim = claimOf(1);
        claim.input = Source(SourceKind.Earlier, 0, 1);
        inputSourceFault(claim, named);
    }

    function test_proveInputSource_horizon() external {
        Claim memory claim = claimOf(0);
        claim.request.input = Records.blobOf(WASM);
        claim.input = Source(SourceKind.Here, 0, 0);
        sign(claim);
        Evidence memory named = accuse(claim);
        for (uint64 i = 1; i < 100; i++) {
            accuse(claimOf(i));
        }
        claim.input = Source(SourceKind.Earlier, 0, 0);
        claim.request.nonce = 100;
        sign(claim);
        Evidence memory last = accuse(claim);
        expectNoFault(10);
        prover.proveInputSource(last, 0, named);
        claim.request.nonce = 101;
        sign(claim);
        Evidence memory beyond = accuse(claim);
        prover.proveInputSource(beyond, 0, none());
        assertConvicted(beyond);
    }

    function test_proveInputSource_outputOfAnEarlierLeaf_reverts() external {
        Claim memory feeding = claimOf(0);
        Evidence memory named = accuse(feeding);
        Claim memory claim = claimOf(1);
        claim.request.input = feeding.result.output;
        claim.input = Source(SourceKind.Output, 0, 0);
        sign(claim);
        Evidence memory shown = accuse(claim);
        expectNoFault(10);
        prover.proveInputSource(shown, 0, named);
    }

    function test_proveInputSource_anotherOutputOfAnEarlierLeaf() external {
        Evidence memory named = accuse(claimOf(0));
        Claim memory claim = claimOf(1);
        claim.input = Source(SourceKind.Output, 0, 0);
        inputSourceFault(claim, named);
    }

    function test_proveInputSource_outputOfNoLeaf() external {
        Evidence memory named = accuse(claimOf(0));
        Claim memory claim = claimOf(1);
        claim.input = Source(SourceKind.Output, 0, 1);
        inputSourceFault(claim, named);
    }

    function test_proveInputSource_otherEvidence_reverts() external {
        accuse(claimOf(0));
        Evidence memory other = accuse(claimOf(1));
        Claim memory claim = claimOf(2);
        claim.input = Source(SourceKind.Earlier, 0, 0);
        Evidence memory shown = accuse(claim);
        vm.expectRevert(abi.encodeWithSelector(ClaimFaults.OtherBatch.selector, region, 0, region, 1));
        prover.proveInputSource(shown, 0, other);
    }

    function inputSourceFault(Claim memory claim, Evidence memory named) private {
        Evidence memory shown = accuse(claim);
        prover.proveInputSource(shown, 0, named);
        assertConvicted(shown);
    }

    function test_proveWasmSource_here_reverts() external {
        Evidence memory shown = accuse(claimOf(0));
        expectNoFault(10);
        prover.proveWasmSource(shown, 0, none(), descriptor());
    }

    function test_proveWasmSource_earlier_reverts() external {
        Evidence memory named = accuse(claimOf(0));
        Claim memory claim = claimOf(1);
        claim.wasm = Source(SourceKind.Earlier, 0, 0);
        Evidence memory shown = accuse(claim);
        expectNoFault(10);
        prover.proveWasmSource(shown, 0, named, descriptor());
    }

    function test_proveWasmSource_absent_reverts() external {
        Claim memory claim = claimOf(0);
        claim.wasm = Source(SourceKind.Absent, 0, 0);
        Evidence memory shown = accuse(claim);
        expectNoFault(10);
        prover.proveWasmSource(shown, 0, none(), descriptor());
    }

    function test_proveWasmSource_anotherDescriptor_reverts() external {
        Evidence memory shown = accuse(claimOf(0));
        Descriptor memory another = descriptor();
        another.wasm = BlobRef(keccak256("another"), 8);
        bytes32 id = programs.register(another);
        vm.expectRevert(abi.encodeWithSelector(SourceFaults.OtherProgram.selector, program, id));
        prover.proveWasmSource(shown, 0, none(), another);
    }

    function test_proveWasmSource_anotherModule() external {
        Descriptor memory another = descriptor();
        another.wasm = BlobRef(another.wasm.root, another.wasm.length + 1);
        vm.warp(AS_OF);
        bytes32 id = programs.register(another);
        vm.warp(POSTED);
        Claim memory claim = claimOf(0);
        claim.request.program = id;
        sign(claim);
        Evidence memory shown = accuse(claim);
        prover.proveWasmSource(shown, 0, none(), another);
        assertConvicted(shown);
    }

    function test_proveWasmSource_output() external {
        accuse(claimOf(0));
        Claim memory claim = claimOf(1);
        claim.wasm = Source(SourceKind.Output, 0, 0);
        Evidence memory shown = accuse(claim);
        prover.proveWasmSource(shown, 0, none(), descriptor());
        assertConvicted(shown);
    }
}
