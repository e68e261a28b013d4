// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {IDisputeCourt} from "../src/interfaces/IDisputeCourt.sol";
import {GasSchedule} from "../src/libraries/court/GasSchedule.sol";
import {Phase} from "../src/types/Games.sol";
import {Parameters} from "../src/types/Parameters.sol";
import {Players, Table} from "./base/Players.sol";
import {Run} from "./base/Runs.sol";
import {CourtOf4} from "./base/SmallCourts.sol";

/// @title Silence, clocks, and the court's door
contract CourtClocksTest is Players {
    function newCourt() internal override returns (Court) {
        return new CourtOf4(parameters(), bonds, programs, batches);
    }

    /// @dev A game in which the executor has to answer: the challenger lies from state 30 on.
    function opened() private returns (Run memory run, Table memory table) {
        run = readRun(EXIT);
        table = challenge(run, liar(30), postTruth(run), alice);
    }

    function expired(Table memory table) private view returns (uint256) {
        return court.gameOf(table.id).expiry;
    }

    /// @dev The executor has to step: 64 states, 16, 4, one.
    function beforeStep() private returns (Run memory run, Table memory table) {
        (run, table) = opened();
        dissect(run, honest(), table, disputedPart(run, honest(), table), executor);
        dissect(run, liar(30), table, disputedPart(run, liar(30), table), alice);
    }

    // Silence.

    function test_timeout_whoeverIsSilent_loses() external {
        Run memory run = readRun(EXIT);
        // Before the reveal.
        Table memory table = commit(run, liar(30), postTruth(run), alice, BOND);
        outlast(table, Phase.Lost);
        // The challenger, at its second move.
        (run, table) = opened();
        dissect(run, honest(), table, disputedPart(run, honest(), table), executor);
        outlast(table, Phase.Lost);
        // The executor, at its first and at its step.
        (run, table) = opened();
        outlast(table, Phase.Settled);
        setUp();
        (run, table) = beforeStep();
        outlast(table, Phase.Settled);
        assertSquare(everybody());
    }

    function outlast(Table memory table, Phase wanted) private {
        uint256 expiry = expired(table);
        for (uint256 time = expiry - 1; time <= expiry; time++) {
            vm.warp(time);
            vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.ClockRunning.selector, uint64(expiry), time));
            court.timeout(table.id);
        }
        vm.warp(expiry + 1);
        court.timeout(table.id);
        assertPhase(table, wanted, "outlasted");
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.WrongPhase.selector, wanted));
        court.timeout(table.id);
    }

    /// @dev Each side spends its own clock, over the whole game.
    function test_clocks_runForTheSideToMoveOnly() external {
        (Run memory run, Table memory table) = opened();
        vm.warp(block.timestamp + 100);
        dissect(run, honest(), table, disputedPart(run, honest(), table), executor);
        assertEq(court.gameOf(table.id).otherLeft, CLOCK - 100, "the executor's");
        assertEq(expired(table), block.timestamp + CLOCK - 12, "the challenger's");
        vm.warp(block.timestamp + 50);
        dissect(run, liar(30), table, disputedPart(run, liar(30), table), alice);
        assertEq(court.gameOf(table.id).otherLeft, CLOCK - 62, "the challenger's later");
        assertEq(expired(table), block.timestamp + CLOCK - 100, "the executor's later");
    }

    // Money at the door.

    function test_receive_fromOthers_reverts() external {
        vm.prank(alice);
        (bool success, bytes memory reason) = address(court).call{value: 1}("");
        assertTrue(!success, "refused");
        assertEq(keccak256(reason), keccak256(abi.encodeWithSelector(IDisputeCourt.NotBonds.selector, alice)), "why");
    }

    function test_constructor_bondBelowGas_reverts() external {
        Parameters memory small = parameters();
        // Three dissections of 64 hashes and a step of the longest witness, at the cap, with the margin.
        uint256 least = GasSchedule.executorWorst(6) * BASE_FEE_MAX * (10_000 + GAS_MARGIN_BPS) / 10_000;
        small.challengeBond = least - 1;
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.BondBelowGas.selector, least, least - 1));
        new Court(small, bonds, programs, batches);
        small.challengeBond = least;
        new Court(small, bonds, programs, batches);
    }
}
