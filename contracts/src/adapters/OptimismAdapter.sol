// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Blockhash } from "@openzeppelin/contracts/utils/Blockhash.sol";

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IGasPriceOracle } from "../interfaces/external/IGasPriceOracle.sol";

/// @title OptimismAdapter
/// @notice OP Stack chains: block numbers and hashes as on Ethereum, and a fee for data.
contract OptimismAdapter is IChainAdapter {
    IGasPriceOracle private constant GAS_PRICE_ORACLE =
        IGasPriceOracle(0x420000000000000000000000000000000000000F);

    /// @dev EIP-2935 keeps 8,191 hashes (OP Stack: since Isthmus); a block is 2 seconds.
    uint256 private constant WINDOW_SECONDS = 8_191 * 2;
    /// @dev An unsigned transaction's bytes beside its calldata; the predeploy adds the signature's.
    uint256 private constant ENVELOPE_BYTES = 90;

    /// @inheritdoc IChainAdapter
    function blockNumber() external view returns (uint256) {
        return block.number;
    }

    /// @inheritdoc IChainAdapter
    function blockHash(uint256 number) external view returns (bytes32) {
        return Blockhash.blockHash(number);
    }

    /// @inheritdoc IChainAdapter
    function blockHashWindowSeconds() external pure returns (uint256) {
        return WINDOW_SECONDS;
    }

    /// @inheritdoc IChainAdapter
    function dataFee(uint256 calldataBytes) external view returns (uint256) {
        return GAS_PRICE_ORACLE.getL1FeeUpperBound(calldataBytes + ENVELOPE_BYTES);
    }
}
