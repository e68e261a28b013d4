// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CourtHandler} from "./base/CourtHandler.sol";
import {Invariants} from "./base/Invariants.sol";

/// @title What holds of the court whatever anybody does
contract CourtInvariantTest is Invariants {
    CourtHandler private handler;

    function setUp() external {
        handler = new CourtHandler();
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = CourtHandler.postClaim.selector;
        selectors[1] = CourtHandler.commitTo.selector;
        selectors[2] = CourtHandler.play.selector;
        selectors[3] = CourtHandler.pass.selector;
        selectors[4] = CourtHandler.timeout.selector;
        selectors[5] = CourtHandler.settle.selector;
        selectors[6] = CourtHandler.withdraw.selector;
        drive(address(handler), selectors);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: deep.invariant.fail-on-revert = true
    function invariant_court_isSolventAndJust() external view {
        (uint256 balance, uint256 debts) = handler.balanceAndDebts();
        assertEq(balance, debts, "solvent to the wei");
        handler.checkClocks();
        handler.checkCounters();
        handler.checkFates();
        handler.checkHonestChallengers();
    }

    /// @dev An honest executor whose last second it is answers before a reveal elsewhere lets that second pass.
    function test_handler_honestIsInTime_inItsLastSecond() external {
        handler.postClaim(false, false);
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

    /// @dev The handler reaches what the invariant is about: seeded, so that it reaches it always.
    function test_handler_reachesEveryEnding() external {
        uint256 seed = 1;
        for (uint256 i = 0; i < 3000; i++) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint8 a = uint8(seed >> 8);
            uint8 b = uint8(seed >> 16);
            uint256 kind = seed % 16;
            if (kind == 0) handler.postClaim(a % 3 != 0, b % 2 == 0);
            else if (kind == 1) handler.commitTo(a, b, uint8(seed >> 24), (seed >> 32) % 2 == 0, (seed >> 40) % 4 == 0);
            else if (kind < 12) handler.play(a, b);
            else if (kind < 13) handler.pass(uint16(seed >> 24));
            else if (kind < 14) handler.timeout(a, b);
            else if (kind < 15) handler.settle(a);
            else handler.withdraw(a);
        }
        (uint256 lost, uint256 settled, uint256 steps, uint256 convicts, uint256 finals, uint256 voids) =
            handler.reached();
        assertTrue(lost > 0 && settled > 0, "games end both ways");
        assertTrue(steps > 0, "by steps too");
        assertTrue(convicts > 0 && finals > 0 && voids > 0, "claims end both ways");
        (uint256 balance, uint256 debts) = handler.balanceAndDebts();
        assertEq(balance, debts, "solvent to the wei");
    }
}
