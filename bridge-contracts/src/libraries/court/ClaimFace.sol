// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds, Role} from "../../interfaces/IBonds.sol";
import {IPrograms} from "../../interfaces/IPrograms.sol";
import {Batch, Claim, TaskRequest, TaskResult} from "../../types/Objects.sol";
import {ClaimRecord} from "../ClaimRecord.sol";
import {Eip712} from "../Eip712.sol";
import {MerklePath} from "../MerklePath.sol";
import {Ending} from "./Ending.sol";

/// @notice The bounds of requests that a deployment admits.
struct ClaimBounds {
    uint64 fuelLimitMax;
    uint64 outputLengthMax;
    uint64 inputLengthMax;
}

/// @title What a claim shows on its face (chapter 12, "On its face"), as far as a game needs it
/// @notice Who is named must have signed, and the numbers must be such that the game can be played. A claim that fails is a
/// fault of its sequencer, shown to the fault prover, and no game: no executor answers for what it did not sign.
library ClaimFace {
    error ClientSignature(address expected, address given);
    error ExecutorSignature(address executor, address given);
    error ExecutorNotRegistered(address executor, uint64 asOf);
    error ProgramNotRegistered(bytes32 program, uint64 asOf);
    error DeadlineBeforeBatch(uint64 least, uint64 given);
    error FuelLimit(uint64 most, uint64 given);
    error FuelUsed(uint64 most, uint64 given);
    error InputLength(uint64 most, uint64 given);
    error OutputLengthMax(uint64 most, uint64 given);
    error OutputLength(uint64 most, uint64 given);
    error StatusUnknown(uint8 given);
    error ExhaustedShape(uint64 fuelLimit, uint64 fuelUsed, uint32 code, uint64 outputLength, bytes32 outputRoot);

    /// @notice Reverts with what is wrong, or returns the executor. Executor, key and program are judged at the batch's `asOf`.
    /// No batch is posted after its `minDeadline`: with none before that, no task was posted after its own, and an executor may
    /// throw away what it needs to run a task again when that has been too late for long enough.
    function check(
        bytes calldata record,
        Batch calldata batch,
        bytes32 domain,
        ClaimBounds memory bounds,
        IBonds bonds,
        IPrograms programs
    ) internal view returns (address executor) {
        Claim memory claim = ClaimRecord.decode(record, batch.region, domain);
        TaskRequest memory request = claim.request;
        uint64 asOf = batch.asOf;
        if (request.deadline < batch.minDeadline) revert DeadlineBeforeBatch(batch.minDeadline, request.deadline);
        checkNumbers(request, claim.result, bounds);
        address signer = Eip712.signerOf(claim.result.task, claim.clientSignature);
        if (signer == address(0) || signer != request.client) revert ClientSignature(request.client, signer);
        executor = claim.result.executor;
        signer = Eip712.signerOf(ClaimRecord.resultHash(claim.result, domain), claim.executorSignature);
        if (!bonds.isRegistered(Role.Executor, executor, asOf)) revert ExecutorNotRegistered(executor, asOf);
        if (!bonds.isKey(Role.Executor, executor, signer, asOf)) revert ExecutorSignature(executor, signer);
        uint64 registeredAt = programs.registeredAt(request.program);
        if (registeredAt == 0 || registeredAt > asOf) revert ProgramNotRegistered(request.program, asOf);
    }

    function checkNumbers(TaskRequest memory request, TaskResult memory result, ClaimBounds memory bounds)
        internal
        pure
    {
        if (request.fuelLimit > bounds.fuelLimitMax) revert FuelLimit(bounds.fuelLimitMax, request.fuelLimit);
        if (request.input.length > bounds.inputLengthMax) {
            revert InputLength(bounds.inputLengthMax, request.input.length);
        }
        if (request.outputLengthMax > bounds.outputLengthMax) {
            revert OutputLengthMax(bounds.outputLengthMax, request.outputLengthMax);
        }
        if (result.fuelUsed > request.fuelLimit) revert FuelUsed(request.fuelLimit, result.fuelUsed);
        if (result.output.length > request.outputLengthMax) {
            revert OutputLength(request.outputLengthMax, result.output.length);
        }
        if (result.status < Ending.EXIT || result.status > Ending.OUT_OF_FUEL) revert StatusUnknown(result.status);
        if (result.status != Ending.OUT_OF_FUEL) return;
        bool isExhausted = result.code == 0 && result.fuelUsed == request.fuelLimit && result.output.length == 0
            && result.output.root == MerklePath.zeroBulk()[0];
        if (!isExhausted) {
            revert ExhaustedShape(
                request.fuelLimit, result.fuelUsed, result.code, result.output.length, result.output.root
            );
        }
    }
}
