// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "../../src/Credits.sol";
import {IBonds, Role} from "../../src/interfaces/IBonds.sol";
import {IDisputeCourt} from "../../src/interfaces/IDisputeCourt.sol";
import {Game, Opening, Phase, Position} from "../../src/types/Games.sol";
import {Entry} from "./CourtBooks.sol";
import {CourtHandler} from "./CourtHandler.sol";
import {Belief, Table} from "./Players.sol";

/// @notice Does besides what the court must refuse: calls that are early, late, out of turn or stale, of games that are over
/// and of executors that have fallen, with too little money or none to come. Each is refused with the error that the books
/// name, and what it was about stands as it stood.
contract HostileHandler is CourtHandler {
    // What the court refuses.

    /// @dev A move, by whoever it occurs to, that answers the position that stands or one that was answered already.
    function moveWrongly(uint8 game, uint8 mover, bool isStale) external counted {
        if (matches.length == 0) return;
        uint256 index = game % matches.length;
        Game memory stored = court.gameOf(matches[index].table.id);
        Position memory position = isStale ? matches[index].stale : matches[index].table.position;
        address sender = anybody(stored, mover);
        bytes4 wanted = wantedOfMove(stored, sender);
        if (wanted == TAKEN && keccak256(abi.encode(position)) != stored.state) {
            wanted = IDisputeCourt.WrongState.selector;
        }
        // A move that is in order is no business of this function.
        if (wanted == TAKEN) return;
        Table memory table = matches[index].table;
        bytes32 id = table.id;
        if (table.hashes.length == 0) table.hashes = new bytes32[](2);
        bytes memory data =
            abi.encodeCall(IDisputeCourt.move, (id, position, replyOf(table, 1 + mover % 2), table.hashes));
        if (mover % 3 == 0) {
            data = abi.encodeCall(IDisputeCourt.step, (id, position, replyOf(table, 1), bytes32(0), bytes32(0), ""));
        }
        expectRefusal(index, sender, data, wanted);
    }

    /// @dev A reveal in the second of the commitment, after the clock, twice, by another, or of something else.
    function revealWrongly(uint8 game, uint8 mover, bool isOther) external counted {
        if (matches.length == 0) return;
        // Mostly of the last games, which are likely not to be revealed yet.
        uint256 index = matches.length - 1 - game % (matches.length < 3 || game > 200 ? matches.length : 3);
        Table memory table = matches[index].table;
        Game memory stored = court.gameOf(table.id);
        address sender = anybody(stored, mover);
        bytes4 wanted = wantedOfAnything(stored);
        if (wanted == TAKEN) {
            if (stored.phase != Phase.Committed) wanted = IDisputeCourt.WrongPhase.selector;
            else if (sender != stored.challenger) wanted = IDisputeCourt.NotYourMove.selector;
            else if (block.timestamp == stored.committedAt) wanted = IDisputeCourt.RevealTooEarly.selector;
            else if (block.timestamp > stored.expiry) wanted = IDisputeCourt.ClockExpired.selector;
            else if (isOther) wanted = IDisputeCourt.WrongGame.selector;
            else return;
        }
        // Of another salt, or with other states.
        Belief memory belief = Belief(matches[index].liesFrom, index);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(theRun(), belief, table.proof);
        if (isOther) opening.salt = bytes32(1 + uint256(mover));
        expectRefusal(index, sender, abi.encodeCall(IDisputeCourt.reveal, (table.id, opening, hashes)), wanted);
    }

    /// @dev A timeout while the clock runs, or of a game that is over.
    function timeOutWrongly(uint8 game, uint8 caller) external counted {
        if (matches.length == 0) return;
        uint256 index = game % matches.length;
        Game memory stored = court.gameOf(matches[index].table.id);
        bytes4 wanted = wantedOfAnything(stored);
        if (wanted == TAKEN) {
            if (block.timestamp > stored.expiry) return;
            wanted = IDisputeCourt.ClockRunning.selector;
        }
        bytes memory data = abi.encodeCall(IDisputeCourt.timeout, (matches[index].table.id));
        expectRefusal(index, anybody(stored, caller), data, wanted);
    }

    /// @dev A settlement of a game that goes on or was settled, or lost.
    function settleWrongly(uint8 game, uint8 caller) external counted {
        if (matches.length == 0) return;
        uint256 index = game % matches.length;
        Game memory stored = court.gameOf(matches[index].table.id);
        bytes4 wanted = IDisputeCourt.ExecutorNotConvicted.selector;
        if (!isRunning(stored)) wanted = IDisputeCourt.WrongPhase.selector;
        else if (isConvicted(stored.executor)) return;
        bytes memory data = abi.encodeCall(IDisputeCourt.settle, (matches[index].table.id));
        expectRefusal(index, anybody(stored, caller), data, wanted);
    }

    /// @dev A commitment after the window, about a convict, for too little, or for the second time.
    function commitWrongly(uint8 game, uint8 seed, bool isStay) external counted {
        if (matches.length == 0) return;
        uint256 index = game % matches.length;
        Table memory table = matches[index].table;
        Entry memory entry = entries[matches[index].claim];
        bool isAgain = seed % 2 == 0;
        uint256 least = isStay ? bonds.stakeOf(Role.Executor, entry.executor) : BOND;
        if (least < BOND) least = BOND;
        uint256 value = isAgain ? least : least - 1 - seed;
        bytes4 wanted = isAgain ? IDisputeCourt.AlreadyCommitted.selector : IDisputeCourt.BondTooSmall.selector;
        if (isFaulted(entry)) wanted = IDisputeCourt.LeafVoid.selector;
        else if (block.timestamp > postedAt(entry.proof) + WINDOW) wanted = IDisputeCourt.WindowOver.selector;
        else if (isConvicted(entry.executor)) wanted = IDisputeCourt.ExecutorIsConvicted.selector;
        Belief memory belief = Belief(matches[index].liesFrom, isAgain ? index : NEVER);
        (Opening memory opening, bytes32[] memory hashes) = openingOf(theRun(), belief, table.proof);
        if (!isAgain) opening.salt = bytes32(uint256(seed));
        bytes32 commitment = commitmentOf(opening, hashes, table.challenger);
        bytes memory data = abi.encodeCall(IDisputeCourt.commit, (table.proof, commitment, isStay));
        uint256 held = address(court).balance;
        expectOutcome(address(court), table.challenger, value, data, wanted);
        assertEq(address(court).balance, held, "nothing was taken");
    }

    /// @dev Money that is not owed, a stake that is nobody's to slash, and money that nobody asked for.
    function takeWrongly(uint8 account, uint8 kind) external counted {
        address sender = others[account % others.length];
        if (kind % 3 == 0) {
            if (court.creditOf(sender) != 0) return;
            bytes memory taking = abi.encodeCall(Credits.withdraw, (payable(sender)));
            expectOutcome(address(court), sender, 0, taking, Credits.NothingOwed.selector);
        } else if (kind % 3 == 1) {
            address owner = parties[account % parties.length].owner;
            bytes memory slashing = abi.encodeCall(IBonds.slash, (Role.Executor, owner));
            expectOutcome(address(bonds), sender, 0, slashing, IBonds.NotSlasher.selector);
        } else {
            expectOutcome(address(court), sender, 1 + uint256(kind), "", IDisputeCourt.NotBonds.selector);
        }
    }

    /// @dev Who may be meant by a number: either side of a game, the key of the executor, or somebody else.
    function anybody(Game memory game, uint8 seed) private view returns (address) {
        if (seed % 4 == 0) return game.challenger;
        if (seed % 4 == 3) return others[seed % others.length];
        return moverOf(game.executor, seed);
    }

    /// @dev What stands in the way of anything that is done in a game.
    function wantedOfAnything(Game memory game) private view returns (bytes4) {
        if (!isRunning(game)) return IDisputeCourt.WrongPhase.selector;
        return isConvicted(game.executor) ? IDisputeCourt.ExecutorIsConvicted.selector : TAKEN;
    }

    /// @dev What stands in the way of a move, whatever it says.
    function wantedOfMove(Game memory game, address sender) private view returns (bytes4 wanted) {
        wanted = wantedOfAnything(game);
        if (wanted != TAKEN) return wanted;
        if (game.phase == Phase.Committed) return IDisputeCourt.WrongPhase.selector;
        bool isChallengers = game.phase == Phase.ChallengerMoves;
        bool isMover =
            isChallengers ? sender == game.challenger : sender == game.executor || isKeyOf(game.executor, sender);
        if (!isMover) return IDisputeCourt.NotYourMove.selector;
        if (block.timestamp > game.expiry) return IDisputeCourt.ClockExpired.selector;
    }

    /// @dev By the books: {checkStakes} holds them to what Bonds says.
    function isKeyOf(address owner, address sender) private view returns (bool) {
        uint256 secret = partyOf(owner).keySecret;
        return secret != 0 && sender == vm.addr(secret) && block.timestamp < partyOf(owner).keyUntil;
    }

    function expectRefusal(uint256 index, address sender, bytes memory data, bytes4 wanted) private {
        bytes32 id = matches[index].table.id;
        bytes32 before = keccak256(abi.encode(court.gameOf(id)));
        expectOutcome(address(court), sender, 0, data, wanted);
        assertEq(keccak256(abi.encode(court.gameOf(id))), before, "the game stands as it stood");
    }
}
