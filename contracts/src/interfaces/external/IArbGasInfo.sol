// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice The part of the ArbGasInfo precompile that is used.
interface IArbGasInfo {
    /// @notice Prices in wei: a transaction, a byte of calldata on the parent chain, a storage slot, and three of gas.
    function getPricesInWei() external view returns (uint256, uint256, uint256, uint256, uint256, uint256);
}
