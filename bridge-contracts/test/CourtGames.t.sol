// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {Standing} from "../src/interfaces/ICourt.sol";
import {IDisputeCourt} from "../src/interfaces/IDisputeCourt.sol";
import {Phase, Reply} from "../src/types/Games.sol";
import {LeafProof, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {Belief, Players, Table} from "./base/Players.sol";
import {Run} from "./base/Runs.sol";
import {CourtOf2, CourtOf4} from "./base/SmallCourts.sol";

/// @title Whole games over real runs: the honest side wins, wherever the other side begins to lie
abstract contract CourtGames is Players {
    /// @dev Plays to the step, or until a liar has nothing to say that L1 takes; then its clock runs out.
    function playOut(Run memory run, Table memory table, Belief memory challenger, Belief memory defender) internal {
        while (true) {
            bool challengerMoves = phaseOf(table) == Phase.ChallengerMoves;
            Belief memory belief = challengerMoves ? challenger : defender;
            address mover = challengerMoves ? table.challenger : executor;
            vm.warp(block.timestamp + 1);
            if (isStepNext(table) && belief.liesFrom != NEVER) return concede(run, belief, table, mover);
            if (play(run, belief, table, mover)) return;
        }
    }

    /// @dev A liar at one step: every step that it could claim to dispute agrees or opens nothing.
    function concede(Run memory run, Belief memory belief, Table memory table, address mover) private {
        uint256 j = disputedPart(run, belief, table);
        Reply memory reply = replyOf(table, j);
        uint256 state = table.position.start + j - 1;
        (bytes32 head, bytes32 root) = recordAt(run, honest(), state);
        bytes memory witness = state < run.witnesses.length ? run.witnesses[state] : bytes("");
        vm.prank(mover);
        vm.expectPartialRevert(IDisputeCourt.StepAgrees.selector);
        court.step(table.id, table.position, reply, head, root, witness);
        vm.warp(court.gameOf(table.id).expiry + 1);
        court.timeout(table.id);
    }

    function challengerLies(uint256 which) internal {
        Run memory run = readRun(which);
        uint256 length = uint256(1) << claimedLengthLog2(run.fuelUsed);
        for (uint256 from = 1; from <= length; from++) {
            LeafProof memory proof = postTruth(run);
            Table memory table = challenge(run, liar(from), proof, alice);
            playOut(run, table, liar(from), honest());
            assertPhase(table, Phase.Lost, "the liar has lost");
            (Standing standing,) = court.standingOf(claimOf(proof), executor, postedAt(proof));
            assertEq(uint256(standing), uint256(Standing.Clear), "the claim stands");
        }
        assertTrue(!court.hasOpenGames(executor), "no game is left");
        assertSquare(everybody());
    }

    function executorLies(uint256 which, uint256 from) internal {
        Run memory run = readRun(which);
        LeafProof memory proof = postLie(run);
        Table memory table = challenge(run, honest(), proof, alice);
        playOut(run, table, honest(), liar(from));
        won(table, proof);
    }

    function won(Table memory table, LeafProof memory proof) internal view {
        assertPhase(table, Phase.Settled, "the honest challenger has won");
        (Standing standing, uint64 voidedAt) = court.standingOf(claimOf(proof), executor, postedAt(proof));
        assertEq(uint256(standing), uint256(Standing.Void), "the claim is void");
        assertEq(voidedAt, block.timestamp, "since now");
        assertEq(bonds.stakeOf(Role.Executor, executor), 0, "the stake is gone");
        assertSquare(everybody());
    }

    function test_challengerLies_anywhere_loses() external {
        challengerLies(EXIT);
    }

    function test_challengerLies_aboutExhaustion_loses() external {
        challengerLies(EXHAUSTED);
        challengerLies(BROKE);
    }

    function test_challengerLies_aboutTrap_loses() external {
        challengerLies(TRAP);
    }

    function test_challengerLies_aboutEmptyInput_loses() external {
        challengerLies(EMPTY);
    }

    /// @dev Too little fuel claimed: the state at the claimed length is still running.
    function test_executorLies_runCutShort_loses() external {
        Run memory run = readRun(EXIT);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        result.fuelUsed = 20;
        falls(run, request, result, 9);
    }

    /// @dev Too much fuel claimed: the game is about states after the halt, which are all the same.
    function test_executorLies_runDrawnOut_loses() external {
        Run memory run = readRun(EXIT);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        result.fuelUsed = 700;
        falls(run, request, result, 50);
    }

    function test_executorLies_aboutStatus_loses() external {
        Run memory run = readRun(EXIT);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        (result.status, result.code) = (2, 1);
        falls(run, request, result, 3);
    }

    function test_executorLies_aboutCode_loses() external {
        Run memory run = readRun(TRAP);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        result.code = 2;
        falls(run, request, result, 5);
    }

    function test_executorLies_aboutOutputLength_loses() external {
        Run memory run = readRun(EXIT);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        result.output.length = 3;
        falls(run, request, result, 46);
    }

    /// @dev A run of one step: the reply to the opening is the step.
    function test_executorLies_aboutOneStep_loses() external {
        Run memory run = readRun(BROKE);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        (result.status, result.code) = (1, 0);
        falls(run, request, result, 1);
    }

    function falls(Run memory run, TaskRequest memory request, TaskResult memory result, uint256 from) private {
        LeafProof memory proof = post(recordOf(request, result, EXECUTOR_SECRET));
        Table memory table = challenge(run, honest(), proof, alice);
        playOut(run, table, honest(), liar(from));
        won(table, proof);
    }
}

contract CourtGamesOf64Test is CourtGames {
    function test_executorLies_anywhere_loses() external {
        for (uint256 from = 1; from <= 64; from++) {
            executorLies(EXIT, from);
            setUp();
        }
    }
}

contract CourtGamesOf4Test is CourtGames {
    function newCourt() internal override returns (Court) {
        return new CourtOf4(parameters(), bonds, programs, batches);
    }

    function test_executorLies_anywhere_loses() external {
        for (uint256 from = 1; from <= 64; from++) {
            executorLies(EXIT, from);
            setUp();
        }
    }
}

contract CourtGamesOf2Test is CourtGames {
    function newCourt() internal override returns (Court) {
        return new CourtOf2(parameters(), bonds, programs, batches);
    }

    function test_executorLies_anywhere_loses() external {
        for (uint256 from = 1; from <= 64; from++) {
            executorLies(EXIT, from);
            setUp();
        }
    }
}
