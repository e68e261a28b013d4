// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LittleEndian} from "./LittleEndian.sol";
import {Chunk, Witness} from "./Witness.sol";

/// @notice A running machine in the middle of a step.
struct Machine {
    uint256 status;
    /// @dev Running: the next instruction. Until an instruction says otherwise that is the one after it. Halted: code.
    uint256 pc;
    uint256 fp;
    uint256 memoryPages;
    uint256 fuel;
    uint256 outputLength;
    Chunk[] chunks;
}

/// @title The record (chapter 3), slots and words of SYSTEM, fuel, halting
library MachineLibrary {
    uint256 private constant RUNNING = 0;
    uint256 private constant EXIT = 1;
    uint256 private constant TRAP = 2;
    uint256 private constant OUT_OF_FUEL = 3;
    uint256 private constant ILLEGAL = 4;

    uint256 private constant VERSION = 1;
    uint256 internal constant STACK_SLOTS = 1 << 18;
    uint256 private constant MEMORY_PAGES_MAX = 65536;
    uint256 private constant MEMORY_PAGE_BYTES = 65536;
    uint256 internal constant OUTPUT_LENGTH_MAX = 1 << 36;
    /// @dev The last value of pc has no successor: no instruction is there.
    uint256 private constant PC_END = type(uint32).max;

    uint256 internal constant CODE = 1 << 36;
    uint256 private constant STACK = 2 << 36;
    uint256 internal constant MEMORY = 3 << 36;
    uint256 internal constant INPUT = 4 << 36;
    uint256 internal constant OUTPUT = 5 << 36;

    // Positions in bits of the head's fields, after its 32 bytes have been reversed.
    uint256 private constant VERSION_AT = 8;
    uint256 private constant RESERVED_AT = 16;
    uint256 private constant PC_AT = 32;
    uint256 private constant FP_AT = 64;
    uint256 private constant MEMORY_PAGES_AT = 96;
    uint256 private constant FUEL_AT = 128;
    uint256 private constant OUTPUT_LENGTH_AT = 192;

    /// @notice Reads a head, as {LittleEndian.reverse} returns it.
    function load(Machine memory m, uint256 head) internal pure {
        m.status = uint8(head);
        m.pc = uint32(head >> PC_AT);
        m.fp = uint32(head >> FP_AT);
        m.memoryPages = uint32(head >> MEMORY_PAGES_AT);
        m.fuel = uint64(head >> FUEL_AT);
        m.outputLength = head >> OUTPUT_LENGTH_AT;
    }

    /// @notice Writes what {load} reads. The fields that a machine has no place for come from the old head.
    function store(Machine memory m, uint256 oldHead) internal pure returns (uint256) {
        return m.status | (oldHead & (0xffffff << VERSION_AT)) | (m.pc << PC_AT) | (m.fp << FP_AT)
            | (m.memoryPages << MEMORY_PAGES_AT) | (m.fuel << FUEL_AT) | (m.outputLength << OUTPUT_LENGTH_AT);
    }

    function isRunning(Machine memory m) internal pure returns (bool) {
        return m.status == RUNNING;
    }

    /// @notice Whether a running machine may be stepped: its record is canonical, and an instruction can be at its pc.
    function canFetch(Machine memory m, uint256 head) internal pure returns (bool) {
        return uint8(head >> VERSION_AT) == VERSION && uint16(head >> RESERVED_AT) == 0 && m.fp < STACK_SLOTS
            && m.memoryPages <= MEMORY_PAGES_MAX && m.outputLength <= OUTPUT_LENGTH_MAX && m.pc != PC_END;
    }

    function exit(Machine memory m, uint256 code) internal pure {
        (m.status, m.pc) = (EXIT, code);
    }

    function trap(Machine memory m, uint256 code) internal pure {
        (m.status, m.pc) = (TRAP, code);
    }

    function illegal(Machine memory m) internal pure {
        (m.status, m.pc) = (ILLEGAL, 0);
    }

    /// @notice Pays for what comes, or halts without paying. Returns whether it was paid.
    function charge(Machine memory m, uint256 cost) internal pure returns (bool) {
        // The cost was compared.
        unchecked {
            if (m.fuel < cost) {
                (m.status, m.pc, m.fuel, m.outputLength) = (OUT_OF_FUEL, 0, 0, 0);
                return false;
            }
            m.fuel -= cost;
            return true;
        }
    }

    function slot(Machine memory m, uint256 index) internal pure returns (uint256) {
        // fp and slots are below 2^19.
        unchecked {
            return Witness.readWord(m.chunks, STACK + 8 * (m.fp + index));
        }
    }

    /// @notice The lower half of a slot.
    function slotLow(Machine memory m, uint256 index) internal pure returns (uint256) {
        return uint32(slot(m, index));
    }

    function setSlot(Machine memory m, uint256 index, uint256 value) internal pure {
        // fp and slots are below 2^19.
        unchecked {
            Witness.writeWord(m.chunks, STACK + 8 * (m.fp + index), value);
        }
    }

    /// @notice Sets `count` slots to zero, chunk by chunk.
    function clearSlots(Machine memory m, uint256 index, uint256 count) internal pure {
        // fp and slots are below 2^19.
        unchecked {
            uint256 first = STACK + 8 * (m.fp + index);
            uint256 end = first + 8 * count;
            while (first < end) {
                uint256 length = Witness.bytesToChunkEnd(first);
                if (first + length > end) length = end - first;
                uint256 pointer = Witness.touch(m.chunks, first, true);
                // Reading past the end of calldata gives zeros.
                assembly ("memory-safe") {
                    calldatacopy(pointer, calldatasize(), length)
                }
                first += length;
            }
        }
    }

    /// @notice Word `word` of SYSTEM, which begins at address 0. `word` is below 2^33.
    function system(Machine memory m, uint256 word) internal pure returns (uint256) {
        // Words are below 2^33.
        unchecked {
            return Witness.readWord(m.chunks, 8 * word);
        }
    }

    function setSystem(Machine memory m, uint256 word, uint256 value) internal pure {
        // Words are below 2^33.
        unchecked {
            Witness.writeWord(m.chunks, 8 * word, value);
        }
    }

    /// @notice Whether the range lies in linear memory.
    function inMemory(Machine memory m, uint256 offset, uint256 length) internal pure returns (bool) {
        // Offsets and lengths are below 2^34, pages at most 2^16.
        unchecked {
            return offset + length <= m.memoryPages * MEMORY_PAGE_BYTES;
        }
    }
}
