// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Candidate, Candidates } from "../coordinator/Candidate.sol";
import { RefundsAndRedeliveries } from "../coordinator/RefundsAndRedeliveries.sol";
import { RequestBook } from "../coordinator/RequestBook.sol";
import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import {
    BatchItem,
    IOracleCoordinator,
    Opening,
    QuorumMember,
    Refusal,
    SignedAnswer,
    SignedLeaf
} from "../interfaces/IOracleCoordinator.sol";
import { Callback } from "../libraries/Callback.sol";
import { RequestState, RequestStates } from "../libraries/RequestState.sol";
import { Answers, AnswerStatus } from "../types/Answer.sol";
import { Delivery, Request, RequestTerms } from "../types/Request.sol";

/// @title MockCoordinator
/// @notice Stands in for the coordinator in the tests of your consumer: `new YourConsumer(mock.asCoordinator(), …)`.
/// You say what is answered, and when; nothing is signed and no gas is charged, so all but the fee of an `Ok` answer comes back.
/// @dev Establishes: it is asked as the real coordinator is, by the same code, and refuses what that refuses; the callback arrives
/// with the same caller, gas and containment; refunds, cancellations, subscriptions and second deliveries are the real ones'.
/// @dev Warning: for tests only. It believes whoever calls it.
contract MockCoordinator is RequestBook, RefundsAndRedeliveries {
    /// @notice Thrown by the functions that settle with signed answers: use `answer`, `answerStatus` or `answerAt`.
    error NothingIsSignedHere();

    /// @notice Who earns the fees.
    address public constant PAYEE = address(uint160(uint256(keccak256("payee of the mock coordinator"))));

    uint32 private constant FALLBACK_SECONDS = 120;
    uint32 private constant CANCEL_SECONDS = 900;

    /// @notice The request made last.
    bytes32 public lastRequestId;

    mapping(bytes32 requestId => Request) private _requests;
    mapping(bytes32 requestId => bytes) private _payloads;

    constructor()
        RequestBook(
            IEnclaveRegistry(address(this)),
            IChainAdapter(address(0)),
            address(0),
            FALLBACK_SECONDS,
            CANCEL_SECONDS
        )
    { }

    /// @notice This mock under the type that consumers take.
    function asCoordinator() external view returns (IOracleCoordinator) {
        return IOracleCoordinator(address(this));
    }

    /// @notice The mock is its own registry as far as consumers ask one: it knows every policy but zero.
    function versionOf(bytes32 policyId) external pure returns (uint32) {
        return policyId == 0 ? 0 : 1;
    }

    /// @notice Brings an `Ok` answer, given now. Reverts where the real one does: too late, too long.
    /// @return delivered Whether the callback returned without reverting; if not, `deliver` makes it again.
    function answer(bytes32 requestId, bytes calldata output) external returns (bool delivered) {
        return _answer(requestId, AnswerStatus.Ok, uint64(block.timestamp), output);
    }

    /// @notice Brings an answer of another status, whose output is empty. `UpstreamFailed`, `InvalidRequest` and `ClockUnknown` come
    /// only shortly before the deadline; `Disagreed` only where more than one answer was asked for.
    function answerStatus(bytes32 requestId, AnswerStatus status) external returns (bool delivered) {
        require(
            status != AnswerStatus.Ok, IOracleCoordinator.FulfillmentRefused(requestId, Refusal.StatusInvalid)
        );
        return _answer(requestId, status, uint64(block.timestamp), msg.data[0:0]);
    }

    /// @notice Brings an `Ok` answer that an enclave gave at `answeredAt`.
    function answerAt(bytes32 requestId, uint64 answeredAt, bytes calldata output)
        external
        returns (bool delivered)
    {
        return _answer(requestId, AnswerStatus.Ok, answeredAt, output);
    }

    /// @notice Nobody answered: gives the escrow back. Reverts until the deadline is past, as the real one.
    function expire(bytes32 requestId) external {
        this.refund(_requests[requestId]);
    }

    /// @inheritdoc IOracleCoordinator
    function deliver(Request calldata request_, AnswerStatus status, uint64 answeredAt, bytes calldata output)
        external
    {
        _deliverAgain(request_, status, answeredAt, output);
    }

    /// @inheritdoc IOracleCoordinator
    function clearFailed(Request calldata request_) external {
        _clearFailed(request_);
    }

    /// @inheritdoc IOracleCoordinator
    function refund(Request calldata request_) external {
        _refund(request_);
    }

    /// @inheritdoc IOracleCoordinator
    function cancel(Request calldata request_) external {
        _cancel(request_);
    }

    /// @notice What was asked.
    function requestOf(bytes32 requestId) external view returns (Request memory) {
        return _requests[requestId];
    }

    /// @notice The payload of a request; empty when it travelled by URI.
    function payloadOf(bytes32 requestId) external view returns (bytes memory) {
        return _payloads[requestId];
    }

    /// @notice Whether a request still waits.
    function isPending(bytes32 requestId) external view returns (bool) {
        return _states[requestId].isPending();
    }

    /// @inheritdoc IOracleCoordinator
    function fulfill(Request calldata, SignedAnswer calldata) external pure {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillPacked(bytes32, bytes32, bytes32, bytes calldata) external pure {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillBatch(BatchItem[] calldata, bytes32, uint32, bytes32[][] calldata, bytes calldata)
        external
        pure
    {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillBatchPacked(bytes32, bytes32, bytes32, uint32, bytes calldata) external pure {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function commitQuorum(Request calldata, SignedLeaf[] calldata) external pure {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function openQuorum(Request calldata, Opening[] calldata) external pure {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function fulfillQuorum(Request calldata, SignedLeaf[] calldata, Opening[] calldata) external pure {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function clearQuorum(Request calldata) external pure {
        revert NothingIsSignedHere();
    }

    /// @inheritdoc IOracleCoordinator
    function quorumOf(bytes32) external pure returns (QuorumMember[] memory members, uint40, uint40) {
        return (members, 0, 0);
    }

    /// @inheritdoc RequestBook
    function _keep(Candidate created, bytes calldata payload) internal override {
        bytes32 requestId = created.requestId();
        lastRequestId = requestId;
        _requests[requestId] = created.requestOf();
        _payloads[requestId] = payload;
    }

    function _answer(bytes32 requestId, AnswerStatus status, uint64 answeredAt, bytes calldata output)
        private
        nonReentrant
        returns (bool delivered)
    {
        Request memory request_ = _requests[requestId];
        Candidate candidate = Candidates.ofRequest(request_);
        RequestState state = _states[requestId];
        Refusal refusal = _requestRefusal(candidate, state);
        if (refusal == Refusal.None) refusal = _statusRefusal(request_, status, answeredAt, output.length);
        require(refusal == Refusal.None, IOracleCoordinator.FulfillmentRefused(requestId, refusal));

        bytes32 outputHash = keccak256(output);
        _states[requestId] = _settledState(candidate, state, status, answeredAt, outputHash);
        delivered = true;
        if (request_.delivery == Delivery.Callback) {
            delivered = Callback.answer(candidate, status, answeredAt, output);
            if (!delivered) _states[requestId] = RequestStates.newFailed(status, answeredAt, outputHash);
        }
        uint256 paid = Answers.earnsFee(status) ? request_.fee : 0;
        _credits[PAYEE] += paid;
        _giveBack(candidate, state.escrow() - paid);
        emit Fulfilled(requestId, 0, status, answeredAt, outputHash, delivered, paid);
    }

    function _statusRefusal(
        Request memory request_,
        AnswerStatus status,
        uint64 answeredAt,
        uint256 outputBytes
    ) private view returns (Refusal) {
        bool isDisagreement = status == AnswerStatus.Disagreed && request_.threshold > 1;
        if (!Answers.isSigned(status) && !isDisagreement) return Refusal.StatusInvalid;
        if (Answers.isLastResort(status) && block.timestamp + FALLBACK_WINDOW < request_.deadline) {
            return Refusal.FallbackWindowNotReached;
        }
        if (outputBytes > request_.maxOutputBytes) return Refusal.OutputTooLarge;
        if (!Answers.isTimely(status, answeredAt, request_.requestedAt)) {
            return Refusal.AnsweredAtOutOfRange;
        }
        return Refusal.None;
    }
}
