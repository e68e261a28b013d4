// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batch, BlobRef, SoftReceipt, TaskRequest, TaskResult} from "../types/Objects.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title EIP-712 hashes of what is signed and of batches (chapter 11)
/// @notice Types are hashed with their members in the order of Objects.sol; a struct within a struct by its own hash.
library Eip712 {
    /// @notice Name and version of the domain. Its verifying contract is Batches, or Bonds for the consent of a key.
    string internal constant NAME = "Assay";
    string internal constant VERSION = "1";

    bytes32 internal constant BLOB_REF = keccak256("BlobRef(bytes32 root,uint64 length)");
    bytes32 internal constant TASK_REQUEST = keccak256(
        "TaskRequest(address client,bytes32 region,bytes32 program,BlobRef input,uint64 fuelLimit,uint64 outputLengthMax,uint128 feeMax,uint64 deadline,uint64 nonce)BlobRef(bytes32 root,uint64 length)"
    );
    bytes32 internal constant TASK_RESULT = keccak256(
        "TaskResult(bytes32 task,uint32 attempt,address executor,uint8 status,uint32 code,uint64 fuelUsed,BlobRef output)BlobRef(bytes32 root,uint64 length)"
    );
    bytes32 internal constant SOFT_RECEIPT =
        keccak256("SoftReceipt(bytes32 region,bytes32 task,uint64 sequence,uint64 timeMs,uint64 includeBy)");
    bytes32 internal constant BATCH = keccak256(
        "Batch(bytes32 region,uint64 number,bytes32 parent,uint64 firstSequence,bytes32 leafRoot,uint32 count,bytes32 dataRoot,uint32 dataLength,uint32 blobCount,uint64 asOf,uint64 minDeadline)"
    );
    bytes32 internal constant KEY_CONSENT = keccak256("KeyConsent(uint8 role,address owner)");

    function hash(BlobRef memory blob) internal pure returns (bytes32) {
        return keccak256(abi.encode(BLOB_REF, blob));
    }

    function hash(TaskRequest memory request) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                TASK_REQUEST,
                request.client,
                request.region,
                request.program,
                hash(request.input),
                request.fuelLimit,
                request.outputLengthMax,
                request.feeMax,
                request.deadline,
                request.nonce
            )
        );
    }

    function hash(TaskResult memory result) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                TASK_RESULT,
                result.task,
                result.attempt,
                result.executor,
                result.status,
                result.code,
                result.fuelUsed,
                hash(result.output)
            )
        );
    }

    function hash(SoftReceipt memory receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(SOFT_RECEIPT, receipt));
    }

    /// @notice The hash by which a batch is stored. It bears no domain: where it is stored says to whom it belongs.
    function hash(Batch memory batch) internal pure returns (bytes32) {
        return keccak256(abi.encode(BATCH, batch));
    }

    /// @notice What a key signs to say that it may act for an owner in a role.
    function hashConsent(uint8 role, address owner) internal pure returns (bytes32) {
        return keccak256(abi.encode(KEY_CONSENT, role, owner));
    }

    /// @notice What is signed of a struct: its hash under a domain.
    function digest(bytes32 domainSeparator, bytes32 structHash) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
    }

    /// @notice Who signed a digest: 65 bytes r || s || v with v 27 or 28 and s in the lower half. Zero if it is no such
    /// signature, and why it is none; nobody is the zero address.
    function signerOf(bytes32 digest_, bytes memory signature)
        internal
        pure
        returns (address signer, ECDSA.RecoverError reason, bytes32 detail)
    {
        return ECDSA.tryRecover(digest_, signature);
    }
}
