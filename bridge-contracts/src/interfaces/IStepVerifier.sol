// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title One step of the Assay machine
/// @notice A record is `head || memoryRoot`, 64 bytes (chapter 3). The step is total: every record over every memory has
/// exactly one successor. What reverts is a bad witness, never a bad image.
interface IStepVerifier {
    /// @notice The successor of a record.
    /// @param head First half of the record: status, version, pc or code, fp, memory pages, fuel left, output length.
    /// @param memoryRoot Root of the memory before the step.
    /// @param witness Exactly the chunks that the step touches (chapter 9).
    /// @return nextHead First half of the next record.
    /// @return nextMemoryRoot Root of the memory after the step.
    function step(bytes32 head, bytes32 memoryRoot, bytes calldata witness)
        external
        pure
        returns (bytes32 nextHead, bytes32 nextMemoryRoot);
}
