// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {Standing} from "../src/interfaces/ICourt.sol";
import {IDisputeCourt} from "../src/interfaces/IDisputeCourt.sol";
import {GasSchedule} from "../src/libraries/court/GasSchedule.sol";
import {Accused, Phase} from "../src/types/Games.sol";
import {LeafProof, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {Players, Table} from "./base/Players.sol";
import {Run} from "./base/Runs.sol";
import {CourtOf4} from "./base/SmallCourts.sol";

/// @title Convictions, who is paid what, and stays
contract CourtPayoutsTest is Players {
    uint256 private constant POT = STAKE * 4 / 10;
    address private dave = vm.addr(0xda7e);

    function newCourt() internal override returns (Court) {
        return new CourtOf4(parameters(), bonds, programs, batches);
    }

    function setUp() public override {
        super.setUp();
        vm.deal(dave, 1000 ether);
    }

    function wei_(uint256 gasUnits) private pure returns (uint256) {
        return gasUnits * BASE_FEE;
    }

    function commitCost() private pure returns (uint256) {
        return wei_(GasSchedule.COMMIT);
    }

    function revealCost() private pure returns (uint256) {
        return wei_(GasSchedule.reveal(4));
    }

    function committed(LeafProof memory proof, address challenger) private returns (Table memory) {
        return commit(readRun(EXIT), honest(), proof, challenger, BOND);
    }

    function revealed(Table memory table) private {
        reveal(readRun(EXIT), honest(), table);
    }

    function wait() private {
        vm.warp(block.timestamp + 12);
    }

    function expire(Table memory table, address caller) private {
        vm.warp(court.gameOf(table.id).expiry + 1);
        vm.prank(caller);
        court.timeout(table.id);
    }

    function standing(LeafProof memory proof) private view returns (Standing result) {
        (result,) = court.standingOf(claimOf(proof), executor, postedAt(proof));
    }

    function assertStanding(LeafProof memory proof, Standing wanted, string memory what) private view {
        assertEq(uint256(standing(proof)), uint256(wanted), what);
    }

    // A challenger that loses.

    function test_loser_paysExecutorAndBurnsTheRest() external {
        Run memory run = readRun(EXIT);
        Table memory table = challenge(run, liar(30), postTruth(run), alice);
        play(run, honest(), table, executor);
        play(run, liar(30), table, alice);
        assertTrue(play(run, honest(), table, executor), "a step");
        uint256 gasUnits = GasSchedule.executorMove(4) + GasSchedule.executorStep(run.witnesses[29].length);
        uint256 paid = wei_(gasUnits) * (10_000 + GAS_MARGIN_BPS) / 10_000;
        assertEq(court.creditOf(executor), paid, "the executor's gas, with a margin");
        assertEq(court.creditOf(TREASURY), BOND - paid, "the rest is burned");
        assertEq(court.creditOf(alice), 0, "nothing for the loser");
        assertSquare(everybody());
    }

    function test_silentCommitment_paysTheExecutorsTimeout() external {
        LeafProof memory proof = postTruth(readRun(EXIT));
        expire(committed(proof, alice), executor);
        uint256 paid = wei_(GasSchedule.EXECUTOR_TIMEOUT) * (10_000 + GAS_MARGIN_BPS) / 10_000;
        assertEq(court.creditOf(executor), paid, "its call");
        expire(committed(proof, bob), carol);
        assertEq(court.creditOf(executor), paid, "a stranger's call is not paid");
        assertEq(court.creditOf(TREASURY), 2 * BOND - paid, "burned");
    }

    function test_baseFee_isCapped() external {
        arena.fee(BASE_FEE_MAX * 50);
        LeafProof memory proof = postTruth(readRun(EXIT));
        expire(committed(proof, alice), executor);
        uint256 paid = GasSchedule.EXECUTOR_TIMEOUT * BASE_FEE_MAX * (10_000 + GAS_MARGIN_BPS) / 10_000;
        assertEq(court.creditOf(executor), paid, "at the cap");
    }

    // A conviction.

    function test_winner_takesBondGasAndPot() external {
        LeafProof memory proof = postLie(readRun(EXIT));
        Table memory table = committed(proof, alice);
        wait();
        revealed(table);
        expire(table, alice);
        assertEq(court.creditOf(alice), BOND + POT, "its bond and what is not burned");
        assertEq(bonds.creditOf(TREASURY), STAKE - POT, "burned");
        assertEq(court.creditOf(TREASURY), 0, "nothing is left over");
        Accused memory record = court.accusedOf(executor);
        assertEq(record.challengersCost, commitCost() + revealCost() + wei_(GasSchedule.CHALLENGER_TIMEOUT), "gas");
        assertEq(record.costPaid, record.challengersCost, "all of it");
        assertSquare(everybody());
        vm.prank(alice);
        court.withdraw(payable(alice));
        assertEq(alice.balance, 1000 ether + POT, "paid out");
    }

    /// @dev Alice, Bob and Carol hold the same true opening; Carol has seen it. Dave has committed and not revealed.
    function test_shares_goToEarlyCommitmentsToTheSameOpening() external {
        LeafProof memory proof = postLie(readRun(EXIT));
        Table memory first = committed(proof, alice);
        Table memory second = committed(proof, bob);
        Table memory hidden = committed(proof, dave);
        wait();
        revealed(first);
        // In the block of the first reveal: it could be a copy.
        Table memory copy = committed(proof, carol);
        wait();
        revealed(second);
        revealed(copy);
        expire(first, executor);

        uint256 gasEach = commitCost() + revealCost();
        uint256 share = (POT - 3 * gasEach - commitCost()) / 2;
        assertEq(court.accusedOf(executor).share, share, "two winners");
        assertEq(court.creditOf(alice), BOND + gasEach + share, "the first");
        Table[3] memory rest = [second, copy, hidden];
        for (uint256 i = 0; i < 3; i++) {
            assertTrue(court.hasOpenGames(executor), "not settled");
            court.settle(rest[i].id);
            vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.WrongPhase.selector, Phase.Settled));
            court.settle(rest[i].id);
        }
        assertEq(court.creditOf(bob), BOND + gasEach + share, "the second");
        assertEq(court.creditOf(carol), BOND + gasEach, "the copy: bond and gas");
        assertEq(court.creditOf(dave), BOND + commitCost(), "the hidden one: bond and gas");
        assertTrue(!court.hasOpenGames(executor), "all settled");
        assertEq(address(court).balance, court.creditOf(dave) + owedToEverybody(), "to the wei");
    }

    function owedToEverybody() private view returns (uint256 owed) {
        address[] memory list = everybody();
        for (uint256 i = 0; i < list.length; i++) {
            owed += court.creditOf(list[i]);
        }
    }

    /// @dev A friend of the liar reveals garbage first; that excludes nobody.
    function test_shares_areNotLostToGarbage() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = postLie(run);
        challenge(run, liar(7), proof, dave);
        wait();
        Table memory table = committed(proof, alice);
        wait();
        revealed(table);
        expire(table, alice);
        uint256 gasOfDave = commitCost() + revealCost();
        assertEq(court.creditOf(alice), BOND + POT - gasOfDave, "all but the other's gas");
    }

    /// @dev The convicting opening was first revealed by a game that is lost, and copied later: no winner, all is burned.
    function test_shares_withoutWinner_areBurned() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = postLie(run);
        Table memory first = committed(proof, dave);
        wait();
        revealed(first);
        // The liar moves, and its friend is silent.
        play(run, liar(5), first, executor);
        Table memory late = committed(proof, alice);
        wait();
        revealed(late);
        vm.warp(court.gameOf(late.id).expiry + 1);
        court.timeout(first.id);
        court.timeout(late.id);
        uint256 gasOfAlice = commitCost() + revealCost();
        assertEq(court.creditOf(alice), BOND + gasOfAlice, "bond and gas");
        uint256 toExecutor = wei_(GasSchedule.executorMove(4)) * (10_000 + GAS_MARGIN_BPS) / 10_000;
        assertEq(court.creditOf(executor), toExecutor, "the friend pays for the move");
        assertEq(court.creditOf(TREASURY), POT - gasOfAlice + BOND - toExecutor, "the rest is burned");
        assertSquare(everybody());
    }

    /// @dev A friend convicts the liar on another claim before the honest one could reveal: bond and gas are safe.
    function test_friendConvictsFirst_honestGetsBondAndGas() external {
        Run memory run = readRun(EXIT);
        LeafProof memory one = postLie(run);
        LeafProof memory other = postLie(run);
        Table memory friend = committed(one, dave);
        wait();
        revealed(friend);
        vm.warp(block.timestamp + CLOCK - 12);
        Table memory table = committed(other, alice);
        expire(friend, dave);
        assertStanding(other, Standing.Void, "void");
        vm.warp(block.timestamp + 12);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDisputeCourt.ExecutorIsConvicted.selector, executor, court.accusedOf(executor).convictedAt
            )
        );
        court.timeout(table.id);
        court.settle(table.id);
        assertEq(court.creditOf(alice), BOND + commitCost(), "bond and gas");
    }

    /// @dev A pot that does not reach is divided by cost, and its dust is burned with the last settlement.
    function test_pot_tooSmall_isDividedByCost() external {
        arena.fee(BASE_FEE_MAX);
        LeafProof memory proof = postLie(readRun(EXIT));
        bytes32[] memory ids = new bytes32[](300);
        for (uint256 i = 0; i < ids.length; i++) {
            address challenger = address(uint160(0x10000 + i));
            vm.deal(challenger, BOND);
            vm.prank(challenger);
            ids[i] = court.commit{value: BOND}(proof, bytes32(uint256(1)), false);
        }
        Table memory table = challenge(readRun(EXIT), honest(), proof, alice);
        expire(table, executor);
        Accused memory record = court.accusedOf(executor);
        assertTrue(record.challengersCost > POT, "more gas than pot");
        assertEq(record.costPaid, POT, "all of the pot is for gas");
        assertEq(record.share, 0, "nothing is left to share");

        uint256 cost = GasSchedule.COMMIT * BASE_FEE_MAX;
        uint256 owed = 0;
        for (uint256 i = 0; i < ids.length; i++) {
            court.settle(ids[i]);
            uint256 credited = court.creditOf(address(uint160(0x10000 + i)));
            assertEq(credited, BOND + cost * POT / record.challengersCost, "its part of the pot");
            owed += credited;
        }
        owed += court.creditOf(alice) + court.creditOf(TREASURY);
        assertEq(address(court).balance, owed, "to the wei");
        assertTrue(court.creditOf(TREASURY) <= ids.length, "dust");
    }

    function test_settle_beforeConviction_reverts() external {
        Table memory table = committed(postTruth(readRun(EXIT)), alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.ExecutorNotConvicted.selector, executor));
        court.settle(table.id);
    }

    function test_convict_cannotBeChallengedOrPlayed() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = postLie(run);
        Table memory open = challenge(run, liar(5), postTruth(run), bob);
        Table memory hidden = commit(run, liar(5), postTruth(run), carol, BOND);
        Table memory table = challenge(run, honest(), proof, alice);
        expire(table, alice);
        bytes memory wanted =
            abi.encodeWithSelector(IDisputeCourt.ExecutorIsConvicted.selector, executor, uint64(block.timestamp));
        vm.prank(bob);
        vm.expectRevert(wanted);
        court.commit{value: BOND}(proof, bytes32(uint256(7)), false);
        vm.expectRevert(wanted);
        court.timeout(hidden.id);
        uint256 j = disputedPart(run, honest(), open);
        vm.expectRevert(wanted);
        this.stepOf(open, j);
        court.settle(open.id);
        court.settle(hidden.id);
        assertSquare(everybody());
    }

    function stepOf(Table memory table, uint256 j) external {
        step(readRun(EXIT), honest(), table, j, executor);
    }

    // How claims stand.

    function test_conviction_voidsExactlyWhatIsNotFinal() external {
        Run memory run = readRun(EXIT);
        LeafProof memory old = postTruth(run);
        vm.warp(block.timestamp + WINDOW - CLOCK);
        LeafProof memory proof = postLie(run);
        LeafProof memory bystander = postTruth(run);
        Table memory table = challenge(run, honest(), proof, alice);
        assertStanding(proof, Standing.Held, "a game is open");
        assertStanding(bystander, Standing.Clear, "no game of its own");
        vm.warp(court.gameOf(table.id).expiry + 1);
        assertTrue(block.timestamp > postedAt(old) + WINDOW, "final");
        court.timeout(table.id);
        assertStanding(old, Standing.Clear, "final before the conviction");
        assertStanding(proof, Standing.Void, "lost");
        assertStanding(bystander, Standing.Void, "in its window");
        uint64 convictedAt = uint64(block.timestamp);
        wait();
        LeafProof memory later = postTruth(run);
        (Standing result, uint64 voidedAt) = court.standingOf(claimOf(later), executor, postedAt(later));
        assertEq(uint256(result), uint256(Standing.Void), "posted by a convict");
        assertEq(voidedAt, convictedAt, "since the conviction");
        // In the last second of a window, and a second later.
        (result,) = court.standingOf(0, executor, convictedAt - WINDOW);
        assertEq(uint256(result), uint256(Standing.Void), "its window ended in the second of the conviction");
        (result,) = court.standingOf(0, executor, convictedAt - WINDOW - 1);
        assertEq(uint256(result), uint256(Standing.Clear), "its window ended a second before");
    }

    /// @dev Another executor's claims are not touched.
    function test_conviction_voidsNobodyElses() external {
        address other = vm.addr(0x07e4);
        register(Role.Executor, other);
        wait();
        Run memory run = readRun(EXIT);
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        result.executor = other;
        LeafProof memory theirs = post(recordOf(request, result, 0x07e4));
        Table memory table = challenge(run, honest(), postLie(run), alice);
        Table memory open = challenge(run, liar(5), theirs, bob);
        expire(table, alice);
        (Standing standing_,) = court.standingOf(claimOf(theirs), other, postedAt(theirs));
        assertEq(uint256(standing_), uint256(Standing.Held), "its own game is open");
        play(run, honest(), open, other);
        assertEq(bonds.stakeOf(Role.Executor, other), STAKE, "its stake stands");
    }

    function test_openGame_isVoidWithItsExecutor() external {
        Run memory run = readRun(EXIT);
        LeafProof memory contested = postTruth(run);
        LeafProof memory quiet = postTruth(run);
        vm.warp(postedAt(contested) + WINDOW - 12);
        Table memory table = challenge(run, honest(), postLie(run), alice);
        Table memory open = commit(run, liar(5), contested, bob, BOND);
        vm.warp(court.gameOf(table.id).expiry + 1);
        court.timeout(table.id);
        assertStanding(quiet, Standing.Clear, "its window was over");
        assertStanding(contested, Standing.Void, "its game was not");
        court.settle(open.id);
        assertStanding(contested, Standing.Void, "for ever");
        assertEq(court.openGamesOn(claimOf(contested)), 1, "as it was at the conviction");
    }

    // Stays.

    function stay(LeafProof memory proof, address challenger) private returns (Table memory) {
        return commit(readRun(EXIT), liar(5), proof, challenger, STAKE);
    }

    function test_stay_holdsWindowsThatContainIt() external {
        Run memory run = readRun(EXIT);
        LeafProof memory before = postTruth(run);
        wait();
        LeafProof memory edge = postTruth(run);
        wait();
        LeafProof memory own = postTruth(run);
        vm.warp(postedAt(edge) + WINDOW);
        Table memory table = stay(own, alice);
        LeafProof memory later = postTruth(run);
        assertStanding(before, Standing.Clear, "its window had ended");
        assertStanding(edge, Standing.Held, "its window ended in the second of the stay");
        assertStanding(own, Standing.Held, "the game's own");
        assertStanding(later, Standing.Held, "posted later");
        expire(table, executor);
        assertStanding(edge, Standing.Clear, "the stay is over");
        assertStanding(later, Standing.Clear, "the stay is over");
        assertEq(court.oldestStayOf(executor), 0, "no stay");
        assertEq(court.creditOf(TREASURY) + court.creditOf(executor), STAKE, "a lost stay costs all of it");
    }

    function test_stay_whatItHolds_isVoidByConviction() external {
        Run memory run = readRun(EXIT);
        LeafProof memory before = postTruth(run);
        wait();
        LeafProof memory held = postTruth(run);
        vm.warp(postedAt(held) + WINDOW);
        LeafProof memory proof = postLie(run);
        Table memory table = commit(run, honest(), proof, alice, STAKE);
        wait();
        reveal(run, honest(), table);
        vm.warp(court.gameOf(table.id).expiry + 1);
        assertStanding(held, Standing.Held, "held beyond its window");
        court.timeout(table.id);
        assertStanding(held, Standing.Void, "void");
        assertStanding(before, Standing.Clear, "final before the stay");
        assertEq(court.accusedOf(executor).voidFrom, postedAt(held) + WINDOW, "since the stay");
        assertEq(court.creditOf(alice), STAKE + POT, "the stay is paid back");
    }

    /// @dev Stays that end in any order leave the oldest open one.
    function test_stays_endInAnyOrder() external {
        uint8[3][6] memory orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for (uint256 i = 0; i < orders.length; i++) {
            LeafProof memory proof = postTruth(readRun(EXIT));
            Table[3] memory tables;
            bool[3] memory isOver;
            for (uint256 k = 0; k < 3; k++) {
                vm.deal([alice, bob, carol][k], STAKE);
                tables[k] = stay(proof, [alice, bob, carol][k]);
                wait();
            }
            vm.warp(court.gameOf(tables[2].id).expiry + 1);
            for (uint256 n = 0; n < 3; n++) {
                uint256 oldest = isOver[0] ? (isOver[1] ? 2 : 1) : 0;
                assertEq(court.oldestStayOf(executor), tables[oldest].id, "the oldest open one");
                court.timeout(tables[orders[i][n]].id);
                isOver[orders[i][n]] = true;
            }
            assertEq(court.oldestStayOf(executor), 0, "none is open");
        }
    }

    // Stakes.

    function test_stake_cannotGoWhileAGameIsOpen() external {
        Run memory run = readRun(EXIT);
        vm.prank(executor);
        bonds.exit(Role.Executor);
        committed(postTruth(run), alice);
        vm.warp(block.timestamp + 100_000);
        vm.prank(executor);
        (bool success,) = address(bonds).call(abi.encodeCall(bonds.withdrawStake, (Role.Executor, payable(executor))));
        assertTrue(!success, "a game is open");
    }
}
