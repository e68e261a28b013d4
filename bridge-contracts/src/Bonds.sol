// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "./Credits.sol";
import {IBonds, Role} from "./interfaces/IBonds.sol";
import {ICourt} from "./interfaces/ICourt.sol";
import {Eip712} from "./libraries/Eip712.sol";
import {Relations} from "./libraries/Relations.sol";
import {Parameters} from "./types/Parameters.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Stakes of executors and sequencers, and their hot keys
/// @notice Holds every stake and the treasury's credit, and nothing else: its balance is at least their sum.
contract Bonds is IBonds, Credits, EIP712 {
    /// @dev An owner in a role. Registered from `from` until, and not at, `until`; `from` is zero if it never was.
    struct Owner {
        uint64 from;
        uint64 until;
        uint256 stake;
    }

    /// @dev A key of an owner in a role, valid from `from` until, and not at, `until`. It is never given to another.
    struct Key {
        address owner;
        uint64 from;
        uint64 until;
    }

    /// @dev Of what has no end yet.
    uint64 private constant OPEN = type(uint64).max;

    ICourt public immutable court;
    address public immutable faults;
    address public immutable treasury;
    uint256 public immutable executorStake;
    uint256 public immutable sequencerStake;
    uint256 public immutable burnShareBps;
    /// @notice P, and what a withdrawal waits after the end of a registration: W + 2 K + margin. Seconds.
    uint64 public immutable noticePeriod;
    uint64 public immutable withdrawalDelay;

    mapping(Role role => mapping(address owner => Owner)) private owners;
    mapping(Role role => mapping(address key => Key)) private keys;

    constructor(Parameters memory parameters, ICourt court_, address faults_) EIP712(Eip712.NAME, Eip712.VERSION) {
        Relations.check(parameters);
        court = court_;
        faults = faults_;
        treasury = parameters.treasury;
        executorStake = parameters.executorStake;
        sequencerStake = parameters.sequencerStake;
        burnShareBps = parameters.burnShareBps;
        noticePeriod = parameters.noticePeriod;
        withdrawalDelay = parameters.window + 2 * parameters.clock + parameters.withdrawalMargin;
    }

    /// @inheritdoc IBonds
    function register(Role role) external payable {
        uint256 least = role == Role.Executor ? executorStake : sequencerStake;
        if (msg.value < least) revert StakeTooSmall(least, msg.value);
        if (owners[role][msg.sender].from != 0) revert AlreadyRegistered(role, msg.sender);
        owners[role][msg.sender] = Owner({from: uint64(block.timestamp), until: OPEN, stake: msg.value});
        emit Registered(role, msg.sender, msg.value);
    }

    /// @inheritdoc IBonds
    function deposit(Role role) external payable {
        if (msg.value == 0) revert NothingDeposited();
        Owner storage owner = registered(role);
        owner.stake += msg.value;
        emit Deposited(role, msg.sender, msg.value, owner.stake);
    }

    /// @inheritdoc IBonds
    function authorise(Role role, address key, bytes calldata consent) external {
        registered(role);
        if (key == msg.sender) revert OwnerIsItsOwnKey(msg.sender);
        address keyOwner = keys[role][key].owner;
        if (keyOwner != address(0)) revert KeyTaken(key, keyOwner);
        bytes32 digest = _hashTypedDataV4(Eip712.hashConsent(uint8(role), msg.sender));
        address signer = ECDSA.recover(digest, consent);
        if (signer != key) revert ConsentNotByKey(key, signer);
        keys[role][key] = Key({owner: msg.sender, from: uint64(block.timestamp), until: OPEN});
        emit KeyAuthorised(role, msg.sender, key);
    }

    /// @inheritdoc IBonds
    function revoke(Role role, address key) external {
        Key storage held = keys[role][key];
        if (held.owner != msg.sender) revert NotKeyOf(msg.sender, key);
        if (held.until != OPEN) revert KeyAlreadyRevoked(key, held.until);
        held.until = uint64(block.timestamp) + noticePeriod;
        emit KeyRevoked(role, msg.sender, key, held.until);
    }

    /// @inheritdoc IBonds
    function exit(Role role) external {
        Owner storage owner = registered(role);
        if (owner.until != OPEN) revert ExitAlreadyAnnounced(owner.until);
        owner.until = uint64(block.timestamp) + noticePeriod;
        emit ExitAnnounced(role, msg.sender, owner.until, owner.until + withdrawalDelay);
    }

    /// @inheritdoc IBonds
    function withdrawStake(Role role, address payable to) external {
        Owner storage owner = owners[role][msg.sender];
        uint256 amount = owner.stake;
        if (amount == 0) revert NothingStaked(role, msg.sender);
        if (owner.until == OPEN) revert ExitNotAnnounced(role, msg.sender);
        uint64 withdrawableFrom = owner.until + withdrawalDelay;
        if (block.timestamp < withdrawableFrom) revert NotYetWithdrawable(withdrawableFrom, uint64(block.timestamp));
        if (role == Role.Executor && court.hasOpenGames(msg.sender)) revert GamesOpen(msg.sender);
        owner.stake = 0;
        emit StakeWithdrawn(role, msg.sender, to, amount);
        send(to, amount);
    }

    /// @inheritdoc IBonds
    function slash(Role role, address convict) external returns (uint256 pot) {
        address slasher = role == Role.Executor ? address(court) : faults;
        if (msg.sender != slasher) revert NotSlasher(slasher, msg.sender);
        Owner storage owner = owners[role][convict];
        uint256 stake = owner.stake;
        if (stake == 0) return 0;
        owner.stake = 0;
        if (owner.until > block.timestamp) owner.until = uint64(block.timestamp);
        uint256 burned = stake * burnShareBps / Relations.BASIS_POINTS;
        pot = stake - burned;
        credit(treasury, burned);
        emit Slashed(role, convict, stake, burned);
        send(msg.sender, pot);
    }

    /// @inheritdoc IBonds
    function isRegistered(Role role, address owner, uint64 time) public view returns (bool) {
        Owner storage asked = owners[role][owner];
        return asked.from != 0 && asked.from <= time && time < asked.until;
    }

    /// @inheritdoc IBonds
    function isKey(Role role, address owner, address key, uint64 time) external view returns (bool) {
        if (key == owner) {
            uint64 from = owners[role][owner].from;
            return from != 0 && from <= time;
        }
        Key storage asked = keys[role][key];
        return asked.owner == owner && asked.from <= time && time < asked.until;
    }

    /// @inheritdoc IBonds
    function stakeOf(Role role, address owner) external view returns (uint256) {
        return owners[role][owner].stake;
    }

    /// @notice When a registration began and ended or will end, for those who plan: 0 if it never began, 2^64 - 1 if no end
    /// is announced.
    function registrationOf(Role role, address owner) external view returns (uint64 from, uint64 until) {
        Owner storage asked = owners[role][owner];
        return (asked.from, asked.until);
    }

    /// @notice EIP-712 domain separator of the consent of keys.
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev The sender, who must be registered now.
    function registered(Role role) private view returns (Owner storage) {
        if (!isRegistered(role, msg.sender, uint64(block.timestamp))) revert NotRegistered(role, msg.sender);
        return owners[role][msg.sender];
    }
}
