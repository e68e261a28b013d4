// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../src/Court.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {IDisputeCourt} from "../src/interfaces/IDisputeCourt.sol";
import {Eip712} from "../src/libraries/Eip712.sol";
import {GasSchedule} from "../src/libraries/court/GasSchedule.sol";
import {StateHash} from "../src/libraries/court/StateHash.sol";
import {Opening, Phase, Position, Reply} from "../src/types/Games.sol";
import {LeafProof, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {ArenaLog} from "./base/Arena.sol";
import {Players, Table} from "./base/Players.sol";
import {Run} from "./base/Runs.sol";
import {CourtOf16, CourtOf256} from "./base/SmallCourts.sol";

/// @dev Fields in alphabetical order, as the cheatcode sorts them.
struct StepVector {
    bytes32 head;
    string name;
    bytes32 nextHead;
    bytes32 nextRoot;
    bytes32 root;
    bytes witness;
}

/// @notice A dispute that is played for the table, and what it came to.
struct Dispute {
    uint256 arity;
    /// Logarithm of the length of the run.
    uint8 lengthLog2;
    uint256 dissections;
    bool isStepByExecutor;
    /// Gas of all transactions, of the challenger's and of the executor's.
    uint256 total;
    uint256 challengers;
    uint256 executors;
    /// All of them, where the last step is a common one.
    uint256 totalCommon;
    string rows;
}

/// @title What a whole dispute costs as transactions, with calldata
/// @notice Both sides are played to the last step with hashes in which hardly a byte is zero; the step is the costliest there
/// is. `GAS_WRITE=true forge test --match-contract CourtGas` writes gas/disputes.md anew.
contract CourtGasTest is Players {
    uint256 private constant TRANSACTION = 21_000;
    uint256 private constant COLD_ACCOUNT = 2_600;
    /// @dev What a step may cost beyond the verifier's execution, where it ends one game and where it convicts.
    uint256 private constant STEP_MARGIN = 150_000;
    uint256 private constant CONVICTION_MARGIN = 200_000;
    /// @dev The bounds of the design.
    uint256 private constant DISPUTE_MAX = 2_500_000;
    uint256 private constant OPENING_MAX = 800_000;
    uint256 private constant MOVE_MAX = 450_000;
    uint256 private constant DISSECTIONS_MAX = 6;

    uint256 private arity = 64;
    /// @dev The dispute that is being played.
    Dispute private played;
    /// @dev Of the last call that was sent.
    uint256 private lastExecution;
    uint256 private lastCost;
    bytes32 private lastGame;
    bytes32 private lastStart;

    function newCourt() internal override returns (Court) {
        if (arity == 16) return new CourtOf16(parameters(), bonds, programs, batches);
        if (arity == 256) return new CourtOf256(parameters(), bonds, programs, batches);
        return new Court(parameters(), bonds, programs, batches);
    }

    function test_gas_ofDisputes() external {
        string memory table = string.concat(
            "# Gas of a whole dispute\n\n",
            "Written by `GAS_WRITE=true forge test --match-contract CourtGas` in `bridge-contracts/`; the same test holds it equal.\n",
            "Each call as a transaction of its own: 21,000, calldata, execution over cold storage, or the floor of EIP-7623 where\n",
            "that is more. A run disputed to its last step; hashes in which hardly a byte is zero. The step is the costliest of\n",
            "`gas/steps.md` as a transaction (`costliestStep` of `specs/vectors/dispute.json`); *common* has the longest witness\n",
            "of `specs/vectors/steps.json` instead. Both sides' calls are in the totals. The deployed court takes 64.\n\n",
            "## Summary\n\n",
            "| hashes a move | steps | dissections | step by | challenger | executor | all | all, common |\n",
            "| ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |\n"
        );
        string memory details;
        uint256[4] memory arities = [uint256(16), 64, 64, 256];
        // The longest run, and where the executor makes the step of the longest game that it makes the step of.
        uint8[4] memory lengths = [36, 36, 30, 36];
        for (uint256 i = 0; i < 4; i++) {
            arity = arities[i];
            dispute(lengths[i], common());
            uint256 totalCommon = played.total;
            dispute(lengths[i], costliest());
            played.totalCommon = totalCommon;
            table = string.concat(table, summary());
            details = string.concat(details, detail());
            if (arity == 64) {
                assertTrue(played.total <= DISPUTE_MAX, "a whole dispute");
                assertTrue(played.dissections <= DISSECTIONS_MAX, "dissections");
            }
        }
        table = string.concat(table, "\nThe schedule pays an executor for at most ");
        table = string.concat(
            table, vm.toString(GasSchedule.executorWorst(6)), " in a game, before its margin.\n", details
        );
        table = string.concat(table, silences());
        if (vm.envOr("GAS_WRITE", false)) vm.writeFile("gas/disputes.md", table);
        assertEq(keccak256(bytes(vm.readFile("gas/disputes.md"))), keccak256(bytes(table)), "gas/disputes.md is stale");
    }

    function summary() private view returns (string memory line) {
        line = string.concat("| ", vm.toString(played.arity), " | 2^", vm.toString(uint256(played.lengthLog2)), " | ");
        line = string.concat(line, vm.toString(played.dissections), " | ");
        line = string.concat(line, played.isStepByExecutor ? "executor" : "challenger", " | ");
        line = string.concat(line, vm.toString(played.challengers), " | ", vm.toString(played.executors), " | ");
        line = string.concat(line, vm.toString(played.total), " | ", vm.toString(played.totalCommon), " |\n");
    }

    function detail() private view returns (string memory text) {
        text = string.concat("\n## ", vm.toString(played.arity), " hashes a move, 2^");
        text = string.concat(text, vm.toString(uint256(played.lengthLog2)), " steps\n\n");
        text = string.concat(text, "| call | by | hashes | calldata, bytes | execution | transaction |\n");
        text = string.concat(text, "| --- | --- | ---: | ---: | ---: | ---: |\n", played.rows);
    }

    /// @dev A challenger's figures are at most what its calls burn, even with hashes of zeros; an executor's cover its calls.
    function test_gas_schedule() external {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = claim(36);
        (Opening memory opening, bytes32[] memory hashes) = garbage(run, proof, true);
        bytes32 commitment = commitmentOf(opening, hashes, alice);
        uint256 burned = send(alice, BOND, abi.encodeCall(court.commit, (proof, commitment, false)));
        assertTrue(GasSchedule.COMMIT <= burned, "commit");
        Table memory table;
        table.id = lastGame;
        vm.warp(block.timestamp + 12);
        burned = send(alice, 0, abi.encodeCall(court.reveal, (table.id, opening, hashes)));
        assertTrue(GasSchedule.reveal(64) <= burned, "reveal");
        revealed(table, 36, hashes);
        bytes32[] memory answer = noise(64);
        Reply memory reply = replyOf(table, 37);
        burned = send(executor, 0, abi.encodeCall(court.move, (table.id, table.position, reply, answer)));
        assertTrue(GasSchedule.executorMove(64) * (10_000 + GAS_MARGIN_BPS) / 10_000 >= burned, "executor's move");
        (table.position, table.hashes) = (next(table, 37, answer), answer);
        // As cheap as a challenger's move can be: the first part, and hashes of zeros.
        reply = replyOf(table, 1);
        bytes memory data = abi.encodeCall(court.move, (table.id, table.position, reply, new bytes32[](64)));
        burned = send(alice, 0, data);
        assertTrue(GasSchedule.challengerMove(64) <= burned, "challenger's move");
        vm.warp(block.timestamp + 2 * CLOCK);
        burned = send(alice, 0, abi.encodeCall(court.timeout, (table.id)));
        assertTrue(GasSchedule.CHALLENGER_TIMEOUT <= burned, "timeout");
    }

    /// @dev Nor do they exceed what a call burns that a contract makes after one like it: accounts and counters are warm, and
    /// of its calldata nothing is paid for. Else whoever joins in by the hundred would gain.
    function test_gas_schedule_inBatches() external {
        // Two hashes, the fewest, and 64, in the reveal and in the challenger's move.
        inBatches(1, 2, 0);
        inBatches(13, 64, 2);
        inBatches(36, 64, 64);
    }

    function inBatches(uint8 lengthLog2, uint256 revealHashes, uint256 moveHashes) private {
        setUp();
        Run memory run = readRun(EXIT);
        LeafProof memory proof = claim(lengthLog2);
        Table[2] memory tables;
        Opening[2] memory openings;
        bytes32[] memory hashes;
        bytes[2] memory calls;
        for (uint256 i = 0; i < 2; i++) {
            (openings[i], hashes) = garbage(run, proof, true);
            openings[i].salt = bytes32(i);
            bytes32 commitment = commitmentOf(openings[i], hashes, alice);
            calls[i] = abi.encodeCall(court.commit, (proof, commitment, false));
        }
        send(alice, BOND, calls[0]);
        tables[0].id = lastGame;
        checkBurned("commit", GasSchedule.COMMIT, sendAgain(alice, BOND, calls[1]));
        tables[1].id = lastGame;
        vm.warp(block.timestamp + 12);
        assertEq(hashes.length, revealHashes, "hashes of the reveal");
        for (uint256 i = 0; i < 2; i++) {
            lastGame = tables[i].id;
            bytes memory call = abi.encodeCall(court.reveal, (tables[i].id, openings[i], hashes));
            if (i == 0) send(alice, 0, call);
            else checkBurned("reveal", GasSchedule.reveal(revealHashes), sendAgain(alice, 0, call));
            revealed(tables[i], lengthLog2, hashes);
        }
        if (moveHashes == 0) return;
        bytes32[] memory answer = noise(64);
        for (uint256 i = 0; i < 2; i++) {
            Reply memory reply = replyOf(tables[i], 37);
            send(executor, 0, abi.encodeCall(court.move, (tables[i].id, tables[i].position, reply, answer)));
            (tables[i].position, tables[i].hashes) = (next(tables[i], 37, answer), answer);
            bytes32[] memory zeros = new bytes32[](moveHashes);
            calls[i] = abi.encodeCall(court.move, (tables[i].id, tables[i].position, replyOf(tables[i], 1), zeros));
        }
        send(alice, 0, calls[0]);
        checkBurned("move", GasSchedule.challengerMove(moveHashes), sendAgain(alice, 0, calls[1]));
    }

    function checkBurned(string memory what, uint256 paid, uint256 burned) private {
        emit log_named_uint(string.concat(what, " in a batch"), burned);
        assertTrue(paid <= burned, string.concat(what, ": ", vm.toString(paid), " for ", vm.toString(burned)));
    }

    /// @dev Whatever the challenger does before it falls silent, the executor's units cover its timeout without their margin.
    function silences() private returns (string memory table) {
        table =
            "\n## Silence\n\nThe executor's timeout, when nobody has been credited before; a stay stands between two others.\n\n";
        table = string.concat(table, "| challenge | silent after its | called by | execution | transaction |\n");
        table = string.concat(table, "| --- | --- | --- | ---: | ---: |\n");
        uint256 most;
        arity = 64;
        for (uint256 i = 0; i < 8; i++) {
            (bool isStay, bool isRevealed, bool byKey) = (i & 1 == 1, i & 2 == 2, i & 4 == 4);
            uint256 burned = silence(isStay, isRevealed, byKey);
            if (burned > most) most = burned;
            table = string.concat(table, "| ", isStay ? "stay" : "game", " | ", isRevealed ? "reveal" : "commitment");
            table = string.concat(table, " | ", byKey ? "key" : "executor", " | ", vm.toString(lastExecution));
            table = string.concat(table, " | ", vm.toString(burned), " |\n");
        }
        assertTrue(GasSchedule.EXECUTOR_TIMEOUT >= most, string.concat("a timeout of ", vm.toString(most), " gas"));
    }

    /// @dev A challenger commits, and reveals or does not; then the executor, or its key, calls the timeout. Nobody has
    /// been credited before. A stay stands between two others. Returns what the timeout takes.
    function silence(bool isStay, bool isRevealed, bool byKey) private returns (uint256) {
        setUp();
        if (byKey) delegate();
        LeafProof memory proof = claim(36);
        if (isStay) stay(proof, bob);
        (Opening memory opening, bytes32[] memory hashes) = garbage(readRun(EXIT), proof, false);
        bytes memory data = abi.encodeCall(court.commit, (proof, commitmentOf(opening, hashes, alice), isStay));
        send(alice, isStay ? STAKE : BOND, data);
        Table memory table;
        table.id = lastGame;
        if (isStay) stay(proof, carol);
        vm.warp(block.timestamp + 12);
        if (isRevealed) {
            send(alice, 0, abi.encodeCall(court.reveal, (table.id, opening, hashes)));
            revealed(table, 36, hashes);
            data = abi.encodeCall(court.move, (table.id, table.position, replyOf(table, 37), noise(64)));
            send(executor, 0, data);
        }
        vm.warp(court.gameOf(table.id).expiry + 1);
        uint256 burned = send(byKey ? key : executor, 0, abi.encodeCall(court.timeout, (table.id)));
        assertTrue(court.creditOf(executor) != 0, "the executor is paid");
        return burned;
    }

    function stay(LeafProof memory proof, address by) private {
        vm.prank(by);
        court.commit{value: STAKE}(proof, bytes32(uint256(1)), true);
    }

    function delegate() private {
        bytes32 consent = keccak256(abi.encode(Eip712.KEY_CONSENT, uint8(Role.Executor), executor));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", bonds.domainSeparator(), consent));
        vm.prank(executor);
        bonds.authorise(Role.Executor, key, sign(KEY_SECRET, digest));
    }

    /// @dev Plays a dispute of a run of 2^lengthLog2 steps to this last step.
    function dispute(uint8 lengthLog2, StepVector memory last) private {
        setUp();
        delete played;
        (played.arity, played.lengthLog2) = (arity, lengthLog2);
        Table memory table = open(lengthLog2);
        bool byExecutor = dissectAll(table, last);
        played.isStepByExecutor = byExecutor;
        row("step", byExecutor ? executor : alice, 0, 0, stepCall(table, last));
        checkStep(last, byExecutor);
        address winner = byExecutor ? executor : alice;
        row("withdraw", winner, 0, 0, abi.encodeCall(court.withdraw, (payable(winner))));
    }

    /// @dev Commitment and reveal.
    function open(uint8 lengthLog2) private returns (Table memory table) {
        Run memory run = readRun(EXIT);
        LeafProof memory proof = claim(lengthLog2);
        (Opening memory opening, bytes32[] memory hashes) = garbage(run, proof, false);
        bytes32 commitment = commitmentOf(opening, hashes, alice);
        row("commit", alice, BOND, 0, abi.encodeCall(court.commit, (proof, commitment, false)));
        table.id = lastGame;
        vm.warp(block.timestamp + 12);
        row("reveal", alice, 0, hashes.length, abi.encodeCall(court.reveal, (table.id, opening, hashes)));
        assertTrue(played.total <= OPENING_MAX, "an opening");
        revealed(table, lengthLog2, hashes);
    }

    /// @dev Everything between. Returns who is to make the step.
    function dissectAll(Table memory table, StepVector memory last) private returns (bool byExecutor) {
        byExecutor = true;
        while (!isStepNext(table)) {
            uint256 j = table.hashes.length / 2 + 1;
            bytes32[] memory answer = noise(1 << partsLog2(next(table, j, table.hashes).lengthLog2));
            // Where the step will be: it starts at a state that both accept.
            answer[answer.length / 2 - 1] = StateHash.hashOf(last.head, last.root);
            bytes memory call = abi.encodeCall(court.move, (table.id, table.position, replyOf(table, j), answer));
            row("move", byExecutor ? executor : alice, 0, answer.length, call);
            assertTrue(lastCost <= MOVE_MAX, "a move");
            (table.position, table.hashes) = (next(table, j, answer), answer);
            byExecutor = !byExecutor;
        }
    }

    function stepCall(Table memory table, StepVector memory last) private view returns (bytes memory) {
        Reply memory reply = replyOf(table, table.hashes.length / 2 + 1);
        return abi.encodeCall(court.step, (table.id, table.position, reply, last.head, last.root, last.witness));
    }

    /// @dev The step that was just made costs little more than the verifier, and the schedule is on its right side.
    function checkStep(StepVector memory last, bool byExecutor) private {
        uint256 most = gasOf(last) + (byExecutor ? STEP_MARGIN : CONVICTION_MARGIN);
        assertTrue(lastExecution <= most, "a step costs little more than the verifier");
        uint256 paid = GasSchedule.executorStep(last.witness.length) * (10_000 + GAS_MARGIN_BPS) / 10_000;
        if (byExecutor) assertTrue(paid >= lastCost, "an executor's step is covered");
        else assertTrue(GasSchedule.challengerStep(last.witness.length) <= lastCost, "a challenger's step");
    }

    /// @dev What the verifier burns for a step.
    function gasOf(StepVector memory vector) private returns (uint256 burned) {
        bytes memory data = abi.encodeCall(verifier.step, (vector.head, vector.root, vector.witness));
        address target = address(verifier);
        arena.cool(target);
        burned = gasleft();
        bool success;
        assembly ("memory-safe") {
            success := staticcall(gas(), target, add(data, 32), mload(data), 0x00, 0x00)
        }
        burned -= gasleft();
        assertTrue(success, "the step is good");
    }

    /// @dev A claim of a run of so many steps.
    function claim(uint8 lengthLog2) private returns (LeafProof memory) {
        (TaskRequest memory request, TaskResult memory result) = truthOf(readRun(EXIT));
        (request.fuelLimit, result.fuelUsed) = (uint64(1) << lengthLog2, (uint64(1) << lengthLog2) - 1);
        return post(recordOf(request, result, EXECUTOR_SECRET));
    }

    /// @dev An opening that nothing but its form speaks for.
    function garbage(Run memory run, LeafProof memory proof, bool zeros)
        private
        view
        returns (Opening memory opening, bytes32[] memory hashes)
    {
        (opening, hashes) = openingOf(run, liar(1), proof);
        bytes32 last = hashes[hashes.length - 1];
        hashes = zeros ? new bytes32[](hashes.length) : noise(hashes.length);
        hashes[hashes.length - 1] = last;
    }

    function noise(uint256 count) private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            hashes[i] = keccak256(abi.encode("noise", i, block.timestamp, played.total));
        }
    }

    /// @dev The table after a reveal of a claim whose state 0 the test does not know: L1 has computed it.
    function revealed(Table memory table, uint8 lengthLog2, bytes32[] memory hashes) private view {
        table.challenger = alice;
        table.hashes = hashes;
        table.position.previous = table.id;
        table.position.lengthLog2 = lengthLog2;
        table.position.version = 1;
        table.position.root = treeRoot(hashes);
        table.position.startState = lastStart;
        assertEq(court.gameOf(table.id).state, keccak256(abi.encode(table.position)), "the state follows");
    }

    /// @dev The costliest step as a transaction.
    function costliest() private view returns (StepVector memory) {
        string memory json = vm.readFile("../specs/vectors/dispute.json");
        return abi.decode(vm.parseJson(json, ".costliestStep"), (StepVector));
    }

    /// @dev The step with the longest witness that the vectors of steps have.
    function common() private view returns (StepVector memory found) {
        string memory json = vm.readFile("../specs/vectors/steps.json");
        StepVector[] memory steps = abi.decode(vm.parseJson(json, ".steps"), (StepVector[]));
        for (uint256 i = 0; i < steps.length; i++) {
            if (steps[i].witness.length > found.witness.length) found = steps[i];
        }
    }

    function row(string memory name, address by, uint256 value, uint256 hashes, bytes memory data) private {
        uint256 spent = send(by, value, data);
        played.total += spent;
        if (by == alice) played.challengers += spent;
        else played.executors += spent;
        if (hashes != 0) played.dissections++;
        string memory text = string.concat("| ", name, " | ", by == alice ? "challenger" : "executor", " | ");
        text = string.concat(text, hashes == 0 ? "" : vm.toString(hashes), " | ", vm.toString(data.length), " | ");
        text = string.concat(text, vm.toString(lastExecution), " | ", vm.toString(spent), " |\n");
        played.rows = string.concat(played.rows, text);
    }

    /// @dev Sends a call as a transaction would be. Returns what it costs.
    function send(address by, uint256 value, bytes memory data) private returns (uint256 cost) {
        address[5] memory used =
            [address(court), address(court.examiner()), address(bonds), address(programs), address(batches)];
        for (uint256 i = 0; i < 5; i++) {
            arena.cool(used[i]);
        }
        arena.cool(address(verifier));
        address target = address(court);
        arena.recordLogs();
        vm.prank(by);
        bool success;
        uint256 spent = gasleft();
        // In assembly: a call in Solidity would copy its data to the end of this test's large memory first.
        assembly ("memory-safe") {
            success := call(gas(), target, value, add(data, 32), mload(data), 0x00, 0x00)
        }
        lastExecution = spent - gasleft();
        assertTrue(success, "the call succeeds");
        // A transaction's target is warm, and its value is part of the 21,000.
        lastExecution -= COLD_ACCOUNT + (value == 0 ? 0 : 9_000 - 2_300);
        readLogs(arena.getRecordedLogs());
        uint256 zeros = 0;
        for (uint256 i = 0; i < data.length; i++) {
            if (data[i] == 0) zeros++;
        }
        uint256 tokens = zeros + 4 * (data.length - zeros);
        uint256 standard = TRANSACTION + 4 * tokens + lastExecution;
        uint256 least = TRANSACTION + 10 * tokens;
        cost = standard > least ? standard : least;
        lastCost = cost;
    }

    /// @dev Makes a call right behind one like it, as a contract would that makes many. Returns what it costs there.
    function sendAgain(address by, uint256 value, bytes memory data) private returns (uint256) {
        address target = address(court);
        arena.recordLogs();
        vm.prank(by);
        bool success;
        uint256 spent = gasleft();
        assembly ("memory-safe") {
            success := call(gas(), target, value, add(data, 32), mload(data), 0x00, 0x00)
        }
        spent -= gasleft();
        assertTrue(success, "the call succeeds");
        readLogs(arena.getRecordedLogs());
        return spent;
    }

    /// @dev Takes the game's id from its commitment, and state 0 from its reveal.
    function readLogs(ArenaLog[] memory logs) private {
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != address(court)) continue;
            if (logs[i].topics[0] == IDisputeCourt.Committed.selector) lastGame = logs[i].topics[1];
            if (logs[i].topics[0] != IDisputeCourt.Dissected.selector) continue;
            (,,, Position memory position) = abi.decode(logs[i].data, (Phase, uint64, uint64, Position));
            if (position.previous == lastGame) lastStart = position.startState;
        }
    }
}
