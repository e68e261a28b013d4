// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../src/interfaces/IBonds.sol";
import {Standing} from "../src/interfaces/ICourt.sol";
import {Evidence} from "../src/types/Evidence.sol";
import {Batch, Claim, Place, Source, SourceKind} from "../src/types/Objects.sol";
import {Accusing} from "./base/Accusing.sol";
import {Records} from "./twins/Records.sol";

/// @notice Two honest batches that lean on each other in every way there is, and whatever a prover says of them.
contract InnocenceTest is Accusing {
    /// @dev Evidence of all data of either batch, encoded.
    bytes[2] private shown;

    function setUp() public override {
        super.setUp();
        Claim[] memory claims = new Claim[](5);
        for (uint64 i = 0; i < 5; i++) {
            claims[i] = claimOf(i);
        }
        claims[3].request.input = claims[1].result.output;
        claims[3].input = Source(SourceKind.Output, 0, 1);
        claims[4].request.input = Records.blobOf(WASM);
        claims[4].input = Source(SourceKind.Here, 0, 0);
        sign(claims[3]);
        sign(claims[4]);
        (Batch memory batch, bytes memory data) = post(claims);
        shown[0] = abi.encode(whole(batch, data));

        // Leaf 0 falls, and is run again; one takes the output of leaf 2, one its input and WASM from the batch before.
        convictions.set(keccak256(abi.encode(region, uint64(0), uint32(0))), executor, POSTED, Standing.Void, POSTED);
        claims = new Claim[](3);
        (claims[0], claims[1], claims[2]) = (claimOf(0), claimOf(6), claimOf(9));
        claims[0].result.attempt = 1;
        claims[0].predecessor = Place(0, 0);
        claims[1].request.input = claimOf(2).result.output;
        claims[1].input = Source(SourceKind.Output, 0, 2);
        claims[2].request.input = Records.blobOf(WASM);
        claims[2].input = Source(SourceKind.Earlier, 0, 0);
        claims[2].wasm = Source(SourceKind.Earlier, 0, 0);
        for (uint256 i = 0; i < 3; i++) {
            sign(claims[i]);
        }
        (batch, data) = post(claims);
        shown[1] = abi.encode(whole(batch, data));
        // What happens from the second of the posting on says nothing about it.
        vm.prank(address(convictions));
        bonds.slash(Role.Executor, executor);
    }

    /// @dev Every proof, of either batch, at places in and just behind it.
    function testFuzz_prove_anything_reverts(uint8 which, bool isSecond, uint32 a, uint32 b, uint32 c) external {
        (a, b, c) = (a % 9, b % 9, c % 9);
        Evidence memory accused = evidence(isSecond ? 1 : 0);
        (bool proven,) = address(prover).call(callOf(which % 17, accused, evidence(0), [a, b, c]));
        assertTrue(!proven, "an innocent is convicted");
        (proven,) = address(prover).call(callOf(which % 17, accused, evidence(1), [a, b, c]));
        assertTrue(!proven, "an innocent is convicted");
    }

    /// @dev Every byte of the data, as padding of any blob.
    function testFuzz_provePadding_anywhere_reverts(bool isSecond, uint32 entry, uint32 offset) external {
        Evidence memory accused = evidence(isSecond ? 1 : 0);
        offset %= accused.batch.dataLength;
        expectNoFault(14);
        prover.provePadding(accused, entry % accused.batch.blobCount, offset);
    }

    function evidence(uint256 number) private view returns (Evidence memory) {
        return abi.decode(shown[number], (Evidence));
    }

    function callOf(uint256 which, Evidence memory accused, Evidence memory other, uint32[3] memory at_)
        private
        view
        returns (bytes memory)
    {
        uint32 a = at_[0];
        uint32 b = at_[1];
        if (which == 0) return abi.encodeCall(prover.proveClientSignature, (accused, a));
        if (which == 1) return abi.encodeCall(prover.proveExecutorSignature, (accused, a));
        if (which == 2) return abi.encodeCall(prover.proveBound, (accused, a));
        if (which == 3) return abi.encodeCall(prover.proveProgram, (accused, a));
        if (which == 4) return abi.encodeCall(prover.proveRepeated, (accused, a, other, b));
        if (which == 5) return abi.encodeCall(prover.provePredecessor, (accused, a, other));
        if (which == 6) return abi.encodeCall(prover.proveDeadline, (accused, a));
        if (which == 7) return abi.encodeCall(prover.proveLeaves, (accused, a));
        if (which == 8) return abi.encodeCall(prover.proveSequence, (accused, a));
        if (which == 9) return abi.encodeCall(prover.proveInputSource, (accused, a, other));
        if (which == 10) return abi.encodeCall(prover.proveWasmSource, (accused, a, other, descriptor()));
        if (which == 11) return abi.encodeCall(prover.proveEntry, (accused, a));
        if (which == 12) return abi.encodeCall(prover.proveDataLength, (accused));
        if (which == 13) return abi.encodeCall(prover.provePage, (accused, a, b));
        if (which == 14) return abi.encodeCall(prover.proveBlobNode, (accused, a, b, at_[2]));
        if (which == 15) return abi.encodeCall(prover.provePadding, (accused, a, b));
        return abi.encodeCall(prover.proveLeafNode, (accused, a, b));
    }
}
