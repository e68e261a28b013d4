// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlobRef, Claim, Place, Source, SourceKind, TaskRequest, TaskResult} from "../types/Objects.sol";
import {Eip712} from "./Eip712.sol";

/// @title The packed record of a claim, as the data of a batch holds it (chapter 12, "Records")
/// @notice 393 bytes, integers big-endian, nothing optional: every 393 bytes are one record and hash to one leaf, so that a
/// record can be held against its leaf whatever it says. Only a source's kind can be meaningless; {decode} refuses it.
/// Region and task id are not in the record: the region is the batch's, the task id is the request's digest.
library ClaimRecord {
    error RecordLength(uint256 expected, uint256 given);
    /// @notice Not a kind of source, or no kind of a wasm source.
    error SourceKindUnknown(uint8 last, uint8 given);

    uint256 internal constant LENGTH = 393;

    /// @dev Where a field begins. A field ends where the next one begins.
    uint256 private constant SEQUENCE = 0;
    uint256 private constant CLIENT = 8;
    uint256 private constant PROGRAM = 28;
    uint256 private constant INPUT_ROOT = 60;
    uint256 private constant INPUT_LENGTH = 92;
    uint256 private constant FUEL_LIMIT = 100;
    uint256 private constant OUTPUT_LENGTH_MAX = 108;
    uint256 private constant FEE_MAX = 116;
    uint256 private constant DEADLINE = 132;
    uint256 private constant NONCE = 140;
    uint256 private constant CLIENT_SIGNATURE = 148;
    uint256 private constant ATTEMPT = 213;
    uint256 private constant EXECUTOR = 217;
    uint256 private constant STATUS = 237;
    uint256 private constant CODE = 238;
    uint256 private constant FUEL_USED = 242;
    uint256 private constant OUTPUT_ROOT = 250;
    uint256 private constant OUTPUT_LENGTH = 282;
    uint256 private constant EXECUTOR_SIGNATURE = 290;
    uint256 private constant INPUT_SOURCE = 355;
    uint256 private constant WASM_SOURCE = 368;
    uint256 private constant PREDECESSOR = 381;

    bytes32 private constant LEAF_TAG = keccak256("assay.batch.leaf.v1");

    /// @notice The claim that a record is.
    /// @param region Region of its batch.
    /// @param domainSeparator EIP-712 domain of Batches.
    function decode(bytes calldata record, bytes32 region, bytes32 domainSeparator)
        internal
        pure
        returns (Claim memory claim)
    {
        checkLength(record);
        claim.sequence = uint64At(record, SEQUENCE);
        claim.request = requestOf(record, region);
        claim.clientSignature = record[CLIENT_SIGNATURE:ATTEMPT];
        claim.result = resultOf(record, taskOf(claim.request, domainSeparator));
        claim.executorSignature = record[EXECUTOR_SIGNATURE:INPUT_SOURCE];
        claim.input = sourceAt(record, INPUT_SOURCE, SourceKind.Output);
        claim.wasm = sourceAt(record, WASM_SOURCE, SourceKind.Earlier);
        claim.predecessor = Place(uint64At(record, PREDECESSOR), uint32At(record, PREDECESSOR + 8));
    }

    /// @notice The leaf that a record hashes to. Any 393 bytes have one.
    function leaf(bytes calldata record, bytes32 region, bytes32 domainSeparator) internal pure returns (bytes32) {
        checkLength(record);
        bytes32 task = taskOf(requestOf(record, region), domainSeparator);
        TaskResult memory result = resultOf(record, task);
        bytes32[9] memory words = [
            LEAF_TAG,
            bytes32(uint256(uint64At(record, SEQUENCE))),
            bytes32(uint256(result.attempt)),
            task,
            keccak256(record[CLIENT_SIGNATURE:ATTEMPT]),
            resultHash(result, domainSeparator),
            bytes32(uint256(uint160(result.executor))),
            keccak256(record[EXECUTOR_SIGNATURE:INPUT_SOURCE]),
            sourcesHash(record)
        ];
        return keccak256(abi.encode(words));
    }

    /// @notice Task id: what the client signed.
    function taskOf(TaskRequest memory request, bytes32 domainSeparator) internal pure returns (bytes32) {
        return Eip712.digest(domainSeparator, Eip712.hash(request));
    }

    /// @notice What the executor signed.
    function resultHash(TaskResult memory result, bytes32 domainSeparator) internal pure returns (bytes32) {
        return Eip712.digest(domainSeparator, Eip712.hash(result));
    }

    /// @notice The request of a record of checked length.
    function requestOf(bytes calldata record, bytes32 region) internal pure returns (TaskRequest memory request) {
        request.client = address(bytes20(record[CLIENT:PROGRAM]));
        request.region = region;
        request.program = bytes32(record[PROGRAM:INPUT_ROOT]);
        request.input = BlobRef(bytes32(record[INPUT_ROOT:INPUT_LENGTH]), uint64At(record, INPUT_LENGTH));
        request.fuelLimit = uint64At(record, FUEL_LIMIT);
        request.outputLengthMax = uint64At(record, OUTPUT_LENGTH_MAX);
        request.feeMax = uint128(bytes16(record[FEE_MAX:DEADLINE]));
        request.deadline = uint64At(record, DEADLINE);
        request.nonce = uint64At(record, NONCE);
    }

    /// @notice The result of a record of checked length.
    function resultOf(bytes calldata record, bytes32 task) internal pure returns (TaskResult memory result) {
        result.task = task;
        result.attempt = uint32At(record, ATTEMPT);
        result.executor = address(bytes20(record[EXECUTOR:STATUS]));
        result.status = uint8(record[STATUS]);
        result.code = uint32At(record, CODE);
        result.fuelUsed = uint64At(record, FUEL_USED);
        result.output = BlobRef(bytes32(record[OUTPUT_ROOT:OUTPUT_LENGTH]), uint64At(record, OUTPUT_LENGTH));
    }

    function sequenceOf(bytes calldata record) internal pure returns (uint64) {
        return uint64At(record, SEQUENCE);
    }

    function attemptOf(bytes calldata record) internal pure returns (uint32) {
        return uint32At(record, ATTEMPT);
    }

    function executorOf(bytes calldata record) internal pure returns (address) {
        return address(bytes20(record[EXECUTOR:STATUS]));
    }

    function clientSignatureOf(bytes calldata record) internal pure returns (bytes calldata) {
        return record[CLIENT_SIGNATURE:ATTEMPT];
    }

    function executorSignatureOf(bytes calldata record) internal pure returns (bytes calldata) {
        return record[EXECUTOR_SIGNATURE:INPUT_SOURCE];
    }

    /// @notice The source of the input as it stands, of whatever kind.
    function inputSourceOf(bytes calldata record) internal pure returns (uint8 kind, Place memory place) {
        return (uint8(record[INPUT_SOURCE]), placeAt(record, INPUT_SOURCE + 1));
    }

    /// @notice The source of the WASM as it stands, of whatever kind.
    function wasmSourceOf(bytes calldata record) internal pure returns (uint8 kind, Place memory place) {
        return (uint8(record[WASM_SOURCE]), placeAt(record, WASM_SOURCE + 1));
    }

    function predecessorOf(bytes calldata record) internal pure returns (Place memory) {
        return placeAt(record, PREDECESSOR);
    }

    function checkLength(bytes calldata record) internal pure {
        if (record.length != LENGTH) revert RecordLength(LENGTH, record.length);
    }

    /// @dev Sources and predecessor as a leaf commits to them: every number as a word, kinds as they stand.
    function sourcesHash(bytes calldata record) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                uint8(record[INPUT_SOURCE]),
                uint64At(record, INPUT_SOURCE + 1),
                uint32At(record, INPUT_SOURCE + 9),
                uint8(record[WASM_SOURCE]),
                uint64At(record, WASM_SOURCE + 1),
                uint32At(record, WASM_SOURCE + 9),
                uint64At(record, PREDECESSOR),
                uint32At(record, PREDECESSOR + 8)
            )
        );
    }

    function sourceAt(bytes calldata record, uint256 offset, SourceKind last) private pure returns (Source memory) {
        uint8 kind = uint8(record[offset]);
        if (kind > uint8(last)) revert SourceKindUnknown(uint8(last), kind);
        return Source(SourceKind(kind), uint64At(record, offset + 1), uint32At(record, offset + 9));
    }

    function placeAt(bytes calldata record, uint256 offset) private pure returns (Place memory) {
        return Place(uint64At(record, offset), uint32At(record, offset + 8));
    }

    function uint64At(bytes calldata record, uint256 offset) private pure returns (uint64) {
        return uint64(bytes8(record[offset:offset + 8]));
    }

    function uint32At(bytes calldata record, uint256 offset) private pure returns (uint32) {
        return uint32(bytes4(record[offset:offset + 4]));
    }
}
