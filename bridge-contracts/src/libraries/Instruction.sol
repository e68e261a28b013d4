// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LittleEndian} from "./LittleEndian.sol";
import {Machine, MachineLibrary} from "./Machine.sol";
import {Numeric} from "./Numeric.sol";
import {Opcode} from "./Opcode.sol";
import {Witness} from "./Witness.sol";

/// @notice The fields of an instruction.
struct Instruction {
    uint256 opcode;
    uint256 d;
    uint256 a;
    uint256 b;
    uint256 imm;
}

/// @title Fetching and decoding (chapter 4, "Encoding" and "Order of a step")
library InstructionLibrary {
    uint256 private constant BYTES = 16;
    uint256 private constant MEMORY_PAGES_MAX = 65536;
    uint256 private constant RANGE_MAX = 32;
    uint256 private constant TRAP_LAST = 10;

    // Bounds of immediates, exclusive. None at all is one: it must be zero.
    uint256 private constant NO_IMM = 1;
    uint256 private constant IMM_16 = 1 << 16;
    uint256 private constant IMM_32 = 1 << 32;
    uint256 private constant IMM_33 = 1 << 33;
    uint256 private constant IMM_64 = 1 << 64;

    // The fields that an opcode uses, as a set.
    uint256 private constant NONE = 0;
    uint256 private constant D = 1;
    uint256 private constant A = 2;
    uint256 private constant B = 4;

    /// @notice The instruction at the machine's pc.
    function fetch(Machine memory m) internal pure returns (Instruction memory i) {
        uint256 pointer = Witness.touch(m.chunks, MachineLibrary.CODE + BYTES * m.pc, false);
        uint256 raw;
        assembly ("memory-safe") {
            raw := mload(pointer)
        }
        raw = LittleEndian.reverse(raw);
        i.opcode = uint16(raw);
        i.d = uint16(raw >> 16);
        i.a = uint16(raw >> 32);
        i.b = uint16(raw >> 48);
        i.imm = uint64(raw >> 64);
    }

    /// @notice Whether the opcode is defined, its unused fields are zero and its immediate is in range; and the end of
    /// the slots that it names, from the frame's first slot, 0 if it names none.
    function decode(Instruction memory i) internal pure returns (bool isLegal, uint256 slotsEnd) {
        uint256 fields;
        uint256 immEnd;
        if (i.opcode <= Opcode.STORE_LAST) {
            // Loads and stores use d and a, or a and b.
            if (i.opcode < Opcode.LOAD_FIRST) return (false, 0);
            fields = i.opcode <= Opcode.LOAD_LAST ? D | A : A | B;
            immEnd = IMM_32;
            slotsEnd = slotsOf(i, fields);
        } else if (i.opcode < Opcode.CONTROL_FIRST) {
            (fields, immEnd) = numericForm(i.opcode);
            // Of a branch that compares with it, b is a number, not a slot.
            bool isNumber = i.opcode >= Opcode.BRANCH_IMMEDIATE;
            slotsEnd = slotsOf(i, isNumber ? A : fields);
        } else if (i.opcode < Opcode.MEMORY_SIZE) {
            (fields, immEnd, slotsEnd) = controlForm(i);
        } else {
            (fields, immEnd, slotsEnd) = memoryForm(i);
        }
        isLegal = i.imm < immEnd && (fields & D != 0 || i.d == 0) && (fields & A != 0 || i.a == 0)
            && (fields & B != 0 || i.b == 0);
    }

    /// @dev An undefined opcode has no immediate in range: its `immEnd` is 0.
    function numericForm(uint256 opcode) private pure returns (uint256 fields, uint256 immEnd) {
        uint256 operator = uint8(opcode);
        uint256 family = opcode - operator;
        if (family == 0) {
            if (Numeric.isUnary(operator)) return (D | A, NO_IMM);
            if (Numeric.isBinary(operator)) return (D | A | B, NO_IMM);
        } else if (family == Opcode.IMMEDIATE) {
            if (Numeric.isBinary(operator)) return (D | A, 1 << Numeric.operandWidth(operator));
        } else if (Numeric.isIntegerComparison(operator)) {
            return (A | B, IMM_64);
        }
    }

    function controlForm(Instruction memory i) private pure returns (uint256 fields, uint256 immEnd, uint256 slotsEnd) {
        // Fields are below 2^16 and the immediate below 2^64.
        unchecked {
            uint256 opcode = i.opcode;
            if (opcode == Opcode.TRAP) return (NONE, i.imm == 0 ? 0 : TRAP_LAST + 1, 0);
            if (opcode == Opcode.FUEL || opcode == Opcode.JUMP) return (NONE, IMM_64, 0);
            if (opcode == Opcode.BR_TABLE) return (A, IMM_32, i.a + 1);
            if (opcode == Opcode.ENTER) {
                bool isRange = i.b == 0 ? i.a == 0 : i.b <= RANGE_MAX;
                return (A | B, isRange ? IMM_64 : 0, 0);
            }
            if (opcode == Opcode.CLEAR) {
                bool isRange = i.b != 0 && i.b <= RANGE_MAX;
                return (A | B, isRange ? NO_IMM : 0, i.a + i.b);
            }
            if (opcode == Opcode.CALL) return (D | A, IMM_32, i.d + i.a + 1);
            if (opcode == Opcode.CALL_INDIRECT) return (D | A | B, IMM_64, larger(i.b, i.d + i.a) + 1);
            if (opcode == Opcode.RETURN || opcode == Opcode.EXIT) return (A, NO_IMM, i.a + 1);
            if (opcode == Opcode.CHARGE) return (A, 32, i.a + 1);
            if (opcode == Opcode.CONST) return (D, IMM_64, i.d + 1);
            if (opcode == Opcode.COPY) return (D | A, NO_IMM, slotsOf(i, D | A));
            if (opcode == Opcode.SELECT) return (D | A | B, IMM_16, larger(slotsOf(i, D | A | B), i.imm + 1));
            if (opcode == Opcode.SYSTEM_GET) return (D, IMM_33, i.d + 1);
            if (opcode == Opcode.SYSTEM_SET) return (A, IMM_33, i.a + 1);
        }
    }

    function memoryForm(Instruction memory i) private pure returns (uint256 fields, uint256 immEnd, uint256 slotsEnd) {
        // Fields are below 2^16.
        unchecked {
            uint256 opcode = i.opcode;
            if (opcode == Opcode.MEMORY_SIZE || opcode == Opcode.INPUT_SIZE) return (D, NO_IMM, i.d + 1);
            if (opcode == Opcode.MEMORY_GROW) return (D | A, MEMORY_PAGES_MAX + 1, slotsOf(i, D | A));
            if (opcode == Opcode.MEMORY_COPY || opcode == Opcode.MEMORY_FILL || opcode == Opcode.INPUT_COPY) {
                return (A, NO_IMM, i.a + 3);
            }
            if (opcode == Opcode.MEMORY_INIT || opcode == Opcode.TABLE_FILL) return (A, IMM_32, i.a + 3);
            if (opcode == Opcode.TABLE_GET) return (D | A, IMM_32, slotsOf(i, D | A));
            if (opcode == Opcode.TABLE_SET) return (A | B, IMM_32, slotsOf(i, A | B));
            if (opcode == Opcode.TABLE_GROW) return (D | A, IMM_64, larger(i.d + 1, i.a + 3));
            if (opcode == Opcode.TABLE_COPY || opcode == Opcode.TABLE_INIT) return (A, IMM_64, i.a + 3);
            if (opcode == Opcode.INPUT_BEGIN) return (A, NO_IMM, i.a + 4);
            if (opcode == Opcode.OUTPUT_WRITE) return (A, NO_IMM, i.a + 2);
        }
    }

    /// @dev The end of the slots in these fields.
    function slotsOf(Instruction memory i, uint256 fields) private pure returns (uint256 end) {
        // Fields are below 2^16.
        unchecked {
            if (fields & D != 0) end = i.d + 1;
            if (fields & A != 0) end = larger(end, i.a + 1);
            if (fields & B != 0) end = larger(end, i.b + 1);
        }
    }

    function larger(uint256 x, uint256 y) private pure returns (uint256) {
        return x > y ? x : y;
    }
}
