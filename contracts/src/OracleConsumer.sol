// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IOracleConsumer } from "./interfaces/IOracleConsumer.sol";
import { IOracleCoordinator } from "./interfaces/IOracleCoordinator.sol";
import { AnswerStatus } from "./types/Answer.sol";
import { Aggregation, Delivery, RequestTerms } from "./types/Request.sol";

/// @title OracleConsumer
/// @notice Inherit this to ask and be answered.
/// @dev Establishes: `_onAnswer` runs only when the coordinator calls.
/// @dev Does not establish: that a requestId is one of yours; look it up before you act on it.
/// @dev Warning: keep `_onAnswer` cheap and free of reverts. It runs once, with exactly the gas asked for; what it reverts is
/// lost, though the answer stays in the transaction's calldata.
abstract contract OracleConsumer is IOracleConsumer {
    /// @notice Thrown when somebody but the coordinator brings an answer.
    error NotCoordinator(address caller);

    uint32 private constant DEFAULT_CALLBACK_GAS = 200_000;
    uint32 private constant DEFAULT_MAX_OUTPUT_BYTES = 1_024;
    /// @dev Time for confirmations, a slow model and a second node.
    uint64 private constant DEFAULT_LIFETIME_SECONDS = 1 hours;

    /// @notice The coordinator that this contract asks and believes.
    IOracleCoordinator public immutable COORDINATOR;

    constructor(IOracleCoordinator coordinator) {
        COORDINATOR = coordinator;
    }

    /// @inheritdoc IOracleConsumer
    function onAnswer(bytes32 requestId, AnswerStatus status, bytes calldata output) external {
        require(msg.sender == address(COORDINATOR), NotCoordinator(msg.sender));
        _onAnswer(requestId, status, output);
    }

    /// @notice Your part: receives the answer.
    /// @param output Decode it only when `status` is `Ok`; it is empty otherwise.
    function _onAnswer(bytes32 requestId, AnswerStatus status, bytes calldata output) internal virtual;

    /// @notice Terms to start from: one answer by callback, gas repaid up to twice today's price, everything not spent
    /// credited to the caller of this transaction's contract (`msg.sender`).
    /// @param fee Wei for the model's work; a node quotes it.
    function _terms(bytes32 policyId, uint128 fee) internal view returns (RequestTerms memory) {
        return RequestTerms({
            payer: msg.sender,
            refundTo: msg.sender,
            subscriptionId: 0,
            policyId: policyId,
            threshold: 1,
            aggregation: Aggregation.First,
            delivery: Delivery.Callback,
            callbackGasLimit: DEFAULT_CALLBACK_GAS,
            maxOutputBytes: DEFAULT_MAX_OUTPUT_BYTES,
            fee: fee,
            gasPriceCap: uint64(2 * tx.gasprice),
            deadline: uint64(block.timestamp) + DEFAULT_LIFETIME_SECONDS
        });
    }

    /// @notice Asks and pays with `value` of this contract's money (often `msg.value`).
    /// @dev Establishes: the returned id commits to `terms` and `payload`. What `value` exceeds the costs by comes back.
    function _request(RequestTerms memory terms, bytes memory payload, uint256 value)
        internal
        returns (bytes32 requestId)
    {
        return COORDINATOR.request{ value: value }(terms, payload);
    }

    /// @notice As `_request`, with a payload that lies at `uri` (https or ipfs).
    function _requestByUri(RequestTerms memory terms, bytes32 payloadHash, string memory uri, uint256 value)
        internal
        returns (bytes32 requestId)
    {
        return COORDINATOR.requestByUri{ value: value }(terms, payloadHash, uri);
    }
}
