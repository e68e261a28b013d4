// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "./Credits.sol";
import {IBonds, Role} from "./interfaces/IBonds.sol";
import {ICourt, Standing} from "./interfaces/ICourt.sol";
import {IDisputeCourt} from "./interfaces/IDisputeCourt.sol";
import {StayLink, StayQueue, Stays} from "./libraries/court/Stays.sol";
import {Accused, Candidates, Game, Phase} from "./types/Games.sol";
import {Parameters} from "./types/Parameters.sol";

/// @title What the court keeps: games, how claims stand, and whose the money is
/// @notice It holds the bonds of games that are not over, what is left of convicts' pots, and credits, and nothing else.
/// A conviction touches a constant number of slots, whatever hangs on it: each game of a convict is settled by itself, and
/// all figures that this needs are frozen at the conviction.
abstract contract CourtLedger is IDisputeCourt, Credits {
    using Stays for StayQueue;

    uint256 internal constant BASIS_POINTS = 10_000;

    IBonds public immutable bonds;
    address public immutable treasury;
    /// @notice W and K, in seconds.
    uint64 public immutable window;
    uint64 public immutable clock;
    uint256 public immutable challengeBond;
    uint256 public immutable gasMarginBps;
    uint256 public immutable baseFeeMax;

    mapping(bytes32 id => Game) internal games;
    /// @inheritdoc IDisputeCourt
    mapping(bytes32 claim => uint256) public openGamesOn;
    mapping(address executor => Accused) private accused;
    mapping(address executor => StayQueue) private stays;
    mapping(bytes32 id => StayLink) private stayLinks;
    /// @dev By keccak256(abi.encode(claim, opening root)).
    mapping(bytes32 opening => Candidates) private candidates;

    constructor(Parameters memory parameters, IBonds bonds_) {
        bonds = bonds_;
        treasury = parameters.treasury;
        window = parameters.window;
        clock = parameters.clock;
        challengeBond = parameters.challengeBond;
        gasMarginBps = parameters.gasMarginBps;
        baseFeeMax = parameters.baseFeeMax;
    }

    /// @notice Takes pots from Bonds.
    receive() external payable {
        if (msg.sender != address(bonds)) revert NotBonds(msg.sender);
    }

    /// @inheritdoc IDisputeCourt
    function settle(bytes32 id) external {
        Game storage game = games[id];
        checkRunning(game);
        if (accused[game.executor].convictedAt == 0) revert ExecutorNotConvicted(game.executor);
        payOut(id, game);
    }

    /// @inheritdoc ICourt
    function standingOf(bytes32 claim, address executor, uint64 postedAt) external view returns (Standing, uint64) {
        uint256 windowEnd = postedAt + window;
        bool hasGames = openGamesOn[claim] != 0;
        Accused storage record = accused[executor];
        if (record.convictedAt != 0) {
            bool isVoid = hasGames || windowEnd >= record.voidFrom;
            return isVoid ? (Standing.Void, uint64(record.convictedAt)) : (Standing.Clear, 0);
        }
        return (hasGames || windowEnd >= stayedFrom(executor) ? Standing.Held : Standing.Clear, 0);
    }

    /// @inheritdoc ICourt
    function hasOpenGames(address executor) external view returns (bool) {
        return accused[executor].openGames != 0;
    }

    /// @inheritdoc IDisputeCourt
    function gameOf(bytes32 id) external view returns (Game memory) {
        return games[id];
    }

    /// @inheritdoc IDisputeCourt
    function candidatesOf(bytes32 opening) external view returns (Candidates memory) {
        return candidates[opening];
    }

    /// @inheritdoc IDisputeCourt
    function accusedOf(address executor) external view returns (Accused memory) {
        return accused[executor];
    }

    /// @inheritdoc IDisputeCourt
    function oldestStayOf(address executor) external view returns (bytes32) {
        return stays[executor].oldest;
    }

    /// @dev Begins a game; what was sent beyond the bond is credited.
    function open(bytes32 id, bytes32 claim, address executor, bool isStay)
        internal
        returns (uint256 bond, uint64 expiry)
    {
        if (games[id].phase != Phase.None) revert AlreadyCommitted(id);
        bond = challengeBond;
        expiry = uint64(block.timestamp) + clock;
        if (isStay) {
            uint256 stake = bonds.stakeOf(Role.Executor, executor);
            if (stake > bond) bond = stake;
        }
        if (msg.value < bond) revert BondTooSmall(bond, msg.value);
        // Relations bound the clock below 2^32; seconds since 1970 stay below 2^40, all wei there are below 2^96.
        games[id] = Game({
            state: id,
            challenger: msg.sender,
            phase: Phase.Committed,
            isStay: isStay,
            expiry: uint40(expiry),
            otherLeft: uint32(clock),
            claim: claim,
            executor: executor,
            bond: uint96(bond),
            challengerCost: 0,
            executorCost: 0,
            committedAt: uint40(block.timestamp),
            openingRoot: 0
        });
        openGamesOn[claim] += 1;
        accused[executor].openGames += 1;
        if (isStay) stays[executor].push(stayLinks, id);
        credit(msg.sender, msg.value - bond);
    }

    /// @dev Notes the first dissection of a game, and that it may share in a pot.
    function noteOpening(Game storage game, bytes32 root) internal {
        game.openingRoot = root;
        Candidates storage same = candidates[openingOf(game)];
        if (same.firstRevealAt == 0) same.firstRevealAt = uint40(block.timestamp);
        if (isCandidate(game)) same.count += 1;
    }

    /// @dev Adds scheduled gas to the cost of a side.
    function spend(Game storage game, bool byChallenger, uint256 gasUnits) internal {
        uint256 price = block.basefee < baseFeeMax ? block.basefee : baseFeeMax;
        uint96 cost = uint96(gasUnits * price);
        if (byChallenger) {
            game.challengerCost += cost;
            accused[game.executor].challengersCost += cost;
        } else {
            game.executorCost += cost;
        }
    }

    /// @dev The challenger has lost: the executor's gas with a margin, the rest is burned.
    function lose(bytes32 id, Game storage game) internal {
        game.phase = Phase.Lost;
        Accused storage record = accused[game.executor];
        record.openGames -= 1;
        record.challengersCost -= game.challengerCost;
        openGamesOn[game.claim] -= 1;
        if (isCandidate(game)) candidates[openingOf(game)].count -= 1;
        if (game.isStay) stays[game.executor].remove(stayLinks, id);

        uint256 toExecutor = uint256(game.executorCost) * (BASIS_POINTS + gasMarginBps) / BASIS_POINTS;
        if (toExecutor > game.bond) toExecutor = game.bond;
        uint256 burned = game.bond - toExecutor;
        credit(game.executor, toExecutor);
        credit(treasury, burned);
        emit ChallengeLost(id, game.challenger, toExecutor, burned);
    }

    /// @dev The executor has lost: its stake is slashed, once, and what is not burned is divided.
    function convict(bytes32 id, Game storage game) internal {
        address executor = game.executor;
        Accused storage record = accused[executor];
        uint256 stayed = stayedFrom(executor);
        record.convictedAt = uint40(block.timestamp);
        record.voidFrom = uint40(block.timestamp < stayed ? block.timestamp : stayed);
        record.winningOpening = openingOf(game);

        uint256 pot = bonds.slash(Role.Executor, executor);
        uint256 costPaid = record.challengersCost < pot ? record.challengersCost : pot;
        uint256 winners = candidates[record.winningOpening].count;
        uint256 share = winners == 0 ? 0 : (pot - costPaid) / winners;
        uint256 reserve = costPaid + winners * share;
        (record.costPaid, record.share, record.reserve) = (uint128(costPaid), uint128(share), uint128(reserve));
        credit(treasury, pot - reserve);
        emit Convicted(executor, id, record.voidFrom, pot, costPaid, winners, share);
        payOut(id, game);
    }

    /// @dev Reverts unless the game is under way and can be played on: a convict's games are over.
    function checkPlayable(Game storage game) internal view {
        checkRunning(game);
        checkNotConvicted(game.executor);
    }

    function checkNotConvicted(address executor) internal view {
        uint64 convictedAt = accused[executor].convictedAt;
        if (convictedAt != 0) revert ExecutorIsConvicted(executor, convictedAt);
    }

    /// @dev A challenger of a convict gets its bond, its cost as far as the pot reaches, and its share.
    function payOut(bytes32 id, Game storage game) private {
        game.phase = Phase.Settled;
        Accused storage record = accused[game.executor];
        record.openGames -= 1;
        uint256 reward = game.challengerCost;
        if (record.costPaid < record.challengersCost) reward = reward * record.costPaid / record.challengersCost;
        if (isCandidate(game) && openingOf(game) == record.winningOpening) reward += record.share;
        uint128 left = record.reserve - uint128(reward);
        // What rounding left over, when the pot did not reach.
        bool isLast = record.openGames == 0;
        record.reserve = isLast ? 0 : left;
        credit(game.challenger, game.bond + reward);
        if (isLast) credit(treasury, left);
        emit Settled(id, game.challenger, game.bond, reward);
    }

    /// @dev When the oldest open stay was committed; later than everything if there is none.
    function stayedFrom(address executor) private view returns (uint256) {
        bytes32 oldest = stays[executor].oldest;
        return oldest == 0 ? type(uint256).max : games[oldest].committedAt;
    }

    /// @dev A candidate for a share has committed when its opening could not be copied yet. In the block of the first reveal
    /// of that opening it could.
    function isCandidate(Game storage game) private view returns (bool) {
        return game.openingRoot != 0 && game.committedAt < candidates[openingOf(game)].firstRevealAt;
    }

    function openingOf(Game storage game) private view returns (bytes32) {
        return keccak256(abi.encode(game.claim, game.openingRoot));
    }

    function checkRunning(Game storage game) private view {
        Phase phase = game.phase;
        if (phase == Phase.None || phase >= Phase.Lost) revert WrongPhase(phase);
    }
}
