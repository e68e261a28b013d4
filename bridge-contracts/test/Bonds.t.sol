// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bonds} from "../src/Bonds.sol";
import {Credits} from "../src/Credits.sol";
import {IBonds, Role} from "../src/interfaces/IBonds.sol";
import {Relations} from "../src/libraries/Relations.sol";
import {Parameters} from "../src/types/Parameters.sol";
import {Ledger} from "./base/Ledger.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A receiver that refuses, burns what gas it gets, returns megabytes, or calls back, as it is told.
contract HostileReceiver {
    enum Habit {
        Refuse,
        BurnGas,
        ReturnMegabytes,
        CallBack,
        Take
    }

    Habit public habit;
    Bonds private bonds;
    bool public calledBack;
    bool public callSucceeded;

    constructor(Bonds bonds_) {
        bonds = bonds_;
    }

    function behave(Habit habit_) external {
        habit = habit_;
    }

    function call(bytes calldata data) external payable returns (bool ok) {
        (ok,) = address(bonds).call{value: msg.value}(data);
    }

    receive() external payable {
        if (habit == Habit.Refuse) revert("refused");
        if (habit == Habit.BurnGas) {
            assembly {
                invalid()
            }
        }
        if (habit == Habit.ReturnMegabytes) {
            assembly {
                return(0, 0x200000)
            }
        }
        if (habit == Habit.CallBack) {
            calledBack = true;
            (callSucceeded,) = address(bonds).call(abi.encodeCall(IBonds.withdrawStake, (Role.Executor, payable(this))));
        }
    }
}

contract BondsTest is Ledger {
    uint64 private constant UNTIL_WITHDRAWABLE = NOTICE + WINDOW + 2 * CLOCK + MARGIN;

    function registered() private {
        register(Role.Executor, executor, EXECUTOR_STAKE);
    }

    function exited() private {
        registered();
        vm.prank(executor);
        bonds.exit(Role.Executor);
    }

    // Registration.

    function test_register_least() external {
        registered();
        assertEq(bonds.stakeOf(Role.Executor, executor), EXECUTOR_STAKE, "stake");
        assertTrue(!bonds.isRegistered(Role.Executor, executor, START - 1), "before");
        assertTrue(bonds.isRegistered(Role.Executor, executor, START), "from its second on");
        assertTrue(bonds.isRegistered(Role.Executor, executor, type(uint64).max - 1), "without end");
        assertTrue(!bonds.isRegistered(Role.Sequencer, executor, START), "other role");
        (uint64 from, uint64 until) = bonds.registrationOf(Role.Executor, executor);
        assertEq(from, START, "from");
        assertEq(until, type(uint64).max, "until");
    }

    function test_register_stakeTooSmall_reverts() external {
        vm.deal(executor, EXECUTOR_STAKE);
        vm.expectRevert(abi.encodeWithSelector(IBonds.StakeTooSmall.selector, EXECUTOR_STAKE, EXECUTOR_STAKE - 1));
        vm.prank(executor);
        bonds.register{value: EXECUTOR_STAKE - 1}(Role.Executor);
        vm.expectRevert(abi.encodeWithSelector(IBonds.StakeTooSmall.selector, SEQUENCER_STAKE, EXECUTOR_STAKE));
        vm.prank(executor);
        bonds.register{value: EXECUTOR_STAKE}(Role.Sequencer);
    }

    function test_register_twice_reverts() external {
        registered();
        vm.deal(executor, EXECUTOR_STAKE);
        vm.expectRevert(abi.encodeWithSelector(IBonds.AlreadyRegistered.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.register{value: EXECUTOR_STAKE}(Role.Executor);
    }

    function test_register_afterSlashAndAfterExit_reverts() external {
        registered();
        court.slash(bonds, Role.Executor, executor);
        vm.deal(executor, EXECUTOR_STAKE);
        vm.expectRevert(abi.encodeWithSelector(IBonds.AlreadyRegistered.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.register{value: EXECUTOR_STAKE}(Role.Executor);

        register(Role.Executor, STRANGER, EXECUTOR_STAKE);
        vm.prank(STRANGER);
        bonds.exit(Role.Executor);
        vm.warp(START + UNTIL_WITHDRAWABLE);
        vm.prank(STRANGER);
        bonds.withdrawStake(Role.Executor, payable(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(IBonds.AlreadyRegistered.selector, Role.Executor, STRANGER));
        vm.prank(STRANGER);
        bonds.register{value: EXECUTOR_STAKE}(Role.Executor);
    }

    function test_deposit_adds() external {
        registered();
        vm.deal(executor, 3);
        vm.prank(executor);
        bonds.deposit{value: 3}(Role.Executor);
        assertEq(bonds.stakeOf(Role.Executor, executor), EXECUTOR_STAKE + 3, "stake");
    }

    function test_deposit_nothing_reverts() external {
        registered();
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingDeposited.selector));
        vm.prank(executor);
        bonds.deposit(Role.Executor);
    }

    function test_deposit_notRegistered_reverts() external {
        vm.deal(executor, 2);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotRegistered.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.deposit{value: 1}(Role.Executor);
    }

    function test_deposit_atEndOfRegistration() external {
        exited();
        vm.deal(executor, 3);
        vm.warp(START + NOTICE - 1);
        vm.prank(executor);
        bonds.deposit{value: 1}(Role.Executor);
        for (uint64 late = 0; late < 2; late++) {
            vm.warp(START + NOTICE + late);
            vm.expectRevert(abi.encodeWithSelector(IBonds.NotRegistered.selector, Role.Executor, executor));
            vm.prank(executor);
            bonds.deposit{value: 1}(Role.Executor);
        }
    }

    // Keys.

    function test_authorise_keySignsFromItsSecondOn() external {
        registered();
        vm.warp(START + 10);
        authorise(Role.Executor, executor, KEY_SECRET);
        assertTrue(!bonds.isKey(Role.Executor, executor, key, START + 9), "before");
        assertTrue(bonds.isKey(Role.Executor, executor, key, START + 10), "from its second on");
        assertTrue(!bonds.isKey(Role.Sequencer, executor, key, START + 10), "other role");
        assertTrue(!bonds.isKey(Role.Executor, STRANGER, key, START + 10), "other owner");
        assertTrue(!bonds.isKey(Role.Executor, address(0), STRANGER, START + 10), "nobody's key");
    }

    function test_isKey_ownerIsItsOwnForEver() external {
        exited();
        assertTrue(!bonds.isKey(Role.Executor, executor, executor, START - 1), "before");
        assertTrue(bonds.isKey(Role.Executor, executor, executor, START), "from registration on");
        assertTrue(bonds.isKey(Role.Executor, executor, executor, START + NOTICE + 1), "after the end too");
        assertTrue(!bonds.isKey(Role.Sequencer, executor, executor, START), "other role");
        assertTrue(!bonds.isKey(Role.Executor, STRANGER, STRANGER, START), "never registered");
        assertTrue(!bonds.isKey(Role.Executor, address(0), address(0), START), "zero");
    }

    function test_authorise_notRegistered_reverts() external {
        bytes memory signed = consent(KEY_SECRET, Role.Executor, executor);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotRegistered.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.authorise(Role.Executor, key, signed);
    }

    function test_authorise_itself_reverts() external {
        registered();
        bytes memory signed = consent(EXECUTOR_SECRET, Role.Executor, executor);
        vm.expectRevert(abi.encodeWithSelector(IBonds.OwnerIsItsOwnKey.selector, executor));
        vm.prank(executor);
        bonds.authorise(Role.Executor, executor, signed);
    }

    function test_authorise_keyOfAnother_reverts() external {
        registered();
        register(Role.Executor, STRANGER, EXECUTOR_STAKE);
        authorise(Role.Executor, executor, KEY_SECRET);
        bytes memory signed = consent(KEY_SECRET, Role.Executor, STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IBonds.KeyTaken.selector, key, executor));
        vm.prank(STRANGER);
        bonds.authorise(Role.Executor, key, signed);
    }

    function test_authorise_revokedKeyAgain_reverts() external {
        registered();
        authorise(Role.Executor, executor, KEY_SECRET);
        vm.prank(executor);
        bonds.revoke(Role.Executor, key);
        vm.warp(START + 2 * NOTICE);
        bytes memory signed = consent(KEY_SECRET, Role.Executor, executor);
        vm.expectRevert(abi.encodeWithSelector(IBonds.KeyTaken.selector, key, executor));
        vm.prank(executor);
        bonds.authorise(Role.Executor, key, signed);
    }

    function test_authorise_consentForAnotherOwnerRoleOrContract_reverts() external {
        registered();
        bytes[] memory wrong = new bytes[](4);
        wrong[0] = consent(KEY_SECRET, Role.Executor, STRANGER);
        wrong[1] = consent(KEY_SECRET, Role.Sequencer, executor);
        wrong[2] = consent(EXECUTOR_SECRET, Role.Executor, executor);
        bytes32 structHash =
            keccak256(abi.encode(keccak256("KeyConsent(uint8 role,address owner)"), Role.Executor, executor));
        wrong[3] = sign(KEY_SECRET, keccak256(abi.encodePacked(hex"1901", batches.domainSeparator(), structHash)));
        for (uint256 i = 0; i < wrong.length; i++) {
            vm.expectPartialRevert(IBonds.ConsentNotByKey.selector);
            vm.prank(executor);
            bonds.authorise(Role.Executor, key, wrong[i]);
        }
    }

    function test_authorise_malformedConsent_reverts() external {
        registered();
        bytes memory good = consent(KEY_SECRET, Role.Executor, executor);
        bytes memory short = new bytes(64);
        for (uint256 i = 0; i < 64; i++) {
            short[i] = good[i];
        }
        expectRefused(short, abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 64));
        bytes memory long = abi.encodePacked(good, hex"00");
        expectRefused(long, abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 66));
        expectRefused("", abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 0));
        (bytes32 r, bytes32 s, uint8 v) = split(good);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes32 high = bytes32(order - uint256(s));
        bytes memory turned = abi.encodePacked(r, high, v == 27 ? 28 : 27);
        expectRefused(turned, abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        bytes memory parity = abi.encodePacked(r, s, v - 27);
        expectRefused(parity, abi.encodeWithSelector(ECDSA.ECDSAInvalidSignature.selector));
    }

    function expectRefused(bytes memory signature, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(executor);
        bonds.authorise(Role.Executor, key, signature);
    }

    function test_authorise_zeroKey_reverts() external {
        registered();
        vm.expectRevert(ECDSA.ECDSAInvalidSignature.selector);
        vm.prank(executor);
        bonds.authorise(Role.Executor, address(0), new bytes(65));
    }

    function split(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }

    function test_revoke_takesEffectAfterNotice() external {
        registered();
        authorise(Role.Executor, executor, KEY_SECRET);
        vm.warp(START + 5);
        vm.prank(executor);
        bonds.revoke(Role.Executor, key);
        assertTrue(bonds.isKey(Role.Executor, executor, key, START + 5 + NOTICE - 1), "last second");
        assertTrue(!bonds.isKey(Role.Executor, executor, key, START + 5 + NOTICE), "end");
        assertTrue(!bonds.isKey(Role.Executor, executor, key, START + 5 + NOTICE + 1), "after the end");
    }

    function test_revoke_notKeyOf_reverts() external {
        registered();
        authorise(Role.Executor, executor, KEY_SECRET);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotKeyOf.selector, STRANGER, key));
        vm.prank(STRANGER);
        bonds.revoke(Role.Executor, key);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotKeyOf.selector, executor, key));
        vm.prank(executor);
        bonds.revoke(Role.Sequencer, key);
    }

    function test_revoke_twice_reverts() external {
        registered();
        authorise(Role.Executor, executor, KEY_SECRET);
        vm.prank(executor);
        bonds.revoke(Role.Executor, key);
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(IBonds.KeyAlreadyRevoked.selector, key, START + NOTICE));
        vm.prank(executor);
        bonds.revoke(Role.Executor, key);
    }

    // Exit and withdrawal.

    function test_exit_takesEffectAfterNotice() external {
        exited();
        assertTrue(bonds.isRegistered(Role.Executor, executor, START + NOTICE - 1), "last second");
        assertTrue(!bonds.isRegistered(Role.Executor, executor, START + NOTICE), "end");
        assertTrue(!bonds.isRegistered(Role.Executor, executor, START + NOTICE + 1), "after the end");
    }

    function test_exit_notRegistered_reverts() external {
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotRegistered.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.exit(Role.Executor);
    }

    function test_exit_twice_reverts() external {
        exited();
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(IBonds.ExitAlreadyAnnounced.selector, START + NOTICE));
        vm.prank(executor);
        bonds.exit(Role.Executor);
    }

    function test_withdrawStake_boundary() external {
        exited();
        uint64 from = START + UNTIL_WITHDRAWABLE;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotYetWithdrawable.selector, from, from - 1));
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(STRANGER));
        vm.warp(from);
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(STRANGER));
        assertEq(STRANGER.balance, EXECUTOR_STAKE, "paid");
        assertEq(address(bonds).balance, 0, "left");
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingStaked.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(STRANGER));
    }

    function test_withdrawStake_later() external {
        exited();
        vm.warp(START + UNTIL_WITHDRAWABLE + 1);
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(executor));
        assertEq(executor.balance, EXECUTOR_STAKE, "paid");
    }

    function test_withdrawStake_withoutExit_reverts() external {
        registered();
        vm.warp(START + 100 * UNTIL_WITHDRAWABLE);
        vm.expectRevert(abi.encodeWithSelector(IBonds.ExitNotAnnounced.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(executor));
    }

    function test_withdrawStake_openGames_reverts() external {
        exited();
        vm.warp(START + UNTIL_WITHDRAWABLE);
        court.setOpenGames(executor, true);
        vm.expectRevert(abi.encodeWithSelector(IBonds.GamesOpen.selector, executor));
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(executor));
        court.setOpenGames(executor, false);
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(executor));
        assertEq(executor.balance, EXECUTOR_STAKE, "paid");
    }

    function test_withdrawStake_sequencerHasNoGames() external {
        register(Role.Sequencer, sequencer, SEQUENCER_STAKE);
        court.setOpenGames(sequencer, true);
        vm.prank(sequencer);
        bonds.exit(Role.Sequencer);
        vm.warp(START + UNTIL_WITHDRAWABLE);
        vm.prank(sequencer);
        bonds.withdrawStake(Role.Sequencer, payable(sequencer));
        assertEq(sequencer.balance, SEQUENCER_STAKE, "paid");
    }

    function test_withdrawStake_hostileReceivers() external {
        HostileReceiver receiver = new HostileReceiver(bonds);
        vm.deal(address(this), EXECUTOR_STAKE);
        receiver.call{value: EXECUTOR_STAKE}(abi.encodeCall(IBonds.register, (Role.Executor)));
        register(Role.Executor, executor, EXECUTOR_STAKE);
        receiver.call(abi.encodeCall(IBonds.exit, (Role.Executor)));
        vm.warp(START + UNTIL_WITHDRAWABLE);

        bytes memory withdrawal = abi.encodeCall(IBonds.withdrawStake, (Role.Executor, payable(address(receiver))));
        receiver.behave(HostileReceiver.Habit.Refuse);
        vm.expectRevert(abi.encodeWithSelector(Credits.TransferFailed.selector, address(receiver), EXECUTOR_STAKE));
        vm.prank(address(receiver));
        bonds.withdrawStake(Role.Executor, payable(address(receiver)));
        receiver.behave(HostileReceiver.Habit.BurnGas);
        assertTrue(!receiver.call{gas: 3_000_000}(withdrawal), "burns its gas");
        assertEq(bonds.stakeOf(Role.Executor, address(receiver)), EXECUTOR_STAKE, "still owed");

        receiver.behave(HostileReceiver.Habit.CallBack);
        assertTrue(receiver.call(withdrawal), "called back");
        assertTrue(receiver.calledBack() && !receiver.callSucceeded(), "the second call is refused");
        assertEq(address(receiver).balance, EXECUTOR_STAKE, "paid once");
        assertEq(address(bonds).balance, EXECUTOR_STAKE, "the other's stake is there");
    }

    function test_withdrawStake_returnedMegabytesAreNotRead() external {
        HostileReceiver receiver = new HostileReceiver(bonds);
        receiver.behave(HostileReceiver.Habit.ReturnMegabytes);
        exited();
        vm.warp(START + UNTIL_WITHDRAWABLE);
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(address(receiver)));
        assertEq(address(receiver).balance, EXECUTOR_STAKE, "paid");
    }

    // Slashing.

    function test_slash_sharesTheStake() external {
        registered();
        vm.warp(START + 7);
        uint256 pot = court.slash(bonds, Role.Executor, executor);
        assertEq(pot, EXECUTOR_STAKE * 4 / 10, "pot");
        assertEq(address(court).balance, pot, "sent");
        assertEq(bonds.creditOf(TREASURY), EXECUTOR_STAKE * 6 / 10, "burned");
        assertEq(bonds.stakeOf(Role.Executor, executor), 0, "stake");
        assertTrue(bonds.isRegistered(Role.Executor, executor, START + 6), "registered before");
        assertTrue(!bonds.isRegistered(Role.Executor, executor, START + 7), "ends at once");
        vm.prank(TREASURY);
        bonds.withdraw(payable(TREASURY));
        assertEq(TREASURY.balance, EXECUTOR_STAKE * 6 / 10, "treasury");
        assertEq(address(bonds).balance, 0, "left");
    }

    function testFuzz_slash_losesNoWei(uint96 more) external {
        uint256 stake = EXECUTOR_STAKE + more;
        register(Role.Executor, executor, stake);
        uint256 pot = court.slash(bonds, Role.Executor, executor);
        assertEq(pot + bonds.creditOf(TREASURY), stake, "shares");
        assertTrue(bonds.creditOf(TREASURY) <= stake * 6 / 10, "rounded in favour of the pot");
        assertEq(address(bonds).balance, bonds.creditOf(TREASURY), "solvent");
    }

    function test_slash_again_nothing() external {
        registered();
        court.slash(bonds, Role.Executor, executor);
        assertEq(court.slash(bonds, Role.Executor, executor), 0, "again");
        assertEq(court.slash(bonds, Role.Executor, STRANGER), 0, "never registered");
    }

    function test_slash_whileExiting() external {
        exited();
        vm.warp(START + NOTICE + 3);
        assertEq(court.slash(bonds, Role.Executor, executor), EXECUTOR_STAKE * 4 / 10, "pot");
        (, uint64 until) = bonds.registrationOf(Role.Executor, executor);
        assertEq(until, START + NOTICE, "the end stays where it was");
        vm.warp(START + UNTIL_WITHDRAWABLE);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingStaked.selector, Role.Executor, executor));
        vm.prank(executor);
        bonds.withdrawStake(Role.Executor, payable(executor));
    }

    function test_slash_notSlasher_reverts() external {
        registered();
        register(Role.Sequencer, sequencer, SEQUENCER_STAKE);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotSlasher.selector, address(court), address(this)));
        bonds.slash(Role.Executor, executor);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotSlasher.selector, address(court), address(faults)));
        faults.slash(bonds, Role.Executor, executor);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NotSlasher.selector, address(faults), address(court)));
        court.slash(bonds, Role.Sequencer, sequencer);
        assertEq(faults.slash(bonds, Role.Sequencer, sequencer), SEQUENCER_STAKE * 4 / 10, "fault prover's pot");
    }

    // Credits.

    function test_withdraw_nothingOwed_reverts() external {
        vm.expectRevert(abi.encodeWithSelector(Credits.NothingOwed.selector, STRANGER));
        vm.prank(STRANGER);
        bonds.withdraw(payable(STRANGER));
    }

    function test_withdraw_refused_reverts() external {
        HostileReceiver receiver = new HostileReceiver(bonds);
        registered();
        court.slash(bonds, Role.Executor, executor);
        uint256 owed = bonds.creditOf(TREASURY);
        vm.expectRevert(abi.encodeWithSelector(Credits.TransferFailed.selector, address(receiver), owed));
        vm.prank(TREASURY);
        bonds.withdraw(payable(address(receiver)));
        assertEq(bonds.creditOf(TREASURY), owed, "still owed");
        receiver.behave(HostileReceiver.Habit.Take);
        vm.prank(TREASURY);
        bonds.withdraw(payable(address(receiver)));
        assertEq(address(receiver).balance, owed, "paid");
        vm.expectRevert(abi.encodeWithSelector(Credits.NothingOwed.selector, TREASURY));
        vm.prank(TREASURY);
        bonds.withdraw(payable(TREASURY));
    }

    // The table of parameters.

    function test_constructor_brokenRelations_revert() external {
        Parameters memory p = parameters();
        p.window = 0;
        expectBelow(p, "window", 1, 0);
        p = parameters();
        p.clock = 0;
        expectBelow(p, "clock", 1, 0);
        p = parameters();
        p.withdrawalMargin = AS_OF_AGE_MAX - 1;
        expectBelow(p, "withdrawalMargin", AS_OF_AGE_MAX, AS_OF_AGE_MAX - 1);
        p = parameters();
        p.executorStake = 20 ether - 1;
        expectBelow(p, "executorStake", 20 ether, 20 ether - 1);
        p = parameters();
        p.sequencerStake = EXECUTOR_STAKE - 1;
        expectBelow(p, "sequencerStake", EXECUTOR_STAKE, EXECUTOR_STAKE - 1);
        p = parameters();
        p.burnShareBps = 4999;
        expectBelow(p, "burnShareBps", 5000, 4999);
        p = parameters();
        p.gasMarginBps = 2499;
        expectBelow(p, "gasMarginBps", 2500, 2499);
        p = parameters();
        p.baseFeeMax = 0;
        expectBelow(p, "baseFeeMax", 1, 0);
        p = parameters();
        p.sourceHorizon = 0;
        expectBelow(p, "sourceHorizon", 1, 0);
        p = parameters();
        p.chainLengthMax = 0;
        expectBelow(p, "chainLengthMax", 1, 0);
        p = parameters();
        p.treasury = address(0);
        expectBelow(p, "treasury", 1, 0);
        p = parameters();
        p.burnShareBps = 10_001;
        expectAbove(p, "burnShareBps", 10_000, 10_001);
        p = parameters();
        p.fuelLimitMax = 1 << 40;
        expectAbove(p, "fuelLimitMax", (1 << 40) - 1, 1 << 40);
        p = parameters();
        p.window = 1 << 32;
        expectAbove(p, "window", type(uint32).max, 1 << 32);
    }

    function expectBelow(Parameters memory p, string memory what, uint256 least, uint256 given) private {
        vm.expectRevert(abi.encodeWithSelector(Relations.Below.selector, what, least, given));
        new Bonds(p, court, address(faults));
    }

    function expectAbove(Parameters memory p, string memory what, uint256 most, uint256 given) private {
        vm.expectRevert(abi.encodeWithSelector(Relations.Above.selector, what, most, given));
        new Bonds(p, court, address(faults));
    }
}
