// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What the last call cost, by {Vm-lastCallGas}.
struct CallGas {
    uint64 gasLimit;
    uint64 gasTotalUsed;
    uint64 gasMemoryUsed;
    int64 gasRefunded;
    uint64 gasRemaining;
}

/// @notice The part of forge's cheatcode interface that these tests use.
interface Vm {
    function parseJson(string calldata json, string calldata key) external pure returns (bytes memory);
    function writeFile(string calldata path, string calldata data) external;
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonStringArray(string calldata json, string calldata key) external pure returns (string[] memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function expectRevert(bytes calldata revertData) external;
    function expectRevert(bytes4 selector) external;
    function expectPartialRevert(bytes4 selector) external;
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function assume(bool condition) external pure;
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    function deal(address account, uint256 balance) external;
    function lastCallGas() external view returns (CallGas memory);
    function etch(address target, bytes calldata code) external;
    function prank(address sender) external;
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 key) external pure returns (address);
    function expectEmit(bool topic1, bool topic2, bool topic3, bool data, address emitter) external;
    function envOr(string calldata name, bool fallbackValue) external view returns (bool);
    function toString(uint256 value) external pure returns (string memory);
}

/// @title What a forge test needs: the cheatcodes and a few assertions
/// @dev Stands in for forge-std, which is not published as a package.
abstract contract Test {
    error NotEqual(string what, bytes32 got, bytes32 wanted);
    error NotTrue(string what);

    event log_named_uint(string key, uint256 value);

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function assertEq(bytes32 got, bytes32 wanted, string memory what) internal pure {
        if (got != wanted) revert NotEqual(what, got, wanted);
    }

    function assertEq(uint256 got, uint256 wanted, string memory what) internal pure {
        if (got != wanted) revert NotEqual(what, bytes32(got), bytes32(wanted));
    }

    function assertEq(address got, address wanted, string memory what) internal pure {
        assertEq(uint160(got), uint160(wanted), what);
    }

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }
}
