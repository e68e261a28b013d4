// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batches} from "../../src/Batches.sol";
import {Bonds} from "../../src/Bonds.sol";
import {Court} from "../../src/Court.sol";
import {Faults} from "../../src/Faults.sol";
import {Programs} from "../../src/Programs.sol";
import {StepVerifier} from "../../src/StepVerifier.sol";
import {Role} from "../../src/interfaces/IBonds.sol";
import {ClaimRecord} from "../../src/libraries/ClaimRecord.sol";
import {DataPages} from "../../src/libraries/DataPages.sol";
import {Batch, LeafProof, TaskRequest, TaskResult} from "../../src/types/Objects.sol";
import {Parameters} from "../../src/types/Parameters.sol";
import {Run, Runs} from "./Runs.sol";

/// @notice A log as the cheatcode gives it.
struct ArenaLog {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// @notice Cheatcodes that only these tests use.
interface ArenaVm {
    function fee(uint256 baseFee) external;
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function getNonce(address account) external view returns (uint64);
    function cool(address target) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (ArenaLog[] memory);
}

/// @title All contracts as they are deployed, a sequencer, executors, and claims about known runs
abstract contract Arena is Runs {
    ArenaVm internal constant arena = ArenaVm(address(vm));

    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant WINDOW = 1000;
    uint64 internal constant CLOCK = 300;
    uint256 internal constant STAKE = 40 ether;
    uint256 internal constant BOND = 1 ether;
    uint256 internal constant BASE_FEE = 30 gwei;
    uint256 internal constant BASE_FEE_MAX = 300 gwei;
    uint256 internal constant GAS_MARGIN_BPS = 2500;
    uint256 internal constant BURN_SHARE_BPS = 6000;
    address internal constant TREASURY = address(0x7123a5);
    /// @dev Who makes the fault prover, so that the addresses of the others do not hang on it: tables of gas do on them.
    address private constant MAKER = address(0x3a4e6);

    uint256 internal constant CLIENT_SECRET = 0xc11e47;
    uint256 internal constant EXECUTOR_SECRET = 0xe8e;
    uint256 internal constant KEY_SECRET = 0x6e4;
    address internal sequencer = vm.addr(0x5e9);
    address internal client = vm.addr(CLIENT_SECRET);
    address internal executor = vm.addr(EXECUTOR_SECRET);
    address internal key = vm.addr(KEY_SECRET);
    address internal alice = vm.addr(0xa11ce);
    address internal bob = vm.addr(0xb0b);
    address internal carol = vm.addr(0xca201);

    StepVerifier internal verifier;
    Bonds internal bonds;
    Programs internal programs;
    Batches internal batches;
    Court internal court;
    Faults internal faults;
    bytes32 internal region;
    /// @dev Hash of the region's last batch.
    bytes32 private parent;
    uint64 private nonce;

    function setUp() public virtual {
        vm.warp(START);
        arena.fee(BASE_FEE);
        deploy();
        for (uint256 i = 0; i < 3; i++) {
            vm.deal([alice, bob, carol][i], 1000 ether);
        }
        register(Role.Sequencer, sequencer);
        register(Role.Executor, executor);
        vm.prank(sequencer);
        region = batches.openRegion("arena");
        programs.register(readRun(EXIT).descriptor);
        programs.register(readRun(TRAP).descriptor);
        vm.warp(START + 12);
    }

    /// @dev The court of a deployment; a test may make one of a smaller arity.
    function newCourt() internal virtual returns (Court) {
        return new Court(parameters(), bonds, programs, batches);
    }

    function parameters() internal pure returns (Parameters memory) {
        return Parameters({
            window: WINDOW,
            clock: CLOCK,
            noticePeriod: 700,
            withdrawalMargin: 200,
            asOfAgeMax: 150,
            executorStake: 20 ether,
            sequencerStake: 20 ether,
            challengeBond: BOND,
            burnShareBps: uint16(BURN_SHARE_BPS),
            gasMarginBps: uint16(GAS_MARGIN_BPS),
            baseFeeMax: BASE_FEE_MAX,
            fuelLimitMax: 1 << 36,
            outputLengthMax: 1 << 28,
            inputLengthMax: 1 << 32,
            sourceHorizon: 100,
            chainLengthMax: 3,
            treasury: TREASURY
        });
    }

    function register(Role role, address owner) internal {
        vm.deal(owner, 2 * STAKE);
        vm.prank(owner);
        bonds.register{value: STAKE}(role);
    }

    function sign(uint256 secret, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev What a truthful executor says of a run.
    function truthOf(Run memory run) internal view returns (TaskRequest memory request, TaskResult memory result) {
        request.client = client;
        request.region = region;
        request.program = run.program;
        request.input = run.input;
        request.fuelLimit = run.fuelLimit;
        request.outputLengthMax = run.outputLengthMax;
        request.deadline = type(uint64).max;
        result.executor = executor;
        result.status = run.status;
        result.code = run.code;
        result.fuelUsed = run.fuelUsed;
        result.output = run.output;
    }

    /// @dev The record of a claim, signed by the client and by `secret`, each time with another nonce.
    function recordOf(TaskRequest memory request, TaskResult memory result, uint256 secret)
        internal
        returns (bytes memory)
    {
        request.nonce = nonce++;
        bytes32 domain = batches.domainSeparator();
        result.task = ClaimRecord.taskOf(request, domain);
        bytes memory clientSignature = sign(CLIENT_SECRET, result.task);
        bytes memory executorSignature = sign(secret, ClaimRecord.resultHash(result, domain));
        return pack(request, result, clientSignature, executorSignature);
    }

    function pack(
        TaskRequest memory request,
        TaskResult memory result,
        bytes memory clientSignature,
        bytes memory executorSignature
    ) internal pure returns (bytes memory) {
        bytes memory asked = abi.encodePacked(
            request.client,
            request.program,
            request.input.root,
            request.input.length,
            request.fuelLimit,
            request.outputLengthMax,
            request.feeMax,
            request.deadline,
            request.nonce,
            clientSignature
        );
        bytes memory claimed = abi.encodePacked(
            result.attempt,
            result.executor,
            result.status,
            result.code,
            result.fuelUsed,
            result.output.root,
            result.output.length,
            executorSignature
        );
        // Sequence number 0, no sources, no predecessor.
        return abi.encodePacked(uint64(0), asked, claimed, new bytes(38));
    }

    /// @dev Posts a batch of one claim now.
    function post(bytes memory record) internal returns (LeafProof memory proof) {
        proof.record = record;
        proof.batch = Batch({
            region: region,
            number: batches.countOf(region),
            parent: parent,
            firstSequence: batches.countOf(region),
            leafRoot: this.leafOf(record),
            count: 1,
            dataRoot: this.dataRootOf(record),
            dataLength: uint32(record.length),
            blobCount: 0,
            asOf: uint64(block.timestamp - 1),
            minDeadline: type(uint64).max
        });
        vm.prank(sequencer);
        batches.post(proof.batch, record);
        (parent,,) = batches.batchOf(region, proof.batch.number);
    }

    function postTruth(Run memory run) internal returns (LeafProof memory) {
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        return post(recordOf(request, result, EXECUTOR_SECRET));
    }

    /// @dev Posts a lie about a run's output.
    function postLie(Run memory run) internal returns (LeafProof memory) {
        (TaskRequest memory request, TaskResult memory result) = truthOf(run);
        result.output.root = keccak256("a lie");
        return post(recordOf(request, result, EXECUTOR_SECRET));
    }

    function leafOf(bytes calldata record) external view returns (bytes32) {
        return ClaimRecord.leaf(record, region, batches.domainSeparator());
    }

    function dataRootOf(bytes calldata data) external pure returns (bytes32) {
        return DataPages.dataRoot(new bytes32[](0), data);
    }

    function claimOf(LeafProof memory proof) internal pure returns (bytes32) {
        return keccak256(abi.encode(proof.batch.region, proof.batch.number, proof.index));
    }

    function postedAt(LeafProof memory proof) internal view returns (uint64 time) {
        (, time,) = batches.batchOf(proof.batch.region, proof.batch.number);
    }

    function deploy() private {
        parent = 0;
        verifier = new StepVerifier();
        uint64 next = arena.getNonce(address(this));
        address courtAddress = arena.computeCreateAddress(address(this), next + 3);
        address faultsAddress = arena.computeCreateAddress(MAKER, arena.getNonce(MAKER));
        bonds = new Bonds(parameters(), Court(payable(courtAddress)), faultsAddress);
        programs = new Programs(verifier);
        batches = new Batches(parameters(), bonds, Court(payable(courtAddress)), faultsAddress);
        court = newCourt();
        assertEq(address(court), courtAddress, "court where bonds and batches look for it");
        Parameters memory numbers = parameters();
        vm.prank(MAKER);
        faults = new Faults(numbers, bonds, programs, batches);
        assertEq(address(faults), faultsAddress, "the fault prover where bonds and batches look for it");
    }
}
