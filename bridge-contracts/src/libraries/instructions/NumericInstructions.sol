// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Instruction} from "../Instruction.sol";
import {IntegerMath} from "../IntegerMath.sol";
import {Machine, MachineLibrary} from "../Machine.sol";
import {Numeric} from "../Numeric.sol";
import {Opcode} from "../Opcode.sol";
import {Trap} from "../Trap.sol";

/// @title Numeric operators on slots, with immediates, and branches on comparisons
library NumericInstructions {
    using MachineLibrary for Machine;

    function execute(Machine memory m, Instruction memory i) internal pure {
        uint256 operator = uint8(i.opcode);
        uint256 family = i.opcode - operator;
        uint256 left = m.slot(i.a);
        if (family >= Opcode.BRANCH) {
            uint256 right =
                family == Opcode.BRANCH ? m.slot(i.b) : IntegerMath.signExtend(i.b, 16, Numeric.operandWidth(operator));
            return branch(m, i.imm, Numeric.compareIntegers(operator, left, right));
        }
        uint256 result;
        uint256 trap;
        if (Numeric.isUnary(operator)) {
            (result, trap) = Numeric.unary(operator, left);
        } else {
            (result, trap) = Numeric.binary(operator, left, family == Opcode.IMMEDIATE ? i.imm : m.slot(i.b));
        }
        if (trap != Trap.NONE) return m.trap(trap);
        m.setSlot(i.d, result);
    }

    /// @dev Immediate: target 32, charge when the branch is taken 16, charge when it is not 16.
    function branch(Machine memory m, uint256 imm, bool isTaken) private pure {
        if (!m.charge(isTaken ? uint16(imm >> 32) : uint16(imm >> 48))) return;
        if (isTaken) m.pc = uint32(imm);
    }
}
