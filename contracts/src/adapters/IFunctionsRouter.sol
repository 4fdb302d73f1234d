// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title IFunctionsRouter
/// @notice The one function of Chainlink's `FunctionsRouter` (v1) that a consumer calls; it answers by `handleOracleFulfillment`.
interface IFunctionsRouter {
    /// @notice Sends a request, paid from a subscription that lists the caller as a consumer.
    /// @param data The request in CBOR.
    /// @param dataVersion 1.
    /// @param callbackGasLimit Gas of the callback; networks allow 300,000.
    /// @param donId Which network of nodes.
    function sendRequest(
        uint64 subscriptionId,
        bytes calldata data,
        uint16 dataVersion,
        uint32 callbackGasLimit,
        bytes32 donId
    ) external returns (bytes32 functionsRequestId);
}
