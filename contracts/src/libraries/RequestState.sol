// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { AnswerStatus } from "../types/Answer.sol";

/// @notice All that the chain keeps of a request, a quorum's members apart: one slot under its requestId, which itself commits to
/// every parameter.
///
/// | bits | 1 pending | 2 answered by hash, 3 callback failed | 4 pulled | 5 taken |
/// |---|---|---|---|---|
/// | 248–255 | 1 | 2 or 3 | 4 | 5 |
/// | 152–247 | escrow, wei | upper 248 bits of the answer's hash | zero | zero |
/// | 104–151 | number of the request's block | … | the same | zero |
/// | 64–103 | time when a cancellation takes effect, 0: none | … | zero | zero |
/// | 24–63 | time of the quorum's `threshold`-th member, 0: none | … | zero | zero |
/// | 0–23 | zero | … | zero | zero |
///
/// Zero: never asked, or ended and forgotten. `taken` is a request that ended in the second of its making: were its id free, the
/// same question asked again in that second would get it too.
type RequestState is uint256;

using RequestStates for RequestState global;

library RequestStates {
    RequestState internal constant NONE = RequestState.wrap(0);
    RequestState internal constant TAKEN = RequestState.wrap(5 << 248);

    uint256 private constant PENDING = 1;
    uint256 private constant ANSWERED = 2;
    uint256 private constant FAILED = 3;
    uint256 private constant PULLED = 4;

    function newPending(uint96 escrow_, uint48 requestBlock_) internal pure returns (RequestState) {
        return
            RequestState.wrap((PENDING << 248) | (uint256(escrow_) << 152) | (uint256(requestBlock_) << 104));
    }

    function newAnswered(AnswerStatus status, uint64 answeredAt, bytes32 outputHash)
        internal
        pure
        returns (RequestState)
    {
        return RequestState.wrap((ANSWERED << 248) | _answerHash(status, answeredAt, outputHash));
    }

    function newFailed(AnswerStatus status, uint64 answeredAt, bytes32 outputHash)
        internal
        pure
        returns (RequestState)
    {
        return RequestState.wrap((FAILED << 248) | _answerHash(status, answeredAt, outputHash));
    }

    /// @notice What is left of a pending request whose answer is pulled.
    function pulled(RequestState state) internal pure returns (RequestState) {
        return RequestState.wrap((PULLED << 248) | (uint256(state.requestBlock()) << 104));
    }

    function withCancelAt(RequestState state, uint40 cancelAt_) internal pure returns (RequestState) {
        return RequestState.wrap(RequestState.unwrap(state) | (uint256(cancelAt_) << 64));
    }

    /// @notice Zero takes it back.
    function withCommittedAt(RequestState state, uint40 committedAt_) internal pure returns (RequestState) {
        uint256 others = RequestState.unwrap(state) & ~(uint256(type(uint40).max) << 24);
        return RequestState.wrap(others | (uint256(committedAt_) << 24));
    }

    function isNone(RequestState state) internal pure returns (bool) {
        return RequestState.unwrap(state) == 0;
    }

    function isPending(RequestState state) internal pure returns (bool) {
        return RequestState.unwrap(state) >> 248 == PENDING;
    }

    function isFailed(RequestState state) internal pure returns (bool) {
        return RequestState.unwrap(state) >> 248 == FAILED;
    }

    function isPulled(RequestState state) internal pure returns (bool) {
        return RequestState.unwrap(state) >> 248 == PULLED;
    }

    function equals(RequestState state, RequestState other) internal pure returns (bool) {
        return RequestState.unwrap(state) == RequestState.unwrap(other);
    }

    function escrow(RequestState state) internal pure returns (uint96) {
        return uint96(RequestState.unwrap(state) >> 152);
    }

    function requestBlock(RequestState state) internal pure returns (uint48) {
        return uint48(RequestState.unwrap(state) >> 104);
    }

    function cancelAt(RequestState state) internal pure returns (uint40) {
        return uint40(RequestState.unwrap(state) >> 64);
    }

    function committedAt(RequestState state) internal pure returns (uint40) {
        return uint40(RequestState.unwrap(state) >> 24);
    }

    function _answerHash(AnswerStatus status, uint64 answeredAt, bytes32 outputHash)
        private
        pure
        returns (uint256)
    {
        return uint256(keccak256(abi.encode(status, answeredAt, outputHash))) >> 8;
    }
}
