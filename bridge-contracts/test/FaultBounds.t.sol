// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ClaimRecord} from "../src/libraries/ClaimRecord.sol";
import {ClaimBounds} from "../src/libraries/ClaimRules.sol";
import {ClaimFace} from "../src/libraries/court/ClaimFace.sol";
import {ClaimFaults} from "../src/libraries/faults/ClaimFaults.sol";
import {Claim, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {Test} from "./base/Test.sol";
import {Records} from "./twins/Records.sol";

/// @notice The court plays no game about a claim whose numbers are out of bounds, and the prover convicts of just those; both
/// against the chapter's words, written once more, for every record whose numbers are on or about the bounds.
contract FaultBoundsTest is Test {
    bytes32 private constant EMPTY = 0xb6fb73fc46938c981e2b0b4b1ef282adcfc89854d01bfe3972fdc4785b41b2c7;
    uint64 private constant MOST = 2;
    uint8 private constant OUT_OF_FUEL = 3;

    function bound(bytes calldata record) external pure returns (bool) {
        return ClaimFaults.bound(record, bounds());
    }

    function check(bytes calldata record) external pure {
        ClaimFace.checkBounds(ClaimRecord.requestOf(record, 0), ClaimRecord.resultOf(record, 0), bounds());
    }

    function bounds() private pure returns (ClaimBounds memory) {
        return ClaimBounds({fuelLimitMax: MOST, outputLengthMax: MOST, inputLengthMax: MOST});
    }

    function test_bound_asTheChapterHasIt() external view {
        uint256 faulty;
        uint256 whole;
        for (uint256 i = 0; i < 4 ** 5 * 2 * 2 * 5; i++) {
            Claim memory claim = claimOf(i);
            bytes memory record = Records.encode(claim);
            bool isFault = this.bound(record);
            (bool isPlayable,) = address(this).staticcall(abi.encodeCall(this.check, (record)));
            assertTrue(isFault != isPlayable, "fault or game");
            assertTrue(isFault != isWithin(claim), "fault");
            isFault ? faulty++ : whole++;
        }
        assertTrue(faulty > 1000 && whole > 100, "both were met");
    }

    function isWithin(Claim memory claim) private pure returns (bool) {
        TaskRequest memory request = claim.request;
        TaskResult memory result = claim.result;
        bool isAdmitted = request.fuelLimit <= MOST && request.outputLengthMax <= MOST && request.input.length <= MOST;
        bool isLess = result.fuelUsed <= request.fuelLimit && result.output.length <= request.outputLengthMax;
        bool isExhausted = result.code == 0 && result.fuelUsed == request.fuelLimit && result.output.length == 0
            && result.output.root == EMPTY;
        bool isShaped = result.status == 1 || result.status == 2 || (result.status == OUT_OF_FUEL && isExhausted);
        return isAdmitted && isLess && isShaped;
    }

    function claimOf(uint256 i) private pure returns (Claim memory claim) {
        claim.clientSignature = new bytes(65);
        claim.executorSignature = new bytes(65);
        (claim.request.fuelLimit, i) = (uint64(i % 4), i / 4);
        (claim.request.outputLengthMax, i) = (uint64(i % 4), i / 4);
        (claim.request.input.length, i) = (uint64(i % 4), i / 4);
        (claim.result.fuelUsed, i) = (uint64(i % 4), i / 4);
        (claim.result.output.length, i) = (uint64(i % 4), i / 4);
        (claim.result.code, i) = (uint32(i % 2), i / 2);
        (claim.result.output.root, i) = (i % 2 == 0 ? EMPTY : bytes32(0), i / 2);
        claim.result.status = uint8(i);
    }
}
