// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPrograms} from "./interfaces/IPrograms.sol";
import {IStepVerifier} from "./interfaces/IStepVerifier.sol";
import {ProgramId} from "./libraries/ProgramId.sol";
import {Descriptor} from "./types/Objects.sol";

/// @title Programs that jobs may name
/// @notice What is refused are descriptors from which L1 could not compute the state at boot. That a descriptor is what its
/// WASM lowers to is not checked: who relies on a program has lowered it, and names it to {IBatches-fateOf}.
contract Programs is IPrograms {
    uint8 private constant VERSION = 1;
    uint32 private constant MEMORY_PAGES_MAX = 65_536;
    uint8 private constant INPUT = 4;
    uint8 private constant OUTPUT = 5;
    uint8 private constant REGIONS = 16;

    /// @dev Of machine version 1. Another version is another deployment of this contract and of what relies on it.
    IStepVerifier private immutable VERIFIER;

    /// @inheritdoc IPrograms
    mapping(bytes32 program => uint64) public registeredAt;

    constructor(IStepVerifier v1) {
        VERIFIER = v1;
    }

    /// @inheritdoc IPrograms
    function register(Descriptor calldata descriptor) external returns (bytes32 program) {
        check(descriptor);
        program = ProgramId.idOf(descriptor);
        if (registeredAt[program] != 0) return program;
        registeredAt[program] = uint64(block.timestamp);
        emit ProgramRegistered(program, descriptor);
    }

    /// @inheritdoc IPrograms
    function verifierOf(uint8 version) external view returns (IStepVerifier) {
        checkVersion(version);
        return VERIFIER;
    }

    function check(Descriptor calldata descriptor) private pure {
        checkVersion(descriptor.version);
        if (descriptor.memoryPagesMax > MEMORY_PAGES_MAX) {
            revert MemoryPages(MEMORY_PAGES_MAX, descriptor.memoryPagesMax);
        }
        if (descriptor.memoryPages > descriptor.memoryPagesMax) {
            revert MemoryPages(descriptor.memoryPagesMax, descriptor.memoryPages);
        }
        for (uint256 i = 0; i < descriptor.mounts.length; i++) {
            uint8 region = descriptor.mounts[i].region;
            if (region == INPUT || region == OUTPUT || region >= REGIONS) revert MountRegion(region);
            if (i > 0 && region <= descriptor.mounts[i - 1].region) {
                revert MountOrder(descriptor.mounts[i - 1].region, region);
            }
        }
    }

    function checkVersion(uint8 version) private pure {
        if (version != VERSION) revert VersionUnknown(VERSION, version);
    }
}
