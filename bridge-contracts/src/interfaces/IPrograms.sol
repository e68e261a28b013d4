// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Descriptor} from "../types/Objects.sol";
import {IStepVerifier} from "./IStepVerifier.sol";

/// @title Programs that jobs may name (chapter 5, "Programs")
/// @notice Permissionless and immutable. A machine version binds its verifier for ever.
interface IPrograms {
    error VersionUnknown(uint8 expected, uint8 given);
    /// @notice Pages at boot are at most the most, and the most is at most what WASM can address.
    error MemoryPages(uint32 most, uint32 given);
    /// @notice Mounts ascend by region, each named once.
    error MountOrder(uint8 before, uint8 given);
    /// @notice Not a region, or INPUT or OUTPUT, which a job and its run fill.
    error MountRegion(uint8 given);

    event ProgramRegistered(bytes32 indexed program, Descriptor descriptor);

    /// @notice Registers a program; again is no error and changes nothing.
    /// @return program Its id, the hash of the descriptor.
    function register(Descriptor calldata descriptor) external returns (bytes32 program);

    /// @notice L1 time of registration, 0 if it is not registered.
    function registeredAt(bytes32 program) external view returns (uint64);

    /// @notice The verifier of a machine version, which must be known.
    function verifierOf(uint8 version) external view returns (IStepVerifier);
}
