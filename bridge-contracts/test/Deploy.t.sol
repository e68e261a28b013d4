// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deploy} from "../script/Deploy.s.sol";
import {Relations} from "../src/libraries/Relations.sol";
import {Parameters} from "../src/types/Parameters.sol";
import {Test} from "./base/Test.sol";

/// @notice Stands for every contract, and says which others it knows: at first nobody.
contract ReferenceTable {
    mapping(bytes4 question => address) private answers;

    function know(bytes4 question, address answer) external {
        answers[question] = answer;
    }

    fallback() external {
        bytes memory answer = abi.encode(answers[msg.sig]);
        assembly ("memory-safe") {
            return(add(answer, 0x20), mload(answer))
        }
    }
}

contract DeployHarness is Deploy {
    function parametersIn(string calldata table, string calldata preset) external view returns (Parameters memory) {
        return parametersOf(table, preset);
    }

    function checkReferences(Contracts calldata contracts) external view {
        check(contracts);
    }

    function createAt(string calldata name, bytes calldata arguments, address expected) external {
        create(name, arguments, expected);
    }

    function checkRelations(Parameters calldata parameters) external pure {
        Relations.check(parameters);
    }
}

contract DeployTest is Test {
    DeployHarness private harness = new DeployHarness();
    string private table = vm.readFile("../protocol/presets.json");

    function test_parametersOf_presetsKeepTheRelations() external view {
        string[3] memory presets = ["devnet", "testnet", "mainnet"];
        for (uint256 i = 0; i < 3; i++) {
            Parameters memory parameters = harness.parametersIn(table, presets[i]);
            assertEq(uint160(parameters.treasury), 0, "the deployer says who is the treasury");
            parameters.treasury = address(this);
            harness.checkRelations(parameters);
        }
        Parameters memory mainnet = harness.parametersIn(table, "mainnet");
        assertEq(mainnet.window, 8 days, "window");
        assertEq(mainnet.clock, 8 days, "clock");
        assertEq(mainnet.noticePeriod, 1 days, "notice period");
    }

    function test_parametersOf_unknownPreset_reverts() external {
        vm.expectRevert(abi.encodeWithSelector(Deploy.PresetUnknown.selector, "moonnet"));
        harness.parametersIn(table, "moonnet");
    }

    function test_parametersOf_numberTooLarge_reverts() external {
        string memory short = "{\"odd\": {\"window\": \"18446744073709551616\"}}";
        vm.expectRevert(
            abi.encodeWithSelector(Deploy.NumberTooLarge.selector, "window", type(uint64).max, uint256(1) << 64)
        );
        harness.parametersIn(short, "odd");
    }

    /// @dev Right in everything; then wrong in one reference after the other.
    function test_check_wrongReference_reverts() external {
        Deploy.Contracts memory at_ = Deploy.Contracts({
            stepVerifier: address(0x5e),
            bonds: address(new ReferenceTable()),
            programs: address(new ReferenceTable()),
            batches: address(new ReferenceTable()),
            court: address(new ReferenceTable()),
            faults: address(new ReferenceTable())
        });
        address[12] memory asked = [
            at_.bonds,
            at_.bonds,
            at_.programs,
            at_.batches,
            at_.batches,
            at_.batches,
            at_.court,
            at_.court,
            at_.court,
            at_.faults,
            at_.faults,
            at_.faults
        ];
        string[12] memory questions = [
            "court()",
            "faults()",
            "verifierOf(uint8)",
            "bonds()",
            "court()",
            "faults()",
            "bonds()",
            "programs()",
            "batches()",
            "bonds()",
            "programs()",
            "batches()"
        ];
        address[12] memory answers = [
            at_.court,
            at_.faults,
            at_.stepVerifier,
            at_.bonds,
            at_.court,
            at_.faults,
            at_.bonds,
            at_.programs,
            at_.batches,
            at_.bonds,
            at_.programs,
            at_.batches
        ];
        for (uint256 i = 0; i < asked.length; i++) {
            ReferenceTable(asked[i]).know(bytes4(keccak256(bytes(questions[i]))), answers[i]);
        }
        harness.checkReferences(at_);
        for (uint256 i = 0; i < asked.length; i++) {
            bytes4 question = bytes4(keccak256(bytes(questions[i])));
            ReferenceTable(asked[i]).know(question, address(this));
            vm.expectPartialRevert(Deploy.WrongReference.selector);
            harness.checkReferences(at_);
            ReferenceTable(asked[i]).know(question, answers[i]);
        }
    }

    function test_create_reverts() external {
        Parameters memory empty;
        bytes memory arguments = abi.encode(empty, address(1), address(2));
        vm.expectRevert(abi.encodeWithSelector(Deploy.NotDeployed.selector, "Bonds"));
        harness.createAt("Bonds", arguments, address(3));
        vm.expectPartialRevert(Deploy.NotWhereComputed.selector);
        harness.createAt("StepVerifier", "", address(3));
    }
}
