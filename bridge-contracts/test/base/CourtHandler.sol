// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../../src/Court.sol";
import {Role} from "../../src/interfaces/IBonds.sol";
import {Standing} from "../../src/interfaces/ICourt.sol";
import {Game, Phase} from "../../src/types/Games.sol";
import {LeafProof, TaskRequest, TaskResult} from "../../src/types/Objects.sol";
import {CourtBooks, Entry, Match} from "./CourtBooks.sol";
import {Belief, Table} from "./Players.sol";
import {Run} from "./Runs.sol";
import {CourtOf2} from "./SmallCourts.sol";

/// @notice Does to the court what anybody can do: claims, true and false, by honest executors and by liars, who are replaced
/// as they leave or are convicted; challenges by honest and dishonest challengers, stays among them; moves, silence,
/// settlements. The honest ones are always in time.
contract CourtHandler is CourtBooks {
    uint256 private constant CLAIMS_MAX = 24;
    uint256 private constant GAMES_MAX = 48;
    uint256 private constant YOUNG = 5;
    uint256 private constant CHALLENGERS = 5;
    /// @dev States of the run that all claims are about, and beyond.
    uint256 private constant STATES = 16;

    bytes private encodedRun;

    constructor() {
        setUp();
        encodedRun = abi.encode(readRun(TRAP));
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

    function postClaim(bool byLiar, bool isLie) external counted {
        uint256 index = byLiar ? lyingParty : honestParty;
        if (entries.length == CLAIMS_MAX || !isRegistered(parties[index], block.timestamp - 1)) return;
        Run memory run = theRun();
        executor = parties[index].owner;
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        isLie = isLie && byLiar;
        if (isLie) result.output.root = keccak256("a lie");
        Entry storage entry = entries.push();
        entry.proof = post(recordOf(request, result, parties[index].secret));
        (entry.executor, entry.isLie) = (executor, isLie);
    }

    function commitTo(uint8 claim, uint8 challenger, uint8 from, bool isHonest, bool isStay) external counted {
        if (entries.length == 0 || matches.length == GAMES_MAX) return;
        uint256 index = claim % entries.length;
        Entry memory entry = entries[index];
        bool inWindow = block.timestamp <= postedAt(entry.proof) + WINDOW;
        if (!inWindow || entry.isFaulted || isConvicted(entry.executor)) return;
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

    /// @dev A few batches are proven faulty while their windows are open.
    function accuse(uint8 claim) external counted {
        if (entries.length == 0 || claim % 4 != 0) return;
        Entry storage entry = entries[claim % entries.length];
        if (entry.isFaulted || block.timestamp > postedAt(entry.proof) + WINDOW) return;
        vm.prank(address(0xfa017));
        batches.voidBatch(region, entry.proof.batch.number);
        entry.isFaulted = true;
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

    /// @dev After each call the books take down what has become of the claims.
    function takeDown() internal override {
        renew();
        for (uint256 i = 0; i < entries.length; i++) {
            Entry storage entry = entries[i];
            if (entry.isFinal || entry.isVoid) continue;
            uint64 posted = postedAt(entry.proof);
            (Standing standing,) = court.standingOf(claimOf(entry.proof), entry.executor, posted);
            if (standing == Standing.Void) entry.isVoid = true;
            else if (standing == Standing.Clear && block.timestamp > posted + WINDOW) entry.isFinal = true;
        }
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
        for (uint256 i = 0; i < matches.length; i++) {
            watch(i);
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

    function theRun() internal view returns (Run memory) {
        return abi.decode(encodedRun, (Run));
    }
}
