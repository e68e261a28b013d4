// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batch, Claim} from "../src/types/Objects.sol";
import {Posting} from "./base/Posting.sol";
import {Records} from "./twins/Records.sol";

/// @notice Measures what posting costs and holds gas/batches.md equal to it. `GAS_WRITE=true forge test --match-contract
/// BatchGas` writes the file.
/// forge-config: default.isolate = true
contract BatchGasTest is Posting {
    string private constant TABLE = "gas/batches.md";
    uint256 private constant PART = 65_536;
    uint256 private constant TRANSACTION = 21_000;
    /// @dev Posting costs a constant besides its data, which is hashed, emitted and copied byte by byte.
    uint256 private constant CONSTANT_MAX = 100_000;
    uint256 private constant PER_BYTE_MAX = 10;

    /// @dev Gas of what a batch takes, over all its transactions.
    struct Cost {
        uint256 execution;
        uint256 total;
        uint256 transactions;
    }

    function test_table() external {
        string memory table = string.concat(
            "# Gas of posting a batch\n\n",
            "Written by `GAS_WRITE=true forge test --match-contract BatchGas`; the test without it holds it equal. A batch of\n",
            "records of jobs without data of their own, posted when the region has posted before. *Execution* is that of the\n",
            "contract; *total* adds what transactions and their calldata cost, floor of EIP-7623 included.\n\n",
            "| records | data, bytes | transactions | execution | total | total a record |\n",
            "| ---: | ---: | ---: | ---: | ---: | ---: |\n"
        );
        uint32[4] memory counts = [uint32(1), 10, 100, 800];
        // One batch before: what is measured is the custom, not the first slots of a region.
        Claim[] memory first = claimsOf(0, 400);
        submit(first);
        for (uint256 i = 0; i < counts.length; i++) {
            (uint256 length, Cost memory cost) = submit(claimsOf(1000, counts[i]));
            table = string.concat(table, row(counts[i], length, cost));
            assertTrue(cost.execution <= CONSTANT_MAX + PER_BYTE_MAX * length, "a constant besides the data");
        }
        if (vm.envOr("GAS_WRITE", false)) vm.writeFile(TABLE, table);
        assertEq(keccak256(bytes(vm.readFile(TABLE))), keccak256(bytes(table)), "gas/batches.md is stale");
    }

    function submit(Claim[] memory claims) private returns (uint256 length, Cost memory cost) {
        (Batch memory batch, bytes memory data) = batchOf(claims);
        uint256 whole = (data.length - 1) / PART;
        for (uint256 i = 0; i < whole; i++) {
            bytes memory part = Records.cut(data, i * PART, PART);
            call(cost, abi.encodeCall(batches.stage, (region, batch.number, uint32(i), part)));
        }
        bytes memory last = Records.cut(data, whole * PART, data.length - whole * PART);
        call(cost, abi.encodeCall(batches.post, (batch, last)));
        return (data.length, cost);
    }

    /// @dev One transaction: forge isolates calls of this test, and counts what a transaction costs by itself.
    function call(Cost memory cost, bytes memory data) private {
        vm.prank(sequencer);
        (bool ok,) = address(batches).call(data);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        assertTrue(ok, "accepted");
        uint256 zeros;
        for (uint256 i = 0; i < data.length; i++) {
            if (data[i] == 0) zeros++;
        }
        uint256 tokens = zeros + 4 * (data.length - zeros);
        uint256 least = TRANSACTION + 10 * tokens;
        cost.execution += used - TRANSACTION - 4 * tokens;
        cost.total += used > least ? used : least;
        cost.transactions += 1;
    }

    function row(uint256 count, uint256 length, Cost memory cost) private pure returns (string memory) {
        string memory left = string.concat(
            "| ", vm.toString(count), " | ", vm.toString(length), " | ", vm.toString(cost.transactions), " | "
        );
        return string.concat(
            left,
            vm.toString(cost.execution),
            " | ",
            vm.toString(cost.total),
            " | ",
            vm.toString(cost.total / count),
            " |\n"
        );
    }
}
