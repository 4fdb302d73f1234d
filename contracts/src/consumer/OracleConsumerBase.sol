// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleConsumer } from "../interfaces/IOracleConsumer.sol";
import { IOracleCoordinator } from "../interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "../types/Answer.sol";
import { Aggregation, Delivery, RequestTerms } from "../types/Request.sol";

/// @title OracleConsumerBase
/// @notice What every consumer does, wherever it keeps its coordinator. Inherit `OracleConsumer`, `ReplaceableOracleConsumer` or
/// `OracleConsumerUpgradeable`.
/// @dev Establishes: `_onAnswer` and `_onRefund` run only when a believed coordinator calls, which it does only for requests that
/// this contract made.
abstract contract OracleConsumerBase is IOracleConsumer {
    /// @notice Thrown when somebody but the coordinator brings an answer or a refund.
    error NotCoordinator(address caller);
    /// @notice Thrown when the coordinator's registry has no such policy: nobody could answer under it.
    error PolicyUnknown(bytes32 policyId);

    uint24 private constant DEFAULT_MAX_OUTPUT_BYTES = 1_024;
    /// @dev A callback that keeps a status and an output and emits them: a new slot for each word of the output …
    uint256 private constant CALLBACK_GAS_PER_WORD = 23_000;
    /// @dev … and two more, for the status and the length.
    uint256 private constant CALLBACK_BASE_GAS = 100_000;
    /// @dev Time for confirmations, a slow model and a second node.
    uint40 private constant DEFAULT_LIFETIME_SECONDS = 1 hours;

    /// @inheritdoc IOracleConsumer
    function onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) external {
        require(_isBelieved(msg.sender), NotCoordinator(msg.sender));
        _onAnswer(requestId, context, status, answeredAt, output);
    }

    /// @inheritdoc IOracleConsumer
    function onRefund(bytes32 requestId, bytes32 context) external {
        require(_isBelieved(msg.sender), NotCoordinator(msg.sender));
        _onRefund(requestId, context);
    }

    /// @notice Your part: receives the answer.
    /// @dev Warning: keep it within the gas that the request named. A call that reverts can be made again by anyone until the
    /// deadline, with at least that gas; who can make it revert chooses when it succeeds, so judge an answer by `answeredAt`.
    /// @param context What the request's terms said.
    /// @param answeredAt Seconds since the epoch.
    /// @param output Decode it only when `status` is `Ok`; it is empty otherwise.
    function _onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal virtual;

    /// @notice Yours if you want it: the request ended without an answer, and its escrow was given back.
    function _onRefund(bytes32 requestId, bytes32 context) internal virtual { }

    /// @dev Whom this contract asks.
    function _coordinator() internal view virtual returns (IOracleCoordinator);

    /// @dev The policy that this contract asks under.
    function _policyId() internal view virtual returns (bytes32);

    /// @dev Whose answers this contract believes.
    function _isBelieved(address caller) internal view virtual returns (bool) {
        return caller == address(_coordinator());
    }

    /// @notice Terms to start from: one answer of at most 1,024 bytes by callback within an hour, with gas to keep all of it.
    /// @param fee Wei for the model's work; a node quotes it.
    function _terms(uint96 fee) internal view returns (RequestTerms memory) {
        return _terms(fee, DEFAULT_MAX_OUTPUT_BYTES);
    }

    /// @notice As above, for outputs of another length.
    /// @dev Gas is repaid up to twice today's base fee and 2 gwei; today's price of this transaction says nothing, as its sender
    /// chooses it. A coordinator takes 5,000,000 gas for a callback: above some 6,800 bytes keep a hash, and set `callbackGasLimit`
    /// yourself. `payer` and `refundTo` are left for `_request` to fill in.
    function _terms(uint96 fee, uint24 maxOutputBytes) internal view returns (RequestTerms memory) {
        uint256 gas = CALLBACK_BASE_GAS + CALLBACK_GAS_PER_WORD * ((uint256(maxOutputBytes) + 31) / 32);
        return RequestTerms({
            context: 0,
            payer: address(0),
            refundTo: address(0),
            subscriptionId: 0,
            policyId: _policyId(),
            threshold: 1,
            aggregation: Aggregation.First,
            delivery: Delivery.Callback,
            callbackGasLimit: uint32(gas < type(uint32).max ? gas : type(uint32).max),
            maxOutputBytes: maxOutputBytes,
            fee: fee,
            gasPriceCap: uint64(2 * block.basefee + 2 gwei),
            deadline: uint40(block.timestamp) + DEFAULT_LIFETIME_SECONDS
        });
    }

    /// @notice Asks and pays with `value` of this contract's money (often `msg.value`).
    /// @dev Establishes: the returned id commits to `terms` and `payload`. What `value` exceeds the costs by comes back to
    /// `terms.refundTo`; where that is zero, to the caller if its own value pays, else (a follow-up, a contract that pays) to this
    /// contract, whose `_withdrawCredit` takes it out. A zero `terms.payer`, who may cancel, becomes the same.
    function _request(RequestTerms memory terms, bytes memory payload, uint256 value)
        internal
        returns (bytes32 requestId)
    {
        _nameRefundee(terms, value);
        return _coordinator().request{ value: value }(terms, payload);
    }

    /// @notice As `_request`, with a payload that lies at `uri` (https or ipfs).
    function _requestByUri(RequestTerms memory terms, bytes32 payloadHash, string memory uri, uint256 value)
        internal
        returns (bytes32 requestId)
    {
        _nameRefundee(terms, value);
        return _coordinator().requestByUri{ value: value }(terms, payloadHash, uri);
    }

    /// @notice Takes out what the coordinator owes this contract; for contracts that cannot receive money, to somebody else.
    /// @dev Warning: yours to guard.
    function _withdrawCredit(address payable to) internal {
        _coordinator().withdrawTo(to);
    }

    function _requirePolicy(IOracleCoordinator coordinator, bytes32 policyId) internal view {
        require(coordinator.ENCLAVES().versionOf(policyId) != 0, PolicyUnknown(policyId));
    }

    function _nameRefundee(RequestTerms memory terms, uint256 value) private view {
        address payer = value != 0 && value <= msg.value ? msg.sender : address(this);
        if (terms.payer == address(0)) terms.payer = payer;
        if (terms.refundTo == address(0)) terms.refundTo = payer;
    }
}
