// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Descriptor} from "../types/Objects.sol";
import {IStepVerifier} from "./IStepVerifier.sol";

/// @title Programs that jobs may name (chapter 5, "Programs")
/// @notice Permissionless and immutable. A machine version binds its verifier for ever.
interface IPrograms {
    event ProgramRegistered(bytes32 indexed program, Descriptor descriptor);

    /// @notice Registers a program; again is no error and changes nothing.
    /// @return program Its id, the hash of the descriptor.
    function register(Descriptor calldata descriptor) external returns (bytes32 program);

    /// @notice L1 time of registration, 0 if it is not registered.
    function registeredAt(bytes32 program) external view returns (uint64);

    /// @notice The verifier of a machine version.
    function verifierOf(uint8 version) external view returns (IStepVerifier);
}
