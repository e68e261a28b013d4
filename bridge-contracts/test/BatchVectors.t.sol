// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batches} from "../src/Batches.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {Batch, LeafProof} from "../src/types/Objects.sol";
import {Ledger} from "./base/Ledger.sol";
import {Records} from "./twins/Records.sol";

/// @notice The batches of the vectors, posted one after the other in their region, at their chain and address.
contract BatchVectorsTest is Ledger {
    string private json;
    bytes32 private parent;

    function test_post_vectors() external {
        json = vm.readFile("../specs/vectors/batch.json");
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        address owner = vm.parseJsonAddress(json, ".sequencer");
        register(Role.Sequencer, owner, SEQUENCER_STAKE);
        address place = vm.parseJsonAddress(json, ".batches");
        vm.etch(place, address(batches).code);
        batches = Batches(place);
        bytes32 name = vm.parseJsonBytes32(json, ".regionName");
        vm.prank(owner);
        assertEq(batches.openRegion(name), vm.parseJsonBytes32(json, ".region"), "region");
        for (uint64 i = 0; vm.keyExistsJson(json, field(i, "")); i++) {
            check(i, owner);
        }
    }

    function check(uint64 i, address owner) private {
        Batch memory batch = headerOf(i);
        vm.warp(batch.asOf + 1);
        // As the vector has it, then at the place where the test posts it.
        assertEq(
            keccak256(abi.encode(BATCH_TYPE, batch)), vm.parseJsonBytes32(json, field(i, ".batchHash")), "batch hash"
        );
        (batch.number, batch.parent) = (i, parent);
        bytes memory data = vm.parseJsonBytes(json, field(i, ".data"));
        uint256 whole = (data.length - 1) / 65_536;
        for (uint32 part = 0; part < whole; part++) {
            vm.prank(owner);
            batches.stage(batch.region, i, part, Records.cut(data, part * 65_536, 65_536));
        }
        vm.prank(owner);
        batches.post(batch, Records.cut(data, whole * 65_536, data.length - whole * 65_536));
        (parent,,) = batches.batchOf(batch.region, i);

        bytes[] memory records = vm.parseJsonBytesArray(json, field(i, ".records"));
        bytes32[] memory leaves = vm.parseJsonBytes32Array(json, field(i, ".leaves"));
        bytes32[] memory siblings = vm.parseJsonBytes32Array(json, field(i, ".lastLeafSiblings"));
        uint32 last = uint32(records.length - 1);
        (bytes32 leaf,,) = batches.checkLeaf(LeafProof(batch, last, records[last], siblings));
        assertEq(leaf, leaves[last], "leaf");
    }

    bytes32 private constant BATCH_TYPE = keccak256(
        "Batch(bytes32 region,uint64 number,bytes32 parent,uint64 firstSequence,bytes32 leafRoot,uint32 count,bytes32 dataRoot,uint32 dataLength,uint32 blobCount,uint64 asOf,uint64 minDeadline)"
    );

    function headerOf(uint64 i) private view returns (Batch memory batch) {
        batch.region = vm.parseJsonBytes32(json, field(i, ".header.region"));
        batch.number = uint64(number(i, "number"));
        batch.parent = vm.parseJsonBytes32(json, field(i, ".header.parent"));
        batch.firstSequence = uint64(number(i, "firstSequence"));
        batch.leafRoot = vm.parseJsonBytes32(json, field(i, ".header.leafRoot"));
        batch.count = uint32(number(i, "count"));
        batch.dataRoot = vm.parseJsonBytes32(json, field(i, ".header.dataRoot"));
        batch.dataLength = uint32(number(i, "dataLength"));
        batch.blobCount = uint32(number(i, "blobCount"));
        batch.asOf = uint64(number(i, "asOf"));
        batch.minDeadline = uint64(number(i, "minDeadline"));
    }

    function number(uint64 i, string memory name) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(field(i, ".header."), name));
    }

    function field(uint64 i, string memory name) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]", name);
    }
}
