// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerStatus } from "../types/Answer.sol";

/// @title IOracleConsumer
/// @notice What the coordinator calls. Inherit `OracleConsumer` rather than implementing this.
interface IOracleConsumer {
    /// @notice Receives the answer to `requestId` with at least the gas that the request named. A call that reverts can be made
    /// again until the deadline; one that returns never is.
    /// @dev Warning: check that the caller is the coordinator.
    /// @param context What the request's `context` was.
    /// @param answeredAt When the enclave answered, seconds since the epoch; a quorum's is that of its oldest member. Whoever can
    /// make this call fail chooses its moment: an answer that ages must be judged by this.
    /// @param output What the format of the request says when `status` is `Ok`; else empty.
    function onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) external;

    /// @notice Learns that the request was refunded: there will be no answer. Called once, with the gas that the request named;
    /// a revert changes nothing.
    /// @dev Warning: check that the caller is the coordinator.
    /// @param context What the request's `context` was.
    function onRefund(bytes32 requestId, bytes32 context) external;
}
