// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerStatus } from "../types/Answer.sol";

/// @title IOracleConsumer
/// @notice What the coordinator calls. Inherit `OracleConsumer` rather than implementing this.
interface IOracleConsumer {
    /// @notice Receives the answer to `requestId`, once, with exactly the gas that the request named.
    /// @dev Warning: check that the caller is the coordinator. A revert does not bring the answer again.
    /// @param output What the format of the request says when `status` is `Ok`; else empty.
    function onAnswer(bytes32 requestId, AnswerStatus status, bytes calldata output) external;
}
