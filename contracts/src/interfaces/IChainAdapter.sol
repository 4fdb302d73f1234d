// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title IChainAdapter
/// @notice What differs between chains. No adapter (the zero address) means Ethereum's rules.
interface IChainAdapter {
    /// @notice Number of the block that the chain's users see; on some rollups not `block.number`.
    function blockNumber() external view returns (uint256);

    /// @notice Hash of a recent block of that numbering; zero when it is not known any more.
    function blockHash(uint256 number) external view returns (bytes32);

    /// @notice Wei that the chain charges for publishing a transaction with `calldataBytes` bytes of calldata.
    function dataFee(uint256 calldataBytes) external view returns (uint256);
}
