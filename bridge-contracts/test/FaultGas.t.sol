// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DataWindow} from "../src/libraries/DataPages.sol";
import {PostedTree} from "../src/libraries/faults/PostedTree.sol";
import {Evidence} from "../src/types/Evidence.sol";
import {Batch, BlobRef, Claim, Descriptor, Place, Source, SourceKind} from "../src/types/Objects.sol";
import {Accusing} from "./base/Accusing.sol";
import {Records} from "./twins/Records.sol";

/// @notice Cheatcodes that undo a proof.
interface Snapshots {
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool);
}

/// @notice Measures what it takes to prove each fault and holds gas/faults.md equal to it. `GAS_WRITE=true forge test
/// --match-contract FaultGas` writes the file.
/// @dev Two batches of bytes without meaning, so that almost all that can be wrong is; where a fault needs more, the last
/// records say it.
/// forge-config: default.isolate = true
contract FaultGasTest is Accusing {
    string private constant TABLE = "gas/faults.md";
    uint256 private constant TRANSACTION = 21_000;
    uint256 private constant PROOF_MAX = 1_000_000;
    uint32 private constant COUNT = 800;
    uint64 private constant PAGES = 256;

    string private table;
    /// @dev Of the earlier batch and of the accused one.
    bytes[2] private data;
    Batch[2] private headers;

    function test_table() external {
        build(0);
        build(1);
        table = string.concat(
            "# Gas of proving a fault\n\n",
            "Written by `GAS_WRITE=true forge test --match-contract FaultGas`; the test without it holds it equal. The accused batch\n",
            "has 800 records and a blob of 1 MiB, 1.4 MB of data; a proof opens no more pages than hold what it reads. *Execution*\n",
            "is that of the contracts, conviction included; *total* adds what the transaction and its calldata cost, floor of\n",
            "EIP-7623 included.\n\n",
            "| fault | what | calldata, bytes | execution | total |\n",
            "| --- | --- | ---: | ---: | ---: |\n"
        );
        ofRecords();
        ofTwoBatches();
        ofTrees();
        ofAreas();
        if (vm.envOr("GAS_WRITE", false)) vm.writeFile(TABLE, table);
        assertEq(keccak256(bytes(vm.readFile(TABLE))), keccak256(bytes(table)), "gas/faults.md is stale");
    }

    function ofRecords() private {
        Evidence memory shown = open(1, recordAt(0), 393);
        measure("F1 | client signature", abi.encodeCall(prover.proveClientSignature, (shown, 0)));
        // The executor is registered: what is wrong is the signature.
        Evidence memory last = open(1, recordAt(799), 393);
        measure("F2 | executor signature", abi.encodeCall(prover.proveExecutorSignature, (last, 799)));
        measure("F3 | bound", abi.encodeCall(prover.proveBound, (shown, 0)));
        measure("F4 | program", abi.encodeCall(prover.proveProgram, (shown, 0)));
        measure("F7 | deadline", abi.encodeCall(prover.proveDeadline, (shown, 0)));
        measure("F9 | sequence", abi.encodeCall(prover.proveSequence, (last, 799)));
    }

    function ofTwoBatches() private {
        Evidence memory shown = open(1, recordAt(798), 393);
        measure("F5 | repeated", abi.encodeCall(prover.proveRepeated, (shown, 798, open(0, recordAt(798), 393), 798)));
        shown = open(1, recordAt(799), 393);
        Evidence memory before = open(0, recordAt(799), 393);
        measure("F6 | predecessor", abi.encodeCall(prover.provePredecessor, (shown, 799, before)));
        Evidence memory named = open(0, entryAt(), 48);
        measure("F10 | source of the input", abi.encodeCall(prover.proveInputSource, (shown, 799, named)));
        bytes memory call = abi.encodeCall(prover.proveWasmSource, (shown, 799, named, descriptor()));
        measure("F10 | source of the WASM", call);
    }

    function ofTrees() private {
        Evidence memory shown = open(1, recordAt(0), 2 * 393);
        add(shown, nodeAt(1, 0), 32);
        measure("F8 | leaves", abi.encodeCall(prover.proveLeaves, (shown, 0)));
        shown = open(1, nodeAt(1, 0), 64);
        add(shown, nodeAt(2, 0), 32);
        measure("F15 | leaf node", abi.encodeCall(prover.proveLeafNode, (shown, 2, 0)));
        shown = open(1, nodeAt(9, 0), 64);
        measure("F15 | leaf root", abi.encodeCall(prover.proveLeafNode, (shown, 10, 0)));
    }

    function ofAreas() private {
        Evidence memory shown = open(1, entryAt(), 48);
        measure("F11 | entry", abi.encodeCall(prover.proveEntry, (shown, 0)));
        measure("F11 | data length", abi.encodeCall(prover.proveDataLength, (shown)));
        uint256 pages = 4096 * areaPage();
        add(shown, pages, 4096);
        add(shown, pages + 4096 * PAGES, 32);
        measure("F12 | page", abi.encodeCall(prover.provePage, (shown, 0, 0)));
        shown = open(1, entryAt(), 48);
        add(shown, pages + 4096 * PAGES, 64);
        add(shown, pages + 4096 * PAGES + 32 * PAGES, 32);
        measure("F13 | blob node", abi.encodeCall(prover.proveBlobNode, (shown, 0, 1, 0)));
        shown = open(1, entryAt(), 64);
        measure("F14 | padding", abi.encodeCall(prover.provePadding, (shown, 0, uint32(entryAt() + 48))));
    }

    /// @dev Proves, notes what it cost, and undoes it.
    function measure(string memory name, bytes memory call) private {
        Snapshots snapshots = Snapshots(address(vm));
        uint256 before = snapshots.snapshotState();
        (bool ok,) = address(prover).call(call);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        assertTrue(ok, name);
        snapshots.revertToState(before);
        uint256 zeros;
        for (uint256 i = 0; i < call.length; i++) {
            if (call[i] == 0) zeros++;
        }
        uint256 tokens = zeros + 4 * (call.length - zeros);
        uint256 least = TRANSACTION + 10 * tokens;
        string memory left = string.concat("| ", name, " | ", vm.toString(call.length), " | ");
        uint256 execution = used - TRANSACTION - 4 * tokens;
        uint256 total = used > least ? used : least;
        assertTrue(total <= PROOF_MAX, name);
        table = string.concat(table, left, vm.toString(execution), " | ", vm.toString(total), " |\n");
    }

    /// @dev Posts a batch of meaningless bytes but for its last two records, in parts.
    function build(uint256 which) private {
        uint256 start = 4096 * areaPage();
        bytes memory bytes_ = noise(start + 4096 * PAGES + 32 * (2 * PAGES - 2));
        // The directory's one entry: an area that begins too late would leave nothing to be read of it, so only its
        // encoding is wrong; and the data is longer than it needs.
        put(bytes_, entryAt() + 32, abi.encodePacked(4096 * PAGES - 1, uint32(7), uint32(areaPage())));
        bytes_ = bytes.concat(bytes_, hex"00");
        put(bytes_, recordAt(798), Records.encode(claimOf(798)));
        put(bytes_, recordAt(799), Records.encode(lastOf(uint32(which))));
        Batch memory header = headerOf(bytes_);
        (header.count, header.blobCount, header.minDeadline) = (COUNT, 1, type(uint64).max);
        post(header, bytes_);
        (headers[which], data[which]) = (header, bytes_);
    }

    /// @dev An attempt that names the same leaf of the batch before, from where it takes its input too; its sequence number
    /// is not above that of the record before it.
    function lastOf(uint32 attempt) private view returns (Claim memory claim) {
        claim = claimOf(797);
        claim.result.attempt = attempt;
        claim.predecessor = attempt == 0 ? Place(0, 0) : Place(0, 799);
        claim.input = Source(SourceKind.Earlier, 0, 0);
        claim.wasm = Source(SourceKind.Earlier, 0, 0);
        sign(claim, CLIENT_SECRET, KEY_SECRET);
    }

    function noise(uint256 length) private pure returns (bytes memory filled) {
        filled = new bytes(length);
        assembly ("memory-safe") {
            let end := add(add(filled, 0x20), length)
            for { let to := add(filled, 0x20) } lt(add(to, 0x1f), end) { to := add(to, 0x20) } {
                mstore(0x00, sub(end, to))
                mstore(to, keccak256(0x00, 0x20))
            }
        }
    }

    function put(bytes memory into, uint256 offset, bytes memory piece) private pure {
        for (uint256 i = 0; i < piece.length; i++) {
            into[offset + i] = piece[i];
        }
    }

    function open(uint256 which, uint256 offset, uint256 length) private view returns (Evidence memory shown) {
        shown.batch = headers[which];
        shown.windows = new DataWindow[](1);
        shown.windows[0] = windowOf(data[which], offset, length);
    }

    function add(Evidence memory shown, uint256 offset, uint256 length) private view {
        DataWindow[] memory before = shown.windows;
        shown.windows = new DataWindow[](before.length + 1);
        for (uint256 i = 0; i < before.length; i++) {
            shown.windows[i] = before[i];
        }
        shown.windows[before.length] = windowOf(data[1], offset, length);
    }

    function recordAt(uint256 index) private pure returns (uint256) {
        return 393 * index;
    }

    function nodeAt(uint256 level, uint256 index) private pure returns (uint256) {
        return 393 * COUNT + 32 * (PostedTree.firstOf(COUNT, level) - PostedTree.firstOf(COUNT, 1) + index);
    }

    function entryAt() private pure returns (uint256) {
        return nodeAt(PostedTree.depthOf(COUNT), 0);
    }

    function areaPage() private pure returns (uint256) {
        return (entryAt() + 48 + 4095) / 4096;
    }
}
