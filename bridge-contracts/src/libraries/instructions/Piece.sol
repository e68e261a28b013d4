// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Machine, MachineLibrary} from "../Machine.sol";
import {Witness} from "../Witness.sol";

/// @title What a repeating instruction does in one step: at most 32 bytes, within one chunk on either side
/// @notice Lengths are in bytes. Units are bytes or words; chunks and pieces hold whole words, and words are aligned.
library Piece {
    using MachineLibrary for Machine;

    uint256 private constant PIECE_BYTES = 32;

    /// @notice Copies the first piece of a range that is not empty. Returns the piece's length.
    function copyForward(Machine memory m, uint256 to, uint256 from, uint256 length)
        internal
        pure
        returns (uint256 piece)
    {
        piece = smallest(length, Witness.bytesToChunkEnd(to), Witness.bytesToChunkEnd(from));
        copy(m, to, from, piece);
    }

    /// @notice Copies the last piece of a range that is not empty. Returns the piece's length.
    function copyBackward(Machine memory m, uint256 to, uint256 from, uint256 length)
        internal
        pure
        returns (uint256 piece)
    {
        // Addresses are below 2^40, and a piece is no longer than its range.
        unchecked {
            (uint256 toEnd, uint256 fromEnd) = (to + length, from + length);
            piece = smallest(length, Witness.bytesFromChunkStart(toEnd), Witness.bytesFromChunkStart(fromEnd));
            copy(m, toEnd - piece, fromEnd - piece, piece);
        }
    }

    /// @notice Fills the first piece of a range that is not empty with a pattern of 32 bytes. Returns its length.
    function fill(Machine memory m, uint256 to, uint256 length, bytes32 pattern) internal pure returns (uint256 piece) {
        uint256 toEnd = Witness.bytesToChunkEnd(to);
        piece = smallest(length, toEnd, toEnd);
        uint256 target = Witness.touch(m.chunks, to, true);
        assembly ("memory-safe") {
            mstore(0x00, pattern)
            mcopy(target, 0x00, piece)
        }
    }

    /// @notice Writes the count that is left to its slot. Unless it is 0 the instruction comes again.
    function countDown(Machine memory m, uint256 index, uint256 left) internal pure {
        // The instruction was fetched at pc - 1.
        unchecked {
            m.setSlot(index, left);
            if (left != 0) m.pc -= 1;
        }
    }

    function copy(Machine memory m, uint256 to, uint256 from, uint256 length) private pure {
        uint256 source = Witness.touch(m.chunks, from, false);
        uint256 target = Witness.touch(m.chunks, to, true);
        // Reads all before it writes, so that source and target may overlap.
        assembly ("memory-safe") {
            mcopy(target, source, length)
        }
    }

    function smallest(uint256 length, uint256 one, uint256 other) private pure returns (uint256 least) {
        least = length < PIECE_BYTES ? length : PIECE_BYTES;
        if (one < least) least = one;
        if (other < least) least = other;
    }
}
