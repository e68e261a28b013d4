// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Blake3} from "../src/libraries/Blake3.sol";
import {Test} from "./base/Test.sol";
import {Blake3Twin} from "./twins/Blake3Twin.sol";

/// @dev The library needs calldata and untouched memory, that is, an external call of its own.
contract Blake3Harness {
    /// @dev `gasUsed` is that of the library's function alone.
    function chunkValues(bytes calldata oldChunk, bytes calldata newChunk, uint256 counter)
        external
        view
        returns (bytes32 oldValue, bytes32 newValue, uint256 gasUsed)
    {
        Blake3.reserve();
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := mload(0x40)
            mstore(0x40, add(pointer, 2048))
            calldatacopy(pointer, oldChunk.offset, 1024)
            calldatacopy(add(pointer, 1024), newChunk.offset, 1024)
        }
        gasUsed = gasleft();
        (oldValue, newValue) = Blake3.chunkValues(pointer, pointer + 1024, counter);
        gasUsed -= gasleft();
    }

    function chunkValue(bytes calldata chunk, uint256 counter) external view returns (bytes32 value, uint256 gasUsed) {
        Blake3.reserve();
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := mload(0x40)
            mstore(0x40, add(pointer, 1024))
            calldatacopy(pointer, chunk.offset, 1024)
        }
        gasUsed = gasleft();
        value = Blake3.chunkValue(pointer, counter);
        gasUsed -= gasleft();
    }

    function pageHash(bytes32 value, uint256 position, bytes32 chunkSibling, bytes32 pairSibling)
        external
        pure
        returns (bytes32)
    {
        Blake3.reserve();
        return Blake3.pageHash(value, position, chunkSibling, pairSibling);
    }
}

contract Blake3Test is Test {
    Blake3Harness private harness = new Blake3Harness();

    function test_chunkAndPage_vectors() external view {
        string memory json = vm.readFile("../specs/vectors/blake3_chunks.json");
        uint256 pages;
        for (; vm.keyExistsJson(json, string.concat(".pages[", vm.toString(pages), "]")); pages++) {
            string memory path = string.concat(".pages[", vm.toString(pages), "]");
            bytes memory page = vm.parseJsonBytes(json, string.concat(path, ".page"));
            bytes32[] memory values = vm.parseJsonBytes32Array(json, string.concat(path, ".chunks"));
            bytes32 digest = vm.parseJsonBytes32(json, string.concat(path, ".digest"));
            for (uint256 i = 0; i < 4; i++) {
                bytes memory chunk = slice(page, 1024 * i, 1024);
                (bytes32 value,) = harness.chunkValue(chunk, i);
                assertEq(value, values[i], "chunk");
                assertEq(Blake3Twin.chunkValue(chunk, uint32(i)), values[i], "twin's chunk");
                uint256 otherPair = i ^ 2;
                bytes32 pair = Blake3Twin.parentValue(values[otherPair & 2], values[otherPair | 1], false);
                assertEq(harness.pageHash(value, i, values[i ^ 1], pair), digest, "digest");
            }
        }
        assertTrue(pages >= 4, "vectors found");
    }

    /// @dev Assembly against plain loops, old and new chunk differing in one byte anywhere, or nowhere.
    function testFuzz_chunkValues_agreeWithTwin(bytes32 seed, uint256 position, bytes1 difference, uint256 counter)
        external
        view
    {
        counter %= 4;
        bytes memory oldChunk = new bytes(1024);
        for (uint256 i = 0; i < 1024; i += 32) {
            bytes32 word = keccak256(abi.encode(seed, i));
            assembly ("memory-safe") {
                mstore(add(add(oldChunk, 32), i), word)
            }
        }
        bytes memory newChunk = slice(oldChunk, 0, 1024);
        newChunk[position % 1024] ^= difference;

        (bytes32 oldValue, bytes32 newValue,) = harness.chunkValues(oldChunk, newChunk, counter);
        assertEq(oldValue, Blake3Twin.chunkValue(oldChunk, uint32(counter)), "old");
        assertEq(newValue, Blake3Twin.chunkValue(newChunk, uint32(counter)), "new");
    }

    /// @dev All bits set is where carries go furthest.
    function test_chunkValues_allOnes_agreesWithTwin() external view {
        bytes memory chunk = new bytes(1024);
        for (uint256 i = 0; i < 1024; i++) {
            chunk[i] = 0xff;
        }
        (bytes32 value,) = harness.chunkValue(chunk, 3);
        assertEq(value, Blake3Twin.chunkValue(chunk, 3), "value");
    }

    function testFuzz_pageHash_agreesWithTwin(
        bytes32 value,
        bytes32 chunkSibling,
        bytes32 pairSibling,
        uint256 position
    ) external view {
        position %= 4;
        bytes32 pair = position % 2 == 0
            ? Blake3Twin.parentValue(value, chunkSibling, false)
            : Blake3Twin.parentValue(chunkSibling, value, false);
        bytes32 page = position < 2
            ? Blake3Twin.parentValue(pair, pairSibling, true)
            : Blake3Twin.parentValue(pairSibling, pair, true);
        assertEq(harness.pageHash(value, position, chunkSibling, pairSibling), page, "page");
    }

    function test_chunkValues_gas_withinBounds() external {
        bytes memory oldChunk = new bytes(1024);
        for (uint256 i = 0; i < 1024; i++) {
            oldChunk[i] = bytes1(uint8(i % 251));
        }
        bytes memory newChunk = slice(oldChunk, 0, 1024);
        newChunk[0] ^= 0xff;
        (, uint256 one) = harness.chunkValue(oldChunk, 0);
        (,, uint256 two) = harness.chunkValues(oldChunk, newChunk, 0);
        emit log_named_uint("gas of one chunk", one);
        emit log_named_uint("gas of two chunks that differ from the first block on", two);
        assertTrue(one <= 85_000, "one chunk");
        assertTrue(two <= 170_000, "two chunks");
    }

    function test_reserve_memoryTaken_reverts() external {
        MemoryTaker taker = new MemoryTaker();
        // 0x80, where memory starts, and 32 + 2048 bytes of an array.
        vm.expectRevert(abi.encodeWithSelector(Blake3.WorkspaceTaken.selector, uint256(0x80 + 2080)));
        taker.reserveLate();
    }

    function slice(bytes memory data, uint256 offset, uint256 length) private pure returns (bytes memory result) {
        result = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            result[i] = data[offset + i];
        }
    }
}

contract MemoryTaker {
    function reserveLate() external pure returns (uint256 length) {
        bytes memory first = new bytes(2048);
        length = first.length;
        Blake3.reserve();
    }
}
