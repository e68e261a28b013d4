// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Byte order
/// @notice The machine's bytes are little-endian, L1's words are big-endian.
library LittleEndian {
    uint256 private constant BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant QUADS = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
    uint256 private constant OCTETS = 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;

    /// @notice Reverses the 32 bytes of a word.
    function reverse(uint256 x) internal pure returns (uint256) {
        x = ((x >> 8) & BYTES) | ((x & BYTES) << 8);
        x = ((x >> 16) & PAIRS) | ((x & PAIRS) << 16);
        x = ((x >> 32) & QUADS) | ((x & QUADS) << 32);
        x = ((x >> 64) & OCTETS) | ((x & OCTETS) << 64);
        return (x >> 128) | (x << 128);
    }

    /// @notice Reverses the lowest 8 bytes of a word that has no others.
    function reverse64(uint256 x) internal pure returns (uint256) {
        x = ((x >> 8) & BYTES) | ((x & BYTES) << 8);
        x = ((x >> 16) & PAIRS) | ((x & PAIRS) << 16);
        return (x >> 32) | uint64(x << 32);
    }
}
