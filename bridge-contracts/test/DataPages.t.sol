// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DataPages, DataWindow} from "../src/libraries/DataPages.sol";
import {Test} from "./base/Test.sol";
import {Records} from "./twins/Records.sol";

contract DataPagesHarness {
    function partRoot(bytes calldata part) external pure returns (bytes32) {
        return DataPages.partRoot(part);
    }

    function dataRoot(bytes32[] calldata partRoots, bytes calldata lastPart) external pure returns (bytes32) {
        return DataPages.dataRoot(partRoots, lastPart);
    }

    function read(DataWindow calldata window, bytes32 root, uint256 dataLength, uint256 offset, uint256 length)
        external
        pure
        returns (bytes memory)
    {
        DataPages.verify(window, root, dataLength);
        return DataPages.read(window, offset, length);
    }
}

contract DataPagesTest is Test {
    DataPagesHarness private harness = new DataPagesHarness();

    function test_vectors() external view {
        string memory json = vm.readFile("../specs/vectors/batch.json");
        for (uint256 i = 0;; i++) {
            string memory path = string.concat(".cases[", vm.toString(i), "]");
            if (!vm.keyExistsJson(json, path)) break;
            bytes memory data = vm.parseJsonBytes(json, string.concat(path, ".data"));
            bytes32 root = vm.parseJsonBytes32(json, string.concat(path, ".header.dataRoot"));
            assertEq(rootInParts(data), root, "data root");

            bytes32[] memory siblings = vm.parseJsonBytes32Array(json, string.concat(path, ".lastPageSiblings"));
            uint256 last = (data.length - 1) / 4096;
            uint256 start = last * 4096;
            bytes memory page = Records.cut(data, start, data.length - start);
            bytes memory got =
                harness.read(DataWindow(uint32(last), page, siblings), root, data.length, start, page.length);
            assertEq(keccak256(got), keccak256(page), "last page");
        }
    }

    function testFuzz_dataRoot_agreesWithTwin(uint32 length, bytes32 seed) external view {
        bytes memory data = dataOf(length % 150_000 + 1, seed);
        assertEq(rootInParts(data), Records.rootOf(Records.pageHashes(data), false), "root");
    }

    /// @dev A last part that is empty, one page long, full, and lengths about those.
    function test_dataRoot_boundaries() external view {
        uint256[12] memory lengths =
            [uint256(1), 4095, 4096, 4097, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 196_608, 262_145];
        for (uint256 i = 0; i < lengths.length; i++) {
            bytes memory data = dataOf(lengths[i], bytes32(i));
            bytes32 wanted = Records.rootOf(Records.pageHashes(data), false);
            assertEq(rootInParts(data), wanted, "root");
            if (lengths[i] % 65_536 != 0) continue;
            // The same data with all of it staged.
            assertEq(harness.dataRoot(partRootsOf(data, lengths[i] / 65_536), ""), wanted, "root without a last part");
        }
        assertEq(harness.dataRoot(new bytes32[](0), ""), 0, "no data");
    }

    function testFuzz_read_agreesWithTwin(uint16 length_, uint8 first, uint8 pages, uint16 place, uint16 length)
        external
        view
    {
        bytes memory data = dataOf(uint256(length_) + 1, "window");
        uint256 count = (data.length + 4095) / 4096;
        uint256 from = first % count;
        uint256 to = from + pages % (count - from);
        DataWindow memory window = windowOf(data, from, to);
        uint256 offset = from * 4096 + place % window.data.length;
        uint256 end = from * 4096 + window.data.length;
        uint256 take = length % (end - offset + 1);
        bytes memory got =
            harness.read(window, Records.rootOf(Records.pageHashes(data), false), data.length, offset, take);
        assertEq(keccak256(got), keccak256(Records.cut(data, offset, take)), "bytes");
    }

    function test_read_outside_reverts() external {
        bytes memory data = dataOf(20_000, "outside");
        bytes32 root = Records.rootOf(Records.pageHashes(data), false);
        DataWindow memory window = windowOf(data, 1, 2);
        uint256[2][6] memory asked = [
            [uint256(4095), 1],
            [uint256(4096), 8193],
            [uint256(12_288), 1],
            [uint256(12_289), 0],
            [uint256(4097), type(uint256).max],
            [type(uint256).max, 2]
        ];
        for (uint256 i = 0; i < asked.length; i++) {
            vm.expectRevert(
                abi.encodeWithSelector(DataPages.OutsideWindow.selector, 4096, 8192, asked[i][0], asked[i][1])
            );
            harness.read(window, root, data.length, asked[i][0], asked[i][1]);
        }
        assertEq(harness.read(window, root, data.length, 12_288, 0).length, 0, "nothing, at the end");
    }

    function test_verify_empty_reverts() external {
        vm.expectRevert(DataPages.WindowEmpty.selector);
        harness.read(DataWindow(0, "", new bytes32[](0)), 0, 1, 0, 0);
    }

    function test_verify_end_reverts() external {
        bytes memory data = dataOf(10_000, "end");
        bytes32 root = Records.rootOf(Records.pageHashes(data), false);
        DataWindow memory window = windowOf(data, 0, 2);
        uint256[4] memory lengths = [uint256(9999), 8193, 4095, 10_001];
        for (uint256 i = 0; i < lengths.length; i++) {
            window.data = Records.cut(data, 0, lengths[i]);
            vm.expectRevert(abi.encodeWithSelector(DataPages.WindowEnd.selector, 10_000, lengths[i]));
            harness.read(window, root, data.length, 0, 0);
        }
        // Padding is not data: nobody shows the whole last page.
        window = windowOf(data, 2, 2);
        window.data = Records.cut(data, 8192, 4096);
        vm.expectRevert(abi.encodeWithSelector(DataPages.WindowEnd.selector, 10_000, 12_288));
        harness.read(window, root, data.length, 8192, 0);
        window.firstPage = type(uint32).max;
        vm.expectPartialRevert(DataPages.WindowEnd.selector);
        harness.read(window, root, data.length, 8192, 0);
    }

    function test_verify_siblings_reverts() external {
        bytes memory data = dataOf(20_000, "siblings");
        bytes32 root = Records.rootOf(Records.pageHashes(data), false);
        DataWindow memory window = windowOf(data, 1, 2);
        bytes32[] memory right = window.siblings;
        assertEq(right.length, 3, "a left, a right, and one above");
        window.siblings = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(DataPages.WindowSiblings.selector, 3, 2));
        harness.read(window, root, data.length, 4096, 1);
        window.siblings = new bytes32[](4);
        vm.expectRevert(abi.encodeWithSelector(DataPages.WindowSiblings.selector, 3, 4));
        harness.read(window, root, data.length, 4096, 1);
        (right[0], right[1]) = (right[1], right[0]);
        window.siblings = right;
        vm.expectPartialRevert(DataPages.WindowNotInData.selector);
        harness.read(window, root, data.length, 4096, 1);
    }

    function testFuzz_verify_anyByteFlipped_reverts(uint16 place, uint8 flip) external {
        vm.assume(flip != 0);
        bytes memory data = dataOf(20_000, "flip");
        bytes32 root = Records.rootOf(Records.pageHashes(data), false);
        DataWindow memory window = windowOf(data, 2, 4);
        place = uint16(place % window.data.length);
        window.data[place] = bytes1(uint8(window.data[place]) ^ flip);
        vm.expectPartialRevert(DataPages.WindowNotInData.selector);
        harness.read(window, root, data.length, 8192, 1);
    }

    function windowOf(bytes memory data, uint256 first, uint256 last) private pure returns (DataWindow memory) {
        uint256 end = (last + 1) * 4096 < data.length ? (last + 1) * 4096 : data.length;
        bytes32[] memory siblings = Records.siblingsOf(Records.pageHashes(data), first, last, false);
        return DataWindow(uint32(first), Records.cut(data, first * 4096, end - first * 4096), siblings);
    }

    function rootInParts(bytes memory data) private view returns (bytes32) {
        uint256 whole = (data.length - 1) / 65_536;
        bytes memory last = Records.cut(data, whole * 65_536, data.length - whole * 65_536);
        return harness.dataRoot(partRootsOf(data, whole), last);
    }

    function partRootsOf(bytes memory data, uint256 parts) private view returns (bytes32[] memory roots) {
        roots = new bytes32[](parts);
        for (uint256 i = 0; i < parts; i++) {
            roots[i] = harness.partRoot(Records.cut(data, i * 65_536, 65_536));
        }
    }

    /// @dev Words that differ, not bytes one by one: the tests are to be quick.
    function dataOf(uint256 length, bytes32 seed) private pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 offset = 0; offset + 32 <= length; offset += 32) {
            bytes32 word = keccak256(abi.encode(seed, offset));
            assembly ("memory-safe") {
                mstore(add(add(data, 0x20), offset), word)
            }
        }
        if (length > 0) data[length - 1] = 0x01;
    }
}
