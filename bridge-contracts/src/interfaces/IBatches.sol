// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batch, Fate, LeafProof} from "../types/Objects.sol";

/// @title Batches of results, their data, and the fate of their leaves (chapter 12)
interface IBatches {
    event RegionOpened(bytes32 indexed region, address indexed sequencer, bytes32 name);
    /// @notice A part of the data of batch `number`: parts in order, concatenated, are the data.
    event DataPosted(bytes32 indexed region, uint64 indexed number, uint32 part, bytes data);
    event BatchPosted(bytes32 indexed region, uint64 indexed number, bytes32 batchHash, Batch batch);
    event BatchVoided(bytes32 indexed region, uint64 indexed number);

    /// @notice Opens a region, whose sequencer is the sender. Its id is keccak256(abi.encode(chain id, this, sender, name)).
    function openRegion(bytes32 name) external returns (bytes32 region);

    /// @notice Posts part `part` of the data of the region's next batch: exactly 16 pages of 4096 bytes.
    /// A part that is posted again with the same number replaces it and drops those after it.
    function stage(bytes32 region, uint64 number, uint32 part, bytes calldata data) external;

    /// @notice Posts the region's next batch with the last part of its data, of 0 to 16 pages, the last page cut where the
    /// data ends.
    function post(Batch calldata batch, bytes calldata lastPart) external;

    /// @notice Voids a batch within its window: the fault prover alone.
    function voidBatch(bytes32 region, uint64 number) external;

    /// @notice The owner of the stake behind a region, zero if there is no such region.
    function sequencerOf(bytes32 region) external view returns (address);

    /// @notice Number of batches that a region has posted: the number of the next one.
    function countOf(bytes32 region) external view returns (uint64);

    /// @notice What is stored of a batch: its hash (zero if there is none), when it was posted and when voided (0: not).
    function batchOf(bytes32 region, uint64 number)
        external
        view
        returns (bytes32 batchHash, uint64 postedAt, uint64 voidedAt);

    /// @notice Checks that a batch is stored and contains the leaf of a record at an index. Reverts with what is wrong.
    /// @return leaf The leaf, and when its batch was posted and voided (0: not).
    function checkLeaf(LeafProof calldata proof) external view returns (bytes32 leaf, uint64 postedAt, uint64 voidedAt);

    /// @notice The fate of a leaf. `chain[0]` is the leaf; where its input is the output of another leaf, that one follows, and
    /// so on, at most the preset's length.
    function fateOf(LeafProof[] calldata chain) external view returns (Fate);

    /// @notice EIP-712 domain separator of requests, results and receipts.
    function domainSeparator() external view returns (bytes32);
}
