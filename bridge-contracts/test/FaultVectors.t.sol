// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "../src/interfaces/IBatches.sol";
import {PostedTree} from "../src/libraries/faults/PostedTree.sol";
import {Evidence} from "../src/types/Evidence.sol";
import {Batch} from "../src/types/Objects.sol";
import {AccusedVectors} from "./base/AccusedVectors.sol";
import {Records} from "./twins/Records.sol";

/// @notice Well-formed and hostile batches of the vectors: at every place of each, what is proven is what the vector lists.
contract FaultVectorsTest is AccusedVectors {
    bytes32 private constant LENGTH = keccak256("F11 length");

    /// @dev Faults that the vector lists, and those that were proven of it.
    mapping(bytes32 batchHash => mapping(bytes32 fault => bool)) private listed;
    uint256 private proven;

    function test_wellFormed_noFault() external {
        uint256 i;
        for (; vectors.exists(element("cases", i)); i++) {
            Batch memory batch = headerAt(element("cases", i));
            bytes memory data = vectors.data(string.concat(element("cases", i), ".data"));
            uint256 before = STAGE.snapshotState();
            vm.warp(batch.asOf + 1);
            post(batch, data);
            Evidence memory shown = whole(batch, data);
            head(shown);
            areas(shown);
            gaps(shown, data);
            STAGE.revertToState(before);
        }
        assertTrue(i >= 5, "cases");
    }

    function test_hostile_asListed() external {
        uint256 refused;
        uint256 i;
        for (; vectors.exists(element("hostile", i)); i++) {
            uint256 before = STAGE.snapshotState();
            bool isPosted = hostile(element("hostile", i));
            STAGE.revertToState(before);
            // Counted here: the state in which it could have been was undone.
            if (!isPosted) refused++;
        }
        assertTrue(i >= 45, "hostile batches");
        assertEq(refused, 3, "headers that Batches refuses");
    }

    /// @dev Posts a hostile batch and tries every proof. False if it can't be posted.
    function hostile(string memory path) private returns (bool) {
        Batch memory batch = headerAt(path);
        bytes memory data = dataOf(path);
        string[] memory names = vectors.strings(string.concat(path, ".faults"));
        bytes32 key = keccak256(abi.encode(batch));
        bool isDirectorySound = true;
        for (uint256 i = 0; i < names.length; i++) {
            listed[key][keccak256(bytes(names[i]))] = true;
            if (bytes(names[i])[1] == "1" && bytes(names[i])[2] == "1") isDirectorySound = false;
        }
        vm.warp(batch.asOf + 1);
        if (isShort(batch)) {
            assertTrue(names.length == 1 && listed[key][LENGTH], "the header alone shows it");
            vm.expectPartialRevert(
                batch.count > 8192 ? IBatches.CountOutOfRange.selector : IBatches.DataTooShort.selector
            );
            vm.prank(sequencer);
            batches.post(batch, data);
            return false;
        }
        post(batch, data);
        Evidence memory shown = whole(batch, data);
        proven = 0;
        head(shown);
        // Behind a fault of the directory nothing is listed.
        if (isDirectorySound) {
            areas(shown);
            paddings(shown, names);
        }
        assertEq(proven, names.length, string.concat(path, " has other faults"));
        return true;
    }

    /// @dev The data of the case that a hostile batch is made from, with another length and other bytes at one place.
    function dataOf(string memory path) private view returns (bytes memory data) {
        uint256 from = number(path, ".case");
        data = vectors.data(string.concat(element("cases", from), ".data"));
        data = Records.cut(data, 0, number(path, ".length"));
        bytes memory other = vectors.data(string.concat(path, ".bytes"));
        uint256 start = number(path, ".at");
        for (uint256 i = 0; i < other.length; i++) {
            data[start + i] = other[i];
        }
    }

    function isShort(Batch memory batch) private pure returns (bool) {
        uint256 count = batch.count;
        uint256 nodes =
            count < 2 ? 0 : PostedTree.firstOf(count, PostedTree.depthOf(count)) - PostedTree.firstOf(count, 1);
        return batch.dataLength < 393 * count + 32 * nodes + 48 * uint256(batch.blobCount);
    }

    /// @dev Records, their tree, the directory.
    function head(Evidence memory shown) private {
        uint256 count = shown.batch.count;
        for (uint32 i = 0; i < (count + 1) / 2; i++) {
            compare(shown, 8, abi.encodeCall(prover.proveLeaves, (shown, i)), name("F8", i));
        }
        for (uint32 i = 0; i < count; i++) {
            compare(shown, 9, abi.encodeCall(prover.proveSequence, (shown, i)), name("F9", i));
            sources(shown, i);
        }
        for (uint32 level = 0; level <= PostedTree.depthOf(count); level++) {
            for (uint32 i = 0; i < PostedTree.paddedWidthOf(count, level); i++) {
                compare(shown, 15, abi.encodeCall(prover.proveLeafNode, (shown, level, i)), name(name("F15", level), i));
            }
        }
        // The first fault of the directory is listed alone: what follows from it is not judged.
        bool isSound = true;
        for (uint32 i = 0; i < shown.batch.blobCount && isSound; i++) {
            isSound = !compare(shown, 11, abi.encodeCall(prover.proveEntry, (shown, i)), name("F11", i));
        }
        if (isSound) compare(shown, 11, abi.encodeCall(prover.proveDataLength, (shown)), "F11 length");
    }

    /// @dev Sources that lead to another batch, or to a module of a program that the vectors do not spell out, need more than
    /// the batch: of those nothing is proven here, and nothing is listed.
    function sources(Evidence memory shown, uint32 leaf) private {
        (bool shows,) = attempt(abi.encodeCall(prover.proveInputSource, (shown, leaf, none())));
        note(shown, shows, string.concat(name("F10", leaf), " input"));
        (shows,) = attempt(abi.encodeCall(prover.proveWasmSource, (shown, leaf, none(), descriptor())));
        note(shown, shows, string.concat(name("F10", leaf), " wasm"));
    }

    /// @dev Pages and trees of all blobs.
    function areas(Evidence memory shown) private {
        for (uint32 entry = 0; entry < shown.batch.blobCount; entry++) {
            uint256 pages = pagesOf(shown, entry);
            for (uint32 i = 0; i < (pages == 0 ? 1 : pages); i++) {
                compare(shown, 12, abi.encodeCall(prover.provePage, (shown, entry, i)), name(name("F12", entry), i));
            }
            for (uint32 level = 0; level <= PostedTree.depthOf(pages); level++) {
                for (uint32 i = 0; i < PostedTree.paddedWidthOf(pages, level); i++) {
                    bytes memory call = abi.encodeCall(prover.proveBlobNode, (shown, entry, level, i));
                    compare(shown, 13, call, name(name(name("F13", entry), level), i));
                }
            }
        }
    }

    /// @dev Each listed byte, by the one entry that says that nothing lies there.
    function paddings(Evidence memory shown, string[] memory names) private {
        for (uint256 i = 0; i < names.length; i++) {
            if (bytes(names[i])[1] != "1" || bytes(names[i])[2] != "4") continue;
            uint32 offset = uint32(decimal(bytes(names[i]), 4));
            uint256 found;
            for (uint32 entry = 0; entry < shown.batch.blobCount; entry++) {
                if (isProven(14, abi.encodeCall(prover.provePadding, (shown, entry, offset)))) found++;
            }
            assertEq(found, 1, names[i]);
            proven++;
        }
    }

    /// @dev No byte of a well-formed batch is padding that is not zero, whatever entry is named with it.
    function gaps(Evidence memory shown, bytes memory data) private {
        for (uint32 entry = 0; entry < shown.batch.blobCount; entry++) {
            for (uint32 offset = 0; offset < data.length; offset += 257) {
                assertTrue(
                    !isProven(14, abi.encodeCall(prover.provePadding, (shown, entry, offset))), "padding is zero"
                );
            }
        }
    }

    function compare(Evidence memory shown, uint8 fault, bytes memory call, string memory named)
        private
        returns (bool shows)
    {
        shows = isProven(fault, call);
        note(shown, shows, named);
    }

    function note(Evidence memory shown, bool shows, string memory named) private {
        assertTrue(
            listed[keccak256(abi.encode(shown.batch))][keccak256(bytes(named))] == shows,
            string.concat(named, shows ? " is not listed" : " is not proven")
        );
        if (shows) proven++;
    }

    /// @dev Pages of a blob, by the bytes of its entry in a window of all data.
    function pagesOf(Evidence memory shown, uint32 entry) private pure returns (uint256) {
        uint256 count = shown.batch.count;
        uint256 nodes =
            count < 2 ? 0 : PostedTree.firstOf(count, PostedTree.depthOf(count)) - PostedTree.firstOf(count, 1);
        uint256 start = 393 * count + 32 * nodes + 48 * uint256(entry);
        bytes memory length = Records.cut(shown.windows[0].data, start + 32, 8);
        return (uint64(bytes8(length)) + 4095) / 4096;
    }

    function name(string memory before, uint256 place) private pure returns (string memory) {
        return string.concat(before, " ", vm.toString(place));
    }

    function decimal(bytes memory text, uint256 from) private pure returns (uint256 value) {
        for (uint256 i = from; i < text.length; i++) {
            value = 10 * value + uint8(text[i]) - 48;
        }
    }
}
