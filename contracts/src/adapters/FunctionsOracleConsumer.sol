// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { Chain } from "../libraries/Chain.sol";
import { Answer, Answers, AnswerStatus } from "../types/Answer.sol";
import { FunctionsAnswers } from "./FunctionsAnswers.sol";
import { FunctionsRequest, FunctionsRequests, SecretsLocation } from "./FunctionsRequests.sol";
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
abstract contract FunctionsOracleConsumer is IFunctionsOracleConsumer {
    /// @dev `context` is its own slot, written only where there is one.
    struct Question {
        uint40 requestedAt;
        uint40 deadline;
        uint64 requestBlock;
        bytes32 context;
    }

    /// @dev Version of the CBOR form of a Functions request.
    uint16 private constant DATA_VERSION = 1;
    uint256 private constant MAX_LIFETIME = 7 days;

    /// @notice The router that this contract asks.
    IFunctionsRouter public immutable ROUTER;
    /// @notice Where keys are admitted by their evidence.
    IEnclaveRegistry public immutable ENCLAVES;
    /// @notice The appraisal policy that an answering enclave must be admitted under.
    bytes32 public immutable POLICY_ID;
    /// @notice How long before the deadline answers begin to be accepted that a single host or odd node can cause.
    uint32 public immutable FALLBACK_WINDOW_SECONDS;
    /// @notice Longest time from question to deadline: 7 days, or nine tenths of the time for which the chain knows a block's hash.
    uint32 public immutable MAX_LIFETIME_SECONDS;
    IChainAdapter private immutable CHAIN;

    mapping(bytes32 functionsRequestId => bytes32 requestId) private _requestIds;
    mapping(bytes32 requestId => Question) private _questions;

    constructor(
        IFunctionsRouter router,
        IEnclaveRegistry enclaves,
        bytes32 policyId,
        uint32 fallbackWindowSeconds
    ) {
        require(enclaves.versionOf(policyId) != 0, PolicyUnknown(policyId));
        ROUTER = router;
        ENCLAVES = enclaves;
        POLICY_ID = policyId;
        FALLBACK_WINDOW_SECONDS = fallbackWindowSeconds;
        CHAIN = enclaves.CHAIN();
        uint256 known = Chain.blockHashWindowSeconds(CHAIN) * 9 / 10;
        MAX_LIFETIME_SECONDS = uint32(known < MAX_LIFETIME ? known : MAX_LIFETIME);
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
    function deliver(bytes32 requestId, bytes calldata response, bytes calldata output) external {
        (uint8 form, bytes calldata tail) = FunctionsAnswers.split(response);
        require(form == FunctionsAnswers.FORM_HASH, OutputUnexpected(requestId));
        require(
            keccak256(output) == bytes32(tail), OutputMismatch(requestId, bytes32(tail), keccak256(output))
        );
        Answer memory answer = _check(requestId, response, bytes32(tail));
        require(answer.status == AnswerStatus.Ok, OutputUnexpected(requestId));
        bytes32 context = _close(answer);
        _onAnswer(requestId, context, answer.status, answer.answeredAt, output);
    }

    /// @notice Hands an unpacked output, which lies in memory, to `_onAnswer`, which takes calldata. Only this contract calls it.
    function onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) external {
        require(msg.sender == address(this), NotSelf(msg.sender));
        _onAnswer(requestId, context, status, answeredAt, output);
    }

    /// @notice Your part: receives the answer.
    /// @param context What the question's terms said.
    /// @param answeredAt Seconds since the epoch.
    /// @param output Decode it only when `status` is `Ok`; it is empty otherwise.
    function _onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal virtual;

    /// @notice Yours if you want it: the nodes brought an error. The question is still open until its deadline; the enclave may
    /// have answered it all the same, and `relay` brings that.
    /// @dev Warning: `err` is the nodes' word, signed by no enclave. Nothing may depend on it but a new attempt.
    function _onTransportFailure(bytes32 requestId, bytes calldata err) internal virtual { }

    /// @notice Asks, once.
    /// @dev Establishes: the returned id commits to chain, contract, time, block, context, payload, policy and deadline.
    /// @dev Warning: a simulated call returns another id than the transaction.
    function _request(FunctionsTerms memory terms, bytes memory payload)
        internal
        returns (bytes32 requestId)
    {
        require(
            terms.lifetimeSeconds > FALLBACK_WINDOW_SECONDS && terms.lifetimeSeconds <= MAX_LIFETIME_SECONDS,
            LifetimeInvalid(terms.lifetimeSeconds, FALLBACK_WINDOW_SECONDS, MAX_LIFETIME_SECONDS)
        );
        FunctionsRequest memory request = FunctionsRequest({
            chainId: block.chainid,
            consumer: address(this),
            requestedAt: uint40(block.timestamp),
            requestBlock: uint64(Chain.blockNumber(CHAIN)),
            nonce: 0,
            context: terms.context,
            payloadHash: keccak256(payload),
            policyId: POLICY_ID,
            maxOutputBytes: terms.maxOutputBytes,
            deadline: uint40(block.timestamp) + terms.lifetimeSeconds
        });
        requestId = FunctionsRequests.id(request);
        // Equal questions of one block. None of them can be answered in it: its hash is not known yet.
        while (_questions[requestId].requestedAt != 0) {
            ++request.nonce;
            requestId = FunctionsRequests.id(request);
        }
        Question storage question = _questions[requestId];
        question.requestedAt = request.requestedAt;
        question.deadline = request.deadline;
        question.requestBlock = request.requestBlock;
        if (terms.context != 0) question.context = terms.context;
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
        Answer memory answer = _check(requestId, response, outputHash);
        // The form is not signed: whoever brings an answer that is not ok must not bring it by hash, to be delivered as ok.
        require(
            answer.status == AnswerStatus.Ok || (form == FunctionsAnswers.FORM_INLINE && tail.length == 0),
            OutputUnexpected(requestId)
        );
        if (form == FunctionsAnswers.FORM_HASH) {
            // Nothing is kept: whoever brings a hash must not keep out those who bring an output.
            emit OutputAwaited(requestId, answer.keysetId, outputHash, response);
            return;
        }
        bytes32 context = _close(answer);
        if (form == FunctionsAnswers.FORM_INLINE) {
            _onAnswer(requestId, context, answer.status, answer.answeredAt, tail);
        } else {
            this.onAnswer(requestId, context, answer.status, answer.answeredAt, unpacked);
        }
    }

    /// @dev Before the consumer acts: whatever it calls, this question is answered.
    function _close(Answer memory answer) private returns (bytes32 context) {
        context = _questions[answer.requestId].context;
        delete _questions[answer.requestId];
        emit AnswerAccepted(answer.requestId, answer.keysetId, answer.outputHash, answer.transcriptRoot);
    }

    /// @dev Reverts unless an admitted key signed this answer to a question that is open, in time.
    function _check(bytes32 requestId, bytes calldata response, bytes32 outputHash)
        private
        view
        returns (Answer memory answer)
    {
        Question storage question = _questions[requestId];
        uint40 requestedAt = question.requestedAt;
        uint40 deadline = question.deadline;
        require(requestedAt != 0, QuestionNotPending(requestId));
        require(block.timestamp <= deadline, AnswerExpired(requestId, deadline));
        uint256 number = FunctionsAnswers.stateBlockNumber(response);
        require(number >= question.requestBlock, StateBlockTooOld(requestId, number, question.requestBlock));
        bytes32 blockHash = Chain.blockHash(CHAIN, number);
        require(blockHash != 0, StateBlockUnknown(requestId, number));

        answer = FunctionsAnswers.answerOf(requestId, response, outputHash, blockHash);
        require(
            Answers.isTimely(answer.status, answer.answeredAt, requestedAt),
            AnswerTimeUnacceptable(requestId, answer.answeredAt)
        );
        require(
            !Answers.isLastResort(answer.status) || block.timestamp + FALLBACK_WINDOW_SECONDS >= deadline,
            FallbackWindowNotReached(requestId, deadline - FALLBACK_WINDOW_SECONDS)
        );
        address signer = FunctionsAnswers.recover(answer, response, block.chainid, address(this));
        // Reverts with the condition that is not met. The payee is no concern here: subscriptions pay this road.
        ENCLAVES.payeeOf(POLICY_ID, requestedAt, answer.keysetId, signer);
    }
}
