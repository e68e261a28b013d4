// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "./Credits.sol";
import {IBatches} from "./interfaces/IBatches.sol";
import {IBonds, Role} from "./interfaces/IBonds.sol";
import {IFaults} from "./interfaces/IFaults.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {Blake3} from "./libraries/Blake3.sol";
import {ClaimRecord} from "./libraries/ClaimRecord.sol";
import {ClaimBounds} from "./libraries/ClaimRules.sol";
import {ClaimFaults} from "./libraries/faults/ClaimFaults.sol";
import {DataFaults} from "./libraries/faults/DataFaults.sol";
import {OpenedData} from "./libraries/faults/OpenedData.sol";
import {SourceFaults} from "./libraries/faults/SourceFaults.sol";
import {Evidence} from "./types/Evidence.sol";
import {Batch, Descriptor} from "./types/Objects.sol";
import {Parameters} from "./types/Parameters.sol";

/// @title The fault prover
/// @notice What each fault is stands in the libraries; what follows from one stands in {convict}. Holds the provers' credits
/// and nothing else: its balance is their sum, but for what others force upon it.
contract Faults is IFaults, Credits {
    IBonds public immutable bonds;
    IPrograms public immutable programs;
    IBatches public immutable batches;
    uint64 private immutable FUEL_LIMIT_MAX;
    uint64 private immutable OUTPUT_LENGTH_MAX;
    uint64 private immutable INPUT_LENGTH_MAX;
    uint64 private immutable SOURCE_HORIZON;

    constructor(Parameters memory parameters, IBonds bonds_, IPrograms programs_, IBatches batches_) {
        bonds = bonds_;
        programs = programs_;
        batches = batches_;
        FUEL_LIMIT_MAX = parameters.fuelLimitMax;
        OUTPUT_LENGTH_MAX = parameters.outputLengthMax;
        INPUT_LENGTH_MAX = parameters.inputLengthMax;
        SOURCE_HORIZON = parameters.sourceHorizon;
    }

    /// @notice Takes pots from Bonds.
    receive() external payable {
        if (msg.sender != address(bonds)) revert NotBonds(address(bonds), msg.sender);
    }

    /// @inheritdoc IFaults
    function proveClientSignature(Evidence calldata accused, uint32 leaf) external {
        bytes calldata record = openRecord(accused, leaf);
        bool shown = ClaimFaults.clientSignature(record, accused.batch.region, domain());
        convict(accused.batch, 1, shown);
    }

    /// @inheritdoc IFaults
    function proveExecutorSignature(Evidence calldata accused, uint32 leaf) external {
        bytes calldata record = openRecord(accused, leaf);
        bool shown = ClaimFaults.executorSignature(record, accused.batch, domain(), bonds);
        convict(accused.batch, 2, shown);
    }

    /// @inheritdoc IFaults
    function proveBound(Evidence calldata accused, uint32 leaf) external {
        ClaimBounds memory bounds = ClaimBounds(FUEL_LIMIT_MAX, OUTPUT_LENGTH_MAX, INPUT_LENGTH_MAX);
        convict(accused.batch, 3, ClaimFaults.bound(openRecord(accused, leaf), bounds));
    }

    /// @inheritdoc IFaults
    function proveProgram(Evidence calldata accused, uint32 leaf) external {
        convict(accused.batch, 4, ClaimFaults.program(openRecord(accused, leaf), accused.batch.asOf, programs));
    }

    /// @inheritdoc IFaults
    function proveRepeated(Evidence calldata accused, uint32 leaf, Evidence calldata earlier, uint32 earlierLeaf)
        external
    {
        open(accused);
        open(earlier);
        convict(accused.batch, 5, ClaimFaults.repeated(accused, leaf, earlier, earlierLeaf, domain()));
    }

    /// @inheritdoc IFaults
    function provePredecessor(Evidence calldata accused, uint32 leaf, Evidence calldata before) external {
        uint64 postedAt = open(accused);
        convict(accused.batch, 6, ClaimFaults.predecessor(accused, leaf, before, batches, postedAt, domain()));
    }

    /// @inheritdoc IFaults
    function proveDeadline(Evidence calldata accused, uint32 leaf) external {
        convict(accused.batch, 7, ClaimFaults.deadline(openRecord(accused, leaf), accused.batch.minDeadline));
    }

    /// @inheritdoc IFaults
    function proveLeaves(Evidence calldata accused, uint32 pair) external {
        open(accused);
        convict(accused.batch, 8, DataFaults.leaves(accused, pair, domain()));
    }

    /// @inheritdoc IFaults
    function proveSequence(Evidence calldata accused, uint32 leaf) external {
        open(accused);
        convict(accused.batch, 9, ClaimFaults.sequence(accused, leaf));
    }

    /// @inheritdoc IFaults
    function proveInputSource(Evidence calldata accused, uint32 leaf, Evidence calldata named) external {
        open(accused);
        convict(accused.batch, 10, SourceFaults.input(accused, leaf, named, batches, SOURCE_HORIZON));
    }

    /// @inheritdoc IFaults
    function proveWasmSource(
        Evidence calldata accused,
        uint32 leaf,
        Evidence calldata named,
        Descriptor calldata descriptor
    ) external {
        open(accused);
        convict(accused.batch, 10, SourceFaults.wasm(accused, leaf, named, descriptor, batches, SOURCE_HORIZON));
    }

    /// @inheritdoc IFaults
    function proveEntry(Evidence calldata accused, uint32 entry) external {
        open(accused);
        convict(accused.batch, 11, DataFaults.entry(accused, entry));
    }

    /// @inheritdoc IFaults
    function proveDataLength(Evidence calldata accused) external {
        open(accused);
        convict(accused.batch, 11, DataFaults.dataLength(accused));
    }

    /// @inheritdoc IFaults
    function provePage(Evidence calldata accused, uint32 entry, uint32 page) external {
        // Before anything else takes memory.
        Blake3.reserve();
        open(accused);
        convict(accused.batch, 12, DataFaults.page(accused, entry, page));
    }

    /// @inheritdoc IFaults
    function proveBlobNode(Evidence calldata accused, uint32 entry, uint32 level, uint32 node) external {
        open(accused);
        convict(accused.batch, 13, DataFaults.blobNode(accused, entry, level, node));
    }

    /// @inheritdoc IFaults
    function provePadding(Evidence calldata accused, uint32 entry, uint32 offset) external {
        open(accused);
        convict(accused.batch, 14, DataFaults.padding(accused, entry, offset));
    }

    /// @inheritdoc IFaults
    function proveLeafNode(Evidence calldata accused, uint32 level, uint32 node) external {
        open(accused);
        convict(accused.batch, 15, DataFaults.leafNode(accused, level, node));
    }

    function open(Evidence calldata shown) private view returns (uint64 postedAt) {
        (postedAt,) = OpenedData.open(shown, batches);
    }

    function openRecord(Evidence calldata accused, uint32 leaf) private view returns (bytes calldata) {
        open(accused);
        return OpenedData.record(accused, leaf);
    }

    function domain() private view returns (bytes32) {
        return batches.domainSeparator();
    }

    /// @dev What follows from a fault, if it was shown. That the batch is not void and its window open, Batches checks.
    function convict(Batch calldata accused, uint8 fault, bool shown) private {
        if (!shown) revert NoFault(fault);
        batches.voidBatch(accused.region, accused.number);
        uint256 reward = bonds.slash(Role.Sequencer, batches.sequencerOf(accused.region));
        credit(msg.sender, reward);
        emit FaultProven(accused.region, accused.number, msg.sender, fault, reward);
    }
}
