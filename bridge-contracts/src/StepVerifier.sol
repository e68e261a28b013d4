// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IStepVerifier} from "./interfaces/IStepVerifier.sol";
import {Blake3} from "./libraries/Blake3.sol";
import {Instruction, InstructionLibrary} from "./libraries/Instruction.sol";
import {LittleEndian} from "./libraries/LittleEndian.sol";
import {Machine, MachineLibrary} from "./libraries/Machine.sol";
import {Opcode} from "./libraries/Opcode.sol";
import {Witness} from "./libraries/Witness.sol";
import {ControlInstructions} from "./libraries/instructions/ControlInstructions.sol";
import {MemoryInstructions} from "./libraries/instructions/MemoryInstructions.sol";
import {NumericInstructions} from "./libraries/instructions/NumericInstructions.sol";
import {StreamInstructions} from "./libraries/instructions/StreamInstructions.sol";
import {TableInstructions} from "./libraries/instructions/TableInstructions.sol";

/// @title Executes one step of the Assay machine from a witness
/// @notice No state, no admin: a pure function, the machine's law as L1 reads it.
contract StepVerifier is IStepVerifier {
    using InstructionLibrary for Instruction;
    using MachineLibrary for Machine;

    /// @inheritdoc IStepVerifier
    function step(bytes32 head, bytes32 memoryRoot, bytes calldata witness)
        external
        pure
        returns (bytes32 nextHead, bytes32 nextMemoryRoot)
    {
        Blake3.reserve();
        Machine memory m;
        uint256 record = LittleEndian.reverse(uint256(head));
        m.load(record);
        m.chunks = Witness.parse(witness);
        if (m.isRunning()) {
            if (m.canFetch(record)) execute(m);
            else m.illegal();
        }
        nextMemoryRoot = Witness.fold(m.chunks, memoryRoot);
        nextHead = bytes32(LittleEndian.reverse(m.store(record)));
    }

    /// @dev Fetch, decode, check slots, then operands and effect (chapter 4, "Order of a step").
    function execute(Machine memory m) private pure {
        Instruction memory i = InstructionLibrary.fetch(m);
        (bool isLegal, uint256 slotsEnd) = i.decode();
        if (!isLegal || (slotsEnd != 0 && m.fp + slotsEnd > MachineLibrary.STACK_SLOTS)) return m.illegal();

        m.pc += 1;
        if (i.opcode <= Opcode.LOAD_LAST) MemoryInstructions.load(m, i);
        else if (i.opcode <= Opcode.STORE_LAST) MemoryInstructions.store(m, i);
        else if (i.opcode < Opcode.CONTROL_FIRST) NumericInstructions.execute(m, i);
        else if (i.opcode < Opcode.MEMORY_SIZE) ControlInstructions.execute(m, i);
        else if (i.opcode < Opcode.TABLE_GET) MemoryInstructions.execute(m, i);
        else if (i.opcode < Opcode.INPUT_SIZE) TableInstructions.execute(m, i);
        else StreamInstructions.execute(m, i);
    }
}
