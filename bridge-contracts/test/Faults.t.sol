// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "../src/Credits.sol";
import {IBatches} from "../src/interfaces/IBatches.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {DataPages, DataWindow} from "../src/libraries/DataPages.sol";
import {OpenedData} from "../src/libraries/faults/OpenedData.sol";
import {Evidence} from "../src/types/Evidence.sol";
import {Claim} from "../src/types/Objects.sol";
import {Accusing} from "./base/Accusing.sol";

/// @notice What follows from a fault, when it can be proven, and what evidence is refused.
contract FaultsTest is Accusing {
    address private constant PROVER = address(0x9207e2);
    address private constant PURSE = address(0x9025e);

    function test_prove_creditsTheProver() external {
        Evidence memory shown = faulty(0);
        uint256 reward = SEQUENCER_STAKE * 4 / 10;
        vm.expectEmit(true, true, true, true, address(prover));
        emit IFaults.FaultProven(region, 0, PROVER, 7, reward);
        vm.prank(PROVER);
        prover.proveDeadline(shown, 0);
        assertEq(bonds.creditOf(TREASURY), SEQUENCER_STAKE - reward, "burned");
        assertEq(prover.creditOf(PROVER), reward, "credit");

        vm.prank(PROVER);
        prover.withdraw(payable(PURSE));
        assertEq(PURSE.balance, reward, "purse");
        assertEq(address(prover).balance, 0, "nothing is left");
        vm.expectRevert(abi.encodeWithSelector(Credits.NothingOwed.selector, PROVER));
        vm.prank(PROVER);
        prover.withdraw(payable(PURSE));
    }

    function test_prove_again_reverts() external {
        Evidence memory shown = faulty(0);
        prover.proveDeadline(shown, 0);
        vm.expectRevert(abi.encodeWithSelector(IBatches.AlreadyVoid.selector, region, 0));
        prover.proveDeadline(shown, 0);
    }

    /// @dev What is void must not stand because its sequencer has nothing left to lose.
    function test_prove_anotherBatchOfTheConvict() external {
        Evidence memory first = faulty(0);
        Evidence memory second = faulty(1);
        prover.proveDeadline(first, 0);
        vm.prank(PROVER);
        prover.proveDeadline(second, 0);
        (,, uint64 voidedAt) = batches.batchOf(region, 1);
        assertEq(voidedAt, POSTED, "void");
        assertEq(prover.creditOf(PROVER), 0, "there was nothing left");
    }

    function test_prove_lastSecondOfTheWindow() external {
        Evidence memory shown = faulty(0);
        vm.warp(POSTED + WINDOW);
        prover.proveDeadline(shown, 0);
        assertConvicted(shown);
    }

    function test_prove_afterTheWindow_reverts() external {
        Evidence memory shown = faulty(0);
        vm.warp(POSTED + WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IBatches.WindowOver.selector, POSTED + WINDOW, POSTED + WINDOW + 1));
        prover.proveDeadline(shown, 0);
    }

    function test_receive_fromAnother_reverts() external {
        vm.deal(PROVER, 1);
        vm.prank(PROVER);
        vm.expectRevert(abi.encodeWithSelector(IFaults.NotBonds.selector, address(bonds), PROVER));
        payable(address(prover)).transfer(1);
    }

    function test_prove_unknownBatch_reverts() external {
        Evidence memory shown = faulty(0);
        shown.batch.number = 1;
        vm.expectRevert(abi.encodeWithSelector(IBatches.BatchUnknown.selector, region, 1));
        prover.proveDeadline(shown, 0);
    }

    function test_prove_anotherHeader_reverts() external {
        Evidence memory shown = faulty(0);
        shown.batch.minDeadline++;
        vm.expectPartialRevert(IBatches.BatchMismatch.selector);
        prover.proveDeadline(shown, 0);
    }

    function test_prove_otherData_reverts() external {
        Evidence memory shown = faulty(0);
        shown.windows[0].data[0] ^= 0x01;
        vm.expectPartialRevert(DataPages.WindowNotInData.selector);
        prover.proveDeadline(shown, 0);
    }

    /// @dev Also a window that is not read must be right.
    function test_prove_aFurtherWindowOfOtherData_reverts() external {
        Evidence memory shown = faulty(0);
        DataWindow memory good = shown.windows[0];
        shown.windows = new DataWindow[](2);
        (shown.windows[0], shown.windows[1]) = (good, DataWindow(0, "", new bytes32[](0)));
        vm.expectRevert(DataPages.WindowEmpty.selector);
        prover.proveDeadline(shown, 0);
    }

    function test_prove_notOpened_reverts() external {
        Evidence memory shown = faulty(0);
        shown.windows = new DataWindow[](0);
        vm.expectRevert(abi.encodeWithSelector(OpenedData.NotOpened.selector, 0, 393));
        prover.proveDeadline(shown, 0);
    }

    /// @dev Record 10 of eleven straddles the first two pages: one of them, or each in a window of its own, is not enough.
    function test_prove_straddling() external {
        Claim[] memory claims = new Claim[](11);
        for (uint64 i = 0; i < 11; i++) {
            claims[i] = claimOf(i);
        }
        claims[10].request.deadline = FAR - 1;
        sign(claims[10]);
        (Evidence memory shown, bytes memory data) = evidenceOf(claims);
        shown.windows = new DataWindow[](2);
        (shown.windows[0], shown.windows[1]) = (windowOf(data, 0, 1), windowOf(data, 4096, 1));
        vm.expectRevert(abi.encodeWithSelector(OpenedData.NotOpened.selector, 3930, 393));
        prover.proveDeadline(shown, 10);
        shown.windows[1] = windowOf(data, 3930, 393);
        prover.proveDeadline(shown, 10);
        assertConvicted(shown);
    }

    /// @dev What stands behind the last record is none: no sequencer is judged by nodes or entries taken for records.
    function test_prove_placesThatAreNotThere_reverts() external {
        Evidence memory shown = faulty(0);
        bytes memory places = abi.encodeWithSelector(OpenedData.IndexOutOfRange.selector, 1, 1);
        vm.expectRevert(places);
        prover.proveClientSignature(shown, 1);
        vm.expectRevert(places);
        prover.proveSequence(shown, 1);
        vm.expectRevert(places);
        prover.proveRepeated(shown, 1, shown, 0);
        vm.expectRevert(places);
        prover.proveInputSource(shown, 1, none());
        vm.expectRevert(places);
        prover.proveLeaves(shown, 1);
        vm.expectRevert(places);
        prover.proveLeafNode(shown, 1, 0);
        vm.expectRevert(places);
        prover.proveLeafNode(shown, 0, 1);
        vm.expectRevert(places);
        prover.proveEntry(shown, 1);
        vm.expectRevert(places);
        prover.provePage(shown, 0, 1);
        vm.expectRevert(places);
        prover.proveBlobNode(shown, 0, 1, 0);
        vm.expectRevert(places);
        prover.proveBlobNode(shown, 0, 0, 1);
        vm.expectRevert(places);
        prover.provePadding(shown, 1, 500);
    }

    /// @dev A batch whose one task has a deadline before the header's.
    function faulty(uint64 sequence) private returns (Evidence memory shown) {
        Claim memory claim = claimOf(sequence);
        claim.request.deadline = FAR - 1;
        sign(claim);
        (shown,) = evidenceOf(only(claim));
    }

    function evidenceOf(Claim[] memory claims) private returns (Evidence memory shown, bytes memory data) {
        (shown.batch, data) = post(claims);
        return (whole(shown.batch, data), data);
    }
}
