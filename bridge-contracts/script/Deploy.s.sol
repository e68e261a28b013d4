// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Parameters} from "../src/types/Parameters.sol";

/// @notice The part of forge's cheatcode interface that this script uses.
interface Vm {
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function envAddress(string calldata name) external view returns (address);
    function envOr(string calldata name, string calldata fallbackValue) external view returns (string memory);
    function getCode(string calldata artifact) external view returns (bytes memory);
    function getNonce(address account) external view returns (uint64);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function readFile(string calldata path) external view returns (string memory);
    function serializeAddress(string calldata object, string calldata key, address value)
        external
        returns (string memory);
    function serializeString(string calldata object, string calldata key, string calldata value)
        external
        returns (string memory);
    function serializeUint(string calldata object, string calldata key, uint256 value) external returns (string memory);
    function startBroadcast() external;
    function stopBroadcast() external;
    function writeJson(string calldata json, string calldata path) external;
}

/// @notice What contracts say of each other, all of it immutable.
interface References {
    function bonds() external view returns (address);
    function programs() external view returns (address);
    function batches() external view returns (address);
    function court() external view returns (address);
    function faults() external view returns (address);
    function verifierOf(uint8 version) external view returns (address);
}

/// @title Deploys the contracts with the numbers of a preset, and writes the file that every process reads
/// @notice
///     TREASURY=0x... PRESET=devnet forge script script/Deploy.s.sol --rpc-url URL --broadcast --private-key KEY
///
/// PRESET is a name in protocol/presets.json, devnet if it is not set; the file is deployments/PRESET.json, or DEPLOYMENT.
/// The contracts know each other from birth: each address follows from the deployer and its nonce.
contract Deploy {
    error NumberTooLarge(string key, uint256 most, uint256 given);
    error PresetUnknown(string preset);
    error NotDeployed(string contractName);
    error NotWhereComputed(string contractName, address expected, address given);
    error WrongReference(string which, address expected, address given);

    struct Contracts {
        address stepVerifier;
        address bonds;
        address programs;
        address batches;
        address court;
        address faults;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    /// @dev The form of the deployment file that is written (chapter 15).
    uint256 private constant FILE_VERSION = 1;

    function run() external returns (Contracts memory at_) {
        string memory preset = vm.envOr("PRESET", "devnet");
        Parameters memory parameters = parametersOf(preset);
        parameters.treasury = vm.envAddress("TREASURY");
        uint256 firstBlock = block.number;
        at_ = deploy(msg.sender, parameters);
        check(at_);
        string memory path = string.concat("deployments/", preset, ".json");
        write(vm.envOr("DEPLOYMENT", path), preset, parameters.treasury, firstBlock, at_);
    }

    /// @dev Deploys in the order of the addresses.
    function deploy(address deployer, Parameters memory parameters) internal returns (Contracts memory at_) {
        uint64 nonce = vm.getNonce(deployer);
        at_ = Contracts({
            stepVerifier: vm.computeCreateAddress(deployer, nonce),
            bonds: vm.computeCreateAddress(deployer, nonce + 1),
            programs: vm.computeCreateAddress(deployer, nonce + 2),
            batches: vm.computeCreateAddress(deployer, nonce + 3),
            court: vm.computeCreateAddress(deployer, nonce + 4),
            faults: vm.computeCreateAddress(deployer, nonce + 5)
        });
        bytes memory judges = abi.encode(parameters, at_.bonds, at_.programs, at_.batches);
        vm.startBroadcast();
        create("StepVerifier", "", at_.stepVerifier);
        create("Bonds", abi.encode(parameters, at_.court, at_.faults), at_.bonds);
        create("Programs", abi.encode(at_.stepVerifier), at_.programs);
        create("Batches", abi.encode(parameters, at_.bonds, at_.court, at_.faults), at_.batches);
        create("Court", judges, at_.court);
        create("Faults", judges, at_.faults);
        vm.stopBroadcast();
    }

    /// @dev Every reference that a contract has been given is to the contract that was meant.
    function check(Contracts memory at_) internal view {
        equal("bonds.court", at_.court, References(at_.bonds).court());
        equal("bonds.faults", at_.faults, References(at_.bonds).faults());
        equal("programs.verifierOf(1)", at_.stepVerifier, References(at_.programs).verifierOf(1));
        equal("batches.bonds", at_.bonds, References(at_.batches).bonds());
        equal("batches.court", at_.court, References(at_.batches).court());
        equal("batches.faults", at_.faults, References(at_.batches).faults());
        equal("court.bonds", at_.bonds, References(at_.court).bonds());
        equal("court.programs", at_.programs, References(at_.court).programs());
        equal("court.batches", at_.batches, References(at_.court).batches());
        equal("faults.bonds", at_.bonds, References(at_.faults).bonds());
        equal("faults.programs", at_.programs, References(at_.faults).programs());
        equal("faults.batches", at_.batches, References(at_.faults).batches());
    }

    function parametersOf(string memory preset) internal view returns (Parameters memory parameters) {
        string memory table = vm.readFile("../protocol/presets.json");
        if (!vm.keyExistsJson(table, string.concat(".", preset))) revert PresetUnknown(preset);
        parameters.window = uint64(number(table, preset, "window", type(uint64).max));
        parameters.clock = uint64(number(table, preset, "clock", type(uint64).max));
        parameters.noticePeriod = uint64(number(table, preset, "noticePeriod", type(uint64).max));
        parameters.withdrawalMargin = uint64(number(table, preset, "withdrawalMargin", type(uint64).max));
        parameters.asOfAgeMax = uint64(number(table, preset, "asOfAgeMax", type(uint64).max));
        parameters.executorStake = number(table, preset, "executorStake", type(uint256).max);
        parameters.sequencerStake = number(table, preset, "sequencerStake", type(uint256).max);
        parameters.challengeBond = number(table, preset, "challengeBond", type(uint256).max);
        parameters.burnShareBps = uint16(number(table, preset, "burnShareBps", type(uint16).max));
        parameters.gasMarginBps = uint16(number(table, preset, "gasMarginBps", type(uint16).max));
        parameters.baseFeeMax = number(table, preset, "baseFeeMax", type(uint256).max);
        parameters.fuelLimitMax = uint64(number(table, preset, "fuelLimitMax", type(uint64).max));
        parameters.outputLengthMax = uint64(number(table, preset, "outputLengthMax", type(uint64).max));
        parameters.inputLengthMax = uint64(number(table, preset, "inputLengthMax", type(uint64).max));
        parameters.sourceHorizon = uint64(number(table, preset, "sourceHorizon", type(uint64).max));
        parameters.chainLengthMax = uint8(number(table, preset, "chainLengthMax", type(uint8).max));
    }

    /// @dev Amounts of wei are strings of decimal digits, which reads the same here.
    function number(string memory table, string memory preset, string memory key, uint256 most)
        private
        pure
        returns (uint256 value)
    {
        value = vm.parseJsonUint(table, string.concat(".", preset, ".", key));
        if (value > most) revert NumberTooLarge(key, most, value);
    }

    function create(string memory name, bytes memory arguments, address expected) private {
        bytes memory code = bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), arguments);
        address given;
        assembly ("memory-safe") {
            given := create(0, add(code, 0x20), mload(code))
        }
        if (given == address(0)) revert NotDeployed(name);
        if (given != expected) revert NotWhereComputed(name, expected, given);
    }

    function equal(string memory which, address expected, address given) private pure {
        if (given != expected) revert WrongReference(which, expected, given);
    }

    function write(string memory path, string memory preset, address treasury, uint256 firstBlock, Contracts memory at_)
        private
    {
        string memory list = "contracts";
        vm.serializeAddress(list, "stepVerifier", at_.stepVerifier);
        vm.serializeAddress(list, "bonds", at_.bonds);
        vm.serializeAddress(list, "programs", at_.programs);
        vm.serializeAddress(list, "batches", at_.batches);
        vm.serializeAddress(list, "court", at_.court);
        string memory contracts = vm.serializeAddress(list, "faults", at_.faults);

        string memory file = "deployment";
        vm.serializeUint(file, "version", FILE_VERSION);
        vm.serializeUint(file, "chainId", block.chainid);
        vm.serializeString(file, "preset", preset);
        vm.serializeAddress(file, "treasury", treasury);
        vm.serializeUint(file, "firstBlock", firstBlock);
        vm.writeJson(vm.serializeString(file, "contracts", contracts), path);
    }
}
