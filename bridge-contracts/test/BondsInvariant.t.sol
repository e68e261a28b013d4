// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bonds} from "../src/Bonds.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {Parameters} from "../src/types/Parameters.sol";
import {Invariants} from "./base/Invariants.sol";
import {CourtTable, Ledger} from "./base/Ledger.sol";
import {Test} from "./base/Test.sol";

/// @notice Does to the bonds what anybody can do, as a few owners in both roles, and keeps its own books.
contract BondsHandler is Test {
    uint256 private constant OWNERS = 4;

    /// @dev What the books say of an owner in a role. Times are 0 where nothing has happened yet.
    struct Entry {
        uint256 stake;
        uint64 registeredAt;
        uint64 exitedAt;
        uint64 endedAt;
    }

    Bonds private immutable BONDS;
    CourtTable private immutable COURT;
    CourtTable private immutable FAULTS;
    Parameters private parameters;

    mapping(uint8 role => mapping(address owner => Entry)) public books;
    address[] public owners;
    uint256 public owed;
    uint256 public calls;

    constructor(Bonds bonds, CourtTable court, CourtTable faults, Parameters memory parameters_) {
        (BONDS, COURT, FAULTS, parameters) = (bonds, court, faults, parameters_);
        for (uint160 i = 1; i <= OWNERS; i++) {
            owners.push(address(0xA000 + i));
        }
    }

    function register(uint8 owner_, bool sequencer, uint96 value) external {
        (address owner, Role role) = pick(owner_, sequencer);
        uint256 stake = (sequencer ? parameters.sequencerStake : parameters.executorStake) - 5 + value % 1 ether;
        vm.deal(owner, stake);
        vm.prank(owner);
        try BONDS.register{value: stake}(role) {
            Entry storage entry = books[uint8(role)][owner];
            assertTrue(entry.registeredAt == 0, "registers once");
            (entry.stake, entry.registeredAt) = (stake, uint64(block.timestamp));
        } catch {}
        calls++;
    }

    function deposit(uint8 owner_, bool sequencer, uint64 value) external {
        (address owner, Role role) = pick(owner_, sequencer);
        vm.deal(owner, value);
        vm.prank(owner);
        try BONDS.deposit{value: value}(role) {
            books[uint8(role)][owner].stake += value;
        } catch {}
        calls++;
    }

    function exit(uint8 owner_, bool sequencer) external {
        (address owner, Role role) = pick(owner_, sequencer);
        vm.prank(owner);
        try BONDS.exit(role) {
            Entry storage entry = books[uint8(role)][owner];
            entry.exitedAt = uint64(block.timestamp);
            entry.endedAt = uint64(block.timestamp) + parameters.noticePeriod;
        } catch {}
        calls++;
    }

    function withdrawStake(uint8 owner_, bool sequencer) external {
        (address owner, Role role) = pick(owner_, sequencer);
        uint256 before = owner.balance;
        vm.prank(owner);
        try BONDS.withdrawStake(role, payable(owner)) {
            Entry storage entry = books[uint8(role)][owner];
            uint256 wait = uint256(parameters.noticePeriod) + parameters.window + 2 * uint256(parameters.clock)
                + parameters.withdrawalMargin;
            assertTrue(entry.exitedAt != 0 && block.timestamp >= entry.exitedAt + wait, "not early");
            assertTrue(sequencer || !COURT.hasOpenGames(owner), "no game open");
            assertEq(owner.balance - before, entry.stake, "the stake, to the wei");
            entry.stake = 0;
        } catch {}
        calls++;
    }

    function slash(uint8 owner_, bool sequencer) external {
        (address owner, Role role) = pick(owner_, sequencer);
        Entry storage entry = books[uint8(role)][owner];
        uint256 pot = (sequencer ? FAULTS : COURT).slash(BONDS, role, owner);
        assertTrue(entry.stake == 0 ? pot == 0 : pot > 0, "slashes what is there");
        if (entry.stake != 0) {
            owed += entry.stake - pot;
            entry.stake = 0;
            if (entry.endedAt == 0 || entry.endedAt > block.timestamp) entry.endedAt = uint64(block.timestamp);
        }
        calls++;
    }

    function withdrawCredit() external {
        vm.prank(parameters.treasury);
        try BONDS.withdraw(payable(parameters.treasury)) {
            owed = 0;
        } catch {}
        calls++;
    }

    function setOpenGames(uint8 owner_, bool open) external {
        (address owner,) = pick(owner_, false);
        COURT.setOpenGames(owner, open);
        calls++;
    }

    function pass(uint16 time) external {
        vm.warp(block.timestamp + time % (2 * parameters.window));
        calls++;
    }

    function pick(uint8 owner, bool sequencer) private view returns (address, Role) {
        return (owners[owner % OWNERS], sequencer ? Role.Sequencer : Role.Executor);
    }

    function count() external pure returns (uint256) {
        return OWNERS;
    }
}

/// forge-config: default.invariant.fail-on-revert = true
/// forge-config: deep.invariant.fail-on-revert = true
contract BondsInvariantTest is Ledger, Invariants {
    BondsHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new BondsHandler(bonds, court, faults, parameters());
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = BondsHandler.register.selector;
        selectors[1] = BondsHandler.deposit.selector;
        selectors[2] = BondsHandler.exit.selector;
        selectors[3] = BondsHandler.withdrawStake.selector;
        selectors[4] = BondsHandler.slash.selector;
        selectors[5] = BondsHandler.withdrawCredit.selector;
        selectors[6] = BondsHandler.setOpenGames.selector;
        selectors[7] = BondsHandler.pass.selector;
        drive(address(handler), selectors);
    }

    /// @dev To the wei: nothing else pays in here.
    function invariant_solvent() external view {
        uint256 stakes;
        for (uint8 role = 0; role < 2; role++) {
            for (uint256 i = 0; i < handler.count(); i++) {
                (uint256 stake,,,) = handler.books(role, handler.owners(i));
                assertEq(bonds.stakeOf(Role(role), handler.owners(i)), stake, "stake in the books");
                stakes += stake;
            }
        }
        assertEq(bonds.creditOf(TREASURY), handler.owed(), "credit in the books");
        assertEq(address(bonds).balance, stakes + handler.owed(), "balance");
    }

    /// @dev Whether an owner was registered at a time is one interval, as the books have it.
    function invariant_registrationIsOneInterval() external view {
        for (uint8 role = 0; role < 2; role++) {
            for (uint256 i = 0; i < handler.count(); i++) {
                address owner = handler.owners(i);
                (, uint64 from,, uint64 until) = handler.books(role, owner);
                if (from == 0) {
                    assertTrue(!bonds.isRegistered(Role(role), owner, uint64(block.timestamp)), "never registered");
                    continue;
                }
                assertTrue(!bonds.isRegistered(Role(role), owner, from - 1), "before");
                if (until == 0) {
                    assertTrue(bonds.isRegistered(Role(role), owner, type(uint64).max - 1), "without end");
                } else {
                    assertTrue(bonds.isRegistered(Role(role), owner, from) == (until > from), "begin");
                    assertTrue(until == from || bonds.isRegistered(Role(role), owner, until - 1), "last second");
                    assertTrue(!bonds.isRegistered(Role(role), owner, until), "end");
                }
            }
        }
    }
}
