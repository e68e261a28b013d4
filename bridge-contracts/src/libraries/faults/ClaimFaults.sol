// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "../../interfaces/IBatches.sol";
import {IBonds} from "../../interfaces/IBonds.sol";
import {Standing} from "../../interfaces/ICourt.sol";
import {IPrograms} from "../../interfaces/IPrograms.sol";
import {Evidence} from "../../types/Evidence.sol";
import {Batch, Place, TaskRequest, TaskResult} from "../../types/Objects.sol";
import {ClaimRecord} from "../ClaimRecord.sol";
import {Bound, ClaimBounds, ClaimRules} from "../ClaimRules.sol";
import {Eip712} from "../Eip712.sol";
import {OpenedData} from "./OpenedData.sol";

/// @title What the records of a batch claim, and may not (chapter 12, faults 1 to 7 and 9)
/// @notice Each function says whether the fault is there, of evidence that is opened, and of any record: it never reverts because
/// of what a record says. What is asked of L1 is about a time before the batch was posted, whose answer can't change.
library ClaimFaults {
    /// @notice Other evidence than of the batch that the accused record names.
    error OtherBatch(bytes32 expectedRegion, uint64 expectedNumber, bytes32 givenRegion, uint64 givenNumber);
    /// @notice The leaf that was to stand before the accused one does not.
    error NotBefore(uint64 accusedBatch, uint32 accusedLeaf, uint64 givenBatch, uint32 givenLeaf);

    /// @notice Fault 1.
    function clientSignature(bytes calldata record, bytes32 region, bytes32 domain) internal pure returns (bool) {
        TaskRequest memory request = ClaimRecord.requestOf(record, region);
        bytes32 task = ClaimRecord.taskOf(request, domain);
        (address signer,,) = Eip712.signerOf(task, ClaimRecord.clientSignatureOf(record));
        return ClaimRules.isOtherClient(request, signer);
    }

    /// @notice Fault 2.
    function executorSignature(bytes calldata record, Batch calldata batch, bytes32 domain, IBonds bonds)
        internal
        view
        returns (bool)
    {
        TaskResult memory result = ClaimRecord.resultOf(record, taskOf(record, batch.region, domain));
        bytes32 digest = ClaimRecord.resultHash(result, domain);
        (address signer,,) = Eip712.signerOf(digest, ClaimRecord.executorSignatureOf(record));
        return ClaimRules.isOtherExecutor(result.executor, signer, batch.asOf, bonds);
    }

    /// @notice Fault 3.
    function bound(bytes calldata record, ClaimBounds memory bounds) internal pure returns (bool) {
        TaskRequest memory request = ClaimRecord.requestOf(record, 0);
        return ClaimRules.brokenBound(request, ClaimRecord.resultOf(record, 0), bounds) != Bound.None;
    }

    /// @notice Fault 4.
    function program(bytes calldata record, uint64 asOf, IPrograms programs) internal view returns (bool) {
        return ClaimRules.isProgramUnknown(ClaimRecord.requestOf(record, 0).program, asOf, programs);
    }

    /// @notice Fault 5: the accused leaf and one before it are the same attempt at the same task. That one may be of the
    /// accused batch, or of any before it, void or not: a further attempt has another number.
    function repeated(
        Evidence calldata accused,
        uint32 leaf,
        Evidence calldata earlier,
        uint32 earlierLeaf,
        bytes32 domain
    ) internal pure returns (bool) {
        uint64 number = accused.batch.number;
        checkNamed(earlier, accused.batch.region, earlier.batch.number);
        if (earlier.batch.number > number || (earlier.batch.number == number && earlierLeaf >= leaf)) {
            revert NotBefore(number, leaf, earlier.batch.number, earlierLeaf);
        }
        return isAttempt(accused, leaf, earlier, earlierLeaf, 0, domain);
    }

    /// @notice Fault 6. `before` is opened if the predecessor is named in an earlier batch, and else not looked at.
    function predecessor(
        Evidence calldata accused,
        uint32 leaf,
        Evidence calldata before,
        IBatches batches,
        uint64 postedAt,
        bytes32 domain
    ) internal view returns (bool) {
        Place memory place = ClaimRecord.predecessorOf(OpenedData.record(accused, leaf));
        if (ClaimRecord.attemptOf(OpenedData.record(accused, leaf)) == 0) return place.batch != 0 || place.index != 0;
        // No leaf of this batch, or of a later one, was void when this batch was posted.
        if (place.batch >= accused.batch.number) return true;

        (uint64 beforeAt, uint64 voidedAt) = openNamed(before, accused.batch.region, place.batch, batches);
        if (place.index >= before.batch.count) return true;
        if (!isAttempt(accused, leaf, before, place.index, 1, domain)) return true;
        // What became void in the second of the posting may have done so before it.
        if (voidedAt != 0 && voidedAt <= postedAt) return false;
        (Standing standing, uint64 convictedAt) = standingOf(before, place, beforeAt, batches);
        return standing != Standing.Void || convictedAt > postedAt;
    }

    /// @notice Fault 7.
    function deadline(bytes calldata record, uint64 minDeadline) internal pure returns (bool) {
        return ClaimRules.isDeadlineBeforeBatch(ClaimRecord.requestOf(record, 0).deadline, minDeadline);
    }

    /// @notice Fault 9.
    function sequence(Evidence calldata accused, uint32 leaf) internal pure returns (bool) {
        uint64 given = ClaimRecord.sequenceOf(OpenedData.record(accused, leaf));
        if (leaf == 0) return given != accused.batch.firstSequence;
        return given <= ClaimRecord.sequenceOf(OpenedData.record(accused, leaf - 1));
    }

    /// @notice Opens evidence that must be of one batch.
    function openNamed(Evidence calldata named, bytes32 region, uint64 number, IBatches batches)
        internal
        view
        returns (uint64 postedAt, uint64 voidedAt)
    {
        checkNamed(named, region, number);
        return OpenedData.open(named, batches);
    }

    function checkNamed(Evidence calldata named, bytes32 region, uint64 number) private pure {
        if (named.batch.region == region && named.batch.number == number) return;
        revert OtherBatch(region, number, named.batch.region, named.batch.number);
    }

    function taskOf(bytes calldata record, bytes32 region, bytes32 domain) private pure returns (bytes32) {
        return ClaimRecord.taskOf(ClaimRecord.requestOf(record, region), domain);
    }

    /// @dev Whether the accused leaf is at the same task as another leaf of the region, as the attempt so many after that one.
    function isAttempt(
        Evidence calldata accused,
        uint32 leaf,
        Evidence calldata before,
        uint32 index,
        uint256 distance,
        bytes32 domain
    ) private pure returns (bool) {
        bytes calldata record = OpenedData.record(accused, leaf);
        bytes calldata other = OpenedData.record(before, index);
        if (ClaimRecord.attemptOf(record) != ClaimRecord.attemptOf(other) + distance) return false;
        bytes32 region = accused.batch.region;
        return taskOf(record, region, domain) == taskOf(other, region, domain);
    }

    /// @dev How the leaf at a place stands before the court, and when its executor was convicted if that made it void.
    function standingOf(Evidence calldata shown, Place memory place, uint64 postedAt, IBatches batches)
        private
        view
        returns (Standing, uint64)
    {
        bytes32 claim = keccak256(abi.encode(shown.batch.region, place.batch, place.index));
        address executor = ClaimRecord.executorOf(OpenedData.record(shown, place.index));
        return batches.court().standingOf(claim, executor, postedAt);
    }
}
