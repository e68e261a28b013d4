// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StepVerifier} from "../src/StepVerifier.sol";
import {Test} from "./base/Test.sol";

/// @dev Fields in alphabetical order, as the cheatcode sorts them.
struct Vector {
    bytes32 head;
    string name;
    bytes32 nextHead;
    bytes32 nextRoot;
    bytes32 root;
    bytes witness;
}

contract StepVerifierTest is Test {
    StepVerifier private verifier = new StepVerifier();

    function vectors() private view returns (Vector[] memory) {
        string memory json = vm.readFile("../specs/vectors/steps.json");
        return abi.decode(vm.parseJson(json, ".steps"), (Vector[]));
    }

    function test_step_vectors() external {
        Vector[] memory steps = vectors();
        assertTrue(steps.length > 1000, "vectors found");
        uint256 most;
        for (uint256 i = 0; i < steps.length; i++) {
            Vector memory v = steps[i];
            bytes memory data = abi.encodeCall(verifier.step, (v.head, v.root, v.witness));
            address target = address(verifier);
            uint256 gasUsed = gasleft();
            bool success;
            bytes32 nextHead;
            bytes32 nextRoot;
            assembly ("memory-safe") {
                success := staticcall(gas(), target, add(data, 32), mload(data), 0, 64)
                nextHead := mload(0)
                nextRoot := mload(32)
            }
            gasUsed -= gasleft();
            if (gasUsed > most) {
                most = gasUsed;
                emit log_named_uint(v.name, gasUsed);
            }
            assertEq(nextHead, v.nextHead, string.concat(v.name, ": head"));
            assertEq(nextRoot, v.nextRoot, string.concat(v.name, ": root"));
        }
    }
}
