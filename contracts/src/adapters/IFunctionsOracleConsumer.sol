// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveAnswers } from "./IEnclaveAnswers.sol";

/// @title IFunctionsOracleConsumer
/// @notice A consumer whose answers come through Chainlink Functions, or through anybody else who has them: who brings an answer
/// is believed in nothing.
interface IFunctionsOracleConsumer is IEnclaveAnswers {
    /// @notice Emitted when a question was sent. `call` is what the enclave is asked with.
    event QuestionAsked(
        bytes32 indexed requestId, bytes32 indexed functionsRequestId, uint64 deadline, bytes call
    );
    /// @notice Emitted when the network of nodes brought an error instead of an answer. The question stays open.
    event TransportFailed(bytes32 indexed requestId, bytes err);

    /// @notice Thrown when somebody but the Functions router calls back.
    error NotRouter(address caller);
    /// @notice Thrown when this contract made no such Functions request, or it was called back already.
    error FunctionsRequestUnknown(bytes32 functionsRequestId);

    /// @notice The router's callback (Functions v1).
    /// @param response The answer, when `err` is empty.
    /// @dev Establishes: see `relay`.
    function handleOracleFulfillment(bytes32 functionsRequestId, bytes calldata response, bytes calldata err)
        external;
}
