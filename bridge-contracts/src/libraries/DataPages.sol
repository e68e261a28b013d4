// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice Consecutive pages of a batch's data, and what shows that they are.
struct DataWindow {
    uint32 firstPage;
    /// Whole pages; the data's last page is cut where the data ends.
    bytes data;
    /// From the pages upwards, at each level the left neighbour if there is one, then the right one. A window that begins
    /// at an even node has no left one, a window that ends at an odd node no right one. Padding is spelled out.
    bytes32[] siblings;
}

/// @title The commitment to a batch's data (chapter 12, "Pages and parts")
/// @notice Data is cut into pages of 4096 bytes, the last zero padded, each hashed with keccak. A binary tree of depth
/// ceil(log2(pages)) stands on them, padded with bytes32(0) below. Data comes in parts of 16 pages, subtrees of height 4.
library DataPages {
    error WindowEmpty();
    /// @notice A window ends neither at the end of a page nor at the end of the data, or behind the latter.
    error WindowEnd(uint256 dataLength, uint256 given);
    error WindowSiblings(uint256 expected, uint256 given);
    error WindowNotInData(bytes32 expected, bytes32 given);
    /// @notice What is to be read is not in the window.
    error OutsideWindow(uint256 windowOffset, uint256 windowLength, uint256 offset, uint256 length);

    uint256 internal constant PAGE_BYTES = 4096;
    uint256 internal constant PART_PAGES = 16;
    uint256 internal constant PART_BYTES = PART_PAGES * PAGE_BYTES;
    uint256 internal constant PARTS_MAX = 64;

    uint256 private constant PART_HEIGHT = 4;

    /// @notice Root of a whole part.
    function partRoot(bytes calldata part) internal pure returns (bytes32) {
        return rootOf(pageHashes(part), PART_HEIGHT, bytes32(0));
    }

    /// @notice Root of data whose whole parts have the given roots and which ends with `lastPart`, of at most 16 pages.
    /// Zero if there is no data.
    function dataRoot(bytes32[] memory partRoots, bytes calldata lastPart) internal pure returns (bytes32) {
        if (partRoots.length == 0) {
            bytes32[] memory pages = pageHashes(lastPart);
            return pages.length == 0 ? bytes32(0) : rootOf(pages, heightOf(pages.length), bytes32(0));
        }
        uint256 parts = partRoots.length + (lastPart.length == 0 ? 0 : 1);
        bytes32[] memory roots = new bytes32[](parts);
        for (uint256 i = 0; i < partRoots.length; i++) {
            roots[i] = partRoots[i];
        }
        if (lastPart.length != 0) roots[parts - 1] = partRoot(lastPart);
        return rootOf(roots, heightOf(parts), zeroPart());
    }

    /// @notice Checks that a window shows bytes of the data of this root and length.
    function verify(DataWindow calldata window, bytes32 root, uint256 dataLength) internal pure {
        if (window.data.length == 0) revert WindowEmpty();
        uint256 end = uint256(window.firstPage) * PAGE_BYTES + window.data.length;
        if (end > dataLength || (end < dataLength && end % PAGE_BYTES != 0)) revert WindowEnd(dataLength, end);

        bytes32[] memory nodes = pageHashes(window.data);
        uint256 first = window.firstPage;
        uint256 last = first + nodes.length - 1;
        uint256 height = heightOf(pagesOf(dataLength));
        uint256 expected = siblingCount(first, last, height);
        if (window.siblings.length != expected) revert WindowSiblings(expected, window.siblings.length);

        uint256 next = 0;
        for (uint256 level = 0; level < height; level++) {
            uint256 width = last / 2 - first / 2 + 1;
            // Parent i is written where children were read before: both of its own stand at i or behind.
            for (uint256 i = 0; i < width; i++) {
                uint256 leftChild = (first / 2 + i) * 2;
                bytes32 left = leftChild < first ? window.siblings[next++] : nodes[leftChild - first];
                bytes32 right = leftChild + 1 > last ? window.siblings[next++] : nodes[leftChild + 1 - first];
                nodes[i] = Hashes.efficientKeccak256(left, right);
            }
            (first, last) = (first / 2, last / 2);
        }
        if (nodes[0] != root) revert WindowNotInData(root, nodes[0]);
    }

    /// @notice Bytes of the data by their offset in the data, from a verified window.
    function read(DataWindow calldata window, uint256 offset, uint256 length) internal pure returns (bytes calldata) {
        uint256 start = uint256(window.firstPage) * PAGE_BYTES;
        // Subtractions, not sums: an offset or a length near 2^256 must not wrap.
        if (offset < start || offset - start > window.data.length || length > window.data.length - (offset - start)) {
            revert OutsideWindow(start, window.data.length, offset, length);
        }
        return window.data[offset - start:offset - start + length];
    }

    /// @notice Pages that hold `length` bytes.
    function pagesOf(uint256 length) internal pure returns (uint256) {
        return Math.ceilDiv(length, PAGE_BYTES);
    }

    /// @dev Hash of each page, the last one zero padded. One page's worth of memory is used for all of them. A fuzz test
    /// holds the assembly to its twin in slices.
    function pageHashes(bytes calldata data) private pure returns (bytes32[] memory hashes) {
        uint256 pages = pagesOf(data.length);
        hashes = new bytes32[](pages);
        assembly ("memory-safe") {
            let page := mload(0x40)
            let source := data.offset
            let left := data.length
            let to := add(hashes, 0x20)
            for { let end := add(to, shl(5, pages)) } lt(to, end) { to := add(to, 0x20) } {
                switch lt(left, PAGE_BYTES)
                case 0 {
                    calldatacopy(page, source, PAGE_BYTES)
                    left := sub(left, PAGE_BYTES)
                }
                default {
                    calldatacopy(page, source, left)
                    // What lies behind the end of calldata reads as zeros.
                    calldatacopy(add(page, left), calldatasize(), sub(PAGE_BYTES, left))
                }
                mstore(to, keccak256(page, PAGE_BYTES))
                source := add(source, PAGE_BYTES)
            }
        }
    }

    /// @dev Root of the tree of a height over `nodes`, at least one, which it overwrites; `padding` stands for every node
    /// that is missing.
    function rootOf(bytes32[] memory nodes, uint256 height, bytes32 padding) private pure returns (bytes32) {
        uint256 width = nodes.length;
        for (uint256 level = 0; level < height; level++) {
            uint256 parents = (width + 1) / 2;
            for (uint256 i = 0; i < parents; i++) {
                bytes32 right = 2 * i + 1 < width ? nodes[2 * i + 1] : padding;
                nodes[i] = Hashes.efficientKeccak256(nodes[2 * i], right);
            }
            padding = Hashes.efficientKeccak256(padding, padding);
            width = parents;
        }
        return nodes[0];
    }

    /// @dev Root of a part of padding.
    function zeroPart() private pure returns (bytes32 node) {
        for (uint256 level = 0; level < PART_HEIGHT; level++) {
            node = Hashes.efficientKeccak256(node, node);
        }
    }

    function heightOf(uint256 nodes) private pure returns (uint256) {
        return Math.log2(nodes, Math.Rounding.Ceil);
    }

    function siblingCount(uint256 first, uint256 last, uint256 height) private pure returns (uint256 count) {
        for (uint256 level = 0; level < height; level++) {
            count += (first & 1) + (1 - (last & 1));
            (first, last) = (first / 2, last / 2);
        }
    }
}
