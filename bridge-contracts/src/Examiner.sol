// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "./interfaces/IBatches.sol";
import {IBonds} from "./interfaces/IBonds.sol";
import {IExaminer} from "./interfaces/IExaminer.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {ClaimRecord} from "./libraries/ClaimRecord.sol";
import {ClaimBounds} from "./libraries/ClaimRules.sol";
import {Eip712} from "./libraries/Eip712.sol";
import {ProgramId} from "./libraries/ProgramId.sol";
import {BootState} from "./libraries/court/BootState.sol";
import {ClaimFace} from "./libraries/court/ClaimFace.sol";
import {Ending} from "./libraries/court/Ending.sol";
import {StateHash} from "./libraries/court/StateHash.sol";
import {ExaminedClaim, ExaminedOpening, Opening} from "./types/Games.sol";
import {LeafProof, TaskRequest, TaskResult} from "./types/Objects.sol";
import {Parameters} from "./types/Parameters.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Reads claims and openings for the dispute court
/// @notice Apart from the court for the sake of its size; the court makes its own.
contract Examiner is IExaminer {
    IBonds private immutable BONDS;
    IPrograms private immutable PROGRAMS;
    IBatches private immutable BATCHES;
    uint64 private immutable FUEL_LIMIT_MAX;
    uint64 private immutable OUTPUT_LENGTH_MAX;
    uint64 private immutable INPUT_LENGTH_MAX;

    constructor(Parameters memory parameters, IBonds bonds, IPrograms programs, IBatches batches) {
        BONDS = bonds;
        PROGRAMS = programs;
        BATCHES = batches;
        FUEL_LIMIT_MAX = parameters.fuelLimitMax;
        OUTPUT_LENGTH_MAX = parameters.outputLengthMax;
        INPUT_LENGTH_MAX = parameters.inputLengthMax;
    }

    /// @inheritdoc IExaminer
    function examineClaim(LeafProof calldata proof) external view returns (ExaminedClaim memory examined) {
        (examined.leaf, examined.postedAt, examined.voidedAt) = BATCHES.checkLeaf(proof);
        ClaimBounds memory bounds = ClaimBounds(FUEL_LIMIT_MAX, OUTPUT_LENGTH_MAX, INPUT_LENGTH_MAX);
        bytes32 domain = BATCHES.domainSeparator();
        examined.executor = ClaimFace.check(proof.record, proof.batch, domain, bounds, BONDS, PROGRAMS);
        examined.batchHash = Eip712.hash(proof.batch);
        examined.claim = keccak256(abi.encode(proof.batch.region, proof.batch.number, proof.index));
    }

    /// @inheritdoc IExaminer
    function examineOpening(Opening calldata opening) external view returns (ExaminedOpening memory examined) {
        bytes32 domain = BATCHES.domainSeparator();
        examined.leaf = ClaimRecord.leaf(opening.record, opening.region, domain);
        TaskRequest memory request = ClaimRecord.requestOf(opening.record, opening.region);
        TaskResult memory result = ClaimRecord.resultOf(opening.record, 0);
        bytes32 program = ProgramId.idOf(opening.descriptor);
        if (program != request.program) revert WrongProgram(request.program, program);

        // The first power of two at which the true run has halted: it has at most one step more than its fuel (chapter 6).
        examined.lengthLog2 = uint8(Math.log2(uint256(result.fuelUsed) + 1, Math.Rounding.Ceil));
        examined.version = opening.descriptor.version;
        examined.startState = BootState.hashOf(opening, request);
        examined.lastState = StateHash.hashOf(opening.head, opening.memoryRoot);
        if (Ending.implies(opening.head, opening.memoryRoot, opening.output, result, request.fuelLimit)) {
            revert ResultImplied(examined.lastState);
        }
    }
}
