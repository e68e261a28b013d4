// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "../../types/Evidence.sol";
import {Batch} from "../../types/Objects.sol";
import {ClaimRecord} from "../ClaimRecord.sol";
import {DataPages} from "../DataPages.sol";
import {LeafTree} from "../LeafTree.sol";
import {PostedTree} from "./PostedTree.sol";

/// @title Where the parts of a batch's data lie (chapter 12, "Layout")
/// @notice Offsets follow from the counts of the header and, for areas, from an entry of the directory. Counts, lengths and page
/// numbers have at most 64 bits, so that no sum here comes near 2^256.
library DataLayout {
    uint256 internal constant ENTRY_BYTES = 48;
    uint256 internal constant NODE_BYTES = 32;

    /// @notice Offset of a record.
    function recordAt(uint256 index) internal pure returns (uint256) {
        return ClaimRecord.LENGTH * index;
    }

    /// @notice Offset of a node of the tree over the leaves, `level` being at least 1 and below the depth.
    function leafNodeAt(uint256 count, uint256 level, uint256 index) internal pure returns (uint256) {
        uint256 number = PostedTree.firstOf(count, level) - PostedTree.firstOf(count, 1) + index;
        return recordAt(count) + NODE_BYTES * number;
    }

    /// @notice Offset of an entry of the directory.
    function entryAt(uint256 count, uint256 index) internal pure returns (uint256) {
        return recordAt(count) + LeafTree.postedBytes(count) + ENTRY_BYTES * index;
    }

    /// @notice Bytes of records, leaf tree and directory.
    function headLength(Batch calldata batch) internal pure returns (uint256) {
        return entryAt(batch.count, batch.blobCount);
    }

    /// @notice Offset of a blob's first byte.
    function areaAt(Entry memory entry) internal pure returns (uint256) {
        return pageAt(entry, 0);
    }

    /// @notice Offset of a page of a blob.
    function pageAt(Entry memory entry, uint256 page) internal pure returns (uint256) {
        return DataPages.PAGE_BYTES * (uint256(entry.firstPage) + page);
    }

    /// @notice Pages of a blob; none if it is empty.
    function pagesOf(Entry memory entry) internal pure returns (uint256) {
        return DataPages.pagesOf(entry.blob.length);
    }

    /// @notice Offset of a node of the tree over a blob's pages, `level` being below the depth.
    function blobNodeAt(Entry memory entry, uint256 level, uint256 index) internal pure returns (uint256) {
        uint256 pages = pagesOf(entry);
        return pageAt(entry, pages) + NODE_BYTES * (PostedTree.firstOf(pages, level) + index);
    }

    /// @notice Where the data has been filled to behind a blob: by its area, or by the head if it is empty.
    function endOf(Entry memory entry, uint256 head) internal pure returns (uint256) {
        uint256 pages = pagesOf(entry);
        if (pages == 0) return head;
        if (pages == 1) return areaAt(entry) + entry.blob.length;
        return blobNodeAt(entry, PostedTree.depthOf(pages), 0);
    }
}
