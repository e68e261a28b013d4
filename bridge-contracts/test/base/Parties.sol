// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonds, Role} from "../../src/interfaces/IBonds.sol";
import {Players} from "./Players.sol";

/// @notice What the books say of an executor. Times are 0 where nothing has happened yet.
struct Party {
    address owner;
    uint256 secret;
    bool isHonest;
    /// In wei; none once it is slashed or withdrawn.
    uint256 stake;
    /// When it announced its exit, and when it was convicted.
    uint256 exitedAt;
    uint256 convictedAt;
    /// Its last key, and the time until, and not at, which that is valid.
    uint256 keySecret;
    uint256 keyUntil;
}

/// @notice Executors, honest and not, with what they do to their stakes and keys. The books foretell of each call whether it
/// is taken, and the error if it is not.
abstract contract Parties is Players {
    uint256 private constant PARTIES_MAX = 40;
    uint256 internal constant NOTICE = 700;
    /// @dev From the end of a registration to its stake: W + 2 K + margin.
    uint256 internal constant WITHDRAWAL_DELAY = 1800;
    bytes4 internal constant TAKEN = bytes4(0);

    Party[] internal parties;
    mapping(address owner => uint256) private indexOf;
    /// @dev The parties that post claims now.
    uint256 internal honestParty;
    uint256 internal lyingParty;
    uint256 private secrets = 0x1000;
    /// @dev What Bonds owes the treasury.
    uint256 internal burned;
    uint256 internal withdrawals;
    /// @dev How many calls were refused with each error.
    mapping(bytes4 selector => uint256) public refusals;

    /// @dev After each call the books take down what has come of it.
    modifier counted() {
        _;
        takeDown();
    }

    function takeDown() internal virtual;

    /// @dev Lets time pass.
    function elapse(uint256 seconds_) internal virtual;

    /// @dev What a stake stands for: games that are not over, and the time at which the last clock on its claims has run out.
    function hangingOn(address owner) internal view virtual returns (uint256 games, uint256 until);

    /// @dev Stakes of sequencers, by the books.
    function stakesBeside() internal view virtual returns (uint256);

    // What anybody can do.

    function deposit(uint8 party, uint64 value) external counted {
        uint256 index = party % parties.length;
        bytes4 wanted = isRegistered(parties[index], block.timestamp) ? TAKEN : IBonds.NotRegistered.selector;
        if (value == 0) wanted = IBonds.NothingDeposited.selector;
        address owner = parties[index].owner;
        bytes memory data = abi.encodeCall(IBonds.deposit, (Role.Executor));
        if (expectOutcome(address(bonds), owner, value, data, wanted)) parties[index].stake += value;
    }

    /// @dev Some parties stay, so that there is somebody to play with.
    function exit(uint8 party) external counted {
        uint256 index = party % parties.length;
        if (parties[index].exitedAt == 0 && (index % 3 == 2 || parties.length >= PARTIES_MAX)) return;
        bytes4 wanted = TAKEN;
        if (!isRegistered(parties[index], block.timestamp)) wanted = IBonds.NotRegistered.selector;
        else if (parties[index].exitedAt != 0) wanted = IBonds.ExitAlreadyAnnounced.selector;
        bytes memory data = abi.encodeCall(IBonds.exit, (Role.Executor));
        if (expectOutcome(address(bonds), parties[index].owner, 0, data, wanted)) {
            parties[index].exitedAt = block.timestamp;
        }
    }

    function withdrawStake(uint8 party) external counted {
        takeStake(party % parties.length);
    }

    function authorise(uint8 party) external counted {
        uint256 index = party % parties.length;
        (address owner, uint256 secret) = (parties[index].owner, ++secrets);
        bytes32 typeHash = keccak256("KeyConsent(uint8 role,address owner)");
        bytes32 structHash = keccak256(abi.encode(typeHash, Role.Executor, owner));
        bytes memory consent = sign(secret, keccak256(abi.encodePacked(hex"1901", bonds.domainSeparator(), structHash)));
        bytes4 wanted = isRegistered(parties[index], block.timestamp) ? TAKEN : IBonds.NotRegistered.selector;
        bytes memory data = abi.encodeCall(IBonds.authorise, (Role.Executor, vm.addr(secret), consent));
        if (expectOutcome(address(bonds), owner, 0, data, wanted)) {
            (parties[index].keySecret, parties[index].keyUntil) = (secret, type(uint64).max);
        }
    }

    function revoke(uint8 party) external counted {
        uint256 index = party % parties.length;
        uint256 secret = parties[index].keySecret;
        bytes4 wanted = TAKEN;
        if (secret == 0) wanted = IBonds.NotKeyOf.selector;
        else if (parties[index].keyUntil != type(uint64).max) wanted = IBonds.KeyAlreadyRevoked.selector;
        bytes memory data = abi.encodeCall(IBonds.revoke, (Role.Executor, secret == 0 ? alice : vm.addr(secret)));
        if (expectOutcome(address(bonds), parties[index].owner, 0, data, wanted)) {
            parties[index].keyUntil = block.timestamp + NOTICE;
        }
    }

    // What the books say.

    /// @dev Stakes, to the wei: who has games or windows that are not over has its stake where it was, unless it was slashed.
    function checkStakes() external view {
        uint256 stakes = stakesBeside();
        for (uint256 i = 0; i < parties.length; i++) {
            Party memory party = parties[i];
            assertEq(bonds.stakeOf(Role.Executor, party.owner), party.stake, "stake in the books");
            (uint256 games, uint256 until) = hangingOn(party.owner);
            bool hangs = games != 0 || block.timestamp <= until;
            if (hangs && party.convictedAt == 0) assertTrue(party.stake >= STAKE, "a stake that something hangs on");
            stakes += party.stake;
            if (party.keySecret == 0) continue;
            bool isKey = bonds.isKey(Role.Executor, party.owner, vm.addr(party.keySecret), uint64(block.timestamp));
            assertTrue(isKey == (block.timestamp < party.keyUntil), "a key in the books");
        }
        assertEq(bonds.creditOf(TREASURY), burned, "burned stakes in the books");
        assertEq(address(bonds).balance, stakes + burned, "Bonds are solvent to the wei");
    }

    function partyOf(address owner) internal view returns (Party storage) {
        return parties[indexOf[owner]];
    }

    function isRegistered(Party storage party, uint256 time) internal view returns (bool) {
        if (party.convictedAt != 0) return false;
        return party.exitedAt == 0 || time < party.exitedAt + NOTICE;
    }

    /// @dev Who moves for an executor: itself, or its key while that is valid.
    function moverOf(address owner, uint256 seed) internal view returns (address) {
        Party storage party = partyOf(owner);
        bool byKey = seed % 2 == 1 && party.keySecret != 0 && block.timestamp < party.keyUntil;
        return byKey ? vm.addr(party.keySecret) : owner;
    }

    /// @dev Takes down convictions, and puts others in the place of who has fallen or left.
    function renew() internal {
        noteConvictions();
        if (!isRegistered(parties[honestParty], block.timestamp)) honestParty = join(true, ++secrets);
        if (!isRegistered(parties[lyingParty], block.timestamp)) lyingParty = join(false, ++secrets);
        noteConvictions();
    }

    /// @dev Whoever registers can be named by a batch a second later.
    function join(bool isHonest, uint256 secret) internal returns (uint256 index) {
        address owner = vm.addr(secret);
        if (bonds.stakeOf(Role.Executor, owner) == 0) register(Role.Executor, owner);
        index = parties.length;
        indexOf[owner] = index;
        Party storage party = parties.push();
        (party.owner, party.secret, party.isHonest, party.stake) = (owner, secret, isHonest, STAKE);
        elapse(2);
    }

    /// @dev A call that is taken, or refused with this error.
    function expectOutcome(address target, address sender, uint256 value, bytes memory data, bytes4 wanted)
        internal
        returns (bool isTaken)
    {
        vm.deal(sender, value);
        vm.prank(sender);
        bytes memory reason;
        (isTaken, reason) = target.call{value: value}(data);
        assertTrue(isTaken == (wanted == TAKEN), "taken or refused, as the books say");
        if (isTaken) return true;
        assertEq(bytes32(bytes4(reason)), bytes32(wanted), "why it is refused");
        refusals[wanted]++;
    }

    function takeStake(uint256 index) private {
        Party memory party = parties[index];
        (uint256 games, uint256 until) = hangingOn(party.owner);
        bytes4 wanted = TAKEN;
        if (party.stake == 0) {
            wanted = IBonds.NothingStaked.selector;
        } else if (party.exitedAt == 0) {
            wanted = IBonds.ExitNotAnnounced.selector;
        } else if (block.timestamp < party.exitedAt + NOTICE + WITHDRAWAL_DELAY) {
            wanted = IBonds.NotYetWithdrawable.selector;
        } else if (games != 0) {
            wanted = IBonds.GamesOpen.selector;
        }
        bytes memory data = abi.encodeCall(IBonds.withdrawStake, (Role.Executor, payable(party.owner)));
        if (!expectOutcome(address(bonds), party.owner, 0, data, wanted)) return;
        assertTrue(block.timestamp > until, "every window and clock is over");
        assertEq(party.owner.balance, party.stake, "the stake, to the wei");
        parties[index].stake = 0;
        withdrawals++;
    }

    function noteConvictions() private {
        for (uint256 i = 0; i < parties.length; i++) {
            Party storage party = parties[i];
            if (party.convictedAt != 0) continue;
            party.convictedAt = court.accusedOf(party.owner).convictedAt;
            if (party.convictedAt == 0) continue;
            assertTrue(party.stake >= STAKE, "there is something to slash");
            burned += party.stake * BURN_SHARE_BPS / 10_000;
            party.stake = 0;
        }
    }
}
