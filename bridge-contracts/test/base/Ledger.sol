// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batches} from "../../src/Batches.sol";
import {Bonds} from "../../src/Bonds.sol";
import {IBonds, Role} from "../../src/interfaces/IBonds.sol";
import {ICourt, Standing} from "../../src/interfaces/ICourt.sol";
import {Parameters} from "../../src/types/Parameters.sol";
import {Test} from "./Test.sol";

/// @notice Answers as the court would, from a table that the test fills. It stands where the court is asked and slashes.
contract CourtTable is ICourt {
    mapping(bytes32 claim => Standing) public standings;
    mapping(address executor => bool) public hasOpenGames;

    receive() external payable {}

    function setStanding(bytes32 claim, Standing standing) external {
        standings[claim] = standing;
    }

    function setOpenGames(address executor, bool open) external {
        hasOpenGames[executor] = open;
    }

    function slash(IBonds bonds, Role role, address owner) external returns (uint256) {
        return bonds.slash(role, owner);
    }

    function standingOf(bytes32 claim, address, uint64) external view returns (Standing, uint64) {
        return (standings[claim], standings[claim] == Standing.Void ? uint64(block.timestamp) : 0);
    }
}

/// @title Bonds and batches before a court that the test speaks for
abstract contract Ledger is Test {
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant WINDOW = 1000;
    uint64 internal constant CLOCK = 300;
    uint64 internal constant NOTICE = 700;
    uint64 internal constant MARGIN = 200;
    uint64 internal constant AS_OF_AGE_MAX = 150;
    uint256 internal constant EXECUTOR_STAKE = 20 ether;
    uint256 internal constant SEQUENCER_STAKE = 50 ether;

    uint256 internal constant SEQUENCER_SECRET = 0x5e9;
    uint256 internal constant EXECUTOR_SECRET = 0xe8e;
    uint256 internal constant KEY_SECRET = 0x6e4;
    address internal constant TREASURY = address(0x7123a5);
    address internal constant STRANGER = address(0x57a46e);

    address internal sequencer = vm.addr(SEQUENCER_SECRET);
    address internal executor = vm.addr(EXECUTOR_SECRET);
    address internal key = vm.addr(KEY_SECRET);

    CourtTable internal court = new CourtTable();
    /// @dev Where the fault prover is asked for.
    CourtTable internal faults = new CourtTable();
    Bonds internal bonds;
    Batches internal batches;

    function setUp() public virtual {
        vm.warp(START);
        bonds = new Bonds(parameters(), court, address(faults));
        batches = new Batches(parameters(), bonds, court, address(faults));
    }

    function parameters() internal pure returns (Parameters memory) {
        return Parameters({
            window: WINDOW,
            clock: CLOCK,
            noticePeriod: NOTICE,
            withdrawalMargin: MARGIN,
            asOfAgeMax: AS_OF_AGE_MAX,
            executorStake: EXECUTOR_STAKE,
            sequencerStake: SEQUENCER_STAKE,
            challengeBond: 1 ether,
            burnShareBps: 6000,
            gasMarginBps: 2500,
            baseFeeMax: 100 gwei,
            fuelLimitMax: 1 << 36,
            outputLengthMax: 1 << 28,
            inputLengthMax: 1 << 32,
            sourceHorizon: 100,
            chainLengthMax: 3,
            treasury: TREASURY
        });
    }

    function register(Role role, address owner, uint256 stake) internal {
        vm.deal(owner, stake);
        vm.prank(owner);
        bonds.register{value: stake}(role);
    }

    /// @dev 65 bytes r || s || v.
    function sign(uint256 secret, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    function consent(uint256 secret, Role role, address owner) internal view returns (bytes memory) {
        bytes32 typeHash = keccak256("KeyConsent(uint8 role,address owner)");
        bytes32 structHash = keccak256(abi.encode(typeHash, role, owner));
        return sign(secret, keccak256(abi.encodePacked(hex"1901", bonds.domainSeparator(), structHash)));
    }

    function authorise(Role role, address owner, uint256 secret) internal {
        bytes memory signed = consent(secret, role, owner);
        vm.prank(owner);
        bonds.authorise(role, vm.addr(secret), signed);
    }
}
