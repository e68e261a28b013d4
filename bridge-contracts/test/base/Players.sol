// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Eip712} from "../../src/libraries/Eip712.sol";
import {Game, Opening, Phase, Position, Reply} from "../../src/types/Games.sol";
import {LeafProof} from "../../src/types/Objects.sol";
import {Arena} from "./Arena.sol";
import {Run} from "./Runs.sol";

/// @notice What a player believes of a run: the truth up to a step, and its own invention from there on.
struct Belief {
    /// First state that is invented; beyond the run for who is honest.
    uint256 liesFrom;
    uint256 salt;
}

/// @notice A game as a player follows it.
struct Table {
    bytes32 id;
    address challenger;
    LeafProof proof;
    Position position;
    /// The dissection to answer.
    bytes32[] hashes;
}

/// @title Players of both sides, honest and not, over a known run
/// @dev They compute trees, proofs and commitments by themselves, with plain loops and abi.encode.
abstract contract Players is Arena {
    uint256 internal constant NEVER = type(uint256).max;

    function honest() internal pure returns (Belief memory) {
        return Belief(NEVER, 0);
    }

    function liar(uint256 from) internal pure returns (Belief memory) {
        return Belief(from, 0);
    }

    /// @dev The record that a player holds for a state. Invented ones are running and of no memory.
    function recordAt(Run memory run, Belief memory belief, uint256 state)
        internal
        pure
        returns (bytes32 head, bytes32 root)
    {
        if (state >= belief.liesFrom) {
            return (bytes32(uint256(1) << 240), keccak256(abi.encode("invented", state, belief.salt)));
        }
        uint256 last = run.heads.length - 1;
        uint256 index = state < last ? state : last;
        return (run.heads[index], run.roots[index]);
    }

    function hashAt(Run memory run, Belief memory belief, uint256 state) internal pure returns (bytes32) {
        if (state < belief.liesFrom) return run.hashes[state < run.hashes.length ? state : run.hashes.length - 1];
        (bytes32 head, bytes32 root) = recordAt(run, belief, state);
        return keccak256(abi.encode(keccak256("assay.machine.state.v1"), head, root));
    }

    function partsLog2(uint256 lengthLog2) internal view returns (uint256) {
        return lengthLog2 < court.arityLog2() ? lengthLog2 : court.arityLog2();
    }

    function dissection(Run memory run, Belief memory belief, uint256 start, uint256 lengthLog2)
        internal
        view
        returns (bytes32[] memory hashes)
    {
        uint256 parts = 1 << partsLog2(lengthLog2);
        hashes = new bytes32[](parts);
        for (uint256 k = 1; k <= parts; k++) {
            hashes[k - 1] = hashAt(run, belief, start + ((k << lengthLog2) / parts));
        }
    }

    function treeRoot(bytes32[] memory nodes) internal pure returns (bytes32) {
        while (nodes.length > 1) {
            nodes = parents(nodes);
        }
        return nodes[0];
    }

    function treePath(bytes32[] memory nodes, uint256 index) internal pure returns (bytes32[] memory siblings) {
        uint256 depth = 0;
        while (1 << depth < nodes.length) depth++;
        siblings = new bytes32[](depth);
        for (uint256 level = 0; level < depth; level++) {
            siblings[level] = nodes[(index >> level) ^ 1];
            nodes = parents(nodes);
        }
    }

    function parents(bytes32[] memory nodes) private pure returns (bytes32[] memory above) {
        above = new bytes32[](nodes.length / 2);
        for (uint256 i = 0; i < above.length; i++) {
            above[i] = keccak256(abi.encode(nodes[2 * i], nodes[2 * i + 1]));
        }
    }

    /// @dev Length of the run that a claim is about.
    function claimedLengthLog2(uint64 fuelUsed) internal pure returns (uint8 lengthLog2) {
        while (uint256(1) << lengthLog2 < uint256(fuelUsed) + 1) lengthLog2++;
    }

    function fuelUsedOf(LeafProof memory proof) internal view returns (uint64) {
        return uint64(bytes8(this.sliceOf(proof.record, 242, 250)));
    }

    function sliceOf(bytes calldata data, uint256 from, uint256 to) external pure returns (bytes memory) {
        return data[from:to];
    }

    /// @dev What a player would reveal against a claim.
    function openingOf(Run memory run, Belief memory belief, LeafProof memory proof)
        internal
        view
        returns (Opening memory opening, bytes32[] memory hashes)
    {
        uint256 lengthLog2 = claimedLengthLog2(fuelUsedOf(proof));
        hashes = dissection(run, belief, 0, lengthLog2);
        opening.batchHash = Eip712.hash(proof.batch);
        opening.region = proof.batch.region;
        opening.index = proof.index;
        opening.record = proof.record;
        opening.salt = keccak256("salt");
        opening.descriptor = run.descriptor;
        opening.systemLeaf = run.systemLeaf;
        opening.systemMask = run.systemMask;
        opening.systemSiblings = run.systemSiblings;
        (opening.head, opening.memoryRoot) = recordAt(run, belief, 1 << lengthLog2);
        opening.output = run.outputPath;
    }

    function commitmentOf(Opening memory opening, bytes32[] memory hashes, address challenger)
        internal
        view
        returns (bytes32)
    {
        bytes32 root = treeRoot(hashes);
        bytes32 tag = keccak256("assay.court.commitment.v1");
        return keccak256(
            abi.encode(
                tag,
                block.chainid,
                address(court),
                opening.batchHash,
                opening.index,
                challenger,
                root,
                opening.head,
                opening.memoryRoot,
                opening.salt
            )
        );
    }

    function commit(Run memory run, Belief memory belief, LeafProof memory proof, address challenger, uint256 value)
        internal
        returns (Table memory table)
    {
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, belief, proof);
        bytes32 commitment = commitmentOf(opening, hashes, challenger);
        table.challenger = challenger;
        table.proof = proof;
        vm.prank(challenger);
        table.id = court.commit{value: value}(proof, commitment, value >= STAKE);
    }

    function reveal(Run memory run, Belief memory belief, Table memory table) internal {
        (Opening memory opening, bytes32[] memory hashes) = openingOf(run, belief, table.proof);
        vm.prank(table.challenger);
        court.reveal(table.id, opening, hashes);
        table.hashes = hashes;
        table.position = Position({
            previous: table.id,
            start: 0,
            lengthLog2: claimedLengthLog2(fuelUsedOf(table.proof)),
            version: 1,
            startState: run.hashes[0],
            root: treeRoot(hashes)
        });
        assertEq(court.gameOf(table.id).state, keccak256(abi.encode(table.position)), "the state follows");
    }

    /// @dev Commits and, a block later, reveals.
    function challenge(Run memory run, Belief memory belief, LeafProof memory proof, address challenger)
        internal
        returns (Table memory table)
    {
        table = commit(run, belief, proof, challenger, BOND);
        vm.warp(block.timestamp + 12);
        reveal(run, belief, table);
    }

    /// @dev The first part whose end a player believes otherwise; 0 if there is none.
    function disputedPart(Run memory run, Belief memory belief, Table memory table) internal pure returns (uint256) {
        for (uint256 k = 1; k <= table.hashes.length; k++) {
            uint256 end = table.position.start + (k << table.position.lengthLog2) / table.hashes.length;
            if (table.hashes[k - 1] != hashAt(run, belief, end)) return k;
        }
        return 0;
    }

    function replyOf(Table memory table, uint256 j) internal pure returns (Reply memory reply) {
        reply.j = uint16(j);
        reply.disputed = table.hashes[j - 1];
        reply.disputedSiblings = treePath(table.hashes, j - 1);
        reply.accepted = table.position.startState;
        if (j > 1) {
            reply.accepted = table.hashes[j - 2];
            reply.acceptedSiblings = treePath(table.hashes, j - 2);
        }
    }

    /// @dev The position that follows when part j is dissected.
    function next(Table memory table, uint256 j, bytes32[] memory hashes) internal pure returns (Position memory) {
        uint256 length = (uint256(1) << table.position.lengthLog2) / table.hashes.length;
        uint8 lengthLog2 = 0;
        while (uint256(1) << lengthLog2 < length) lengthLog2++;
        return Position({
            previous: keccak256(abi.encode(table.position)),
            start: uint64(table.position.start + (j - 1) * length),
            lengthLog2: lengthLog2,
            version: 1,
            startState: j == 1 ? table.position.startState : table.hashes[j - 2],
            root: treeRoot(hashes)
        });
    }

    function isStepNext(Table memory table) internal pure returns (bool) {
        return uint256(1) << table.position.lengthLog2 == table.hashes.length;
    }

    /// @dev Disputes part j with the mover's own dissection of it.
    function dissect(Run memory run, Belief memory belief, Table memory table, uint256 j, address mover) internal {
        Position memory position = next(table, j, table.hashes);
        bytes32[] memory hashes = dissection(run, belief, position.start, position.lengthLog2);
        Reply memory reply = replyOf(table, j);
        vm.prank(mover);
        court.move(table.id, table.position, reply, hashes);
        (table.position, table.hashes) = (next(table, j, hashes), hashes);
        assertEq(court.gameOf(table.id).state, keccak256(abi.encode(table.position)), "the state follows");
    }

    /// @dev Executes the step of part j from the mover's record of its first state.
    function step(Run memory run, Belief memory belief, Table memory table, uint256 j, address mover) internal {
        uint256 state = table.position.start + j - 1;
        (bytes32 head, bytes32 root) = recordAt(run, belief, state);
        bytes memory witness = state < run.witnesses.length ? run.witnesses[state] : bytes("");
        Reply memory reply = replyOf(table, j);
        vm.prank(mover);
        court.step(table.id, table.position, reply, head, root, witness);
    }

    /// @dev One move by who believes this. Returns whether it was the step.
    function play(Run memory run, Belief memory belief, Table memory table, address mover) internal returns (bool) {
        uint256 j = disputedPart(run, belief, table);
        assertTrue(j != 0, "something to dispute");
        if (isStepNext(table)) {
            step(run, belief, table, j, mover);
            return true;
        }
        dissect(run, belief, table, j, mover);
        return false;
    }

    function phaseOf(Table memory table) internal view returns (Phase) {
        return court.gameOf(table.id).phase;
    }

    function assertPhase(Table memory table, Phase wanted, string memory what) internal view {
        assertEq(uint256(phaseOf(table)), uint256(wanted), what);
    }

    /// @dev The court owes its balance, to the wei, when no game is under way.
    function assertSquare(address[] memory creditors) internal view {
        uint256 owed = 0;
        for (uint256 i = 0; i < creditors.length; i++) {
            owed += court.creditOf(creditors[i]);
        }
        assertEq(address(court).balance, owed, "the court owes what it holds");
    }

    function everybody() internal view returns (address[] memory list) {
        list = new address[](5);
        (list[0], list[1], list[2], list[3], list[4]) = (alice, bob, carol, executor, TREASURY);
    }
}
