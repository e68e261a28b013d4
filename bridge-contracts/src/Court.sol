// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CourtLedger} from "./CourtLedger.sol";
import {Examiner} from "./Examiner.sol";
import {IBatches} from "./interfaces/IBatches.sol";
import {IBonds, Role} from "./interfaces/IBonds.sol";
import {IDisputeCourt} from "./interfaces/IDisputeCourt.sol";
import {IExaminer} from "./interfaces/IExaminer.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {Relations} from "./libraries/Relations.sol";
import {Dissection} from "./libraries/court/Dissection.sol";
import {GasSchedule} from "./libraries/court/GasSchedule.sol";
import {StateHash} from "./libraries/court/StateHash.sol";
import {Challenge, ExaminedClaim, ExaminedOpening, Game, Opening, Phase, Position, Reply} from "./types/Games.sol";
import {LeafProof} from "./types/Objects.sol";
import {Parameters} from "./types/Parameters.sol";

/// @title The dispute court: how games are played
/// @notice Nothing here looks at money or at other games; {CourtLedger} does.
contract Court is CourtLedger {
    bytes32 private constant GAME_TAG = keccak256("assay.court.game.v1");
    bytes32 private constant COMMITMENT_TAG = keccak256("assay.court.commitment.v1");

    IPrograms public immutable programs;
    IBatches public immutable batches;
    /// @inheritdoc IDisputeCourt
    IExaminer public immutable examiner;

    constructor(Parameters memory parameters, IBonds bonds_, IPrograms programs_, IBatches batches_)
        CourtLedger(parameters, bonds_)
    {
        Relations.check(parameters);
        programs = programs_;
        batches = batches_;
        examiner = new Examiner(parameters, bonds_, programs_, batches_);
        uint256 worst = GasSchedule.executorWorst(arityLog2()) * parameters.baseFeeMax;
        uint256 least = worst * (BASIS_POINTS + parameters.gasMarginBps) / BASIS_POINTS;
        if (parameters.challengeBond < least) revert BondBelowGas(least, parameters.challengeBond);
    }

    /// @inheritdoc IDisputeCourt
    function commit(LeafProof calldata proof, bytes32 commitment, bool stay) external payable returns (bytes32 id) {
        ExaminedClaim memory examined = examiner.examineClaim(proof);
        if (examined.voidedAt != 0) revert LeafVoid(examined.voidedAt);
        uint64 windowEnd = examined.postedAt + window;
        if (block.timestamp > windowEnd) revert WindowOver(windowEnd, block.timestamp);
        checkNotConvicted(examined.executor);

        Challenge memory challenge;
        challenge.challenger = msg.sender;
        challenge.batchHash = examined.batchHash;
        challenge.index = proof.index;
        challenge.leaf = examined.leaf;
        challenge.commitment = commitment;
        challenge.isStay = stay;
        id = idOf(examined.batchHash, proof.index, examined.leaf, commitment);
        (challenge.bond, challenge.expiry) = open(id, examined.claim, examined.executor, stay);
        spend(games[id], true, GasSchedule.COMMIT);
        emit Committed(id, examined.claim, examined.executor, challenge, proof.record);
    }

    /// @inheritdoc IDisputeCourt
    function reveal(bytes32 id, Opening calldata opening, bytes32[] calldata hashes) external {
        Game storage game = games[id];
        checkPlayable(game);
        if (game.phase != Phase.Committed) revert WrongPhase(game.phase);
        if (msg.sender != game.challenger) revert NotYourMove(msg.sender);
        if (block.timestamp == game.committedAt) revert RevealTooEarly(game.committedAt, block.timestamp);
        checkClock(game);

        ExaminedOpening memory examined = examiner.examineOpening(opening);
        bytes32 root = dissect(examined.lengthLog2, hashes);
        checkCommitted(id, opening, root, examined.leaf);
        bytes32 lastState = hashes[hashes.length - 1];
        if (examined.lastState != lastState) revert WrongRecord(lastState, examined.lastState);
        noteOpening(game, root);
        spend(game, true, GasSchedule.reveal(hashes.length));
        Position memory position = Position({
            previous: id,
            start: 0,
            lengthLog2: examined.lengthLog2,
            version: examined.version,
            startState: examined.startState,
            root: root
        });
        advance(id, game, position, hashes);
    }

    /// @inheritdoc IDisputeCourt
    function move(bytes32 id, Position calldata position, Reply calldata reply, bytes32[] calldata hashes) external {
        Game storage game = games[id];
        bool byChallenger = checkTurn(game, position);
        Position memory next = partOf(game, position, reply);
        if (next.lengthLog2 == 0) revert OneStepLeft();
        next.root = dissect(next.lengthLog2, hashes);
        if (hashes[hashes.length - 1] == reply.disputed) revert NothingDisputed(reply.disputed);
        uint256 gasUnits =
            byChallenger ? GasSchedule.challengerMove(hashes.length) : GasSchedule.executorMove(hashes.length);
        spend(game, byChallenger, gasUnits);
        advance(id, game, next, hashes);
    }

    /// @inheritdoc IDisputeCourt
    function step(
        bytes32 id,
        Position calldata position,
        Reply calldata reply,
        bytes32 head,
        bytes32 memoryRoot,
        bytes calldata witness
    ) external {
        Game storage game = games[id];
        bool byChallenger = checkTurn(game, position);
        Position memory part = partOf(game, position, reply);
        if (part.lengthLog2 != 0) revert MoreThanOneStep(part.lengthLog2);
        bytes32 outcome = StateHash.hashOf(head, memoryRoot);
        if (outcome != reply.accepted) revert WrongRecord(reply.accepted, outcome);
        (head, memoryRoot) = programs.verifierOf(position.version).step(head, memoryRoot, witness);
        outcome = StateHash.hashOf(head, memoryRoot);
        if (outcome == reply.disputed) revert StepAgrees(outcome);
        emit Stepped(id, part.start, outcome);
        if (byChallenger) {
            spend(game, true, GasSchedule.challengerStep(witness.length));
            convict(id, game);
        } else {
            spend(game, false, GasSchedule.executorStep(witness.length));
            lose(id, game);
        }
    }

    /// @inheritdoc IDisputeCourt
    function timeout(bytes32 id) external {
        Game storage game = games[id];
        checkPlayable(game);
        if (block.timestamp <= game.expiry) revert ClockRunning(game.expiry, block.timestamp);
        if (game.phase == Phase.ExecutorMoves) {
            if (msg.sender == game.challenger) spend(game, true, GasSchedule.CHALLENGER_TIMEOUT);
            convict(id, game);
        } else {
            if (isExecutor(game)) spend(game, false, GasSchedule.EXECUTOR_TIMEOUT);
            lose(id, game);
        }
    }

    /// @inheritdoc IDisputeCourt
    function arityLog2() public pure virtual returns (uint8) {
        return Dissection.ARITY_LOG2;
    }

    /// @dev The id binds the commitment, which binds what is revealed.
    function checkCommitted(bytes32 id, Opening calldata opening, bytes32 root, bytes32 leaf) private view {
        bytes32 commitment = keccak256(
            abi.encode(
                COMMITMENT_TAG,
                block.chainid,
                address(this),
                opening.batchHash,
                opening.index,
                msg.sender,
                root,
                opening.head,
                opening.memoryRoot,
                opening.salt
            )
        );
        bytes32 given = idOf(opening.batchHash, opening.index, leaf, commitment);
        if (given != id) revert WrongGame(id, given);
    }

    /// @dev The id of a game of the sender.
    function idOf(bytes32 batchHash, uint32 index, bytes32 leaf, bytes32 commitment) private view returns (bytes32) {
        return
            keccak256(
                abi.encode(GAME_TAG, block.chainid, address(this), batchHash, index, leaf, msg.sender, commitment)
            );
    }

    /// @dev Reverts unless it is the sender's turn, in time, and the position is the one that stands.
    function checkTurn(Game storage game, Position calldata position) private view returns (bool byChallenger) {
        checkPlayable(game);
        if (game.phase == Phase.Committed) revert WrongPhase(game.phase);
        byChallenger = game.phase == Phase.ChallengerMoves;
        bool isMover = byChallenger ? msg.sender == game.challenger : isExecutor(game);
        if (!isMover) revert NotYourMove(msg.sender);
        checkClock(game);
        bytes32 given = keccak256(abi.encode(position));
        if (given != game.state) revert WrongState(game.state, given);
    }

    function checkClock(Game storage game) private view {
        if (block.timestamp > game.expiry) revert ClockExpired(game.expiry, block.timestamp);
    }

    /// @dev Whether the sender may act for the executor.
    function isExecutor(Game storage game) private view returns (bool) {
        return
            msg.sender == game.executor
                || bonds.isKey(Role.Executor, game.executor, msg.sender, uint64(block.timestamp));
    }

    /// @dev The part of a dissection that a reply disputes, as the position that follows, still without a root.
    function partOf(Game storage game, Position calldata position, Reply calldata reply)
        private
        view
        returns (Position memory part)
    {
        uint8 partsLog2 = Dissection.partsLog2(position.lengthLog2, arityLog2());
        uint256 parts = 1 << partsLog2;
        if (reply.j == 0 || reply.j > parts) revert Dissection.IndexOutOfRange(parts, reply.j);
        uint256 index = reply.j - 1;
        Dissection.check(position.root, partsLog2, index, reply.disputed, reply.disputedSiblings);
        if (index == 0) {
            if (reply.accepted != position.startState) revert WrongAccepted(position.startState, reply.accepted);
            if (reply.acceptedSiblings.length != 0) revert Dissection.SiblingCount(0, reply.acceptedSiblings.length);
        } else {
            Dissection.check(position.root, partsLog2, index - 1, reply.accepted, reply.acceptedSiblings);
        }
        part.previous = game.state;
        part.lengthLog2 = position.lengthLog2 - partsLog2;
        part.start = position.start + uint64(index << part.lengthLog2);
        part.version = position.version;
        part.startState = reply.accepted;
    }

    /// @dev The root of a dissection of a segment.
    function dissect(uint8 lengthLog2, bytes32[] calldata hashes) private pure returns (bytes32) {
        uint256 expected = 1 << Dissection.partsLog2(lengthLog2, arityLog2());
        if (hashes.length != expected) revert Dissection.HashCount(expected, hashes.length);
        return Dissection.rootOf(hashes);
    }

    /// @dev The other side is to move: its clock runs, and the mover's stands still.
    function advance(bytes32 id, Game storage game, Position memory position, bytes32[] calldata hashes) private {
        bytes32 state = keccak256(abi.encode(position));
        game.state = state;
        game.phase = game.phase == Phase.ExecutorMoves ? Phase.ChallengerMoves : Phase.ExecutorMoves;
        // The move was in time, so that the difference is not negative; neither exceeds a clock.
        uint32 left = uint32(game.expiry - block.timestamp);
        game.expiry = uint40(block.timestamp + game.otherLeft);
        game.otherLeft = left;
        emit Dissected(id, state, game.phase, game.expiry, left, position, hashes);
    }
}
