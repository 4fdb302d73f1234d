// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOracleCoordinator, Refusal } from "../interfaces/IOracleCoordinator.sol";
import { Callback } from "../libraries/Callback.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Delivery, Request, Requests } from "../types/Request.sol";
import { QuorumHead } from "./Quorum.sol";
import { Settlement } from "./Settlement.sol";

/// @title RefundsAndRedeliveries
/// @notice What happens to requests that nobody answered, and to answers whose callback failed.
abstract contract RefundsAndRedeliveries is Settlement {
    /// @dev `IOracleCoordinator.deliver`.
    function _deliverAgain(
        Request calldata given,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal nonReentrant {
        (Request memory request_, bytes32 requestId) = Requests.load(given);
        RequestState failed = RequestStates.newFailed(status, answeredAt, keccak256(output));
        require(_states[requestId].equals(failed), IOracleCoordinator.CallbackNotFailed(requestId));
        require(
            block.timestamp <= request_.deadline,
            IOracleCoordinator.FulfillmentRefused(requestId, Refusal.DeadlinePassed)
        );
        _states[requestId] = _endedState(request_.requestedAt);
        bool delivered = Callback.answerAgain(request_, requestId, status, answeredAt, output);
        require(delivered, IOracleCoordinator.CallbackFailedAgain(requestId));
        emit IOracleCoordinator.Delivered(requestId);
    }

    /// @dev `IOracleCoordinator.clearFailed`.
    function _clearFailed(Request calldata given) internal nonReentrant {
        (Request memory request_, bytes32 requestId) = Requests.load(given);
        require(_states[requestId].isFailed(), IOracleCoordinator.CallbackNotFailed(requestId));
        require(
            block.timestamp > request_.deadline,
            IOracleCoordinator.NotRefundable(requestId, request_.deadline)
        );
        _states[requestId] = RequestStates.NONE;
    }

    /// @dev `IOracleCoordinator.refund`.
    function _refund(Request calldata given) internal nonReentrant {
        (Request memory request_, bytes32 requestId) = Requests.load(given);
        RequestState state = _pendingState(requestId);
        uint256 openUntil = request_.deadline;
        uint256 cancelAt = state.cancelAt();
        if (cancelAt != 0 && cancelAt <= openUntil) openUntil = cancelAt - 1;
        if (state.committedAt() != 0) {
            // Openings show answers to everybody: who has read them must not take the money back meanwhile, nor before those that opened
            // could be settled, which is only when openings have ended.
            QuorumHead memory head = _quorums[requestId].head;
            uint256 heldUntil = _openingsEndAt(head.windowEndsAt);
            if (head.openedBits != 0) heldUntil += OPENING_SECONDS;
            if (heldUntil > openUntil) openUntil = heldUntil;
        }
        require(block.timestamp > openUntil, IOracleCoordinator.NotRefundable(requestId, openUntil));
        _states[requestId] = _endedState(request_.requestedAt);
        uint256 escrow = state.escrow();
        if (request_.subscriptionId != 0) _credit(request_.subscriptionId, escrow);
        else _credits[request_.refundTo] += escrow;
        emit IOracleCoordinator.Refunded(requestId, escrow);
        if (request_.delivery == Delivery.Callback) Callback.refund(request_, requestId);
    }

    /// @dev `IOracleCoordinator.cancel`.
    function _cancel(Request calldata request_) internal {
        require(
            msg.sender == request_.consumer || msg.sender == request_.payer,
            IOracleCoordinator.NotAuthorized(msg.sender)
        );
        (, bytes32 requestId) = Requests.load(request_);
        RequestState state = _pendingState(requestId);
        require(state.cancelAt() == 0, IOracleCoordinator.CancelAlreadyNoticed(requestId));
        uint40 effectiveAt = uint40(block.timestamp) + CANCEL_DELAY;
        _states[requestId] = state.withCancelAt(effectiveAt);
        emit IOracleCoordinator.CancelNoticed(requestId, effectiveAt);
    }
}
