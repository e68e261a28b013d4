// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title BLAKE3 in plain loops, for {Blake3} to be compared with
/// @dev After section 2 of the BLAKE3 paper, one 32-bit word at a time, without regard to gas.
library Blake3Twin {
    uint32 private constant CHUNK_START = 1;
    uint32 private constant CHUNK_END = 2;
    uint32 private constant PARENT = 4;
    uint32 private constant ROOT = 8;

    /// @notice Chaining value of a chunk of exactly 1024 bytes that is not the root.
    function chunkValue(bytes memory chunk, uint32 counter) internal pure returns (bytes32) {
        uint32[8] memory chain = initialValues();
        for (uint256 i = 0; i < 16; i++) {
            uint32[16] memory words;
            for (uint256 j = 0; j < 16; j++) {
                words[j] = littleEndianWord(chunk, 64 * i + 4 * j);
            }
            uint32 flags = i == 0 ? CHUNK_START : i == 15 ? CHUNK_END : 0;
            chain = compress(chain, words, counter, flags);
        }
        return toBytes(chain);
    }

    /// @notice Chaining value of a parent, or the digest if the parent is the root.
    function parentValue(bytes32 left, bytes32 right, bool isRoot) internal pure returns (bytes32) {
        uint32[16] memory words;
        bytes memory both = bytes.concat(left, right);
        for (uint256 j = 0; j < 16; j++) {
            words[j] = littleEndianWord(both, 4 * j);
        }
        return toBytes(compress(initialValues(), words, 0, isRoot ? PARENT | ROOT : PARENT));
    }

    /// @notice The first 32 bytes of the output: the block is full, the counter fits 32 bits.
    function compress(uint32[8] memory chain, uint32[16] memory words, uint32 counter, uint32 flags)
        internal
        pure
        returns (uint32[8] memory result)
    {
        uint32[8] memory iv = initialValues();
        uint32[16] memory v;
        for (uint256 i = 0; i < 8; i++) {
            v[i] = chain[i];
        }
        for (uint256 i = 0; i < 4; i++) {
            v[8 + i] = iv[i];
        }
        v[12] = counter;
        v[14] = 64;
        v[15] = flags;

        uint8[16] memory permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
        for (uint256 round = 0; round < 7; round++) {
            mix(v, 0, 4, 8, 12, words[0], words[1]);
            mix(v, 1, 5, 9, 13, words[2], words[3]);
            mix(v, 2, 6, 10, 14, words[4], words[5]);
            mix(v, 3, 7, 11, 15, words[6], words[7]);
            mix(v, 0, 5, 10, 15, words[8], words[9]);
            mix(v, 1, 6, 11, 12, words[10], words[11]);
            mix(v, 2, 7, 8, 13, words[12], words[13]);
            mix(v, 3, 4, 9, 14, words[14], words[15]);
            uint32[16] memory permuted;
            for (uint256 i = 0; i < 16; i++) {
                permuted[i] = words[permutation[i]];
            }
            words = permuted;
        }
        for (uint256 i = 0; i < 8; i++) {
            result[i] = v[i] ^ v[i + 8];
        }
    }

    function mix(uint32[16] memory v, uint256 a, uint256 b, uint256 c, uint256 d, uint32 x, uint32 y) private pure {
        // Sums are modulo 2^32 by definition.
        unchecked {
            v[a] = v[a] + v[b] + x;
            v[d] = rotateRight(v[d] ^ v[a], 16);
            v[c] = v[c] + v[d];
            v[b] = rotateRight(v[b] ^ v[c], 12);
            v[a] = v[a] + v[b] + y;
            v[d] = rotateRight(v[d] ^ v[a], 8);
            v[c] = v[c] + v[d];
            v[b] = rotateRight(v[b] ^ v[c], 7);
        }
    }

    function rotateRight(uint32 x, uint256 count) private pure returns (uint32) {
        return (x >> count) | uint32(uint256(x) << (32 - count));
    }

    function initialValues() private pure returns (uint32[8] memory) {
        return [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
    }

    function littleEndianWord(bytes memory data, uint256 offset) private pure returns (uint32) {
        return uint32(uint8(data[offset])) | (uint32(uint8(data[offset + 1])) << 8)
            | (uint32(uint8(data[offset + 2])) << 16) | (uint32(uint8(data[offset + 3])) << 24);
    }

    function toBytes(uint32[8] memory words) private pure returns (bytes32 result) {
        for (uint256 i = 0; i < 32; i++) {
            uint256 octet = (words[i / 4] >> (8 * (i % 4))) & 0xff;
            result |= bytes32(octet << (248 - 8 * i));
        }
    }
}
