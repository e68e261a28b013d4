// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatches} from "../interfaces/IBatches.sol";
import {ClaimRecord} from "../libraries/ClaimRecord.sol";
import {BlobRef, Claim, Fate, LeafProof} from "../types/Objects.sol";

/// @title An example of a contract that acts on results
/// @notice It relies on one program, whose id it was given by somebody who has lowered the module, and on results that everybody
/// can have checked. What it does with one is to remember its output, once for each task; a contract of yours does more.
/// @dev A result whose input is another program's output is not taken, since nobody has said of that program that everybody can
/// run it. A consumer of pipelines is given the ids of all programs that may feed its own, and names them beside it when it asks
/// for the fate.
contract ResultConsumer {
    error NotFinal(Fate fate);
    error OtherProgram(bytes32 expected, bytes32 given);
    /// @notice The run trapped, ran out of fuel, or exited with a code of its own that is not 0.
    error RunFailed(uint8 status, uint32 code);
    error ActedUpon(bytes32 task);

    event Acted(bytes32 indexed task, BlobRef input, BlobRef output);

    /// @dev Of a run that ended by itself (chapter 3).
    uint8 private constant EXITED = 1;

    IBatches public immutable batches;
    bytes32 public immutable program;

    /// @notice The output that was acted upon, by task: its length and root name the bytes. Zero if there is none.
    mapping(bytes32 task => BlobRef) public outputOf;

    constructor(IBatches batches_, bytes32 program_) {
        batches = batches_;
        program = program_;
    }

    /// @notice Acts on the result of a task, once.
    /// @param chain What {IBatches-fateOf} needs to call the first leaf final, with this program alone.
    function act(LeafProof[] calldata chain) external {
        // Nobody has vouched for the record yet. Only an error hangs on it until the fate is known.
        Claim memory claim = ClaimRecord.decode(chain[0].record, chain[0].batch.region, batches.domainSeparator());
        if (claim.request.program != program) revert OtherProgram(program, claim.request.program);
        bytes32[] memory programs = new bytes32[](1);
        programs[0] = program;
        Fate fate = batches.fateOf(chain, programs);
        if (fate != Fate.Final) revert NotFinal(fate);
        if (claim.result.status != EXITED || claim.result.code != 0) {
            revert RunFailed(claim.result.status, claim.result.code);
        }
        bytes32 task = claim.result.task;
        // The root of a blob is a hash, of the empty one too.
        if (outputOf[task].root != 0) revert ActedUpon(task);
        outputOf[task] = claim.result.output;
        emit Acted(task, claim.request.input, claim.result.output);
    }
}
