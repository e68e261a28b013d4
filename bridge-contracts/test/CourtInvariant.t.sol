// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "../src/Credits.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {IBonds} from "../src/interfaces/IBonds.sol";
import {IDisputeCourt} from "../src/interfaces/IDisputeCourt.sol";
import {Fate} from "../src/types/Objects.sol";
import {Accusers} from "./base/Accusers.sol";
import {CourtHandler} from "./base/CourtHandler.sol";
import {HostileHandler} from "./base/HostileHandler.sol";
import {Invariants} from "./base/Invariants.sol";
import {Parties} from "./base/Parties.sol";
import {Sequencers} from "./base/Sequencers.sol";

/// @title What holds of the court, of fates, of stakes and of accusations whatever anybody does
contract CourtInvariantTest is Invariants {
    HostileHandler private handler;

    function setUp() external {
        handler = new HostileHandler();
        bytes4[] memory selectors = new bytes4[](21);
        selectors[0] = CourtHandler.postClaims.selector;
        selectors[1] = CourtHandler.commitTo.selector;
        selectors[2] = CourtHandler.play.selector;
        selectors[3] = CourtHandler.pass.selector;
        selectors[4] = CourtHandler.timeout.selector;
        selectors[5] = CourtHandler.settle.selector;
        selectors[6] = CourtHandler.withdraw.selector;
        selectors[7] = Parties.deposit.selector;
        selectors[8] = Parties.exit.selector;
        selectors[9] = Parties.withdrawStake.selector;
        selectors[10] = Parties.authorise.selector;
        selectors[11] = Parties.revoke.selector;
        selectors[12] = HostileHandler.moveWrongly.selector;
        selectors[13] = HostileHandler.revealWrongly.selector;
        selectors[14] = HostileHandler.timeOutWrongly.selector;
        selectors[15] = HostileHandler.settleWrongly.selector;
        selectors[16] = HostileHandler.commitWrongly.selector;
        selectors[17] = HostileHandler.takeWrongly.selector;
        selectors[18] = Accusers.accuse.selector;
        selectors[19] = Accusers.takeReward.selector;
        selectors[20] = Sequencers.retire.selector;
        drive(address(handler), selectors);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: deep.invariant.fail-on-revert = true
    function invariant_court_isSolventAndJust() external view {
        (uint256 balance, uint256 debts) = handler.balanceAndDebts();
        assertEq(balance, debts, "solvent to the wei");
        handler.checkClocks();
        handler.checkCounters();
        handler.checkRewards();
        handler.checkSequencers();
        handler.checkFates();
        handler.checkHonestChallengers();
        handler.checkStakes();
    }

    /// @dev An honest executor whose last second it is answers before a reveal elsewhere lets that second pass.
    function test_handler_honestIsInTime_inItsLastSecond() external {
        handler.postClaims(false, false, 2, 255);
        handler.commitTo(0, 0, 1, false, false);
        handler.pass(0);
        handler.play(1, 0);
        // A clock is 300 seconds.
        for (uint256 i = 0; i < 4; i++) {
            handler.pass(74);
        }
        handler.commitTo(0, 1, 2, false, false);
        handler.play(2, 0);
        handler.pass(0);
        handler.checkFates();
    }

    /// @dev A leaf whose WASM is in an earlier batch: when that falls, nobody can be asked to compute the leaf again.
    function test_handler_batchFallsThatALeafNeeds() external {
        handler.postClaims(false, false, 216, 1);
        handler.postClaims(false, false, 200, 255);
        handler.accuse(4, 1, 0);
        // More than a window.
        handler.pass(65_535);
        this.invariant_court_isSolventAndJust();
        (uint256[5] memory fates, uint256[4] memory chains) = handler.reachedFates();
        assertTrue(fates[uint256(Fate.Void)] == 1 && fates[uint256(Fate.Attested)] == 1, "one void, one attested");
        assertEq(chains[3], 1, "by its source");
    }

    /// @dev A sequencer posts shortly before its exit is over, and its stake stays behind for the window.
    function test_handler_stakeOutlastsTheLastWindow() external {
        handler.retire(0, false);
        // 608 seconds and 112: the notice is 700.
        handler.pass(607);
        handler.postClaims(false, false, 216, 1);
        handler.pass(111);
        handler.retire(0, true);
        this.invariant_court_isSolventAndJust();
        handler.accuse(0, 1, 0);
        this.invariant_court_isSolventAndJust();
    }

    /// @dev The handler reaches what the invariant is about: seeded, so that it reaches it always. Several runs, since claims
    /// and games of one are bounded.
    function test_handler_reachesEveryEndingAndRefusal() external {
        uint256[9] memory sums;
        uint256[22] memory counts;
        uint256[8] memory fates;
        uint256[23] memory accusations;
        for (uint256 run = 1; run <= 6; run++) {
            handler = new HostileHandler();
            drive(run);
            this.invariant_court_isSolventAndJust();
            addEndings(sums);
            addRefusals(counts);
            addFates(fates);
            addAccusations(accusations);
        }
        assertTrue(sums[0] > 0 && sums[1] > 0, "games end both ways");
        assertTrue(sums[2] > 0, "by steps too");
        assertTrue(sums[3] > 0, "liars fall");
        assertTrue(sums[4] > 0 && sums[5] > 0 && sums[6] > 0, "stakes leave, keys are revoked");
        assertTrue(sums[7] > 0 && sums[8] > 0, "sequencers' too");
        for (uint256 i = uint256(Fate.Void); i < fates.length; i++) {
            assertTrue(fates[i] > 0, string.concat("fate ", vm.toString(i)));
        }
        for (uint256 i = 1; i < accusations.length; i++) {
            assertTrue(accusations[i] > 0, string.concat("accusation ", vm.toString(i)));
        }
        for (uint256 i = 0; i < counts.length; i++) {
            assertTrue(counts[i] > 0, string.concat("refusal ", vm.toString(i)));
        }
    }

    function addEndings(uint256[9] memory sums) private view {
        (uint256 lost, uint256 settled, uint256 steps, uint256 convicts) = handler.reached();
        (sums[0], sums[1], sums[2], sums[3]) = (sums[0] + lost, sums[1] + settled, sums[2] + steps, sums[3] + convicts);
        (uint256 withdrawals, uint256 exits, uint256 revocations) = handler.reachedByParties();
        (sums[4], sums[5], sums[6]) = (sums[4] + withdrawals, sums[5] + exits, sums[6] + revocations);
        (uint256 left, uint256 taken) = handler.reachedBySequencers();
        (sums[7], sums[8]) = (sums[7] + left, sums[8] + taken);
    }

    /// @dev Those that are for ever; behind them, leaves that are final by themselves, by one and by two others' outputs.
    function addFates(uint256[8] memory sums) private view {
        (uint256[5] memory fates, uint256[4] memory chains) = handler.reachedFates();
        for (uint256 i = 0; i < 8; i++) {
            sums[i] += i < 5 ? fates[i] : chains[i - 5];
        }
    }

    /// @dev Flaws that were proven, one of them of who had nothing left; behind them each proof, where nothing was wrong.
    function addAccusations(uint256[23] memory sums) private view {
        (uint256[5] memory proven, uint256 unpaid, uint256[17] memory innocences) = handler.reachedByAccusers();
        for (uint256 i = 0; i < 23; i++) {
            sums[i] += i < 5 ? proven[i] : i == 5 ? unpaid : innocences[i - 6];
        }
    }

    function addRefusals(uint256[22] memory counts) private view {
        bytes4[22] memory errors = [
            IDisputeCourt.LeafVoid.selector,
            IDisputeCourt.WindowOver.selector,
            IDisputeCourt.ExecutorIsConvicted.selector,
            IDisputeCourt.ExecutorNotConvicted.selector,
            IDisputeCourt.BondTooSmall.selector,
            IDisputeCourt.AlreadyCommitted.selector,
            IDisputeCourt.WrongPhase.selector,
            IDisputeCourt.NotYourMove.selector,
            IDisputeCourt.RevealTooEarly.selector,
            IDisputeCourt.ClockExpired.selector,
            IDisputeCourt.ClockRunning.selector,
            IDisputeCourt.WrongState.selector,
            IDisputeCourt.WrongGame.selector,
            IDisputeCourt.NotBonds.selector,
            Credits.NothingOwed.selector,
            IBonds.NotSlasher.selector,
            IBonds.NotRegistered.selector,
            IBonds.NothingStaked.selector,
            IBonds.NotYetWithdrawable.selector,
            IBonds.GamesOpen.selector,
            IBatches.AlreadyVoid.selector,
            IBatches.WindowOver.selector
        ];
        for (uint256 i = 0; i < errors.length; i++) {
            counts[i] += handler.refusals(errors[i]);
        }
    }

    /// @dev A thousand calls from a seed.
    function drive(uint256 seed) private {
        for (uint256 i = 0; i < 1000; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            (uint8 a, uint8 b, bool c) = (uint8(seed >> 8), uint8(seed >> 16), (seed >> 32) % 2 == 0);
            uint256 kind = seed % 37;
            if (kind == 0) handler.postClaims(a % 2 != 0, c, uint16(seed >> 16), uint8(seed >> 40));
            else if (kind < 3) handler.commitTo(a, b, uint8(seed >> 24), c, (seed >> 40) % 4 == 0);
            else if (kind < 15) handler.play(a, b);
            else if (kind < 17) handler.pass(uint16(seed >> 24));
            else if (kind < 18) handler.timeout(a, b);
            else if (kind < 19) handler.settle(a);
            else if (kind < 20) handler.withdraw(a);
            else if (kind < 21) handler.deposit(a, uint64(seed >> 48));
            else if (kind < 22) handler.exit(a);
            else if (kind < 23) handler.withdrawStake(a);
            else if (kind < 24) handler.authorise(a);
            else if (kind < 25) handler.revoke(a);
            else if (kind < 26) handler.moveWrongly(a, b, c);
            else if (kind < 28) handler.revealWrongly(a, b, c);
            else if (kind < 29) handler.timeOutWrongly(a, b);
            else if (kind < 30) handler.settleWrongly(a, b);
            else if (kind < 31) handler.commitWrongly(a, b, c);
            else if (kind < 32) handler.takeWrongly(a, b);
            else if (kind < 35) handler.accuse(a, b, uint8(seed >> 24));
            else if (kind < 36) handler.takeReward(a);
            else handler.retire(a, c);
        }
    }
}
