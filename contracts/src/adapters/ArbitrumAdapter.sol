// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Blockhash } from "@openzeppelin/contracts/utils/Blockhash.sol";

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IArbGasInfo } from "../interfaces/external/IArbGasInfo.sol";
import { IArbSys } from "../interfaces/external/IArbSys.sol";

/// @title ArbitrumAdapter
/// @notice Arbitrum chains: the rollup's own block numbers and hashes, and a fee for data.
contract ArbitrumAdapter is IChainAdapter {
    IArbSys private constant ARB_SYS = IArbSys(address(100));
    IArbGasInfo private constant ARB_GAS_INFO = IArbGasInfo(address(108));

    /// @dev ArbSys knows this many; older ones are in the contract of EIP-2935, which on Arbitrum keeps 393,168 (48 × 8,191; ArbOS 40).
    uint256 private constant ARB_SYS_BLOCKS = 256;
    /// @dev 393,168 blocks at four a second.
    uint256 private constant WINDOW_SECONDS = 393_168 / 4;
    /// @dev A transaction's bytes beside its calldata: nonce, prices, addresses, signature, and what RLP adds.
    uint256 private constant ENVELOPE_BYTES = 160;

    /// @inheritdoc IChainAdapter
    function blockNumber() external view returns (uint256) {
        return ARB_SYS.arbBlockNumber();
    }

    /// @inheritdoc IChainAdapter
    function blockHash(uint256 number) external view returns (bytes32) {
        uint256 current = ARB_SYS.arbBlockNumber();
        if (number >= current) return 0;
        if (current - number > ARB_SYS_BLOCKS) return _historicHash(number);
        // ArbSys reverts where Ethereum gives zero.
        try ARB_SYS.arbBlockHash(number) returns (bytes32 hash) {
            return hash;
        } catch {
            return 0;
        }
    }

    /// @inheritdoc IChainAdapter
    function blockHashWindowSeconds() external pure returns (uint256) {
        return WINDOW_SECONDS;
    }

    /// @inheritdoc IChainAdapter
    function dataFee(uint256 calldataBytes) external view returns (uint256) {
        // The second price is wei for a byte of calldata on the parent chain. The chain charges for what is left after
        // compression, which is never more.
        (, uint256 perByte,,,,) = ARB_GAS_INFO.getPricesInWei();
        return perByte * (calldataBytes + ENVELOPE_BYTES);
    }

    /// @dev The contract reverts for a block outside of its window, and is absent before ArbOS 40: then the hash is not known.
    function _historicHash(uint256 number) private view returns (bytes32) {
        (bool succeeded, bytes memory hash) = Blockhash.HISTORY_STORAGE_ADDRESS.staticcall(abi.encode(number));
        return succeeded && hash.length == 32 ? bytes32(hash) : bytes32(0);
    }
}
