// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleConsumer } from "../interfaces/IOracleConsumer.sol";
import { AnswerStatus } from "../types/Answer.sol";

/// @notice The one place where foreign code runs.
library Callback {
    /// @notice Thrown when less gas is left than the callback was promised (EIP-150 keeps back 1/64).
    error CallbackGasUnavailable(uint256 required, uint256 available);

    /// @dev Gas between the check and the CALL, the cold account included.
    uint256 private constant CALL_RESERVE_GAS = 5_000;

    /// @notice Calls the consumer with exactly `gasLimit` and copies nothing back: what it does, it does to itself.
    /// @return delivered Whether the call returned without reverting.
    function deliver(
        address consumer,
        uint256 gasLimit,
        bytes32 requestId,
        AnswerStatus status,
        bytes memory output
    ) internal returns (bool delivered) {
        bytes memory data = abi.encodeCall(IOracleConsumer.onAnswer, (requestId, status, output));
        // EIP-150: a CALL gets at most 63/64 of what is left, silently. A transmitter must not starve the callback.
        uint256 required = gasLimit + gasLimit / 63 + CALL_RESERVE_GAS;
        require(gasleft() > required, CallbackGasUnavailable(required, gasleft()));
        // Memory-safe: reads `data`, writes nothing (the area for return data is empty).
        assembly ("memory-safe") {
            delivered := call(gasLimit, consumer, 0, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
