// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlobRef, Claim} from "../../src/types/Objects.sol";
import {Blake3Twin} from "./Blake3Twin.sol";

/// @title Records, leaves and trees as chapters 11 and 12 write them down
library Records {
    bytes32 private constant BLOB = keccak256("BlobRef(bytes32 root,uint64 length)");
    bytes32 private constant REQUEST = keccak256(
        "TaskRequest(address client,bytes32 region,bytes32 program,BlobRef input,uint64 fuelLimit,uint64 outputLengthMax,uint128 feeMax,uint64 deadline,uint64 nonce)BlobRef(bytes32 root,uint64 length)"
    );
    bytes32 private constant RESULT = keccak256(
        "TaskResult(bytes32 task,uint32 attempt,address executor,uint8 status,uint32 code,uint64 fuelUsed,BlobRef output)BlobRef(bytes32 root,uint64 length)"
    );

    function encode(Claim memory c) internal pure returns (bytes memory) {
        bytes memory request = abi.encodePacked(
            c.sequence,
            c.request.client,
            c.request.program,
            c.request.input.root,
            c.request.input.length,
            c.request.fuelLimit,
            c.request.outputLengthMax,
            c.request.feeMax,
            c.request.deadline,
            c.request.nonce,
            c.clientSignature
        );
        bytes memory result = abi.encodePacked(
            c.result.attempt,
            c.result.executor,
            c.result.status,
            c.result.code,
            c.result.fuelUsed,
            c.result.output.root,
            c.result.output.length,
            c.executorSignature
        );
        bytes memory sources = abi.encodePacked(
            uint8(c.input.kind),
            c.input.batch,
            c.input.index,
            uint8(c.wasm.kind),
            c.wasm.batch,
            c.wasm.index,
            c.predecessor.batch,
            c.predecessor.index
        );
        return abi.encodePacked(request, result, sources);
    }

    function taskOf(Claim memory c, bytes32 domain) internal pure returns (bytes32) {
        bytes32 blob = keccak256(abi.encode(BLOB, c.request.input.root, c.request.input.length));
        bytes memory head = abi.encode(REQUEST, c.request.client, c.request.region, c.request.program, blob);
        bytes memory rest = abi.encode(
            c.request.fuelLimit, c.request.outputLengthMax, c.request.feeMax, c.request.deadline, c.request.nonce
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(bytes.concat(head, rest))));
    }

    function resultHash(Claim memory c, bytes32 domain) internal pure returns (bytes32) {
        bytes32 blob = keccak256(abi.encode(BLOB, c.result.output.root, c.result.output.length));
        bytes32 structHash = keccak256(
            abi.encode(
                RESULT,
                c.result.task,
                c.result.attempt,
                c.result.executor,
                c.result.status,
                c.result.code,
                c.result.fuelUsed,
                blob
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function leafOf(Claim memory c, bytes32 domain) internal pure returns (bytes32) {
        bytes memory head = abi.encode(
            keccak256("assay.batch.leaf.v1"),
            c.sequence,
            c.result.attempt,
            taskOf(c, domain),
            keccak256(c.clientSignature),
            resultHash(c, domain),
            c.result.executor
        );
        bytes32 sources = keccak256(abi.encode(c.input, c.wasm, c.predecessor));
        return keccak256(bytes.concat(head, abi.encode(keccak256(c.executorSignature), sources)));
    }

    /// @dev Root over nodes padded with zeros to the next power of two, by pairs.
    function rootOf(bytes32[] memory nodes, bool tagged) internal pure returns (bytes32) {
        uint256 width = 1;
        while (width < nodes.length) width *= 2;
        bytes32[] memory level = new bytes32[](width);
        for (uint256 i = 0; i < nodes.length; i++) {
            level[i] = nodes[i];
        }
        for (; width > 1; width /= 2) {
            for (uint256 i = 0; i < width / 2; i++) {
                level[i] = node(level[2 * i], level[2 * i + 1], tagged);
            }
        }
        return level[0];
    }

    /// @dev Siblings of the nodes first to last, as chapter 12 orders them. Of one leaf, its path.
    function siblingsOf(bytes32[] memory nodes, uint256 first, uint256 last, bool tagged)
        internal
        pure
        returns (bytes32[] memory siblings)
    {
        uint256 width = 1;
        while (width < nodes.length) width *= 2;
        bytes32[] memory level = new bytes32[](width);
        for (uint256 i = 0; i < nodes.length; i++) {
            level[i] = nodes[i];
        }
        bytes32[] memory found = new bytes32[](64);
        uint256 count;
        for (; width > 1; width /= 2) {
            if (first % 2 == 1) found[count++] = level[first - 1];
            if (last % 2 == 0) found[count++] = level[last + 1];
            for (uint256 i = 0; i < width / 2; i++) {
                level[i] = node(level[2 * i], level[2 * i + 1], tagged);
            }
            (first, last) = (first / 2, last / 2);
        }
        siblings = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            siblings[i] = found[i];
        }
    }

    /// @dev The tree over leaves as the data of a batch holds it: levels between leaves and root, each of an even width.
    function treeOf(bytes32[] memory leaves) internal pure returns (bytes memory tree) {
        bytes32[] memory level = leaves;
        bytes32 zero = 0;
        while (level.length > 2) {
            bytes32[] memory above = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < above.length; i++) {
                above[i] = node(level[2 * i], 2 * i + 1 < level.length ? level[2 * i + 1] : zero, true);
            }
            zero = node(zero, zero, true);
            tree = abi.encodePacked(tree, above);
            if (above.length % 2 == 1) tree = abi.encodePacked(tree, zero);
            level = above;
        }
    }

    function node(bytes32 left, bytes32 right, bool tagged) private pure returns (bytes32) {
        return tagged
            ? keccak256(abi.encode(keccak256("assay.batch.node.v1"), left, right))
            : keccak256(abi.encodePacked(left, right));
    }

    /// @dev Hash of each page of data, the last one zero padded, each in memory of its own.
    function pageHashes(bytes memory data) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[]((data.length + 4095) / 4096);
        for (uint256 i = 0; i < hashes.length; i++) {
            hashes[i] = keccak256(cut(data, i * 4096, 4096));
        }
    }

    /// @dev A blob of at most one page.
    function blobOf(bytes memory data) internal pure returns (BlobRef memory) {
        bytes32[4] memory chunks;
        for (uint32 i = 0; i < 4; i++) {
            chunks[i] = Blake3Twin.chunkValue(cut(data, 1024 * i, 1024), i);
        }
        bytes32 left = Blake3Twin.parentValue(chunks[0], chunks[1], false);
        bytes32 right = Blake3Twin.parentValue(chunks[2], chunks[3], false);
        return BlobRef(Blake3Twin.parentValue(left, right, true), uint64(data.length));
    }

    /// @dev Bytes of data, zeros behind its end.
    function cut(bytes memory data, uint256 offset, uint256 length) internal pure returns (bytes memory piece) {
        piece = new bytes(length);
        if (offset >= data.length) return piece;
        uint256 present = length < data.length - offset ? length : data.length - offset;
        assembly ("memory-safe") {
            mcopy(add(piece, 0x20), add(add(data, 0x20), offset), present)
        }
    }
}
