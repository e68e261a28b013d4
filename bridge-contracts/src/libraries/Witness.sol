// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Blake3} from "./Blake3.sol";
import {IntegerMath} from "./IntegerMath.sol";
import {LittleEndian} from "./LittleEndian.sol";
import {MerklePath} from "./MerklePath.sol";

/// @notice A chunk of memory that a witness opens, and what becomes of it.
struct Chunk {
    /// @dev Address of its first byte.
    uint256 start;
    /// @dev Bytes: 256 in a control region, 1024 in a bulk region.
    uint256 size;
    /// @dev Where its bytes are in memory. They change as the step goes on.
    uint256 data;
    /// @dev Where its old bytes are in calldata.
    uint256 oldData;
    /// @dev keccak256 of the old bytes; of control chunks only.
    bytes32 oldLeaf;
    /// @dev Where in calldata its siblings are, and which of them are left out.
    uint256 siblings;
    uint256 mask;
    bool touched;
    bool written;
}

/// @title The witness of a step: the chunks that it touches (chapter 9)
/// @notice Parses the entries, gives the step its bytes, and folds old and new ones to the old and the new root.
library Witness {
    /// @notice The witness ends in the middle of an entry.
    error WitnessTruncated(uint256 wantedBytes, uint256 gotBytes);
    /// @notice More entries than any step touches.
    error TooManyChunks(uint256 most);
    /// @notice An address beyond the space of 2^40 bytes or not that of a chunk's first byte.
    error NotAChunkAddress(uint256 chunkAddress);
    /// @notice Entries come in ascending address, each once.
    error ChunksNotAscending(uint256 previous, uint256 chunkAddress);
    /// @notice A mask names a level that can't be masked.
    error MaskOutOfRange(uint256 chunkAddress, uint256 mask, uint256 levels);
    /// @notice The step touches a chunk that the witness doesn't open.
    error ChunkNotOpened(uint256 byteAddress);
    /// @notice The witness opens a chunk that the step doesn't touch.
    error ChunkNotTouched(uint256 chunkAddress);
    /// @notice The old bytes of a chunk don't belong to the memory that the preceding entries left.
    error WrongRoot(uint256 chunkAddress, bytes32 wanted, bytes32 got);

    uint256 internal constant CONTROL_CHUNK = 256;
    uint256 internal constant BULK_CHUNK = 1024;
    /// @dev Address of the first bulk region, MEMORY.
    uint256 private constant BULK_START = 3 << 36;
    uint256 private constant SPACE_END = 1 << 40;
    /// @dev An instruction, slots in two chunks, two size words, a source and a destination: `table.copy` touches 7.
    uint256 private constant CHUNKS_MOST = 8;

    /// @dev Address and mask.
    uint256 private constant HEADER_BYTES = 12;
    /// @dev Siblings inside a page: of the chunk, and of its pair.
    uint256 private constant PAGE_SIBLINGS = 2;

    /// @notice The chunks that a witness opens.
    function parse(bytes calldata witness) internal pure returns (Chunk[] memory chunks) {
        // Pointers into calldata and small counts.
        unchecked {
            uint256 pointer;
            // An array with room for CHUNKS_MOST elements, which are added as they are parsed.
            assembly ("memory-safe") {
                pointer := witness.offset
                chunks := mload(0x40)
                mstore(chunks, 0)
                mstore(0x40, add(chunks, mul(0x20, add(CHUNKS_MOST, 1))))
            }
            uint256 end = pointer + witness.length;
            uint256 previous;
            for (uint256 count = 0; pointer < end; ++count) {
                if (count == CHUNKS_MOST) revert TooManyChunks(CHUNKS_MOST);
                Chunk memory chunk;
                pointer = parseEntry(chunk, pointer, end);
                if (count != 0 && chunk.start <= previous) revert ChunksNotAscending(previous, chunk.start);
                previous = chunk.start;
                assembly ("memory-safe") {
                    mstore(chunks, add(count, 1))
                    mstore(add(chunks, mul(0x20, add(count, 1))), chunk)
                }
            }
        }
    }

    /// @notice Where in memory the byte at an address is, up to the end of its chunk. The chunk counts as touched.
    function touch(Chunk[] memory chunks, uint256 byteAddress, bool write) internal pure returns (uint256 pointer) {
        // Addresses and pointers are far below 2^256.
        unchecked {
            for (uint256 i = 0; i < chunks.length; ++i) {
                Chunk memory chunk = chunks[i];
                if (byteAddress - chunk.start < chunk.size) {
                    chunk.touched = true;
                    if (write) chunk.written = true;
                    return chunk.data + (byteAddress - chunk.start);
                }
            }
        }
        revert ChunkNotOpened(byteAddress);
    }

    /// @notice The word at an address that is a multiple of 8.
    function readWord(Chunk[] memory chunks, uint256 wordAddress) internal pure returns (uint256 value) {
        uint256 pointer = touch(chunks, wordAddress, false);
        assembly ("memory-safe") {
            value := shr(192, mload(pointer))
        }
        return LittleEndian.reverse64(value);
    }

    /// @notice Sets the word at an address that is a multiple of 8.
    function writeWord(Chunk[] memory chunks, uint256 wordAddress, uint256 value) internal pure {
        uint256 pointer = touch(chunks, wordAddress, true);
        value = LittleEndian.reverse64(value);
        assembly ("memory-safe") {
            mstore(pointer, or(shl(192, value), shr(64, shl(64, mload(pointer)))))
        }
    }

    /// @notice Bytes from an address to the end of its chunk, at least 1.
    function bytesToChunkEnd(uint256 byteAddress) internal pure returns (uint256) {
        // The remainder is below the size.
        unchecked {
            uint256 size = chunkSize(byteAddress);
            return size - (byteAddress % size);
        }
    }

    /// @notice Bytes from the first of the chunk that holds the byte before `end`, up to `end`; at least 1.
    function bytesFromChunkStart(uint256 end) internal pure returns (uint256) {
        // `end` is the end of a range that is not empty.
        unchecked {
            uint256 last = end - 1;
            return (last % chunkSize(last)) + 1;
        }
    }

    /// @notice The memory root after the step.
    function fold(Chunk[] memory chunks, bytes32 root) internal pure returns (bytes32) {
        bytes32[] memory zeroControl;
        bytes32[] memory zeroBulk;
        for (uint256 i = 0; i < chunks.length; ++i) {
            Chunk memory chunk = chunks[i];
            if (!chunk.touched) revert ChunkNotTouched(chunk.start);
            bytes32 oldRoot;
            bytes32 newRoot;
            if (chunk.size == CONTROL_CHUNK) {
                if (zeroControl.length == 0) zeroControl = MerklePath.zeroControl();
                (oldRoot, newRoot) = foldControl(chunk, zeroControl);
            } else {
                if (zeroBulk.length == 0) zeroBulk = MerklePath.zeroBulk();
                (oldRoot, newRoot) = foldBulk(chunk, zeroBulk);
            }
            if (oldRoot != root) revert WrongRoot(chunk.start, root, oldRoot);
            root = newRoot;
        }
        return root;
    }

    function chunkSize(uint256 byteAddress) private pure returns (uint256) {
        return byteAddress < BULK_START ? CONTROL_CHUNK : BULK_CHUNK;
    }

    /// @dev Fills in a chunk from the entry at `pointer` and returns where the entry ends.
    function parseEntry(Chunk memory chunk, uint256 pointer, uint256 end) private pure returns (uint256) {
        // `pointer` does not pass `end`, and both are pointers into calldata.
        unchecked {
            if (end - pointer < HEADER_BYTES) revert WitnessTruncated(HEADER_BYTES, end - pointer);
            uint256 header;
            assembly ("memory-safe") {
                header := calldataload(pointer)
            }
            uint256 start = header >> 192;
            uint256 size = chunkSize(start);
            if (start >= SPACE_END || start % size != 0) revert NotAChunkAddress(start);
            (chunk.start, chunk.size, chunk.mask) = (start, size, uint32(header >> 160));

            uint256 length = HEADER_BYTES + size + 32 * siblingCount(chunk);
            if (end - pointer < length) revert WitnessTruncated(length, end - pointer);
            uint256 oldData = pointer + HEADER_BYTES;
            uint256 data;
            assembly ("memory-safe") {
                data := mload(0x40)
                mstore(0x40, add(data, size))
                calldatacopy(data, oldData, size)
            }
            (chunk.data, chunk.oldData, chunk.siblings) = (data, oldData, oldData + size);
            if (size == CONTROL_CHUNK) chunk.oldLeaf = controlLeaf(data);
            return pointer + length;
        }
    }

    /// @dev How many siblings of a chunk are not left out.
    function siblingCount(Chunk memory chunk) private pure returns (uint256) {
        // The mask has at most as many ones as there are levels.
        unchecked {
            bool isControl = chunk.size == CONTROL_CHUNK;
            uint256 levels = isControl ? MerklePath.CONTROL_HEIGHTS : MerklePath.BULK_HEIGHTS;
            if (chunk.mask >> levels != 0) revert MaskOutOfRange(chunk.start, chunk.mask, levels);
            uint256 all = levels + MerklePath.REGION_LEVELS + (isControl ? 0 : PAGE_SIBLINGS);
            return all - IntegerMath.countOnes(chunk.mask);
        }
    }

    function controlLeaf(uint256 data) private pure returns (bytes32 leaf) {
        assembly ("memory-safe") {
            leaf := keccak256(data, CONTROL_CHUNK)
        }
    }

    function foldControl(Chunk memory chunk, bytes32[] memory zeros) private pure returns (bytes32, bytes32) {
        bytes32 newLeaf = chunk.written ? controlLeaf(chunk.data) : chunk.oldLeaf;
        uint256 path = chunk.start / CONTROL_CHUNK;
        return MerklePath.fold(chunk.oldLeaf, newLeaf, path, zeros, chunk.mask, chunk.siblings);
    }

    /// @dev Old and new chaining value of a bulk chunk at a position in its page.
    function bulkValues(Chunk memory chunk, uint256 position) private pure returns (bytes32 oldValue, bytes32) {
        if (!chunk.written) {
            oldValue = Blake3.chunkValue(chunk.data, position);
            return (oldValue, oldValue);
        }
        uint256 oldData = chunk.oldData;
        uint256 copy;
        assembly ("memory-safe") {
            copy := mload(0x40)
            mstore(0x40, add(copy, BULK_CHUNK))
            calldatacopy(copy, oldData, BULK_CHUNK)
        }
        return Blake3.chunkValues(copy, chunk.data, position);
    }

    function foldBulk(Chunk memory chunk, bytes32[] memory zeros) private pure returns (bytes32, bytes32) {
        uint256 path = chunk.start / BULK_CHUNK;
        uint256 siblings = chunk.siblings;
        bytes32 chunkSibling;
        bytes32 pairSibling;
        assembly ("memory-safe") {
            chunkSibling := calldataload(siblings)
            pairSibling := calldataload(add(siblings, 0x20))
        }
        (bytes32 oldNode, bytes32 newNode) = bulkValues(chunk, path % 4);
        bool changed = oldNode != newNode;
        oldNode = Blake3.pageHash(oldNode, path % 4, chunkSibling, pairSibling);
        newNode = changed ? Blake3.pageHash(newNode, path % 4, chunkSibling, pairSibling) : oldNode;
        return MerklePath.fold(oldNode, newNode, path / 4, zeros, chunk.mask, siblings + 32 * PAGE_SIBLINGS);
    }
}
