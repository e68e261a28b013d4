// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds, Role} from "../../interfaces/IBonds.sol";
import {IPrograms} from "../../interfaces/IPrograms.sol";
import {Batch, Claim, TaskRequest, TaskResult} from "../../types/Objects.sol";
import {ClaimRecord} from "../ClaimRecord.sol";
import {Bound, ClaimBounds, ClaimRules} from "../ClaimRules.sol";
import {Eip712} from "../Eip712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title What a claim shows on its face (chapter 12, "On its face"), as far as a game needs it
/// @notice Who is named must have signed, and the numbers must be such that the game can be played. A claim that fails is a
/// fault of its sequencer, shown to the fault prover, and no game: no executor answers for what it did not sign.
library ClaimFace {
    error ClientSignature(address expected, address given);
    error ClientSignatureInvalid();
    error ClientSignatureHighS(bytes32 s);
    error ExecutorSignature(address executor, address given);
    error ExecutorSignatureInvalid();
    error ExecutorSignatureHighS(bytes32 s);
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

    /// @notice Reverts with the rule that is broken, or returns the executor. Executor, key and program are judged at the batch's
    /// `asOf`.
    function check(
        bytes calldata record,
        Batch calldata batch,
        bytes32 domain,
        ClaimBounds memory bounds,
        IBonds bonds,
        IPrograms programs
    ) internal view returns (address) {
        Claim memory claim = ClaimRecord.decode(record, batch.region, domain);
        (TaskRequest memory request, TaskResult memory result) = (claim.request, claim.result);
        if (ClaimRules.isDeadlineBeforeBatch(request.deadline, batch.minDeadline)) {
            revert DeadlineBeforeBatch(batch.minDeadline, request.deadline);
        }
        checkBounds(request, result, bounds);

        checkClient(request, result.task, claim.clientSignature);
        bytes32 digest = ClaimRecord.resultHash(result, domain);
        checkExecutor(result.executor, digest, claim.executorSignature, batch.asOf, bonds);
        if (ClaimRules.isProgramUnknown(request.program, batch.asOf, programs)) {
            revert ProgramNotRegistered(request.program, batch.asOf);
        }
        return result.executor;
    }

    function checkBounds(TaskRequest memory request, TaskResult memory result, ClaimBounds memory bounds)
        internal
        pure
    {
        Bound broken = ClaimRules.brokenBound(request, result, bounds);
        if (broken == Bound.None) return;
        if (broken == Bound.FuelLimit) revert FuelLimit(bounds.fuelLimitMax, request.fuelLimit);
        if (broken == Bound.InputLength) revert InputLength(bounds.inputLengthMax, request.input.length);
        if (broken == Bound.OutputLengthMax) revert OutputLengthMax(bounds.outputLengthMax, request.outputLengthMax);
        if (broken == Bound.FuelUsed) revert FuelUsed(request.fuelLimit, result.fuelUsed);
        if (broken == Bound.OutputLength) revert OutputLength(request.outputLengthMax, result.output.length);
        if (broken == Bound.StatusUnknown) revert StatusUnknown(result.status);
        revert ExhaustedShape(request.fuelLimit, result.fuelUsed, result.code, result.output.length, result.output.root);
    }

    function checkClient(TaskRequest memory request, bytes32 task, bytes memory signature) private pure {
        (address signer, ECDSA.RecoverError reason, bytes32 detail) = Eip712.signerOf(task, signature);
        if (!ClaimRules.isOtherClient(request, signer)) return;
        if (reason == ECDSA.RecoverError.InvalidSignatureS) revert ClientSignatureHighS(detail);
        if (reason != ECDSA.RecoverError.NoError) revert ClientSignatureInvalid();
        revert ClientSignature(request.client, signer);
    }

    function checkExecutor(address executor, bytes32 digest, bytes memory signature, uint64 asOf, IBonds bonds)
        private
        view
    {
        (address signer, ECDSA.RecoverError reason, bytes32 detail) = Eip712.signerOf(digest, signature);
        if (!ClaimRules.isOtherExecutor(executor, signer, asOf, bonds)) return;
        if (!bonds.isRegistered(Role.Executor, executor, asOf)) revert ExecutorNotRegistered(executor, asOf);
        if (reason == ECDSA.RecoverError.InvalidSignatureS) revert ExecutorSignatureHighS(detail);
        if (reason != ECDSA.RecoverError.NoError) revert ExecutorSignatureInvalid();
        revert ExecutorSignature(executor, signer);
    }
}
