// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice How a claim stands before the court, whatever its window.
enum Standing {
    Clear,
    /// A game on it is open, or a stay holds it.
    Held,
    /// Its executor was convicted before it became final.
    Void
}

/// @title What other contracts ask the dispute court (chapter 13)
interface ICourt {
    /// @notice How a claim stands, and since when it is void.
    /// @param claim keccak256(abi.encode(region, batch number, leaf index)).
    /// @param executor The owner of the stake behind it.
    /// @param postedAt L1 time at which its window began; it ends at postedAt + window, inclusive.
    /// @return standing Clear, held or void.
    /// @return voidedAt L1 time since which it is void, else 0.
    function standingOf(bytes32 claim, address executor, uint64 postedAt)
        external
        view
        returns (Standing standing, uint64 voidedAt);

    /// @notice Whether a game against this executor is not over: committed, open, or won and not settled.
    function hasOpenGames(address executor) external view returns (bool);
}
