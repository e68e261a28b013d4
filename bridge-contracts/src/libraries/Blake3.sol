// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title BLAKE3 of pages, one 1024-byte chunk at a time
/// @notice A page of 4096 bytes is four BLAKE3 chunks. Its hash is the plain BLAKE3 digest,
///
///     root( parent(cv0, cv1), parent(cv2, cv3) )          cv = chaining value of a chunk
///
/// @dev The state of BLAKE3 is a 4 x 4 matrix of 32-bit words. Each of its rows is held in one 256-bit word, as four
/// *lanes* of 64 bits, the first word in the highest lane, so that one instruction works on four columns at once.
/// Sums grow into the empty upper half of a lane and are cut off before they matter.
///
/// The message words of a block lie at fixed addresses, because an address that has to be computed costs as much as the
/// load. Whoever calls this library has called {reserve} first, once, in the same external call.
///
/// `test/twins/Blake3Twin.sol` says the same in plain loops; a fuzz test holds the two together.
library Blake3 {
    /// @notice Memory in the place of the workspace is already in use.
    error WorkspaceTaken(uint256 freeMemory);

    uint256 internal constant CHUNK_BYTES = 1024;
    uint256 private constant BLOCK_BYTES = 64;

    /// @dev Message word i ends at WORKSPACE + 32 i + 32 and has 28 zero bytes before it, so that a load from 8 k bytes
    /// further on finds it k lanes higher, with zeros around it. A word of zeros follows the last.
    uint256 private constant WORKSPACE = 0x400;
    uint256 private constant WORKSPACE_BYTES = 0x220;
    /// @dev The 64 bytes of the block that {compress} takes. It turns each of the 16 words in place to most significant
    /// byte first.
    uint256 private constant BLOCK = 0x620;
    /// @dev Two chaining values, of the old and of the new bytes: two rows in lanes each.
    uint256 private constant OLD_VALUE = 0x660;
    uint256 private constant NEW_VALUE = 0x6a0;
    uint256 private constant RESERVED_END = 0x6e0;

    /// @dev Initial values 0..3 and 4..7, one in each lane.
    uint256 private constant IV_LOW = 0x6a09e66700000000bb67ae85000000003c6ef37200000000a54ff53a;
    uint256 private constant IV_HIGH = 0x510e527f000000009b05688c000000001f83d9ab000000005be0cd19;

    /// @dev The last row of the state: counter (low, high), block length, flags.
    uint256 private constant COUNTER_ONE = 1 << 192;
    uint256 private constant BLOCK_LENGTH = 64 << 64;
    uint256 private constant PARENT = 4;
    uint256 private constant ROOT = 8;

    /// @dev The lower half of every lane.
    uint256 private constant LANES = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;

    /// @dev Every other byte, every other pair of bytes.
    uint256 private constant EVEN_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant EVEN_PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;

    /// @dev Times 1 + 2^32 the word in a lane is there twice. Then a shift right by n leaves it turned right by n in the
    /// lower half of the lane, and something else in the upper half, which is cut off.
    uint256 private constant TWICE = (1 << 32) | 1;
    /// @dev Times 2^k modulo 2^256 - 1 a word is turned left by k bits, and so by whole lanes at no extra cost.
    /// Here: TWICE, right by 7 within the lane, and a whole lane left (into the diagonals) or right (out of them).
    uint256 private constant ROTATE_7_IN = (1 << 57) | (1 << 89);
    uint256 private constant ROTATE_7_OUT = (1 << 185) | (1 << 217);
    /// @dev Turn by whole lanes, left.
    uint256 private constant LANES_1 = 1 << 64;
    uint256 private constant LANES_2 = 1 << 128;
    uint256 private constant LANES_3 = 1 << 192;

    /// @notice Takes the workspace out of the memory that Solidity hands out. Must come before anything is allocated.
    function reserve() internal pure {
        uint256 freeMemory;
        assembly ("memory-safe") {
            freeMemory := mload(0x40)
        }
        if (freeMemory > WORKSPACE) revert WorkspaceTaken(freeMemory);
        // Reading past the end of calldata gives zeros.
        assembly ("memory-safe") {
            mstore(0x40, RESERVED_END)
            calldatacopy(WORKSPACE, calldatasize(), WORKSPACE_BYTES)
        }
    }

    /// @notice Chaining value of a chunk.
    /// @param chunk Where its 1024 bytes are in memory.
    /// @param counter Its position in the page, 0..3.
    function chunkValue(uint256 chunk, uint256 counter) internal pure returns (bytes32) {
        start(NEW_VALUE);
        absorb(NEW_VALUE, chunk, counter, 0, CHUNK_BYTES);
        return pack(NEW_VALUE);
    }

    /// @notice Chaining values of two chunks at the same position. What both begin with is hashed once.
    /// @param oldChunk Where the 1024 bytes of one are in memory, `newChunk` of the other.
    /// @param counter Their position in the page, 0..3.
    function chunkValues(uint256 oldChunk, uint256 newChunk, uint256 counter)
        internal
        pure
        returns (bytes32 oldValue, bytes32 newValue)
    {
        uint256 same = sameBytes(oldChunk, newChunk);
        start(NEW_VALUE);
        absorb(NEW_VALUE, newChunk, counter, 0, same);
        assembly ("memory-safe") {
            mcopy(OLD_VALUE, NEW_VALUE, 0x40)
        }
        absorb(OLD_VALUE, oldChunk, counter, same, CHUNK_BYTES);
        absorb(NEW_VALUE, newChunk, counter, same, CHUNK_BYTES);
        return (pack(OLD_VALUE), pack(NEW_VALUE));
    }

    /// @notice The page's hash, from the chaining value of the chunk at `position` (0..3), of the other chunk of its
    /// pair, and of the other pair.
    function pageHash(bytes32 value, uint256 position, bytes32 chunkSibling, bytes32 pairSibling)
        internal
        pure
        returns (bytes32)
    {
        bytes32 pair = position & 1 == 0 ? parent(value, chunkSibling, PARENT) : parent(chunkSibling, value, PARENT);
        return position & 2 == 0 ? parent(pair, pairSibling, PARENT | ROOT) : parent(pairSibling, pair, PARENT | ROOT);
    }

    /// @notice The hash of the page whose 4096 bytes are at `page` in memory.
    function wholePage(uint256 page) internal pure returns (bytes32) {
        bytes32[4] memory values;
        for (uint256 i = 0; i < 4; i++) {
            values[i] = chunkValue(page + i * CHUNK_BYTES, i);
        }
        return pageHash(values[0], 0, values[1], parent(values[2], values[3], PARENT));
    }

    /// @dev Bytes of the blocks that both chunks begin with.
    function sameBytes(uint256 oldChunk, uint256 newChunk) private pure returns (uint256 offset) {
        assembly ("memory-safe") {
            for {} lt(offset, CHUNK_BYTES) { offset := add(offset, BLOCK_BYTES) } {
                let one := add(oldChunk, offset)
                let other := add(newChunk, offset)
                let difference := xor(mload(one), mload(other))
                difference := or(difference, xor(mload(add(one, 0x20)), mload(add(other, 0x20))))
                if difference { break }
            }
        }
    }

    function start(uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(value, IV_LOW)
            mstore(add(value, 0x20), IV_HIGH)
        }
    }

    /// @dev Takes the blocks from offset `from` to offset `to` of a chunk into a chaining value.
    function absorb(uint256 value, uint256 chunk, uint256 counter, uint256 from, uint256 to) private pure {
        // Offsets, pointers and flags stay far below 2^256.
        unchecked {
            uint256 row = counter * COUNTER_ONE + BLOCK_LENGTH;
            for (; from < to; from += BLOCK_BYTES) {
                uint256 flags;
                assembly ("memory-safe") {
                    mcopy(BLOCK, add(chunk, from), BLOCK_BYTES)
                    // CHUNK_START and CHUNK_END
                    flags := or(iszero(from), shl(1, eq(from, sub(CHUNK_BYTES, BLOCK_BYTES))))
                }
                compress(value, row + flags);
            }
        }
    }

    function parent(bytes32 left, bytes32 right, uint256 flags) private pure returns (bytes32) {
        start(NEW_VALUE);
        assembly ("memory-safe") {
            mstore(BLOCK, left)
            mstore(add(BLOCK, 0x20), right)
        }
        compress(NEW_VALUE, BLOCK_LENGTH | flags);
        return pack(NEW_VALUE);
    }

    /// @dev From lanes to the 32 bytes of a chaining value, each word least significant byte first.
    function pack(uint256 value) private pure returns (bytes32) {
        uint256 low;
        uint256 high;
        assembly ("memory-safe") {
            low := mload(value)
            high := mload(add(value, 0x20))
        }
        return bytes32(turnWords((squeeze(low) << 128) | squeeze(high)));
    }

    /// @dev Four lanes of 64 bits to four words of 32 bits.
    function squeeze(uint256 lanes) private pure returns (uint256) {
        lanes = (lanes | (lanes >> 32)) & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
        return (lanes | (lanes >> 64)) & type(uint128).max;
    }

    /// @dev Reverses the four bytes of each 32-bit word.
    function turnWords(uint256 x) private pure returns (uint256) {
        x = ((x >> 8) & EVEN_BYTES) | ((x & EVEN_BYTES) << 8);
        return ((x >> 16) & EVEN_PAIRS) | ((x & EVEN_PAIRS) << 16);
    }

    /// @dev One compression of BLOCK into the chaining value at `value`; `d` is the last row. Written out in full, since
    /// loops and calls would double its cost. Sums of at most 60 words of 32 bits stay far below 2^64,
    /// so no lane ever runs over into the next.
    function compress(uint256 value, uint256 d) private pure {
        assembly ("memory-safe") {
            // Each message word most significant byte first, as in {turnWords}.
            {
                let w := mload(BLOCK)
                w := or(and(shr(8, w), EVEN_BYTES), shl(8, and(w, EVEN_BYTES)))
                mstore(BLOCK, or(and(shr(16, w), EVEN_PAIRS), shl(16, and(w, EVEN_PAIRS))))
                w := mload(add(BLOCK, 0x20))
                w := or(and(shr(8, w), EVEN_BYTES), shl(8, and(w, EVEN_BYTES)))
                mstore(add(BLOCK, 0x20), or(and(shr(16, w), EVEN_PAIRS), shl(16, and(w, EVEN_PAIRS))))
            }
            // Two constants that the compiler must take for variables: it then copies them on the stack instead of
            // spelling out 33 bytes of code at each use. The free memory pointer is below 2^255.
            let N := not(shr(255, mload(0x40)))
            let M := and(N, LANES)
            mcopy(0x41c, 0x620, 4)
            mcopy(0x43c, 0x624, 4)
            mcopy(0x45c, 0x628, 4)
            mcopy(0x47c, 0x62c, 4)
            mcopy(0x49c, 0x630, 4)
            mcopy(0x4bc, 0x634, 4)
            mcopy(0x4dc, 0x638, 4)
            mcopy(0x4fc, 0x63c, 4)
            mcopy(0x51c, 0x640, 4)
            mcopy(0x53c, 0x644, 4)
            mcopy(0x55c, 0x648, 4)
            mcopy(0x57c, 0x64c, 4)
            mcopy(0x59c, 0x650, 4)
            mcopy(0x5bc, 0x654, 4)
            mcopy(0x5dc, 0x658, 4)
            mcopy(0x5fc, 0x65c, 4)
            let a := mload(value)
            let b := mload(add(value, 0x20))
            let c := IV_LOW
            // Round 1, columns.
            {
                let p := add(add(a, b), and(shr(32, mload(0x620)), M))
                let s := and(shr(16, mul(and(xor(d, p), M), TWICE)), M)
                let r := add(c, s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), and(mload(0x620), M))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_IN, N), M)
            }
            // Round 1, diagonals.
            {
                let p := add(add(a, b), and(shr(32, mload(0x640)), M))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_3, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), and(mload(0x640), M))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_OUT, N), M)
            }
            // Round 2, columns.
            {
                let p := add(add(a, b), add(add(mload(0x458), mload(0x470)), add(mload(0x4e8), mload(0x480))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_1, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x4d8), mload(0x550)), add(mload(0x408), mload(0x5a0))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_IN, N), M)
            }
            // Round 2, diagonals.
            {
                let p := add(add(a, b), add(add(mload(0x438), mload(0x590)), add(mload(0x528), mload(0x5e0))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_3, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x578), mload(0x4b0)), add(mload(0x5c8), mload(0x500))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_OUT, N), M)
            }
            // Round 3, columns.
            {
                let p := add(add(a, b), add(add(mload(0x478), mload(0x550)), add(mload(0x5a8), mload(0x4e0))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_1, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x498), mload(0x590)), add(mload(0x448), mload(0x5c0))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_IN, N), M)
            }
            // Round 3, diagonals.
            {
                let p := add(add(a, b), add(add(mload(0x4d8), mload(0x530)), add(mload(0x568), mload(0x500))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_3, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x4b8), mload(0x410)), add(mload(0x5e8), mload(0x420))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_OUT, N), M)
            }
            // Round 4, columns.
            {
                let p := add(add(a, b), add(add(mload(0x558), mload(0x590)), add(mload(0x5c8), mload(0x5a0))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_1, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x4f8), mload(0x530)), add(mload(0x468), mload(0x5e0))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_IN, N), M)
            }
            // Round 4, diagonals.
            {
                let p := add(add(a, b), add(add(mload(0x498), mload(0x570)), add(mload(0x4a8), mload(0x420))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_3, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x418), mload(0x450)), add(mload(0x508), mload(0x4c0))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_OUT, N), M)
            }
            // Round 5, columns.
            {
                let p := add(add(a, b), add(add(mload(0x598), mload(0x530)), add(mload(0x5e8), mload(0x5c0))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_1, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x5b8), mload(0x570)), add(mload(0x548), mload(0x500))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_IN, N), M)
            }
            // Round 5, diagonals.
            {
                let p := add(add(a, b), add(add(mload(0x4f8), mload(0x4b0)), add(mload(0x408), mload(0x4c0))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_3, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x458), mload(0x470)), add(mload(0x428), mload(0x480))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_OUT, N), M)
            }
            // Round 6, columns.
            {
                let p := add(add(a, b), add(add(mload(0x538), mload(0x570)), add(mload(0x508), mload(0x5e0))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_1, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x5d8), mload(0x4b0)), add(mload(0x588), mload(0x420))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_IN, N), M)
            }
            // Round 6, diagonals.
            {
                let p := add(add(a, b), add(add(mload(0x5b8), mload(0x410)), add(mload(0x448), mload(0x480))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_3, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x478), mload(0x550)), add(mload(0x4c8), mload(0x4e0))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_OUT, N), M)
            }
            // Round 7, columns.
            {
                let p := add(add(a, b), add(add(mload(0x578), mload(0x4b0)), add(mload(0x428), mload(0x500))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_1, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x5f8), mload(0x410)), add(mload(0x528), mload(0x4c0))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_IN, N), M)
            }
            // Round 7, diagonals.
            {
                let p := add(add(a, b), add(add(mload(0x5d8), mload(0x450)), add(mload(0x468), mload(0x4e0))))
                let s := and(shr(16, mul(and(xor(mulmod(d, LANES_3, N), p), M), TWICE)), M)
                let r := add(mulmod(c, LANES_2, N), s)
                let q := and(shr(12, mul(and(xor(b, r), M), TWICE)), M)
                a := add(add(p, q), add(add(mload(0x558), mload(0x590)), add(mload(0x488), mload(0x5a0))))
                d := and(shr(8, mul(and(xor(s, a), M), TWICE)), M)
                c := add(r, d)
                b := and(mulmod(and(xor(q, c), M), ROTATE_7_OUT, N), M)
            }
            mstore(value, and(xor(a, mulmod(c, LANES_2, N)), M))
            mstore(add(value, 0x20), and(xor(b, mulmod(d, LANES_1, N)), M))
        }
    }
}
