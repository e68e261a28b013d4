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
    function invariant_court_isSolventAndJust() external view {
        (uint256 balance, uint256 debts) = handler.balanceAndDebts();
        assertEq(balance, debts, "solvent to the wei");
        handler.checkClocks();
        handler.checkCounters();
        handler.checkFates();
        handler.checkHonestChallengers();
    }
}
