// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ExaminedClaim, ExaminedOpening, Opening} from "../types/Games.sol";
import {LeafProof} from "../types/Objects.sol";

/// @title Reads claims and openings for the dispute court (chapter 13)
/// @notice It has no state and no money: it reverts with what is wrong, or says what was shown.
interface IExaminer {
    error WrongProgram(bytes32 expected, bytes32 given);
    /// @notice The opening concedes the claim.
    error ResultImplied(bytes32 lastState);

    /// @notice A claim, checked on its face: it is in its batch, who is named has signed and was registered, numbers are in
    /// bounds.
    function examineClaim(LeafProof calldata proof) external view returns (ExaminedClaim memory);

    /// @notice An opening of a claim that has passed {examineClaim}: computes state 0, and checks that the opened record is not
    /// halted or does not imply the claimed result.
    function examineOpening(Opening calldata opening) external view returns (ExaminedOpening memory);
}
