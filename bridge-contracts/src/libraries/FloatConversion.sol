// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FloatFormat} from "./FloatFormat.sol";
import {IntegerMath} from "./IntegerMath.sol";
import {Trap} from "./Trap.sol";

/// @title WASM's conversions between integers and floats, and between f32 and f64
/// @notice Widths are 32 or 64.
library FloatConversion {
    /// @notice A float in the other format: `promote` or `demote`. A NaN becomes the canonical one.
    function convertFloat(uint256 x, uint256 fromWidth, uint256 toWidth) internal pure returns (uint256) {
        if (FloatFormat.isNan(x, fromWidth)) return FloatFormat.canonicalNan(toWidth);
        if (FloatFormat.isInfinite(x, fromWidth)) {
            uint256 sign = FloatFormat.isNegative(x, fromWidth) ? FloatFormat.signBit(toWidth) : 0;
            return FloatFormat.infinity(toWidth) | sign;
        }
        (bool negative, uint256 significand, int256 exponent) = FloatFormat.unpack(x, fromWidth);
        return FloatFormat.pack(negative, significand, exponent, toWidth);
    }

    /// @notice The float nearest to an integer.
    function fromInteger(uint256 x, uint256 fromWidth, bool isSigned, uint256 toWidth) internal pure returns (uint256) {
        int256 value = isSigned ? IntegerMath.signed(x, fromWidth) : int256(x);
        bool negative = value < 0;
        return FloatFormat.pack(negative, uint256(negative ? -value : value), 0, toWidth);
    }

    /// @notice The float rounded towards zero, as an integer, or the trap that a value out of range raises.
    function toInteger(uint256 x, uint256 fromWidth, uint256 toWidth, bool isSigned)
        internal
        pure
        returns (uint256 result, uint256 trap)
    {
        if (FloatFormat.isNan(x, fromWidth)) return (0, Trap.INVALID_CONVERSION);
        bool inRange;
        (result, inRange) = clamp(x, fromWidth, toWidth, isSigned);
        if (!inRange) return (0, Trap.INTEGER_OVERFLOW);
    }

    /// @notice The float rounded towards zero, as the nearest integer there is; NaN is 0.
    function toIntegerSaturating(uint256 x, uint256 fromWidth, uint256 toWidth, bool isSigned)
        internal
        pure
        returns (uint256 result)
    {
        if (FloatFormat.isNan(x, fromWidth)) return 0;
        (result,) = clamp(x, fromWidth, toWidth, isSigned);
    }

    /// @dev Not for NaN.
    function clamp(uint256 x, uint256 fromWidth, uint256 toWidth, bool isSigned)
        private
        pure
        returns (uint256 result, bool inRange)
    {
        bool negative = FloatFormat.isNegative(x, fromWidth);
        uint256 size = integralMagnitude(x, fromWidth);
        // The largest magnitude of this sign: 2^(n-1) or 0 below zero, 2^(n-1) - 1 or 2^n - 1 above.
        uint256 limit;
        if (negative) limit = isSigned ? 1 << (toWidth - 1) : 0;
        else limit = (isSigned ? 1 << (toWidth - 1) : 1 << toWidth) - 1;

        inRange = size <= limit;
        if (!inRange) size = limit;
        // Minus a magnitude, modulo 2^toWidth, is two's complement.
        unchecked {
            result = IntegerMath.wrap(negative ? 0 - size : size, toWidth);
        }
    }

    /// @dev The magnitude rounded towards zero; 2^65 stands for everything from there on.
    function integralMagnitude(uint256 x, uint256 width) private pure returns (uint256) {
        if (FloatFormat.isInfinite(x, width)) return 1 << 65;
        (, uint256 significand, int256 exponent) = FloatFormat.unpack(x, width);
        // A shift by 256 and more gives zero.
        if (exponent < 0) return significand >> uint256(-exponent);
        // A positive exponent belongs to a normal number, so that this is at least 2^88 of any format.
        if (exponent > 65) return 1 << 65;
        return significand << uint256(exponent);
    }
}
