// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import { IChainAdapter } from "../interfaces/IChainAdapter.sol";
import { IEnclaveRegistry } from "../interfaces/IEnclaveRegistry.sol";
import { Chain } from "../libraries/Chain.sol";
import { Answer, Answers, AnswerStatus } from "../types/Answer.sol";
import { FunctionsAnswers } from "./FunctionsAnswers.sol";
import { FunctionsRequest, FunctionsRequests } from "./FunctionsRequests.sol";
import { IEnclaveAnswers } from "./IEnclaveAnswers.sol";

/// @title EnclaveAnswers
/// @notice What consumers on other networks' roads share: questions, and the check of what an enclave signed for them.
/// @dev Establishes: `_onAnswer` runs once a question, with what an enclave signed for it; see `IEnclaveAnswers.relay`.
/// @dev Does not establish: that an answer comes. Nodes, their operators and the enclave's host may all stay silent.
abstract contract EnclaveAnswers is IEnclaveAnswers {
    /// @dev `context` is its own slot, written only where there is one.
    struct Question {
        uint40 requestedAt;
        uint40 deadline;
        uint64 requestBlock;
        bytes32 context;
    }

    uint256 private constant MAX_LIFETIME = 7 days;

    /// @notice Where keys are admitted by their evidence.
    IEnclaveRegistry public immutable ENCLAVES;
    /// @notice The appraisal policy that an answering enclave must be admitted under.
    bytes32 public immutable POLICY_ID;
    /// @notice How long before the deadline answers begin to be accepted that a single host or odd node can cause.
    uint32 public immutable FALLBACK_WINDOW_SECONDS;
    /// @notice Longest time from question to deadline: 7 days, or nine tenths of the time for which the chain knows a block's hash.
    uint32 public immutable MAX_LIFETIME_SECONDS;
    IChainAdapter private immutable CHAIN;

    mapping(bytes32 requestId => Question) private _questions;

    constructor(IEnclaveRegistry enclaves, bytes32 policyId, uint32 fallbackWindowSeconds) {
        require(enclaves.versionOf(policyId) != 0, PolicyUnknown(policyId));
        ENCLAVES = enclaves;
        POLICY_ID = policyId;
        FALLBACK_WINDOW_SECONDS = fallbackWindowSeconds;
        CHAIN = enclaves.CHAIN();
        uint256 known = Chain.blockHashWindowSeconds(CHAIN) * 9 / 10;
        MAX_LIFETIME_SECONDS = uint32(known < MAX_LIFETIME ? known : MAX_LIFETIME);
    }

    /// @inheritdoc IEnclaveAnswers
    function relay(bytes32 requestId, bytes calldata response) external {
        _accept(requestId, response);
    }

    /// @inheritdoc IEnclaveAnswers
    function deliver(bytes32 requestId, bytes calldata response, bytes calldata output) external {
        (uint8 form, bytes calldata tail) = FunctionsAnswers.split(response, _maxResponseBytes());
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
    /// @param context What the question said.
    /// @param answeredAt Seconds since the epoch.
    /// @param output Decode it only when `status` is `Ok`; it is empty otherwise.
    function _onAnswer(
        bytes32 requestId,
        bytes32 context,
        AnswerStatus status,
        uint64 answeredAt,
        bytes calldata output
    ) internal virtual;

    /// @notice Makes a question, once; sending it is the road's.
    /// @dev Establishes: the returned id commits to chain, contract, time, block, context, payload, policy and deadline.
    /// @return requestId The question's id.
    /// @return deadline Until when an answer is taken.
    /// @return call What the enclave is asked with: the question, then the payload.
    function _open(bytes32 context, uint24 maxOutputBytes, uint32 lifetimeSeconds, bytes memory payload)
        internal
        returns (bytes32 requestId, uint40 deadline, bytes memory call)
    {
        require(
            lifetimeSeconds > FALLBACK_WINDOW_SECONDS && lifetimeSeconds <= MAX_LIFETIME_SECONDS,
            LifetimeInvalid(lifetimeSeconds, FALLBACK_WINDOW_SECONDS, MAX_LIFETIME_SECONDS)
        );
        deadline = uint40(block.timestamp) + lifetimeSeconds;
        FunctionsRequest memory request = FunctionsRequest({
            chainId: block.chainid,
            consumer: address(this),
            requestedAt: uint40(block.timestamp),
            requestBlock: uint64(Chain.blockNumber(CHAIN)),
            nonce: 0,
            context: context,
            payloadHash: keccak256(payload),
            policyId: POLICY_ID,
            maxOutputBytes: maxOutputBytes,
            deadline: deadline
        });
        requestId = FunctionsRequests.id(request);
        // Equal questions of one block. None of them can be answered in it: its hash is not known yet.
        while (_questions[requestId].requestedAt != 0) {
            ++request.nonce;
            requestId = FunctionsRequests.id(request);
        }
        Question storage question = _questions[requestId];
        question.requestedAt = request.requestedAt;
        question.deadline = deadline;
        question.requestBlock = request.requestBlock;
        if (context != 0) question.context = context;
        call = FunctionsRequests.call(request, payload);
    }

    /// @dev Longest response that the road carries.
    function _maxResponseBytes() internal pure virtual returns (uint256);

    function _accept(bytes32 requestId, bytes calldata response) internal {
        (uint8 form, bytes calldata tail) = FunctionsAnswers.split(response, _maxResponseBytes());
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
        // Reverts with the condition that is not met. The payee is no concern here: those who carry it are paid elsewhere.
        ENCLAVES.payeeOf(POLICY_ID, requestedAt, answer.keysetId, signer);
    }
}
