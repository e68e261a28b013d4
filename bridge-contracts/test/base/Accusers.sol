// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "../../src/Credits.sol";
import {IBatches} from "../../src/interfaces/IBatches.sol";
import {IFaults} from "../../src/interfaces/IFaults.sol";
import {ClaimFaults} from "../../src/libraries/faults/ClaimFaults.sol";
import {Evidence} from "../../src/types/Evidence.sol";
import {Claim, Descriptor, Source, SourceKind} from "../../src/types/Objects.sol";
import {Dossier, Flaw, Poster, Sequencers} from "./Sequencers.sol";

/// @notice What can be said of a batch: the proofs of {Faults}, in the order of their faults.
enum Proof {
    ClientSignature,
    ExecutorSignature,
    Bound,
    Program,
    Repeated,
    Predecessor,
    Deadline,
    Leaves,
    Sequence,
    InputSource,
    WasmSource,
    Entry,
    DataLength,
    Page,
    BlobNode,
    Padding,
    LeafNode
}

/// @notice Accuses batches before the fault prover, rightly and not, and takes what it owes. The books foretell which proofs
/// are taken, what each is paid, and the error of every other.
abstract contract Accusers is Sequencers {
    uint256 private constant YOUNG = 5;

    /// @dev How often each proof was refused because nothing was wrong.
    uint256[17] internal innocences;
    /// @dev How often each flaw was proven, and how often of a sequencer that had nothing left.
    uint256[5] internal proven;
    uint256 internal unpaid;
    /// @dev What the fault prover owes.
    mapping(address prover => uint256) private rewards;

    /// @dev Who accuses, by a number.
    function accuserOf(uint256 seed) internal view virtual returns (address);

    function accusers() internal view virtual returns (uint256);

    function descriptor() internal view virtual returns (Descriptor memory);

    /// @dev Some batch, mostly a young one, is accused of something; mostly of what is wrong with it, where something is.
    function accuse(uint8 batch, uint8 kind, uint8 place) external counted {
        if (dossiers.length == 0) return;
        uint256 young = dossiers.length < YOUNG || batch % 4 == 0 ? dossiers.length : YOUNG;
        uint256 index = dossiers.length - 1 - batch / 4 % young;
        Dossier storage accused = dossiers[index];
        bool isFlawed = accused.flaw != Flaw.None;
        bool isRight = isFlawed && kind % 4 != 0;
        Proof proof = isRight ? proofOf(accused.flaw) : Proof(kind / 4 % 17);
        uint32 spot = isRight ? accused.flawAt : placeOf(accused, proof, place);
        bytes4 wanted = TAKEN;
        if (!isFlawed || proof != proofOf(accused.flaw) || spot != accused.flawAt) {
            wanted = isFirst(index, proof, spot) ? ClaimFaults.NotBefore.selector : IFaults.NoFault.selector;
        } else if (accused.voidedAt != 0) {
            wanted = IBatches.AlreadyVoid.selector;
        } else if (block.timestamp > accused.postedAt + WINDOW) {
            wanted = IBatches.WindowOver.selector;
        }
        address accuser = accuserOf(place);
        if (expectOutcome(address(faults), accuser, 0, callOf(index, proof, spot), wanted)) {
            noteProven(accused, accuser);
        } else if (wanted == IFaults.NoFault.selector) {
            innocences[uint256(proof)]++;
        }
    }

    function takeReward(uint8 account) external counted {
        address accuser = accuserOf(account);
        bytes4 wanted = rewards[accuser] == 0 ? Credits.NothingOwed.selector : TAKEN;
        bytes memory data = abi.encodeCall(Credits.withdraw, (payable(accuser)));
        if (!expectOutcome(address(faults), accuser, 0, data, wanted)) return;
        assertEq(accuser.balance, rewards[accuser], "a reward, to the wei");
        rewards[accuser] = 0;
    }

    // What the books say.

    /// @dev The fault prover holds what it owes, to the wei, and owes what was not burned of the stakes that it took.
    function checkRewards() external view {
        uint256 debts;
        for (uint256 i = 0; i < accusers(); i++) {
            address accuser = accuserOf(i);
            assertEq(faults.creditOf(accuser), rewards[accuser], "a reward in the books");
            debts += rewards[accuser];
        }
        assertEq(address(faults).balance, debts, "the fault prover is solvent to the wei");
    }

    /// @dev How often each flaw was proven and each proof refused.
    function reachedByAccusers() external view returns (uint256[5] memory, uint256, uint256[17] memory) {
        return (proven, unpaid, innocences);
    }

    function noteProven(Dossier storage accused, address accuser) private {
        Poster storage poster = posters[accused.poster];
        if (poster.convictedAt == 0) {
            assertTrue(poster.stake >= STAKE, "a sequencer has something to lose");
            poster.convictedAt = block.timestamp;
        } else {
            unpaid++;
        }
        uint256 toTreasury = poster.stake * BURN_SHARE_BPS / 10_000;
        burned += toTreasury;
        rewards[accuser] += poster.stake - toTreasury;
        poster.stake = 0;
        accused.voidedAt = block.timestamp;
        proven[uint256(accused.flaw)]++;
    }

    function proofOf(Flaw flaw) private pure returns (Proof) {
        if (flaw == Flaw.Deadline) return Proof.Deadline;
        if (flaw == Flaw.Sequence) return Proof.Sequence;
        return flaw == Flaw.Source ? Proof.InputSource : Proof.Padding;
    }

    /// @dev A leaf, an offset or an entry; the first pair of leaves, and their root.
    function placeOf(Dossier storage accused, Proof proof, uint8 place) private view returns (uint32) {
        uint32 count = uint32(claimsOf(accused).length);
        if (proof == Proof.Padding) return 16 * uint32(place);
        if (proof == Proof.LeafNode) return count - 1;
        return proof == Proof.Leaves ? 0 : place % (proof < Proof.Entry ? count : 2);
    }

    /// @dev What stands first in a region repeats nothing.
    function isFirst(uint256 index, Proof proof, uint32 spot) private view returns (bool) {
        return proof == Proof.Repeated && spot == 0 && index == posters[dossiers[index].poster].firstDossier;
    }

    function callOf(uint256 index, Proof proof, uint32 spot) private view returns (bytes memory) {
        Evidence memory shown = shownOf(dossiers[index]);
        if (proof == Proof.ClientSignature) return abi.encodeCall(IFaults.proveClientSignature, (shown, spot));
        if (proof == Proof.ExecutorSignature) return abi.encodeCall(IFaults.proveExecutorSignature, (shown, spot));
        if (proof == Proof.Bound) return abi.encodeCall(IFaults.proveBound, (shown, spot));
        if (proof == Proof.Program) return abi.encodeCall(IFaults.proveProgram, (shown, spot));
        if (proof == Proof.Deadline) return abi.encodeCall(IFaults.proveDeadline, (shown, spot));
        if (proof == Proof.Leaves) return abi.encodeCall(IFaults.proveLeaves, (shown, spot));
        if (proof == Proof.Sequence) return abi.encodeCall(IFaults.proveSequence, (shown, spot));
        if (proof == Proof.Entry) return abi.encodeCall(IFaults.proveEntry, (shown, spot));
        if (proof == Proof.DataLength) return abi.encodeCall(IFaults.proveDataLength, (shown));
        if (proof == Proof.Page) return abi.encodeCall(IFaults.provePage, (shown, spot, 0));
        if (proof == Proof.BlobNode) return abi.encodeCall(IFaults.proveBlobNode, (shown, 1, 0, 0));
        if (proof == Proof.Padding) return abi.encodeCall(IFaults.provePadding, (shown, 1, spot));
        // The root over one leaf, two or three.
        if (proof == Proof.LeafNode) return abi.encodeCall(IFaults.proveLeafNode, (shown, spot, 0));
        return callWithOther(index, shown, proof, spot);
    }

    /// @dev Proofs that show a second batch.
    function callWithOther(uint256 index, Evidence memory shown, Proof proof, uint32 spot)
        private
        view
        returns (bytes memory)
    {
        Dossier storage accused = dossiers[index];
        uint256 first = posters[accused.poster].firstDossier;
        Evidence memory other = shownOf(dossiers[first]);
        if (proof == Proof.Repeated) return abi.encodeCall(IFaults.proveRepeated, (shown, spot, other, 0));
        if (proof == Proof.Predecessor) return abi.encodeCall(IFaults.provePredecessor, (shown, spot, other));
        Claim memory claim = claimsOf(accused)[spot];
        Source memory source = proof == Proof.InputSource ? claim.input : claim.wasm;
        if (source.kind > SourceKind.Here) other = shownOf(dossiers[first + source.batch]);
        if (proof == Proof.InputSource) return abi.encodeCall(IFaults.proveInputSource, (shown, spot, other));
        return abi.encodeCall(IFaults.proveWasmSource, (shown, spot, other, descriptor()));
    }

    function shownOf(Dossier storage dossier) private view returns (Evidence memory) {
        return abi.decode(dossier.shown, (Evidence));
    }

    function claimsOf(Dossier storage dossier) private view returns (Claim[] memory) {
        return abi.decode(dossier.claims, (Claim[]));
    }
}
