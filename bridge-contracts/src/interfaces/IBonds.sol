// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a stake stands behind.
enum Role {
    Executor,
    Sequencer
}

/// @title Stakes of executors and sequencers, and their hot keys (chapter 14)
/// @notice An owner registers once per role: an interval of time in which it is registered. It ends a notice period after
/// {exit}, or at once when it is slashed; it never begins again for the same address, so that every question about the time
/// of an earlier block has one answer for ever. There is no owner of the contract.
interface IBonds {
    error StakeTooSmall(uint256 least, uint256 given);
    /// @notice An address registers once in a role, whatever became of it.
    error AlreadyRegistered(Role role, address owner);
    /// @notice Not registered now: never, or no more.
    error NotRegistered(Role role, address owner);
    error NothingDeposited();
    error ExitAlreadyAnnounced(uint64 registeredUntil);
    error ExitNotAnnounced(Role role, address owner);
    error NotYetWithdrawable(uint64 withdrawableFrom, uint64 given);
    error NothingStaked(Role role, address owner);
    error GamesOpen(address executor);
    /// @notice An owner is its own key and needs no other consent.
    error OwnerIsItsOwnKey(address owner);
    /// @notice A key belongs to one owner for ever, also after its revocation.
    error KeyTaken(address key, address keyOwner);
    error ConsentNotByKey(address key, address signer);
    error NotKeyOf(address owner, address key);
    error KeyAlreadyRevoked(address key, uint64 validUntil);
    /// @notice Who may slash in a role, and who tried.
    error NotSlasher(address expected, address given);

    event Registered(Role indexed role, address indexed owner, uint256 stake);
    event Deposited(Role indexed role, address indexed owner, uint256 amount, uint256 stake);
    event KeyAuthorised(Role indexed role, address indexed owner, address indexed key);
    event KeyRevoked(Role indexed role, address indexed owner, address indexed key, uint64 validUntil);
    event ExitAnnounced(Role indexed role, address indexed owner, uint64 registeredUntil, uint64 withdrawableFrom);
    event StakeWithdrawn(Role indexed role, address indexed owner, address to, uint256 amount);
    event Slashed(Role indexed role, address indexed owner, uint256 stake, uint256 burned);

    /// @notice Registers the sender with the value sent as its stake.
    function register(Role role) external payable;

    /// @notice Adds the value sent, which is not 0, to the sender's stake while it is registered.
    function deposit(Role role) external payable;

    /// @notice Lets `key` sign and move for the sender.
    /// @param consent The key's EIP-712 signature of KeyConsent(uint8 role,address owner): nobody's key is taken by another.
    /// What is no signature (65 bytes r || s || v, v 27 or 28, s in the lower half) is refused with OpenZeppelin's reason.
    function authorise(Role role, address key, bytes calldata consent) external;

    /// @notice Ends a key's validity a notice period from now: it is valid until, and not at, that time. A key is never valid
    /// again for anybody.
    function revoke(Role role, address key) external;

    /// @notice Ends the sender's registration a notice period from now.
    function exit(Role role) external;

    /// @notice Pays the stake out, from P + W + 2 K + margin after the exit was announced on, that second included, and with
    /// no game of the sender open.
    function withdrawStake(Role role, address payable to) external;

    /// @notice Takes the whole stake and ends the registration at once: the court from executors, the fault prover from
    /// sequencers. The burned share goes to the treasury's credit, the rest is sent to the caller.
    /// @return pot What was sent; 0 if nothing was left.
    function slash(Role role, address owner) external returns (uint256 pot);

    /// @notice Whether `owner` was registered at L1 time `time`: from the second of its registration until, and not at, the
    /// second in which it ended. A block may still change the answer about its own time, and none the answer about a past one.
    function isRegistered(Role role, address owner, uint64 time) external view returns (bool);

    /// @notice Whether `key` could sign for `owner` at L1 time `time`. An owner is its own key from its registration on, for
    /// ever: it plays its games to their end also when it is registered no more. So this does not say that it is registered.
    function isKey(Role role, address owner, address key, uint64 time) external view returns (bool);

    /// @notice The stake of an owner, in wei.
    function stakeOf(Role role, address owner) external view returns (uint256);
}
