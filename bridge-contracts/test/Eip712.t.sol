// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batches} from "../src/Batches.sol";
import {Bonds} from "../src/Bonds.sol";
import {Role} from "../src/interfaces/IBonds.sol";
import {Eip712} from "../src/libraries/Eip712.sol";
import {Batch, BlobRef, SoftReceipt, TaskRequest, TaskResult} from "../src/types/Objects.sol";
import {Ledger} from "./base/Ledger.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice Against vectors that an independent implementation of EIP-712 has computed and signed.
contract Eip712Test is Ledger {
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("../specs/vectors/eip712.json");
    }

    function test_types() external view {
        bytes32[5] memory types_ =
            [Eip712.TASK_REQUEST, Eip712.TASK_RESULT, Eip712.SOFT_RECEIPT, Eip712.BATCH, Eip712.KEY_CONSENT];
        for (uint256 i = 0; i < types_.length; i++) {
            assertEq(types_[i], word(string.concat(".types[", vm.toString(i), "].typeHash")), "type hash");
        }
    }

    function test_objects() external view {
        uint256 checked;
        for (;; checked++) {
            string memory path = string.concat(".objects[", vm.toString(checked), "]");
            if (!vm.keyExistsJson(json, path)) break;
            bytes32 structHash = hashOf(path);
            assertEq(structHash, word(string.concat(path, ".structHash")), "struct hash");
            bytes32 domain = domainOf(
                number(string.concat(path, ".chainId")),
                vm.parseJsonAddress(json, string.concat(path, ".verifyingContract"))
            );
            bytes32 digest = Eip712.digest(domain, structHash);
            assertEq(digest, word(string.concat(path, ".digest")), "digest");
            (address signer,,) = Eip712.signerOf(digest, vm.parseJsonBytes(json, string.concat(path, ".signature")));
            assertEq(signer, vm.parseJsonAddress(json, string.concat(path, ".signer")), "signer");
        }
        assertEq(checked, 30, "objects");
    }

    function test_refusedSignaturesHaveNoSigner() external view {
        uint256 checked;
        for (;; checked++) {
            string memory path = string.concat(".refused[", vm.toString(checked), "]");
            if (!vm.keyExistsJson(json, path)) break;
            bytes memory signature = vm.parseJsonBytes(json, string.concat(path, ".signature"));
            (address signer, ECDSA.RecoverError reason,) =
                Eip712.signerOf(word(string.concat(path, ".digest")), signature);
            assertEq(signer, address(0), path);
            ECDSA.RecoverError expected = ECDSA.RecoverError.InvalidSignature;
            if (signature.length != 65) expected = ECDSA.RecoverError.InvalidSignatureLength;
            else if (isHigh(signature)) expected = ECDSA.RecoverError.InvalidSignatureS;
            assertEq(uint8(reason), uint8(expected), path);
        }
        assertEq(checked, 16, "signatures");
    }

    function isHigh(bytes memory signature) private pure returns (bool) {
        uint256 s;
        assembly {
            s := mload(add(signature, 64))
        }
        return s > 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    }

    /// @dev The contracts' own separators, at the chain ids and addresses of the vectors.
    function test_domainsOfTheContracts() external {
        for (uint256 i = 0; i < 3; i++) {
            string memory path = string.concat(".domains[", vm.toString(i), "]");
            vm.chainId(number(string.concat(path, ".chainId")));
            address verifying = vm.parseJsonAddress(json, string.concat(path, ".verifyingContract"));
            bytes32 separator = word(string.concat(path, ".separator"));
            assertEq(domainOf(block.chainid, verifying), separator, "by hand");
            // No code can be put where a precompile is.
            if (uint160(verifying) < 0x100) continue;
            // What was built elsewhere, or on another chain, computes anew.
            assertEq(batchesAt(verifying).domainSeparator(), separator, "batches");
            vm.etch(verifying, address(bonds).code);
            assertEq(Bonds(verifying).domainSeparator(), separator, "bonds");
        }
    }

    function test_regionIds() external {
        for (uint256 i = 0;; i++) {
            string memory path = string.concat(".regions[", vm.toString(i), "]");
            if (!vm.keyExistsJson(json, path)) break;
            vm.chainId(number(string.concat(path, ".chainId")));
            address owner = vm.parseJsonAddress(json, string.concat(path, ".owner"));
            (uint64 from,) = bonds.registrationOf(Role.Sequencer, owner);
            if (from == 0) register(Role.Sequencer, owner, SEQUENCER_STAKE);
            Batches there = batchesAt(vm.parseJsonAddress(json, string.concat(path, ".batches")));
            bytes32 name = word(string.concat(path, ".name"));
            vm.prank(owner);
            assertEq(there.openRegion(name), word(string.concat(path, ".region")), "region");
        }
    }

    function batchesAt(address where) private returns (Batches) {
        vm.etch(where, address(batches).code);
        return Batches(where);
    }

    function hashOf(string memory path) private view returns (bytes32) {
        bytes32 name = keccak256(bytes(vm.parseJsonString(json, string.concat(path, ".type"))));
        path = string.concat(path, ".message.");
        if (name == keccak256("TaskRequest")) return hashOfRequest(path);
        if (name == keccak256("TaskResult")) return hashOfResult(path);
        if (name == keccak256("SoftReceipt")) {
            return Eip712.hash(
                SoftReceipt(
                    word(string.concat(path, "region")),
                    word(string.concat(path, "task")),
                    uint64(number(string.concat(path, "sequence"))),
                    uint64(number(string.concat(path, "timeMs"))),
                    uint64(number(string.concat(path, "includeBy")))
                )
            );
        }
        if (name == keccak256("KeyConsent")) {
            address owner = vm.parseJsonAddress(json, string.concat(path, "owner"));
            return Eip712.hashConsent(uint8(number(string.concat(path, "role"))), owner);
        }
        if (name == keccak256("ExecutorSession")) {
            // No contract reads it: hashed here by the rule of EIP-712 alone.
            bytes32 typeHash = keccak256("ExecutorSession(bytes32 region,address executor,bytes32 nonce)");
            address executor = vm.parseJsonAddress(json, string.concat(path, "executor"));
            bytes32 nonce = word(string.concat(path, "nonce"));
            return keccak256(abi.encode(typeHash, word(string.concat(path, "region")), executor, nonce));
        }
        assertEq(name, keccak256("Batch"), "type");
        return hashOfBatch(path);
    }

    function hashOfRequest(string memory path) private view returns (bytes32) {
        TaskRequest memory request;
        request.client = vm.parseJsonAddress(json, string.concat(path, "client"));
        request.region = word(string.concat(path, "region"));
        request.program = word(string.concat(path, "program"));
        request.input = blob(string.concat(path, "input"));
        request.fuelLimit = uint64(number(string.concat(path, "fuelLimit")));
        request.outputLengthMax = uint64(number(string.concat(path, "outputLengthMax")));
        request.feeMax = uint128(number(string.concat(path, "feeMax")));
        request.deadline = uint64(number(string.concat(path, "deadline")));
        request.nonce = uint64(number(string.concat(path, "nonce")));
        return Eip712.hash(request);
    }

    function hashOfResult(string memory path) private view returns (bytes32) {
        TaskResult memory result;
        result.task = word(string.concat(path, "task"));
        result.attempt = uint32(number(string.concat(path, "attempt")));
        result.executor = vm.parseJsonAddress(json, string.concat(path, "executor"));
        result.status = uint8(number(string.concat(path, "status")));
        result.code = uint32(number(string.concat(path, "code")));
        result.fuelUsed = uint64(number(string.concat(path, "fuelUsed")));
        result.output = blob(string.concat(path, "output"));
        return Eip712.hash(result);
    }

    function hashOfBatch(string memory path) private view returns (bytes32) {
        Batch memory batch;
        batch.region = word(string.concat(path, "region"));
        batch.number = uint64(number(string.concat(path, "number")));
        batch.parent = word(string.concat(path, "parent"));
        batch.firstSequence = uint64(number(string.concat(path, "firstSequence")));
        batch.leafRoot = word(string.concat(path, "leafRoot"));
        batch.count = uint32(number(string.concat(path, "count")));
        batch.dataRoot = word(string.concat(path, "dataRoot"));
        batch.dataLength = uint32(number(string.concat(path, "dataLength")));
        batch.blobCount = uint32(number(string.concat(path, "blobCount")));
        batch.asOf = uint64(number(string.concat(path, "asOf")));
        batch.minDeadline = uint64(number(string.concat(path, "minDeadline")));
        return Eip712.hash(batch);
    }

    function blob(string memory path) private view returns (BlobRef memory) {
        return BlobRef(word(string.concat(path, ".root")), uint64(number(string.concat(path, ".length"))));
    }

    function word(string memory path) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, path);
    }

    function number(string memory path) private view returns (uint256) {
        return vm.parseJsonUint(json, path);
    }

    function domainOf(uint256 chain, address verifying) private pure returns (bytes32) {
        bytes32 domain = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(domain, keccak256("Assay"), keccak256("1"), chain, verifying));
    }
}
