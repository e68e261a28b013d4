// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds, Role} from "../interfaces/IBonds.sol";
import {IPrograms} from "../interfaces/IPrograms.sol";
import {TaskRequest, TaskResult} from "../types/Objects.sol";
import {MerklePath} from "./MerklePath.sol";
import {Ending} from "./court/Ending.sol";

/// @notice The bounds of requests that a deployment admits.
struct ClaimBounds {
    uint64 fuelLimitMax;
    uint64 outputLengthMax;
    uint64 inputLengthMax;
}

/// @notice Which of its bounds a claim breaks; the first of them in this order.
enum Bound {
    None,
    FuelLimit,
    InputLength,
    OutputLengthMax,
    FuelUsed,
    OutputLength,
    StatusUnknown,
    ExhaustedShape
}

/// @title What a claim must be on its face (chapter 12, faults 1 to 4 and 7)
/// @notice The court plays no game about a claim that breaks a rule, and says which one it is (ClaimFace.sol); the fault prover
/// convicts of just those (ClaimFaults.sol). What is asked of L1 is about a time before the batch was posted, whose answer
/// can't change.
library ClaimRules {
    /// @notice F1: the client signed the task. What is no signature has the zero address for its signer, which may be the client
    /// that is named.
    function isOtherClient(TaskRequest memory request, address signer) internal pure returns (bool) {
        return signer == address(0) || signer != request.client;
    }

    /// @notice F2: the executor was registered, and it or a key of its signed the result, at the batch's `asOf`. The zero address
    /// is nobody's key.
    function isOtherExecutor(address executor, address signer, uint64 asOf, IBonds bonds) internal view returns (bool) {
        return !bonds.isRegistered(Role.Executor, executor, asOf) || !bonds.isKey(Role.Executor, executor, signer, asOf);
    }

    /// @notice F3: the numbers are within the bounds of deployment and request, and an exhausted run has its one shape.
    function brokenBound(TaskRequest memory request, TaskResult memory result, ClaimBounds memory bounds)
        internal
        pure
        returns (Bound)
    {
        if (request.fuelLimit > bounds.fuelLimitMax) return Bound.FuelLimit;
        if (request.input.length > bounds.inputLengthMax) return Bound.InputLength;
        if (request.outputLengthMax > bounds.outputLengthMax) return Bound.OutputLengthMax;
        if (result.fuelUsed > request.fuelLimit) return Bound.FuelUsed;
        if (result.output.length > request.outputLengthMax) return Bound.OutputLength;
        if (result.status < Ending.EXIT || result.status > Ending.OUT_OF_FUEL) return Bound.StatusUnknown;
        if (result.status != Ending.OUT_OF_FUEL) return Bound.None;
        bool isExhausted = result.code == 0 && result.fuelUsed == request.fuelLimit && result.output.length == 0
            && result.output.root == MerklePath.ZERO_PAGE;
        return isExhausted ? Bound.None : Bound.ExhaustedShape;
    }

    /// @notice F4: the program was registered at the batch's `asOf`.
    function isProgramUnknown(bytes32 program, uint64 asOf, IPrograms programs) internal view returns (bool) {
        uint64 registeredAt = programs.registeredAt(program);
        return registeredAt == 0 || registeredAt > asOf;
    }

    /// @notice F7: no task ends before what the batch's header says of all. No batch is posted after its `minDeadline`: so none of
    /// its tasks was posted after its own deadline. An executor may throw away what it needs to run a task again when that has
    /// been too late for long enough.
    function isDeadlineBeforeBatch(uint64 deadline, uint64 minDeadline) internal pure returns (bool) {
        return deadline < minDeadline;
    }
}
