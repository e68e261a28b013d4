// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TaskResult} from "../../types/Objects.sol";
import {LittleEndian} from "../LittleEndian.sol";
import {RegionTree} from "./RegionTree.sol";

/// @title Whether a state is the end that a result claims (chapter 13, "Objects")
/// @notice Total over records: any 64 bytes imply one result or none. What reverts is a path of OUTPUT that was needed and
/// does not lead to the record's memory root.
library Ending {
    uint256 internal constant EXIT = 1;
    uint256 internal constant TRAP = 2;
    uint256 internal constant OUT_OF_FUEL = 3;

    // Positions in bits of a head's fields, after its 32 bytes have been reversed (chapter 3).
    uint256 private constant CODE_AT = 32;
    uint256 private constant FUEL_AT = 128;
    uint256 private constant OUTPUT_LENGTH_AT = 192;

    /// @notice Whether the record is halted and implies the result. The result has passed its face: it has status 1, 2 or 3,
    /// has not used more fuel than the limit, and is empty if it is out of fuel.
    /// @param output Root of OUTPUT and its siblings; read only where everything else agrees and there is an output, since
    /// the output of an exhausted run is empty whatever OUTPUT holds.
    function implies(
        bytes32 head,
        bytes32 memoryRoot,
        bytes32[] calldata output,
        TaskResult memory result,
        uint64 fuelLimit
    ) internal pure returns (bool) {
        uint256 fields = LittleEndian.reverse(uint256(head));
        uint256 fuelLeft = uint64(fields >> FUEL_AT);
        if (uint8(fields) != result.status) return false;
        if (uint32(fields >> CODE_AT) != result.code) return false;
        if (fuelLeft + result.fuelUsed != fuelLimit) return false;
        if (result.status == OUT_OF_FUEL) return true;
        if (fields >> OUTPUT_LENGTH_AT != result.output.length) return false;
        RegionTree.checkOutput(memoryRoot, output);
        return output[0] == RegionTree.mount(result.output);
    }
}
