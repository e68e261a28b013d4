// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batches} from "../../src/Batches.sol";
import {Bonds} from "../../src/Bonds.sol";
import {Faults} from "../../src/Faults.sol";
import {Role} from "../../src/interfaces/IBonds.sol";
import {IFaults} from "../../src/interfaces/IFaults.sol";
import {Batch} from "../../src/types/Objects.sol";
import {Parameters} from "../../src/types/Parameters.sol";
import {Accusing, Addresses} from "./Accusing.sol";
import {Vm} from "./Test.sol";

/// @notice Cheatcodes that put the contracts where the vectors play.
interface Stage {
    function mockCall(address callee, bytes calldata data, bytes calldata returned) external;
    function store(address target, bytes32 slot, bytes32 value) external;
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool);
}

/// @notice Reads the file anew for each question: so what was read does not stay in the memory of the test that asks.
contract VectorFile {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function exists(string calldata path) external view returns (bool) {
        return vm.keyExistsJson(json(), path);
    }

    function number(string calldata path) external view returns (uint256) {
        return vm.parseJsonUint(json(), path);
    }

    function word(string calldata path) external view returns (bytes32) {
        return vm.parseJsonBytes32(json(), path);
    }

    function account(string calldata path) external view returns (address) {
        return vm.parseJsonAddress(json(), path);
    }

    function data(string calldata path) external view returns (bytes memory) {
        return vm.parseJsonBytes(json(), path);
    }

    function strings(string calldata path) external view returns (string[] memory) {
        return vm.parseJsonStringArray(json(), path);
    }

    function json() private view returns (string memory) {
        return vm.readFile("../specs/vectors/batch.json");
    }
}

/// @title The batches of specs/vectors/batch.json at their chain, address, number and time
/// @dev The vectors' batch has number 7. That the region has posted seven batches, the last of them the parent, is written into
/// the storage of Batches; all else is as it is posted.
abstract contract AccusedVectors is Accusing {
    error Outcome(bool proven, bytes result);

    Stage internal constant STAGE = Stage(address(vm));
    uint256 private constant REGIONS_SLOT = 2;
    uint256 private constant POSTED_SLOT = 3;
    uint64 private constant NUMBER = 7;

    VectorFile internal vectors = new VectorFile();

    function setUp() public override {
        vm.chainId(vectors.number(".chainId"));
        vm.warp(START - 1000);
        Parameters memory numbers = parameters();
        (numbers.asOfAgeMax, numbers.withdrawalMargin) = (1000, 1000);
        numbers.fuelLimitMax = limit("fuelLimitMax");
        numbers.outputLengthMax = limit("outputLengthMax");
        numbers.inputLengthMax = limit("inputLengthMax");
        numbers.sourceHorizon = limit("sourceHorizon");
        deploy(numbers);
        // The prover asks Batches at its place: that one's code, and the prover's, made for each other.
        address place = vectors.account(".batches");
        Addresses addresses = Addresses(address(vm));
        address proverAt = addresses.computeCreateAddress(address(this), addresses.getNonce(address(this)) + 2);
        bonds = new Bonds(numbers, convictions, proverAt);
        vm.etch(place, address(new Batches(numbers, bonds, convictions, proverAt)).code);
        batches = Batches(place);
        prover = new Faults(numbers, bonds, programs, batches);
        assertEq(address(prover), proverAt, "the prover is where the others look for it");

        sequencer = vectors.account(".sequencer");
        register(Role.Sequencer, sequencer, SEQUENCER_STAKE);
        bytes32 regionName = vectors.word(".regionName");
        vm.prank(sequencer);
        region = batches.openRegion(regionName);
        assertEq(region, vectors.word(".region"), "region");
        setHistory(vectors.word(".cases[0].header.parent"));
    }

    function setHistory(bytes32 parent) private {
        bytes32 slot = keccak256(abi.encode(region, REGIONS_SLOT));
        STAGE.store(address(batches), slot, bytes32(uint256(NUMBER) << 160 | uint160(sequencer)));
        bytes32 ofRegion = keccak256(abi.encode(region, POSTED_SLOT));
        STAGE.store(address(batches), keccak256(abi.encode(uint256(NUMBER - 1), ofRegion)), parent);
        assertEq(batches.countOf(region), NUMBER, "batches before");
        assertEq(batches.sequencerOf(region), sequencer, "sequencer");
        (bytes32 last,,) = batches.batchOf(region, NUMBER - 1);
        assertEq(last, parent, "parent");
    }

    /// @dev Tries a proof and undoes it.
    function attempt(bytes memory call) internal returns (bool proven, bytes memory result) {
        try this.tryProof(call) {}
        catch (bytes memory reason) {
            assertTrue(bytes4(reason) == Outcome.selector, "an outcome");
            assembly ("memory-safe") {
                mstore(add(reason, 4), sub(mload(reason), 4))
                reason := add(reason, 4)
            }
            return abi.decode(reason, (bool, bytes));
        }
    }

    function tryProof(bytes calldata call) external {
        (bool proven, bytes memory result) = address(prover).call(call);
        revert Outcome(proven, result);
    }

    /// @dev What is in order is called so: no other error makes a batch look innocent here.
    function isProven(uint8 fault, bytes memory call) internal returns (bool proven) {
        bytes memory result;
        (proven, result) = attempt(call);
        bytes memory innocent = abi.encodeWithSelector(IFaults.NoFault.selector, fault);
        assertTrue(proven || keccak256(result) == keccak256(innocent), "proven, or in order");
    }

    function headerAt(string memory path) internal view returns (Batch memory batch) {
        string memory header = string.concat(path, ".header.");
        batch.region = vectors.word(string.concat(header, "region"));
        batch.number = uint64(number(header, "number"));
        batch.parent = vectors.word(string.concat(header, "parent"));
        batch.firstSequence = uint64(number(header, "firstSequence"));
        batch.leafRoot = vectors.word(string.concat(header, "leafRoot"));
        batch.count = uint32(number(header, "count"));
        batch.dataRoot = vectors.word(string.concat(header, "dataRoot"));
        batch.dataLength = uint32(number(header, "dataLength"));
        batch.blobCount = uint32(number(header, "blobCount"));
        batch.asOf = uint64(number(header, "asOf"));
        batch.minDeadline = uint64(number(header, "minDeadline"));
    }

    function number(string memory path, string memory name) internal view returns (uint256) {
        return vectors.number(string.concat(path, name));
    }

    function element(string memory list, uint256 index) internal pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(index), "]");
    }

    function limit(string memory name) private view returns (uint64) {
        return uint64(number(".facts.limits.", name));
    }
}
