// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Evidence} from "../types/Evidence.sol";
import {Descriptor} from "../types/Objects.sol";

/// @title Face faults (chapter 12, "On its face")
/// @notice What one transaction proves of a batch, by its bytes alone. A proven fault voids the batch and slashes the
/// sequencer of its region, if it has not been already; the prover is credited with what is not burned. It can be proven until
/// and with the last second of the batch's window, and once: what is void is not voided again.
///
/// Everything that a proof reads is data of the batch, opened by pages; of faults that two batches make together, data of
/// both. No proof needs a hash that does not stand in the data. A place that the batch does not have, and bytes that no window
/// opens, are errors of the prover; if what is shown is in order, {NoFault}.
///
/// An honest sequencer can't be convicted: a fault is a statement about bytes that it posted and about facts of L1 from before
/// the posting, which do not change. Where the order of two events within a second would decide, the sequencer is believed.
interface IFaults {
    /// @notice What was shown is in order. Faults are numbered as in chapter 12.
    error NoFault(uint8 fault);
    /// @notice Pots come from Bonds alone.
    error NotBonds(address expected, address given);

    /// @param fault Its number in chapter 12.
    /// @param reward What the prover is credited with: nothing if the sequencer was slashed before.
    event FaultProven(
        bytes32 indexed region, uint64 indexed number, address indexed prover, uint8 fault, uint256 reward
    );

    /// @notice F1: the client did not sign the request. Read: record `leaf`.
    function proveClientSignature(Evidence calldata accused, uint32 leaf) external;

    /// @notice F2: as of the header's time the executor was not registered, or the result is not signed by a key that it had.
    /// Read: record `leaf`.
    function proveExecutorSignature(Evidence calldata accused, uint32 leaf) external;

    /// @notice F3: a number of the record is beyond the deployment's bounds or the request's, its status is none, or
    /// OUT_OF_FUEL has not its one form. Read: record `leaf`.
    function proveBound(Evidence calldata accused, uint32 leaf) external;

    /// @notice F4: the program was not registered as of the header's time. Read: record `leaf`.
    function proveProgram(Evidence calldata accused, uint32 leaf) external;

    /// @notice F5: the same attempt at the same task stands before, in this batch or an earlier one of the region.
    /// Read: record `leaf`, and record `earlierLeaf` of the earlier batch.
    function proveRepeated(Evidence calldata accused, uint32 leaf, Evidence calldata earlier, uint32 earlierLeaf)
        external;

    /// @notice F6: attempt 0 names a predecessor; or the predecessor of a further attempt is not in an earlier batch, is not
    /// the attempt before at the same task, or was not void when the accused batch was posted.
    /// Read: record `leaf`; if it names an earlier batch, the header of that, and the record named.
    function provePredecessor(Evidence calldata accused, uint32 leaf, Evidence calldata before) external;

    /// @notice F7: the task's deadline lies before the header's `minDeadline`. Read: record `leaf`.
    function proveDeadline(Evidence calldata accused, uint32 leaf) external;

    /// @notice F8: the node over leaves 2 `pair` and 2 `pair` + 1, or the root over one or two leaves, is not that of the
    /// records. Read: both records, and the node.
    function proveLeaves(Evidence calldata accused, uint32 pair) external;

    /// @notice F9: a sequence number is not above that of the record before, or that of record 0 is not the header's first.
    /// Read: record `leaf` and the one before.
    function proveSequence(Evidence calldata accused, uint32 leaf) external;

    /// @notice F10, of the input: its source is of no kind, has a field that its kind does not use, names an entry or a leaf
    /// that is not there or not before, or a batch beyond the horizon; or another blob is there.
    /// Read: record `leaf`; the entry or the record that the source names; if that is of an earlier batch, its header.
    function proveInputSource(Evidence calldata accused, uint32 leaf, Evidence calldata named) external;

    /// @notice F10, of the program's WASM, which is never the output of a leaf. Read: as of the input, and the program's
    /// descriptor, if the source leads to a blob.
    function proveWasmSource(
        Evidence calldata accused,
        uint32 leaf,
        Evidence calldata named,
        Descriptor calldata descriptor
    ) external;

    /// @notice F11, of an entry: an encoding that is none, a blob too long, an empty one that is not the first, a first page
    /// that is not the next, an area that leaves the data. Read: the entry, and the one before.
    function proveEntry(Evidence calldata accused, uint32 entry) external;

    /// @notice F11, of the whole: the data does not end where the last area does. Read: the last entry.
    function proveDataLength(Evidence calldata accused) external;

    /// @notice F12: a page's BLAKE3 is not its node, or not the root of its blob of one page or none. An empty blob's
    /// page 0 is the zero page. Read: the entry, the page, the node.
    function provePage(Evidence calldata accused, uint32 entry, uint32 page) external;

    /// @notice F13: a node of a blob's tree, or its root, which is node 0 of the highest level, is not that of its children,
    /// or padding is not. Read: the entry, the node, its children.
    function proveBlobNode(Evidence calldata accused, uint32 entry, uint32 level, uint32 node) external;

    /// @notice F14: a byte of the data is not zero that lies before the area of an entry and behind what stands before, or
    /// between the entry's blob and its tree. Read: the entry and the one before, the byte.
    function provePadding(Evidence calldata accused, uint32 entry, uint32 offset) external;

    /// @notice F15: a node over leaves from level 2 on, the header's root included, is not that of its children, or padding
    /// is not. Read: the node, its children.
    function proveLeafNode(Evidence calldata accused, uint32 level, uint32 node) external;
}
