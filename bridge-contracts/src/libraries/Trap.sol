// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Trap codes (chapter 3, "State")
/// @dev `NONE` is no code of the machine: it is how a function here says that nothing went wrong.
library Trap {
    uint256 internal constant NONE = 0;
    uint256 internal constant UNREACHABLE = 1;
    uint256 internal constant MEMORY_OUT_OF_BOUNDS = 2;
    uint256 internal constant TABLE_OUT_OF_BOUNDS = 3;
    uint256 internal constant INDIRECT_CALL_TO_NULL = 4;
    uint256 internal constant BAD_SIGNATURE = 5;
    uint256 internal constant INTEGER_OVERFLOW = 6;
    uint256 internal constant DIVISION_BY_ZERO = 7;
    uint256 internal constant INVALID_CONVERSION = 8;
    uint256 internal constant STACK_OVERFLOW = 9;
    uint256 internal constant OUTPUT_LIMIT = 10;
}
