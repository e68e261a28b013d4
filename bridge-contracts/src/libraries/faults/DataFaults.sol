// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Entry, Evidence} from "../../types/Evidence.sol";
import {Blake3} from "../Blake3.sol";
import {ClaimRecord} from "../ClaimRecord.sol";
import {DataPages} from "../DataPages.sol";
import {LeafTree} from "../LeafTree.sol";
import {MerklePath} from "../MerklePath.sol";
import {DataLayout} from "./DataLayout.sol";
import {OpenedData} from "./OpenedData.sol";
import {PostedTree} from "./PostedTree.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What makes the bytes of a batch another encoding than the one (chapter 12, faults 8 and 11 to 15)
/// @notice Each function says whether the fault is there, of evidence that is opened. The head lies where the header says; areas
/// lie where the directory says, of which fault 11 judges every entry by the one before it. So in a batch without fault 11
/// all that is read is what it is taken for, and in one with it there is no innocence to lose.
library DataFaults {
    /// @dev Bytes of the longest blob (chapter 2).
    uint256 private constant BLOB_BYTES_MAX = DataPages.PAGE_BYTES << MerklePath.BULK_HEIGHTS;

    /// @notice Fault 8: the node over leaves 2 `pair` and 2 `pair` + 1, or the root over one or two, is not that of the records.
    function leaves(Evidence calldata accused, uint32 pair, bytes32 domain) internal pure returns (bool) {
        uint256 count = accused.batch.count;
        OpenedData.checkIndex(PostedTree.widthOf(count, 1), pair);
        uint256 left = 2 * uint256(pair);
        bytes32 computed = leafOf(accused, left, domain);
        if (count > 1) {
            computed = LeafTree.node(computed, left + 1 < count ? leafOf(accused, left + 1, domain) : bytes32(0));
        }
        return leafNode(accused, Math.min(PostedTree.depthOf(count), 1), pair) != computed;
    }

    /// @notice Fault 15: a node over leaves from level 2 on, the root included, is not that of its children, or padding is not
    /// that of its level.
    function leafNode(Evidence calldata accused, uint32 level, uint32 index) internal pure returns (bool) {
        uint256 count = accused.batch.count;
        checkNode(count, level, index);
        // Level 0 is not posted, and its padding stands nowhere.
        if (level == 0) return false;
        if (index >= PostedTree.widthOf(count, level)) {
            bytes32 zero;
            for (uint256 below = 0; below < level; below++) {
                zero = LeafTree.node(zero, zero);
            }
            return leafNode(accused, uint256(level), index) != zero;
        }
        // What level 1 follows from are the records: fault 8.
        if (level == 1) return false;
        bytes32 left = leafNode(accused, uint256(level) - 1, 2 * uint256(index));
        bytes32 right = leafNode(accused, uint256(level) - 1, 2 * uint256(index) + 1);
        return leafNode(accused, uint256(level), index) != LeafTree.node(left, right);
    }

    /// @notice Fault 11, of an entry: judged by itself, and by where the one before ends.
    function entry(Evidence calldata accused, uint32 index) internal pure returns (bool) {
        Entry memory given = OpenedData.entry(accused, index);
        if (given.encoding != 0 || given.blob.length > BLOB_BYTES_MAX) return true;
        if (given.blob.length == 0 && index > 0) return true;
        uint256 before = endBefore(accused, index);
        if (given.firstPage != DataPages.pagesOf(before)) return true;
        return DataLayout.endOf(given, before) > accused.batch.dataLength;
    }

    /// @notice Fault 11, of the whole: the data does not end where the last area does.
    function dataLength(Evidence calldata accused) internal pure returns (bool) {
        return accused.batch.dataLength != endBefore(accused, accused.batch.blobCount);
    }

    /// @notice Fault 12: the BLAKE3 of a page is not its node, or not the root of its blob of one page. Of an empty blob,
    /// the root is not that of the zero page.
    /// @dev Blake3.reserve has been called first.
    function page(Evidence calldata accused, uint32 index, uint32 page_) internal pure returns (bool) {
        Entry memory given = OpenedData.entry(accused, index);
        uint256 pages = DataLayout.pagesOf(given);
        if (pages == 0) {
            OpenedData.checkIndex(1, page_);
            return given.blob.root != MerklePath.ZERO_PAGE;
        }
        OpenedData.checkIndex(pages, page_);
        bytes32 computed = pageHash(OpenedData.page(accused, DataLayout.pageAt(given, page_)));
        return blobNode(accused, given, 0, page_) != computed;
    }

    /// @notice Fault 13: a node or the root of a blob is not that of its children, or padding is not that of its level.
    function blobNode(Evidence calldata accused, uint32 index, uint32 level, uint32 node) internal pure returns (bool) {
        Entry memory given = OpenedData.entry(accused, index);
        uint256 pages = DataLayout.pagesOf(given);
        checkNode(pages, level, node);
        if (node >= PostedTree.widthOf(pages, level)) {
            bytes32 zero = MerklePath.ZERO_PAGE;
            for (uint256 below = 0; below < level; below++) {
                zero = Hashes.efficientKeccak256(zero, zero);
            }
            return blobNode(accused, given, level, node) != zero;
        }
        // What the bottom follows from are the pages: fault 12.
        if (level == 0) return false;
        bytes32 left = blobNode(accused, given, uint256(level) - 1, 2 * uint256(node));
        bytes32 right = blobNode(accused, given, uint256(level) - 1, 2 * uint256(node) + 1);
        return blobNode(accused, given, level, node) != Hashes.efficientKeccak256(left, right);
    }

    /// @notice Fault 14: a byte that is not zero lies before the area of a blob, behind head or area before; or between the end
    /// of the blob and its tree.
    function padding(Evidence calldata accused, uint32 index, uint32 offset) internal pure returns (bool) {
        Entry memory given = OpenedData.entry(accused, index);
        // An empty blob has no area, and so nothing before it.
        if (given.blob.length == 0) return false;
        uint256 start = DataLayout.areaAt(given);
        bool isBefore = offset < start && offset >= endBefore(accused, index);
        uint256 pages = DataLayout.pagesOf(given);
        bool isInside = pages > 1 && offset >= start + given.blob.length && offset < DataLayout.pageAt(given, pages);
        return (isBefore || isInside) && OpenedData.bytesAt(accused, offset, 1)[0] != 0;
    }

    /// @dev Where the data has been filled to by what stands before entry `index`. Only entry 0 may be empty, which leaves it
    /// at the end of the head.
    function endBefore(Evidence calldata accused, uint256 index) private pure returns (uint256) {
        uint256 head = DataLayout.headLength(accused.batch);
        return index == 0 ? head : DataLayout.endOf(OpenedData.entry(accused, index - 1), head);
    }

    function leafOf(Evidence calldata accused, uint256 index, bytes32 domain) private pure returns (bytes32) {
        return ClaimRecord.leaf(OpenedData.record(accused, index), accused.batch.region, domain);
    }

    /// @dev A node over leaves as it was posted; the root is in the header.
    function leafNode(Evidence calldata accused, uint256 level, uint256 index) private pure returns (bytes32) {
        uint256 count = accused.batch.count;
        if (level == PostedTree.depthOf(count)) return accused.batch.leafRoot;
        return OpenedData.node(accused, DataLayout.leafNodeAt(count, level, index));
    }

    /// @dev A node over a blob's pages as it was posted; the root is in the entry.
    function blobNode(Evidence calldata accused, Entry memory given, uint256 level, uint256 index)
        private
        pure
        returns (bytes32)
    {
        if (level == PostedTree.depthOf(DataLayout.pagesOf(given))) return given.blob.root;
        return OpenedData.node(accused, DataLayout.blobNodeAt(given, level, index));
    }

    function checkNode(uint256 count, uint256 level, uint256 index) private pure {
        OpenedData.checkIndex(PostedTree.depthOf(count) + 1, level);
        OpenedData.checkIndex(PostedTree.paddedWidthOf(count, level), index);
    }

    /// @dev BLAKE3 of bytes, at most a page, padded to one with zeros.
    function pageHash(bytes calldata data) private pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(0x40, add(start, 4096))
            calldatacopy(start, data.offset, data.length)
            // What lies behind the end of calldata reads as zeros.
            calldatacopy(add(start, data.length), calldatasize(), sub(4096, data.length))
        }
        return Blake3.wholePage(start);
    }
}
