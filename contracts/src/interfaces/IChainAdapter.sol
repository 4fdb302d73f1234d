// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title IChainAdapter
/// @notice What differs between chains. No adapter (the zero address) means Ethereum's rules.
interface IChainAdapter {
    /// @notice Number of the block that the chain's users see; on some rollups not `block.number`.
    function blockNumber() external view returns (uint256);

    /// @notice Hash of a past block of that numbering; zero when it is not known (any more, or yet).
    function blockHash(uint256 number) external view returns (bytes32);

    /// @notice How long a block's hash stays known, in seconds, at the chain's usual pace.
    function blockHashWindowSeconds() external view returns (uint256);

    /// @notice Wei that the chain charges at most for publishing a transaction with `calldataBytes` bytes of calldata.
    function dataFee(uint256 calldataBytes) external view returns (uint256);
}
