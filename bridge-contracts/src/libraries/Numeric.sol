// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FloatConversion} from "./FloatConversion.sol";
import {FloatMath} from "./FloatMath.sol";
import {IntegerMath} from "./IntegerMath.sol";
import {Trap} from "./Trap.sol";

/// @title WASM's numeric instructions by opcode (chapter 4, "Numeric instructions")
/// @notice 0x45 to 0xc4 as in WASM, and 0xd0 to 0xd7 for its saturating conversions. Operands are whole slots: of a
/// 32-bit operand the upper half is ignored. A 32-bit result is zero-extended.
/// @dev The groups of i32 and i64, and of f32 and f64, have the same order, so that the first opcode of a group and a
/// width are all that differs between them.
library Numeric {
    uint256 private constant I32_EQZ = 0x45;
    uint256 private constant I32_EQ = 0x46;
    uint256 private constant I64_EQZ = 0x50;
    uint256 private constant I64_EQ = 0x51;
    uint256 private constant F32_EQ = 0x5b;
    uint256 private constant F64_EQ = 0x61;
    uint256 private constant I32_CLZ = 0x67;
    uint256 private constant I32_ADD = 0x6a;
    uint256 private constant I64_CLZ = 0x79;
    uint256 private constant I64_ADD = 0x7c;
    uint256 private constant F32_ABS = 0x8b;
    uint256 private constant F32_ADD = 0x92;
    uint256 private constant F64_ABS = 0x99;
    uint256 private constant F64_ADD = 0xa0;
    uint256 private constant I32_WRAP_I64 = 0xa7;
    uint256 private constant I32_TRUNC_F32_S = 0xa8;
    uint256 private constant I64_EXTEND_I32_S = 0xac;
    uint256 private constant I64_EXTEND_I32_U = 0xad;
    uint256 private constant I64_TRUNC_F32_S = 0xae;
    uint256 private constant F32_CONVERT_I32_S = 0xb2;
    uint256 private constant F32_DEMOTE_F64 = 0xb6;
    uint256 private constant F64_CONVERT_I32_S = 0xb7;
    uint256 private constant F64_PROMOTE_F32 = 0xbb;
    uint256 private constant I32_REINTERPRET_F32 = 0xbc;
    uint256 private constant I32_EXTEND8_S = 0xc0;
    uint256 private constant I64_EXTEND8_S = 0xc2;
    uint256 private constant LAST_OF_WASM = 0xc4;
    uint256 private constant I32_TRUNC_SAT_F32_S = 0xd0;
    uint256 private constant LAST_SATURATING = 0xd7;

    /// @notice Whether the opcode is a comparison of two integers.
    function isIntegerComparison(uint256 op) internal pure returns (bool) {
        return op >= I32_EQ && op < F32_EQ && op != I64_EQZ;
    }

    /// @notice Whether the opcode takes two operands.
    function isBinary(uint256 op) internal pure returns (bool) {
        if (op < I32_CLZ) return op >= I32_EQ && op != I64_EQZ;
        if (op < I64_CLZ) return op >= I32_ADD;
        if (op < F32_ABS) return op >= I64_ADD;
        if (op < F64_ABS) return op >= F32_ADD;
        return op >= F64_ADD && op < I32_WRAP_I64;
    }

    /// @notice Whether the opcode takes one operand.
    function isUnary(uint256 op) internal pure returns (bool) {
        if (op >= I32_TRUNC_SAT_F32_S) return op <= LAST_SATURATING;
        return op >= I32_EQZ && op <= LAST_OF_WASM && !isBinary(op);
    }

    /// @notice Width in bits of the operands of an opcode with two of them.
    function operandWidth(uint256 op) internal pure returns (uint256) {
        bool is32 = op < I64_EQZ || (op >= F32_EQ && op < F64_EQ) || (op >= I32_CLZ && op < I64_CLZ)
            || (op >= F32_ABS && op < F64_ABS);
        return is32 ? 32 : 64;
    }

    /// @notice Whether a comparison of two integers holds.
    function compareIntegers(uint256 op, uint256 x, uint256 y) internal pure returns (bool) {
        uint256 width = operandWidth(op);
        x = IntegerMath.wrap(x, width);
        y = IntegerMath.wrap(y, width);
        return IntegerMath.compare(op - (width == 32 ? I32_EQ : I64_EQ), x, y, width);
    }

    /// @notice Result of an opcode with two operands, or the trap that it raises.
    function binary(uint256 op, uint256 x, uint256 y) internal pure returns (uint256 result, uint256 trap) {
        uint256 width = operandWidth(op);
        bool is32 = width == 32;
        x = IntegerMath.wrap(x, width);
        y = IntegerMath.wrap(y, width);
        if (op < F32_EQ) return (asNumber(compareIntegers(op, x, y)), Trap.NONE);
        if (op < I32_CLZ) {
            return (asNumber(FloatMath.compare(op - (is32 ? F32_EQ : F64_EQ), x, y, width)), Trap.NONE);
        }
        if (op < F32_ABS) return IntegerMath.binary(op - (is32 ? I32_ADD : I64_ADD), x, y, width);
        return (FloatMath.binary(op - (is32 ? F32_ADD : F64_ADD), x, y, width), Trap.NONE);
    }

    /// @notice Result of an opcode with one operand, or the trap that it raises.
    function unary(uint256 op, uint256 x) internal pure returns (uint256 result, uint256 trap) {
        if (op == I32_EQZ) return (asNumber(uint32(x) == 0), Trap.NONE);
        if (op == I64_EQZ) return (asNumber(x == 0), Trap.NONE);
        if (op < I64_CLZ) return (IntegerMath.count(op - I32_CLZ, uint32(x), 32), Trap.NONE);
        if (op < F32_ABS) return (IntegerMath.count(op - I64_CLZ, x, 64), Trap.NONE);
        if (op < F64_ABS) return (FloatMath.unary(op - F32_ABS, uint32(x), 32), Trap.NONE);
        if (op < I32_WRAP_I64) return (FloatMath.unary(op - F64_ABS, x, 64), Trap.NONE);
        if (op >= I32_TRUNC_SAT_F32_S) {
            (uint256 fromWidth, uint256 toWidth, bool isSigned) = truncation(op - I32_TRUNC_SAT_F32_S);
            x = IntegerMath.wrap(x, fromWidth);
            return (FloatConversion.toIntegerSaturating(x, fromWidth, toWidth, isSigned), Trap.NONE);
        }
        if (op >= I32_EXTEND8_S) return (extend(op, x), Trap.NONE);
        // Reinterpretations: slots hold bits.
        if (op >= I32_REINTERPRET_F32) return (reinterpret(op, x), Trap.NONE);
        return convert(op, x);
    }

    /// @dev 0xa7 to 0xbb, conversions between the four types.
    function convert(uint256 op, uint256 x) private pure returns (uint256 result, uint256 trap) {
        if (op == I32_WRAP_I64 || op == I64_EXTEND_I32_U) return (uint32(x), Trap.NONE);
        if (op == I64_EXTEND_I32_S) return (IntegerMath.signExtend(x, 32, 64), Trap.NONE);
        if (op == F32_DEMOTE_F64) return (FloatConversion.convertFloat(x, 64, 32), Trap.NONE);
        if (op == F64_PROMOTE_F32) return (FloatConversion.convertFloat(uint32(x), 32, 64), Trap.NONE);
        if (op >= F32_CONVERT_I32_S) {
            bool toF64 = op >= F64_CONVERT_I32_S;
            uint256 kind = op - (toF64 ? F64_CONVERT_I32_S : F32_CONVERT_I32_S);
            uint256 width = kind < 2 ? 32 : 64;
            x = IntegerMath.wrap(x, width);
            return (FloatConversion.fromInteger(x, width, kind & 1 == 0, toF64 ? 64 : 32), Trap.NONE);
        }
        uint256 place = op >= I64_TRUNC_F32_S ? op - I64_TRUNC_F32_S + 4 : op - I32_TRUNC_F32_S;
        (uint256 fromWidth, uint256 toWidth, bool isSigned) = truncation(place);
        return FloatConversion.toInteger(IntegerMath.wrap(x, fromWidth), fromWidth, toWidth, isSigned);
    }

    /// @dev The eight truncations in WASM's order: to i32 then i64, from f32 then f64, signed then unsigned.
    function truncation(uint256 place) private pure returns (uint256 fromWidth, uint256 toWidth, bool isSigned) {
        fromWidth = place & 2 == 0 ? 32 : 64;
        toWidth = place & 4 == 0 ? 32 : 64;
        isSigned = place & 1 == 0;
    }

    /// @dev i32.extend8_s, i32.extend16_s, then i64.extend8_s, i64.extend16_s, i64.extend32_s.
    function extend(uint256 op, uint256 x) private pure returns (uint256) {
        if (op < I64_EXTEND8_S) return IntegerMath.signExtend(x, 8 << (op - I32_EXTEND8_S), 32);
        return IntegerMath.signExtend(x, 8 << (op - I64_EXTEND8_S), 64);
    }

    /// @dev i32 of f32, i64 of f64, f32 of i32, f64 of i64.
    function reinterpret(uint256 op, uint256 x) private pure returns (uint256) {
        return (op - I32_REINTERPRET_F32) & 1 == 0 ? uint32(x) : x;
    }

    function asNumber(bool condition) private pure returns (uint256) {
        return condition ? 1 : 0;
    }
}
