// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batch, Fate, LeafProof} from "../types/Objects.sol";
import {ICourt} from "./ICourt.sol";

/// @title Batches of results, their data, and the fate of their leaves (chapter 12)
/// @notice Each region has one sequencer, whose batches are numbered without gaps. Nothing that is posted is ever taken away:
/// a voided batch keeps its number.
interface IBatches {
    error RegionExists(bytes32 region);
    error RegionUnknown(bytes32 region);
    /// @notice The sender is neither the region's sequencer nor a key of it that is valid now.
    error NotSequencer(address expected, address given);
    error SequencerNotRegistered(address sequencer);

    error NumberNotNext(uint64 expected, uint64 given);
    /// @notice Parts come in order; one that was posted can be posted again. `most` is the next one's number.
    error PartOutOfOrder(uint32 most, uint32 given);
    error PartLength(uint256 expected, uint256 given);
    error TooManyParts(uint256 most, uint256 given);

    error ParentWrong(bytes32 expected, bytes32 given);
    error CountOutOfRange(uint32 most, uint32 given);
    /// @notice The header says another length than was posted.
    error DataLength(uint256 expected, uint256 given);
    /// @notice The data can't hold the records, the leaf tree and the directory that the header says.
    error DataTooShort(uint256 least, uint256 given);
    /// @notice The header says that there are no blobs, and there is data behind the leaf tree.
    error DataTooLong(uint256 most, uint256 given);
    error DataRoot(bytes32 expected, bytes32 given);
    /// @notice `asOf` is not in the past, or too far in it.
    error AsOf(uint64 least, uint64 most, uint64 given);
    error DeadlinePassed(uint64 minDeadline, uint64 given);

    error NotFaultProver(address expected, address given);
    error BatchUnknown(bytes32 region, uint64 number);
    error AlreadyVoid(bytes32 region, uint64 number);
    error WindowOver(uint64 last, uint64 given);

    error BatchMismatch(bytes32 expected, bytes32 given);
    error LeafNotInBatch(bytes32 expected, bytes32 given);
    /// @notice The leaf's input is the output of another leaf, which has to follow in the chain.
    error ChainIncomplete(uint64 batch, uint32 index);
    error ChainTooLong(uint256 expected, uint256 given);
    /// @notice A leaf in the chain is not the one whose output the leaf before it takes.
    error ChainLink(uint64 expectedBatch, uint32 expectedIndex, uint64 givenBatch, uint32 givenIndex);
    error ChainRegion(bytes32 expected, bytes32 given);

    event RegionOpened(bytes32 indexed region, address indexed sequencer, bytes32 name);
    /// @notice A part of the data of batch `number`: parts in order, concatenated, are the data. Of a part that is posted
    /// again the last one counts, and drops what was posted of later ones.
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
    /// @dev Sequence numbers are those of intake: they ascend within a batch, and long jobs may stand in a later batch than
    /// what was taken in after them. So `firstSequence` is compared with the records only, by face faults. A further attempt
    /// of a task has a sequence number of its own.
    /// `asOf` lies strictly before now: what bonds and programs say about the time of an earlier block never changes, so that
    /// nobody can make an honest batch faulty by acting in the same block.
    function post(Batch calldata batch, bytes calldata lastPart) external;

    /// @notice Voids a batch within its window, whose last second is posting plus W: the fault prover alone.
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

    /// @notice The fate of a leaf, for whoever relies on `programs`. `chain[0]` is the leaf; where its input is the output of
    /// another leaf, that one follows, and so on, at most the preset's length. What does not decide the answer is not read.
    ///
    ///     void        its batch was voided, or its executor convicted, before it became final
    ///     challenged  a game on it is open, or a stay holds it
    ///     pending     else, while its window is open: up to posting plus W, that second included
    ///     attested    else, if its program is not among `programs`, or its WASM is not L1 data
    ///     final       else, if its input is L1 data, or the output of a final leaf
    ///     pending, challenged   else, if that leaf is
    ///     attested    else
    ///
    /// Data of a batch that is void, or of one that does not stand before, is not L1 data here. Void is for ever, and so is
    /// final for the same programs.
    /// @param programs The programs that the caller relies on, of the leaf and of those that feed it: it, or somebody whom it
    /// trusts, has computed their ids from modules that everybody has. Ids are registered as they are given: an image that its
    /// WASM does not lower to is nobody's to run but its maker's, who alone has what it puts out. No honest program that is fed
    /// with that can be run again either, so that a leaf is final only if every leaf of its chain runs one of these.
    function fateOf(LeafProof[] calldata chain, bytes32[] calldata programs) external view returns (Fate);

    /// @notice The court whose convictions void leaves.
    function court() external view returns (ICourt);

    /// @notice EIP-712 domain separator of requests, results and receipts.
    function domainSeparator() external view returns (bytes32);
}
