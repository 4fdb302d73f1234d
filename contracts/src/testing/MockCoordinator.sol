// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleCoordinator, Refusal } from "../interfaces/IOracleCoordinator.sol";
import { Callback } from "../libraries/Callback.sol";
import { SettlementGas } from "../libraries/SettlementGas.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Delivery, Request, Requests, RequestTerms } from "../types/Request.sol";

/// @title MockCoordinator
/// @notice Stands in for the coordinator in the tests of your consumer: `new YourConsumer(mock.asCoordinator(), …)`.
/// You say what is answered, and when; nothing is signed and no gas is charged, so a fee goes back whole unless the answer is `Ok`.
/// @dev Establishes: the callback arrives as from the real coordinator: same caller check, same gas, same containment, once.
/// @dev Warning: for tests only. It believes whoever calls it.
contract MockCoordinator {
    /// @notice As the real coordinator's event.
    event Requested(
        bytes32 indexed requestId,
        address indexed consumer,
        bytes32 indexed policyId,
        Request request,
        bytes payload,
        string payloadUri
    );

    /// @notice The request made last.
    bytes32 public lastRequestId;
    /// @notice What an account would be able to withdraw.
    mapping(address account => uint256) public creditOf;

    mapping(bytes32 requestId => Request) private _requests;
    mapping(bytes32 requestId => bytes) private _payloads;
    mapping(bytes32 requestId => uint256) private _escrows;
    mapping(bytes32 requestId => bool) private _isPending;
    uint256 private _nonce;

    /// @notice This mock under the type that consumers take.
    function asCoordinator() external view returns (IOracleCoordinator) {
        return IOracleCoordinator(address(this));
    }

    /// @notice As the real one.
    function request(RequestTerms calldata terms, bytes calldata payload)
        external
        payable
        returns (bytes32 requestId)
    {
        requestId = _open(terms, keccak256(payload), 0);
        _payloads[requestId] = payload;
        emit Requested(requestId, msg.sender, terms.policyId, _requests[requestId], payload, "");
    }

    /// @notice As the real one.
    function requestByUri(RequestTerms calldata terms, bytes32 payloadHash, string calldata uri)
        external
        payable
        returns (bytes32 requestId)
    {
        requestId = _open(terms, payloadHash, keccak256(bytes(uri)));
        emit Requested(requestId, msg.sender, terms.policyId, _requests[requestId], "", uri);
    }

    /// @notice Brings an `Ok` answer. Reverts when it comes late, as the real one.
    /// @return delivered Whether the callback returned without reverting.
    function answer(bytes32 requestId, bytes memory output) external returns (bool delivered) {
        return _settle(requestId, AnswerStatus.Ok, output);
    }

    /// @notice Brings an answer of another status, whose output is empty.
    function answerStatus(bytes32 requestId, AnswerStatus status) external returns (bool delivered) {
        require(
            status != AnswerStatus.Ok && status != AnswerStatus.Unset,
            IOracleCoordinator.FulfillmentRefused(requestId, Refusal.StatusInvalid)
        );
        return _settle(requestId, status, "");
    }

    /// @notice Nobody answered: gives the escrow back. Reverts until the deadline is past, as the real one.
    function expire(bytes32 requestId) external {
        Request memory request_ = _requests[requestId];
        require(_isPending[requestId], IOracleCoordinator.RequestNotPending(requestId));
        require(
            block.timestamp > request_.deadline,
            IOracleCoordinator.NotRefundable(requestId, request_.deadline)
        );
        _isPending[requestId] = false;
        creditOf[request_.refundTo] += _escrows[requestId];
    }

    /// @notice As the real one.
    function withdraw(address account) external {
        uint256 amount = creditOf[account];
        creditOf[account] = 0;
        (bool succeeded,) = account.call{ value: amount }("");
        require(succeeded, IOracleCoordinator.WithdrawalFailed(account));
    }

    /// @notice As the real one.
    function requiredEscrow(RequestTerms calldata terms) external pure returns (uint256) {
        return _requiredEscrow(terms);
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
        return _isPending[requestId];
    }

    function _open(RequestTerms calldata terms, bytes32 payloadHash, bytes32 uriHash)
        private
        returns (bytes32 requestId)
    {
        uint256 required = _requiredEscrow(terms);
        require(msg.value >= required, IOracleCoordinator.EscrowTooSmall(required, msg.value));
        require(terms.refundTo != address(0), IOracleCoordinator.TermInvalid("refundTo"));
        require(terms.deadline > block.timestamp, IOracleCoordinator.TermInvalid("deadline"));
        Request memory created = Request({
            chainId: block.chainid,
            coordinator: address(this),
            consumer: msg.sender,
            nonce: ++_nonce,
            payer: terms.payer == address(0) ? msg.sender : terms.payer,
            refundTo: terms.refundTo,
            subscriptionId: terms.subscriptionId,
            payloadHash: payloadHash,
            payloadUriHash: uriHash,
            policyId: terms.policyId,
            policyVersion: 1,
            threshold: terms.threshold,
            aggregation: terms.aggregation,
            delivery: terms.delivery,
            callbackGasLimit: terms.callbackGasLimit,
            maxOutputBytes: terms.maxOutputBytes,
            fee: terms.fee,
            gasPriceCap: terms.gasPriceCap,
            deadline: terms.deadline
        });
        requestId = Requests.id(created);
        lastRequestId = requestId;
        _requests[requestId] = created;
        _escrows[requestId] = msg.value;
        _isPending[requestId] = true;
    }

    function _settle(bytes32 requestId, AnswerStatus status, bytes memory output)
        private
        returns (bool delivered)
    {
        Request memory request_ = _requests[requestId];
        require(_isPending[requestId], IOracleCoordinator.FulfillmentRefused(requestId, Refusal.NotPending));
        require(
            block.timestamp <= request_.deadline,
            IOracleCoordinator.FulfillmentRefused(requestId, Refusal.DeadlinePassed)
        );
        require(
            output.length <= request_.maxOutputBytes,
            IOracleCoordinator.FulfillmentRefused(requestId, Refusal.OutputTooLarge)
        );
        _isPending[requestId] = false;
        if (request_.subscriptionId == 0) {
            uint256 paid = status == AnswerStatus.Ok ? request_.fee : 0;
            creditOf[request_.refundTo] += _escrows[requestId] - paid;
        }
        if (request_.delivery != Delivery.Callback) return true;
        return Callback.deliver(request_.consumer, request_.callbackGasLimit, requestId, status, output);
    }

    function _requiredEscrow(RequestTerms calldata terms) private pure returns (uint256) {
        // A subscription pays for itself on the real coordinator.
        if (terms.subscriptionId != 0) return 0;
        return terms.fee + SettlementGas.estimate(terms) * terms.gasPriceCap;
    }
}
