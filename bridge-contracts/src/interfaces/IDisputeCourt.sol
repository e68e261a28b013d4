// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accused, Candidates, Challenge, Game, Opening, Phase, Position, Reply} from "../types/Games.sol";
import {LeafProof} from "../types/Objects.sol";
import {ICourt} from "./ICourt.sol";
import {IExaminer} from "./IExaminer.sol";

/// @title The dispute court (chapter 13)
/// @notice Every challenge is a game of its own between one challenger and the executor of one claim. The first game that an
/// executor loses convicts it: its stake is slashed, its claims that are not final are void, and all its other games are
/// over, won by their challengers.
///
/// ```text
/// commit -> reveal -> move by the executor -> move by the challenger -> ... -> step
///           \________________ timeout: whoever let its clock run out has lost ________________/
/// ```
///
/// Times are in seconds; a move at the very expiry is in time. Nobody but the side to move can move; for the executor a key
/// of it can.
interface IDisputeCourt is ICourt {
    /// @notice A game has begun: the challenger has to reveal. `record` is what the leaf says: the executor can defend itself
    /// whatever the sequencer has posted as the batch's data.
    event Committed(
        bytes32 indexed game, bytes32 indexed claim, address indexed executor, Challenge challenge, bytes record
    );
    /// @notice A side has dissected. `state` is the hash of `position`, which the other side has to answer until `expiry`.
    /// The first of a game is the reveal, whose position follows the game's id.
    event Dissected(
        bytes32 indexed game,
        bytes32 indexed state,
        Phase phase,
        uint64 expiry,
        uint64 otherLeft,
        Position position,
        bytes32[] hashes
    );
    /// @notice L1 has executed a step, and its outcome was not what the other side had said.
    event Stepped(bytes32 indexed game, uint64 step, bytes32 outcome);
    /// @notice The challenger has lost: by a step, or because its clock ran out.
    event ChallengeLost(bytes32 indexed game, address indexed challenger, uint256 toExecutor, uint256 burned);
    /// @notice An executor has lost its first game. What was not burned of its stake pays its challengers' scheduled gas, then
    /// equal shares to the winners.
    event Convicted(
        address indexed executor,
        bytes32 indexed game,
        uint64 voidFrom,
        uint256 pot,
        uint256 costPaid,
        uint256 winners,
        uint256 share
    );
    /// @notice The challenger of a convict has been credited its bond, its gas and its share.
    event Settled(bytes32 indexed game, address indexed challenger, uint256 bond, uint256 reward);

    error LeafVoid(uint64 voidedAt);
    error WindowOver(uint64 windowEnd, uint256 given);
    error ExecutorIsConvicted(address executor, uint64 convictedAt);
    error ExecutorNotConvicted(address executor);
    error BondTooSmall(uint256 least, uint256 given);
    /// @notice The same commitment by the same challenger on the same leaf.
    error AlreadyCommitted(bytes32 game);
    error WrongPhase(Phase given);
    error NotYourMove(address given);
    /// @notice A reveal comes in a later block than its commitment.
    error RevealTooEarly(uint64 committedAt, uint256 given);
    error ClockExpired(uint64 expiry, uint256 given);
    error ClockRunning(uint64 expiry, uint256 given);
    /// @notice The move answers another position than the one that stands.
    error WrongState(bytes32 expected, bytes32 given);
    /// @notice What is revealed is not what this game was committed to.
    error WrongGame(bytes32 expected, bytes32 given);
    /// @notice A record whose hash is not the state that it is shown for.
    error WrongRecord(bytes32 expected, bytes32 given);
    error WrongAccepted(bytes32 expected, bytes32 given);
    /// @notice The dissection ends where the disputed one did.
    error NothingDisputed(bytes32 lastState);
    /// @notice The disputed part is one step: the only move is the step.
    error OneStepLeft();
    error MoreThanOneStep(uint8 lengthLog2);
    /// @notice The step leads where the other side said.
    error StepAgrees(bytes32 outcome);
    error NotBonds(address given);
    /// @notice A bond that would not cover the worst scheduled gas of an executor, with its margin.
    error BondBelowGas(uint256 least, uint256 given);

    /// @notice Begins a game against a claim and locks the bond; what is sent beyond it is credited back. In the claim's
    /// window, the last second included.
    /// @param proof The claim. L1 checks it on its face: who is named has signed and was registered, numbers are in bounds.
    /// @param commitment keccak256(abi.encode(keccak256("assay.court.commitment.v1"), chain id, this, batch hash, leaf index,
    /// challenger, root of d_1..d_m, head, memory root, salt)).
    /// @param stay Locks as much as the executor's stake, and holds all claims of that executor whose windows are open now
    /// or later until this game is over.
    /// @return game keccak256(abi.encode(keccak256("assay.court.game.v1"), chain id, this, batch hash, leaf index, leaf,
    /// challenger, commitment)).
    function commit(LeafProof calldata proof, bytes32 commitment, bool stay) external payable returns (bytes32 game);

    /// @notice The challenger's first move, a block after its commitment at the earliest: dissects the whole run, and opens the
    /// last state, which is not halted or does not imply the claimed result.
    /// @param hashes d_1 to d_m.
    function reveal(bytes32 game, Opening calldata opening, bytes32[] calldata hashes) external;

    /// @notice Disputes one part of the other side's dissection by dissecting it to another end.
    function move(bytes32 game, Position calldata position, Reply calldata reply, bytes32[] calldata hashes) external;

    /// @notice Disputes a part of one step by executing it. The mover wins, or the call reverts.
    /// @param head First half of the record of the accepted state; `memoryRoot` is the second.
    function step(
        bytes32 game,
        Position calldata position,
        Reply calldata reply,
        bytes32 head,
        bytes32 memoryRoot,
        bytes calldata witness
    ) external;

    /// @notice Ends a game whose side to move let its clock run out. Anybody may call; the winner is paid for it.
    function timeout(bytes32 game) external;

    /// @notice Credits the challenger of a game against a convict. Anybody may call.
    function settle(bytes32 game) external;

    /// @notice Logarithm of the most hashes in a dissection.
    function arityLog2() external view returns (uint8);

    function gameOf(bytes32 game) external view returns (Game memory);

    /// @notice Games on a claim that are not over; as it was at the conviction once the executor is convicted.
    function openGamesOn(bytes32 claim) external view returns (uint256);
    function accusedOf(address executor) external view returns (Accused memory);

    /// @notice Of an opening, named by keccak256(abi.encode(claim, root of d_1..d_m)).
    function candidatesOf(bytes32 opening) external view returns (Candidates memory);

    /// @notice What reads claims and openings for this court.
    function examiner() external view returns (IExaminer);

    /// @notice The oldest open stay of an executor's claims, 0 if there is none.
    function oldestStayOf(address executor) external view returns (bytes32 game);
}
