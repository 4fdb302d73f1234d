// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice The part of the GasPriceOracle predeploy that is used (OP Stack, since Fjord).
interface IGasPriceOracle {
    /// @notice Upper bound of the fee for a transaction of `unsignedTxSize` bytes.
    function getL1FeeUpperBound(uint256 unsignedTxSize) external view returns (uint256);
}
