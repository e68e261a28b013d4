// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StepVerifier} from "../src/StepVerifier.sol";
import {IStepVerifier} from "../src/interfaces/IStepVerifier.sol";
import {Vector} from "./StepVerifier.t.sol";
import {Test} from "./base/Test.sol";

/// @dev Writes the committed table of execution gas, from the vectors of each opcode.
contract GasTableTest is Test {
    IStepVerifier private verifier = new StepVerifier();

    function test_gasTable() external {
        bytes memory json = vm.parseJson(vm.readFile("../specs/vectors/steps.json"), ".steps");
        Vector[] memory steps = abi.decode(json, (Vector[]));
        string memory table = "| opcode | vectors | most gas | witness, bytes |\n| --- | ---: | ---: | ---: |\n";
        uint256 i = 0;
        while (i < steps.length) {
            string memory name = opcodeOf(steps[i].name);
            uint256 first = i;
            uint256 most = 0;
            uint256 witnessBytes = 0;
            for (; i < steps.length && same(opcodeOf(steps[i].name), name); i++) {
                uint256 used = gasOf(steps[i]);
                if (used > most) (most, witnessBytes) = (used, steps[i].witness.length);
            }
            string memory cells = string.concat(vm.toString(most), " | ", vm.toString(witnessBytes));
            // Cases by hand are named after what they show: "by hand: ...".
            if (same(name, "by")) name = "(cases by hand)";
            table = string.concat(table, "| ", name, " | ", vm.toString(i - first), " | ", cells, " |\n");
        }
        vm.writeFile("snapshots/step-gas.md", table);
    }

    /// @dev Gas of the call from a warm account, without the encoding of its calldata.
    function gasOf(Vector memory v) private view returns (uint256 used) {
        bytes memory data = abi.encodeCall(IStepVerifier.step, (v.head, v.root, v.witness));
        address target = address(verifier);
        assembly ("memory-safe") {
            // An access beforehand makes the account warm.
            let size := extcodesize(target)
            used := gas()
            let success := staticcall(gas(), target, add(data, 32), mload(data), 0x00, 0x40)
            used := sub(used, gas())
            if iszero(and(success, gt(size, 0))) { revert(0, 0) }
        }
    }

    /// @dev A vector's name is its opcode's, a space and a number.
    function opcodeOf(string memory name) private pure returns (string memory opcode) {
        bytes memory letters = bytes(name);
        uint256 length = 0;
        while (letters[length] != " ") length++;
        bytes memory result = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            result[i] = letters[i];
        }
        return string(result);
    }

    function same(string memory left, string memory right) private pure returns (bool) {
        return keccak256(bytes(left)) == keccak256(bytes(right));
    }
}
