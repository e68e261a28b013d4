// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";

/// @title Money that is owed and pulled
/// @notice Crediting calls nobody, so that no receiver can hinder what it is paid for. Withdrawing sends everything the
/// sender is owed wherever it says; a receiver that reverts, burns gas or returns megabytes hurts itself alone.
abstract contract Credits {
    error NothingOwed(address account);
    error TransferFailed(address to, uint256 amount);

    event Credited(address indexed account, uint256 amount);
    event CreditWithdrawn(address indexed account, address to, uint256 amount);

    /// @notice What an account is owed, in wei.
    mapping(address account => uint256) public creditOf;

    /// @notice Sends all that the sender is owed to `to`.
    function withdraw(address payable to) external {
        uint256 amount = creditOf[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        creditOf[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, to, amount);
        send(to, amount);
    }

    function credit(address account, uint256 amount) internal {
        if (amount == 0) return;
        creditOf[account] += amount;
        emit Credited(account, amount);
    }

    /// @dev The last thing that a function does: what is called may call back.
    function send(address to, uint256 amount) internal {
        if (!LowLevelCall.callNoReturn(to, amount, "")) revert TransferFailed(to, amount);
    }
}
