// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerStatus } from "../types/Answer.sol";

/// @notice All that the chain keeps of a request: one slot under its requestId, which itself commits to every parameter.
///
/// | bits | pending | answered by hash |
/// |---|---|---|
/// | 248–255 | 1 | 2 |
/// | 152–247 | escrow, wei | upper 248 bits of the hash |
/// | 112–151 | time of the request | … |
/// | 72–111 | time when a cancellation takes effect, 0: none | … |
/// | 0–71 | zero | … |
type RequestState is uint256;

using RequestStates for RequestState global;

library RequestStates {
    RequestState internal constant NONE = RequestState.wrap(0);

    uint256 private constant PENDING = 1;
    uint256 private constant ANSWERED = 2;

    function newPending(uint96 escrow_, uint40 requestedAt_) internal pure returns (RequestState) {
        return
            RequestState.wrap((PENDING << 248) | (uint256(escrow_) << 152) | (uint256(requestedAt_) << 112));
    }

    function newAnswered(AnswerStatus status, bytes32 outputHash) internal pure returns (RequestState) {
        return
            RequestState.wrap((ANSWERED << 248) | (uint256(keccak256(abi.encode(status, outputHash))) >> 8));
    }

    function withCancelAt(RequestState state, uint40 cancelAt_) internal pure returns (RequestState) {
        return RequestState.wrap(RequestState.unwrap(state) | (uint256(cancelAt_) << 72));
    }

    function isPending(RequestState state) internal pure returns (bool) {
        return RequestState.unwrap(state) >> 248 == PENDING;
    }

    function equals(RequestState state, RequestState other) internal pure returns (bool) {
        return RequestState.unwrap(state) == RequestState.unwrap(other);
    }

    function escrow(RequestState state) internal pure returns (uint96) {
        return uint96(RequestState.unwrap(state) >> 152);
    }

    function requestedAt(RequestState state) internal pure returns (uint40) {
        return uint40(RequestState.unwrap(state) >> 112);
    }

    function cancelAt(RequestState state) internal pure returns (uint40) {
        return uint40(RequestState.unwrap(state) >> 72);
    }
}
