// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {IDisputeCourt} from "../src/interfaces/IDisputeCourt.sol";
import {IExaminer} from "../src/interfaces/IExaminer.sol";
import {Witness} from "../src/libraries/Witness.sol";
import {BootState} from "../src/libraries/court/BootState.sol";
import {Dissection} from "../src/libraries/court/Dissection.sol";
import {RegionTree} from "../src/libraries/court/RegionTree.sol";
import {Opening, Phase, Position, Reply} from "../src/types/Games.sol";
import {LeafProof} from "../src/types/Objects.sol";
import {Players, Table} from "./base/Players.sol";
import {Run} from "./base/Runs.sol";
import {CourtOf4} from "./base/SmallCourts.sol";

/// @title Who may do what, when, and with which proofs
contract CourtRulesTest is Players {
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

    // Committing.

    function test_commit_afterWindow_reverts() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = postTruth(run);
        uint64 last = uint64(block.timestamp) + WINDOW;
        vm.warp(last + 1);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(1), proof);
        bytes32 commitment = commitmentOf(opening, hashes, alice);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.WindowOver.selector, last, uint256(last) + 1));
        court.commit{value: BOND}(proof, commitment, false);
        vm.warp(last);
        commit(run, liar(1), proof, alice, BOND);
    }

    function test_commit_inBlockOfPosting_opens() external {
        Run memory run = readRun(EXIT);
        commit(run, liar(1), postTruth(run), alice, BOND);
    }

    function test_commit_toVoidBatch_reverts() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = postTruth(run);
        vm.prank(address(faults));
        batches.voidBatch(region, proof.batch.number);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.LeafVoid.selector, uint64(block.timestamp)));
        court.commit{value: BOND}(proof, bytes32(uint256(1)), false);
    }

    function test_commit_smallBond_reverts() external {
        LeafProof memory proof = postTruth(readRun(EXIT));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.BondTooSmall.selector, BOND, BOND - 1));
        court.commit{value: BOND - 1}(proof, bytes32(uint256(1)), false);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.BondTooSmall.selector, STAKE, STAKE - 1));
        court.commit{value: STAKE - 1}(proof, bytes32(uint256(1)), true);
    }

    function test_commit_excess_isCredited() external {
        LeafProof memory proof = postTruth(readRun(EXIT));
        vm.prank(alice);
        court.commit{value: BOND + 3}(proof, bytes32(uint256(1)), false);
        assertEq(court.creditOf(alice), 3, "beyond the bond");
        vm.prank(bob);
        court.commit{value: STAKE + 5}(proof, bytes32(uint256(1)), true);
        assertEq(court.creditOf(bob), 5, "beyond the stake");
    }

    function test_commit_twice_reverts() external {
        LeafProof memory proof = postTruth(readRun(EXIT));
        vm.prank(alice);
        bytes32 id = court.commit{value: BOND}(proof, bytes32(uint256(1)), false);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.AlreadyCommitted.selector, id));
        court.commit{value: BOND}(proof, bytes32(uint256(1)), false);
        // Another challenger's, or another commitment, is another game.
        vm.prank(bob);
        court.commit{value: BOND}(proof, bytes32(uint256(1)), false);
        vm.prank(alice);
        court.commit{value: BOND}(proof, bytes32(uint256(2)), false);
        assertEq(court.openGamesOn(claimOf(proof)), 3, "games on the claim");
    }

    function test_commit_again_afterLoss_reverts() external {
        (Run memory run, Table memory table) = opened();
        vm.warp(expired(table));
        dissect(run, honest(), table, disputedPart(run, honest(), table), executor);
        vm.warp(expired(table) + 1);
        court.timeout(table.id);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(30), table.proof);
        bytes32 commitment = commitmentOf(opening, hashes, alice);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.AlreadyCommitted.selector, table.id));
        court.commit{value: BOND}(table.proof, commitment, false);
    }

    // Revealing.

    function test_reveal_inBlockOfCommit_reverts() external {
        Run memory run = readRun(EXIT);
        Table memory table = commit(run, liar(9), postTruth(run), alice, BOND);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(9), table.proof);
        vm.prank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDisputeCourt.RevealTooEarly.selector, uint64(block.timestamp), uint256(block.timestamp)
            )
        );
        court.reveal(table.id, opening, hashes);
    }

    function test_reveal_atExpiry_opens() external {
        Run memory run = readRun(EXIT);
        Table memory table = commit(run, liar(9), postTruth(run), alice, BOND);
        vm.warp(block.timestamp + CLOCK);
        reveal(run, liar(9), table);
        assertEq(court.gameOf(table.id).otherLeft, 0, "no time left");
        assertEq(expired(table), block.timestamp + CLOCK, "the executor's clock is whole");
    }

    function test_reveal_afterExpiry_reverts() external {
        Run memory run = readRun(EXIT);
        Table memory table = commit(run, liar(9), postTruth(run), alice, BOND);
        vm.warp(block.timestamp + CLOCK + 1);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(9), table.proof);
        vm.prank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDisputeCourt.ClockExpired.selector, uint64(block.timestamp - 1), uint256(block.timestamp)
            )
        );
        court.reveal(table.id, opening, hashes);
    }

    /// @dev Who copies a reveal can do nothing with it: neither in the other's game nor in its own.
    function test_reveal_copied_reverts() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = postTruth(run);
        Table memory table = commit(run, liar(9), proof, alice, BOND);
        bytes32 commitment = keccak256("of bob");
        vm.prank(bob);
        bytes32 id = court.commit{value: BOND}(proof, commitment, false);
        vm.warp(block.timestamp + 12);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(9), proof);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.NotYourMove.selector, bob));
        court.reveal(table.id, opening, hashes);
        vm.prank(bob);
        vm.expectPartialRevert(IDisputeCourt.WrongGame.selector);
        court.reveal(id, opening, hashes);
    }

    function refuseReveal(Table memory table, Opening memory opening, bytes32[] memory hashes, bytes4 selector)
        private
    {
        vm.prank(alice);
        vm.expectPartialRevert(selector);
        court.reveal(table.id, opening, hashes);
    }

    function test_reveal_otherThanCommitted_reverts() external {
        Run memory run = readRun(TRAP);
        Table memory table = commit(run, liar(3), postTruth(run), alice, BOND);
        LeafProof memory other = postTruth(run);
        vm.warp(block.timestamp + 12);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(3), table.proof);
        bytes4 wrongGame = IDisputeCourt.WrongGame.selector;

        opening.salt = ~opening.salt;
        refuseReveal(table, opening, hashes, wrongGame);
        opening.salt = ~opening.salt;

        opening.index = 1;
        refuseReveal(table, opening, hashes, wrongGame);
        opening.index = 0;

        opening.batchHash = ~opening.batchHash;
        refuseReveal(table, opening, hashes, wrongGame);
        opening.batchHash = ~opening.batchHash;

        opening.region = ~opening.region;
        refuseReveal(table, opening, hashes, wrongGame);
        opening.region = ~opening.region;

        opening.record = other.record;
        refuseReveal(table, opening, hashes, wrongGame);
        opening.record = table.proof.record;

        opening.memoryRoot = ~opening.memoryRoot;
        refuseReveal(table, opening, hashes, wrongGame);
        opening.memoryRoot = ~opening.memoryRoot;

        hashes[0] = ~hashes[0];
        refuseReveal(table, opening, hashes, wrongGame);
        hashes[0] = ~hashes[0];

        opening.descriptor.entryPc += 1;
        refuseReveal(table, opening, hashes, IExaminer.WrongProgram.selector);
        opening.descriptor.entryPc -= 1;

        opening.systemLeaf = ~opening.systemLeaf;
        refuseReveal(table, opening, hashes, BootState.NotSystemRoot.selector);
        opening.systemLeaf = ~opening.systemLeaf;

        opening.systemMask |= 1 << 28;
        refuseReveal(table, opening, hashes, BootState.SystemMask.selector);
        opening.systemMask ^= 1 << 28;

        // The sibling at level 0 is the leaf of the program's globals: it is spelt out.
        opening.systemMask ^= 1;
        refuseReveal(table, opening, hashes, BootState.SystemSiblings.selector);
        opening.systemMask ^= 1 | (1 << 27);
        refuseReveal(table, opening, hashes, BootState.SystemSiblings.selector);
        opening.systemMask ^= 1 << 27;

        reveal(run, liar(3), table);
    }

    function test_reveal_hashCount_reverts() external {
        Run memory run = readRun(EXIT);
        Table memory table = commit(run, liar(9), postTruth(run), alice, BOND);
        vm.warp(block.timestamp + 12);
        (Opening memory opening,) = openingOf(run, liar(9), table.proof);
        for (uint256 count = 0; count <= 8; count++) {
            if (count == 4) continue;
            vm.prank(alice);
            vm.expectRevert(abi.encodeWithSelector(Dissection.HashCount.selector, uint256(4), count));
            court.reveal(table.id, opening, new bytes32[](count));
        }
    }

    /// @dev A true opening of a true claim concedes it.
    function test_reveal_truth_reverts() external {
        uint256[4] memory runs = [EXIT, EXHAUSTED, BROKE, TRAP];
        for (uint256 i = 0; i < runs.length; i++) {
            Run memory run = readRun(runs[i]);
            Table memory table = commit(run, honest(), postTruth(run), alice, BOND);
            vm.warp(block.timestamp + 12);
            (Opening memory opening, bytes32[] memory hashes) = openingOf(run, honest(), table.proof);
            bytes32 last = run.hashes[run.hashes.length - 1];
            vm.prank(alice);
            vm.expectRevert(abi.encodeWithSelector(IExaminer.ResultImplied.selector, last));
            court.reveal(table.id, opening, hashes);
        }
    }

    /// @dev The output decides: its region has to be shown, and truly.
    function test_reveal_outputPath_reverts() external {
        Run memory run = readRun(EXIT);
        Table memory table = commit(run, honest(), postLie(run), alice, BOND);
        vm.warp(block.timestamp + 12);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, honest(), table.proof);
        opening.output = new bytes32[](0);
        refuseReveal(table, opening, hashes, RegionTree.RegionSiblings.selector);
        for (uint256 i = 0; i < 5; i++) {
            opening.output = readRun(EXIT).outputPath;
            opening.output[i] = ~opening.output[i];
            refuseReveal(table, opening, hashes, RegionTree.NotInMemory.selector);
        }
        reveal(run, honest(), table);
    }

    function test_reveal_lastRecord_reverts() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = postTruth(run);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(9), proof);
        // What the commitment binds as the last record is not the last hash's.
        opening.memoryRoot = ~opening.memoryRoot;
        bytes32 commitment = commitmentOf(opening, hashes, alice);
        Table memory table;
        vm.prank(alice);
        table.id = court.commit{value: BOND}(proof, commitment, false);
        vm.warp(block.timestamp + 12);
        refuseReveal(table, opening, hashes, IDisputeCourt.WrongRecord.selector);
    }

    function test_reveal_twice_reverts() external {
        (Run memory run, Table memory table) = opened();
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, liar(30), table.proof);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.WrongPhase.selector, Phase.ExecutorMoves));
        court.reveal(table.id, opening, hashes);
    }

    // Moving.

    function test_move_byOthers_reverts() external {
        (Run memory run, Table memory table) = opened();
        address[4] memory others = [alice, bob, sequencer, key];
        Reply memory reply = replyOf(table, 2);
        bytes32[] memory hashes = dissection(run, honest(), 16, 4);
        for (uint256 i = 0; i < others.length; i++) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.NotYourMove.selector, others[i]));
            court.move(table.id, table.position, reply, hashes);
        }
    }

    /// @dev A key of the executor may move until its revocation takes effect; the executor itself always.
    function test_move_byKey_untilRevoked() external {
        bytes32 typeHash = keccak256("KeyConsent(uint8 role,address owner)");
        bytes32 structHash = keccak256(abi.encode(typeHash, Role.Executor, executor));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", bonds.domainSeparator(), structHash));
        vm.prank(executor);
        bonds.authorise(Role.Executor, key, sign(KEY_SECRET, digest));
        (Run memory run, Table memory table) = opened();
        dissect(run, honest(), table, disputedPart(run, honest(), table), key);
        vm.prank(executor);
        bonds.revoke(Role.Executor, key);
        vm.prank(executor);
        bonds.exit(Role.Executor);
        Table memory late = challenge(run, liar(30), postTruth(run), bob);
        vm.warp(block.timestamp + CLOCK);
        // The notice period is longer than a clock: only a game begun late meets its end.
        assertEq(bonds.isKey(Role.Executor, executor, key, uint64(block.timestamp)) ? 1 : 0, 1, "still a key");
        dissect(run, honest(), late, disputedPart(run, honest(), late), key);
    }

    function test_move_whileCommitted_reverts() external {
        Run memory run = readRun(EXIT);
        Table memory table = commit(run, liar(9), postTruth(run), alice, BOND);
        Reply memory reply;
        vm.prank(executor);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.WrongPhase.selector, Phase.Committed));
        court.move(table.id, table.position, reply, new bytes32[](4));
    }

    function test_anything_withoutGame_reverts() external {
        Position memory position;
        Reply memory reply;
        Opening memory opening;
        bytes memory wanted = abi.encodeWithSelector(IDisputeCourt.WrongPhase.selector, Phase.None);
        vm.expectRevert(wanted);
        court.move(0, position, reply, new bytes32[](4));
        vm.expectRevert(wanted);
        court.step(0, position, reply, 0, 0, "");
        vm.expectRevert(wanted);
        court.reveal(0, opening, new bytes32[](4));
        vm.expectRevert(wanted);
        court.timeout(0);
        vm.expectRevert(wanted);
        court.settle(0);
    }

    function test_move_clockBoundaries() external {
        (Run memory run, Table memory table) = opened();
        uint256 expiry = expired(table);
        vm.warp(expiry + 1);
        Reply memory reply = replyOf(table, 2);
        bytes32[] memory hashes = dissection(run, honest(), 16, 4);
        vm.prank(executor);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.ClockExpired.selector, uint64(expiry), expiry + 1));
        court.move(table.id, table.position, reply, hashes);
        vm.warp(expiry);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.ClockRunning.selector, uint64(expiry), expiry));
        court.timeout(table.id);
        vm.prank(executor);
        court.move(table.id, table.position, reply, hashes);
        assertEq(expired(table), expiry + CLOCK - 12, "the challenger's clock has run twelve seconds");
        assertEq(court.gameOf(table.id).otherLeft, 0, "the executor's has run out");
    }

    function test_move_oldOrOtherState_reverts() external {
        (Run memory run, Table memory table) = opened();
        Table memory other = challenge(run, liar(30), postTruth(run), bob);
        Position memory old = table.position;
        Reply memory reply = replyOf(table, 2);
        bytes32[] memory hashes = dissection(run, honest(), 16, 4);
        Position[7] memory wrong;
        for (uint256 i = 0; i < 7; i++) {
            wrong[i] = Position(old.previous, old.start, old.lengthLog2, old.version, old.startState, old.root);
        }
        wrong[0].previous = ~wrong[0].previous;
        wrong[1].start += 1;
        wrong[2].lengthLog2 -= 2;
        wrong[3].version += 1;
        wrong[4].startState = ~wrong[4].startState;
        wrong[5].root = ~wrong[5].root;
        wrong[6] = other.position;
        bytes32 state = court.gameOf(table.id).state;
        for (uint256 i = 0; i < 7; i++) {
            bytes32 given = keccak256(abi.encode(wrong[i]));
            vm.prank(executor);
            vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.WrongState.selector, state, given));
            court.move(table.id, wrong[i], reply, hashes);
        }
        vm.prank(executor);
        court.move(table.id, old, reply, hashes);
        // The same move again, as after a reorganisation: it is the other side's turn, and the state is another.
        vm.prank(executor);
        vm.expectPartialRevert(IDisputeCourt.NotYourMove.selector);
        court.move(table.id, old, reply, hashes);
        vm.prank(alice);
        vm.expectPartialRevert(IDisputeCourt.WrongState.selector);
        court.move(table.id, old, reply, hashes);
    }

    function refuseMove(Table memory table, Reply memory reply, bytes32[] memory hashes, bytes memory reason) private {
        vm.prank(executor);
        if (reason.length == 4) vm.expectPartialRevert(bytes4(reason));
        else vm.expectRevert(reason);
        court.move(table.id, table.position, reply, hashes);
    }

    function test_move_badProofs_revert() external {
        (Run memory run, Table memory table) = opened();
        bytes32[] memory hashes = dissection(run, honest(), 16, 4);
        bytes memory notIn = abi.encodePacked(Dissection.NotInDissection.selector);
        bytes memory count = abi.encodePacked(Dissection.SiblingCount.selector);
        Reply memory reply = replyOf(table, 2);

        for (uint256 j = 0; j <= 6; j++) {
            if (j >= 1 && j <= 4) continue;
            reply.j = uint16(j);
            refuseMove(table, reply, hashes, abi.encodeWithSelector(Dissection.IndexOutOfRange.selector, 4, j));
        }
        // The proof is of another index.
        reply.j = 3;
        refuseMove(table, reply, hashes, notIn);
        reply.j = 2;

        reply.disputed = ~reply.disputed;
        refuseMove(table, reply, hashes, notIn);
        reply.disputed = ~reply.disputed;
        reply.accepted = ~reply.accepted;
        refuseMove(table, reply, hashes, notIn);
        reply.accepted = ~reply.accepted;

        bytes32[] memory path = reply.disputedSiblings;
        reply.disputedSiblings = new bytes32[](1);
        refuseMove(table, reply, hashes, count);
        reply.disputedSiblings = new bytes32[](3);
        refuseMove(table, reply, hashes, count);
        (path[0], path[1]) = (path[1], path[0]);
        reply.disputedSiblings = path;
        refuseMove(table, reply, hashes, notIn);
        (path[0], path[1]) = (path[1], path[0]);

        path = reply.acceptedSiblings;
        reply.acceptedSiblings = new bytes32[](0);
        refuseMove(table, reply, hashes, count);
        path[1] = ~path[1];
        reply.acceptedSiblings = path;
        refuseMove(table, reply, hashes, notIn);
        path[1] = ~path[1];

        // A node for a leaf.
        reply.disputed = keccak256(abi.encode(table.hashes[0], table.hashes[1]));
        reply.disputedSiblings = new bytes32[](1);
        reply.disputedSiblings[0] = keccak256(abi.encode(table.hashes[2], table.hashes[3]));
        refuseMove(table, reply, hashes, count);
        reply = replyOf(table, 2);

        refuseMove(table, reply, new bytes32[](3), abi.encodeWithSelector(Dissection.HashCount.selector, uint256(4), 3));
        refuseMove(table, reply, new bytes32[](8), abi.encodeWithSelector(Dissection.HashCount.selector, uint256(4), 8));
        hashes[3] = reply.disputed;
        refuseMove(table, reply, hashes, abi.encodeWithSelector(IDisputeCourt.NothingDisputed.selector, reply.disputed));
    }

    function test_move_firstPart_acceptsStart() external {
        Run memory run = readRun(EXIT);
        Table memory table = challenge(run, liar(3), postTruth(run), alice);
        bytes32[] memory hashes = dissection(run, honest(), 0, 4);
        Reply memory reply = replyOf(table, 1);
        reply.accepted = ~reply.accepted;
        refuseMove(
            table,
            reply,
            hashes,
            abi.encodeWithSelector(IDisputeCourt.WrongAccepted.selector, run.hashes[0], reply.accepted)
        );
        reply.accepted = ~reply.accepted;
        reply.acceptedSiblings = new bytes32[](1);
        refuseMove(table, reply, hashes, abi.encodeWithSelector(Dissection.SiblingCount.selector, 0, 1));
        dissect(run, honest(), table, 1, executor);
    }

    /// @dev Hashes of zeros and repeated ones are hashes like any other.
    function test_move_zeroHashes_areNoSentinels() external {
        (Run memory run, Table memory table) = opened();
        Reply memory reply = replyOf(table, 2);
        bytes32[] memory zeros = new bytes32[](4);
        vm.prank(executor);
        court.move(table.id, table.position, reply, zeros);
        (table.position, table.hashes) = (next(table, 2, zeros), zeros);
        for (uint256 j = 1; j <= 4; j++) {
            Reply memory answer = replyOf(table, j);
            vm.prank(alice);
            vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.NothingDisputed.selector, bytes32(0)));
            court.move(table.id, table.position, answer, zeros);
        }
        dissect(run, honest(), table, 1, alice);
    }

    // Stepping.

    /// @dev The executor has to step: 64 states, 16, 4, one.
    function beforeStep() private returns (Run memory run, Table memory table) {
        (run, table) = opened();
        dissect(run, honest(), table, disputedPart(run, honest(), table), executor);
        dissect(run, liar(30), table, disputedPart(run, liar(30), table), alice);
    }

    function test_step_tooEarly_reverts() external {
        (, Table memory table) = opened();
        Reply memory reply = replyOf(table, 2);
        vm.prank(executor);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.MoreThanOneStep.selector, uint8(4)));
        court.step(table.id, table.position, reply, 0, 0, "");
    }

    function test_move_insteadOfStep_reverts() external {
        (Run memory run, Table memory table) = beforeStep();
        Reply memory reply = replyOf(table, disputedPart(run, honest(), table));
        vm.prank(executor);
        vm.expectRevert(IDisputeCourt.OneStepLeft.selector);
        court.move(table.id, table.position, reply, new bytes32[](1));
    }

    function test_step_wrongRecord_reverts() external {
        (Run memory run, Table memory table) = beforeStep();
        uint256 j = disputedPart(run, honest(), table);
        Reply memory reply = replyOf(table, j);
        uint256 state = table.position.start + j - 1;
        vm.prank(executor);
        vm.expectPartialRevert(IDisputeCourt.WrongRecord.selector);
        court.step(table.id, table.position, reply, run.heads[state + 1], run.roots[state], run.witnesses[state]);
        vm.prank(executor);
        vm.expectPartialRevert(IDisputeCourt.WrongRecord.selector);
        court.step(table.id, table.position, reply, run.heads[state], ~run.roots[state], run.witnesses[state]);
    }

    function test_step_thatAgrees_reverts() external {
        (Run memory run, Table memory table) = beforeStep();
        uint256 j = disputedPart(run, honest(), table);
        // The part before: both sides say the same of its end.
        Reply memory reply = replyOf(table, j - 1);
        uint256 state = table.position.start + j - 2;
        vm.prank(executor);
        vm.expectRevert(abi.encodeWithSelector(IDisputeCourt.StepAgrees.selector, run.hashes[state + 1]));
        court.step(table.id, table.position, reply, run.heads[state], run.roots[state], run.witnesses[state]);
    }

    function test_step_badWitness_reverts() external {
        (Run memory run, Table memory table) = beforeStep();
        uint256 j = disputedPart(run, honest(), table);
        Reply memory reply = replyOf(table, j);
        uint256 state = table.position.start + j - 1;
        bytes memory witness = run.witnesses[state];
        bytes1 last = witness[witness.length - 1];
        witness[witness.length - 1] = ~last;
        vm.prank(executor);
        vm.expectPartialRevert(Witness.WrongRoot.selector);
        court.step(table.id, table.position, reply, run.heads[state], run.roots[state], witness);
        witness[witness.length - 1] = last;
        step(run, honest(), table, j, executor);
        assertPhase(table, Phase.Lost, "a good one wins");
    }
}
