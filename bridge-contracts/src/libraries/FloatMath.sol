// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FloatFormat} from "./FloatFormat.sol";

/// @title WASM's float arithmetic, for f32 and f64 alike
/// @notice `width` is 32 or 64. Operations are numbered as WASM's opcodes number them, counted from the first of their
/// group. A NaN that arithmetic returns is the canonical one; `abs`, `neg` and `copysign` touch the sign and no more.
library FloatMath {
    /// @notice Neither a valid comparison nor a valid operation: the caller's table is wrong.
    error UnknownFloatOperation(uint256 operation);

    // Comparisons, from `eq`.
    uint256 private constant EQ = 0;
    uint256 private constant NE = 1;
    uint256 private constant LT = 2;
    uint256 private constant GT = 3;
    uint256 private constant LE = 4;
    uint256 private constant GE = 5;

    // Operations on one operand, from `abs`.
    uint256 private constant ABS = 0;
    uint256 private constant NEG = 1;
    uint256 private constant CEIL = 2;
    uint256 private constant FLOOR = 3;
    uint256 private constant TRUNC = 4;
    uint256 private constant NEAREST = 5;
    uint256 private constant SQRT = 6;

    // Operations on two operands, from `add`.
    uint256 private constant ADD = 0;
    uint256 private constant SUB = 1;
    uint256 private constant MUL = 2;
    uint256 private constant DIV = 3;
    uint256 private constant MIN = 4;
    uint256 private constant MAX = 5;
    uint256 private constant COPYSIGN = 6;

    /// @notice Whether the comparison holds. With a NaN only `ne` does.
    function compare(uint256 operation, uint256 x, uint256 y, uint256 width) internal pure returns (bool) {
        if (FloatFormat.isNan(x, width) || FloatFormat.isNan(y, width)) return operation == NE;
        int256 left = rank(x, width);
        int256 right = rank(y, width);
        if (operation == EQ) return left == right;
        if (operation == NE) return left != right;
        if (operation == LT) return left < right;
        if (operation == GT) return left > right;
        if (operation == LE) return left <= right;
        if (operation == GE) return left >= right;
        revert UnknownFloatOperation(operation);
    }

    /// @notice Result of an operation on one operand.
    function unary(uint256 operation, uint256 x, uint256 width) internal pure returns (uint256) {
        if (operation == ABS) return FloatFormat.magnitude(x, width);
        if (operation == NEG) return x ^ FloatFormat.signBit(width);
        if (FloatFormat.isNan(x, width)) return FloatFormat.canonicalNan(width);
        if (operation == SQRT) return sqrt(x, width);
        if (operation <= NEAREST) return toIntegral(operation, x, width);
        revert UnknownFloatOperation(operation);
    }

    /// @notice Result of an operation on two operands.
    function binary(uint256 operation, uint256 x, uint256 y, uint256 width) internal pure returns (uint256) {
        uint256 sign = FloatFormat.signBit(width);
        if (operation == COPYSIGN) return FloatFormat.magnitude(x, width) | (y & sign);
        if (FloatFormat.isNan(x, width) || FloatFormat.isNan(y, width)) return FloatFormat.canonicalNan(width);
        if (operation == ADD) return add(x, y, width);
        if (operation == SUB) return add(x, y ^ sign, width);
        if (operation == MUL) return mul(x, y, width);
        if (operation == DIV) return div(x, y, width);
        // Of zeros of both signs the negative one is the smaller, and equal bits are equal results.
        bool takeFirst = rank(x, width) == rank(y, width)
            ? FloatFormat.isNegative(x, width) == (operation == MIN)
            : (rank(x, width) < rank(y, width)) == (operation == MIN);
        if (operation == MIN || operation == MAX) return takeFirst ? x : y;
        revert UnknownFloatOperation(operation);
    }

    /// @dev A number that orders floats other than NaN as their values are ordered; both zeros have rank 0.
    function rank(uint256 x, uint256 width) private pure returns (int256) {
        int256 size = int256(FloatFormat.magnitude(x, width));
        return FloatFormat.isNegative(x, width) ? -size : size;
    }

    function add(uint256 x, uint256 y, uint256 width) private pure returns (uint256) {
        if (FloatFormat.isInfinite(x, width)) {
            bool opposite = FloatFormat.isInfinite(y, width) && x != y;
            return opposite ? FloatFormat.canonicalNan(width) : x;
        }
        if (FloatFormat.isInfinite(y, width)) return y;

        // The operand of larger magnitude comes first: it has the larger exponent too, and gives the sum its sign.
        if (FloatFormat.magnitude(x, width) < FloatFormat.magnitude(y, width)) (x, y) = (y, x);
        (bool negative, uint256 large, int256 exponent) = FloatFormat.unpack(x, width);
        (bool otherNegative, uint256 small, int256 smallExponent) = FloatFormat.unpack(y, width);

        uint256 distance = uint256(exponent - smallExponent);
        if (distance > 128) {
            // The small one is below a unit of 2^(exponent - 64). It only matters that it is there.
            large <<= 64;
            exponent -= 64;
            if (small != 0) small = 1;
        } else {
            large <<= distance;
            exponent = smallExponent;
        }
        uint256 sum = negative == otherNegative ? large + small : large - small;
        // An exact zero is positive, unless both operands are negative.
        if (sum == 0) negative = negative && otherNegative;
        return FloatFormat.pack(negative, sum, exponent, width);
    }

    function mul(uint256 x, uint256 y, uint256 width) private pure returns (uint256) {
        uint256 sign = (x ^ y) & FloatFormat.signBit(width);
        if (FloatFormat.isInfinite(x, width) || FloatFormat.isInfinite(y, width)) {
            bool withZero = FloatFormat.magnitude(x, width) == 0 || FloatFormat.magnitude(y, width) == 0;
            return withZero ? FloatFormat.canonicalNan(width) : FloatFormat.infinity(width) | sign;
        }
        (, uint256 left, int256 leftExponent) = FloatFormat.unpack(x, width);
        (, uint256 right, int256 rightExponent) = FloatFormat.unpack(y, width);
        return FloatFormat.pack(sign != 0, left * right, leftExponent + rightExponent, width);
    }

    function div(uint256 x, uint256 y, uint256 width) private pure returns (uint256) {
        uint256 sign = (x ^ y) & FloatFormat.signBit(width);
        if (FloatFormat.isInfinite(x, width)) {
            bool both = FloatFormat.isInfinite(y, width);
            return both ? FloatFormat.canonicalNan(width) : FloatFormat.infinity(width) | sign;
        }
        if (FloatFormat.isInfinite(y, width)) return sign;
        (, uint256 left, int256 leftExponent) = FloatFormat.unpack(x, width);
        (, uint256 right, int256 rightExponent) = FloatFormat.unpack(y, width);
        if (right == 0) return left == 0 ? FloatFormat.canonicalNan(width) : FloatFormat.infinity(width) | sign;

        // At least 120 - 53 bits of quotient, and the rest as a sticky bit.
        left <<= 120;
        uint256 quotient = left / right;
        if (left % right != 0) quotient |= 1;
        return FloatFormat.pack(sign != 0, quotient, leftExponent - rightExponent - 120, width);
    }

    function sqrt(uint256 x, uint256 width) private pure returns (uint256) {
        if (FloatFormat.magnitude(x, width) == 0) return x;
        if (FloatFormat.isNegative(x, width)) return FloatFormat.canonicalNan(width);
        if (FloatFormat.isInfinite(x, width)) return x;
        (, uint256 significand, int256 exponent) = FloatFormat.unpack(x, width);

        // At least 64 bits of root, from an even exponent, and the rest as a sticky bit.
        int256 extra = exponent & 1 == 0 ? int256(130) : int256(131);
        significand <<= uint256(extra);
        uint256 root = integerSqrt(significand);
        if (root * root != significand) root |= 1;
        return FloatFormat.pack(false, root, (exponent - extra) / 2, width);
    }

    /// @dev The largest integer whose square is at most x, for 0 < x < 2^254: Newton's method from above, which falls
    /// until it is there.
    function integerSqrt(uint256 x) private pure returns (uint256 root) {
        root = 1 << ((FloatFormat.bitLength(x) + 1) / 2);
        while (true) {
            uint256 next = (root + x / root) / 2;
            if (next >= root) return root;
            root = next;
        }
    }

    /// @dev `ceil`, `floor`, `trunc` and `nearest`. The sign stays, also on a zero.
    function toIntegral(uint256 operation, uint256 x, uint256 width) private pure returns (uint256) {
        if (FloatFormat.isInfinite(x, width)) return x;
        (bool negative, uint256 significand, int256 exponent) = FloatFormat.unpack(x, width);
        if (exponent >= 0) return x;

        uint256 integral;
        if (operation == NEAREST) {
            integral = FloatFormat.shiftRounding(significand, -exponent);
        } else {
            uint256 cut = uint256(-exponent);
            integral = significand >> cut;
            // A shift by 256 and more gives zero.
            bool inexact = integral << cut != significand;
            bool awayFromZero = operation == (negative ? FLOOR : CEIL);
            if (inexact && awayFromZero) ++integral;
        }
        return FloatFormat.pack(negative, integral, 0, width);
    }
}
