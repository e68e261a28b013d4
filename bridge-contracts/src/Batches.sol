// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "./interfaces/IBatches.sol";
import {IBonds, Role} from "./interfaces/IBonds.sol";
import {ICourt, Standing} from "./interfaces/ICourt.sol";
import {ClaimRecord} from "./libraries/ClaimRecord.sol";
import {DataPages} from "./libraries/DataPages.sol";
import {Eip712} from "./libraries/Eip712.sol";
import {LeafTree} from "./libraries/LeafTree.sol";
import {Batch, BlobRef, Claim, Fate, LeafProof, Source, SourceKind} from "./types/Objects.sol";
import {Parameters} from "./types/Parameters.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Batches of results, their data, and the fate of their leaves
/// @notice Stores a hash and two times for each batch; everything else is in the logs. Holds no money.
contract Batches is IBatches, EIP712 {
    /// @dev Parts are staged for batch `stagedNumber`: if that is not the next number, none are.
    struct Region {
        address sequencer;
        uint64 count;
        uint64 stagedNumber;
        uint32 stagedParts;
    }

    struct Posted {
        bytes32 batchHash;
        uint64 postedAt;
        uint64 voidedAt;
    }

    uint32 private constant COUNT_MAX = 8192;
    /// @dev An entry of the directory (chapter 12).
    uint256 private constant ENTRY_BYTES = 48;

    IBonds public immutable bonds;
    ICourt public immutable court;
    address public immutable faults;
    uint64 public immutable window;
    uint64 public immutable asOfAgeMax;
    uint8 public immutable chainLengthMax;

    mapping(bytes32 region => Region) private regions;
    mapping(bytes32 region => mapping(uint64 number => Posted)) private posted;
    /// @dev Never cleared: the next batch's parts are written over them for less than fresh slots cost.
    mapping(bytes32 region => mapping(uint256 part => bytes32)) private partRoots;

    constructor(Parameters memory parameters, IBonds bonds_, ICourt court_, address faults_)
        EIP712(Eip712.NAME, Eip712.VERSION)
    {
        bonds = bonds_;
        court = court_;
        faults = faults_;
        window = parameters.window;
        asOfAgeMax = parameters.asOfAgeMax;
        chainLengthMax = parameters.chainLengthMax;
    }

    /// @inheritdoc IBatches
    function openRegion(bytes32 name) external returns (bytes32 region) {
        if (!bonds.isRegistered(Role.Sequencer, msg.sender, uint64(block.timestamp))) {
            revert SequencerNotRegistered(msg.sender);
        }
        region = keccak256(abi.encode(block.chainid, address(this), msg.sender, name));
        if (regions[region].sequencer != address(0)) revert RegionExists(region);
        regions[region].sequencer = msg.sender;
        emit RegionOpened(region, msg.sender, name);
    }

    /// @inheritdoc IBatches
    function stage(bytes32 region, uint64 number, uint32 part, bytes calldata data) external {
        Region storage into = postable(region, number);
        uint32 staged = into.stagedNumber == number ? into.stagedParts : 0;
        if (part > staged) revert PartOutOfOrder(staged, part);
        if (part >= DataPages.PARTS_MAX) revert TooManyParts(DataPages.PARTS_MAX, uint256(part) + 1);
        if (data.length != DataPages.PART_BYTES) revert PartLength(DataPages.PART_BYTES, data.length);

        partRoots[region][part] = DataPages.partRoot(data);
        into.stagedNumber = number;
        into.stagedParts = part + 1;
        emit DataPosted(region, number, part, data);
    }

    /// @inheritdoc IBatches
    function post(Batch calldata batch, bytes calldata lastPart) external {
        Region storage into = postable(batch.region, batch.number);
        uint32 staged = into.stagedNumber == batch.number ? into.stagedParts : 0;
        checkPlace(batch);
        checkTimes(batch);
        uint32 parts = checkData(batch, staged, lastPart);

        bytes32 batchHash = Eip712.hash(batch);
        posted[batch.region][batch.number] =
            Posted({batchHash: batchHash, postedAt: uint64(block.timestamp), voidedAt: 0});
        into.count = batch.number + 1;
        if (lastPart.length != 0) emit DataPosted(batch.region, batch.number, parts, lastPart);
        emit BatchPosted(batch.region, batch.number, batchHash, batch);
    }

    /// @inheritdoc IBatches
    function voidBatch(bytes32 region, uint64 number) external {
        if (msg.sender != faults) revert NotFaultProver(faults, msg.sender);
        Posted storage accused = posted[region][number];
        if (accused.batchHash == 0) revert BatchUnknown(region, number);
        if (accused.voidedAt != 0) revert AlreadyVoid(region, number);
        uint64 last = accused.postedAt + window;
        if (block.timestamp > last) revert WindowOver(last, uint64(block.timestamp));
        accused.voidedAt = uint64(block.timestamp);
        emit BatchVoided(region, number);
    }

    /// @inheritdoc IBatches
    function sequencerOf(bytes32 region) external view returns (address) {
        return regions[region].sequencer;
    }

    /// @inheritdoc IBatches
    function countOf(bytes32 region) external view returns (uint64) {
        return regions[region].count;
    }

    /// @inheritdoc IBatches
    function batchOf(bytes32 region, uint64 number) external view returns (bytes32, uint64, uint64) {
        Posted storage asked = posted[region][number];
        return (asked.batchHash, asked.postedAt, asked.voidedAt);
    }

    /// @inheritdoc IBatches
    function checkLeaf(LeafProof calldata proof) public view returns (bytes32 leaf, uint64 postedAt, uint64 voidedAt) {
        Posted storage asked = posted[proof.batch.region][proof.batch.number];
        if (asked.batchHash == 0) revert BatchUnknown(proof.batch.region, proof.batch.number);
        bytes32 batchHash = Eip712.hash(proof.batch);
        if (batchHash != asked.batchHash) revert BatchMismatch(asked.batchHash, batchHash);
        leaf = ClaimRecord.leaf(proof.record, proof.batch.region, _domainSeparatorV4());
        bytes32 root = LeafTree.fold(leaf, proof.index, proof.batch.count, proof.siblings);
        if (root != proof.batch.leafRoot) revert LeafNotInBatch(proof.batch.leafRoot, root);
        return (leaf, asked.postedAt, asked.voidedAt);
    }

    /// @inheritdoc IBatches
    function fateOf(LeafProof[] calldata chain, bytes32[] calldata programs) external view returns (Fate fate) {
        if (chain.length == 0) revert ChainIncomplete(0, 0);
        Claim memory claim;
        for (uint256 i = 0;; i++) {
            BlobRef memory wanted = claim.request.input;
            if (i > 0) checkLink(chain[0].batch.region, claim.input, chain[i]);
            Fate own;
            (own, claim) = standing(chain[i]);
            if (i > 0) {
                BlobRef memory output = claim.result.output;
                // Another blob than the leaf before takes, or one that nobody can be asked to compute again.
                if (own == Fate.Void || output.root != wanted.root || output.length != wanted.length) {
                    return Fate.Attested;
                }
            }
            if (own != Fate.Final) return own;

            Batch calldata batch = chain[i].batch;
            if (!isAmong(programs, claim.request.program) || !isOnL1(claim.wasm, batch)) return Fate.Attested;
            bool isOutput = claim.input.kind == SourceKind.Output;
            if (isOutput && i + 1 < chainLengthMax) {
                if (i + 1 == chain.length) revert ChainIncomplete(claim.input.batch, claim.input.index);
                continue;
            }
            if (i + 1 != chain.length) revert ChainTooLong(i + 1, chain.length);
            return !isOutput && isOnL1(claim.input, batch) ? Fate.Final : Fate.Attested;
        }
    }

    /// @inheritdoc IBatches
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev The region, if the sender may post its batch `number` now.
    function postable(bytes32 region, uint64 number) private view returns (Region storage into) {
        into = regions[region];
        address sequencer = into.sequencer;
        if (sequencer == address(0)) revert RegionUnknown(region);
        uint64 time = uint64(block.timestamp);
        if (!bonds.isKey(Role.Sequencer, sequencer, msg.sender, time)) revert NotSequencer(sequencer, msg.sender);
        if (!bonds.isRegistered(Role.Sequencer, sequencer, time)) revert SequencerNotRegistered(sequencer);
        if (number != into.count) revert NumberNotNext(into.count, number);
    }

    function checkPlace(Batch calldata batch) private view {
        bytes32 parent = batch.number == 0 ? bytes32(0) : posted[batch.region][batch.number - 1].batchHash;
        if (batch.parent != parent) revert ParentWrong(parent, batch.parent);
        if (batch.count == 0 || batch.count > COUNT_MAX) revert CountOutOfRange(COUNT_MAX, batch.count);
    }

    function checkTimes(Batch calldata batch) private view {
        uint64 time = uint64(block.timestamp);
        uint64 least = time > asOfAgeMax ? time - asOfAgeMax : 0;
        if (batch.asOf < least || batch.asOf >= time) revert AsOf(least, time - 1, batch.asOf);
        if (time > batch.minDeadline) revert DeadlinePassed(batch.minDeadline, time);
    }

    /// @return parts Staged parts that the data has. Those behind are of a longer batch that was not posted, and are left out.
    function checkData(Batch calldata batch, uint32 staged, bytes calldata lastPart)
        private
        view
        returns (uint32 parts)
    {
        if (lastPart.length > DataPages.PART_BYTES) {
            revert PartLength(DataPages.PART_BYTES, lastPart.length);
        }
        parts = uint32(batch.dataLength / DataPages.PART_BYTES);
        if (parts > 0 && lastPart.length == DataPages.PART_BYTES) parts--;
        if (parts > staged) parts = staged;
        uint256 length = parts * DataPages.PART_BYTES + lastPart.length;
        if (batch.dataLength != length) revert DataLength(length, batch.dataLength);
        uint256 all = uint256(parts) + (lastPart.length == 0 ? 0 : 1);
        if (all > DataPages.PARTS_MAX) revert TooManyParts(DataPages.PARTS_MAX, all);

        // Every record, node and entry can be shown from the data, so that what is wrong with one can be shown.
        uint256 least =
            batch.count * ClaimRecord.LENGTH + LeafTree.postedBytes(batch.count) + batch.blobCount * ENTRY_BYTES;
        if (length < least) revert DataTooShort(least, length);
        if (batch.blobCount == 0 && length > least) revert DataTooLong(least, length);

        bytes32[] memory roots = new bytes32[](parts);
        for (uint256 i = 0; i < parts; i++) {
            roots[i] = partRoots[batch.region][i];
        }
        bytes32 root = DataPages.dataRoot(roots, lastPart);
        if (batch.dataRoot != root) revert DataRoot(root, batch.dataRoot);
    }

    /// @dev A leaf by itself: void, challenged, pending, or final if its sources are.
    function standing(LeafProof calldata proof) private view returns (Fate own, Claim memory claim) {
        (, uint64 postedAt, uint64 voidedAt) = checkLeaf(proof);
        Batch calldata batch = proof.batch;
        claim = ClaimRecord.decode(proof.record, batch.region, _domainSeparatorV4());
        if (voidedAt != 0) return (Fate.Void, claim);
        bytes32 id = keccak256(abi.encode(batch.region, batch.number, proof.index));
        (Standing inCourt,) = court.standingOf(id, claim.result.executor, postedAt);
        if (inCourt == Standing.Void) return (Fate.Void, claim);
        if (inCourt == Standing.Held) return (Fate.Challenged, claim);
        return (block.timestamp <= postedAt + window ? Fate.Pending : Fate.Final, claim);
    }

    /// @dev Whether a source, no output, is data of this batch or of an earlier one that is not void.
    function isOnL1(Source memory source, Batch calldata batch) private view returns (bool) {
        if (source.kind == SourceKind.Here) return true;
        if (source.kind != SourceKind.Earlier || source.batch >= batch.number) return false;
        return posted[batch.region][source.batch].voidedAt == 0;
    }

    function isAmong(bytes32[] calldata programs, bytes32 program) private pure returns (bool) {
        for (uint256 i = 0; i < programs.length; i++) {
            if (programs[i] == program) return true;
        }
        return false;
    }

    function checkLink(bytes32 region, Source memory wanted, LeafProof calldata given) private pure {
        if (given.batch.region != region) revert ChainRegion(region, given.batch.region);
        if (given.batch.number != wanted.batch || given.index != wanted.index) {
            revert ChainLink(wanted.batch, wanted.index, given.batch.number, given.index);
        }
    }
}
