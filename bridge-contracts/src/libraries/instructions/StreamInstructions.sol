// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Instruction} from "../Instruction.sol";
import {Machine, MachineLibrary} from "../Machine.sol";
import {Opcode} from "../Opcode.sol";
import {Trap} from "../Trap.sol";
import {Piece} from "./Piece.sol";

/// @title The job's input and output
library StreamInstructions {
    using MachineLibrary for Machine;

    /// @dev Words of the boot leaf (chapter 2).
    uint256 private constant INPUT_LENGTH = 0;
    uint256 private constant OUTPUT_LIMIT = 1;
    uint256 private constant INPUT_BYTES = 1 << 36;

    function execute(Machine memory m, Instruction memory i) internal pure {
        if (i.opcode == Opcode.INPUT_SIZE) return m.setSlot(i.d, m.system(INPUT_LENGTH));
        if (i.opcode == Opcode.INPUT_BEGIN) return inputBegin(m, i);
        if (i.opcode == Opcode.INPUT_COPY) return inputCopy(m, i);
        outputWrite(m, i);
    }

    /// @dev Slots: destination, offset (64), count; then where the count of what there is goes a second time.
    function inputBegin(Machine memory m, Instruction memory i) private pure {
        (uint256 d, uint256 offset, uint256 n) = (m.slotLow(i.a), m.slot(i.a + 1), m.slotLow(i.a + 2));
        if (!m.inMemory(d, n)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);
        uint256 length = m.system(INPUT_LENGTH);
        uint256 left = offset < length ? length - offset : 0;
        if (left < n) n = left;
        m.setSlot(i.a + 2, n);
        m.setSlot(i.a + 3, n);
    }

    /// @dev Slots: destination, offset (64), count.
    function inputCopy(Machine memory m, Instruction memory i) private pure {
        (uint256 d, uint256 offset, uint256 n) = (m.slotLow(i.a), m.slot(i.a + 1), m.slotLow(i.a + 2));
        if (!m.inMemory(d, n)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);
        if (n == 0) return;
        if (offset + n > INPUT_BYTES) return m.illegal();
        uint256 piece = Piece.copyForward(m, MachineLibrary.MEMORY + d, MachineLibrary.INPUT + offset, n);
        m.setSlot(i.a, uint32(d + piece));
        m.setSlot(i.a + 1, offset + piece);
        Piece.countDown(m, i.a + 2, n - piece);
    }

    /// @dev Slots: source, count.
    function outputWrite(Machine memory m, Instruction memory i) private pure {
        (uint256 s, uint256 n) = (m.slotLow(i.a), m.slotLow(i.a + 1));
        if (!m.inMemory(s, n)) return m.trap(Trap.MEMORY_OUT_OF_BOUNDS);
        uint256 end = m.outputLength + n;
        if (end > m.system(OUTPUT_LIMIT) || end > MachineLibrary.OUTPUT_LENGTH_MAX) return m.trap(Trap.OUTPUT_LIMIT);
        if (n == 0) return;
        uint256 to = MachineLibrary.OUTPUT + m.outputLength;
        uint256 piece = Piece.copyForward(m, to, MachineLibrary.MEMORY + s, n);
        m.outputLength += piece;
        m.setSlot(i.a, uint32(s + piece));
        Piece.countDown(m, i.a + 1, n - piece);
    }
}
