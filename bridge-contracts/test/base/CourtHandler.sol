// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../../src/Court.sol";
import {Role} from "../../src/interfaces/IBonds.sol";
import {Game, Phase} from "../../src/types/Games.sol";
import {Batch, BlobRef, Claim, Descriptor, Fate, LeafProof, Source, SourceKind} from "../../src/types/Objects.sol";
import {Records} from "../twins/Records.sol";
import {Entry, Match} from "./CourtBooks.sol";
import {FateBooks} from "./FateBooks.sol";
import {Belief, Table} from "./Players.sol";
import {Run} from "./Runs.sol";
import {Flaw} from "./Sequencers.sol";
import {CourtOf2} from "./SmallCourts.sol";

/// @notice Does to the court what anybody can do: claims, true and false, by honest executors and by liars, who are replaced
/// as they leave or are convicted; challenges by honest and dishonest challengers, stays among them; moves, silence,
/// settlements. The honest ones are always in time.
contract CourtHandler is FateBooks {
    uint256 private constant CLAIMS_MAX = 32;
    uint256 private constant GAMES_MAX = 48;
    uint256 private constant YOUNG = 5;
    uint256 private constant CHALLENGERS = 5;
    /// @dev States of the run that all claims are about, and beyond.
    uint256 private constant STATES = 16;

    bytes private encodedRun;

    constructor() {
        setUp();
        Run memory run = readRun(TRAP);
        beginPosting();
        run.descriptor.wasm = wasm;
        run.program = programs.register(run.descriptor);
        encodedRun = abi.encode(run);
        others.push(TREASURY);
        for (uint256 i = 0; i < CHALLENGERS; i++) {
            others.push(challengerOf(i));
        }
        honestParty = join(true, EXECUTOR_SECRET);
        lyingParty = join(false, 0x1000);
    }

    function newCourt() internal override returns (Court) {
        return new CourtOf2(parameters(), bonds, programs, batches);
    }

    // What anybody can do.

    /// @dev A batch of one to three claims by one executor, some of which take the output of an earlier one; some with a flaw.
    function postClaims(bool byLiar, bool isLie, uint16 sources, uint8 flaw) external counted {
        uint256 index = byLiar ? lyingParty : honestParty;
        if (entries.length >= CLAIMS_MAX || !isRegistered(parties[index], block.timestamp - 1)) return;
        beSucceeded();
        executor = parties[index].owner;
        isLie = isLie && byLiar;
        Claim[] memory claims = new Claim[](sources % 8 < 4 ? 1 : sources % 8 < 7 ? 2 : 3);
        for (uint256 i = 0; i < claims.length; i++) {
            uint256 seed = uint256(sources) / 8 + 7 * i;
            (claims[i].request, claims[i].result) = truthOf(theRun());
            if (seed / 64 % 3 == 0) {
                makeIdle(claims[i]);
            } else if (isLie) {
                // Half of the lies are such that the next run can take their output.
                claims[i].result.output = sources % 2 == 0 ? nothing() : BlobRef(keccak256("a lie"), 1);
            }
            (claims[i].input, claims[i].wasm) = sourcesOf(seed);
        }
        Batch memory header = postBatch(claims, parties[index].secret, flaw % 16 < 5 ? Flaw(flaw % 16) : Flaw.None);
        for (uint32 i = 0; i < claims.length; i++) {
            takeUp(claims, header, i, isLie);
        }
    }

    function commitTo(uint8 claim, uint8 challenger, uint8 from, bool isHonest, bool isStay) external counted {
        if (entries.length == 0 || matches.length == GAMES_MAX) return;
        uint256 index = claim % entries.length;
        Entry memory entry = entries[index];
        bool inWindow = block.timestamp <= postedAt(entry.proof) + WINDOW;
        if (!inWindow || entry.isIdle || isFaulted(entry) || isConvicted(entry.executor)) return;
        // An honest challenger challenges lies only.
        Belief memory belief = isHonest && entry.isLie ? honest() : Belief(1 + from % STATES, matches.length);
        address sender = challengerOf(challenger);
        uint256 value = isStay ? bonds.stakeOf(Role.Executor, entry.executor) : BOND;
        // Invented states differ from game to game, the truth does not: the same commitment twice is refused.
        if (belief.liesFrom == NEVER && hasHonestGame(index, sender)) return;
        vm.deal(sender, value);
        Match storage added = matches.push();
        added.claim = index;
        added.liesFrom = belief.liesFrom;
        added.table = commit(theRun(), belief, entry.proof, sender, value);
        watch(matches.length - 1);
    }

    /// @dev Some game goes on: its side to move reveals, dissects or steps, as it believes; a liar as the seed says.
    function play(uint8 game, uint8 seed) external counted {
        if (matches.length == 0) return;
        // Mostly young games, so that some get to their end while the clocks run.
        uint256 young = matches.length < YOUNG ? matches.length : YOUNG;
        advance(game % 8 == 0 ? game % matches.length : matches.length - 1 - game % young, seed);
    }

    /// @dev Seldom for long: then windows and notices end.
    function pass(uint16 seconds_) external counted {
        elapse(1 + seconds_ % (seconds_ % 16 == 15 ? 2000 : 80));
    }

    function timeout(uint8 game, uint8 caller) external counted {
        if (matches.length == 0) return;
        uint256 index = game % matches.length;
        Game memory stored = court.gameOf(matches[index].table.id);
        if (!isRunning(stored) || isConvicted(stored.executor) || block.timestamp <= stored.expiry) return;
        address sender = caller % 3 == 0 ? moverOf(stored.executor, caller) : others[caller % others.length];
        vm.prank(sender);
        court.timeout(matches[index].table.id);
    }

    function settle(uint8 game) external counted {
        if (matches.length == 0) return;
        bytes32 id = matches[game % matches.length].table.id;
        Game memory stored = court.gameOf(id);
        if (isRunning(stored) && isConvicted(stored.executor)) court.settle(id);
    }

    function withdraw(uint8 account) external counted {
        uint256 index = account % (others.length + parties.length);
        address owner = index < others.length ? others[index] : parties[index - others.length].owner;
        if (court.creditOf(owner) == 0) return;
        vm.prank(owner);
        court.withdraw(payable(owner));
    }

    /// @dev The only way in which time passes: whoever is honest moves before its clock runs out.
    function elapse(uint256 seconds_) internal override {
        uint256 time = block.timestamp + seconds_;
        for (uint256 i = 0; i < matches.length; i++) {
            while (isHonestTurn(i) && court.gameOf(matches[i].table.id).expiry < time) {
                assertTrue(block.timestamp <= court.gameOf(matches[i].table.id).expiry, "an honest side is in time");
                advance(i, 0);
            }
        }
        vm.warp(time);
        // Gas has a price of its own in each block, above what bonds are sized for in one of two.
        arena.fee(uint256(keccak256(abi.encode(time))) % (2 * BASE_FEE_MAX));
        for (uint256 i = 0; i < matches.length; i++) {
            watch(i);
        }
    }

    /// @dev A run without fuel is out of it at once: its output is the empty blob, which is the input of all.
    function makeIdle(Claim memory claim) private pure {
        claim.request.fuelLimit = 0;
        (claim.result.status, claim.result.code, claim.result.fuelUsed) = (3, 0, 0);
        claim.result.output = nothing();
    }

    /// @dev A claim that was posted goes into the books.
    function takeUp(Claim[] memory claims, Batch memory header, uint32 index, bool isLie) private {
        Claim memory claim = claims[index];
        Entry storage entry = entries.push();
        (entry.executor, entry.isLie, entry.dossier) = (executor, isLie, dossiers.length - 1);
        entry.isIdle = claim.request.fuelLimit == 0 || claim.request.deadline < header.minDeadline;
        entry.isFeeding = claim.result.output.root == claim.request.input.root;
        (entry.input, entry.wasm) = (claim.input, claim.wasm);
        bytes32[] memory siblings = Records.siblingsOf(leavesOf(claims), index, index, true);
        entry.proof = LeafProof(header, index, Records.encode(claim), siblings);
        if (claim.input.kind == SourceKind.Output) entry.feeder = 1 + entryAt(claim.input);
    }

    /// @dev Where input and WASM of a claim are that is about to be posted.
    function sourcesOf(uint256 seed) private view returns (Source memory input, Source memory wasm_) {
        uint64 number = batches.countOf(region);
        uint64 before = earlierBatch(seed / 64);
        input = Source(SourceKind.Here, 0, 0);
        wasm_ = Source(SourceKind.Here, 0, 1);
        if (seed % 8 == 0) wasm_ = Source(SourceKind.Absent, 0, 0);
        if (seed % 8 < 3 && seed % 8 > 0 && number > 0) wasm_ = Source(SourceKind.Earlier, before, 1);
        if (seed / 8 % 8 == 0) input = Source(SourceKind.Absent, 0, 0);
        if (seed / 8 % 8 < 3 && seed / 8 % 8 > 0 && number > 0) input = Source(SourceKind.Earlier, before, 0);
        if (seed / 8 % 8 < 4) return (input, wasm_);
        // The last claim of the region whose output is the input of all; rather one that is not void.
        for (uint256 i = entries.length; i > 0 && entries[i - 1].proof.batch.region == region; i--) {
            Entry storage entry = entries[i - 1];
            if (!entry.isFeeding || (input.kind == SourceKind.Output && entry.fate == Fate.Void)) continue;
            input = Source(SourceKind.Output, entry.proof.batch.number, entry.proof.index);
            if (entry.fate != Fate.Void) break;
        }
    }

    /// @dev A batch of the region, where there is one; every other time one that may fall.
    function earlierBatch(uint256 seed) private view returns (uint64) {
        uint256 first = posters[posters.length - 1].firstDossier;
        uint256 count = dossiers.length - first;
        for (uint256 i = count; i > 0 && seed % 2 == 0; i--) {
            if (dossiers[first + i - 1].flaw != Flaw.None) return uint64(i - 1);
        }
        return count == 0 ? 0 : uint64(seed / 2 % count);
    }

    /// @dev The claim of this region whose output a source names.
    function entryAt(Source memory source) private view returns (uint256 index) {
        for (index = entries.length - 1;; index--) {
            LeafProof storage proof = entries[index].proof;
            if (proof.batch.region != region) continue;
            if (proof.batch.number == source.batch && proof.index == source.index) return index;
        }
    }

    function advance(uint256 index, uint8 seed) private {
        // A reveal is a block later. A game of this very second has its whole clock, so this advances others at most.
        if (block.timestamp == court.gameOf(matches[index].table.id).committedAt) elapse(1);
        Run memory run = theRun();
        Table memory table = matches[index].table;
        Game memory game = court.gameOf(table.id);
        if (!isRunning(game) || isConvicted(game.executor) || block.timestamp > game.expiry) return;
        executor = game.executor;
        if (game.phase == Phase.Committed) {
            Belief memory committed = Belief(matches[index].liesFrom, index);
            reveal(run, committed, table);
        } else {
            bool byChallenger = game.phase == Phase.ChallengerMoves;
            Belief memory belief = byChallenger ? Belief(matches[index].liesFrom, index) : honest();
            if (!byChallenger && !partyOf(executor).isHonest) belief = Belief(1 + seed % STATES, 1000 + seed);
            uint256 j = disputedPart(run, belief, table);
            if (j == 0 || (isStepNext(table) && belief.liesFrom != NEVER)) return;
            matches[index].stale = matches[index].table.position;
            if (play(run, belief, table, byChallenger ? table.challenger : moverOf(executor, seed))) steps++;
        }
        matches[index].table.position = table.position;
        matches[index].table.hashes = table.hashes;
        watch(index);
    }

    function isHonestTurn(uint256 index) private view returns (bool) {
        Game memory game = court.gameOf(matches[index].table.id);
        if (!isRunning(game) || isConvicted(game.executor)) return false;
        if (game.phase == Phase.ExecutorMoves) return partyOf(game.executor).isHonest;
        return matches[index].liesFrom == NEVER;
    }

    function hasHonestGame(uint256 claim, address challenger) private view returns (bool) {
        for (uint256 i = 0; i < matches.length; i++) {
            bool same = matches[i].claim == claim && matches[i].table.challenger == challenger;
            if (same && matches[i].liesFrom == NEVER) return true;
        }
        return false;
    }

    function challengerOf(uint256 seed) internal pure returns (address) {
        return address(uint160(0xC000 + seed % CHALLENGERS));
    }

    function accuserOf(uint256 seed) internal view override returns (address) {
        return others[seed % others.length];
    }

    function accusers() internal view override returns (uint256) {
        return others.length;
    }

    function descriptor() internal view override returns (Descriptor memory) {
        return theRun().descriptor;
    }

    function theRun() internal view returns (Run memory) {
        return abi.decode(encodedRun, (Run));
    }
}
