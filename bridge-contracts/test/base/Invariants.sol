// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./Test.sol";

/// @notice Which functions of a contract forge may call between checks of the invariants.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// @title What an invariant test needs: which contracts forge drives
/// @dev forge asks these two functions by name. Contracts that are not named, and functions that are not, are not called.
abstract contract Invariants is Test {
    address[] private driven;
    FuzzSelector[] private drivenFunctions;

    function targetContracts() external view returns (address[] memory) {
        return driven;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return drivenFunctions;
    }

    function drive(address handler, bytes4[] memory selectors) internal {
        driven.push(handler);
        drivenFunctions.push(FuzzSelector(handler, selectors));
    }
}
