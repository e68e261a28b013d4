// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Instruction} from "../Instruction.sol";
import {Machine, MachineLibrary} from "../Machine.sol";
import {Opcode} from "../Opcode.sol";
import {Trap} from "../Trap.sol";

/// @title Jumps, calls, fuel, and moves between slots and SYSTEM (chapter 4, "Control")
library ControlInstructions {
    using MachineLibrary for Machine;

    function execute(Machine memory m, Instruction memory i) internal pure {
        uint256 opcode = i.opcode;
        if (opcode == Opcode.TRAP) return m.trap(i.imm);
        if (opcode == Opcode.FUEL) {
            m.charge(i.imm);
            return;
        }
        if (opcode == Opcode.JUMP) {
            if (m.charge(i.imm >> 32)) m.pc = uint32(i.imm);
            return;
        }
        if (opcode == Opcode.BR_TABLE) return brTable(m, i);
        if (opcode == Opcode.ENTER) return enter(m, i);
        if (opcode == Opcode.CLEAR) return m.clearSlots(i.a, i.b);
        if (opcode == Opcode.CALL) return call(m, i, i.imm);
        if (opcode == Opcode.CALL_INDIRECT) return callIndirect(m, i);
        if (opcode == Opcode.RETURN) return returnToCaller(m, i);
        if (opcode == Opcode.EXIT) return m.exit(m.slotLow(i.a));
        if (opcode == Opcode.CHARGE) {
            m.charge(2 + (m.slotLow(i.a) >> i.imm));
            return;
        }
        if (opcode == Opcode.CONST) return m.setSlot(i.d, i.imm);
        if (opcode == Opcode.COPY) return m.setSlot(i.d, m.slot(i.a));
        if (opcode == Opcode.SELECT) {
            (uint256 ifTrue, uint256 ifFalse) = (m.slot(i.a), m.slot(i.b));
            return m.setSlot(i.d, m.slotLow(i.imm) != 0 ? ifTrue : ifFalse);
        }
        if (opcode == Opcode.SYSTEM_GET) return m.setSlot(i.d, m.system(i.imm));
        m.setSystem(i.imm, m.slot(i.a));
    }

    function brTable(Machine memory m, Instruction memory i) private pure {
        uint256 index = m.slotLow(i.a);
        uint256 target = m.pc + (index < i.imm ? index : i.imm);
        if (target > type(uint32).max) return m.illegal();
        m.pc = target;
    }

    /// @dev Immediate: charge 32, slots that the frame needs 32.
    function enter(Machine memory m, Instruction memory i) private pure {
        if (!m.charge(uint32(i.imm))) return;
        if (m.fp + (i.imm >> 32) > MachineLibrary.STACK_SLOTS) return m.trap(Trap.STACK_OVERFLOW);
        if (m.fp + i.a + i.b > MachineLibrary.STACK_SLOTS) return m.illegal();
        m.clearSlots(i.a, i.b);
    }

    /// @dev The link is written to the callee's frame, d slots on: return pc 32, distance of the frames 32.
    function call(Machine memory m, Instruction memory i, uint256 target) private pure {
        m.setSlot(i.d + i.a, m.pc | (i.d << 32));
        m.fp += i.d;
        m.pc = target;
    }

    /// @dev Immediate: table 32, wanted type 32. A reference: entry pc 32, type 32.
    function callIndirect(Machine memory m, Instruction memory i) private pure {
        uint256 table = uint32(i.imm);
        uint256 index = m.slotLow(i.b);
        if (index >= m.system(table)) return m.trap(Trap.TABLE_OUT_OF_BOUNDS);
        uint256 target = m.system(table + 1 + index);
        if (target == 0) return m.trap(Trap.INDIRECT_CALL_TO_NULL);
        if (target >> 32 != i.imm >> 32) return m.trap(Trap.BAD_SIGNATURE);
        call(m, i, uint32(target));
    }

    function returnToCaller(Machine memory m, Instruction memory i) private pure {
        uint256 link = m.slot(i.a);
        if (link >> 32 > m.fp) return m.illegal();
        m.fp -= link >> 32;
        m.pc = uint32(link);
    }
}
