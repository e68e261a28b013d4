// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Descriptor} from "../types/Objects.sol";

/// @title The id of a program: the hash of its descriptor (chapter 5, "Programs")
library ProgramId {
    bytes32 private constant TAG = keccak256("assay.machine.program.v1");

    function idOf(Descriptor calldata descriptor) internal pure returns (bytes32) {
        // The words of the mounts one after the other, without the offset and length that the encoding of an array has.
        bytes32[] memory mounts = new bytes32[](2 * descriptor.mounts.length);
        for (uint256 i = 0; i < descriptor.mounts.length; i++) {
            mounts[2 * i] = bytes32(uint256(descriptor.mounts[i].region));
            mounts[2 * i + 1] = descriptor.mounts[i].root;
        }
        return keccak256(
            abi.encode(
                TAG,
                descriptor.version,
                descriptor.entryPc,
                descriptor.memoryPages,
                descriptor.memoryPagesMax,
                descriptor.wasm,
                keccak256(abi.encodePacked(mounts))
            )
        );
    }
}
