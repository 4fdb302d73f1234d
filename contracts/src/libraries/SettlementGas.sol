// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { Aggregation, Delivery, RequestTerms } from "../types/Request.sol";

/// @notice What settling costs at worst, for the escrow.
library SettlementGas {
    /// @dev Worst case of one answer without callback and output: everything cold, every slot new.
    uint256 internal constant PER_ANSWER = 140_000;
    /// @dev Calldata (16, EIP-2028), and hashing and copying it to the callback.
    uint256 internal constant PER_OUTPUT_BYTE = 20;
    /// @dev Calldata of one answer without its output, rounded up; what a rollup charges data for.
    uint256 internal constant CALLDATA_BYTES = 1_300;

    /// @notice Whether outputs travel on chain for a request of these terms.
    function carriesOutput(Delivery delivery, Aggregation aggregation) internal pure returns (bool) {
        return delivery == Delivery.Callback || aggregation == Aggregation.Median;
    }

    function estimate(RequestTerms calldata terms) internal pure returns (uint256) {
        uint256 outputs =
            carriesOutput(terms.delivery, terms.aggregation) ? terms.maxOutputBytes * PER_OUTPUT_BYTE : 0;
        return terms.threshold * (PER_ANSWER + outputs) + terms.callbackGasLimit;
    }
}
