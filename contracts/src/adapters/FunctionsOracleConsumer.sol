// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
// For those who inherit: `_onAnswer` names it.
import { AnswerStatus } from "../types/Answer.sol";
import { EnclaveAnswers } from "./EnclaveAnswers.sol";
import { FunctionsRequests, SecretsLocation } from "./FunctionsRequests.sol";
import { FunctionsScript } from "./FunctionsScript.sol";
import { IFunctionsOracleConsumer } from "./IFunctionsOracleConsumer.sol";
import { IFunctionsRouter } from "./IFunctionsRouter.sol";

/// @notice How a question travels.
/// @param context Comes back with the answer, so that a consumer need not keep the requestId.
/// @param subscriptionId Functions subscription that pays the nodes; it must list this contract.
/// @param donId Which network of nodes.
/// @param callbackGasLimit Gas for checking the answer (about 65,000) and for `_onAnswer`.
/// @param maxOutputBytes Longest output accepted.
/// @param lifetimeSeconds How long an answer is waited for: more than `FALLBACK_WINDOW_SECONDS`, at most `MAX_LIFETIME_SECONDS`.
/// @param secretsLocation Where the nodes find the enclave's URL and the credential for it.
/// @param secretsReference What the toolkit makes of them: encrypted URLs, or slot and version on the nodes.
struct FunctionsTerms {
    bytes32 context;
    uint64 subscriptionId;
    bytes32 donId;
    uint32 callbackGasLimit;
    uint24 maxOutputBytes;
    uint32 lifetimeSeconds;
    SecretsLocation secretsLocation;
    bytes secretsReference;
}

/// @title FunctionsOracleConsumer
/// @notice Inherit this to ask through Chainlink Functions and to be answered by an enclave. `_onAnswer` is that of
/// `OracleConsumer`, so a contract changes road by changing its base.
/// @dev Establishes: `_onAnswer` runs once a question, with what an enclave signed for it; see `IFunctionsOracleConsumer.relay`.
/// @dev Does not establish: that an answer comes. Nodes, their operators and the enclave's host may all stay silent.
/// @dev Warning: keep `_onAnswer` cheap. What it reverts leaves the question open: `relay` may bring the answer again.
abstract contract FunctionsOracleConsumer is EnclaveAnswers, IFunctionsOracleConsumer {
    /// @dev Version of the CBOR form of a Functions request.
    uint16 private constant DATA_VERSION = 1;
    uint256 private constant MAX_RESPONSE_BYTES = 256;

    /// @notice The router that this contract asks.
    IFunctionsRouter public immutable ROUTER;

    mapping(bytes32 functionsRequestId => bytes32 requestId) private _requestIds;

    constructor(
        IFunctionsRouter router,
        IEnclaveRegistry enclaves,
        bytes32 policyId,
        uint32 fallbackWindowSeconds
    ) EnclaveAnswers(enclaves, policyId, fallbackWindowSeconds) {
        ROUTER = router;
    }

    /// @inheritdoc IFunctionsOracleConsumer
    function handleOracleFulfillment(bytes32 functionsRequestId, bytes calldata response, bytes calldata err)
        external
    {
        require(msg.sender == address(ROUTER), NotRouter(msg.sender));
        bytes32 requestId = _requestIds[functionsRequestId];
        require(requestId != 0, FunctionsRequestUnknown(functionsRequestId));
        delete _requestIds[functionsRequestId];
        if (err.length == 0) {
            _accept(requestId, response);
        } else {
            emit TransportFailed(requestId, err);
            _onTransportFailure(requestId, err);
        }
    }

    /// @notice Yours if you want it: the nodes brought an error. The question is still open until its deadline; the enclave may
    /// have answered it all the same, and `relay` brings that.
    /// @dev Warning: `err` is the nodes' word, signed by no enclave. Nothing may depend on it but a new attempt.
    function _onTransportFailure(bytes32 requestId, bytes calldata err) internal virtual { }

    /// @notice Asks, once.
    /// @dev Establishes: see `EnclaveAnswers._open`.
    /// @dev Warning: a simulated call returns another id than the transaction.
    function _request(FunctionsTerms memory terms, bytes memory payload)
        internal
        returns (bytes32 requestId)
    {
        uint40 deadline;
        bytes memory call;
        (requestId, deadline, call) =
            _open(terms.context, terms.maxOutputBytes, terms.lifetimeSeconds, payload);
        bytes32 functionsRequestId = ROUTER.sendRequest(
            terms.subscriptionId,
            FunctionsRequests.encodeCbor(
                FunctionsScript.SOURCE, terms.secretsLocation, terms.secretsReference, call
            ),
            DATA_VERSION,
            terms.callbackGasLimit,
            terms.donId
        );
        _requestIds[functionsRequestId] = requestId;
        emit QuestionAsked(requestId, functionsRequestId, deadline, call);
    }

    function _maxResponseBytes() internal pure override returns (uint256) {
        return MAX_RESPONSE_BYTES;
    }
}
