// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../../src/Court.sol";
import {Role} from "../../src/interfaces/IBonds.sol";
import {Standing} from "../../src/interfaces/ICourt.sol";
import {Accused, Game, Phase} from "../../src/types/Games.sol";
import {LeafProof, TaskRequest, TaskResult} from "../../src/types/Objects.sol";
import {Belief, Players, Table} from "./Players.sol";
import {Run} from "./Runs.sol";
import {CourtOf2} from "./SmallCourts.sol";

/// @notice What the books say of a claim.
struct Entry {
    LeafProof proof;
    address executor;
    bool isLie;
    bool isFinal;
    bool isVoid;
}

/// @notice What the books say of a game.
struct Match {
    Table table;
    uint256 claim;
    uint256 liesFrom;
}

/// @notice Does to the court what anybody can do: claims, true and false, by an honest executor and by liars who are replaced
/// as they are convicted; challenges by honest and dishonest challengers, stays among them; moves, silence, settlements. The
/// honest ones are always in time. It keeps its own books.
contract CourtHandler is Players {
    uint256 private constant CLAIMS_MAX = 24;
    uint256 private constant GAMES_MAX = 48;
    uint256 private constant YOUNG = 5;
    uint256 private constant CHALLENGERS = 5;
    /// @dev States of the run that all claims are about, and beyond.
    uint256 private constant STATES = 16;

    address public honestExecutor;
    uint256 private liarSecret = 0x1000;
    bytes private encodedRun;
    Entry[] private entries;
    Match[] private matches;
    address[] public accounts;
    address[] public liars;
    uint256 public calls;
    uint256 private steps;

    constructor() {
        setUp();
        encodedRun = abi.encode(readRun(TRAP));
        honestExecutor = executor;
        accounts.push(TREASURY);
        accounts.push(honestExecutor);
        for (uint256 i = 0; i < CHALLENGERS; i++) {
            accounts.push(challengerOf(i));
        }
        newLiar();
    }

    function newCourt() internal override returns (Court) {
        return new CourtOf2(parameters(), bonds, programs, batches);
    }

    // What anybody can do.

    function postClaim(bool byLiar, bool isLie) external counted {
        if (entries.length == CLAIMS_MAX) return;
        Run memory run = theRun();
        executor = byLiar ? liars[liars.length - 1] : honestExecutor;
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        isLie = isLie && byLiar;
        if (isLie) result.output.root = keccak256("a lie");
        Entry storage entry = entries.push();
        entry.proof = post(recordOf(request, result, byLiar ? liarSecret : EXECUTOR_SECRET));
        (entry.executor, entry.isLie) = (executor, isLie);
    }

    function commitTo(uint8 claim, uint8 challenger, uint8 from, bool isHonest, bool isStay) external counted {
        if (entries.length == 0 || matches.length == GAMES_MAX) return;
        uint256 index = claim % entries.length;
        Entry memory entry = entries[index];
        bool inWindow = block.timestamp <= postedAt(entry.proof) + WINDOW;
        if (!inWindow || isConvicted(entry.executor)) return;
        // An honest challenger challenges lies only.
        Belief memory belief = isHonest && entry.isLie ? honest() : Belief(1 + from % STATES, matches.length);
        address sender = challengerOf(challenger);
        uint256 value = isStay ? STAKE : BOND;
        // Invented states differ from game to game, the truth does not: the same commitment twice is refused.
        if (belief.liesFrom == NEVER && hasHonestGame(index, sender)) return;
        vm.deal(sender, value);
        Match storage added = matches.push();
        added.claim = index;
        added.liesFrom = belief.liesFrom;
        added.table = commit(theRun(), belief, entry.proof, sender, value);
    }

    /// @dev Some game goes on: its side to move reveals, dissects or steps, as it believes; a liar as the seed says.
    function play(uint8 game, uint8 seed) external counted {
        if (matches.length == 0) return;
        // Mostly young games, so that some get to their end while the clocks run.
        uint256 young = matches.length < YOUNG ? matches.length : YOUNG;
        advance(game % 8 == 0 ? game % matches.length : matches.length - 1 - game % young, seed);
    }

    function pass(uint16 seconds_) external counted {
        elapse(1 + seconds_ % 80);
    }

    function timeout(uint8 game, uint8 caller) external counted {
        if (matches.length == 0) return;
        uint256 index = game % matches.length;
        Game memory stored = court.gameOf(matches[index].table.id);
        if (!isRunning(stored) || isConvicted(stored.executor) || block.timestamp <= stored.expiry) return;
        vm.prank(accounts[caller % accounts.length]);
        court.timeout(matches[index].table.id);
    }

    function settle(uint8 game) external counted {
        if (matches.length == 0) return;
        bytes32 id = matches[game % matches.length].table.id;
        Game memory stored = court.gameOf(id);
        if (isRunning(stored) && isConvicted(stored.executor)) court.settle(id);
    }

    function withdraw(uint8 account) external counted {
        address owner = accounts[account % accounts.length];
        if (court.creditOf(owner) == 0) return;
        vm.prank(owner);
        court.withdraw(payable(owner));
    }

    // What the books say.

    /// @dev How much of each ending there has been.
    function reached()
        external
        view
        returns (uint256 lost, uint256 settled, uint256 steps_, uint256 convicts, uint256 finals, uint256 voids)
    {
        for (uint256 i = 0; i < matches.length; i++) {
            Phase phase = court.gameOf(matches[i].table.id).phase;
            if (phase == Phase.Lost) lost++;
            if (phase == Phase.Settled) settled++;
        }
        for (uint256 i = 0; i < entries.length; i++) {
            if (entries[i].isFinal) finals++;
            if (entries[i].isVoid) voids++;
        }
        (steps_, convicts) = (steps, liars.length - 1);
    }

    /// @dev What the court holds, and what it owes: bonds of games that are not over, pots, credits.
    function balanceAndDebts() external view returns (uint256 balance, uint256 debts) {
        for (uint256 i = 0; i < matches.length; i++) {
            Game memory game = court.gameOf(matches[i].table.id);
            if (isRunning(game)) debts += game.bond;
        }
        for (uint256 i = 0; i < liars.length; i++) {
            debts += court.accusedOf(liars[i]).reserve;
        }
        for (uint256 i = 0; i < accounts.length; i++) {
            debts += court.creditOf(accounts[i]);
        }
        balance = address(court).balance;
    }

    /// @dev Clocks: no game outlives both clocks, and the side that waits has no more than a clock.
    function checkClocks() external view {
        for (uint256 i = 0; i < matches.length; i++) {
            Game memory game = court.gameOf(matches[i].table.id);
            assertTrue(game.otherLeft <= CLOCK, "a clock");
            assertTrue(game.expiry <= uint256(game.committedAt) + 2 * CLOCK, "two clocks in all");
        }
    }

    /// @dev Counters: games that are not over, by executor; the oldest open stay.
    function checkCounters() external view {
        for (uint256 k = 0; k <= liars.length; k++) {
            address accused = k < liars.length ? liars[k] : honestExecutor;
            (uint256 open, uint256 cost, bytes32 oldest, uint256 since) = (0, 0, 0, NEVER);
            for (uint256 i = 0; i < matches.length; i++) {
                Game memory game = court.gameOf(matches[i].table.id);
                if (game.executor != accused) continue;
                if (game.phase != Phase.Lost) cost += game.challengerCost;
                if (!isRunning(game)) continue;
                open++;
                if (game.isStay && game.committedAt < since) (oldest, since) = (matches[i].table.id, game.committedAt);
            }
            Accused memory record = court.accusedOf(accused);
            assertEq(record.openGames, open, "open games");
            assertEq(record.challengersCost, cost, "challengers' cost");
            if (record.convictedAt == 0) assertEq(court.oldestStayOf(accused), oldest, "oldest stay");
        }
    }

    /// @dev Fates: one for a claim, none of the honest executor's is void, all of a convict's that were not final are.
    function checkFates() external view {
        assertEq(court.accusedOf(honestExecutor).convictedAt, 0, "the honest executor stands");
        for (uint256 i = 0; i < entries.length; i++) {
            Entry memory entry = entries[i];
            (Standing standing,) = court.standingOf(claimOf(entry.proof), entry.executor, postedAt(entry.proof));
            if (entry.executor == honestExecutor) assertTrue(standing != Standing.Void, "an honest claim");
            if (entry.isVoid) assertTrue(standing == Standing.Void, "void for ever");
            if (entry.isFinal) assertTrue(standing == Standing.Clear, "final for ever");
            if (isConvicted(entry.executor)) {
                assertTrue((standing == Standing.Void) == !entry.isFinal, "a convict's claims");
            }
        }
    }

    /// @dev Honest challengers of lies never lose.
    function checkHonestChallengers() external view {
        for (uint256 i = 0; i < matches.length; i++) {
            if (matches[i].liesFrom != NEVER) continue;
            assertTrue(court.gameOf(matches[i].table.id).phase != Phase.Lost, "an honest challenger");
        }
    }

    /// @dev After each call the books take down what has become of the claims.
    modifier counted() {
        _;
        calls++;
        for (uint256 i = 0; i < entries.length; i++) {
            Entry storage entry = entries[i];
            if (entry.isFinal || entry.isVoid) continue;
            uint64 posted = postedAt(entry.proof);
            (Standing standing,) = court.standingOf(claimOf(entry.proof), entry.executor, posted);
            if (standing == Standing.Void) entry.isVoid = true;
            else if (standing == Standing.Clear && block.timestamp > posted + WINDOW) entry.isFinal = true;
        }
        if (isConvicted(liars[liars.length - 1])) newLiar();
    }

    /// @dev The only way in which time passes: whoever is honest moves before its clock runs out.
    function elapse(uint256 seconds_) private {
        uint256 time = block.timestamp + seconds_;
        for (uint256 i = 0; i < matches.length; i++) {
            while (isHonestTurn(i) && court.gameOf(matches[i].table.id).expiry < time) {
                assertTrue(block.timestamp <= court.gameOf(matches[i].table.id).expiry, "an honest side is in time");
                advance(i, 0);
            }
        }
        vm.warp(time);
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
            if (!byChallenger && executor != honestExecutor) belief = Belief(1 + seed % STATES, 1000 + seed);
            uint256 j = disputedPart(run, belief, table);
            if (j == 0 || (isStepNext(table) && belief.liesFrom != NEVER)) return;
            if (play(run, belief, table, byChallenger ? table.challenger : executor)) steps++;
        }
        matches[index].table.position = table.position;
        matches[index].table.hashes = table.hashes;
    }

    function isHonestTurn(uint256 index) private view returns (bool) {
        Game memory game = court.gameOf(matches[index].table.id);
        if (!isRunning(game) || isConvicted(game.executor)) return false;
        if (game.phase == Phase.ExecutorMoves) return game.executor == honestExecutor;
        return matches[index].liesFrom == NEVER;
    }

    function hasHonestGame(uint256 claim, address challenger) private view returns (bool) {
        for (uint256 i = 0; i < matches.length; i++) {
            bool same = matches[i].claim == claim && matches[i].table.challenger == challenger;
            if (same && matches[i].liesFrom == NEVER) return true;
        }
        return false;
    }

    function newLiar() private {
        address next_ = vm.addr(++liarSecret);
        register(Role.Executor, next_);
        liars.push(next_);
        accounts.push(next_);
        // A batch is judged by a time at which the liar was registered.
        elapse(2);
    }

    function isConvicted(address accused) private view returns (bool) {
        return court.accusedOf(accused).convictedAt != 0;
    }

    function isRunning(Game memory game) private pure returns (bool) {
        return game.phase != Phase.None && game.phase != Phase.Lost && game.phase != Phase.Settled;
    }

    function challengerOf(uint256 seed) private pure returns (address) {
        return address(uint160(0xC000 + seed % CHALLENGERS));
    }

    function theRun() private view returns (Run memory) {
        return abi.decode(encodedRun, (Run));
    }
}
