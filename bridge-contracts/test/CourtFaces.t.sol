// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {ClaimRecord} from "../src/libraries/ClaimRecord.sol";
import {MerklePath} from "../src/libraries/MerklePath.sol";
import {ClaimFace} from "../src/libraries/court/ClaimFace.sol";
import {LeafProof, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {Players} from "./base/Players.sol";
import {Run} from "./base/Runs.sol";

/// @title No game is opened on a claim that is faulty on its face
contract CourtFacesTest is Players {
    /// @dev Of the group that signatures are made in (SEC 2, secp256k1).
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function refuse(bytes memory record, bytes memory reason) private {
        LeafProof memory proof = post(record);
        if (reason.length == 4) vm.expectPartialRevert(bytes4(reason));
        else vm.expectRevert(reason);
        vm.prank(alice);
        court.commit{value: BOND}(proof, bytes32(uint256(1)), false);
    }

    function truth() private view returns (TaskRequest memory request, TaskResult memory result) {
        return truthOf(readRun(EXIT));
    }

    function refuse(TaskRequest memory request, TaskResult memory result, bytes memory reason) private {
        refuse(recordOf(request, result, EXECUTOR_SECRET), reason);
    }

    function test_commit_clientSignature_reverts() external {
        (TaskRequest memory request, TaskResult memory result) = truth();
        request.client = alice;
        refuse(request, result, abi.encodeWithSelector(ClaimFace.ClientSignature.selector, alice, client));
        (request, result) = truth();
        bytes32 task = ClaimRecord.taskOf(request, batches.domainSeparator());
        bytes memory none = new bytes(65);
        request.client = address(0);
        refuse(pack(request, result, none, none), abi.encodeWithSelector(ClaimFace.ClientSignatureInvalid.selector));
        // The other root of the same signature: s in the upper half.
        request.client = client;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(CLIENT_SECRET, task);
        bytes32 high = bytes32(ORDER - uint256(s));
        refuse(
            pack(request, result, abi.encodePacked(r, high, v ^ 7), none),
            abi.encodeWithSelector(ClaimFace.ClientSignatureHighS.selector, high)
        );
    }

    function test_commit_executorSignature_reverts() external {
        (TaskRequest memory request, TaskResult memory result) = truth();
        refuse(
            recordOf(request, result, CLIENT_SECRET),
            abi.encodeWithSelector(ClaimFace.ExecutorSignature.selector, executor, client)
        );
        result.executor = alice;
        refuse(recordOf(request, result, 0xa11ce), abi.encodePacked(ClaimFace.ExecutorNotRegistered.selector));
    }

    function test_commit_noExecutorSignature_reverts() external {
        (TaskRequest memory request, TaskResult memory result) = truth();
        bytes32 domain = batches.domainSeparator();
        bytes memory byClient = sign(CLIENT_SECRET, ClaimRecord.taskOf(request, domain));
        refuse(
            pack(request, result, byClient, new bytes(65)),
            abi.encodeWithSelector(ClaimFace.ExecutorSignatureInvalid.selector)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(EXECUTOR_SECRET, ClaimRecord.resultHash(result, domain));
        bytes32 high = bytes32(ORDER - uint256(s));
        refuse(
            pack(request, result, byClient, abi.encodePacked(r, high, v ^ 7)),
            abi.encodeWithSelector(ClaimFace.ExecutorSignatureHighS.selector, high)
        );
    }

    function test_commit_executorNotRegisteredAtAsOf_reverts() external {
        register(Role.Executor, alice);
        (TaskRequest memory request, TaskResult memory result) = truth();
        result.executor = alice;
        // Judged a second before.
        refuse(
            recordOf(request, result, 0xa11ce),
            abi.encodeWithSelector(ClaimFace.ExecutorNotRegistered.selector, alice, uint64(block.timestamp - 1))
        );
        vm.warp(block.timestamp + 1);
        LeafProof memory proof = post(recordOf(request, result, 0xa11ce));
        vm.prank(bob);
        court.commit{value: BOND}(proof, bytes32(uint256(1)), false);
    }

    function test_commit_programNotRegistered_reverts() external {
        (TaskRequest memory request, TaskResult memory result) = truth();
        request.program = keccak256("nobody's");
        refuse(
            request,
            result,
            abi.encodeWithSelector(
                ClaimFace.ProgramNotRegistered.selector, request.program, uint64(block.timestamp - 1)
            )
        );
        Run memory run = readRun(EXIT);
        run.descriptor.entryPc += 1;
        request.program = programs.register(run.descriptor);
        refuse(request, result, abi.encodePacked(ClaimFace.ProgramNotRegistered.selector));
    }

    /// @dev Its executor may have thrown away what it needs to run the task again.
    function test_commit_deadlineBeforeBatch_reverts() external {
        (TaskRequest memory request, TaskResult memory result) = truth();
        uint64 least = type(uint64).max;
        request.deadline = least - 1;
        result.task = ClaimRecord.taskOf(request, batches.domainSeparator());
        refuse(request, result, abi.encodeWithSelector(ClaimFace.DeadlineBeforeBatch.selector, least, least - 1));
    }

    function test_commit_bounds_revert() external {
        (TaskRequest memory request, TaskResult memory result) = truth();
        uint64 most = parameters().fuelLimitMax;
        request.fuelLimit = most + 1;
        refuse(request, result, abi.encodeWithSelector(ClaimFace.FuelLimit.selector, most, most + 1));
        (request,) = truth();
        most = parameters().inputLengthMax;
        request.input.length = most + 1;
        refuse(request, result, abi.encodeWithSelector(ClaimFace.InputLength.selector, most, most + 1));
        (request,) = truth();
        most = parameters().outputLengthMax;
        request.outputLengthMax = most + 1;
        refuse(request, result, abi.encodeWithSelector(ClaimFace.OutputLengthMax.selector, most, most + 1));
        (request, result) = truth();
        result.output.length = 65;
        refuse(request, result, abi.encodeWithSelector(ClaimFace.OutputLength.selector, uint64(64), uint64(65)));
        (request, result) = truth();
        result.fuelUsed = 1001;
        refuse(request, result, abi.encodeWithSelector(ClaimFace.FuelUsed.selector, uint64(1000), uint64(1001)));
    }

    function test_commit_status_reverts() external {
        (TaskRequest memory request, TaskResult memory result) = truth();
        uint8[3] memory unknown = [0, 4, 255];
        for (uint256 i = 0; i < 3; i++) {
            result.status = unknown[i];
            refuse(request, result, abi.encodeWithSelector(ClaimFace.StatusUnknown.selector, unknown[i]));
        }
    }

    function test_commit_shapeOfExhaustion_reverts() external {
        bytes memory reason = abi.encodePacked(ClaimFace.ExhaustedShape.selector);
        Run memory run = readRun(EXHAUSTED);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        result.code = 1;
        refuse(request, result, reason);
        (request, result) = truthOf(run);
        result.fuelUsed -= 1;
        refuse(request, result, reason);
        (request, result) = truthOf(readRun(EXHAUSTED));
        result.output.length = 1;
        refuse(request, result, reason);
        (request, result) = truthOf(readRun(EXHAUSTED));
        result.output.root = ~result.output.root;
        refuse(request, result, reason);
        (, result) = truthOf(readRun(EXHAUSTED));
        assertEq(result.output.root, MerklePath.zeroBulk()[0], "the empty blob");
    }
}
