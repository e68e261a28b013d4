// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Instruction} from "../Instruction.sol";
import {LittleEndian} from "../LittleEndian.sol";
import {Machine, MachineLibrary} from "../Machine.sol";
import {Opcode} from "../Opcode.sol";
import {Trap} from "../Trap.sol";
import {Piece} from "./Piece.sol";

/// @title Tables of references: a size in words of SYSTEM, its entries after it
/// @dev Sizes and segment lengths are full words, indices and counts 32 bits. So no sum here wraps, and an entry below a
/// size is always a word of SYSTEM, but for the end of a range that runs backwards.
library TableInstructions {
    using MachineLibrary for Machine;

    uint256 private constant GROW_FAILED = type(uint32).max;
    uint256 private constant SYSTEM_WORDS = 1 << 33;

    function execute(Machine memory m, Instruction memory i) internal pure {
        if (i.opcode == Opcode.TABLE_GET) return get(m, i);
        if (i.opcode == Opcode.TABLE_SET) return set(m, i);
        if (i.opcode == Opcode.TABLE_GROW) return grow(m, i);
        if (i.opcode == Opcode.TABLE_FILL) return fill(m, i);
        copyOrInitialise(m, i);
    }

    function get(Machine memory m, Instruction memory i) private pure {
        uint256 index = m.slotLow(i.a);
        if (index >= m.system(i.imm)) return m.trap(Trap.TABLE_OUT_OF_BOUNDS);
        m.setSlot(i.d, m.system(i.imm + 1 + index));
    }

    function set(Machine memory m, Instruction memory i) private pure {
        uint256 index = m.slotLow(i.a);
        uint256 value = m.slot(i.b);
        if (index >= m.system(i.imm)) return m.trap(Trap.TABLE_OUT_OF_BOUNDS);
        m.setSystem(i.imm + 1 + index, value);
    }

    /// @dev Grows the size, and leaves index and count to the fill that follows: count 0 if the table did not grow.
    /// Immediate: table 32, maximum 32.
    function grow(Machine memory m, Instruction memory i) private pure {
        uint256 table = uint32(i.imm);
        uint256 n = m.slotLow(i.a + 2);
        uint256 size = m.system(table);
        if (size + n <= i.imm >> 32) {
            m.setSystem(table, size + n);
            m.setSlot(i.d, uint32(size));
            m.setSlot(i.a, uint32(size));
        } else {
            m.setSlot(i.d, GROW_FAILED);
            m.setSlot(i.a, 0);
            m.setSlot(i.a + 2, 0);
        }
    }

    /// @dev Slots: index, value, count.
    function fill(Machine memory m, Instruction memory i) private pure {
        (uint256 index, uint256 value, uint256 n) = (m.slotLow(i.a), m.slot(i.a + 1), m.slotLow(i.a + 2));
        if (index + n > m.system(i.imm)) return m.trap(Trap.TABLE_OUT_OF_BOUNDS);
        if (n == 0) return;
        // The word's 8 bytes, 4 times.
        bytes32 pattern = bytes32(LittleEndian.reverse64(value) * (type(uint256).max / type(uint64).max));
        uint256 words = Piece.fill(m, 8 * (i.imm + 1 + index), 8 * n, pattern) / 8;
        m.setSlot(i.a, uint32(index + words));
        Piece.countDown(m, i.a + 2, n - words);
    }

    /// @dev Slots: destination, source, count. Immediate: destination's table 32, source's table or segment 32. From a
    /// segment the copy always runs forwards.
    function copyOrInitialise(Machine memory m, Instruction memory i) private pure {
        (uint256 d, uint256 s, uint256 n) = (m.slotLow(i.a), m.slotLow(i.a + 1), m.slotLow(i.a + 2));
        (uint256 target, uint256 source) = (uint32(i.imm), i.imm >> 32);
        // Both are read before either is compared.
        (uint256 sourceSize, uint256 targetSize) = (m.system(source), m.system(target));
        if (s + n > sourceSize || d + n > targetSize) return m.trap(Trap.TABLE_OUT_OF_BOUNDS);
        if (n == 0) return;

        (uint256 to, uint256 from) = (target + 1 + d, source + 1 + s);
        if (i.opcode == Opcode.TABLE_COPY && d > s) {
            // A size that lies lets a range end beyond SYSTEM, where no word can be read or written.
            if (to + n > SYSTEM_WORDS || from + n > SYSTEM_WORDS) return m.illegal();
            return Piece.countDown(m, i.a + 2, n - Piece.copyBackward(m, 8 * to, 8 * from, 8 * n) / 8);
        }
        uint256 words = Piece.copyForward(m, 8 * to, 8 * from, 8 * n) / 8;
        m.setSlot(i.a, uint32(d + words));
        m.setSlot(i.a + 1, uint32(s + words));
        Piece.countDown(m, i.a + 2, n - words);
    }
}
