// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Instruction} from "../Instruction.sol";
import {IntegerMath} from "../IntegerMath.sol";
import {LittleEndian} from "../LittleEndian.sol";
import {Machine, MachineLibrary} from "../Machine.sol";
import {Opcode} from "../Opcode.sol";
import {Trap} from "../Trap.sol";
import {Witness} from "../Witness.sol";
import {Piece} from "./Piece.sol";

/// @title Loads, stores, and bulk operations on linear memory
library MemoryInstructions {
    using MachineLibrary for Machine;

    /// @dev For each load, from i32.load: bytes, bits of the sign's extension (0: none).
    bytes private constant LOADS = hex"04000800040008000120010002200200014001000240020004400400";
    /// @dev For each store, from i32.store: bytes.
    bytes private constant STORES = hex"040804080102010204";
    uint256 private constant GROW_FAILED = type(uint32).max;

    function load(Machine memory m, Instruction memory i) internal pure {
        uint256 kind = 2 * (i.opcode - Opcode.LOAD_FIRST);
        uint256 length = uint8(LOADS[kind]);
        uint256 extendTo = uint8(LOADS[kind + 1]);
        uint256 offset = m.slotLow(i.a) + i.imm;
        if (!m.inMemory(offset, length)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);

        uint256 source = MachineLibrary.MEMORY + offset;
        uint256 first = firstPart(source, length);
        uint256 value = read(m, source, first);
        if (first < length) value |= read(m, source + first, length - first) << (8 * first);
        if (extendTo != 0) value = IntegerMath.signExtend(value, 8 * length, extendTo);
        m.setSlot(i.d, value);
    }

    function store(Machine memory m, Instruction memory i) internal pure {
        uint256 length = uint8(STORES[i.opcode - Opcode.STORE_FIRST]);
        uint256 offset = m.slotLow(i.a) + i.imm;
        uint256 value = m.slot(i.b);
        if (!m.inMemory(offset, length)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);

        uint256 target = MachineLibrary.MEMORY + offset;
        uint256 first = firstPart(target, length);
        write(m, target, first, value);
        if (first < length) write(m, target + first, length - first, value >> (8 * first));
    }

    function execute(Machine memory m, Instruction memory i) internal pure {
        if (i.opcode == Opcode.MEMORY_SIZE) return m.setSlot(i.d, m.memoryPages);
        if (i.opcode == Opcode.MEMORY_GROW) return grow(m, i);
        if (i.opcode == Opcode.MEMORY_COPY) return copy(m, i);
        if (i.opcode == Opcode.MEMORY_FILL) return fill(m, i);
        initialise(m, i);
    }

    function grow(Machine memory m, Instruction memory i) private pure {
        uint256 pages = m.memoryPages;
        uint256 grown = pages + m.slotLow(i.a);
        if (grown <= i.imm) m.memoryPages = grown;
        m.setSlot(i.d, grown <= i.imm ? pages : GROW_FAILED);
    }

    /// @dev Slots: destination, source, count.
    function copy(Machine memory m, Instruction memory i) private pure {
        (uint256 d, uint256 s, uint256 n) = (m.slotLow(i.a), m.slotLow(i.a + 1), m.slotLow(i.a + 2));
        if (!m.inMemory(d, n) || !m.inMemory(s, n)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);
        if (n == 0) return;
        (uint256 to, uint256 from) = (MachineLibrary.MEMORY + d, MachineLibrary.MEMORY + s);
        if (d > s) return Piece.countDown(m, i.a + 2, n - Piece.copyBackward(m, to, from, n));
        uint256 piece = Piece.copyForward(m, to, from, n);
        m.setSlot(i.a, uint32(d + piece));
        m.setSlot(i.a + 1, uint32(s + piece));
        Piece.countDown(m, i.a + 2, n - piece);
    }

    /// @dev Slots: destination, value, count.
    function fill(Machine memory m, Instruction memory i) private pure {
        (uint256 d, uint256 value, uint256 n) = (m.slotLow(i.a), m.slotLow(i.a + 1), m.slotLow(i.a + 2));
        if (!m.inMemory(d, n)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);
        if (n == 0) return;
        // The byte, 32 times.
        bytes32 pattern = bytes32(uint8(value) * (type(uint256).max / 0xff));
        uint256 piece = Piece.fill(m, MachineLibrary.MEMORY + d, n, pattern);
        m.setSlot(i.a, uint32(d + piece));
        Piece.countDown(m, i.a + 2, n - piece);
    }

    /// @dev Slots: destination, source in the segment, count.
    function initialise(Machine memory m, Instruction memory i) private pure {
        (uint256 d, uint256 s, uint256 n) = (m.slotLow(i.a), m.slotLow(i.a + 1), m.slotLow(i.a + 2));
        if (s + n > m.system(i.imm) || !m.inMemory(d, n)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);
        if (n == 0) return;
        uint256 piece = Piece.copyForward(m, MachineLibrary.MEMORY + d, 8 * (i.imm + 1) + s, n);
        m.setSlot(i.a, uint32(d + piece));
        m.setSlot(i.a + 1, uint32(s + piece));
        Piece.countDown(m, i.a + 2, n - piece);
    }

    /// @dev How many bytes of an access lie in the chunk where it begins.
    function firstPart(uint256 from, uint256 length) private pure returns (uint256) {
        uint256 toEnd = Witness.bytesToChunkEnd(from);
        return length < toEnd ? length : toEnd;
    }

    /// @dev At most 8 bytes within a chunk, as a number.
    function read(Machine memory m, uint256 from, uint256 length) private pure returns (uint256 value) {
        uint256 pointer = Witness.touch(m.chunks, from, false);
        assembly ("memory-safe") {
            value := shr(192, mload(pointer))
        }
        return LittleEndian.reverse64(value) & ((1 << (8 * length)) - 1);
    }

    /// @dev The lowest bytes of a number, at most 8, within a chunk.
    function write(Machine memory m, uint256 to, uint256 length, uint256 value) private pure {
        uint256 pointer = Witness.touch(m.chunks, to, true);
        value = LittleEndian.reverse64(uint64(value)) << 192;
        assembly ("memory-safe") {
            mstore(0x00, value)
            mcopy(pointer, 0x00, length)
        }
    }
}
