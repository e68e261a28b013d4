// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batches} from "../../src/Batches.sol";
import {Bonds} from "../../src/Bonds.sol";
import {Faults} from "../../src/Faults.sol";
import {Programs} from "../../src/Programs.sol";
import {Role} from "../../src/interfaces/IBonds.sol";
import {ICourt, Standing} from "../../src/interfaces/ICourt.sol";
import {IFaults} from "../../src/interfaces/IFaults.sol";
import {IStepVerifier} from "../../src/interfaces/IStepVerifier.sol";
import {DataWindow} from "../../src/libraries/DataPages.sol";
import {Evidence} from "../../src/types/Evidence.sol";
import {Batch, BlobRef, Claim, Descriptor, Place, Source, SourceKind} from "../../src/types/Objects.sol";
import {Parameters} from "../../src/types/Parameters.sol";
import {Records} from "../twins/Records.sol";
import {Ledger} from "./Ledger.sol";

/// @notice Cheatcodes by which contracts are told of each other before they are.
interface Addresses {
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function getNonce(address account) external view returns (uint64);
}

/// @notice Answers as the court would, from a table that the test fills.
contract Convictions is ICourt {
    struct Verdict {
        Standing standing;
        uint64 since;
    }

    mapping(bytes32 claim => mapping(address executor => mapping(uint64 postedAt => Verdict))) private verdicts;

    /// @dev Slashing sends pots here.
    receive() external payable {}

    function set(bytes32 claim, address executor, uint64 postedAt, Standing standing, uint64 since) external {
        verdicts[claim][executor][postedAt] = Verdict(standing, since);
    }

    function standingOf(bytes32 claim, address executor, uint64 postedAt) external view returns (Standing, uint64) {
        Verdict storage verdict = verdicts[claim][executor][postedAt];
        return (verdict.standing, verdict.since);
    }

    function hasOpenGames(address) external pure returns (bool) {
        return false;
    }
}

/// @title The fault prover among the contracts that it judges by, and batches with real signatures
abstract contract Accusing is Ledger {
    uint64 internal constant FAR = START + 1_000_000;
    uint64 internal constant REGISTERED = START + 10;
    uint64 internal constant AS_OF = START + 200;
    uint64 internal constant POSTED = START + 300;
    uint256 internal constant CLIENT_SECRET = 0xc11e;
    bytes internal constant WASM = "\x00asm\x01\x00\x00\x00";

    Convictions internal convictions = new Convictions();
    Programs internal programs;
    Faults internal prover;
    bytes32 internal region;
    bytes32 internal program;

    function setUp() public virtual override {
        vm.warp(START);
        deploy(parameters());
        register(Role.Sequencer, sequencer, SEQUENCER_STAKE);
        vm.warp(REGISTERED);
        register(Role.Executor, executor, EXECUTOR_STAKE);
        program = programs.register(descriptor());
        vm.prank(sequencer);
        region = batches.openRegion("eu-west");
        vm.warp(POSTED);
    }

    function deploy(Parameters memory numbers) internal {
        Addresses addresses = Addresses(address(vm));
        address place = addresses.computeCreateAddress(address(this), addresses.getNonce(address(this)) + 3);
        bonds = new Bonds(numbers, convictions, place);
        programs = new Programs(IStepVerifier(address(1)));
        batches = new Batches(numbers, bonds, convictions, place);
        prover = new Faults(numbers, bonds, programs, batches);
        assertEq(address(prover), place, "the prover is where the others look for it");
    }

    function descriptor() internal pure returns (Descriptor memory given) {
        given.version = 1;
        given.memoryPages = 1;
        given.memoryPagesMax = 2;
        given.wasm = Records.blobOf(WASM);
    }

    /// @dev A claim without fault, signed by both. Entry 0 of its batch is the WASM.
    function claimOf(uint64 sequence) internal view returns (Claim memory claim) {
        claim.sequence = sequence;
        claim.request.client = vm.addr(CLIENT_SECRET);
        claim.request.region = region;
        claim.request.program = program;
        claim.request.input = BlobRef(keccak256("input"), 5000);
        claim.request.fuelLimit = 1000;
        claim.request.outputLengthMax = 100;
        claim.request.deadline = FAR;
        claim.request.nonce = sequence;
        claim.result.executor = executor;
        claim.result.status = 1;
        claim.result.fuelUsed = 1000;
        claim.result.output = BlobRef(keccak256(abi.encode("output", sequence)), 100);
        claim.wasm = Source(SourceKind.Here, 0, 0);
        sign(claim);
    }

    function sign(Claim memory claim) internal view {
        sign(claim, CLIENT_SECRET, EXECUTOR_SECRET);
    }

    function sign(Claim memory claim, uint256 client, uint256 by) internal view {
        bytes32 domain = batches.domainSeparator();
        claim.result.task = Records.taskOf(claim, domain);
        claim.clientSignature = sign(client, claim.result.task);
        claim.executorSignature = sign(by, Records.resultHash(claim, domain));
    }

    function only(Claim memory claim) internal pure returns (Claim[] memory claims) {
        claims = new Claim[](1);
        claims[0] = claim;
    }

    /// @dev Posts the region's next batch: these claims, and the WASM as its one blob.
    function post(Claim[] memory claims) internal returns (Batch memory batch, bytes memory data) {
        bytes32 domain = batches.domainSeparator();
        bytes32[] memory leaves = new bytes32[](claims.length);
        for (uint256 i = 0; i < claims.length; i++) {
            data = bytes.concat(data, Records.encode(claims[i]));
            leaves[i] = Records.leafOf(claims[i], domain);
        }
        data = bytes.concat(data, Records.treeOf(leaves));
        uint32 firstPage = uint32((data.length + 48 + 4095) / 4096);
        BlobRef memory wasm = Records.blobOf(WASM);
        data = abi.encodePacked(data, wasm.root, wasm.length, uint32(0), firstPage);
        data = bytes.concat(Records.cut(data, 0, 4096 * uint256(firstPage)), WASM);
        batch = headerOf(data);
        (batch.firstSequence, batch.count, batch.blobCount) = (claims[0].sequence, uint32(claims.length), 1);
        batch.leafRoot = Records.rootOf(leaves, true);
        post(batch, data);
    }

    /// @dev The header of the region's next batch, but for what its records say.
    function headerOf(bytes memory data) internal view returns (Batch memory batch) {
        batch.region = region;
        batch.number = batches.countOf(region);
        if (batch.number > 0) (batch.parent,,) = batches.batchOf(region, batch.number - 1);
        batch.dataRoot = Records.rootOf(Records.pageHashes(data), false);
        batch.dataLength = uint32(data.length);
        batch.asOf = AS_OF;
        batch.minDeadline = FAR;
    }

    function post(Batch memory batch, bytes memory data) internal {
        uint256 parts = (data.length - 1) / 65_536;
        for (uint32 part = 0; part < parts; part++) {
            vm.prank(sequencer);
            batches.stage(batch.region, batch.number, part, Records.cut(data, part * 65_536, 65_536));
        }
        vm.prank(sequencer);
        batches.post(batch, Records.cut(data, parts * 65_536, data.length - parts * 65_536));
    }

    /// @dev A batch of one claim, as evidence.
    function accuse(Claim memory claim) internal returns (Evidence memory) {
        (Batch memory batch, bytes memory data) = post(only(claim));
        return whole(batch, data);
    }

    /// @dev All of the data in one window.
    function whole(Batch memory batch, bytes memory data) internal pure returns (Evidence memory shown) {
        shown.batch = batch;
        shown.windows = new DataWindow[](1);
        shown.windows[0] = windowOf(data, 0, data.length);
    }

    /// @dev The pages that hold a span of the data.
    function windowOf(bytes memory data, uint256 offset, uint256 length) internal pure returns (DataWindow memory) {
        uint256 first = offset / 4096;
        uint256 last = (offset + length - 1) / 4096;
        uint256 end = (last + 1) * 4096 < data.length ? (last + 1) * 4096 : data.length;
        bytes memory pages = Records.cut(data, first * 4096, end - first * 4096);
        bytes32[] memory siblings = Records.siblingsOf(Records.pageHashes(data), first, last, false);
        return DataWindow({firstPage: uint32(first), data: pages, siblings: siblings});
    }

    function none() internal pure returns (Evidence memory nothing) {}

    function expectNoFault(uint8 fault) internal {
        vm.expectRevert(abi.encodeWithSelector(IFaults.NoFault.selector, fault));
    }

    /// @dev The batch is void, the sequencer has no stake, and this test is owed what was not burned.
    function assertConvicted(Evidence memory accused) internal view {
        (,, uint64 voidedAt) = batches.batchOf(region, accused.batch.number);
        assertEq(voidedAt, block.timestamp, "void");
        assertEq(bonds.stakeOf(Role.Sequencer, sequencer), 0, "stake");
        assertEq(prover.creditOf(address(this)), SEQUENCER_STAKE * 4 / 10, "reward");
        assertEq(address(prover).balance, SEQUENCER_STAKE * 4 / 10, "balance of the prover");
        assertTrue(!bonds.isRegistered(Role.Sequencer, sequencer, uint64(block.timestamp)), "registered");
    }
}
