// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlobRef, Descriptor, Mount} from "../../src/types/Objects.sol";
import {Test} from "./Test.sol";

/// @notice A whole run of a tiny program (specs/vectors/dispute.json).
struct Run {
    bytes32 program;
    Descriptor descriptor;
    bytes32 systemLeaf;
    uint32 systemMask;
    bytes32[] systemSiblings;
    BlobRef input;
    uint64 fuelLimit;
    uint64 outputLengthMax;
    uint8 status;
    uint32 code;
    uint64 fuelUsed;
    BlobRef output;
    /// Root of OUTPUT in the last state and its siblings.
    bytes32[] outputPath;
    /// By step, the halted state included.
    bytes32[] hashes;
    bytes32[] heads;
    bytes32[] roots;
    bytes[] witnesses;
}

/// @title Reads runs
abstract contract Runs is Test {
    uint256 internal constant EXIT = 0;
    uint256 internal constant EXHAUSTED = 1;
    uint256 internal constant BROKE = 2;
    uint256 internal constant EMPTY = 3;
    uint256 internal constant TRAP = 4;

    function readRun(uint256 index) internal view returns (Run memory run) {
        string memory json = vm.readFile("../specs/vectors/dispute.json");
        string memory path = string.concat(".runs[", vm.toString(index), "].");
        run.program = vm.parseJsonBytes32(json, string.concat(path, "program"));
        run.descriptor = readDescriptor(json, string.concat(path, "descriptor."));
        run.systemLeaf = vm.parseJsonBytes32(json, string.concat(path, "systemLeaf"));
        run.systemMask = uint32(vm.parseJsonUint(json, string.concat(path, "systemMask")));
        run.systemSiblings = vm.parseJsonBytes32Array(json, string.concat(path, "systemSiblings"));
        run.input = readBlob(json, string.concat(path, "input."));
        run.fuelLimit = uint64(vm.parseJsonUint(json, string.concat(path, "fuelLimit")));
        run.outputLengthMax = uint64(vm.parseJsonUint(json, string.concat(path, "outputLengthMax")));
        run.status = uint8(vm.parseJsonUint(json, string.concat(path, "status")));
        run.code = uint32(vm.parseJsonUint(json, string.concat(path, "code")));
        run.fuelUsed = uint64(vm.parseJsonUint(json, string.concat(path, "fuelUsed")));
        run.output = readBlob(json, string.concat(path, "output."));
        bytes32[] memory siblings = vm.parseJsonBytes32Array(json, string.concat(path, "outputSiblings"));
        run.outputPath = new bytes32[](1 + siblings.length);
        run.outputPath[0] = vm.parseJsonBytes32(json, string.concat(path, "outputRegion"));
        for (uint256 i = 0; i < siblings.length; i++) {
            run.outputPath[1 + i] = siblings[i];
        }
        run.hashes = vm.parseJsonBytes32Array(json, string.concat(path, "hashes"));
        run.heads = vm.parseJsonBytes32Array(json, string.concat(path, "heads"));
        run.roots = vm.parseJsonBytes32Array(json, string.concat(path, "roots"));
        run.witnesses = vm.parseJsonBytesArray(json, string.concat(path, "witnesses"));
    }

    function readDescriptor(string memory json, string memory path)
        private
        pure
        returns (Descriptor memory descriptor)
    {
        descriptor.version = uint8(vm.parseJsonUint(json, string.concat(path, "version")));
        descriptor.entryPc = uint32(vm.parseJsonUint(json, string.concat(path, "entryPc")));
        descriptor.memoryPages = uint32(vm.parseJsonUint(json, string.concat(path, "memoryPages")));
        descriptor.memoryPagesMax = uint32(vm.parseJsonUint(json, string.concat(path, "memoryPagesMax")));
        descriptor.wasm = readBlob(json, string.concat(path, "wasm."));
        uint256[] memory regions = vm.parseJsonUintArray(json, string.concat(path, "mountRegions"));
        bytes32[] memory roots = vm.parseJsonBytes32Array(json, string.concat(path, "mountRoots"));
        descriptor.mounts = new Mount[](regions.length);
        for (uint256 i = 0; i < regions.length; i++) {
            descriptor.mounts[i] = Mount(uint8(regions[i]), roots[i]);
        }
    }

    function readBlob(string memory json, string memory path) private pure returns (BlobRef memory) {
        bytes32 root = vm.parseJsonBytes32(json, string.concat(path, "root"));
        return BlobRef(root, uint64(vm.parseJsonUint(json, string.concat(path, "length"))));
    }
}
