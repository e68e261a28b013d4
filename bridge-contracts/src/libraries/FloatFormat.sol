// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The two formats of IEEE 754 that WASM has, and the one way to round to them
/// @notice `width` is 32 or 64. A float is its bits, an unsigned number below 2^width.
///
/// A finite float is `(-1)^negative * significand * 2^exponent`, both numbers integers. That form is exact, and so are
/// sums, products and, with a sticky bit, quotients and roots in it, because they fit 256 bits. Then {pack} rounds once.
library FloatFormat {
    /// @notice Bits of the fraction field: 23 or 52.
    function fractionBits(uint256 width) internal pure returns (uint256) {
        return width == 32 ? 23 : 52;
    }

    /// @notice The float's sign bit, alone.
    function signBit(uint256 width) internal pure returns (uint256) {
        return width == 32 ? 1 << 31 : 1 << 63;
    }

    /// @notice Positive infinity. Every NaN is above it, when the sign is taken off.
    function infinity(uint256 width) internal pure returns (uint256) {
        return width == 32 ? 0x7f800000 : 0x7ff0000000000000;
    }

    /// @notice The one NaN that arithmetic returns: positive, quiet, no payload.
    function canonicalNan(uint256 width) internal pure returns (uint256) {
        return width == 32 ? 0x7fc00000 : 0x7ff8000000000000;
    }

    /// @notice The float without its sign.
    function magnitude(uint256 x, uint256 width) internal pure returns (uint256) {
        return x & (signBit(width) - 1);
    }

    function isNegative(uint256 x, uint256 width) internal pure returns (bool) {
        return x & signBit(width) != 0;
    }

    function isNan(uint256 x, uint256 width) internal pure returns (bool) {
        return magnitude(x, width) > infinity(width);
    }

    function isInfinite(uint256 x, uint256 width) internal pure returns (bool) {
        return magnitude(x, width) == infinity(width);
    }

    /// @notice Exponent of the last place of subnormal numbers, the smallest there is: -149 or -1074.
    function exponentMin(uint256 width) internal pure returns (int256) {
        return width == 32 ? int256(-149) : int256(-1074);
    }

    /// @notice A finite float as integers. Zero has significand 0.
    function unpack(uint256 x, uint256 width)
        internal
        pure
        returns (bool negative, uint256 significand, int256 exponent)
    {
        uint256 bits = fractionBits(width);
        negative = isNegative(x, width);
        uint256 biased = magnitude(x, width) >> bits;
        significand = x & ((1 << bits) - 1);
        exponent = exponentMin(width);
        if (biased != 0) {
            significand |= 1 << bits;
            exponent += int256(biased) - 1;
        }
    }

    /// @notice The float nearest to `(-1)^negative * significand * 2^exponent`, ties to even; too large is infinite.
    /// @dev A caller whose value is not exact passes at least two bits more than the format holds and sets the lowest
    /// one: then no rounding boundary lies between what it passed and what it meant.
    function pack(bool negative, uint256 significand, int256 exponent, uint256 width)
        internal
        pure
        returns (uint256 result)
    {
        uint256 bits = fractionBits(width);
        if (significand != 0) {
            // Cut to the format's precision, or less where that would go below the smallest exponent.
            int256 cut = int256(bitLength(significand)) - int256(bits + 1);
            int256 lowest = exponentMin(width);
            if (exponent + cut < lowest) cut = lowest - exponent;
            significand = shiftRounding(significand, cut);
            // A significand with its leading bit adds one to the exponent field, and a carry out of rounding one more.
            result = (uint256(exponent + cut - lowest) << bits) + significand;
            if (result > infinity(width)) result = infinity(width);
        }
        if (negative) result |= signBit(width);
    }

    /// @notice `x / 2^cut`, to nearest, ties to even. A negative cut is a shift left, by less than 64.
    function shiftRounding(uint256 x, int256 cut) internal pure returns (uint256 quotient) {
        if (cut <= 0) return x << uint256(-cut);
        uint256 by = uint256(cut);
        // Nothing that comes here has more than 253 bits: less than half a unit is left of it.
        if (by >= 255) return 0;
        quotient = x >> by;
        uint256 half = 1 << (by - 1);
        uint256 rest = x & ((1 << by) - 1);
        if (rest > half || (rest == half && quotient & 1 == 1)) ++quotient;
    }

    /// @notice Number of bits up to the highest one that is set; 0 for 0.
    function bitLength(uint256 x) internal pure returns (uint256 length) {
        unchecked {
            for (uint256 step = 128; step != 0; step >>= 1) {
                if (x >> step != 0) {
                    x >>= step;
                    length += step;
                }
            }
            // What is left is 0 or 1.
            length += x;
        }
    }
}
