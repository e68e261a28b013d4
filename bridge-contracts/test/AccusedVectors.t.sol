// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../src/interfaces/IBonds.sol";
import {Evidence} from "../src/types/Evidence.sol";
import {Batch} from "../src/types/Objects.sol";
import {AccusedVectors} from "./base/AccusedVectors.sol";

/// @notice Batches of the vectors that are accused of what their records claim, before bonds and programs that answer as the
/// vectors' table of facts does.
contract AccusedVectorsTest is AccusedVectors {
    /// @dev What leans on an earlier batch or on a descriptor, of which the vectors say what it holds, and not its bytes.
    /// ClaimFaults.t.sol has each of these.
    uint256 private constant ELSEWHERE = 12;

    function test_accused_asListed() external {
        uint256 elsewhere;
        uint256 i;
        for (; vectors.exists(element("accused", i)); i++) {
            uint256 before = STAGE.snapshotState();
            bool isHere = accuseCase(element("accused", i));
            STAGE.revertToState(before);
            if (!isHere) elsewhere++;
        }
        assertTrue(i >= 45, "accused batches");
        assertEq(elsewhere, ELSEWHERE, "faults that take more than the batch");
    }

    /// @dev False if what is listed takes the bytes of an earlier batch.
    function accuseCase(string memory path) private returns (bool) {
        Batch memory batch = headerAt(path);
        bytes memory data = vectors.data(string.concat(path, ".data"));
        string[] memory names = vectors.strings(string.concat(path, ".faults"));
        know(batch.asOf);
        vm.warp(number(path, ".postedAt"));
        post(batch, data);
        Evidence memory shown = whole(batch, data);
        bytes32 listed = names.length == 0 ? bytes32(0) : keccak256(bytes(names[0]));
        assertTrue(names.length < 2, "one fault at most");

        uint256 found;
        for (uint32 leaf = 0; leaf < batch.count; leaf++) {
            found += alone(shown, leaf, listed);
            found += together(shown, leaf, listed);
        }
        return found == names.length;
    }

    /// @dev Faults that the record and L1 show.
    function alone(Evidence memory shown, uint32 leaf, bytes32 listed) private returns (uint256 found) {
        bytes[5] memory calls = [
            abi.encodeCall(prover.proveClientSignature, (shown, leaf)),
            abi.encodeCall(prover.proveExecutorSignature, (shown, leaf)),
            abi.encodeCall(prover.proveBound, (shown, leaf)),
            abi.encodeCall(prover.proveProgram, (shown, leaf)),
            abi.encodeCall(prover.proveDeadline, (shown, leaf))
        ];
        uint8[5] memory faults_ = [1, 2, 3, 4, 7];
        for (uint256 i = 0; i < calls.length; i++) {
            bool shows = isProven(faults_[i], calls[i]);
            string memory named = string.concat("F", vm.toString(faults_[i]), " ", vm.toString(leaf));
            assertTrue(shows == (keccak256(bytes(named)) == listed), named);
            if (shows) found++;
        }
    }

    /// @dev Faults of a record with others, as far as they are in this batch.
    function together(Evidence memory shown, uint32 leaf, bytes32 listed) private returns (uint256 found) {
        string memory place = vm.toString(leaf);
        for (uint32 earlier = 0; earlier < leaf; earlier++) {
            bool repeats = isProven(5, abi.encodeCall(prover.proveRepeated, (shown, leaf, shown, earlier)));
            if (repeats) found += expect(string.concat("F5 ", place), listed);
        }
        (bool shows,) = attempt(abi.encodeCall(prover.provePredecessor, (shown, leaf, none())));
        if (shows) found += expect(string.concat("F6 ", place), listed);
        (shows,) = attempt(abi.encodeCall(prover.proveInputSource, (shown, leaf, none())));
        if (shows) found += expect(string.concat("F10 ", place, " input"), listed);
        (shows,) = attempt(abi.encodeCall(prover.proveWasmSource, (shown, leaf, none(), descriptor())));
        if (shows) found += expect(string.concat("F10 ", place, " wasm"), listed);
    }

    function expect(string memory named, bytes32 listed) private pure returns (uint256) {
        assertEq(keccak256(bytes(named)), listed, named);
        return 1;
    }

    /// @dev Lets bonds and programs answer about `asOf` what the vectors say.
    function know(uint64 asOf) private {
        for (uint256 i = 0; vectors.exists(element("facts.executors", i)); i++) {
            string memory path = element("facts.executors", i);
            address owner = vectors.account(string.concat(path, ".owner"));
            bool isNow = holds(path, asOf);
            STAGE.mockCall(
                address(bonds), abi.encodeCall(bonds.isRegistered, (Role.Executor, owner, asOf)), abi.encode(isNow)
            );
            // An owner is its own key from its registration on.
            bool since = number(path, ".from") <= asOf;
            STAGE.mockCall(
                address(bonds), abi.encodeCall(bonds.isKey, (Role.Executor, owner, owner, asOf)), abi.encode(since)
            );
        }
        for (uint256 i = 0; vectors.exists(element("facts.keys", i)); i++) {
            string memory path = element("facts.keys", i);
            address owner = vectors.account(string.concat(path, ".owner"));
            address by = vectors.account(string.concat(path, ".key"));
            STAGE.mockCall(
                address(bonds),
                abi.encodeCall(bonds.isKey, (Role.Executor, owner, by, asOf)),
                abi.encode(holds(path, asOf))
            );
        }
        for (uint256 i = 0; vectors.exists(element("facts.programs", i)); i++) {
            string memory path = element("facts.programs", i);
            bytes32 id = vectors.word(string.concat(path, ".id"));
            STAGE.mockCall(
                address(programs),
                abi.encodeCall(programs.registeredAt, (id)),
                abi.encode(number(path, ".registeredAt"))
            );
        }
    }

    function holds(string memory path, uint64 time) private view returns (bool) {
        return number(path, ".from") <= time && time < number(path, ".until");
    }
}
