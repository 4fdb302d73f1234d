// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

/// @notice Of Safe (1.3 and later), what its modules call.
interface ISafe {
    /// @param operation 0: CALL.
    function execTransactionFromModule(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success);
}
