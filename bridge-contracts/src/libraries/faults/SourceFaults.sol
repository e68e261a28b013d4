// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "../../interfaces/IBatches.sol";
import {Evidence} from "../../types/Evidence.sol";
import {Batch, BlobRef, Descriptor, Place, SourceKind} from "../../types/Objects.sol";
import {ClaimRecord} from "../ClaimRecord.sol";
import {ProgramId} from "../ProgramId.sol";
import {ClaimFaults} from "./ClaimFaults.sol";
import {OpenedData} from "./OpenedData.sol";

/// @title Sources that do not lead to the bytes (chapter 12, "Sources" and fault 10)
/// @notice Whether the batch or the leaf that a source names is void does not matter: it makes no fault, and nothing final.
library SourceFaults {
    /// @notice The descriptor is not that of the accused record's program.
    error OtherProgram(bytes32 expected, bytes32 given);

    /// @notice Fault 10, of an input. `named` is opened if the source names an earlier batch, and else not looked at.
    function input(Evidence calldata accused, uint32 leaf, Evidence calldata named, IBatches batches, uint64 horizon)
        internal
        view
        returns (bool)
    {
        bytes calldata record = OpenedData.record(accused, leaf);
        (uint8 kind, Place memory place) = ClaimRecord.inputSourceOf(record);
        (bool isWrong, BlobRef memory there) = kind == uint8(SourceKind.Output)
            ? output(accused, leaf, place, named, batches)
            : entry(accused, kind, place, named, batches, horizon);
        if (isWrong || kind == uint8(SourceKind.Absent)) return isWrong;
        return isOther(there, ClaimRecord.requestOf(record, 0).input);
    }

    /// @notice Fault 10, of a program's WASM. The descriptor is looked at if the source leads to a blob.
    function wasm(
        Evidence calldata accused,
        uint32 leaf,
        Evidence calldata named,
        Descriptor calldata descriptor,
        IBatches batches,
        uint64 horizon
    ) internal view returns (bool) {
        bytes calldata record = OpenedData.record(accused, leaf);
        (uint8 kind, Place memory place) = ClaimRecord.wasmSourceOf(record);
        (bool isWrong, BlobRef memory there) = entry(accused, kind, place, named, batches, horizon);
        if (isWrong || kind == uint8(SourceKind.Absent)) return isWrong;
        bytes32 program = ClaimRecord.requestOf(record, 0).program;
        bytes32 given = ProgramId.idOf(descriptor);
        if (given != program) revert OtherProgram(program, given);
        return isOther(there, descriptor.wasm);
    }

    /// @dev The blob where a source leads that names an entry of a directory; none if it names nothing, or is wrong by itself.
    /// Any other kind is wrong.
    function entry(
        Evidence calldata accused,
        uint8 kind,
        Place memory place,
        Evidence calldata named,
        IBatches batches,
        uint64 horizon
    ) private view returns (bool isWrong, BlobRef memory there) {
        Batch calldata batch = accused.batch;
        if (kind == uint8(SourceKind.Absent)) {
            return (place.batch != 0 || place.index != 0, there);
        }
        if (kind == uint8(SourceKind.Here)) {
            if (place.batch != 0 || place.index >= batch.blobCount) return (true, there);
            return (false, OpenedData.entry(accused, place.index).blob);
        }
        if (kind != uint8(SourceKind.Earlier)) return (true, there);
        if (place.batch >= batch.number || batch.number - place.batch > horizon) return (true, there);
        ClaimFaults.openNamed(named, batch.region, place.batch, batches);
        if (place.index >= named.batch.blobCount) return (true, there);
        return (false, OpenedData.entry(named, place.index).blob);
    }

    /// @dev The output of the leaf that a source names; none if it is wrong by itself.
    function output(
        Evidence calldata accused,
        uint32 leaf,
        Place memory place,
        Evidence calldata named,
        IBatches batches
    ) private view returns (bool isWrong, BlobRef memory there) {
        uint64 number = accused.batch.number;
        if (place.batch == number) {
            if (place.index >= leaf) return (true, there);
            return (false, outputOf(accused, place.index));
        }
        if (place.batch > number) return (true, there);
        ClaimFaults.openNamed(named, accused.batch.region, place.batch, batches);
        if (place.index >= named.batch.count) return (true, there);
        return (false, outputOf(named, place.index));
    }

    function outputOf(Evidence calldata shown, uint32 index) private pure returns (BlobRef memory) {
        return ClaimRecord.resultOf(OpenedData.record(shown, index), 0).output;
    }

    function isOther(BlobRef memory given, BlobRef memory expected) private pure returns (bool) {
        return given.root != expected.root || given.length != expected.length;
    }
}
