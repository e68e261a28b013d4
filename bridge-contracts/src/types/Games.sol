// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Descriptor} from "./Objects.sol";

/// @notice Where a game stands, and who may move (chapter 13).
enum Phase {
    /// There is no such game.
    None,
    /// The challenger has locked its bond and has to reveal.
    Committed,
    /// The executor has to answer the challenger's dissection.
    ExecutorMoves,
    /// The challenger has to answer the executor's dissection.
    ChallengerMoves,
    /// The challenger has lost.
    Lost,
    /// The executor was convicted, by this game or another one, and the challenger has been credited.
    Settled
}

/// @notice What is stored of a game. Its id is keccak256 over all that it is about (chapter 13, "Opening").
struct Game {
    /// Hash of the position to answer; the id until the reveal.
    bytes32 state;
    address challenger;
    Phase phase;
    /// Whether it holds all claims of the executor whose windows were open when it was committed.
    bool isStay;
    /// L1 time in seconds until which the side to move may move, inclusive.
    uint40 expiry;
    /// Seconds left on the clock of the other side.
    uint32 otherLeft;
    /// keccak256(abi.encode(region, batch number, leaf index)).
    bytes32 claim;
    address executor;
    /// What the challenger locked, in wei.
    uint96 bond;
    /// Scheduled gas of each side at the capped base fees of its moves, in wei.
    uint96 challengerCost;
    uint96 executorCost;
    uint40 committedAt;
    /// Root of the first dissection, zero until the reveal.
    bytes32 openingRoot;
}

/// @notice What a commitment says in clear.
struct Challenge {
    address challenger;
    bytes32 batchHash;
    uint32 index;
    bytes32 leaf;
    bytes32 commitment;
    /// What is locked, in wei.
    uint256 bond;
    bool isStay;
    /// L1 time in seconds until which the challenger may reveal, inclusive.
    uint64 expiry;
}

/// @notice The position that the side to move answers: its hash is the game's state.
struct Position {
    /// The state that the last move answered; the game's id for the reveal.
    bytes32 previous;
    /// Number of the first state of the disputed segment, and the logarithm of the segment's length.
    uint64 start;
    uint8 lengthLog2;
    /// Machine version, which binds the verifier.
    uint8 version;
    /// Hash of the first state, which both sides accept.
    bytes32 startState;
    /// Root of the dissection of the segment by the side that moved last.
    bytes32 root;
}

/// @notice The part of a dissection that the mover disputes: from d_(j-1), which it accepts, to d_j, which it does not.
struct Reply {
    /// Counted from 1.
    uint16 j;
    /// d_(j-1); the position's first state if j is 1.
    bytes32 accepted;
    /// Siblings of d_(j-1) bottom-up; none if j is 1.
    bytes32[] acceptedSiblings;
    /// d_j.
    bytes32 disputed;
    bytes32[] disputedSiblings;
}

/// @notice What a challenger reveals besides its first dissection: what the commitment binds, and what state 0 and the last
/// state are made of.
struct Opening {
    bytes32 batchHash;
    bytes32 region;
    uint32 index;
    /// The leaf's record, packed as in the batch's data.
    bytes record;
    bytes32 salt;
    Descriptor descriptor;
    /// Hash of the descriptor's first leaf of SYSTEM; its siblings up to the region root, bottom-up, those in the mask left
    /// out: bit i says that the sibling at level i is the zero subtree of height i.
    bytes32 systemLeaf;
    uint32 systemMask;
    bytes32[] systemSiblings;
    /// The record of the last state.
    bytes32 head;
    bytes32 memoryRoot;
    /// Where only the output can tell the last state from the claim: root of OUTPUT and its four siblings, bottom-up.
    bytes32[] output;
}

/// @notice What an examined claim is.
struct ExaminedClaim {
    bytes32 batchHash;
    /// keccak256(abi.encode(region, batch number, leaf index)).
    bytes32 claim;
    bytes32 leaf;
    address executor;
    /// L1 times at which its batch was posted, and voided (0: not).
    uint64 postedAt;
    uint64 voidedAt;
}

/// @notice What an examined opening comes to.
struct ExaminedOpening {
    /// Leaf that the record hashes to.
    bytes32 leaf;
    /// Logarithm of the length of the whole run.
    uint8 lengthLog2;
    uint8 version;
    /// Hashes of state 0 and of the record that is opened as the last state.
    bytes32 startState;
    bytes32 lastState;
}

/// @notice What is stored of an opening of a claim: games that revealed the same first dissection.
struct Candidates {
    /// L1 time of the first reveal of it.
    uint40 firstRevealAt;
    /// Games with it that were committed before that, and are not lost.
    uint32 count;
}

/// @notice What is stored of an executor against whom there have been games.
struct Accused {
    /// Games against it that are not over.
    uint32 openGames;
    /// L1 time of its conviction, 0 if it has none.
    uint40 convictedAt;
    /// Claims whose windows end at or after this are void.
    uint40 voidFrom;
    /// Challengers' costs over all games that they have not lost, in wei. It stays as it is from the conviction on.
    uint128 challengersCost;
    /// What of the pot is for these costs, and what is left of the pot for games not settled yet.
    uint128 costPaid;
    uint128 reserve;
    /// What each winner gets besides.
    uint128 share;
    /// keccak256(abi.encode(claim, opening root)) of the convicting game.
    bytes32 winningOpening;
}
