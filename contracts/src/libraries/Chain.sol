// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Blockhash } from "@openzeppelin/contracts/utils/Blockhash.sol";

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";

/// @notice The chain's rules, through an adapter where they are not Ethereum's.
library Chain {
    /// @dev EIP-2935 keeps 8,191 hashes; a slot is 12 seconds.
    uint256 private constant ETHEREUM_WINDOW_SECONDS = 8_191 * 12;

    function blockNumber(IChainAdapter adapter) internal view returns (uint256) {
        return address(adapter) == address(0) ? block.number : adapter.blockNumber();
    }

    /// @notice Zero when the chain does not know the hash: a future block, the current one, or one too old (EIP-2935: 8,191).
    function blockHash(IChainAdapter adapter, uint256 number) internal view returns (bytes32) {
        return address(adapter) == address(0) ? Blockhash.blockHash(number) : adapter.blockHash(number);
    }

    function blockHashWindowSeconds(IChainAdapter adapter) internal view returns (uint256) {
        return address(adapter) == address(0) ? ETHEREUM_WINDOW_SECONDS : adapter.blockHashWindowSeconds();
    }

    function dataFee(IChainAdapter adapter, uint256 calldataBytes) internal view returns (uint256) {
        return address(adapter) == address(0) ? 0 : adapter.dataFee(calldataBytes);
    }
}
