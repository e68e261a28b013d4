// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds, Role} from "../../src/interfaces/IBonds.sol";
import {DataWindow} from "../../src/libraries/DataPages.sol";
import {MerklePath} from "../../src/libraries/MerklePath.sol";
import {Evidence} from "../../src/types/Evidence.sol";
import {Batch, BlobRef, Claim, Source, SourceKind} from "../../src/types/Objects.sol";
import {Records} from "../twins/Records.sol";
import {Parties} from "./Parties.sol";

/// @notice What the books say of a sequencer. Times are 0 where nothing has happened yet.
struct Poster {
    address owner;
    bytes32 region;
    /// Index of its first batch among all dossiers.
    uint256 firstDossier;
    uint256 stake;
    uint256 exitedAt;
    uint256 convictedAt;
}

/// @notice What the books say of a batch.
struct Dossier {
    /// {Evidence} that opens all of its data, and its {Claim}s, both encoded.
    bytes shown;
    bytes claims;
    uint256 poster;
    uint256 postedAt;
    /// When it was proven faulty; 0 if it was not.
    uint256 voidedAt;
    Flaw flaw;
    /// Where the flaw is: a leaf, or an offset.
    uint32 flawAt;
}

/// @notice Faults on their faces that sequencers commit here. Each leaves the leaves such that games can be played, but for the
/// one whose deadline lies before its batch's.
enum Flaw {
    None,
    Deadline,
    Sequence,
    Source,
    Padding
}

/// @notice Sequencers, one after the other, each with its stake and a region: who was convicted or has left is replaced by
/// another. Entry 0 of each of their batches is the empty blob, which is the input of all tasks; entry 1 is their WASM.
abstract contract Sequencers is Parties {
    bytes internal constant WASM = "\x00asm\x01\x00\x00\x00";
    uint64 private constant FAR = type(uint64).max;
    uint32 private constant PADDED = 4095;

    Poster[] internal posters;
    Dossier[] internal dossiers;
    BlobRef internal wasm;
    uint64 private sequence;

    /// @dev A sequencer announces its exit, or takes its stake.
    function retire(uint8 poster, bool isOver) external counted {
        Poster storage leaving = posters[poster % posters.length];
        bytes4 wanted = TAKEN;
        if (!isOver) {
            if (!isPosting(leaving)) wanted = IBonds.NotRegistered.selector;
            else if (leaving.exitedAt != 0) wanted = IBonds.ExitAlreadyAnnounced.selector;
            bytes memory goes = abi.encodeCall(IBonds.exit, (Role.Sequencer));
            if (expectOutcome(address(bonds), leaving.owner, 0, goes, wanted)) leaving.exitedAt = block.timestamp;
            return;
        }
        if (leaving.stake == 0) {
            wanted = IBonds.NothingStaked.selector;
        } else if (leaving.exitedAt == 0) {
            wanted = IBonds.ExitNotAnnounced.selector;
        } else if (block.timestamp < leaving.exitedAt + NOTICE + WITHDRAWAL_DELAY) {
            wanted = IBonds.NotYetWithdrawable.selector;
        }
        bytes memory takes = abi.encodeCall(IBonds.withdrawStake, (Role.Sequencer, payable(leaving.owner)));
        if (!expectOutcome(address(bonds), leaving.owner, 0, takes, wanted)) return;
        assertEq(leaving.owner.balance, leaving.stake, "a sequencer's stake, to the wei");
        leaving.stake = 0;
    }

    // What the books say.

    /// @dev Sequencers that announced their exits, and those whose stakes left.
    function reachedBySequencers() external view returns (uint256 left, uint256 taken) {
        for (uint256 i = 0; i < posters.length; i++) {
            if (posters[i].exitedAt == 0) continue;
            left++;
            if (posters[i].stake == 0 && posters[i].convictedAt == 0) taken++;
        }
    }

    /// @dev Sequencers: a stake is there as long as a fault can be proven that is the first one, registrations end when they
    /// must, and those batches are void that were proven faulty.
    function checkSequencers() external view {
        for (uint256 i = 0; i < posters.length; i++) {
            Poster memory poster = posters[i];
            assertEq(bonds.stakeOf(Role.Sequencer, poster.owner), poster.stake, "a sequencer's stake in the books");
            bool isRegisteredNow = bonds.isRegistered(Role.Sequencer, poster.owner, uint64(block.timestamp));
            assertTrue(isRegisteredNow == isPosting(posters[i]), "a sequencer's registration in the books");
        }
        for (uint256 i = 0; i < dossiers.length; i++) {
            Dossier storage dossier = dossiers[i];
            Poster storage poster = posters[dossier.poster];
            uint64 number = uint64(i - poster.firstDossier);
            (, uint64 posted, uint64 voidedAt) = batches.batchOf(poster.region, number);
            assertEq(voidedAt, dossier.voidedAt, "void if and only if it was proven faulty");
            bool hangs = block.timestamp <= posted + WINDOW && poster.convictedAt == 0;
            if (hangs) assertTrue(poster.stake >= STAKE, "a sequencer's stake that a batch hangs on");
        }
    }

    function stakesBeside() internal view override returns (uint256 stakes) {
        for (uint256 i = 0; i < posters.length; i++) {
            stakes += posters[i].stake;
        }
    }

    function isPosting(Poster storage poster) internal view returns (bool) {
        if (poster.convictedAt != 0) return false;
        return poster.exitedAt == 0 || block.timestamp < poster.exitedAt + NOTICE;
    }

    /// @dev The first one is the arena's.
    function beginPosting() internal {
        wasm = Records.blobOf(WASM);
        posters.push(Poster(sequencer, region, 0, STAKE, 0, 0));
    }

    /// @dev If the last sequencer can't post any more, another begins a region of its own.
    function beSucceeded() internal {
        if (isPosting(posters[posters.length - 1])) return;
        sequencer = vm.addr(0x5e9000 + posters.length);
        register(Role.Sequencer, sequencer);
        vm.prank(sequencer);
        region = batches.openRegion("another");
        posters.push(Poster(sequencer, region, dossiers.length, STAKE, 0, 0));
    }

    /// @dev The empty blob.
    function nothing() internal pure returns (BlobRef memory) {
        return BlobRef(MerklePath.ZERO_PAGE, 0);
    }

    /// @dev Posts a batch of these claims, signed by the client and by `secret`, with this flaw. They are then as posted.
    function postBatch(Claim[] memory claims, uint256 secret, Flaw flaw) internal returns (Batch memory header) {
        Dossier storage dossier = dossiers.push();
        (dossier.poster, dossier.postedAt, dossier.flaw) = (posters.length - 1, block.timestamp, flaw);
        uint32 last = uint32(claims.length - 1);
        if (flaw == Flaw.Deadline) claims[last].request.deadline = FAR - 1;
        if (flaw == Flaw.Source) claims[last].input = Source(SourceKind.Here, 0, 9);
        if (flaw == Flaw.Deadline || flaw == Flaw.Source) dossier.flawAt = last;
        if (flaw == Flaw.Padding) dossier.flawAt = PADDED;

        header.firstSequence = sequence + (flaw == Flaw.Sequence ? 1 : 0);
        sign(claims, secret);
        bytes32[] memory leaves = leavesOf(claims);
        header.leafRoot = Records.rootOf(leaves, true);
        bytes memory data = dataOf(claims, leaves);
        if (flaw == Flaw.Padding) data[PADDED] = 0x01;
        complete(header, data, uint32(claims.length));
        vm.prank(sequencer);
        batches.post(header, data);

        Evidence memory shown;
        shown.batch = header;
        shown.windows = new DataWindow[](1);
        shown.windows[0].data = data;
        (dossier.shown, dossier.claims) = (abi.encode(shown), abi.encode(claims));
    }

    /// @dev Each has a number of its own, which is its nonce too.
    function sign(Claim[] memory claims, uint256 secret) private {
        bytes32 domain = batches.domainSeparator();
        for (uint256 i = 0; i < claims.length; i++) {
            (claims[i].sequence, claims[i].request.nonce) = (sequence, sequence);
            sequence++;
            claims[i].result.task = Records.taskOf(claims[i], domain);
            claims[i].clientSignature = sign(CLIENT_SECRET, claims[i].result.task);
            claims[i].executorSignature = sign(secret, Records.resultHash(claims[i], domain));
        }
    }

    function leavesOf(Claim[] memory claims) internal view returns (bytes32[] memory leaves) {
        bytes32 domain = batches.domainSeparator();
        leaves = new bytes32[](claims.length);
        for (uint256 i = 0; i < claims.length; i++) {
            leaves[i] = Records.leafOf(claims[i], domain);
        }
    }

    /// @dev One page of records, their tree and the directory, and one that the WASM begins.
    function dataOf(Claim[] memory claims, bytes32[] memory leaves) private view returns (bytes memory data) {
        for (uint256 i = 0; i < claims.length; i++) {
            data = bytes.concat(data, Records.encode(claims[i]));
        }
        bytes memory entries = abi.encodePacked(nothing().root, uint64(0), uint32(0), uint32(1));
        entries = abi.encodePacked(entries, wasm.root, wasm.length, uint32(0), uint32(1));
        data = bytes.concat(data, Records.treeOf(leaves), entries);
        return bytes.concat(Records.cut(data, 0, 4096), WASM);
    }

    /// @dev Fills in what does not hang on the claims.
    function complete(Batch memory header, bytes memory data, uint32 count) private view {
        header.region = region;
        header.number = batches.countOf(region);
        if (header.number > 0) (header.parent,,) = batches.batchOf(region, header.number - 1);
        (header.count, header.blobCount) = (count, 2);
        header.dataRoot = Records.rootOf(Records.pageHashes(data), false);
        header.dataLength = uint32(data.length);
        header.asOf = uint64(block.timestamp - 1);
        header.minDeadline = FAR;
    }
}
