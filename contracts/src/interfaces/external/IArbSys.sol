// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice The part of the ArbSys precompile that is used.
interface IArbSys {
    /// @notice Number of the rollup's block; `block.number` is Ethereum's.
    function arbBlockNumber() external view returns (uint256);
    /// @notice Hash of one of the rollup's last 256 blocks; reverts for another.
    function arbBlockHash(uint256 number) external view returns (bytes32);
}
