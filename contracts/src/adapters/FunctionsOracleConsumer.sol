// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { IOracleConsumer } from "../interfaces/IOracleConsumer.sol";
import { Answer, AnswerStatus } from "../types/Answer.sol";
import { FunctionsAnswers } from "./FunctionsAnswers.sol";
import { FunctionsRequest, FunctionsRequests, SecretsLocation } from "./FunctionsRequests.sol";
import { FunctionsScript } from "./FunctionsScript.sol";
import { IFunctionsOracleConsumer } from "./IFunctionsOracleConsumer.sol";
import { IFunctionsRouter } from "./IFunctionsRouter.sol";

/// @notice How a question travels.
/// @param subscriptionId Functions subscription that pays the nodes; it must list this contract.
/// @param donId Which network of nodes.
/// @param callbackGasLimit Gas for checking the answer (about 60,000) and for `_onAnswer`.
/// @param maxOutputBytes Longest output accepted.
/// @param lifetimeSeconds How long an answer is waited for, and so how old it can be; an enclave takes up to 7 days.
/// @param secretsLocation Where the nodes find the enclave's URL and the credential for it.
/// @param secretsReference What the toolkit makes of them: encrypted URLs, or slot and version on the nodes.
struct FunctionsTerms {
    uint64 subscriptionId;
    bytes32 donId;
    uint32 callbackGasLimit;
    uint32 maxOutputBytes;
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
abstract contract FunctionsOracleConsumer is IFunctionsOracleConsumer, IOracleConsumer {
    struct Question {
        uint40 askedAt;
        uint40 deadline;
        uint32 policyVersion;
        // An answer was accepted whose output is still to come; its hash is in `_outputHashes`.
        bool isOutputAwaited;
    }

    /// @dev Version of the CBOR form of a Functions request.
    uint16 private constant DATA_VERSION = 1;
    /// @dev How far an enclave's clock and a block's time may be apart: the enclave takes a median of hosts, and a block may be
    /// stamped a slot or more before or after it is made.
    uint64 private constant CLOCK_TOLERANCE_SECONDS = 5 minutes;

    /// @notice The router that this contract asks.
    IFunctionsRouter public immutable ROUTER;
    /// @notice Where keys are admitted by their evidence.
    IEnclaveRegistry public immutable ENCLAVES;
    /// @notice The appraisal policy that an answering enclave must be admitted under.
    bytes32 public immutable POLICY_ID;

    uint256 private _nextNonce;
    mapping(bytes32 functionsRequestId => bytes32 requestId) private _requestIds;
    mapping(bytes32 requestId => Question) private _questions;
    mapping(bytes32 requestId => bytes32) private _outputHashes;

    constructor(IFunctionsRouter router, IEnclaveRegistry enclaves, bytes32 policyId) {
        ROUTER = router;
        ENCLAVES = enclaves;
        POLICY_ID = policyId;
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

    /// @inheritdoc IFunctionsOracleConsumer
    function relay(bytes32 requestId, bytes calldata response) external {
        _accept(requestId, response);
    }

    /// @inheritdoc IFunctionsOracleConsumer
    function deliver(bytes32 requestId, bytes calldata output) external {
        require(_questions[requestId].isOutputAwaited, OutputNotAwaited(requestId));
        _requireOutputHash(requestId, keccak256(output));
        delete _questions[requestId];
        delete _outputHashes[requestId];
        _onAnswer(requestId, AnswerStatus.Ok, output);
    }

    /// @inheritdoc IOracleConsumer
    /// @dev Only this contract calls it: an unpacked output lies in memory, and `_onAnswer` takes calldata.
    function onAnswer(bytes32 requestId, AnswerStatus status, bytes calldata output) external {
        require(msg.sender == address(this), NotSelf(msg.sender));
        _onAnswer(requestId, status, output);
    }

    /// @notice Your part: receives the answer.
    /// @param output Decode it only when `status` is `Ok`; it is empty otherwise.
    function _onAnswer(bytes32 requestId, AnswerStatus status, bytes calldata output) internal virtual;

    /// @notice Yours if you want it: the nodes brought an error. The question is still open until its deadline; the enclave may
    /// have answered it all the same, and `relay` brings that.
    /// @dev Warning: `err` is the nodes' word, signed by no enclave. Nothing may depend on it but a new attempt.
    function _onTransportFailure(bytes32 requestId, bytes calldata err) internal virtual { }

    /// @notice Asks, once, under the policy as it is now.
    /// @dev Establishes: the returned id commits to chain, contract, nonce, payload, policy and deadline.
    function _request(FunctionsTerms memory terms, bytes memory payload)
        internal
        returns (bytes32 requestId)
    {
        FunctionsRequest memory request = FunctionsRequest({
            chainId: block.chainid,
            consumer: address(this),
            nonce: _nextNonce++,
            payloadHash: keccak256(payload),
            policyId: POLICY_ID,
            policyVersion: ENCLAVES.POLICIES().head(POLICY_ID).version,
            maxOutputBytes: terms.maxOutputBytes,
            deadline: uint64(block.timestamp) + terms.lifetimeSeconds
        });
        requestId = FunctionsRequests.id(request);
        _questions[requestId] = Question({
            askedAt: uint40(block.timestamp),
            deadline: uint40(request.deadline),
            policyVersion: request.policyVersion,
            isOutputAwaited: false
        });
        _send(terms, requestId, request.deadline, FunctionsRequests.call(request, payload));
    }

    function _send(FunctionsTerms memory terms, bytes32 requestId, uint64 deadline, bytes memory call)
        private
    {
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

    function _accept(bytes32 requestId, bytes calldata response) private {
        (uint8 form, bytes calldata tail) = FunctionsAnswers.split(response);
        bytes memory unpacked;
        bytes32 outputHash;
        if (form == FunctionsAnswers.FORM_PACKED) {
            unpacked = FunctionsAnswers.unpack(tail);
            outputHash = keccak256(unpacked);
        } else {
            outputHash = form == FunctionsAnswers.FORM_HASH ? bytes32(tail) : keccak256(tail);
        }
        Answer memory answer = FunctionsAnswers.answerOf(requestId, response, outputHash);
        bool isOutputAwaited = _check(answer, response);
        // The form is not signed: whoever brings an answer that is not ok must not bring it by hash, to be delivered as ok.
        require(
            answer.status == AnswerStatus.Ok || (form == FunctionsAnswers.FORM_INLINE && tail.length == 0),
            OutputUnexpected(requestId)
        );
        // Nor may somebody who brings a hash keep out the nodes, who bring the output.
        if (isOutputAwaited) _requireOutputHash(requestId, outputHash);
        emit AnswerAccepted(requestId, answer.keysetId, outputHash, answer.transcriptRoot);

        if (form == FunctionsAnswers.FORM_HASH) {
            _questions[requestId].isOutputAwaited = true;
            _outputHashes[requestId] = outputHash;
            emit OutputAwaited(requestId, outputHash);
            return;
        }
        // Deleted before the consumer acts: whatever it calls, this question is answered.
        delete _questions[requestId];
        if (isOutputAwaited) delete _outputHashes[requestId];
        if (form == FunctionsAnswers.FORM_INLINE) _onAnswer(requestId, answer.status, tail);
        else this.onAnswer(requestId, answer.status, unpacked);
    }

    function _requireOutputHash(bytes32 requestId, bytes32 actual) private view {
        bytes32 expected = _outputHashes[requestId];
        require(actual == expected, OutputMismatch(requestId, expected, actual));
    }

    /// @dev Reverts unless an admitted key signed this answer to a question that is open, in time.
    function _check(Answer memory answer, bytes calldata response)
        private
        view
        returns (bool isOutputAwaited)
    {
        Question memory question = _questions[answer.requestId];
        require(question.askedAt != 0, QuestionNotPending(answer.requestId));
        require(block.timestamp <= question.deadline, AnswerExpired(answer.requestId, question.deadline));
        require(
            answer.answeredAt + CLOCK_TOLERANCE_SECONDS >= question.askedAt
                && answer.answeredAt <= block.timestamp + CLOCK_TOLERANCE_SECONDS,
            AnswerTimeUnacceptable(answer.requestId, answer.answeredAt)
        );
        address signer = FunctionsAnswers.recover(answer, response, block.chainid, address(this));
        // Reverts with the condition that is not met. The payee is no concern here: subscriptions pay this road.
        ENCLAVES.payeeOf(POLICY_ID, question.policyVersion, question.askedAt, answer.keysetId, signer);
        return question.isOutputAwaited;
    }
}
