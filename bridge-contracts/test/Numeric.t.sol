// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FloatMath} from "../src/libraries/FloatMath.sol";
import {IntegerMath} from "../src/libraries/IntegerMath.sol";
import {Numeric} from "../src/libraries/Numeric.sol";
import {Test} from "./base/Test.sol";

/// @notice Calls the arithmetic by numbers of its own, which no opcode leads to.
contract Arithmetic {
    function compareIntegers(uint256 operation) external pure returns (bool) {
        return IntegerMath.compare(operation, 1, 2, 64);
    }

    function combineIntegers(uint256 operation) external pure returns (uint256, uint256) {
        return IntegerMath.binary(operation, 1, 2, 64);
    }

    function compareFloats(uint256 operation) external pure returns (bool) {
        return FloatMath.compare(operation, 1, 2, 64);
    }

    function convertFloat(uint256 operation) external pure returns (uint256) {
        return FloatMath.unary(operation, 1, 64);
    }

    function combineFloats(uint256 operation) external pure returns (uint256) {
        return FloatMath.binary(operation, 1, 2, 64);
    }
}

contract NumericTest is Test {
    /// @dev One for every numeric opcode of WASM.
    uint256 private constant OPCODES = 136;

    function test_everyOpcode_vectors() external view {
        string memory json = vm.readFile("../specs/vectors/numeric_hardware.json");
        uint256[] memory perGroup = new uint256[](OPCODES);
        for (uint256 i = 0; i < OPCODES; i++) {
            perGroup[i] = checkGroup(json, string.concat(".groups[", vm.toString(i), "]"));
        }
        assertTrue(!vm.keyExistsJson(json, string.concat(".groups[", vm.toString(OPCODES), "]")), "one group each");
        for (uint256 i = 0; i < OPCODES; i++) {
            assertTrue(perGroup[i] > 0, "no group is empty");
        }
    }

    function checkGroup(string memory json, string memory path) private pure returns (uint256 cases) {
        string memory operation = vm.parseJsonString(json, string.concat(path, ".operation"));
        uint256 opcode = vm.parseJsonUint(json, string.concat(path, ".opcode"));
        uint256 arity = vm.parseJsonUint(json, string.concat(path, ".arity"));
        uint256[] memory values = vm.parseJsonUintArray(json, string.concat(path, ".values"));
        assertTrue(arity == 2 ? Numeric.isBinary(opcode) : Numeric.isUnary(opcode), operation);
        assertTrue(Numeric.isBinary(opcode) != Numeric.isUnary(opcode), operation);

        cases = values.length / (arity + 2);
        for (uint256 first = 0; first < values.length; first += arity + 2) {
            (uint256 result, uint256 trap) = arity == 2
                ? Numeric.binary(opcode, values[first], values[first + 1])
                : Numeric.unary(opcode, values[first]);
            assertEq(trap, values[first + arity + 1], string.concat(operation, ": trap of case ", vm.toString(first)));
            assertEq(result, values[first + arity], string.concat(operation, ": result of case ", vm.toString(first)));
        }
    }

    /// @dev The vectors that Rust reads too, whose 32-bit operands carry something in their upper halves.
    function test_everyOpcode_sharedVectors() external view {
        string memory json = vm.readFile("../specs/vectors/numeric.json");
        for (uint256 i = 0; i < OPCODES; i++) {
            string memory path = string.concat(".operators[", vm.toString(i), "]");
            string memory name = vm.parseJsonString(json, string.concat(path, ".name"));
            uint256 opcode = vm.parseJsonUint(json, string.concat(path, ".opcode"));
            uint256[] memory a = vm.parseJsonUintArray(json, string.concat(path, ".a"));
            uint256[] memory results = vm.parseJsonUintArray(json, string.concat(path, ".result"));
            uint256[] memory traps = vm.parseJsonUintArray(json, string.concat(path, ".trap"));
            bool isBinary = vm.parseJsonUint(json, string.concat(path, ".operands")) == 2;
            uint256[] memory b = isBinary ? vm.parseJsonUintArray(json, string.concat(path, ".b")) : a;
            assertTrue(a.length > 0 && Numeric.isBinary(opcode) == isBinary, name);
            for (uint256 j = 0; j < a.length; j++) {
                (uint256 result, uint256 trap) =
                    isBinary ? Numeric.binary(opcode, a[j], b[j]) : Numeric.unary(opcode, a[j]);
                assertEq(trap, traps[j], string.concat(name, ": trap of case ", vm.toString(j)));
                assertEq(result, results[j], string.concat(name, ": result of case ", vm.toString(j)));
            }
        }
        assertTrue(!vm.keyExistsJson(json, string.concat(".operators[", vm.toString(OPCODES), "]")), "one each");
    }

    /// @dev A 32-bit operand is the lower half of its slot: whatever the upper half holds makes no difference.
    function testFuzz_upperHalves_areIgnored(uint256 opcode, uint64 x, uint64 y) external pure {
        opcode = 0x45 + (opcode % 0x80);
        uint64 low = type(uint32).max;
        if (Numeric.isBinary(opcode) && Numeric.operandWidth(opcode) == 32) {
            (uint256 result, uint256 trap) = Numeric.binary(opcode, x, y);
            (uint256 lowResult, uint256 lowTrap) = Numeric.binary(opcode, x & low, y & low);
            assertEq(result, lowResult, "result");
            assertEq(trap, lowTrap, "trap");
        }
    }

    /// @dev A table that names no operation would be a bug of ours: it stops, and computes nothing.
    function test_arithmetic_noOperation_reverts() external {
        Arithmetic arithmetic = new Arithmetic();
        bytes memory unknown = abi.encodeWithSelector(IntegerMath.UnknownIntegerOperation.selector, 99);
        vm.expectRevert(unknown);
        arithmetic.compareIntegers(99);
        vm.expectRevert(unknown);
        arithmetic.combineIntegers(99);
        unknown = abi.encodeWithSelector(FloatMath.UnknownFloatOperation.selector, 99);
        vm.expectRevert(unknown);
        arithmetic.compareFloats(99);
        vm.expectRevert(unknown);
        arithmetic.convertFloat(99);
        vm.expectRevert(unknown);
        arithmetic.combineFloats(99);
    }
}
