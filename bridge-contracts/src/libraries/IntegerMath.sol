// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Trap} from "./Trap.sol";

/// @title WASM's integer arithmetic, for i32 and i64 alike
/// @notice `width` is 32 or 64. Operands are unsigned and below 2^width, and so are results. Operations are numbered as
/// WASM's opcodes number them, counted from the first of their group.
/// @dev All arithmetic is unchecked: operands are below 2^64, so nothing here can reach 2^256, and what leaves the
/// width is cut off by definition.
library IntegerMath {
    /// @notice Neither a valid comparison nor a valid operation: the caller's table is wrong.
    error UnknownIntegerOperation(uint256 operation);

    // Comparisons, from `eq`.
    uint256 private constant EQ = 0;
    uint256 private constant NE = 1;
    uint256 private constant LT_S = 2;
    uint256 private constant LT_U = 3;
    uint256 private constant GT_S = 4;
    uint256 private constant GT_U = 5;
    uint256 private constant LE_S = 6;
    uint256 private constant LE_U = 7;
    uint256 private constant GE_S = 8;
    uint256 private constant GE_U = 9;

    // Operations on two operands, from `add`.
    uint256 private constant ADD = 0;
    uint256 private constant SUB = 1;
    uint256 private constant MUL = 2;
    uint256 private constant DIV_S = 3;
    uint256 private constant DIV_U = 4;
    uint256 private constant REM_S = 5;
    uint256 private constant REM_U = 6;
    uint256 private constant AND = 7;
    uint256 private constant OR = 8;
    uint256 private constant XOR = 9;
    uint256 private constant SHL = 10;
    uint256 private constant SHR_S = 11;
    uint256 private constant SHR_U = 12;
    uint256 private constant ROTL = 13;
    uint256 private constant ROTR = 14;

    // Operations on one operand, from `clz`.
    uint256 private constant CLZ = 0;
    uint256 private constant CTZ = 1;

    /// @notice Whether the comparison holds.
    function compare(uint256 operation, uint256 x, uint256 y, uint256 width) internal pure returns (bool) {
        if (operation == EQ) return x == y;
        if (operation == NE) return x != y;
        if (operation == LT_U) return x < y;
        if (operation == GT_U) return x > y;
        if (operation == LE_U) return x <= y;
        if (operation == GE_U) return x >= y;

        int256 left = signed(x, width);
        int256 right = signed(y, width);
        if (operation == LT_S) return left < right;
        if (operation == GT_S) return left > right;
        if (operation == LE_S) return left <= right;
        if (operation == GE_S) return left >= right;
        revert UnknownIntegerOperation(operation);
    }

    /// @notice Result of an operation on two operands, or the trap that it raises.
    function binary(uint256 operation, uint256 x, uint256 y, uint256 width)
        internal
        pure
        returns (uint256 result, uint256 trap)
    {
        unchecked {
            if (operation == ADD) result = x + y;
            else if (operation == SUB) result = x - y;
            else if (operation == MUL) result = x * y;
            else if (operation <= REM_U) return divide(operation, x, y, width);
            else if (operation == AND) result = x & y;
            else if (operation == OR) result = x | y;
            else if (operation == XOR) result = x ^ y;
            else if (operation <= ROTR) result = shift(operation, x, y % width, width);
            else revert UnknownIntegerOperation(operation);
        }
        result = wrap(result, width);
    }

    /// @notice Count of leading zeros, of trailing zeros or of ones.
    function count(uint256 operation, uint256 x, uint256 width) internal pure returns (uint256 result) {
        unchecked {
            if (operation == CLZ) {
                while (result < width && x >> (width - 1 - result) == 0) ++result;
            } else if (operation == CTZ) {
                while (result < width && (x >> result) & 1 == 0) ++result;
            } else {
                result = countOnes(x);
            }
        }
    }

    /// @notice Count of ones in a number of 64 bits: in pairs of bits, then fours, then bytes, which a product adds up.
    function countOnes(uint256 x) internal pure returns (uint256) {
        unchecked {
            x -= (x >> 1) & 0x5555555555555555;
            x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
            x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
            return uint8((x * 0x0101010101010101) >> 56);
        }
    }

    /// @notice The lowest `from` bits of x as a signed number, in `width` bits.
    function signExtend(uint256 x, uint256 from, uint256 width) internal pure returns (uint256) {
        unchecked {
            uint256 unused = 256 - from;
            return wrap(uint256(int256(x << unused) >> unused), width);
        }
    }

    /// @notice The value modulo 2^width.
    function wrap(uint256 x, uint256 width) internal pure returns (uint256) {
        return width == 32 ? uint32(x) : uint64(x);
    }

    /// @notice The value of a number in two's complement.
    function signed(uint256 x, uint256 width) internal pure returns (int256) {
        return width == 32 ? int256(int32(uint32(x))) : int256(int64(uint64(x)));
    }

    function divide(uint256 operation, uint256 x, uint256 y, uint256 width)
        private
        pure
        returns (uint256 result, uint256 trap)
    {
        if (y == 0) return (0, Trap.DIVISION_BY_ZERO);
        unchecked {
            if (operation == DIV_U) return (x / y, Trap.NONE);
            if (operation == REM_U) return (x % y, Trap.NONE);

            int256 left = signed(x, width);
            int256 right = signed(y, width);
            // 256 bits hold the one remainder and the one quotient that overflow in `width` bits.
            if (operation == REM_S) return (wrap(uint256(left % right), width), Trap.NONE);
            int256 quotient = left / right;
            if (quotient == int256(1 << (width - 1))) return (0, Trap.INTEGER_OVERFLOW);
            return (wrap(uint256(quotient), width), Trap.NONE);
        }
    }

    /// @dev The count is below the width.
    function shift(uint256 operation, uint256 x, uint256 by, uint256 width) private pure returns (uint256) {
        unchecked {
            if (operation == SHL) return x << by;
            if (operation == SHR_S) return uint256(signed(x, width) >> by);
            if (operation == SHR_U) return x >> by;
            if (operation == ROTL) return (x << by) | (x >> (width - by));
            return (x >> by) | (x << (width - by));
        }
    }
}
