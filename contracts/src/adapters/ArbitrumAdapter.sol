// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IArbGasInfo } from "../interfaces/external/IArbGasInfo.sol";
import { IArbSys } from "../interfaces/external/IArbSys.sol";

/// @title ArbitrumAdapter
/// @notice Arbitrum chains: the rollup's own block numbers and hashes, and a fee for data.
contract ArbitrumAdapter is IChainAdapter {
    IArbSys private constant ARB_SYS = IArbSys(address(100));
    IArbGasInfo private constant ARB_GAS_INFO = IArbGasInfo(address(108));

    /// @inheritdoc IChainAdapter
    function blockNumber() external view returns (uint256) {
        return ARB_SYS.arbBlockNumber();
    }

    /// @inheritdoc IChainAdapter
    function blockHash(uint256 number) external view returns (bytes32) {
        // ArbSys reverts outside its window, where Ethereum gives zero.
        try ARB_SYS.arbBlockHash(number) returns (bytes32 hash) {
            return hash;
        } catch {
            return 0;
        }
    }

    /// @inheritdoc IChainAdapter
    function dataFee(uint256 calldataBytes) external view returns (uint256) {
        // The second price is wei for a byte of calldata on the parent chain.
        (, uint256 perByte,,,,) = ARB_GAS_INFO.getPricesInWei();
        return perByte * calldataBytes;
    }
}
