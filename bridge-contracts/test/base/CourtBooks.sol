// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accused, Game, Phase, Position} from "../../src/types/Games.sol";
import {Fate, LeafProof, Source} from "../../src/types/Objects.sol";
import {Accusers} from "./Accusers.sol";
import {Table} from "./Players.sol";

/// @notice What the books say of a claim.
struct Entry {
    LeafProof proof;
    address executor;
    bool isLie;
    /// No games are played on it: it is of a run without fuel, whose states nobody here has, or late on its face.
    bool isIdle;
    /// Its output is the input of all tasks, so that others can take it.
    bool isFeeding;
    /// Index of its batch among the dossiers. When that is void there are no more games, and those that are open play on.
    uint256 dossier;
    Source input;
    Source wasm;
    /// The entry whose output it takes, counted from 1; 0 if it takes none.
    uint256 feeder;
    /// Once there is one for ever.
    Fate fate;
    bool isDecided;
}

/// @notice What the books say of a game.
struct Match {
    Table table;
    uint256 claim;
    uint256 liesFrom;
    /// A position that was answered already.
    Position stale;
    /// When its clocks were looked at last, whose ran then, and what was left of each.
    uint256 seenAt;
    bool ranChallengers;
    uint256 challengerLeft;
    uint256 executorLeft;
}

/// @notice The books of claims and games, and what must agree with them whatever anybody does.
abstract contract CourtBooks is Accusers {
    Entry[] internal entries;
    Match[] internal matches;
    /// @dev Whom the court can owe money, besides executors.
    address[] internal others;
    uint256 internal steps;

    /// @dev How much of each ending there has been.
    function reached() external view returns (uint256 lost, uint256 settled, uint256 steps_, uint256 convicts) {
        for (uint256 i = 0; i < matches.length; i++) {
            Phase phase = court.gameOf(matches[i].table.id).phase;
            if (phase == Phase.Lost) lost++;
            if (phase == Phase.Settled) settled++;
        }
        for (uint256 i = 0; i < parties.length; i++) {
            if (parties[i].convictedAt != 0) convicts++;
        }
        steps_ = steps;
    }

    /// @dev Stakes that left, keys that moved on, executors that announced their exits.
    function reachedByParties() external view returns (uint256 withdrawn, uint256 exits, uint256 revocations) {
        for (uint256 i = 0; i < parties.length; i++) {
            if (parties[i].exitedAt != 0) exits++;
            if (parties[i].keySecret != 0 && parties[i].keyUntil != type(uint64).max) revocations++;
        }
        withdrawn = withdrawals;
    }

    /// @dev What the court holds, and what it owes: bonds of games that are not over, pots, credits.
    function balanceAndDebts() external view returns (uint256 balance, uint256 debts) {
        for (uint256 i = 0; i < matches.length; i++) {
            Game memory game = court.gameOf(matches[i].table.id);
            if (isRunning(game)) debts += game.bond;
        }
        for (uint256 i = 0; i < parties.length; i++) {
            debts += court.accusedOf(parties[i].owner).reserve + court.creditOf(parties[i].owner);
        }
        for (uint256 i = 0; i < others.length; i++) {
            debts += court.creditOf(others[i]);
        }
        balance = address(court).balance;
    }

    /// @dev Clocks: no game outlives both clocks, and the side that waits has no more than a clock. {watch} holds each second.
    function checkClocks() external view {
        for (uint256 i = 0; i < matches.length; i++) {
            Game memory game = court.gameOf(matches[i].table.id);
            assertTrue(game.otherLeft <= CLOCK, "a clock");
            assertTrue(game.expiry <= uint256(game.committedAt) + 2 * CLOCK, "two clocks in all");
        }
    }

    /// @dev Counters: games that are not over, by executor; the oldest open stay.
    function checkCounters() external view {
        for (uint256 k = 0; k < parties.length; k++) {
            address owner = parties[k].owner;
            (uint256 open, uint256 cost, bytes32 oldest, uint256 since) = (0, 0, 0, NEVER);
            for (uint256 i = 0; i < matches.length; i++) {
                Game memory game = court.gameOf(matches[i].table.id);
                if (game.executor != owner) continue;
                if (game.phase != Phase.Lost) cost += game.challengerCost;
                if (!isRunning(game)) continue;
                open++;
                if (game.isStay && game.committedAt < since) (oldest, since) = (matches[i].table.id, game.committedAt);
            }
            Accused memory record = court.accusedOf(owner);
            assertEq(record.openGames, open, "open games");
            assertEq(record.challengersCost, cost, "challengers' cost");
            if (record.convictedAt == 0) assertEq(court.oldestStayOf(owner), oldest, "oldest stay");
        }
    }

    /// @dev Honest challengers of lies never lose.
    function checkHonestChallengers() external view {
        for (uint256 i = 0; i < matches.length; i++) {
            if (matches[i].liesFrom != NEVER) continue;
            assertTrue(court.gameOf(matches[i].table.id).phase != Phase.Lost, "an honest challenger");
        }
    }

    /// @dev Looks at the clocks of a game. Called after each move and each passing of time: since the last look only the clock
    /// that ran then can have fallen, by the time that has passed, and the other one stands where it stood.
    function watch(uint256 index) internal {
        Match storage seen = matches[index];
        Game memory game = court.gameOf(seen.table.id);
        if (!isRunning(game) || isConvicted(game.executor)) return;
        (bool runsChallengers, uint256 challenger, uint256 accused) = leftOf(game);
        (uint256 challengerWas, uint256 accusedWas) = (CLOCK, CLOCK);
        if (seen.seenAt != 0) {
            (challengerWas, accusedWas) = (seen.challengerLeft, seen.executorLeft);
            uint256 passed = block.timestamp - seen.seenAt;
            if (seen.ranChallengers) challengerWas = challengerWas < passed ? 0 : challengerWas - passed;
            else accusedWas = accusedWas < passed ? 0 : accusedWas - passed;
        }
        assertEq(challenger, challengerWas, "left on the challenger's clock");
        assertEq(accused, accusedWas, "left on the executor's clock");
        (seen.seenAt, seen.ranChallengers) = (block.timestamp, runsChallengers);
        (seen.challengerLeft, seen.executorLeft) = (challenger, accused);
    }

    /// @dev Whose clock runs, and what is left on each.
    function leftOf(Game memory game) private view returns (bool isChallengers, uint256 challenger, uint256 accused) {
        uint256 running = game.expiry < block.timestamp ? 0 : game.expiry - block.timestamp;
        isChallengers = game.phase != Phase.ExecutorMoves;
        (challenger, accused) = isChallengers ? (running, uint256(game.otherLeft)) : (uint256(game.otherLeft), running);
    }

    function hangingOn(address owner) internal view override returns (uint256 games, uint256 until) {
        for (uint256 i = 0; i < matches.length; i++) {
            Game memory game = court.gameOf(matches[i].table.id);
            if (game.executor == owner && isRunning(game)) games++;
        }
        for (uint256 i = 0; i < entries.length; i++) {
            if (entries[i].executor != owner) continue;
            uint256 end = postedAt(entries[i].proof) + WINDOW + 2 * CLOCK;
            if (end > until) until = end;
        }
    }

    /// @dev Whether its batch was proven faulty.
    function isFaulted(Entry memory entry) internal view returns (bool) {
        return dossiers[entry.dossier].voidedAt != 0;
    }

    function isConvicted(address accused) internal view returns (bool) {
        return court.accusedOf(accused).convictedAt != 0;
    }

    function isRunning(Game memory game) internal pure returns (bool) {
        return game.phase != Phase.None && game.phase != Phase.Lost && game.phase != Phase.Settled;
    }
}
