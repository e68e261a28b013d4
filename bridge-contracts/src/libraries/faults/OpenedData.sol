// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "../../interfaces/IBatches.sol";
import {Entry, Evidence} from "../../types/Evidence.sol";
import {BlobRef} from "../../types/Objects.sol";
import {ClaimRecord} from "../ClaimRecord.sol";
import {DataPages, DataWindow} from "../DataPages.sol";
import {Eip712} from "../Eip712.sol";
import {DataLayout} from "./DataLayout.sol";

/// @title The data of a batch, as far as evidence opens it
/// @notice {open} comes first: then header and windows are what was posted, and whatever is read from them is. Nothing is read
/// by an index that the header does not have: other bytes are never taken for a record, an entry or a node.
library OpenedData {
    /// @notice No window has these bytes of the data.
    error NotOpened(uint256 offset, uint256 length);
    /// @notice There is no such record, entry, page, level or node.
    error IndexOutOfRange(uint256 count, uint256 given);

    /// @notice Checks that header and windows are of a batch that was posted.
    /// @return postedAt When it was, and when it was voided (0: not).
    function open(Evidence calldata shown, IBatches batches) internal view returns (uint64 postedAt, uint64 voidedAt) {
        bytes32 batchHash;
        (batchHash, postedAt, voidedAt) = batches.batchOf(shown.batch.region, shown.batch.number);
        if (batchHash == 0) revert IBatches.BatchUnknown(shown.batch.region, shown.batch.number);
        bytes32 given = Eip712.hash(shown.batch);
        if (given != batchHash) revert IBatches.BatchMismatch(batchHash, given);
        for (uint256 i = 0; i < shown.windows.length; i++) {
            DataPages.verify(shown.windows[i], shown.batch.dataRoot, shown.batch.dataLength);
        }
    }

    /// @notice Bytes of the data by their offset.
    function bytesAt(Evidence calldata shown, uint256 offset, uint256 length) internal pure returns (bytes calldata) {
        for (uint256 i = 0; i < shown.windows.length; i++) {
            DataWindow calldata window = shown.windows[i];
            uint256 start = window.firstPage * DataPages.PAGE_BYTES;
            if (offset < start || offset + length > start + window.data.length) continue;
            return window.data[offset - start:offset - start + length];
        }
        revert NotOpened(offset, length);
    }

    /// @notice Record `index`.
    function record(Evidence calldata shown, uint256 index) internal pure returns (bytes calldata) {
        checkIndex(shown.batch.count, index);
        return bytesAt(shown, DataLayout.recordAt(index), ClaimRecord.LENGTH);
    }

    /// @notice Entry `index` of the directory.
    function entry(Evidence calldata shown, uint256 index) internal pure returns (Entry memory) {
        checkIndex(shown.batch.blobCount, index);
        uint256 offset = DataLayout.entryAt(shown.batch.count, index);
        bytes calldata packed = bytesAt(shown, offset, DataLayout.ENTRY_BYTES);
        // The last word of the entry: half of the root, length, encoding, first page.
        uint256 last = uint256(bytes32(packed[16:]));
        return Entry({
            blob: BlobRef(bytes32(packed[:32]), uint64(last >> 64)),
            encoding: uint32(last >> 32),
            firstPage: uint32(last)
        });
    }

    /// @notice The node at an offset.
    function node(Evidence calldata shown, uint256 offset) internal pure returns (bytes32) {
        return bytes32(bytesAt(shown, offset, DataLayout.NODE_BYTES));
    }

    /// @notice The page at an offset that is a multiple of its size, cut where the data ends.
    function page(Evidence calldata shown, uint256 offset) internal pure returns (bytes calldata) {
        uint256 dataLength = shown.batch.dataLength;
        uint256 length = DataPages.PAGE_BYTES;
        // Behind its end there is no page of the data, and no window has one.
        if (offset < dataLength && dataLength - offset < length) length = dataLength - offset;
        return bytesAt(shown, offset, length);
    }

    function checkIndex(uint256 count, uint256 index) internal pure {
        if (index >= count) revert IndexOutOfRange(count, index);
    }
}
