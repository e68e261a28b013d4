// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Opcodes of the machine (chapter 4); those of numeric instructions are in {Numeric}
library Opcode {
    // Loads, i32.load to i64.load32_u, and stores, i32.store to i64.store32, as in WASM.
    uint256 internal constant LOAD_FIRST = 0x28;
    uint256 internal constant LOAD_LAST = 0x35;
    uint256 internal constant STORE_FIRST = 0x36;
    uint256 internal constant STORE_LAST = 0x3e;

    // Families: added to a numeric opcode with two operands, or to a comparison of integers.
    uint256 internal constant IMMEDIATE = 0x0100;
    uint256 internal constant BRANCH = 0x0200;
    uint256 internal constant BRANCH_IMMEDIATE = 0x0300;

    uint256 internal constant CONTROL_FIRST = 0x0400;
    uint256 internal constant TRAP = 0x0401;
    uint256 internal constant FUEL = 0x0402;
    uint256 internal constant JUMP = 0x0403;
    uint256 internal constant BR_TABLE = 0x0404;
    uint256 internal constant ENTER = 0x0405;
    uint256 internal constant CLEAR = 0x0406;
    uint256 internal constant CALL = 0x0407;
    uint256 internal constant CALL_INDIRECT = 0x0408;
    uint256 internal constant RETURN = 0x0409;
    uint256 internal constant EXIT = 0x040a;
    uint256 internal constant CHARGE = 0x040b;
    uint256 internal constant CONST = 0x0410;
    uint256 internal constant COPY = 0x0411;
    uint256 internal constant SELECT = 0x0412;
    uint256 internal constant SYSTEM_GET = 0x0413;
    uint256 internal constant SYSTEM_SET = 0x0414;

    uint256 internal constant MEMORY_SIZE = 0x0420;
    uint256 internal constant MEMORY_GROW = 0x0421;
    uint256 internal constant MEMORY_COPY = 0x0422;
    uint256 internal constant MEMORY_FILL = 0x0423;
    uint256 internal constant MEMORY_INIT = 0x0424;

    uint256 internal constant TABLE_GET = 0x0430;
    uint256 internal constant TABLE_SET = 0x0431;
    uint256 internal constant TABLE_GROW = 0x0432;
    uint256 internal constant TABLE_FILL = 0x0433;
    uint256 internal constant TABLE_COPY = 0x0434;
    uint256 internal constant TABLE_INIT = 0x0435;

    uint256 internal constant INPUT_SIZE = 0x0440;
    uint256 internal constant INPUT_BEGIN = 0x0441;
    uint256 internal constant INPUT_COPY = 0x0442;
    uint256 internal constant OUTPUT_WRITE = 0x0443;
}
